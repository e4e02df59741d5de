package probe_test

import (
	"context"
	"fmt"
	"maps"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/probe"
	"github.com/etcdfleet/etcd-fleet/internal/etcdclient"
	"github.com/etcdfleet/etcd-fleet/internal/etcdtest"
)

const (
	interval = time.Second
	patience = 2 * time.Minute
	poll     = 50 * time.Millisecond

	// defect is the name of a Secret whose reading panics.
	defect = "defect"
)

// probed runs a prober over objects that the test may change. The members are real; the objects lie in memory, as in the
// cache that the prober reads.
type probed struct {
	client.Client
	t       *testing.T
	metrics *prometheus.Registry
	owns    atomic.Bool
}

func start(t *testing.T, objects ...client.Object) *probed {
	t.Helper()
	scheme := runtime.NewScheme()
	require.NoError(t, clientgoscheme.AddToScheme(scheme))
	require.NoError(t, etcdv1beta1.AddToScheme(scheme))
	p := &probed{
		Client: fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithInterceptorFuncs(interceptor.Funcs{
			Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, options ...client.GetOption) error {
				if key.Name == defect {
					panic("index out of range")
				}
				return c.Get(ctx, key, o, options...)
			},
		}).Build(),
		t:       t,
		metrics: prometheus.NewPedanticRegistry(),
	}
	p.owns.Store(true)
	prober := probe.New(probe.Options{
		Interval: interval, Objects: p.Client, Secrets: etcdclient.Secrets{Cached: p.Client, Live: p.Client}, Pool: etcdclient.NewPool(time.Minute),
		Owns: func(types.NamespacedName) bool { return p.owns.Load() },
	})
	require.NoError(t, p.metrics.Register(prober))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- prober.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		assert.NoError(t, <-ended)
	})
	return p
}

func object(id string, spec etcdv1beta1.EtcdClusterSpec) *etcdv1beta1.EtcdCluster {
	return &etcdv1beta1.EtcdCluster{
		ObjectMeta: metav1.ObjectMeta{Namespace: "gz", Name: id, UID: types.UID(id)}, Spec: spec,
	}
}

func secret(data map[string][]byte) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "gz", Name: "etcd-client", Labels: etcdtest.CredentialsLabels()}, Data: data}
}

// series are the values of etcdfleet_probe_success by cluster, and those of etcdfleet_probe_timestamp_seconds.
func (p *probed) series() (success, timestamp map[string]float64) {
	p.t.Helper()
	families, err := p.metrics.Gather()
	require.NoError(p.t, err)
	byName := map[string]map[string]float64{"etcdfleet_probe_success": {}, "etcdfleet_probe_timestamp_seconds": {}}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			labels := map[string]string{}
			for _, pair := range metric.GetLabel() {
				labels[pair.GetName()] = pair.GetValue()
			}
			byName[family.GetName()][labels["cluster"]] = metric.GetGauge().GetValue()
			assert.Equal(p.t, map[string]string{
				"region": "gz", "product": "tke", "scene": "business", "spec": labels["spec"], "cluster": labels["cluster"],
			}, labels)
		}
	}
	return byName["etcdfleet_probe_success"], byName["etcdfleet_probe_timestamp_seconds"]
}

// await waits until probes that began from now on say so.
func (p *probed) await(want map[string]float64, what string) {
	p.t.Helper()
	begin := float64(time.Now().UnixMilli()) / 1000
	require.Eventually(p.t, func() bool {
		success, timestamp := p.series()
		for cluster := range success {
			if timestamp[cluster] < begin {
				return false
			}
		}
		return maps.Equal(want, success)
	}, patience, poll, what)
}

// neverJudges checks that no verdict is given for as long as several probes take, each of which may wait for its time-out.
func (p *probed) neverJudges(what string) {
	p.t.Helper()
	assert.Never(p.t, func() bool {
		success, _ := p.series()
		return len(success) > 0
	}, 15*time.Second, poll, what)
}

