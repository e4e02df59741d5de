package datasource

import (
	"context"
	"encoding/json"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/stretchr/testify/require"
)

func TestListsClustersWithHealthAndInspections(t *testing.T) {
	d := newFleet(t)
	everything := map[string]any{"kind": "clusters"}
	frame := eventually(t, d, everything, func(frame *data.Frame) bool {
		return frame.Rows() == 4 && columnOf(frame, "health")[3] == "Healthy" && columnOf(frame, "health")[1] == "Healthy"
	})
	require.Equal(t, []any{"gz-2", "gz-1", "gz-3", "sh-1"}, columnOf(frame, "cluster"), "worst first, then by region and cluster")
	rows := rowsOf(frame)
	require.Equal(t, map[string]any{
		"region": "gz", "cluster": "gz-3", "product": "tke", "scene": "business", "spec": "small", "health": "Unknown",
		"members": int64(3), "leader": "", "version": "3.6.5", "inspection": "",
	}, rows[2])
	require.Equal(t, map[string]any{
		"region": "gz", "cluster": "gz-1", "product": "tke", "scene": "business", "spec": "default", "health": "Healthy",
		"membersUp": int64(3), "members": int64(3), "leader": "gz-1-0", "keys": 1002.0, "dbSizeBytes": 20482.0, "version": "3.6.5",
		"inspection": "Warning", "lastInspection": lastRun,
	}, rows[1])
	require.Equal(t, tableMeta{Total: 4, Regions: frame.Meta.Custom.(tableMeta).Regions}, frame.Meta.Custom)
	require.True(t, isLive("gz", "sh")(frame))
	require.Empty(t, frame.Meta.Notices)

	for _, c := range []struct {
		name  string
		query map[string]any
		want  []any
	}{
		{"a page", map[string]any{"limit": 1, "offset": 1}, []any{"gz-1"}},
		{"by region and cluster", map[string]any{"sort": "region"}, []any{"gz-1", "gz-2", "gz-3", "sh-1"}},
		{"by cluster, descending", map[string]any{"sort": "cluster", "descending": true}, []any{"sh-1", "gz-3", "gz-2", "gz-1"}},
		{"by keys: the unknown last", map[string]any{"sort": "keys"}, []any{"gz-1", "gz-2", "sh-1", "gz-3"}},
		{"by size, descending: the unknown last", map[string]any{"sort": "dbSize", "descending": true}, []any{"gz-1", "gz-2", "sh-1", "gz-3"}},
		{"by last inspection: the uninspected last", map[string]any{"sort": "lastInspection"}, []any{"gz-1", "gz-2", "gz-3", "sh-1"}},
		{"of a region", map[string]any{"scope": map[string]any{"region": []string{"sh"}}}, []any{"sh-1"}},
		{"of a region and a product", map[string]any{"scope": map[string]any{"region": []string{"gz", "sh"}, "product": []string{"tcr"}}}, []any{"gz-2"}},
		{"of an unknown region", map[string]any{"scope": map[string]any{"region": []string{"bj"}}}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.query["kind"] = "clusters"
			require.Equal(t, c.want, columnOf(askTable(t, d, c.query), "cluster"))
		})
	}
	unknown := askTable(t, d, map[string]any{"kind": "clusters", "scope": map[string]any{"region": []string{"bj"}}})
	require.Equal(t, "Region bj is missing. The datasource's settings have no such region.", unknown.Meta.Notices[0].Text)
	page := askTable(t, d, map[string]any{"kind": "clusters", "limit": 2, "offset": 1})
	require.Equal(t, "2 of 4 clusters, from number 2 on.", page.Meta.Notices[0].Text)
	require.Equal(t, 1, page.Meta.Custom.(tableMeta).Offset)
}

func TestScopesOfManyClustersAreFilteredHere(t *testing.T) {
	d := newFleet(t)
	many := []string{"gz-1"}
	for len(many) <= maxMatched {
		many = append(many, "unknown")
	}
	frame := eventually(t, d, map[string]any{"kind": "clusters", "scope": map[string]any{"cluster": many}}, func(frame *data.Frame) bool {
		return frame.Rows() == 1 && columnOf(frame, "health")[0] == "Healthy"
	})
	require.Equal(t, []any{"gz-1"}, columnOf(frame, "cluster"))
}

