package budget_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/apimachinery/pkg/types"

	"github.com/etcdfleet/etcd-fleet/cruiser/budget"
	"github.com/etcdfleet/etcd-fleet/internal/etcdtest"
)

var (
	gz = types.NamespacedName{Namespace: "gz", Name: "gz-etcd"}
	sh = types.NamespacedName{Namespace: "sh", Name: "sh-etcd"}
)

// clients gives one client for every endpoint.
type clients struct{ client *clientv3.Client }

func (c clients) Client(string) (*clientv3.Client, error) { return c.client, nil }

func spend(t *testing.T, pacer *budget.Pacer, keys int, bytes int64) time.Duration {
	t.Helper()
	begin := time.Now()
	require.NoError(t, pacer.Spend(t.Context(), "etcd-0", keys, bytes))
	return time.Since(begin)
}

func TestBudgetIsSharedByTheRunsAgainstOneCluster(t *testing.T) {
	member := clients{etcdtest.Start(t, etcdtest.Options{Size: 1}).Client(t)}
	budgets := budget.New(budget.Limits{KeysPerSecond: 1000, BytesPerSecond: 1 << 20, Latency: time.Minute})
	first, second := budgets.Pacer(gz, member), budgets.Pacer(gz, member)

	spend(t, first, 1000, 0) // what has been saved up
	assert.GreaterOrEqual(t, spend(t, second, 1500, 0), 1400*time.Millisecond, "more than the limiter gives at once")
	assert.GreaterOrEqual(t, spend(t, first, 0, 2<<20), 900*time.Millisecond, "bytes count as well")
	begin := time.Now()
	spend(t, budgets.Pacer(sh, member), 1000, 1<<20)
	assert.Less(t, time.Since(begin), 10*time.Second, "another cluster has a budget of its own")
}

func TestBudgetBacksOffFromASlowMember(t *testing.T) {
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1})
	pacer := budget.New(budget.Limits{Latency: 500 * time.Millisecond}).Pacer(gz, clients{cluster.Client(t)})
	cluster.Members[0].Pause(t)

	ended := make(chan error, 1)
	go func() { ended <- pacer.Spend(context.Background(), "etcd-0", 1, 1) }()
	select {
	case err := <-ended:
		require.Fail(t, "it went on while the member did not answer", "%v", err)
	case <-time.After(3 * time.Second):
	}
	cluster.Members[0].Resume(t)
	select {
	case err := <-ended:
		require.NoError(t, err)
	case <-time.After(time.Minute):
		require.Fail(t, "it did not go on when the member answered again")
	}
}

func TestBudgetStopsReadingADatabaseThatGrows(t *testing.T) {
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1})
	client := cluster.Client(t)
	pacer := budget.New(budget.Limits{Latency: time.Minute, Growth: 1 << 20}).Pacer(gz, clients{client})
	spend(t, pacer, 1, 1)

	for i := range 8 {
		_, err := client.Put(t.Context(), fmt.Sprintf("/large/%d", i), strings.Repeat("v", 1<<20))
		require.NoError(t, err)
	}
	var err error
	require.Eventually(t, func() bool {
		err = pacer.Spend(t.Context(), "etcd-0", 1, 1)
		return err != nil
	}, time.Minute, 100*time.Millisecond)
	assert.ErrorContains(t, err, "the database of etcd-0 grew by ")
	assert.ErrorContains(t, err, "allow it more by --budget-growth")
}

func TestBudgetEndsWithItsRun(t *testing.T) {
	pacer := budget.New(budget.Limits{KeysPerSecond: 1}).Pacer(gz, clients{})
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	assert.ErrorIs(t, pacer.Spend(ctx, "etcd-0", 1000, 0), context.DeadlineExceeded)
	cancelled, cancelNow := context.WithCancel(context.Background())
	cancelNow()
	assert.ErrorIs(t, pacer.Spend(cancelled, "etcd-0", 1000, 0), context.Canceled)
}