func TestAClusterIsAliveWhileAQuorumAnswers(t *testing.T) {
	cluster := etcdtest.Start(t, etcdtest.Options{})
	p := start(t, object("gz-a", cluster.Spec("gz-a", "")))
	p.await(map[string]float64{"gz-a": 1}, "three members answer")

	cluster.Members[0].Pause(t)
	p.await(map[string]float64{"gz-a": 1}, "one that hangs is no dead cluster")
	cluster.Members[0].Resume(t)
	cluster.Members[1].Kill(t)
	p.await(map[string]float64{"gz-a": 1}, "one that is gone is no dead cluster")

	cluster.Members[0].Pause(t)
	p.await(map[string]float64{"gz-a": 0}, "one is gone and one hangs")
	cluster.Members[0].Resume(t)
	p.await(map[string]float64{"gz-a": 1}, "the quorum is back")
	cluster.Members[0].Kill(t)
	p.await(map[string]float64{"gz-a": 0}, "two of three are gone")
	cluster.Members[2].Kill(t)
	p.await(map[string]float64{"gz-a": 0}, "all are gone")
}

// A member that lost its data and was started alone answers by the quorum of itself.
func TestAMemberOfAnotherClusterIsNoEvidence(t *testing.T) {
	cluster := etcdtest.Start(t, etcdtest.Options{})
	p := start(t, object("gz-a", cluster.Spec("gz-a", "")))
	p.await(map[string]float64{"gz-a": 1}, "three members answer")
	cluster.Members[0].RestartAlone(t)
	p.await(map[string]float64{"gz-a": 1}, "two of the cluster's members answer")
	cluster.Members[1].Kill(t)
	p.await(map[string]float64{"gz-a": 0}, "none of the cluster's members answers")
}

func TestAClusterThatIsBuiltAnewIsAlive(t *testing.T) {
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1})
	p := start(t, object("gz-a", cluster.Spec("gz-a", "")))
	p.await(map[string]float64{"gz-a": 1}, "it answers")
	cluster.Members[0].RestartAlone(t)
	p.await(map[string]float64{"gz-a": 1}, "it answers by another ID")
}

func TestWhoCannotBeAskedIsNeitherAliveNorDead(t *testing.T) {
	demanding := etcdtest.Start(t, etcdtest.Options{Size: 1, TLS: true})
	protected := etcdtest.Start(t, etcdtest.Options{Size: 1, Auth: true})
	credentials := protected.Credentials(t)
	credentials["password"] = []byte("wrong")
	strange := protected.Credentials(t)
	strange["ca.crt"] = demanding.Credentials(t)["ca.crt"]
	stranger := etcdtest.Start(t, etcdtest.Options{Size: 1, TLS: true})
	unresolved := protected.Spec("gz-a", "")
	unresolved.Members[0].ClientURL = "http://etcd-0.invalid:2379"
	for name, test := range map[string]struct {
		spec   etcdv1beta1.EtcdClusterSpec
		secret *corev1.Secret
	}{
		"the Secret is missing":               {demanding.Spec("gz-a", "absent"), nil},
		"the Secret is a half":                {demanding.Spec("gz-a", "etcd-client"), secret(map[string][]byte{"tls.crt": []byte("x")})},
		"the member's authority is not known": {demanding.Spec("gz-a", ""), nil},
		"the member is another authority's":   {demanding.Spec("gz-a", "etcd-client"), secret(stranger.Credentials(t))},
		"the client's certificate is missing": {demanding.Spec("gz-a", "etcd-client"),
			secret(map[string][]byte{"ca.crt": demanding.Credentials(t)["ca.crt"]})},
		"the password is wrong": {protected.Spec("gz-a", "etcd-client"), secret(credentials)},
		"the member that demands a password is another authority's": {protected.Spec("gz-a", "etcd-client"), secret(strange)},
		"the name does not resolve":                                 {unresolved, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it mostly waits
			objects := []client.Object{object("gz-a", test.spec)}
			if test.secret != nil {
				objects = append(objects, test.secret)
			}
			start(t, objects...).neverJudges(name)
		})
	}
}

func TestAClusterThatDemandsCertificatesOrAPassword(t *testing.T) {
	for name, options := range map[string]etcdtest.Options{
		"certificates": {Size: 1, TLS: true}, "a password": {Size: 1, Auth: true},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := etcdtest.Start(t, options)
			p := start(t, object("gz-a", cluster.Spec("gz-a", "etcd-client")), secret(cluster.Credentials(t)))
			p.await(map[string]float64{"gz-a": 1}, "it answers")
			cluster.Members[0].Kill(t)
			p.await(map[string]float64{"gz-a": 0}, "it is gone")
			cluster.Members[0].Restart(t)
			p.await(map[string]float64{"gz-a": 1}, "it is back")
		})
	}
}