func TestListsDistinctValuesWithoutAskingThanos(t *testing.T) {
	d := newFleet(t, withURL("http://127.0.0.1:1"))
	for dimension, want := range map[string][]any{
		"region": {"gz", "sh"}, "product": {"tcr", "tke"}, "scene": {"big-customer", "business"},
		"spec": {"default", "large", "small"}, "cluster": {"gz-1", "gz-2", "gz-3", "sh-1"},
	} {
		frame := askTable(t, d, map[string]any{"kind": "clusters", "distinct": dimension})
		require.Equal(t, want, columnOf(frame, dimension))
		require.Len(t, frame.Fields, 1)
		require.Empty(t, frame.Meta.Notices)
	}
	second := askTable(t, d, map[string]any{"kind": "clusters", "distinct": "cluster", "limit": 2, "offset": 2})
	require.Equal(t, []any{"gz-3", "sh-1"}, columnOf(second, "cluster"))
}

func TestHealthFollowsTheMembers(t *testing.T) {
	d := newFleet(t)
	d.metrics.lifetime = 0
	one := map[string]any{"kind": "clusters", "scope": map[string]any{"cluster": []string{"gz-2"}}}
	healthIs := func(want health, up int64, leader string) {
		t.Helper()
		eventually(t, d, one, func(frame *data.Frame) bool {
			row := rowsOf(frame)[0]
			return row["health"] == string(want) && row["membersUp"] == up && row["leader"] == leader
		})
	}
	healthIs(healthy, 3, "gz-2-0")
	members["gz-2"][2].SetDown(true)
	healthIs(degraded, 2, "gz-2-0")
	members["gz-2"][0].SetDown(true)
	healthIs(unhealthy, 1, "")
	members["gz-2"][0].SetDown(false)
	members["gz-2"][2].SetDown(false)
	healthIs(healthy, 3, "gz-2-0")
	for _, member := range members["gz-2"] {
		member.Set("etcd_server_has_leader", 0)
		member.Set("etcd_server_is_leader", 0)
	}
	healthIs(unhealthy, 3, "")
	for _, member := range members["gz-2"] {
		member.Set("etcd_server_has_leader", 1)
	}
	members["gz-2"][0].Set("etcd_server_is_leader", 1)
	healthIs(healthy, 3, "gz-2-0")
}

func TestListsInspectionsWorstFirst(t *testing.T) {
	d := newFleet(t)
	frame := askTable(t, d, map[string]any{"kind": "inspections"})
	require.Equal(t, []any{"gz-2", "gz-1", "gz-1", "gz-9", "sh-1"}, columnOf(frame, "cluster"))
	require.Equal(t, []any{"Failed", "Warning", "Passed", "", ""}, columnOf(frame, "outcome"))
	first := rowsOf(frame)[0]
	require.JSONEq(t, `[{"time": 1767323045000, "outcome": "Failed", "message": "nodeKeyDiff is 0", "values": {"nodeKeyDiff": 0}}]`, string(first["history"].(json.RawMessage)))
	delete(first, "history")
	require.Equal(t, map[string]any{
		"region": "gz", "cluster": "gz-2", "product": "tcr", "scene": "big-customer", "spec": "large", "check": keyDiff, "outcome": "Failed",
		"state": "idle", "lastRun": lastRun, "duration": 1.0, "message": "nodeKeyDiff is 0", "request": "", "answeredRequest": "", "requestedBy": "", "blocked": "",
	}, first)
	orphan := rowsOf(frame)[3]
	require.Equal(t, []any{"tke", "", ""}, []any{orphan["product"], orphan["scene"], orphan["spec"]}, "a monitor without cluster has its own product")

	for _, c := range []struct {
		query map[string]any
		want  []any
	}{
		{map[string]any{"checks": []string{"etcd-alarms"}}, []any{"gz-1"}},
		{map[string]any{"outcomes": []string{"Failed", "Passed"}}, []any{"gz-2", "gz-1"}},
		{map[string]any{"scope": map[string]any{"scene": []string{"business"}}, "limit": 2}, []any{"gz-1", "gz-1"}},
	} {
		c.query["kind"] = "inspections"
		require.Equal(t, c.want, columnOf(askTable(t, d, c.query), "cluster"))
	}
}

