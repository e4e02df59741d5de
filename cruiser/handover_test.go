package cruiser_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
	"github.com/etcdfleet/etcd-fleet/internal/apitest"
	"github.com/etcdfleet/etcd-fleet/internal/etcdtest"
)

const (
	// scanTime is how long a scan takes that nobody ends: much longer than it takes a replica to join.
	scanTime = 40 * time.Second

	// renewal is how often a replica renews its Lease, and so learns of others.
	renewal = 3 * time.Second
)

// scan is one run of an expensive check.
type scan struct {
	replica, cluster string
	begin, end       time.Time
	err              error
}

// scans are those of all replicas.
type scans struct {
	mu  sync.Mutex
	all []*scan
}

// options are those of a replica whose expensive check reads from the cluster all the time, for scanTime.
func (s *scans) options(t *testing.T, replica string) cruiser.Options {
	t.Helper()
	check := newScriptedCheck()
	check.do(func(ctx context.Context, target checks.Target) (checks.Result, error) {
		run := &scan{replica: replica, cluster: target.Cluster.ClusterID, begin: time.Now()}
		s.mu.Lock()
		s.all = append(s.all, run)
		s.mu.Unlock()
		err := readFor(ctx, target, scanTime)
		s.mu.Lock()
		defer s.mu.Unlock()
		run.end, run.err = time.Now(), err
		return passing, err
	})
	options := check.options(t)
	expensive := options.Checks["scripted"]
	expensive.Expensive, expensive.Timeout = true, 10*time.Minute
	options.Checks["scripted"] = expensive
	options.Replica, options.ExpensiveConcurrency = replica, 50
	return options
}

func readFor(ctx context.Context, target checks.Target, long time.Duration) error {
	client, err := target.Members.Client(target.Cluster.Members[0].ClientURL)
	if err != nil {
		return err
	}
	for end := time.Now().Add(long); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if _, err := client.Get(ctx, "/", clientv3.WithPrefix()); err != nil {
			return err
		}
	}
	return nil
}

// of returns copies of the replica's scans by cluster.
func (s *scans) of(replica string) map[string]scan {
	s.mu.Lock()
	defer s.mu.Unlock()
	byCluster := map[string]scan{}
	for _, run := range s.all {
		if run.replica == replica {
			byCluster[run.cluster] = *run
		}
	}
	return byCluster
}

func TestAScanEndsWhenAnotherReplicaTakesItsCluster(t *testing.T) {
	t.Parallel() // it mostly waits
	box := newSandbox(t)
	etcd := etcdtest.Start(t, etcdtest.Options{Size: 1})
	etcd.Put(t, "/key", 20)
	var monitors []*etcdv1beta1.EtcdMonitor
	later := metav1.NewTime(time.Now().Add(time.Hour))
	for i := range 12 { // of which the second replica takes some
		id := fmt.Sprintf("gz-%d", i)
		object := &etcdv1beta1.EtcdCluster{Spec: etcd.Spec(id, "")}
		object.Namespace, object.Name = box.namespace, id
		require.NoError(t, box.Create(t.Context(), object))
		monitor := box.monitor(id, "scripted", nil)
		box.setStatus(monitor, etcdv1beta1.EtcdMonitorStatus{NextRun: &later}) // none but the requested runs
		monitors = append(monitors, monitor)
	}
	var ran scans
	box.start(ran.options(t, "first"))
	for _, monitor := range monitors {
		box.request(monitor, "r1")
	}
	require.Eventually(t, func() bool { return len(ran.of("first")) == len(monitors) }, patience, poll)
	box.start(ran.options(t, "second"))
	require.Eventually(t, func() bool {
		for _, monitor := range monitors {
			if !answered("r1")(box.read(monitor)) {
				return false
			}
		}
		return true
	}, 3*patience, 10*poll, "every request is answered")

	first, second := ran.of("first"), ran.of("second")
	require.NotEmpty(t, second, "the second replica takes some clusters")
	for id, run := range second {
		require.NoError(t, run.err)
		assert.ErrorIs(t, first[id].err, context.Canceled, "%s: the scan of the first replica", id)
		assert.LessOrEqual(t, first[id].end.Sub(run.begin), renewal, "%s is scanned twice at once", id)
	}
	assert.Len(t, ran.all, len(monitors)+len(second), "no run more than those that were given up")
	for _, monitor := range monitors {
		newest := box.read(monitor)
		require.Len(t, newest.Status.Records, 1, "%s: one result", monitor.Name)
		assert.Equal(t, "r1", newest.Status.Records[0].Request)
		assert.Equal(t, etcdv1beta1.OutcomePassed, newest.Status.Records[0].Outcome, "a run that was given up is no Error")
		assert.False(t, isRunning(newest))
		for _, event := range box.events(monitor) {
			assert.NotEqual(t, "InspectionError", event.Reason)
		}
	}
}

func TestARunEndsBeforeTheLeaseRunsOut(t *testing.T) {
	t.Parallel() // it mostly waits
	network := &unreliable{}
	box := newSandbox(t)
	box.cluster("gz-a")
	check := newScriptedCheck()
	begun, ended := make(chan string, 1), make(chan string, 1)
	check.do(func(ctx context.Context, target checks.Target) (checks.Result, error) {
		begun <- target.Cluster.ClusterID
		<-ctx.Done()
		ended <- context.Cause(ctx).Error()
		return checks.Result{}, ctx.Err()
	})
	monitor := box.monitor("gz-a", "scripted", nil)
	config := apitest.Config()
	config.Wrap(network.wrap)
	options := check.options(t)
	options.RunTimeout = time.Hour
	box.startAs(config, options)
	box.request(monitor, "r1")
	receive(t, begun)

	network.away.Store(true) // another replica takes over soon, and this one does not learn of it
	assert.Equal(t, "another replica inspects the cluster now", receive(t, ended))
	check.then(passing, nil)
	network.away.Store(false)
	done := box.await(monitor, "the answer", answered("r1"))
	assert.Equal(t, map[string]int{"r1": 1}, recordsOf(done))
	assert.Equal(t, etcdv1beta1.OutcomePassed, done.Status.Records[0].Outcome)
}
