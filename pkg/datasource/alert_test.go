package datasource

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grafana/dataplane/sdata/numeric"
	"github.com/grafana/dataplane/sdata/reader"
	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/types"

	"github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/pkg/diagnosis"
	"github.com/etcdfleet/etcd-fleet/pkg/inventory"
	"github.com/etcdfleet/etcd-fleet/pkg/thanos"
)

// askRule asks as an alert rule does.
func askRule(t *testing.T, d *Datasource, query map[string]any) backend.DataResponse {
	t.Helper()
	encoded, err := json.Marshal(query)
	require.NoError(t, err)
	now := time.Now()
	response, err := d.QueryData(t.Context(), &backend.QueryDataRequest{
		Headers: map[string]string{backend.FromAlertHeaderName: "true"},
		Queries: []backend.DataQuery{{RefID: "A", JSON: encoded, TimeRange: backend.TimeRange{From: now.Add(-5 * time.Minute), To: now}}},
	})
	require.NoError(t, err)
	return response.Responses["A"]
}

// numbersOf reads frames with the library that Grafana's alerting reads them with, and returns each number by its labels: nil
// for no data.
func numbersOf(t *testing.T, frames data.Frames) map[string]*float64 {
	t.Helper()
	_, err := reader.CanReadBasedOnMeta(frames)
	require.NoError(t, err)
	collection, err := numeric.CollectionReaderFromFrames(frames)
	require.NoError(t, err)
	read, err := collection.GetCollection(false)
	require.NoError(t, err)
	require.NoError(t, read.Warning)
	numbers := map[string]*float64{}
	for _, ref := range read.Refs {
		labels := ref.GetLabels().String()
		require.NotContains(t, numbers, labels, "two numbers of one alert")
		number, isNull, err := ref.NullableFloat64Value()
		require.NoError(t, err)
		if isNull {
			number = nil
		}
		numbers[labels] = number
	}
	if len(numbers) == 0 {
		require.True(t, read.NoData())
	}
	return numbers
}

// requireNumbers compares with texts, of which "-" is no data.
func requireNumbers(t *testing.T, frames data.Frames, want map[string]string) {
	t.Helper()
	got := map[string]string{}
	for labels, number := range numbersOf(t, frames) {
		got[labels] = "-"
		if number != nil {
			got[labels] = fmt.Sprintf("%.4g", *number)
		}
	}
	require.Equal(t, want, got)
}

