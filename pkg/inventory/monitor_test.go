package inventory

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

func monitorFrom(t *testing.T, text string) *Monitor {
	t.Helper()
	var object v1beta1.EtcdMonitor
	require.NoError(t, yaml.UnmarshalStrict([]byte(text), &object))
	return newMonitor("gz", &object)
}

const spec = `
metadata: {name: m, namespace: gz%s}
spec: {clusterId: gz-1, metricName: etcd-node-key-diff, metricProviderName: cruiser, productName: tke}
`

func TestReadsAMonitorBeforeItsFirstRun(t *testing.T) {
	m := monitorFrom(t, fmt.Sprintf(spec, ""))
	require.Equal(t, "gz-1", m.ClusterID)
	require.Equal(t, "etcd-node-key-diff", m.Check)
	require.Equal(t, "tke", m.Product)
	require.Empty(t, m.Outcome)
	require.True(t, m.LastRun.IsZero())
	require.True(t, m.NextRun.IsZero())
	require.Empty(t, m.Request())
	require.False(t, m.Running)
	require.JSONEq(t, `[]`, string(m.History.JSON()))
}

func TestReadsTheNewestRunAndTheHistory(t *testing.T) {
	m := monitorFrom(t, fmt.Sprintf(spec, "")+`
status:
  nextRun: "2026-01-02T03:10:00Z"
  conditions: [{type: Running, status: "True", reason: Running, message: "", lastTransitionTime: "2026-01-02T03:04:05Z"}]
  records:
  - {startTime: "2026-01-02T03:00:00Z", endTime: "2026-01-02T03:00:01Z", message: first, outcome: Passed, values: {nodeKeyDiff: 0}}
  - {startTime: "2026-01-02T03:05:00Z", endTime: "2026-01-02T03:05:02Z", message: second, outcome: Failed, values: {nodeKeyDiff: 7}, duration: 1.5s}
`)
	require.Equal(t, v1beta1.OutcomeFailed, m.Outcome)
	require.Equal(t, "second", m.Message)
	require.Equal(t, "2026-01-02T03:05:02Z", m.LastRun.UTC().Format(time.RFC3339))
	require.Equal(t, 1500*time.Millisecond, m.Duration)
	require.Equal(t, "2026-01-02T03:10:00Z", m.NextRun.UTC().Format(time.RFC3339))
	require.True(t, m.Running)
	require.JSONEq(t, `[
		{"time": 1767322801000, "outcome": "Passed", "message": "first", "values": {"nodeKeyDiff": 0}},
		{"time": 1767323102000, "outcome": "Failed", "message": "second", "values": {"nodeKeyDiff": 7}}
	]`, string(m.History.JSON()))
}

// The original platform's records end before they start and have no outcome; another writer may put the newest first.
func TestReadsRecordsOfOtherWriters(t *testing.T) {
	m := monitorFrom(t, fmt.Sprintf(spec, "")+`
status:
  records:
  - {startTime: "2026-01-02T03:05:01Z", endTime: "2026-01-02T03:05:00Z", message: newest}
  - {startTime: "2026-01-02T03:00:00Z", endTime: "2026-01-02T03:00:03Z", message: oldest}
`)
	require.Empty(t, m.Outcome)
	require.Equal(t, "newest", m.Message)
	require.Equal(t, "2026-01-02T03:05:01Z", m.LastRun.UTC().Format(time.RFC3339))
	require.Zero(t, m.Duration)
	require.JSONEq(t, `[
		{"time": 1767322803000, "outcome": "", "message": "oldest", "values": {}},
		{"time": 1767323101000, "outcome": "", "message": "newest", "values": {}}
	]`, string(m.History.JSON()))
}

func TestReadsTheRequest(t *testing.T) {
	annotated := func(request, by string) string {
		return fmt.Sprintf(spec, fmt.Sprintf(", annotations: {etcd.cloud.tencent.com/run-requested-at: %q, etcd.cloud.tencent.com/run-requested-by: %q}", request, by))
	}
	answer := func(request, by string) string {
		return fmt.Sprintf(`
status:
  answeredRequest: %q
  records: [{startTime: "2026-01-02T03:00:00Z", endTime: "2026-01-02T03:00:01Z", request: %[1]q, requestedBy: %[2]q}]
`, request, by)
	}
	for _, c := range []struct {
		name, object                   string
		pending, answered, request, by string
	}{
		{"none", fmt.Sprintf(spec, ""), "", "", "", ""},
		{"pending", annotated("1", "ann"), "1", "", "1", "ann"},
		{"pending after an answered one", annotated("2", "ann") + answer("1", "bob"), "2", "1", "2", "ann"},
		{"answered", annotated("1", "ann") + answer("1", "bob"), "", "1", "1", "ann"},
		{"answered, and the annotation removed", fmt.Sprintf(spec, "") + answer("1", "bob"), "", "1", "1", "bob"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := monitorFrom(t, c.object)
			require.Equal(t, []string{c.pending, c.answered, c.request, c.by}, []string{m.Pending, m.Answered, m.Request(), m.RequestedBy})
		})
	}
}

func TestTheHistoryIsBounded(t *testing.T) {
	object := &v1beta1.EtcdMonitor{}
	for i := range 50 {
		at := metav1.NewTime(time.Unix(int64(i), 0))
		object.Status.Records = append(object.Status.Records, v1beta1.EtcdMonitorRecord{StartTime: at, EndTime: at})
	}
	m := newMonitor("gz", object)
	require.Equal(t, v1beta1.MaxRecords, strings.Count(string(m.History.JSON()), `"time"`))
	require.Contains(t, string(m.History.JSON()), `"time":49000`, "the newest stay")
}
