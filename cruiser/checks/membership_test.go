package checks_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
	"github.com/etcdfleet/etcd-fleet/internal/etcdtest"
	"github.com/etcdfleet/etcd-fleet/internal/labbin"
)

func newMembershipInspector(t *testing.T, cluster *etcdtest.Cluster, secret map[string][]byte) *inspector {
	t.Helper()
	inspector := newInspector(t, cluster, secret)
	inspector.check = "membership"
	inspector.spec.Size = int32(len(cluster.Members))
	return inspector
}

// awaitMessage runs the check until it says so: a member is up before all others know.
func awaitMessage(t *testing.T, inspector *inspector, parameters checks.Parameters, outcome etcdv1beta1.Outcome, pattern string) checks.Result {
	t.Helper()
	var result checks.Result
	var err error
	require.Eventually(t, func() bool {
		result, err = inspector.run(t, parameters)
		return err == nil && result.Outcome == outcome && regexp.MustCompile(pattern).MatchString(result.Message)
	}, time.Minute, 100*time.Millisecond, "%v", &result)
	return result
}

func TestMembershipPassesMembersThatAgree(t *testing.T) {
	t.Parallel()
	for _, version := range labbin.EtcdVersions {
		for name, options := range map[string]etcdtest.Options{"": {}, " with auth": {Auth: true}} {
			t.Run(version+name, func(t *testing.T) {
				options.Version = version
				cluster := etcdtest.Start(t, options)
				var secret map[string][]byte
				if options.Auth {
					secret = cluster.Credentials(t)
				}
				result := awaitMessage(t, newMembershipInspector(t, cluster, secret), nil, etcdv1beta1.OutcomePassed,
					`^3 voting members and 0 learners agree, and are those of the EtcdCluster\. etcd-\d leads in term \d+\.$`)
				assert.Equal(t, map[string]float64{
					"voters": 3, "learners": 0, "missingMembers": 0, "unexpectedMembers": 0, "clusterIDs": 1,
				}, result.Values)
			})
		}
	}
}

func TestMembershipFindsAMemberThatStartedAClusterOfItsOwn(t *testing.T) {
	t.Parallel()
	for _, version := range labbin.EtcdVersions {
		t.Run(version, func(t *testing.T) {
			cluster := etcdtest.Start(t, etcdtest.Options{Version: version})
			cluster.Members[1].RestartAlone(t)

			result := awaitMessage(t, newMembershipInspector(t, cluster, nil), nil, etcdv1beta1.OutcomeFailed,
				`^etcd-1 serves another etcd cluster, [0-9a-f]+ \(etcd-1 [0-9a-f]+\) instead of [0-9a-f]+: `+
					`it was started with a wrong --initial-cluster: stop it, delete its data and add it to the cluster again\.$`)
			assert.InDelta(t, 2, result.Values["clusterIDs"], 0)
			assert.InDelta(t, 3, result.Values["voters"], 0)
		})
	}
}

// An endpoint that serves another cluster may be a wrong address in the EtcdCluster: then the data there are someone's.
func TestMembershipNeverAdvisesToDeleteTheDataOfAnotherCluster(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{})
	for name, other := range map[string]*etcdtest.Cluster{
		"of one member": etcdtest.Start(t, etcdtest.Options{Size: 1}), "of three": etcdtest.Start(t, etcdtest.Options{}),
	} {
		inspector := newMembershipInspector(t, cluster, nil)
		inspector.spec.Members[1].ClientURL = other.Members[0].ClientURL
		result := awaitMessage(t, inspector, nil, etcdv1beta1.OutcomeFailed, `^etcd-1 serves another etcd cluster, `)
		assert.Contains(t, result.Message, ": correct its clientURL in the EtcdCluster", name)
		assert.NotContains(t, result.Message, "delete", name)
	}
	t.Run("nor where as many members serve each cluster", func(t *testing.T) {
		pair := etcdtest.Start(t, etcdtest.Options{Size: 2})
		pair.Put(t, "/key", 1)
		inspector := newMembershipInspector(t, pair, nil)
		pair.Members[1].RestartAlone(t)
		result := awaitMessage(t, inspector, nil, etcdv1beta1.OutcomeFailed, ` serves another etcd cluster, `)
		assert.NotContains(t, result.Message, "delete")
	})
}

