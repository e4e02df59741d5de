package onboarding_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/apitest"
	"github.com/etcdfleet/etcd-fleet/internal/etcdtest"
	"github.com/etcdfleet/etcd-fleet/internal/labbin"
	"github.com/etcdfleet/etcd-fleet/internal/testproc"
	"github.com/etcdfleet/etcd-fleet/operator/identity"
	"github.com/etcdfleet/etcd-fleet/operator/inventory"
	"github.com/etcdfleet/etcd-fleet/operator/onboarding"
	"github.com/etcdfleet/etcd-fleet/operator/targets"
)

const (
	patience = 2 * time.Minute
	poll     = 100 * time.Millisecond

	// nobody is an address at which nothing listens.
	nobody = "http://127.0.0.1:1"
)

func TestMain(m *testing.M) { os.Exit(apitest.Main(m)) }

type cluster = etcdv1beta1.EtcdCluster

// region is an operator and a real Prometheus that scrapes the operator's targets.
type region struct {
	client.Client
	t                 *testing.T
	namespace         string
	targets           string
	prometheusAddress string
	prometheus        *testproc.Process
}

// newRegion starts Prometheus. What the operator serves is scraped as soon as it runs.
func newRegion(t *testing.T) *region {
	t.Helper()
	r := &region{
		Client: apitest.Client(t), t: t, namespace: apitest.Namespace(t),
		targets: testproc.FreeAddress(t), prometheusAddress: testproc.FreeAddress(t),
	}
	binaries, err := labbin.Dir("prometheus")
	require.NoError(t, err)
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yaml")
	require.NoError(t, os.WriteFile(config, []byte(fmt.Sprintf(`
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - job_name: etcd
    http_sd_configs: [{url: 'http://%s%s', refresh_interval: 1s}]
`, r.targets, targets.Path)), 0o600))
	ready := "http://" + r.prometheusAddress + "/-/ready"
	r.prometheus, err = testproc.Start(dir, filepath.Join(binaries, "prometheus"), []string{
		"--config.file=" + config, "--storage.tsdb.path=" + filepath.Join(dir, "data"), "--web.listen-address=" + r.prometheusAddress,
	}, func(ctx context.Context) error { return testproc.GetOK(ctx, http.DefaultClient, ready) })
	require.NoError(t, err)
	t.Cleanup(r.prometheus.Kill)
	return r
}

// start runs the operator until the test ends or stop is called.
func (r *region) start() (metrics prometheus.Gatherer, stop func()) {
	r.t.Helper()
	registry := prometheus.NewPedanticRegistry()
	stop = apitest.StartManager(r.t, apitest.Config(), r.namespace, func(_ context.Context, mgr ctrl.Manager) error {
		for _, err := range []error{
			identity.Setup(mgr, identity.Options{Namespaces: []string{r.namespace}, RecordNamespace: r.namespace}),
			targets.Setup(mgr, targets.Options{BindAddress: r.targets, AwaitsScrapes: true, Metrics: registry}),
			inventory.Setup(mgr, inventory.Options{AwaitsScrapes: true, Metrics: registry}),
			onboarding.Setup(mgr, onboarding.Options{
				Prometheus: onboarding.Prometheus{URL: "http://" + r.prometheusAddress}, Metrics: registry,
			}),
		} {
			if err != nil {
				return err
			}
		}
		return nil
	})
	return registry, stop
}

// create creates a cluster with members at these addresses.
func (r *region) create(id string, members []etcdv1beta1.EtcdClusterMember) *cluster {
	r.t.Helper()
	c := &cluster{
		ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: id},
		Spec: etcdv1beta1.EtcdClusterSpec{
			ClusterID: id, Region: "gz", ProductName: "tke", Scene: "business", Members: members,
		},
	}
	require.NoError(r.t, r.Create(context.Background(), c))
	return c
}

func (r *region) read(c *cluster) *cluster {
	r.t.Helper()
	var newest cluster
	require.NoError(r.t, r.Get(context.Background(), client.ObjectKeyFromObject(c), &newest))
	return &newest
}

func (r *region) edit(c *cluster, change func(*cluster)) {
	r.t.Helper()
	before := r.read(c)
	changed := before.DeepCopy()
	change(changed)
	require.NoError(r.t, r.Patch(context.Background(), changed, client.MergeFrom(before)))
}

// await waits until the condition Onboarded of the newest spec has the reason, and returns its message.
func (r *region) await(c *cluster, reason string) string {
	r.t.Helper()
	var found *metav1.Condition
	ok := assert.Eventually(r.t, func() bool {
		newest := r.read(c)
		found = meta.FindStatusCondition(newest.Status.Conditions, etcdv1beta1.ConditionOnboarded)
		return found != nil && found.Reason == reason && found.ObservedGeneration == newest.Generation
	}, patience, poll)
	require.True(r.t, ok, "the condition is %+v, not %s", found, reason)
	return found.Message
}

// series are the values of the inventory's series of a cluster, by metric, and by member where there is one. Those that are
// only there to be joined are left out.
func series(t *testing.T, metrics prometheus.Gatherer, id string) map[string]float64 {
	t.Helper()
	families, err := metrics.Gather()
	require.NoError(t, err)
	found := map[string]float64{}
	for _, family := range families {
		if strings.HasSuffix(family.GetName(), "_info") {
			continue
		}
		for _, metric := range family.GetMetric() {
			name, of := strings.TrimPrefix(family.GetName(), "etcdfleet_"), ""
			for _, label := range metric.GetLabel() {
				switch label.GetName() {
				case "cluster":
					of = label.GetValue()
				case "member":
					name += "/" + label.GetValue()
				}
			}
			if of == id {
				found[name] = metric.GetGauge().GetValue()
			}
		}
	}
	return found
}

