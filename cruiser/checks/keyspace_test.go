package checks_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
	"github.com/etcdfleet/etcd-fleet/internal/etcdtest"
)

const (
	largeKeyValues   = "large-key-values"
	keyCountGrowth   = "key-count-growth"
	writeQPSOutliers = "write-qps-outliers"
)

// keyspaceChecks read keys of one member, with parameters that make them quick.
var keyspaceChecks = map[string]checks.Parameters{
	largeKeyValues:   nil,
	keyCountGrowth:   nil,
	writeQPSOutliers: {"sample": "300ms"},
}

func newKeyspaceInspector(t *testing.T, cluster *etcdtest.Cluster, secret map[string][]byte, check string) *inspector {
	t.Helper()
	inspector := newInspector(t, cluster, secret)
	inspector.check = check
	return inspector
}

// putMany writes n keys of the format, 128 in a transaction, which is etcd's --max-txn-ops.
func putMany(t *testing.T, client *clientv3.Client, format string, n int) {
	t.Helper()
	var puts []clientv3.Op
	for i := range n {
		puts = append(puts, clientv3.OpPut(fmt.Sprintf(format, i), "value"))
	}
	for part := range slices.Chunk(puts, 128) {
		_, err := client.Txn(context.Background()).Then(part...).Commit()
		require.NoError(t, err)
	}
}

func TestChecksOfKeysPassAnEmptyCluster(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1})
	for name, parameters := range keyspaceChecks {
		inspector := newKeyspaceInspector(t, cluster, nil, name)
		for range 2 {
			result, err := inspector.run(t, parameters)
			require.NoError(t, err, name)
			assert.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome, result.Message)
		}
	}
}

func TestChecksOfKeysWarnOfAMissingMember(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{})
	cluster.Put(t, "/key", 20)
	cluster.Members[2].Kill(t)
	cluster.Put(t, "/more", 1) // there is a leader again
	for name, parameters := range keyspaceChecks {
		result, err := newKeyspaceInspector(t, cluster, nil, name).run(t, parameters)
		require.NoError(t, err, name)
		assert.Equal(t, etcdv1beta1.OutcomeWarning, result.Outcome, result.Message)
		assert.Contains(t, result.Message, " Member etcd-2 is missing (")
	}

	cluster.Members[0].Kill(t)
	cluster.Members[1].Kill(t)
	for name, parameters := range keyspaceChecks {
		_, err := newKeyspaceInspector(t, cluster, nil, name).run(t, parameters)
		assert.ErrorContains(t, err, "no member answered: etcd-0: ", name)
	}
}

// A learner refuses to be watched, and is not asked for its keys either.
func TestChecksOfKeysLeaveLearnersAlone(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1})
	cluster.Put(t, "/key", 20)
	cluster.AddLearner(t)
	for name, parameters := range keyspaceChecks {
		result, err := newKeyspaceInspector(t, cluster, nil, name).run(t, parameters)
		require.NoError(t, err, name)
		assert.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome, result.Message)
	}
}

// Members of 3.4 and 3.6 tell their status to root alone.
func TestChecksOfKeysNeedTheRightToReadAllKeys(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{Auth: true, Version: "3.5"})
	cluster.Put(t, "/key", 20)
	reader := readerCredentials(t, cluster)
	for name, parameters := range keyspaceChecks {
		result, err := newKeyspaceInspector(t, cluster, reader, name).run(t, parameters)
		require.NoError(t, err, name)
		assert.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome, result.Message)
	}

	_, err := cluster.Client(t).UserAdd(context.Background(), "nobody", "nothing")
	require.NoError(t, err)
	nobody := cluster.Credentials(t)
	nobody["username"], nobody["password"] = []byte("nobody"), []byte("nothing")
	for name, parameters := range keyspaceChecks {
		_, err := newKeyspaceInspector(t, cluster, nobody, name).run(t, parameters)
		assert.ErrorContains(t, err, "grant the Secret's user a role that may read all keys", name)
	}
}

func TestChecksOfKeysReadMembersWithClientCertificates(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1, TLS: true})
	cluster.Put(t, "/key", 20)
	for name, parameters := range keyspaceChecks {
		result, err := newKeyspaceInspector(t, cluster, cluster.Credentials(t), name).run(t, parameters)
		require.NoError(t, err, name)
		assert.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome, result.Message)
	}
}

func TestChecksOfKeysNameTheParameterThatIsWrong(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1})
	for _, test := range []struct {
		check, parameter string
		values           []string
	}{
		{largeKeyValues, "top", []string{"0", "51", "some"}},
		{largeKeyValues, "warnBytes", []string{"-1", "large", "2Mi"}},
		{largeKeyValues, "failBytes", []string{"", "1x"}},
		{keyCountGrowth, "warnKeys", []string{"-1", "many"}},
		{keyCountGrowth, "warnRatio", []string{"1.5", "half"}},
		{keyCountGrowth, "window", []string{"6", "-1h"}},
		{keyCountGrowth, "quotaBytes", []string{"2 GiB"}},
		{keyCountGrowth, "forecastWithin", []string{"1w"}},
		{writeQPSOutliers, "sample", []string{"0s", "2m", "10"}},
		{writeQPSOutliers, "hotKeyPerSecond", []string{"-1"}},
		{writeQPSOutliers, "hotKeyShare", []string{"50"}},
		{writeQPSOutliers, "outlierPerSecond", []string{"x"}},
	} {
		for _, value := range test.values {
			_, err := newKeyspaceInspector(t, cluster, nil, test.check).run(t, checks.Parameters{test.parameter: value})
			assert.ErrorContains(t, err, "set spec.parameters."+test.parameter+" to ", "%s %q", test.parameter, value)
		}
	}
}
