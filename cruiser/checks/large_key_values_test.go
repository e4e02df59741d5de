package checks_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/types"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/budget"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
	"github.com/etcdfleet/etcd-fleet/internal/etcdtest"
)

func putSized(t *testing.T, cluster *etcdtest.Cluster, key string, size int) {
	t.Helper()
	_, err := cluster.Client(t).Put(context.Background(), key, strings.Repeat("v", size))
	require.NoError(t, err)
}

func TestLargeKeyValuesPassesSmallValues(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{})
	putMany(t, cluster.Client(t), "/registry/pods/default/web-%04d", 2000)
	putSized(t, cluster, "/registry/configmaps/default/settings", 20<<10)

	result, err := newKeyspaceInspector(t, cluster, nil, largeKeyValues).run(t, nil)
	require.NoError(t, err)
	assert.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome)
	assert.Regexp(t, `^Read 2001 keys with values \(\d+\.\d KiB\) of etcd-\d\. The largest value is`+
		` /registry/configmaps/default/settings 20\.0 KiB \(prefix /registry/configmaps/default/\)\.$`, result.Message)
	assert.InDelta(t, 20<<10, result.Values["largestValue"], 0)
	assert.InDelta(t, 0, result.Values["largeValues"], 0)
	assert.InDelta(t, 2001, result.Values["readKeys"], 0)
	assert.InDelta(t, 20<<10+2000*36, result.Values["readValues"], 2000)
}

func TestLargeKeyValuesFindsLargeValues(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{})
	putMany(t, cluster.Client(t), "/registry/pods/default/web-%04d", 500)
	putSized(t, cluster, "/registry/secrets/kube-system/release", 900<<10)
	putSized(t, cluster, "/registry/secrets/kube-system/smaller", 600<<10)
	inspector := newKeyspaceInspector(t, cluster, nil, largeKeyValues)

	result, err := inspector.run(t, nil)
	require.NoError(t, err)
	assert.Equal(t, etcdv1beta1.OutcomeWarning, result.Outcome)
	assert.Regexp(t, " Make the largest values smaller, or split them: /registry/secrets/kube-system/release 900.0 KiB "+
		`\(prefix /registry/secrets/kube-system/\), /registry/secrets/kube-system/smaller 600\.0 KiB`+
		` \(prefix /registry/secrets/kube-system/\)\.$`, result.Message)
	assert.InDelta(t, 900<<10, result.Values["largestValue"], 0)
	assert.InDelta(t, 2, result.Values["largeValues"], 0)

	t.Run("which fail where the limit is lower", func(t *testing.T) {
		result, err := inspector.run(t, checks.Parameters{"failBytes": "800Ki"})
		require.NoError(t, err)
		assert.Equal(t, etcdv1beta1.OutcomeFailed, result.Outcome)
	})
	t.Run("until they are deleted", func(t *testing.T) {
		_, err := cluster.Client(t).Delete(context.Background(), "/registry/secrets/kube-system/release")
		require.NoError(t, err)
		require.Eventually(t, func() bool { // a follower may be behind
			result, err = inspector.run(t, checks.Parameters{"warnBytes": "700Ki"})
			return err == nil && result.Outcome == etcdv1beta1.OutcomePassed
		}, settled, 100*time.Millisecond)
		assert.InDelta(t, 600<<10, result.Values["largestValue"], 0)
		assert.NotContains(t, result.Message, "release")
	})
}

func TestLargeKeyValuesShowsAnyKey(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1})
	putSized(t, cluster, "\x00\xff/binary", 100)
	putSized(t, cluster, "/"+strings.Repeat("long", 2000), 200)

	inspector := newKeyspaceInspector(t, cluster, nil, largeKeyValues)
	result, err := inspector.run(t, checks.Parameters{"warnBytes": "50"})
	require.NoError(t, err)
	assert.Contains(t, result.Message, `/`+strings.Repeat("long", 29)+`lon… 200 B (prefix /)`)
	assert.Contains(t, result.Message, `"\x00\xff/binary" 100 B (prefix "\x00\xff/")`)
	assert.LessOrEqual(t, len(result.State), etcdv1beta1.MaxStateLength)
}

// A run that has no time for all keys says so, and the next one goes on.
func TestLargeKeyValuesGoesOnInTheNextRun(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1})
	for i := range 12 {
		putSized(t, cluster, fmt.Sprintf("/registry/secrets/default/%02d", i), 700<<10+i)
	}
	inspector := newKeyspaceInspector(t, cluster, nil, largeKeyValues)
	check, parameters, err := checks.All().Lookup(largeKeyValues, nil)
	require.NoError(t, err)
	runBriefly := func(state string) checks.Result {
		lease := inspector.pool.Lease(inspector.credentials)
		defer lease.Release()
		ctx, cancel := context.WithTimeout(context.Background(), 4*time.Second)
		defer cancel()
		slow := budget.New(budget.Limits{Latency: time.Minute, BytesPerSecond: 1 << 20})
		result, err := check.Run(ctx, checks.Target{
			Cluster: inspector.spec, Parameters: parameters, Members: lease, State: state,
			Budget: slow.Pacer(types.NamespacedName{Name: "gz-etcd"}, lease),
		})
		require.NoError(t, err)
		return result
	}

	first := runBriefly("")
	assert.Equal(t, etcdv1beta1.OutcomeWarning, first.Outcome, "of the values found")
	assert.Regexp(t, `^Read [1-9]\d* keys .*\. [1-9]\d* keys are left for the next run, because the time was over\. Make the largest values smaller, or split them: `, first.Message)
	require.Less(t, first.Values["readKeys"], 12.0)

	inspector.state = first.State
	rest, err := inspector.run(t, nil)
	require.NoError(t, err)
	assert.Contains(t, rest.Message, ", beginning with ")
	assert.Contains(t, rest.Message, "where the last run ended. Make the largest values smaller, or split them: /registry/secrets/default/11 700.0 KiB")
	assert.InDelta(t, 12, first.Values["readKeys"]+rest.Values["readKeys"], 0)
	assert.InDelta(t, 10, rest.Values["largeValues"], 2, "those that the first run found are remembered, top many at most")

	whole, err := inspector.run(t, nil)
	require.NoError(t, err)
	assert.InDelta(t, 12, whole.Values["readKeys"], 0)
	assert.InDelta(t, 12, whole.Values["largeValues"], 0)
	assert.NotContains(t, whole.Message, "next run")
}
