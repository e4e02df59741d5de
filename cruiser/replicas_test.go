package cruiser_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
	"github.com/etcdfleet/etcd-fleet/internal/apitest"
	"github.com/etcdfleet/etcd-fleet/internal/etcdtest"
	"github.com/etcdfleet/etcd-fleet/internal/labbin"
	"github.com/etcdfleet/etcd-fleet/internal/testproc"
)

func (b *sandbox) leases() []coordinationv1.Lease {
	b.t.Helper()
	var leases coordinationv1.LeaseList
	require.NoError(b.t, b.List(context.Background(), &leases, client.InNamespace(b.namespace)))
	return leases.Items
}

func TestReplicasDivideTheClusters(t *testing.T) {
	box := newSandbox(t)
	first, second := newScriptedCheck(), newScriptedCheck()
	metricsOfFirst, _ := box.start(first.options(t))
	_, stopSecond := box.start(second.options(t))
	require.Eventually(t, func() bool { return len(box.leases()) == 2 }, patience, poll)
	var monitors []*etcdv1beta1.EtcdMonitor
	for i := range 12 {
		id := fmt.Sprintf("gz-%d", i)
		box.cluster(id)
		monitors = append(monitors, box.monitor(id, "scripted", nil))
	}
	askAll := func(request string) {
		for _, monitor := range monitors {
			box.request(monitor, request)
		}
		for _, monitor := range monitors {
			box.await(monitor, "an answer", answered(request))
		}
	}
	// A replica learns of the other within a few seconds; until then it runs all, and each request still gets one record.
	for round := 1; first.count() == 0 || second.count() == 0; round++ {
		require.Less(t, round, 100, "both replicas run something: %d and %d", first.count(), second.count())
		askAll(fmt.Sprintf("r%d", round))
	}
	assert.Eventually(t, func() bool { return len(expose(t, metricsOfFirst)) < 3*len(monitors) }, patience, poll,
		"each exposes the series of its own share")
	for _, monitor := range monitors {
		for request, count := range recordsOf(box.read(monitor)) {
			if request != "" {
				assert.Equal(t, 1, count, request)
			}
		}
	}

	stopSecond()
	assert.Len(t, box.leases(), 1, "a replica that leaves says so")
	before := second.count()
	askAll("last")
	assert.Equal(t, before, second.count())
}

func TestACrashedReplicaLosesNoRun(t *testing.T) {
	t.Parallel() // it mostly waits
	const interval = 10 * time.Second
	box := newSandbox(t)
	cluster := etcdtest.Start(t, etcdtest.Options{})
	cluster.Put(t, "/key", 20)
	var monitors []*etcdv1beta1.EtcdMonitor
	for i := range 20 {
		id := fmt.Sprintf("gz-%d", i)
		spec := cluster.Spec(id, "")
		object := &etcdv1beta1.EtcdCluster{Spec: spec}
		object.Namespace, object.Name = box.namespace, id
		require.NoError(t, box.Create(context.Background(), object))
		monitors = append(monitors, box.monitor(id, "etcd-node-key-diff", every(interval)))
	}
	program := buildCruiser(t)
	replicas := []*testproc.Process{startReplica(t, program, box.namespace), startReplica(t, program, box.namespace)}
	for _, monitor := range monitors {
		box.await(monitor, "two runs", hasRecords(2))
	}

	replicas[0].Kill() // somewhere in the middle of a round
	killed := time.Now()
	for _, monitor := range monitors {
		box.await(monitor, "runs after the crash", func(m *etcdv1beta1.EtcdMonitor) bool {
			return m.Status.LastRecord().StartTime.After(killed.Add(30 * time.Second))
		})
	}
	for _, monitor := range monitors {
		records := box.read(monitor).Status.Records
		for i := 1; i < len(records); i++ {
			gap := records[i].StartTime.Sub(records[i-1].EndTime.Time)
			// Times have whole seconds, and a run may wait for a worker or for the crashed replica's Lease.
			assert.GreaterOrEqual(t, gap, interval*9/10-time.Second, "%s ran twice: %+v", monitor.Name, records)
			assert.LessOrEqual(t, gap, interval*11/10+30*time.Second, "%s missed a run: %+v", monitor.Name, records)
		}
	}
}