// ruleFrames are an example of the answer to a rule for each kind that rules can evaluate.
var ruleFrames = map[string]func(*testing.T) (*data.Frame, map[string]string){
	"promql": func(t *testing.T) (*data.Frame, map[string]string) {
		frame, err := (&promqlQuery{}).instantFrame(&thanos.Result{Type: "vector", Series: []thanos.Series{
			{Labels: map[string]string{"region": "gz", "cluster": "a"}, Points: []thanos.Point{{Value: 3}}},
			{Labels: map[string]string{"region": "sh"}, Points: []thanos.Point{{Value: 0}}},
		}}, "up")
		require.NoError(t, err)
		return frame, map[string]string{"cluster=a, region=gz": "3", "cluster=, region=sh": "0"}
	},
	"clusters": func(*testing.T) (*data.Frame, map[string]string) {
		row := func(id string, of health) clusterRow {
			return clusterRow{Cluster: &inventory.Cluster{Region: "gz", ID: id, Product: "tke", Scene: "business", Spec: "small"}, metrics: &clusterMetrics{}, health: of}
		}
		table := (&clustersQuery{page: page{Limit: 9}}).frame([]clusterRow{row("a", healthy), row("b", degraded), row("c", unhealthy), row("d", unknown)}, regionsOfEveryState()[:1])
		return clusterRule(table, "health", healthNumbers), map[string]string{
			ofTKE("a"): "0", ofTKE("b"): "1", ofTKE("c"): "2", ofTKE("d"): "-",
		}
	},
	"inspections": func(*testing.T) (*data.Frame, map[string]string) {
		row := func(region, cluster string, outcome v1beta1.Outcome) inspectionRow {
			known := &inventory.Cluster{Region: region, ID: cluster, Product: "tke", Scene: "business", Spec: "small"}
			return inspectionRow{&inventory.Monitor{Region: region, ClusterID: cluster, Outcome: outcome, Product: "tke"}, known}
		}
		away := inventory.Status{Name: "sh", State: inventory.Stale, Since: seenAt, Err: errors.New("It is away.")}
		orphan := row("gz", "orphan", v1beta1.OutcomeFailed)
		orphan.cluster = nil
		frame := (&inspectionsQuery{page: page{Limit: 9}}).ruleFrame([]inspectionRow{
			row("gz", "a", v1beta1.OutcomeFailed), row("gz", "a", v1beta1.OutcomeFailed), row("gz", "a", v1beta1.OutcomePassed),
			row("gz", "b", v1beta1.OutcomeWarning), row("gz", "b", v1beta1.OutcomeError),
			row("gz", "c", v1beta1.OutcomeError), row("gz", "c", v1beta1.OutcomeNotSupported), row("gz", "c", ""),
			row("sh", "a", v1beta1.OutcomePassed), orphan,
		}, []inventory.Status{regionsOfEveryState()[0], away})
		frame.Meta.Notices = nil // an age, which the clock changes
		return frame, map[string]string{
			ofTKE("a"): "2", ofTKE("b"): "0", ofTKE("c"): "-",
			"cluster=a, product=tke, region=sh, scene=business, spec=small": "-",
			"cluster=orphan, product=tke, region=gz, scene=, spec=":         "1",
		}
	},
	"slo": func(*testing.T) (*data.Frame, map[string]string) {
		number := func(v float64) *float64 { return &v }
		row := func(objective, sli string, burnRate *float64) sloRow {
			labels := map[string]string{"region": "gz", "product": "tke", "scene": "business", "spec": "small", "cluster": "a", "objective": objective}
			return sloRow{labels: labels, sli: sli, burnRate: burnRate, budgetLeft: number(0.5)}
		}
		q := &sloQuery{Level: "cluster", By: byObjective, Sort: sortWorst, page: page{Limit: 9}}
		table := q.frame([]sloRow{row("read-availability", "read-errors", number(14.5)), row("etcd-availability", "leader", nil)}, 2)
		of := func(objective string) string {
			return "cluster=a, objective=" + objective + ", product=tke, region=gz, scene=business, spec=small"
		}
		return q.ruleFrame(table), map[string]string{of("read-availability"): "14.5", of("etcd-availability"): "-"}
	},
	"diagnosis": func(*testing.T) (*data.Frame, map[string]string) {
		row := func(id string, severity diagnosis.Severity) findingRow {
			known := &inventory.Cluster{Region: "gz", ID: id, Product: "tke", Scene: "business", Spec: "small"}
			return findingRow{diagnosis.Finding{Severity: severity}, diagnosedCluster{clusterKey: clusterKey{"gz", id}, known: known}, 1}
		}
		var rows []findingRow
		want := map[string]string{}
		for i, severity := range diagnosis.Severities {
			rows = append(rows, row(string(severity), severity))
			want[ofTKE(string(severity))] = []string{"4", "3", "2", "-", "1", "0"}[i]
		}
		table := (&diagnosisQuery{page: page{Limit: 9}}).frame(rows, nil)
		return clusterRule(table, "severity", severityNumbers), want
	},
	"impact": func(*testing.T) (*data.Frame, map[string]string) {
		on := func(id, host string, severity diagnosis.Severity) touched {
			known := &inventory.Cluster{Region: "gz", ID: id, Size: 1, Members: []inventory.Member{{Name: id + "-0", Host: host}}}
			finding := &diagnosis.Finding{Severity: severity, Members: []diagnosis.Member{{Name: id + "-0"}}}
			return touched{diagnosedCluster: diagnosedCluster{clusterKey: clusterKey{"gz", id}, known: known}, finding: finding, quorum: quorumKept}
		}
		frame := (&impactQuery{By: byHost, page: page{Limit: 9}}).ruleFrame([]touched{
			on("a", "node-0", diagnosis.Degraded), on("b", "node-0", diagnosis.Degraded), on("c", "node-1", diagnosis.Quiet), on("d", "node-2", diagnosis.Blind),
		}, nil)
		return frame, map[string]string{"host=node-0, region=gz": "2", "host=node-1, region=gz": "0", "host=node-2, region=gz": "-"}
	},
}

func ofTKE(cluster string) string {
	return "cluster=" + cluster + ", product=tke, region=gz, scene=business, spec=small"
}