func TestAMemberCountsFromItsFirstGoodScrapeOn(t *testing.T) {
	etcd := etcdtest.Start(t, etcdtest.Options{})
	r := newRegion(t)
	metrics, stop := r.start()
	members := etcd.Spec("gz-a", "").Members
	right := members[1].ClientURL
	members[1].ClientURL = nobody
	c := r.create("gz-a", members)

	awaits := func() { // the two good ones are seen, and the third is not
		require.Eventually(t, func() bool {
			found := series(t, metrics, "gz-a")
			return found["cluster_members"] == 3 && found["cluster_members_seen"] == 2 && found["cluster_quorum_seen"] == 1 &&
				found["member_awaited_since_seconds/"+members[1].Name] >= float64(c.CreationTimestamp.Unix())
		}, patience, poll)
	}
	awaits()
	says := r.await(c, "AwaitingMembers")
	assert.Contains(t, says, "Waiting for the first good scrape of member "+members[1].Name+" at "+nobody)
	assert.NotContains(t, says, members[0].Name+" at")
	stop()
	metrics, _ = r.start()
	awaits()

	r.edit(c, func(c *cluster) { c.Spec.Members[1].ClientURL = right })
	r.await(c, "Onboarded")
	all := map[string]float64{"cluster_members": 3, "cluster_members_seen": 3, "cluster_quorum_seen": 1, "cluster_kubernetes_clusters": 0}
	require.Eventually(t, func() bool { return assert.ObjectsAreEqual(all, series(t, metrics, "gz-a")) }, patience, poll)

	seen := r.read(c).Status.Members
	r.edit(c, func(c *cluster) { c.Spec.Members[0].ClientURL = nobody })
	r.await(c, "Onboarded")
	assert.Equal(t, seen, r.read(c).Status.Members, "an edited address does not make a member new")
	assert.Equal(t, all, series(t, metrics, "gz-a"))
}

func TestAClusterWithWrongAddressesNeverCountsAndHarmsNoNeighbour(t *testing.T) {
	etcd := etcdtest.Start(t, etcdtest.Options{Size: 1})
	r := newRegion(t)
	metrics, _ := r.start()
	neighbour := r.create("gz-neighbour", etcd.Spec("gz-neighbour", "").Members)
	r.await(neighbour, "Onboarded")
	untouched := r.read(neighbour).ResourceVersion
	wrong := r.create("gz-wrong", []etcdv1beta1.EtcdClusterMember{
		{Name: "etcd-0", ClientURL: nobody}, {Name: "etcd-1", ClientURL: "http://127.0.0.1:2"}, {Name: "etcd-2", ClientURL: "http://127.0.0.1:3"},
	})
	r.await(wrong, "AwaitingMembers")

	// What is awaited for ten minutes is stuck: an Event says so. The status holds the time, so the test sets it back.
	before := r.read(wrong)
	waited := before.DeepCopy()
	for i := range waited.Status.Members {
		waited.Status.Members[i].AwaitedSince = &metav1.Time{Time: time.Now().Add(-11 * time.Minute)}
	}
	require.NoError(t, r.Status().Patch(context.Background(), waited, client.MergeFrom(before)))
	assert.Contains(t, r.await(wrong, "OnboardingStuck"), "member etcd-1 at http://127.0.0.1:2")
	require.Eventually(t, func() bool {
		var events eventsv1.EventList
		require.NoError(t, r.List(context.Background(), &events, client.InNamespace(r.namespace)))
		for _, event := range events.Items {
			if event.Regarding.UID == wrong.UID && event.Reason == "OnboardingStuck" {
				return strings.HasPrefix(event.Note, "For 10m0s: Waiting for the first good scrape of member etcd-0")
			}
		}
		return false
	}, patience, poll)

	found := series(t, metrics, "gz-wrong")
	assert.InDelta(t, 3, found["cluster_members"], 0)
	assert.InDelta(t, 0, found["cluster_members_seen"], 0)
	assert.InDelta(t, 0, found["cluster_quorum_seen"], 0)
	assert.Contains(t, found, "member_awaited_since_seconds/etcd-2")
	assert.Equal(t, map[string]float64{"cluster_members": 1, "cluster_members_seen": 1, "cluster_quorum_seen": 1, "cluster_kubernetes_clusters": 0},
		series(t, metrics, "gz-neighbour"))
	assert.Equal(t, untouched, r.read(neighbour).ResourceVersion)
}

func TestAPrometheusThatDoesNotAnswerMakesNoMemberCount(t *testing.T) {
	etcd := etcdtest.Start(t, etcdtest.Options{Size: 1})
	r := newRegion(t)
	r.prometheus.Stop()
	metrics, _ := r.start()
	c := r.create("gz-a", etcd.Spec("gz-a", "").Members)
	says := r.await(c, "PrometheusUnreachable")
	assert.Contains(t, says, "check --prometheus-url")
	assert.InDelta(t, 0, series(t, metrics, "gz-a")["cluster_members_seen"], 0)
	require.NoError(t, r.prometheus.Restart())
	r.await(c, "Onboarded")
}
