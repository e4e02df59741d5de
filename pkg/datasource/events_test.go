package datasource

import (
	"context"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/regiontest"
)

// happen creates an Event about an object of the region gz that was last seen this long ago, and returns when.
func happen(t *testing.T, kind, name, eventType, reason string, ago time.Duration) time.Time {
	t.Helper()
	seen := metav1.NewTime(time.Now().Add(-ago).Truncate(time.Second))
	event := &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: "gz", GenerateName: name + "."},
		InvolvedObject: corev1.ObjectReference{
			APIVersion: v1beta1.GroupVersion.String(), Kind: kind, Namespace: "gz", Name: name,
		},
		Type: eventType, Reason: reason, Message: "of a test", Source: corev1.EventSource{Component: "test"},
		FirstTimestamp: metav1.NewTime(seen.Add(-time.Minute)), LastTimestamp: seen, Count: 2,
	}
	require.NoError(t, gz.Admin.Create(t.Context(), event))
	t.Cleanup(func() { require.NoError(t, gz.Admin.Delete(context.Background(), event)) })
	return seen.UTC()
}

func TestListsEventsNewestFirst(t *testing.T) {
	d := newFleet(t)
	happen(t, "EtcdCluster", "gz-2", "Warning", "TestStuck", 3*time.Minute)
	seen := happen(t, "EtcdMonitor", "gz-1-etcd-alarms", "Warning", "TestFailed", time.Minute)
	happen(t, "EtcdMonitor", "gz-1-etcd-alarms", "Normal", "TestPassed", 2*time.Minute)
	happen(t, "EtcdMonitor", "gz-1-etcd-alarms", "Normal", "TestOld", 30*time.Minute)
	reasons := []string{"TestStuck", "TestFailed", "TestPassed", "TestOld"}

	frame := eventually(t, d, map[string]any{"kind": "events", "reasons": reasons}, func(frame *data.Frame) bool { return frame.Rows() == 3 })
	require.Equal(t, []any{"TestFailed", "TestPassed", "TestStuck"}, columnOf(frame, "reason"), "what was last seen before the time range is left out")
	require.Equal(t, map[string]any{
		"time": seen, "firstSeen": seen.Add(-time.Minute), "region": "gz", "cluster": "gz-1", "check": "etcd-alarms", "object": "EtcdMonitor gz/gz-1-etcd-alarms",
		"type": "Warning", "reason": "TestFailed", "message": "of a test", "count": int64(2), "component": "test",
	}, rowsOf(frame)[0])
	require.Empty(t, frame.Meta.Notices)

	for _, c := range []struct {
		query map[string]any
		want  []any
	}{
		{map[string]any{"types": "Warning"}, []any{"TestFailed", "TestStuck"}},
		{map[string]any{"types": "Normal"}, []any{"TestPassed"}},
		{map[string]any{"scope": map[string]any{"cluster": []string{"gz-2"}}}, []any{"TestStuck"}},
		{map[string]any{"scope": map[string]any{"kubernetes": []string{"gz-1-tke"}, "host": []string{"gz-node-0"}}, "limit": 1, "offset": 1}, []any{"TestPassed"}},
		{map[string]any{"scope": map[string]any{"region": []string{"sh"}}}, nil},
	} {
		c.query["kind"], c.query["reasons"] = "events", reasons
		require.Equal(t, c.want, columnOf(askTable(t, d, c.query), "reason"), "%v", c.query)
	}

	annotations := askTable(t, d, map[string]any{"kind": "events", "format": "annotations", "reasons": []string{"TestFailed"}})
	require.Equal(t, []map[string]any{{
		"time": seen.Add(-time.Minute), "timeEnd": seen, "title": "Warning TestFailed", "text": "of a test", "tags": "Warning,TestFailed,gz,gz-1,etcd-alarms",
	}}, rowsOf(annotations))

	offered := call(t, d, viewer, "GET", "reasons", "", "")
	require.Equal(t, 200, offered.status)
	for _, reason := range reasons {
		require.Contains(t, offered.raw, `"`+reason+`"`)
	}
}

// An account of an earlier role may not read Events: its region says so, and shows everything else.
func TestWithoutTheRightToEventsOnlyTheyAreMissing(t *testing.T) {
	d := newFleet(t, withSecret("gz.token", regiontest.ReaderToken))
	frame := eventually(t, d, map[string]any{"kind": "events"}, func(frame *data.Frame) bool {
		return regionOf(frame, "gz").State == "failed" && regionOf(frame, "sh").State == "live"
	})
	require.Len(t, frame.Meta.Notices, 1)
	require.Equal(t, data.NoticeSeverityError, frame.Meta.Notices[0].Severity)
	require.Contains(t, frame.Meta.Notices[0].Text, "Region gz is missing. Its Events cannot be read. The API server of region gz does not let the datasource's account "+
		"list and watch events. Apply deploy/rbac/datasource.yaml")

	clusters := eventually(t, d, map[string]any{"kind": "clusters"}, isLive("gz", "sh"))
	require.Equal(t, 4, clusters.Rows())
	require.Empty(t, clusters.Meta.Notices)
}

func TestEventsOfARegionThatIsAwayAreWhatWasSeen(t *testing.T) {
	d := newFleet(t)
	happen(t, "EtcdCluster", "gz-2", "Warning", "TestSeen", time.Second)
	query := map[string]any{"kind": "events", "reasons": []string{"TestSeen"}}
	eventually(t, d, query, func(frame *data.Frame) bool { return frame.Rows() == 1 })
	gz.Kill()
	heal := healOnce(t, gz.Restart)
	frame := eventually(t, d, query, func(frame *data.Frame) bool { return regionOf(frame, "gz").State == "stale" })
	require.Equal(t, 1, frame.Rows())
	require.Regexp(t, `^Region gz: this is what was seen \d+s ago\. `, frame.Meta.Notices[0].Text)
	heal()
	frame = eventually(t, d, query, isLive("gz", "sh"))
	require.Equal(t, 1, frame.Rows())
	require.Empty(t, frame.Meta.Notices)
}
