package checks_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
	"github.com/etcdfleet/etcd-fleet/internal/etcdtest"
)

// What these tests count is written while a sample is taken: none of them runs beside others.

// keepWriting writes the keys that name returns, about a hundred a second, until the test ends or stop is called.
func keepWriting(t *testing.T, cluster *etcdtest.Cluster, name func(i int) string) (stop func()) {
	t.Helper()
	client := cluster.Client(t)
	ctx, cancel := context.WithCancel(context.Background())
	var writer sync.WaitGroup
	writer.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			_, _ = client.Put(ctx, name(i), "value")
			time.Sleep(10 * time.Millisecond)
		}
	})
	stop = func() {
		cancel()
		writer.Wait()
	}
	t.Cleanup(stop)
	return stop
}

func TestWriteQPSOutliersPassesASteadyCluster(t *testing.T) {
	cluster := etcdtest.Start(t, etcdtest.Options{})
	keepWriting(t, cluster, func(i int) string { return fmt.Sprintf("/registry/leases/kube-system/node-%d", i%50) })
	inspector := newKeyspaceInspector(t, cluster, nil, writeQPSOutliers)
	for range 8 {
		result, err := inspector.run(t, checks.Parameters{"sample": "500ms", "outlierPerSecond": "1000"})
		require.NoError(t, err)
		assert.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome, result.Message)
		assert.Positive(t, result.Values["writesPerSecond"])
		assert.InDelta(t, 0, result.Values["missedRevisions"], 0, result.Message)
		assert.LessOrEqual(t, len(result.State), etcdv1beta1.MaxStateLength)
	}
}

func TestWriteQPSOutliersFindsAHotKey(t *testing.T) {
	cluster := etcdtest.Start(t, etcdtest.Options{})
	keepWriting(t, cluster, func(i int) string {
		if i%4 == 0 {
			return fmt.Sprintf("/registry/pods/default/web-%d", i)
		}
		return "/registry/leases/kube-system/leader"
	})
	inspector := newKeyspaceInspector(t, cluster, nil, writeQPSOutliers)
	parameters := checks.Parameters{"sample": "2s", "hotKeyPerSecond": "5"}

	result, err := inspector.run(t, parameters)
	require.NoError(t, err)
	assert.Equal(t, etcdv1beta1.OutcomeWarning, result.Outcome, result.Message)
	assert.Regexp(t, `^etcd-\d had \d+\.\d writes/s in \d.*s\. Hot key /registry/leases/kube-system/leader has \d+\.\d writes/s, 7\d % of all: find out what writes it\.$`, result.Message)
	assert.Greater(t, result.Values["hottestKeyPerSecond"], 5.0)

	for name, value := range map[string]string{"hotKeyShare": "0.9", "hotKeyPerSecond": "1000"} {
		result, err := inspector.run(t, checks.Parameters{"sample": "2s", name: value})
		require.NoError(t, err)
		assert.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome, result.Message)
	}
}

func TestWriteQPSOutliersFindsAPrefixThatIsWrittenMoreThanUsual(t *testing.T) {
	cluster := etcdtest.Start(t, etcdtest.Options{})
	inspector := newKeyspaceInspector(t, cluster, nil, writeQPSOutliers)
	parameters := checks.Parameters{"sample": "1s", "outlierPerSecond": "8"}
	for range 6 {
		result, err := inspector.run(t, parameters)
		require.NoError(t, err)
		assert.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome, result.Message)
	}

	stop := keepWriting(t, cluster, func(i int) string { return fmt.Sprintf("/registry/events/default/%d", i) })
	result, err := inspector.run(t, parameters)
	require.NoError(t, err)
	assert.Equal(t, etcdv1beta1.OutcomeWarning, result.Outcome, result.Message)
	assert.Regexp(t, ` /registry/events/ has \d+\.\d writes/s, and usually 0\.0: find out what writes it\.$`, result.Message)
	assert.InDelta(t, 1, result.Values["outliers"], 0)

	stop()
	result, err = inspector.run(t, parameters)
	require.NoError(t, err)
	assert.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome, result.Message)
}

func TestWriteQPSOutliersCountsDeletesAndWholeTransactions(t *testing.T) {
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1})
	client := cluster.Client(t)
	var writer sync.WaitGroup
	defer writer.Wait()
	writer.Go(func() {
		time.Sleep(500 * time.Millisecond)
		putMany(t, client, "/registry/pods/default/web-%03d", 128)
		_, err := client.Delete(context.Background(), "/registry/pods/default/web-000")
		assert.NoError(t, err)
	})
	result, err := newKeyspaceInspector(t, cluster, nil, writeQPSOutliers).run(t, checks.Parameters{"sample": "8s"})
	require.NoError(t, err)
	assert.InDelta(t, 129.0/8, result.Values["writesPerSecond"], 3)
	assert.InDelta(t, 2.0/8, result.Values["hottestKeyPerSecond"], 0.1)
	assert.InDelta(t, 0, result.Values["missedRevisions"], 0)
}

// A watch that breaks goes on where it was: nothing is missed.
func TestWriteQPSOutliersSurvivesARestartOfTheMember(t *testing.T) {
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1})
	var fault sync.WaitGroup
	defer fault.Wait()
	fault.Go(func() {
		time.Sleep(time.Second)
		cluster.Put(t, "/before", 20)
		cluster.Members[0].Kill(t)
		cluster.Members[0].Restart(t)
		cluster.Put(t, "/after", 20)
	})
	result, err := newKeyspaceInspector(t, cluster, nil, writeQPSOutliers).run(t, checks.Parameters{"sample": "15s"})
	require.NoError(t, err)
	assert.Greater(t, result.Values["writesPerSecond"], 30.0/15, result.Message)
	assert.InDelta(t, 0, result.Values["missedRevisions"], 0, result.Message)
}
