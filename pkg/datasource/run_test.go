package datasource

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/regiontest"
)

const runPath = "inspections/run"

// liveFleet returns a datasource that is current, and its log.
func liveFleet(t *testing.T, options ...option) (*Datasource, *recorder) {
	t.Helper()
	d := newFleet(t, options...)
	eventually(t, d, map[string]any{"kind": "inspections"}, isLive("gz", "sh"))
	return d, recordLog(d)
}

// newMonitor creates a monitor for a test alone and waits until the datasource knows it.
func newMonitor(t *testing.T, d *Datasource, check string) *v1beta1.EtcdMonitor {
	t.Helper()
	object := etcdMonitor("gz", "gz-1", check, "")
	require.NoError(t, gz.Admin.Create(t.Context(), object))
	t.Cleanup(func() { _ = gz.Admin.Delete(t.Context(), object) })
	eventually(t, d, inspectionOf(check), func(frame *data.Frame) bool { return frame.Rows() == 1 })
	return object
}

func inspectionOf(check string) map[string]any {
	return map[string]any{"kind": "inspections", "checks": []string{check}}
}

func runRequest(region, cluster, check string) string {
	encoded, _ := json.Marshal(runBody{region, cluster, check}) // texts always encode
	return string(encoded)
}

func eventsOf(t *testing.T, monitor string) []corev1.Event {
	t.Helper()
	var list corev1.EventList
	require.NoError(t, gz.Admin.List(t.Context(), &list, client.InNamespace("gz")))
	var events []corev1.Event
	for _, event := range list.Items {
		if event.InvolvedObject.Name == monitor {
			events = append(events, event)
		}
	}
	return events
}

func TestAnEditorRunsAnInspection(t *testing.T) {
	d, log := liveFleet(t)
	monitor := newMonitor(t, d, "check-accepted")
	log.take()

	accepted := call(t, d, editor, "POST", runPath, "application/json; charset=utf-8", runRequest("gz", "gz-1", "check-accepted"))
	require.Equal(t, 202, accepted.status, accepted.raw)
	request := accepted.body["request"].(string)
	require.Equal(t, map[string]any{
		"region": "gz", "cluster": "gz-1", "check": "check-accepted", "namespace": "gz", "monitor": "gz-1-check-accepted", "request": request, "alreadyRequested": false,
	}, accepted.body)
	at, err := time.Parse(time.RFC3339Nano, request)
	require.NoError(t, err)
	require.Equal(t, time.UTC, at.Location())

	require.NoError(t, gz.Admin.Get(t.Context(), client.ObjectKeyFromObject(monitor), monitor))
	require.Equal(t, request, monitor.Annotations[v1beta1.AnnotationRunRequestedAt])
	require.Equal(t, "edith", monitor.Annotations[v1beta1.AnnotationRunRequestedBy])
	require.Equal(t, fieldManagerOf(monitor), "etcdfleet-slo-datasource")

	events := eventsOf(t, monitor.Name)
	require.Len(t, events, 1)
	require.Equal(t, "RunRequested", events[0].Reason)
	require.Contains(t, events[0].Message, "edith requested a run")
	require.Equal(t, monitor.UID, events[0].InvolvedObject.UID)

	require.Equal(t, []map[string]any{{
		"msg": "A run was requested", "audit": runPath, "actor": "edith", "role": "Editor", "region": "gz", "cluster": "gz-1",
		"check": "check-accepted", "result": 202, "request": request, "alreadyRequested": false,
	}}, log.take())

	queued := eventually(t, d, inspectionOf("check-accepted"), func(frame *data.Frame) bool { return columnOf(frame, "state")[0] == "queued" })
	require.Equal(t, request, columnOf(queued, "request")[0])
	require.Equal(t, "edith", columnOf(queued, "requestedBy")[0])

	again := call(t, d, admin, "POST", runPath, "application/json", runRequest("gz", "gz-1", "check-accepted"))
	require.Equal(t, 202, again.status)
	require.Equal(t, []any{request, true}, []any{again.body["request"], again.body["alreadyRequested"]})
	require.Len(t, eventsOf(t, monitor.Name), 1)

	answer(t, monitor, request)
	eventually(t, d, inspectionOf("check-accepted"), func(frame *data.Frame) bool {
		return columnOf(frame, "state")[0] == "idle" && columnOf(frame, "answeredRequest")[0] == request && columnOf(frame, "outcome")[0] == "Passed"
	})
	next := call(t, d, admin, "POST", runPath, "application/json", runRequest("gz", "gz-1", "check-accepted"))
	require.NotEqual(t, request, next.body["request"], "an answered request is no longer pending")
}

func fieldManagerOf(monitor *v1beta1.EtcdMonitor) string {
	for _, fields := range monitor.ManagedFields {
		if strings.Contains(string(fields.FieldsV1.GetRawBytes()), v1beta1.AnnotationRunRequestedAt) {
			return fields.Manager
		}
	}
	return ""
}