func TestEachKindGivesRulesOneNumberOrSaysWhatToUse(t *testing.T) {
	require.Equal(t, slices.Sorted(maps.Keys(ruleFrames)), slices.Sorted(slices.Values(alertableKinds())))
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			example, ok := ruleFrames[k.name]
			if !ok {
				response := askRule(t, &Datasource{}, map[string]any{"kind": k.name})
				require.EqualError(t, response.Error, "kind has no number that an alert rule could compare: use one of "+strings.Join(alertableKinds(), ", "))
				require.Equal(t, backend.StatusBadRequest, response.Status)
				return
			}
			frame, want := example(t)
			for _, field := range frame.Fields[:len(frame.Fields)-1] {
				require.Equal(t, data.FieldTypeString, field.Type(), field.Name)
			}
			require.True(t, frame.Fields[len(frame.Fields)-1].Type().Numeric())
			requireNumbers(t, data.Frames{frame}, want)
			checkGolden(t, "alert-"+k.name, frame)
		})
	}
	golden, err := filepath.Glob("testdata/frames/alert-*.jsonc")
	require.NoError(t, err)
	require.Len(t, golden, len(ruleFrames))
}

func TestARuleMustSeeAllRows(t *testing.T) {
	rows := make([]clusterRow, 3)
	for i := range rows {
		rows[i] = clusterRow{Cluster: &inventory.Cluster{Region: "gz", ID: fmt.Sprint(i)}, metrics: &clusterMetrics{}}
	}
	of := func(p page, regions ...inventory.Status) data.Frames {
		return data.Frames{clusterRule((&clustersQuery{page: p}).frame(slices.Clone(rows), regions), "health", healthNumbers)}
	}
	live := regionsOfEveryState()[0]
	require.NoError(t, incomplete(of(page{Limit: 3}, live)))
	require.EqualError(t, incomplete(of(page{Limit: 2}, live)), "limit and offset choose 2 of 3 rows, and an alert rule must see all: narrow the scope, or set the limit to at most 1,000 and the offset to 0")
	require.Error(t, incomplete(of(page{Limit: 3, Offset: 1}, live)))
	require.ErrorContains(t, incomplete(of(page{Limit: 3}, regionsOfEveryState()[1])), "Region bj is being read for the first time")
	require.ErrorContains(t, incomplete(of(page{Limit: 3}, regionsOfEveryState()[2])), "Region cd is missing")

	stale := inventory.Status{Name: "sh", State: inventory.Stale, Since: seenAt, Err: errors.New("It is away.")}
	stale.LeftOut = []inventory.LeftOut{{Object: types.NamespacedName{Namespace: "sh", Name: "a"}, ClusterID: "a", Reason: "Another has it."}}
	require.NoError(t, incomplete(of(page{Limit: 3}, stale)), "one region and one object that are wrong harm no other")

	partial := of(page{Limit: 3}, live)
	partial[0].AppendNotices(partialNotices([]string{"no store"}, nil)...)
	require.ErrorContains(t, incomplete(partial), "An alert rule needs the whole answer. Thanos answered in part: no store")
}

func TestAnAnswerWithoutRowsIsNoDataForARule(t *testing.T) {
	table := (&clustersQuery{page: page{Limit: 3}}).frame(nil, regionsOfEveryState()[:1])
	requireNumbers(t, data.Frames{clusterRule(table, "health", healthNumbers)}, map[string]string{})
	instant, err := (&promqlQuery{}).instantFrame(&thanos.Result{Type: "vector"}, "nothing")
	require.NoError(t, err)
	requireNumbers(t, data.Frames{orNoData(instant)}, map[string]string{})
}