func TestMembershipWarns(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		change  func(*testing.T, *etcdtest.Cluster, *inspector)
		pattern string
		values  map[string]float64
	}{
		{
			"of a missing member",
			func(t *testing.T, cluster *etcdtest.Cluster, _ *inspector) { cluster.Members[2].Pause(t) },
			`^Member etcd-2 is missing \(no answer in time\)\.$`,
			map[string]float64{"voters": 3, "missingMembers": 1},
		},
		{
			"of a member that etcd does not have",
			func(t *testing.T, cluster *etcdtest.Cluster, _ *inspector) { cluster.Members[2].Remove(t) },
			`^The EtcdCluster names etcd-2, which etcd has no member of \(.*connection refused\): remove it from the EtcdCluster, or add it to etcd\. ` +
				`The number of voting members is 2 in etcd and 3 by the EtcdCluster's size: correct the one that is wrong\. ` +
				`An even number of voting members, 2, survives no more failures than 1: add one\.$`,
			map[string]float64{"voters": 2, "missingMembers": 1},
		},
		{
			"of a member that the EtcdCluster does not name",
			func(_ *testing.T, _ *etcdtest.Cluster, inspector *inspector) {
				inspector.spec.Members = inspector.spec.Members[:2]
			},
			`^The EtcdCluster does not name etcd-2 [0-9a-f]+: add it there, or remove it from etcd\.$`,
			map[string]float64{"voters": 3, "unexpectedMembers": 1},
		},
		{
			"of another name",
			func(_ *testing.T, _ *etcdtest.Cluster, inspector *inspector) {
				inspector.spec.Members[0].Name = "etcd-9"
			},
			`^etcd-9 is named etcd-0 in etcd: correct the EtcdCluster\.$`,
			map[string]float64{"voters": 3, "unexpectedMembers": 0},
		},
		{
			"of a member that was never started, and of an even number",
			func(t *testing.T, cluster *etcdtest.Cluster, _ *inspector) { cluster.AddUnstarted(t) },
			`^Member [0-9a-f]+ at http://127\.0\.0\.1:\d+ was added and never started: start it, or remove it from etcd\. ` +
				`The number of voting members is 4 in etcd and 3 by the EtcdCluster's size: correct the one that is wrong\. ` +
				`An even number of voting members, 4, survives no more failures than 3: add one\.$`,
			map[string]float64{"voters": 4, "unexpectedMembers": 0},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			cluster := etcdtest.Start(t, etcdtest.Options{})
			inspector := newMembershipInspector(t, cluster, nil)
			test.change(t, cluster, inspector)
			result := awaitMessage(t, inspector, nil, etcdv1beta1.OutcomeWarning, test.pattern)
			for name, value := range test.values {
				assert.InDelta(t, value, result.Values[name], 0, name)
			}
		})
	}
}

func TestMembershipRemembersLearners(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]etcdtest.Options{"": {}, "with auth": {Auth: true}} {
		t.Run(name, func(t *testing.T) {
			cluster := etcdtest.Start(t, options)
			cluster.AddLearner(t)
			var secret map[string][]byte
			if options.Auth {
				secret = cluster.Credentials(t)
			}
			inspector := newMembershipInspector(t, cluster, secret)
			inspector.spec.Size = 3
			result := awaitMessage(t, inspector, nil, etcdv1beta1.OutcomePassed, `^3 voting members and 1 learners agree`)
			assert.InDelta(t, 1, result.Values["learners"], 0)

			result, err := inspector.run(t, checks.Parameters{"learnerFor": "0s"})
			require.NoError(t, err)
			assert.Equal(t, etcdv1beta1.OutcomeWarning, result.Outcome)
			assert.Regexp(t, `^etcd-3 has been a learner for \d+s: promote it, or remove it\.$`, result.Message)

			result, err = inspector.run(t, nil)
			require.NoError(t, err)
			assert.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome, "not within the hour")

			inspector.spec.Members = inspector.spec.Members[:3]
			cluster.Members[3].Remove(t)
			awaitMessage(t, inspector, checks.Parameters{"learnerFor": "0s"}, etcdv1beta1.OutcomePassed, `^3 voting members and 0 learners`)
			assert.Equal(t, "{}", inspector.state, "a learner that is gone is forgotten")
		})
	}
}

func TestMembershipFailsWithoutQuorum(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{})
	cluster.Members[0].Kill(t)
	cluster.Members[1].Kill(t)
	result := awaitMessage(t, newMembershipInspector(t, cluster, nil), nil, etcdv1beta1.OutcomeFailed,
		`^No majority of the members that answered knows a common leader \(etcd-2: no leader in term \d+\): look at `)
	assert.InDelta(t, 3, result.Values["voters"], 0, "a member tells its list without a quorum")
	assert.InDelta(t, 2, result.Values["missingMembers"], 0)
}

func TestMembershipWaitsForAnElection(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{})
	inspector := newMembershipInspector(t, cluster, nil)
	for _, member := range cluster.Members {
		member.Pause(t) // if it led, the others elect another
		require.Eventually(t, func() bool {
			result, err := inspector.run(t, nil)
			require.NoError(t, err)
			require.NotEqual(t, etcdv1beta1.OutcomeFailed, result.Outcome, result.Message)
			return result.Outcome == etcdv1beta1.OutcomeWarning
		}, time.Minute, 100*time.Millisecond)
		member.Resume(t)
		awaitMessage(t, inspector, nil, etcdv1beta1.OutcomePassed, "agree")
	}
}

func TestMembershipCannotTell(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{})
	t.Run("of one member at two endpoints", func(t *testing.T) {
		inspector := newMembershipInspector(t, cluster, nil)
		inspector.spec.Members[2].ClientURL = inspector.spec.Members[0].ClientURL
		_, err := inspector.run(t, nil)
		assert.ErrorContains(t, err, "etcd-0 and etcd-2 are the same etcd member")
	})
	t.Run("without an answer", func(t *testing.T) {
		for _, member := range cluster.Members {
			member.Kill(t)
		}
		_, err := newMembershipInspector(t, cluster, nil).run(t, nil)
		require.ErrorContains(t, err, "no voting member answered: etcd-0: ")
		assert.ErrorContains(t, err, "connection refused, etcd-2: ")
	})
	t.Run("with a wrong parameter", func(t *testing.T) {
		_, err := newMembershipInspector(t, cluster, nil).run(t, checks.Parameters{"learnerFor": "long"})
		assert.ErrorContains(t, err, "set spec.parameters.learnerFor to a time")
	})
}