// answer does what cruiser does: it writes a record for a request.
func answer(t *testing.T, monitor *v1beta1.EtcdMonitor, request string) {
	t.Helper()
	now := metav1.Now()
	monitor.Status.AnsweredRequest, monitor.Status.Outcome = request, v1beta1.OutcomePassed
	monitor.Status.Records = append(monitor.Status.Records, v1beta1.EtcdMonitorRecord{StartTime: now, EndTime: now, Outcome: v1beta1.OutcomePassed, Request: request})
	require.NoError(t, gz.Admin.Status().Update(t.Context(), monitor))
}

func TestRequestsAtTheSameTimeAreOneRun(t *testing.T) {
	d, _ := liveFleet(t)
	monitor := newMonitor(t, d, "check-at-once")
	var (
		group sync.WaitGroup
		mu    sync.Mutex
		all   []reply
	)
	for range 8 {
		group.Go(func() {
			got := call(t, d, editor, "POST", runPath, "application/json", runRequest("gz", "gz-1", "check-at-once"))
			mu.Lock()
			defer mu.Unlock()
			all = append(all, got)
		})
	}
	group.Wait()
	fresh := 0
	for _, got := range all {
		require.Equal(t, 202, got.status, got.raw)
		require.Equal(t, all[0].body["request"], got.body["request"])
		if got.body["alreadyRequested"] == false {
			fresh++
		}
	}
	require.Equal(t, 1, fresh)
	require.Len(t, eventsOf(t, monitor.Name), 1)
}

// The provider writes the status all the time: that must not get in a request's way.
func TestARequestSurvivesOtherWriters(t *testing.T) {
	d, _ := liveFleet(t)
	monitor := newMonitor(t, d, "check-busy")
	for i := range 3 { // The watch may not have delivered these when the request comes.
		monitor.Status.NextRun = &metav1.Time{Time: lastRun.Add(time.Duration(i) * time.Hour)}
		require.NoError(t, gz.Admin.Status().Update(t.Context(), monitor))
	}
	got := call(t, d, editor, "POST", runPath, "application/json", runRequest("gz", "gz-1", "check-busy"))
	require.Equal(t, 202, got.status, got.raw)
	require.Equal(t, false, got.body["alreadyRequested"])
}

func TestRefusesToRun(t *testing.T) {
	valid := runRequest("gz", "gz-1", keyDiff)
	const json = "application/json"
	for _, c := range []struct {
		name              string
		options           []option
		user              *backend.User
		method, mediaType string
		body              string
		status            int
		field, message    string
		actor, region     string
	}{
		{"another method", nil, editor, "PUT", json, valid, 405, "", "Use the method POST", "edith", "gz"},
		{"nobody", nil, nil, "POST", json, valid, 401, "", "Sign in", "", "gz"},
		{"a viewer", nil, viewer, "POST", json, valid, 403, "", "needs the role Editor; you have Viewer", "vera", "gz"},
		{"a viewer with a bad body", nil, viewer, "POST", json, "{", 403, "", "needs the role", "vera", ""},
		{"an editor where administrators only may", []option{withJSON("minRoleToRun", "Admin")}, editor, "POST", json, valid, 403, "", "needs the role Admin", "edith", "gz"},
		{"no role", nil, &backend.User{Login: "nemo", Role: "None"}, "POST", json, valid, 403, "", "you have None", "nemo", "gz"},
		{"an empty role", nil, &backend.User{Login: "nemo"}, "POST", json, valid, 403, "", "you have none", "nemo", "gz"},
		{"another media type", nil, editor, "POST", "text/plain", valid, 415, "", "application/json", "edith", ""},
		{"no media type", nil, editor, "POST", "", valid, 415, "", "application/json", "edith", ""},
		{"a huge body", nil, editor, "POST", json, `{"region": "` + strings.Repeat("a", 5000) + `"}`, 413, "", "4096 bytes", "edith", ""},
		{"no body", nil, editor, "POST", json, "", 400, "", "JSON object", "edith", ""},
		{"no JSON", nil, editor, "POST", json, "region=gz", 400, "", "JSON object", "edith", ""},
		{"no object", nil, editor, "POST", json, `["gz"]`, 400, "", "JSON object", "edith", ""},
		{"a field's type", nil, editor, "POST", json, `{"region": 7}`, 400, "region", "region must be a text", "edith", ""},
		{"no region", nil, editor, "POST", json, runRequest("", "gz-1", keyDiff), 400, "region", "region is missing", "edith", ""},
		{"no cluster", nil, editor, "POST", json, runRequest("gz", "", keyDiff), 400, "cluster", "cluster is missing", "edith", "gz"},
		{"no check", nil, editor, "POST", json, runRequest("gz", "gz-1", ""), 400, "check", "check is missing", "edith", "gz"},
		{"an unknown region", nil, editor, "POST", json, runRequest("bj", "gz-1", keyDiff), 404, "region", "Configured are: gz, sh", "edith", "bj"},
		{"an unknown cluster", nil, editor, "POST", json, runRequest("gz", "gz-7", keyDiff), 404, "cluster", `no cluster "gz-7" in region gz`, "edith", "gz"},
		{"another region's cluster", nil, editor, "POST", json, runRequest("sh", "gz-1", keyDiff), 404, "cluster", `no cluster "gz-1" in region sh`, "edith", "sh"},
		{"an unknown check", nil, editor, "POST", json, runRequest("gz", "gz-1", "etcd-backup"), 404, "check", "no EtcdMonitor for the check", "edith", "gz"},
		{"an account that may not patch", []option{withSecret("gz.token", regiontest.ReaderToken)}, editor, "POST", json, valid, 502, "", "deploy/rbac/datasource.yaml", "edith", "gz"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, log := liveFleet(t, c.options...)
			log.take()
			got := call(t, d, c.user, c.method, runPath, c.mediaType, c.body)
			require.Equal(t, c.status, got.status, got.raw)
			require.Contains(t, got.body["message"], c.message)
			field, _ := got.body["field"].(string)
			require.Equal(t, c.field, field)
			require.Equal(t, []string{"application/json"}, got.header["Content-Type"])

			lines := log.take()
			require.Len(t, lines, 1, "every call leaves an audit line")
			require.Equal(t, []any{"A run was refused", c.status, c.actor, c.region}, []any{lines[0]["msg"], lines[0]["result"], lines[0]["actor"], lines[0]["region"]})
			require.Equal(t, got.body["message"], lines[0]["reason"])
		})
	}
	var monitor v1beta1.EtcdMonitor
	require.NoError(t, gz.Admin.Get(t.Context(), client.ObjectKey{Namespace: "gz", Name: "gz-1-" + keyDiff}, &monitor))
	require.Empty(t, monitor.PendingRequest(), "a refused request changes nothing")
}

