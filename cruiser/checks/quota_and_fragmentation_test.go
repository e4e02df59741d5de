package checks_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
	"github.com/etcdfleet/etcd-fleet/internal/etcdtest"
	"github.com/etcdfleet/etcd-fleet/internal/labbin"
)

const smallQuota = "--quota-backend-bytes=8388608"

func newQuotaInspector(t *testing.T, cluster *etcdtest.Cluster) *inspector {
	t.Helper()
	inspector := newInspector(t, cluster, nil)
	inspector.check = "quota-and-fragmentation"
	return inspector
}

// awaitOutcome runs the check until its outcome is that one: members commit to their files every 100 ms.
func awaitOutcome(t *testing.T, inspector *inspector, parameters checks.Parameters, outcome etcdv1beta1.Outcome) checks.Result {
	t.Helper()
	var result checks.Result
	var err error
	require.Eventually(t, func() bool {
		result, err = inspector.run(t, parameters)
		return err == nil && result.Outcome == outcome
	}, time.Minute, 100*time.Millisecond, "%v", &result)
	return result
}

func TestQuotaIsJudgedByWhatIsInUse(t *testing.T) {
	t.Parallel()
	for _, version := range labbin.EtcdVersions {
		t.Run(version, func(t *testing.T) {
			cluster := etcdtest.Start(t, etcdtest.Options{Version: version, Args: []string{smallQuota}})
			inspector := newQuotaInspector(t, cluster)
			parameters := checks.Parameters{}
			result := awaitOutcome(t, inspector, parameters, etcdv1beta1.OutcomePassed)
			assert.Regexp(t, `^etcd-\d uses \d+\.\d KiB, \d % of its quota of 8\.0 MiB`, result.Message)
			assert.InDelta(t, 8<<20, result.Values["quota"], 0)
			assert.Less(t, result.Values["quotaUsed"], 0.1)

			parameters["warnRatio"] = "0"
			result = awaitOutcome(t, inspector, parameters, etcdv1beta1.OutcomeWarning)
			assert.Contains(t, result.Message, " The quota is used up to a large part: find what grows, or raise --quota-backend-bytes")

			cluster.FillQuota(t)
			result = awaitOutcome(t, inspector, parameters, etcdv1beta1.OutcomeFailed)
			assert.Regexp(t, `% of its quota of 8\.0 MiB.* Writes are about to be refused by etcd-.*: compact and defragment`, result.Message)
			assert.Greater(t, result.Values["quotaUsed"], 0.5)
		})
	}
}

func TestFragmentationIsJudgedByWhatDefragmentingGivesBack(t *testing.T) {
	t.Parallel()
	for _, version := range labbin.EtcdVersions {
		t.Run(version, func(t *testing.T) {
			cluster := etcdtest.Start(t, etcdtest.Options{Version: version})
			inspector := newQuotaInspector(t, cluster)
			kv := cluster.Client(t)
			for range 32 { // 8 MiB of history
				putValue(t, kv, strings.Repeat("x", 256<<10))
			}
			awaitOutcome(t, inspector, nil, etcdv1beta1.OutcomePassed)

			cluster.Compact(t)
			parameters := checks.Parameters{"minReclaimBytes": "4Mi"}
			var result checks.Result
			require.Eventually(t, func() bool {
				putValue(t, kv, "") // free pages count from the next commit on
				var err error
				result, err = inspector.run(t, parameters)
				return err == nil && strings.Count(result.Message, " Defragmenting ") == 3
			}, time.Minute, 100*time.Millisecond, "%v", &result)
			assert.Equal(t, etcdv1beta1.OutcomeWarning, result.Outcome, result.Message)
			assert.Regexp(t, ` Defragmenting etcd-0 gives back \d+\.\d MiB of \d+\.\d MiB`, result.Message)
			assert.Greater(t, result.Values["fragmentation"], 0.5)
			assert.Greater(t, result.Values["reclaimable"], float64(4<<20))
			if version < "3.6" { // newer members tell their quota, 2 GiB, by their status
				own := slices.Clone(inspector.spec.Members)
				for i := range inspector.spec.Members {
					inspector.spec.Members[i].MetricsURL = withoutMetrics(t)
				}
				quota := fmt.Sprintf("%.0f", result.Values["databaseSize"]+(4<<20))
				nearlyFull := checks.Parameters{"quotaBytes": quota, "failRatio": "0.5"}
				result = awaitOutcome(t, inspector, nearlyFull, etcdv1beta1.OutcomeWarning)
				assert.Regexp(t, ` With its free pages the file of etcd-.* takes most of the quota: defragment it`, result.Message)
				inspector.spec.Members = own
			}

			result = awaitOutcome(t, inspector, nil, etcdv1beta1.OutcomePassed)
			assert.NotContains(t, result.Message, "Defragmenting", "256 MiB are worth it, not less")
			for _, member := range cluster.Members {
				_, err := kv.Defragment(t.Context(), member.ClientURL)
				require.NoError(t, err)
			}
			awaitOutcome(t, inspector, parameters, etcdv1beta1.OutcomePassed)
		})
	}
}

func putValue(t *testing.T, kv *clientv3.Client, value string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err := kv.Put(ctx, "/key", value)
	require.NoError(t, err)
}

func TestQuotaOfEtcdsDefault(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		args    []string
		quota   float64
		message string
	}{
		{"which no flag sets", nil, 2 << 30, "0 % of its quota of 2.0 GiB"},
		{"which a flag switches off", []string{"--quota-backend-bytes=-1"}, 0, "has no quota."},
	} {
		t.Run(test.name, func(t *testing.T) {
			cluster := etcdtest.Start(t, etcdtest.Options{Size: 1, Args: test.args})
			result, err := newQuotaInspector(t, cluster).run(t, nil)
			require.NoError(t, err)
			assert.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome)
			assert.Contains(t, result.Message, test.message)
			assert.InDelta(t, test.quota, result.Values["quota"], 0)
		})
	}
}

func TestQuotaWarnsOfAMissingMember(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{})
	inspector := newQuotaInspector(t, cluster)
	cluster.Members[2].Pause(t)
	result, err := inspector.run(t, nil)
	require.NoError(t, err)
	assert.Equal(t, etcdv1beta1.OutcomeWarning, result.Outcome)
	assert.Contains(t, result.Message, " Member etcd-2 is missing (no answer in time).")

	cluster.Members[0].Pause(t)
	cluster.Members[1].Pause(t)
	_, err = inspector.run(t, nil)
	assert.ErrorContains(t, err, "no member answered: etcd-0: no answer in time, etcd-1: ")
}

func TestQuotaRefusesParameters(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1})
	for name, value := range map[string]string{
		"quotaBytes": "much", "minReclaimBytes": "-1", "warnRatio": "75", "failRatio": "", "fragmentationRatio": "half",
	} {
		_, err := newQuotaInspector(t, cluster).run(t, checks.Parameters{name: value})
		assert.ErrorContains(t, err, "set spec.parameters."+name+" to ")
	}
}
