package inventory

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/regiontest"
)

func TestReadsEventsOfBothAPIs(t *testing.T) {
	at := func(clock string) time.Time {
		parsed, err := time.Parse(time.RFC3339, "2026-01-02T"+clock+"Z")
		require.NoError(t, err)
		return parsed
	}
	for _, c := range []struct {
		name, object, component string
		first, last             time.Time
		count                   int64
	}{
		{
			"of the core API, seen again", `
source: {component: kubectl-plugin}
firstTimestamp: "2026-01-02T03:04:05Z"
lastTimestamp: "2026-01-02T03:09:05Z"
count: 3`, "kubectl-plugin", at("03:04:05"), at("03:09:05"), 3,
		},
		{
			"of events.k8s.io", `
reportingComponent: cruiser
eventTime: "2026-01-02T03:04:05.500000Z"`, "cruiser", at("03:04:05.5"), at("03:04:05.5"), 1,
		},
		{
			"of events.k8s.io, a series", `
reportingComponent: cruiser
eventTime: "2026-01-02T03:04:05.000000Z"
series: {count: 12, lastObservedTime: "2026-01-02T03:34:05.000000Z"}`, "cruiser", at("03:04:05"), at("03:34:05"), 12,
		},
		{
			"without a time of its own", `
metadata: {creationTimestamp: "2026-01-02T03:04:05Z"}`, "", at("03:04:05"), at("03:04:05"), 1,
		},
		{
			"with a last time before the first", `
firstTimestamp: "2026-01-02T03:04:05Z"
lastTimestamp: "2026-01-02T03:00:00Z"`, "", at("03:04:05"), at("03:04:05"), 1,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var object corev1.Event
			require.NoError(t, yaml.Unmarshal([]byte(c.object), &object))
			e := newEvent("gz", &object)
			require.Equal(t, []any{"gz", c.component, c.first, c.last, c.count}, []any{e.Region, e.Component, e.FirstSeen, e.LastSeen, e.Count})
		})
	}
	long := newEvent("gz", &corev1.Event{Message: strings.Repeat("é", v1beta1.MaxMessageLength)})
	require.Len(t, long.Message, v1beta1.MaxMessageLength, "whoever may write Events cannot fill the memory")
}

// eventAbout is an Event about an object in the namespace gz.
func eventAbout(kind, object string) *Event {
	return newEvent("gz", &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Namespace: "gz", Name: "event-" + kind + object},
		InvolvedObject: corev1.ObjectReference{Kind: kind, Namespace: "gz", Name: object},
	})
}

// happened lists "object: cluster check" for every Event in scope.
func happened(x *index, scope Scope) []string {
	var lines []string
	x.eachEvent(newFilter(scope), func(e *Event, clusterID, check string) {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s: %s %s", e.About.Name, clusterID, check)))
	})
	slices.Sort(lines)
	return lines
}

func TestEventsBelongToTheClusterOfTheirObject(t *testing.T) {
	x := newIndex()
	refused := cluster("gz", "1", "tcr")
	refused.object.Name, refused.refusal = "refused", "Another holds the ID."
	for _, c := range []*Cluster{cluster("gz", "1", "tke"), cluster("gz", "2", "tcr"), refused} {
		x.clusters.put(c)
	}
	x.kstoneClusters.put(&Cluster{ID: "3", Product: "kstone", kstone: true, object: types.NamespacedName{Namespace: "gz", Name: "3"}})
	x.monitors.put(monitor("1", "alarms"))
	x.monitors.put(monitor("9", "alarms"))
	removed := eventAbout(monitorKind, "2-removed")
	removed.related = types.NamespacedName{Namespace: "gz", Name: "object-2"}
	for _, e := range []*Event{
		eventAbout(clusterKind, "object-1"), eventAbout(clusterKind, "object-2"), eventAbout(clusterKind, "refused"), eventAbout(clusterKind, "gone"),
		eventAbout(clusterKind, "3"), eventAbout(monitorKind, "1-alarms"), eventAbout(monitorKind, "9-alarms"), eventAbout(monitorKind, "gone-alarms"),
		removed, eventAbout("EtcdInspectionPolicy", "default"),
	} {
		x.events.put(e)
	}
	for _, c := range []struct {
		scope Scope
		want  []string
	}{
		{Scope{}, []string{
			"1-alarms: 1 alarms", "2-removed: 2", "3:", "9-alarms: 9 alarms", "gone-alarms:", "gone:", "object-1: 1", "object-2: 2", "refused: 1",
		}},
		{Scope{Cluster: []string{"1"}}, []string{"1-alarms: 1 alarms", "object-1: 1", "refused: 1"}},
		{Scope{Product: []string{"tke"}}, []string{"1-alarms: 1 alarms", "object-1: 1", "refused: 1"}},
		{Scope{Product: []string{"orphaned"}}, []string{"9-alarms: 9 alarms"}},
		{Scope{Cluster: []string{"2"}, Scene: []string{"business"}}, []string{"2-removed: 2", "object-2: 2"}},
		{Scope{Host: []string{"node-1"}}, nil},
	} {
		require.Equal(t, c.want, happened(x, c.scope), "%+v", c.scope)
	}

	x.events.delete(types.NamespacedName{Namespace: "gz", Name: "event-EtcdClusterrefused"})
	require.Equal(t, []string{"1-alarms: 1 alarms", "object-1: 1"}, happened(x, Scope{Cluster: []string{"1"}}), "Kubernetes has forgotten it")
}