func TestTheRequestIsMadeInTheNameOfTheSignedInUser(t *testing.T) {
	d, _ := liveFleet(t)
	for name, c := range map[string]struct {
		user *backend.User
		want string
	}{
		"login":     {&backend.User{Login: "ada", Email: "ada@example.com", Role: "Admin"}, "ada"},
		"email":     {&backend.User{Email: "ada@example.com", Role: "Admin"}, "ada@example.com"},
		"anonymous": {&backend.User{Role: "Editor"}, "anonymous"},
		"long":      {&backend.User{Login: strings.Repeat("é", 200), Role: "Admin"}, strings.Repeat("é", 126)},
	} {
		t.Run(name, func(t *testing.T) {
			monitor := newMonitor(t, d, "check-actor-"+name)
			body := fmt.Sprintf(`{"region": "gz", "cluster": "gz-1", "check": %q, "actor": "mallory", "user": "mallory"}`, monitor.Spec.MetricName)
			require.Equal(t, 202, call(t, d, c.user, "POST", runPath, "application/json", body).status)
			require.NoError(t, gz.Admin.Get(t.Context(), client.ObjectKeyFromObject(monitor), monitor))
			require.Equal(t, c.want, monitor.Annotations[v1beta1.AnnotationRunRequestedBy])
		})
	}
}

func TestTellsWhoMayRun(t *testing.T) {
	editors, admins := newFleet(t), newFleet(t, withJSON("minRoleToRun", "Admin"))
	for _, c := range []struct {
		d    *Datasource
		user *backend.User
		want permission
	}{
		{editors, viewer, permission{false, "Viewer", roleEditor, "Running inspections needs the role Editor; you have Viewer. Ask an administrator for it."}},
		{editors, editor, permission{true, "Editor", roleEditor, ""}},
		{editors, admin, permission{true, "Admin", roleEditor, ""}},
		{admins, editor, permission{false, "Editor", roleAdmin, "Running inspections needs the role Admin; you have Editor. Ask an administrator for it."}},
		{admins, admin, permission{true, "Admin", roleAdmin, ""}},
		{editors, nil, permission{false, "", roleEditor, "Sign in to run inspections."}},
	} {
		got := call(t, c.d, c.user, http.MethodGet, "inspections/permission", "", "")
		require.Equal(t, 200, got.status)
		want, err := json.Marshal(c.want)
		require.NoError(t, err)
		require.JSONEq(t, string(want), got.raw)
	}
}

func TestListsChecks(t *testing.T) {
	d := newFleet(t)
	got := call(t, d, viewer, http.MethodGet, "checks", "", "")
	require.Equal(t, 200, got.status)
	var checks []string
	require.NoError(t, json.Unmarshal([]byte(got.raw), &checks))
	require.Subset(t, checks, []string{"etcd-alarms", keyDiff})
	require.IsIncreasing(t, checks)

	without := newFleet(t, withJSON("regions", nil))
	require.JSONEq(t, `[]`, call(t, without, viewer, http.MethodGet, "checks", "", "").raw)
}

func TestRefusesOtherRequests(t *testing.T) {
	d := newFleet(t)
	for _, path := range []string{"checks", "inspections/permission"} {
		got := call(t, d, admin, http.MethodDelete, path, "", "")
		require.Equal(t, 405, got.status)
		require.Equal(t, []string{"GET"}, got.header["Allow"])
	}
	for _, path := range []string{"", "inspections", "inspections/run/now"} {
		got := call(t, d, admin, http.MethodGet, path, "", "")
		require.Equal(t, 404, got.status, path)
		require.Contains(t, got.body["message"], "There is no resource")
	}
}
