package cruiser_test

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
	"github.com/etcdfleet/etcd-fleet/internal/apitest"
	"github.com/etcdfleet/etcd-fleet/internal/parameters"
)

const (
	// patience is how long a test waits for what must happen.
	patience = time.Minute
	poll     = 20 * time.Millisecond
)

func TestMain(m *testing.M) { os.Exit(apitest.Main(m)) }

// sandbox is a namespace of the test's own with a client that may do everything.
type sandbox struct {
	client.WithWatch

	t         *testing.T
	namespace string
}

func newSandbox(t *testing.T) *sandbox {
	t.Helper()
	return &sandbox{WithWatch: apitest.Client(t), t: t, namespace: apitest.Namespace(t)}
}

// start runs cruiser in the namespace until the test ends or stop is called. A second one may run at the same time.
func (b *sandbox) start(options cruiser.Options) (metrics *prometheus.Registry, stop func()) {
	b.t.Helper()
	return b.startAs(apitest.Config(), options)
}

func (b *sandbox) startAs(config *rest.Config, options cruiser.Options) (metrics *prometheus.Registry, stop func()) {
	b.t.Helper()
	metrics = prometheus.NewPedanticRegistry()
	options.Metrics = metrics
	options.LeaseNamespace = cmp.Or(options.LeaseNamespace, b.namespace)
	stop = apitest.StartManager(b.t, config, b.namespace, func(_ context.Context, mgr ctrl.Manager) error {
		return cruiser.Setup(mgr, options)
	}, func(manager *ctrl.Options) { manager.Cache.ByObject = cruiser.Cached() })
	return metrics, stop
}

// cluster creates an EtcdCluster whose members nobody serves.
func (b *sandbox) cluster(id string) *etcdv1beta1.EtcdCluster {
	b.t.Helper()
	cluster := &etcdv1beta1.EtcdCluster{
		ObjectMeta: metav1.ObjectMeta{Namespace: b.namespace, Name: id},
		Spec: etcdv1beta1.EtcdClusterSpec{
			ClusterID: id, Region: "gz", ProductName: "tke", Scene: "business", Specification: "large",
			Members: []etcdv1beta1.EtcdClusterMember{{Name: "etcd-0", ClientURL: "http://127.0.0.1:1"}},
		},
	}
	require.NoError(b.t, b.Create(context.Background(), cluster))
	return cluster
}

// monitor creates an EtcdMonitor; change, if any, is applied before.
func (b *sandbox) monitor(clusterID, check string, change func(*etcdv1beta1.EtcdMonitor)) *etcdv1beta1.EtcdMonitor {
	b.t.Helper()
	monitor := &etcdv1beta1.EtcdMonitor{
		ObjectMeta: metav1.ObjectMeta{Namespace: b.namespace, Name: clusterID + "-" + check},
		Spec: etcdv1beta1.EtcdMonitorSpec{
			ClusterID: clusterID, MetricName: check, MetricProviderName: "cruiser",
			Region: "spec-region", ProductName: "spec-product",
		},
	}
	if change != nil {
		change(monitor)
	}
	require.NoError(b.t, b.Create(context.Background(), monitor))
	return monitor
}

func every(interval time.Duration) func(*etcdv1beta1.EtcdMonitor) {
	return func(m *etcdv1beta1.EtcdMonitor) { m.Spec.Interval = &metav1.Duration{Duration: interval} }
}

// request asks for a run as any client does.
func (b *sandbox) request(monitor *etcdv1beta1.EtcdMonitor, value string) {
	b.t.Helper()
	patch := fmt.Sprintf(`{"metadata":{"annotations":{%q:%q,%q:"someone"}}}`,
		etcdv1beta1.AnnotationRunRequestedAt, value, etcdv1beta1.AnnotationRunRequestedBy)
	require.NoError(b.t, b.Patch(context.Background(), monitor.DeepCopy(), client.RawPatch("application/merge-patch+json", []byte(patch))))
}

// setStatus writes a status as another program or an earlier cruiser left it.
func (b *sandbox) setStatus(monitor *etcdv1beta1.EtcdMonitor, status etcdv1beta1.EtcdMonitorStatus) {
	b.t.Helper()
	newest := b.read(monitor)
	newest.Status = status
	require.NoError(b.t, b.Status().Update(context.Background(), newest))
}

func (b *sandbox) read(monitor *etcdv1beta1.EtcdMonitor) *etcdv1beta1.EtcdMonitor {
	b.t.Helper()
	var newest etcdv1beta1.EtcdMonitor
	require.NoError(b.t, b.Get(context.Background(), client.ObjectKeyFromObject(monitor), &newest))
	return &newest
}