// Events are followed with the right to it alone, and their absence harms nothing else.
func TestFollowsTheEventsAboutOurObjects(t *testing.T) {
	server := startServer(t)
	require.NoError(t, server.Admin.Create(t.Context(), &v1beta1.EtcdMonitor{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "gz-1-alarms"},
		Spec:       v1beta1.EtcdMonitorSpec{ClusterID: "gz-1", MetricName: "alarms", MetricProviderName: "cruiser"},
	}))
	about := func(apiVersion, kind, name string) corev1.ObjectReference {
		return corev1.ObjectReference{APIVersion: apiVersion, Kind: kind, Namespace: "default", Name: name}
	}
	ours := v1beta1.GroupVersion.String()
	old := &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "old"}, InvolvedObject: about(ours, monitorKind, "gz-1-alarms"), Reason: "RunRequested", Type: "Normal",
	}
	require.NoError(t, server.Admin.Create(t.Context(), old))
	require.NoError(t, server.Admin.Create(t.Context(), &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "pod"}, InvolvedObject: about("v1", "Pod", "gz-1-alarms"), Reason: "Started", Type: "Normal",
	}))

	r, without := kstoneRegion(t, server, regiontest.DatasourceToken), kstoneRegion(t, server, regiontest.ReaderToken)
	reasons := func(r *region) []string {
		var found []string
		r.index.eachEvent(newFilter(Scope{Cluster: []string{"gz-1"}}), func(e *Event, _, check string) { found = append(found, e.Reason+" "+check) })
		slices.Sort(found)
		return found
	}
	statusOf := func(r *region) Status { return (&Inventory{regions: []*region{r}}).EventStatuses(Scope{})[0] }
	eventually(t, func() bool {
		return statusOf(r).State == Live && slices.Equal([]string{"RunRequested alarms"}, reasons(r))
	}, "the Events are read")

	related := about(ours, clusterKind, "gz-1")
	require.NoError(t, server.Admin.Create(t.Context(), &eventsv1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "new"}, EventTime: metav1.NowMicro(), ReportingController: "cruiser", ReportingInstance: "cruiser-0",
		Action: "Inspect", Reason: "InspectionFailed", Regarding: about(ours, monitorKind, "gz-1-alarms"), Related: &related, Note: "NOSPACE", Type: "Warning",
	}))
	eventually(t, func() bool { return len(reasons(r)) == 2 }, "a new one comes")
	require.NoError(t, server.Admin.Delete(t.Context(), old))
	eventually(t, func() bool { return slices.Equal([]string{"InspectionFailed alarms"}, reasons(r)) }, "an old one goes")
	require.Len(t, r.index.events.objects, 1, "the API server keeps back the Events about others' objects")

	eventually(t, func() bool { return isLive(without) && statusOf(without).State == Failed }, "only the Events are refused")
	require.Empty(t, reasons(without))
	require.EqualError(t, statusOf(without).Err, "Its Events cannot be read. The API server of region gz does not let the datasource's account "+
		"list and watch events. Apply deploy/rbac/datasource.yaml to it, or change the token or client certificate of region gz.")

	bind := func(role string) {
		require.NoError(t, server.Admin.Create(t.Context(), &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: "reader-" + role},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: "reader"}},
		}))
	}
	require.NoError(t, server.Admin.Create(t.Context(), &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: "earlier"},
		Rules: []rbacv1.PolicyRule{
			{APIGroups: []string{v1beta1.GroupVersion.Group}, Resources: []string{monitorsResource}, Verbs: []string{"patch"}},
			{APIGroups: []string{""}, Resources: []string{eventsResource}, Verbs: []string{"create"}},
		},
	}))
	bind("earlier")
	eventually(t, func() bool { return without.check(t.Context(), newFilter(Scope{})).Err == nil }, "the region works without the right to Events")
	require.Contains(t, without.check(t.Context(), newFilter(Scope{})).Note, "the Events are missing, because the account may not list events, watch events")
	require.NotContains(t, r.check(t.Context(), newFilter(Scope{})).Note, "Events")

	bind("etcdfleet-datasource")
	eventually(t, func() bool { return statusOf(without).State == Live && len(reasons(without)) == 1 }, "the Events come with the right")

	server.Kill()
	eventually(t, func() bool { return statusOf(r).State == Stale && len(reasons(r)) == 1 }, "what was seen stays while the region is away")
	require.NoError(t, server.Restart())
	eventually(t, func() bool { return statusOf(r).State == Live && len(reasons(r)) == 1 }, "the region is back")
}
