package checks_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
	"github.com/etcdfleet/etcd-fleet/internal/etcdtest"
)

func TestEachCheckPassesACleanClusterOfOneMember(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]etcdtest.Options{
		"without auth": {Size: 1}, "with auth": {Size: 1, Auth: true}, "of 3.4": {Size: 1, Version: "3.4"},
		"with auth in plain text": {Size: 1, Auth: true, Plaintext: true},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := etcdtest.Start(t, options)
			cluster.Put(t, "/registry/pods/default/web-", 20)
			var secret map[string][]byte
			if options.Auth {
				secret = cluster.Credentials(t)
			}
			parameters := parametersOf(t, cluster)
			for _, name := range slices.Sorted(maps.Keys(checks.All())) {
				inspector := newInspector(t, cluster, secret)
				inspector.check = name
				inspector.spec.Size = 1
				for range 2 {
					result, err := inspector.run(t, parameters[name])
					if assert.NoError(t, err, name) {
						assert.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome, "%s: %s", name, result.Message)
					}
				}
			}
		})
	}
}

// The remedy is one that the API accepts for members of http://.
func TestEachCheckThatIsRefusedWithoutAPasswordSaysHowToNameIt(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1, Auth: true, Plaintext: true})
	parameters := parametersOf(t, cluster)
	refused := 0
	for _, name := range slices.Sorted(maps.Keys(checks.All())) {
		inspector := newInspector(t, cluster, nil)
		inspector.check = name
		if _, err := inspector.run(t, parameters[name]); err != nil {
			refused++
			require.ErrorContains(t, err, "it demands a password: name a Secret with username and password in spec.auth.secretName", name)
			assert.ErrorContains(t, err, "allowPlaintext: true", name)
		}
	}
	assert.Positive(t, refused)
}

func TestComparingSaysThatThereIsOneVotingMember(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1})
	cluster.Put(t, "/key", 20)
	result, err := newKeyDiffInspector(t, cluster, nil).run(t, nil)
	require.NoError(t, err)
	assert.Equal(t, "collectEtcdnodeKeyDiff,etcd cluster gz-etcd,total key num is 20,nodeKeyDiff is 0. "+
		"There is one voting member and nothing to compare.", result.Message)
	assert.Equal(t, map[string]float64{"nodeKeyDiff": 0, "totalKeys": 20, "members": 1}, result.Values)

	result, err = newConsistencyInspector(t, cluster, nil).run(t, nil)
	require.NoError(t, err)
	assert.Equal(t, "There is one voting member and nothing to compare.", result.Message)

	cluster.Members[0].Kill(t)
	for _, check := range []string{nodeKeyDiff, "data-consistency"} {
		inspector := newInspector(t, cluster, nil)
		inspector.check = check
		_, err = inspector.run(t, nil)
		require.ErrorContains(t, err, "no voting member answered: etcd-0: ", check)
	}
}

// That the EtcdCluster names one member does not make a cluster one of a single member.
func TestComparingSeesMembersThatTheEtcdClusterDoesNotName(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{})
	for _, check := range []string{nodeKeyDiff, "data-consistency"} {
		inspector := newInspector(t, cluster, nil)
		inspector.check = check
		inspector.spec.Members = inspector.spec.Members[:1]
		_, err := inspector.run(t, nil)
		require.ErrorContains(t, err, "etcd has 3 voting members and the EtcdCluster names 1: add the others to its spec.members", check)
	}
}
