package checks_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
	"github.com/etcdfleet/etcd-fleet/internal/etcdtest"
	"github.com/etcdfleet/etcd-fleet/internal/labbin"
)

func newAlarmsInspector(t *testing.T, cluster *etcdtest.Cluster) *inspector {
	t.Helper()
	inspector := newInspector(t, cluster, nil)
	inspector.check = "alarms"
	return inspector
}

// awaitResult runs the check until its values are those: members apply an alarm one after the other.
func awaitResult(t *testing.T, inspector *inspector, values map[string]float64) checks.Result {
	t.Helper()
	var result checks.Result
	var err error
	require.Eventually(t, func() bool {
		result, err = inspector.run(t, nil)
		return err == nil && assert.ObjectsAreEqual(values, result.Values)
	}, time.Minute, 100*time.Millisecond, "%v", &result)
	return result
}

func TestAlarmsFindsTheQuotaUsedUpAndEachAlarmClearsItsSeries(t *testing.T) {
	t.Parallel()
	for _, version := range labbin.EtcdVersions {
		t.Run(version, func(t *testing.T) {
			cluster := etcdtest.Start(t, etcdtest.Options{Version: version, Args: []string{"--quota-backend-bytes=4194304"}})
			inspector := newAlarmsInspector(t, cluster)
			result := awaitResult(t, inspector, map[string]float64{"nospaceAlarms": 0, "corruptAlarms": 0})
			assert.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome)
			assert.Equal(t, "No alarm is raised.", result.Message)

			cluster.FillQuota(t)
			require.Eventually(t, func() bool {
				var err error
				result, err = inspector.run(t, nil)
				return err == nil && result.Outcome == etcdv1beta1.OutcomeFailed
			}, time.Minute, 100*time.Millisecond, "%v", &result)
			assert.Regexp(t, "^Alarm NOSPACE is raised for etcd-.*, and the cluster refuses writes: free space", result.Message)
			assert.GreaterOrEqual(t, result.Values["nospaceAlarms"], 1.0)

			for _, member := range cluster.Members { // which would follow at their next write
				cluster.RaiseAlarm(t, member.ID(t), pb.AlarmType_NOSPACE)
			}
			awaitResult(t, inspector, map[string]float64{"nospaceAlarms": 3, "corruptAlarms": 0})
			for i, member := range cluster.Members {
				cluster.ClearAlarm(t, member.ID(t), pb.AlarmType_NOSPACE)
				awaitResult(t, inspector, map[string]float64{"nospaceAlarms": float64(2 - i), "corruptAlarms": 0})
			}
			assert.Equal(t, etcdv1beta1.OutcomePassed, awaitResult(t, inspector, map[string]float64{"nospaceAlarms": 0, "corruptAlarms": 0}).Outcome)
		})
	}
}

func TestAlarmsNamesCorruptMembers(t *testing.T) {
	t.Parallel()
	const removed = 0xdead
	for _, version := range labbin.EtcdVersions {
		t.Run(version, func(t *testing.T) {
			cluster := etcdtest.Start(t, etcdtest.Options{Version: version})
			inspector := newAlarmsInspector(t, cluster)

			cluster.RaiseAlarm(t, 0, pb.AlarmType_CORRUPT)
			result := awaitResult(t, inspector, map[string]float64{"nospaceAlarms": 0, "corruptAlarms": 1})
			assert.Equal(t, etcdv1beta1.OutcomeFailed, result.Outcome)
			assert.Contains(t, result.Message, "Alarm CORRUPT is raised for an unknown member, and the cluster refuses requests for keys")

			cluster.RaiseAlarm(t, cluster.Members[1].ID(t), pb.AlarmType_CORRUPT)
			cluster.RaiseAlarm(t, removed, pb.AlarmType_NOSPACE)
			result = awaitResult(t, inspector, map[string]float64{"nospaceAlarms": 1, "corruptAlarms": 2})
			assert.Contains(t, result.Message, "etcd-1")
			assert.Contains(t, result.Message, " Alarm NOSPACE is raised for dead (which is not a member any more: disarm it), and the cluster refuses writes")

			t.Run("also one that the EtcdCluster does not name", func(t *testing.T) {
				inspector.spec.Members = inspector.spec.Members[:1]
				result := awaitResult(t, inspector, map[string]float64{"nospaceAlarms": 1, "corruptAlarms": 2})
				assert.Contains(t, result.Message, "etcd-1")
			})
			t.Run("and one that is missing, by the member list", func(t *testing.T) {
				inspector.spec = cluster.Spec("gz-etcd", "")
				cluster.Members[1].Pause(t)
				defer cluster.Members[1].Resume(t)
				result := awaitResult(t, inspector, map[string]float64{"nospaceAlarms": 1, "corruptAlarms": 2})
				assert.Contains(t, result.Message, "etcd-1")
			})
		})
	}
}

func TestAlarmsNeedsOneMember(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{})
	inspector := newAlarmsInspector(t, cluster)
	cluster.RaiseAlarm(t, 0, pb.AlarmType_CORRUPT)
	awaitResult(t, inspector, map[string]float64{"nospaceAlarms": 0, "corruptAlarms": 1})

	cluster.Members[1].Kill(t)
	cluster.Members[2].Kill(t)
	result := awaitResult(t, inspector, map[string]float64{"nospaceAlarms": 0, "corruptAlarms": 1})
	assert.Equal(t, etcdv1beta1.OutcomeFailed, result.Outcome, "no quorum is needed")

	cluster.Members[0].Kill(t)
	_, err := inspector.run(t, nil)
	require.ErrorContains(t, err, "no member answered: etcd-0: ")
	assert.ErrorContains(t, err, "connection refused")
}

func TestAlarmsWarnsThatItsAnswerMayBeOld(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{})
	inspector := newAlarmsInspector(t, cluster)
	cluster.Members[1].Kill(t)
	cluster.Members[2].Kill(t)
	var result checks.Result
	require.Eventually(t, func() bool {
		var err error
		result, err = inspector.run(t, nil)
		return err == nil && result.Outcome == etcdv1beta1.OutcomeWarning
	}, time.Minute, 100*time.Millisecond, "%v", &result)
	assert.Equal(t, "No alarm is raised. Member etcd-0 knows no leader, so that this may be old: restore the quorum.", result.Message)
}

// Reading the alarms must not write: AlarmList would add an entry to the Raft log.
func TestAlarmsWritesNothing(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{})
	inspector := newAlarmsInspector(t, cluster)
	index := func() string {
		status, err := cluster.Client(t).Status(t.Context(), cluster.Members[0].ClientURL)
		require.NoError(t, err)
		return fmt.Sprintf("term %d index %d", status.RaftTerm, status.RaftIndex)
	}
	require.Eventually(t, func() bool {
		before := index()
		_, err := inspector.run(t, nil)
		require.NoError(t, err)
		return before == index() // members write a little themselves in their first seconds
	}, time.Minute, 100*time.Millisecond)
}
