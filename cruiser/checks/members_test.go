package checks_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
	"github.com/etcdfleet/etcd-fleet/internal/etcdtest"
)

// askingMembers are the checks that ask members what they hold, but for membership.
func askingMembers() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(checks.All())), func(name string) bool {
		return slices.Contains([]string{"backup-age", "certificate-expiry", "membership"}, name)
	})
}

// One fault is told once: a member that serves another cluster is what membership finds, and no reason to inspect the
// others less.
func TestAStrayMemberIsToldByMembershipAlone(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{})
	cluster.Put(t, "/registry/pods/default/web-", 50)
	cluster.Compact(t)
	parameters := parametersOf(t, cluster)
	inspectors := map[string]*inspector{}
	for _, name := range append(askingMembers(), "membership") {
		inspectors[name] = newInspector(t, cluster, nil)
		inspectors[name].check = name
		_, err := inspectors[name].run(t, parameters[name]) // health-after-change knows the member from before
		require.NoError(t, err, name)
	}

	cluster.Members[1].RestartAlone(t)
	awaitMessage(t, inspectors["membership"], nil, etcdv1beta1.OutcomeFailed, `^etcd-1 serves another etcd cluster`)
	for _, name := range askingMembers() {
		t.Run(name, func(t *testing.T) {
			result := awaitMessage(t, inspectors[name], parameters[name], etcdv1beta1.OutcomePassed,
				` Member etcd-1 is left out \(it serves another etcd cluster, see the check membership\)\.$`)
			assert.NotContains(t, result.Message, "missing")
			if name == "health-after-change" {
				assert.Contains(t, result.Message, "No member restarted or changed its version since ")
			}
			if members, compared := result.Values["members"]; compared {
				assert.InDelta(t, 2, members, 0)
			}
		})
	}
	t.Run("and what else is wrong is told as always", func(t *testing.T) {
		cluster.Members[2].Kill(t)
		for _, name := range []string{nodeKeyDiff, "data-consistency"} {
			_, err := inspectors[name].run(t, nil)
			require.Error(t, err, name)
		}
	})
}

// Where two clusters have as many members, none is the stray one.
func TestMembersOfTwoClustersWithoutAMajorityAreNotInspected(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1})
	other := etcdtest.Start(t, etcdtest.Options{Size: 1})
	for _, name := range askingMembers() {
		inspector := newInspector(t, cluster, nil)
		inspector.check = name
		inspector.spec.Members = append(inspector.spec.Members,
			etcdv1beta1.EtcdClusterMember{Name: "etcd-1", ClientURL: other.Members[0].ClientURL})
		_, err := inspector.run(t, nil)
		require.ErrorContains(t, err, "etcd-1 belongs to the etcd cluster", name)
		assert.ErrorContains(t, err, "correct their clientURL in the EtcdCluster", name)
	}
}

// A stray that is back has restarted, and is followed up as any other.
func TestAStrayMemberThatIsBackIsFollowedUp(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{})
	other := etcdtest.Start(t, etcdtest.Options{Size: 1})
	inspector := newInspector(t, cluster, nil)
	inspector.check = "health-after-change"
	_, err := inspector.run(t, nil)
	require.NoError(t, err)

	endpoint := inspector.spec.Members[1].ClientURL
	inspector.spec.Members[1].ClientURL = other.Members[0].ClientURL
	awaitMessage(t, inspector, nil, etcdv1beta1.OutcomePassed, `^No member restarted .* Member etcd-1 is left out`)

	time.Sleep(2 * time.Second) // start times that are nearer to each other are no restart
	cluster.Members[1].Stop(t)
	cluster.Members[1].Restart(t)
	inspector.spec.Members[1].ClientURL = endpoint
	awaitMessage(t, inspector, nil, etcdv1beta1.OutcomePassed, `^etcd-1 restarted at .* All 3 voting members are healthy`)
}