func TestRulesOfARunningFleet(t *testing.T) {
	d := newFleet(t)
	eventually(t, d, map[string]any{"kind": "clusters"}, func(frame *data.Frame) bool {
		return isLive("gz", "sh")(frame) && frame.Meta.Notices == nil && frame.Rows() == 4 && columnOf(frame, "health")[1] == "Healthy" && columnOf(frame, "health")[3] == "Healthy"
	})
	numbers := func(query map[string]any) map[string]*float64 {
		response := askRule(t, d, query)
		require.NoError(t, response.Error)
		return numbersOf(t, response.Frames)
	}
	zero := 0.0
	gz1 := "cluster=gz-1, product=tke, region=gz, scene=business, spec=default"
	gz3 := "cluster=gz-3, product=tke, region=gz, scene=business, spec=small"
	health := numbers(map[string]any{"kind": "clusters"})
	require.Equal(t, &zero, health[gz1])
	require.Contains(t, health, gz3)
	require.Nil(t, health[gz3], "a cluster without metrics is no data")

	failed := numbers(map[string]any{"kind": "inspections"})
	require.InDelta(t, 1, *failed["cluster=gz-2, product=tcr, region=gz, scene=big-customer, spec=large"], 0)
	require.Equal(t, &zero, failed[gz1])
	warned := numbers(map[string]any{"kind": "inspections", "outcomes": []string{"Warning"}, "scope": map[string]any{"cluster": []string{"gz-1"}}})
	require.InDelta(t, 1, *warned[gz1], 0)

	require.Contains(t, numbers(diagnosisOf("gz", "gz-1")), gz1)
	hosts := numbers(impactOf("host", map[string]any{"region": []string{"sh"}}))
	require.Equal(t, []string{"host=sh-node-0, region=sh", "host=sh-node-1, region=sh", "host=sh-node-2, region=sh"}, slices.Sorted(maps.Keys(hosts)))
	require.Len(t, numbers(map[string]any{"kind": "promql", "mode": "instant", "expr": `count by (cluster) (up{cluster="gz-1"})`}), 1)
	series := askRule(t, d, map[string]any{"kind": "promql", "expr": "vector(1)"})
	require.NoError(t, series.Error)
	require.Equal(t, data.FrameTypeTimeSeriesMulti, series.Frames[0].Meta.Type)

	sloTable(t, d, map[string]any{}) // waits until all is recorded
	require.NotEmpty(t, numbers(map[string]any{"kind": "slo", "level": "region", "window": "1h", "sort": "burnRate"}))

	for _, c := range []struct {
		query map[string]any
		want  string
	}{
		{map[string]any{"kind": "clusters", "distinct": "cluster"}, "distinct gives names"},
		{map[string]any{"kind": "slo", "distinct": "sli"}, "distinct gives names"},
		{map[string]any{"kind": "clusters", "limit": 1}, "limit and offset choose 1 of 4 rows"},
		{map[string]any{"kind": "inspections", "limit": 1}, "limit and offset choose 1 of 4 rows"},
		{map[string]any{"kind": "clusters", "scope": map[string]any{"region": []string{"bj"}}}, "Region bj is missing"},
		{map[string]any{"kind": "diagnosis"}, "scope.cluster or scope.kubernetes must name clusters"},
		{map[string]any{"kind": "impact"}, "by must be host or zone"},
	} {
		require.ErrorContains(t, askRule(t, d, c.query).Error, c.want)
	}
}

func TestARuleFailsWhereADashboardSaysWhatItLacks(t *testing.T) {
	d := newFleet(t, withURL("http://127.0.0.1:1"))
	eventually(t, d, map[string]any{"kind": "inspections"}, isLive("gz", "sh"))
	require.NoError(t, ask(t, d, map[string]any{"kind": "clusters"}).Error)
	require.ErrorContains(t, askRule(t, d, map[string]any{"kind": "clusters"}).Error, "An alert rule needs the whole answer. Health, members")
	require.ErrorContains(t, askRule(t, d, diagnosisOf("gz", "gz-2")).Error, "An alert rule needs the whole answer. The members' series are not known")
	require.NoError(t, askRule(t, d, map[string]any{"kind": "inspections"}).Error, "inspections need no Thanos")

	unrecorded := newFleet(t, withURL(thanosThatKnows(t)))
	require.ErrorContains(t, askRule(t, unrecorded, map[string]any{"kind": "slo"}).Error, "load rules/recording/region.yaml")
}

func TestARuleDiagnosesAsManyClustersAsCanBe(t *testing.T) {
	d := newFleet(t)
	many := make([]string, maxDiagnosed+1)
	for i := range many {
		many[i] = fmt.Sprintf("unknown-%d", i)
	}
	query := map[string]any{"kind": "diagnosis", "scope": map[string]any{"region": []string{"gz"}, "cluster": many}}
	require.ErrorContains(t, askRule(t, d, query).Error, "scope.cluster names 51 clusters, and at most 50 are diagnosed")
}