func TestEvaluatesPromQL(t *testing.T) {
	d := newFleet(t)
	sums := map[string]any{"kind": "promql", "mode": "instant", "expr": `sum by (region) (up{job="etcd", cluster=~".*-1"})`}
	table := eventually(t, d, sums, func(frame *data.Frame) bool { return slices.Equal(columnOf(frame, "Value"), []any{3.0, 3.0}) })
	require.Equal(t, []any{"gz", "sh"}, columnOf(table, "region"))
	require.Equal(t, data.FrameTypeNumericLong, table.Meta.Type)

	rates := map[string]any{"kind": "promql", "expr": `max by (region) (rate(etcd_debugging_mvcc_keys_total[$__rate_interval]) * 0 + $__interval_ms)`, "legend": "in {{region}}"}
	var response backend.DataResponse
	for began := time.Now(); len(response.Frames) < 2; time.Sleep(100 * time.Millisecond) { // a rate needs two samples of each region
		require.Less(t, time.Since(began), time.Minute)
		response = ask(t, d, rates)
		require.NoError(t, response.Error)
	}
	series := response.Frames[0]
	require.Equal(t, "in gz", series.Name)
	require.Equal(t, data.Labels{"region": "gz"}, series.Fields[1].Labels)
	require.Equal(t, 5000.0, columnOf(series, "Value")[0])
	require.Contains(t, series.Meta.ExecutedQueryString, "[1m]")

	for expr, want := range map[string]string{
		"sum(":   "The query is not valid",
		"":       "expr is empty",
		"up[5m]": "expr is a matrix",
	} {
		response := ask(t, d, map[string]any{"kind": "promql", "mode": "instant", "expr": expr})
		require.ErrorContains(t, response.Error, want)
		require.Equal(t, backend.StatusBadRequest, response.Status)
		require.Equal(t, backend.ErrorSourceDownstream, response.ErrorSource)
	}
}

func TestOneWrongQueryDoesNotHideTheOthers(t *testing.T) {
	d := newFleet(t)
	response, err := d.QueryData(t.Context(), &backend.QueryDataRequest{Queries: []backend.DataQuery{
		{RefID: "A", JSON: []byte(`{"kind": "clusters", "limit": 0}`)},
		{RefID: "B", JSON: []byte(`{"kind": "inspections"}`)},
	}})
	require.NoError(t, err)
	require.EqualError(t, response.Responses["A"].Error, "limit must be a whole number from 1 to 1000")
	require.NoError(t, response.Responses["B"].Error)
}

func TestAPausedOrStoppedRegionAnswersFromWhatWasSeen(t *testing.T) {
	d := newFleet(t)
	query := map[string]any{"kind": "inspections"}
	eventually(t, d, query, isLive("gz", "sh"))
	for name, fault := range map[string]struct{ hurt, heal func() error }{
		"stopped": {func() error { sh.Kill(); return nil }, sh.Restart},
		"paused":  {sh.Pause, sh.Resume},
	} {
		t.Run(name, func(t *testing.T) {
			heal := healOnce(t, fault.heal)
			require.NoError(t, fault.hurt())
			frame := eventually(t, d, query, func(frame *data.Frame) bool { return regionOf(frame, "sh").State == "stale" })
			require.Equal(t, 5, frame.Rows(), "what was seen is still there")
			stale := regionOf(frame, "sh")
			require.NotEmpty(t, stale.Error)
			require.WithinDuration(t, time.Now(), stale.Since, patience)
			require.True(t, isLive("gz")(frame), "the other region is not concerned")
			require.Regexp(t, `^Region sh: this is what was seen \d+s ago\. .*region sh`, frame.Meta.Notices[0].Text)

			refused := call(t, d, editor, "POST", "inspections/run", "application/json", `{"region": "sh", "cluster": "sh-1", "check": "etcd-node-key-diff"}`)
			require.Equal(t, 503, refused.status, refused.raw)
			require.Regexp(t, `has not been reachable for \d+s`, refused.body["message"])

			heal()
			healed := eventually(t, d, query, isLive("gz", "sh"))
			require.Empty(t, healed.Meta.Notices)
		})
	}
	t.Run("never reached", func(t *testing.T) {
		heal := healOnce(t, sh.Restart)
		sh.Kill()
		young := newFleet(t)
		frame := askTable(t, young, query)
		require.Equal(t, "failed", string(regionOf(frame, "sh").State))
		require.Equal(t, 4, frame.Rows())
		require.Contains(t, frame.Meta.Notices[0].Text, "Region sh is missing. Nothing listens")
		heal()
		require.Equal(t, 5, eventually(t, young, query, isLive("gz", "sh")).Rows())
	})
}