func TestAUserWithoutRightsIsAnsweredByTheQuorum(t *testing.T) {
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1, Auth: true})
	_, err := cluster.Client(t).UserAddWithOptions(t.Context(), "nobody", "secret", &clientv3.UserAddOptions{})
	require.NoError(t, err)
	credentials := cluster.Credentials(t)
	credentials["username"], credentials["password"] = []byte("nobody"), []byte("secret")
	p := start(t, object("gz-a", cluster.Spec("gz-a", "etcd-client")), secret(credentials))
	p.await(map[string]float64{"gz-a": 1}, "it answers that the user may not read")
}

func TestAClusterThatNeverAnsweredIsDead(t *testing.T) {
	spec := etcdv1beta1.EtcdClusterSpec{
		ClusterID: "gz-a", Region: "gz", ProductName: "tke", Scene: "business", Specification: "large",
		Members: []etcdv1beta1.EtcdClusterMember{{Name: "etcd-0", ClientURL: "http://127.0.0.1:1"}},
	}
	p := start(t, object("gz-a", spec))
	p.await(map[string]float64{"gz-a": 0}, "nobody listens there")
}

func TestSeriesEndWithTheClusterAndWithItsOwner(t *testing.T) {
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1})
	a, b := object("gz-a", cluster.Spec("gz-a", "")), object("gz-b", cluster.Spec("gz-b", ""))
	p := start(t, a, b)
	p.await(map[string]float64{"gz-a": 1, "gz-b": 1}, "both answer")
	require.NoError(t, p.Delete(t.Context(), a))
	p.await(map[string]float64{"gz-b": 1}, "one was deleted")
	p.owns.Store(false)
	success, timestamp := p.series()
	assert.Empty(t, success, "another replica's")
	assert.Empty(t, timestamp)
}

// One series twice would make the whole scrape fail, and two that contradict each other would page for a healthy cluster.
func TestAnObjectWithTheIDOfAnotherClusterSaysNothing(t *testing.T) {
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1})
	old := object("gz-a", cluster.Spec("gz-a", ""))
	old.CreationTimestamp = metav1.NewTime(time.Now().Add(-time.Hour).Truncate(time.Second))
	var objects []client.Object
	for _, namespace := range []string{"gz", "elsewhere"} {
		bogus := old.DeepCopy()
		bogus.Namespace, bogus.Name, bogus.UID = namespace, "bogus", types.UID("bogus-"+namespace)
		bogus.CreationTimestamp = metav1.Now()
		bogus.Spec.Members[0].ClientURL = "http://127.0.0.1:1"
		objects = append(objects, bogus)
	}
	p := start(t, append(objects, old)...)
	p.await(map[string]float64{"gz-a": 1}, "the older object's answers")
	assert.Never(t, func() bool {
		success, _ := p.series()
		return success["gz-a"] != 1
	}, 5*interval, poll)
}

func TestADefectThatOneClusterTriggersStopsNoOther(t *testing.T) {
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1})
	p := start(t, object("gz-a", cluster.Spec("gz-a", defect)), object("gz-b", cluster.Spec("gz-b", "")))
	for range 3 {
		p.await(map[string]float64{"gz-b": 1}, "the other is probed")
		time.Sleep(interval)
	}
}

func TestManyDeadClustersDelayNoProbeOfOneThatLives(t *testing.T) {
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1})
	silent, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0") // connections to it are made, and nothing answers
	require.NoError(t, err)
	t.Cleanup(func() { _ = silent.Close() })
	objects := []client.Object{object("gz-a", cluster.Spec("gz-a", ""))}
	for i := range 300 { // more than may be asked at once
		hanging := cluster.Spec(fmt.Sprint("gz-", i), "")
		hanging.Members[0].ClientURL = "http://" + silent.Addr().String()
		objects = append(objects, object(hanging.ClusterID, hanging))
	}
	p := start(t, objects...)
	require.Eventually(t, func() bool {
		success, _ := p.series()
		return len(success) == len(objects)
	}, patience, poll, "each is probed")
	probes := map[string]map[float64]bool{"gz-a": {}, "gz-0": {}}
	require.Eventually(t, func() bool {
		_, timestamp := p.series()
		for cluster, seen := range probes {
			seen[timestamp[cluster]] = true
		}
		return len(probes["gz-a"]) > 10
	}, patience, poll)
	assert.Less(t, len(probes["gz-0"]), 6, "a probe of a dead one takes longer, and that of the living is not in its queue")
}