// await waits until the monitor is as wanted and returns it.
func (b *sandbox) await(
	monitor *etcdv1beta1.EtcdMonitor, what string, wanted func(*etcdv1beta1.EtcdMonitor) bool,
) *etcdv1beta1.EtcdMonitor {
	b.t.Helper()
	var newest *etcdv1beta1.EtcdMonitor
	for deadline := time.Now().Add(patience); ; time.Sleep(poll) {
		if newest = b.read(monitor); wanted(newest) {
			return newest
		}
		if time.Now().After(deadline) {
			require.FailNowf(b.t, "it did not happen: "+what, "%+v", newest.Status)
		}
	}
}

func answered(request string) func(*etcdv1beta1.EtcdMonitor) bool {
	return func(m *etcdv1beta1.EtcdMonitor) bool { return m.Status.AnsweredRequest == request }
}

func hasRecords(n int) func(*etcdv1beta1.EtcdMonitor) bool {
	return func(m *etcdv1beta1.EtcdMonitor) bool { return len(m.Status.Records) >= n }
}

func isRunning(m *etcdv1beta1.EtcdMonitor) bool {
	return meta.IsStatusConditionTrue(m.Status.Conditions, etcdv1beta1.ConditionRunning)
}

// recordsOf counts the monitor's records by request; "" are scheduled ones.
func recordsOf(monitor *etcdv1beta1.EtcdMonitor) map[string]int {
	counts := map[string]int{}
	for _, record := range monitor.Status.Records {
		counts[record.Request]++
	}
	return counts
}

// events returns the Events that regard the monitor.
func (b *sandbox) events(monitor *etcdv1beta1.EtcdMonitor) []eventsv1.Event {
	b.t.Helper()
	var all eventsv1.EventList
	require.NoError(b.t, b.List(context.Background(), &all, client.InNamespace(b.namespace)))
	var regarding []eventsv1.Event
	for _, event := range all.Items {
		if event.Regarding.Name == monitor.Name {
			regarding = append(regarding, event)
		}
	}
	return regarding
}

// awaitEvent waits for an Event about the monitor whose note contains the text.
func (b *sandbox) awaitEvent(monitor *etcdv1beta1.EtcdMonitor, note string) eventsv1.Event {
	b.t.Helper()
	var found eventsv1.Event
	require.Eventually(b.t, func() bool {
		for _, event := range b.events(monitor) {
			if strings.Contains(event.Note, note) {
				found = event
				return true
			}
		}
		return false
	}, patience, poll, "an Event with the note %q", note)
	return found
}

// passing is the result of a check that finds nothing.
var passing = checks.Result{
	Outcome: etcdv1beta1.OutcomePassed, Message: "all is well", Values: map[string]float64{"keys": 42},
}

// scriptedCheck is a check that does what the test says and counts its runs.
type scriptedCheck struct {
	mu     sync.Mutex
	runs   int
	script func(ctx context.Context, target checks.Target) (checks.Result, error)
}

func newScriptedCheck() *scriptedCheck {
	return &scriptedCheck{script: func(context.Context, checks.Target) (checks.Result, error) { return passing, nil }}
}

// then makes later runs end so.
func (s *scriptedCheck) then(result checks.Result, err error) {
	s.do(func(context.Context, checks.Target) (checks.Result, error) { return result, err })
}

// do makes later runs do so.
func (s *scriptedCheck) do(script func(context.Context, checks.Target) (checks.Result, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = script
}

// block makes later runs wait until release is called or they are cancelled; begun receives the cluster of each.
func (s *scriptedCheck) block() (begun <-chan string, release func()) {
	entered, released := make(chan string, 100), make(chan struct{})
	s.do(func(ctx context.Context, target checks.Target) (checks.Result, error) {
		entered <- target.Cluster.ClusterID
		select {
		case <-released:
			return passing, nil
		case <-ctx.Done():
			return checks.Result{}, ctx.Err()
		}
	})
	return entered, sync.OnceFunc(func() { close(released) })
}

func (s *scriptedCheck) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.runs
}

// named returns the check under a name.
func (s *scriptedCheck) named(name string) checks.Check {
	return checks.Check{
		Name:       name,
		Parameters: parameters.Set{{Name: "depth", Kind: parameters.Count, Default: "1"}},
		Values:     []checks.Value{{Name: "keys", Metric: "etcd_inspection_keys", Help: "Keys."}},
		Run: func(ctx context.Context, target checks.Target) (checks.Result, error) {
			s.mu.Lock()
			s.runs++
			script := s.script
			s.mu.Unlock()
			return script(ctx, target)
		},
	}
}

// options are those of a cruiser that knows the check under the name scripted.
func (s *scriptedCheck) options(t *testing.T) cruiser.Options {
	t.Helper()
	registry, err := checks.NewRegistry(s.named("scripted"), s.named("other"))
	require.NoError(t, err)
	return cruiser.Options{Checks: registry, DefaultInterval: time.Hour}
}

func receive(t *testing.T, from <-chan string) string {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(patience):
		require.FailNow(t, "nothing was sent")
		return ""
	}
}