// buildCruiser builds the program from the present source: no older one may be tested.
func buildCruiser(t *testing.T) string {
	t.Helper()
	root, err := labbin.RepositoryPath()
	require.NoError(t, err)
	program := filepath.Join(t.TempDir(), "cruiser")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./cmd/cruiser")
	build.Dir = root
	output, err := build.CombinedOutput()
	require.NoError(t, err, string(output))
	return program
}

func startReplica(t *testing.T, program, namespace string) *testproc.Process {
	t.Helper()
	health := testproc.FreeAddress(t)
	process, err := testproc.Start(t.TempDir(), program, []string{
		"--kubeconfig=" + apitest.Kubeconfig(t), "--namespaces=" + namespace, "--lease-namespace=" + namespace,
		"--metrics-bind-address=0", "--health-probe-bind-address=" + health,
	}, func(ctx context.Context) error {
		return testproc.GetOK(ctx, http.DefaultClient, "http://"+health+"/readyz")
	})
	t.Cleanup(process.Kill)
	require.NoError(t, err)
	return process
}

func TestOneReplicaProbesEachCluster(t *testing.T) {
	t.Parallel() // it mostly waits
	box := newSandbox(t)
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1})
	var want []string
	for i := range 12 {
		id := fmt.Sprintf("gz-%d", i)
		object := &etcdv1beta1.EtcdCluster{Spec: cluster.Spec(id, "")}
		object.Namespace, object.Name = box.namespace, id
		require.NoError(t, box.Create(context.Background(), object))
		want = append(want, fmt.Sprintf(
			`etcdfleet_probe_success{cluster=%q,product="tke",region="gz",scene="business",spec="default"} 1`, id))
	}
	options := newScriptedCheck().options(t)
	options.ProbeInterval = time.Second
	metricsOfFirst, _ := box.start(options)
	awaitSeries(t, metricsOfFirst, want...)
	metricsOfSecond, stopSecond := box.start(options)
	assert.EventuallyWithT(t, func(c *assert.CollectT) {
		first, second := expose(t, metricsOfFirst), expose(t, metricsOfSecond)
		assert.NotEmpty(c, second)
		assert.ElementsMatch(c, want, append(first, second...), "each by one")
	}, patience, poll)
	stopSecond()
	awaitSeries(t, metricsOfFirst, want...)
}

func TestFreshTellsWhetherAResultStillCounts(t *testing.T) {
	t.Parallel() // it mostly waits
	box := newSandbox(t)
	box.cluster("gz-a")
	check := newScriptedCheck()
	monitor := box.monitor("gz-a", "scripted", every(10*time.Second))
	later := metav1.NewTime(time.Now().Add(time.Hour))
	box.setStatus(monitor, etcdv1beta1.EtcdMonitorStatus{NextRun: &later})
	metrics, _ := box.start(check.options(t))
	awaitFresh := func(want float64) {
		t.Helper()
		assert.EventuallyWithT(t, func(c *assert.CollectT) { assert.Equal(c, []float64{want}, freshness(t, metrics)) }, patience, poll)
	}
	awaitFresh(0) // no run yet
	box.request(monitor, "r1")
	awaitFresh(1)
	check.then(checks.Result{}, errors.New("no member answers"))
	awaitFresh(0) // runs that cannot be done have no result: after 20 s the last one does not count any more
	check.then(passing, nil)
	awaitFresh(1)
}

// freshness are the values of etcd_inspection_fresh.
func freshness(t *testing.T, metrics prometheus.Gatherer) (values []float64) {
	t.Helper()
	for _, family := range gather(t, metrics) {
		if family.GetName() == "etcd_inspection_fresh" {
			for _, metric := range family.GetMetric() {
				values = append(values, metric.GetGauge().GetValue())
			}
		}
	}
	return values
}