func TestALostThanosIsToldAndHeals(t *testing.T) {
	d := newFleet(t)
	promql := map[string]any{"kind": "promql", "mode": "instant", "expr": "vector(1)"}
	require.NoError(t, ask(t, d, promql).Error)

	heal := healOnce(t, metrics.Query.Restart)
	metrics.Query.Kill()
	failed := ask(t, d, promql)
	require.ErrorContains(t, failed.Error, "Nothing listens at "+metrics.URL)
	require.Equal(t, backend.StatusBadGateway, failed.Status)
	require.Equal(t, backend.ErrorSourceDownstream, failed.ErrorSource)

	frame := eventually(t, d, map[string]any{"kind": "clusters"}, func(frame *data.Frame) bool { return frame.Meta.Notices != nil })
	require.Equal(t, 4, frame.Rows(), "the inventory is listed nevertheless")
	require.Equal(t, []any{"Unknown", "Unknown", "Unknown", "Unknown"}, columnOf(frame, "health"))
	require.Equal(t, data.NoticeSeverityError, frame.Meta.Notices[0].Severity)
	require.Contains(t, frame.Meta.Notices[0].Text, "Nothing listens")
	require.NoError(t, ask(t, d, map[string]any{"kind": "inspections"}).Error)

	heal()
	require.NoError(t, ask(t, d, promql).Error)
	eventually(t, d, map[string]any{"kind": "clusters"}, func(frame *data.Frame) bool { return frame.Meta.Notices == nil })
}

// Thanos warns of the loss of gz, a strict endpoint; of sh's it says nothing but in its list of stores.
func TestAPartialAnswerCarriesANotice(t *testing.T) {
	d := newFleet(t)
	d.metrics.lifetime, d.lost.lifetime = 0, 0
	partial := func(frame *data.Frame) bool {
		return frame.Meta.Notices != nil && strings.HasPrefix(frame.Meta.Notices[0].Text, "Thanos answered in part: ")
	}
	for _, region := range []string{"gz", "sh"} {
		t.Run(region, func(t *testing.T) {
			sidecar := metrics.Regions[region].Sidecar
			heal := healOnce(t, sidecar.Restart)
			sidecar.Kill()
			for _, query := range []map[string]any{
				{"kind": "clusters"},
				{"kind": "promql", "mode": "instant", "expr": "sum(up)"},
				{"kind": "diagnosis"},
				diagnosisOf(region, region+"-1"),
			} {
				eventually(t, d, query, partial)
			}
			heal()
			eventually(t, d, map[string]any{"kind": "clusters"}, func(frame *data.Frame) bool { return frame.Meta.Notices == nil })
		})
	}
}

func TestAQueryThatNobodyWaitsForIsNotOurMistake(t *testing.T) {
	d := newFleet(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	response, err := d.QueryData(ctx, &backend.QueryDataRequest{Queries: []backend.DataQuery{{RefID: "A", JSON: []byte(`{"kind": "promql", "expr": "up"}`)}}})
	require.NoError(t, err)
	require.Error(t, response.Responses["A"].Error)
	require.Equal(t, backend.ErrorSourceDownstream, response.Responses["A"].ErrorSource)
}

func TestDisposeLeavesNothingRunning(t *testing.T) {
	warm := newFleet(t)
	eventually(t, warm, map[string]any{"kind": "clusters"}, isLive("gz", "sh"))
	warm.Dispose()
	<-warm.inventory.Done()
	before := stacks()
	for range 3 {
		d := newFleet(t)
		eventually(t, d, map[string]any{"kind": "clusters"}, isLive("gz", "sh"))
		d.Dispose()
		<-d.inventory.Done()
	}
	require.Eventually(t, func() bool { return len(stacks()) <= len(before) }, patience, tick, "%d goroutines before, now:\n%s", len(before), strings.Join(stacks(), "\n\n"))
}

// stacks returns the goroutines that are of the datasource or its connections.
func stacks() []string {
	buffer := make([]byte, 1<<22)
	var ours []string
	for stack := range strings.SplitSeq(string(buffer[:runtime.Stack(buffer, true)]), "\n\n") {
		for _, part := range []string{"pkg/inventory", "pkg/thanos", "client-go", "net/http.(*persistConn)", "http2"} {
			if strings.Contains(stack, part) {
				ours = append(ours, stack)
				break
			}
		}
	}
	return ours
}
