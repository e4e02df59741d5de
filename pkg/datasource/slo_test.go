package datasource

import (
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/stretchr/testify/require"

	"github.com/etcdfleet/etcd-fleet/internal/labbin"
	"github.com/etcdfleet/etcd-fleet/internal/promtest"
	"github.com/etcdfleet/etcd-fleet/pkg/inventory"
	"github.com/etcdfleet/etcd-fleet/pkg/slorules"
)

// counted are the bad events of SLIs in a cluster, of 10,000 each.
type counted map[string]float64

const countedOfAll = 10_000

// promised is the target of every class here, so that 100 bad events are the whole budget.
const promised = 0.99

// sloClusters are the clusters with service levels. a burns all of a sudden; b has overspent its reads; c has no budget yet.
var sloClusters = []struct {
	region, product, scene, spec, cluster string
	longWindow                            bool
	bad                                   counted
}{
	{"gz", "tke", "business", "small", "slo-a", true, counted{"read-errors": 10, "read-latency": 20, "leader": 0}},
	{"gz", "tke", "business", "large", "slo-b", true, counted{"read-errors": 150, "read-latency": 30, "leader": 50}},
	{"gz", "tke", "customer", "large", "slo-c", false, counted{"read-errors": 300, "leader": 1}},
	{"sh", "tke", "business", "small", "slo-d", true, counted{"read-errors": 40, "leader": 60}},
}

var objectiveOf = map[string]string{"read-errors": "read-availability", "read-latency": "read-availability", "leader": "etcd-availability"}

// known is the share of the budget's window that all of them have a history of, but c.
const known = 0.5

// What a burns by now, though the month was without a bad event.
const (
	burningCluster, burningObjective = "slo-a", "etcd-availability"
	burningNow                       = 220
)

// freshSeries is how many series of the shortest window there are.
var freshSeries int

// recordedServiceLevels are targets that expose what the rules would have recorded for sloClusters: the sums themselves
// are tested with the rules.
func recordedServiceLevels() []*promtest.Target {
	series := map[string]map[string]float64{} // by the labels, joined
	labelsOf := map[string]map[string]string{}
	fresh := map[string]bool{}
	add := func(level, window, objective, sli, events string, labels map[string]string, value float64) {
		key := fmt.Sprint(labels)
		if series[key] == nil {
			series[key], labelsOf[key] = map[string]float64{}, labels
		}
		if window == freshestWindow {
			fresh[fmt.Sprint(level, objective, sli, events, labels)] = true
		}
		name := fmt.Sprintf("%s:etcd_sli_events:increase%s{objective=%q,sli=%q,events=%q}", level, window, objective, sli, events)
		series[key][name] += value
	}
	for _, c := range sloClusters {
		values := []string{c.region, c.product, c.scene, c.spec, c.cluster}
		spent := map[string]float64{}
		for sli, bad := range c.bad {
			objective := objectiveOf[sli]
			spent[objective] = max(spent[objective], bad/countedOfAll/(1-promised))
			for depth, level := range sloLevels {
				labels := map[string]string{}
				for i, dimension := range dimensions[:depth] {
					labels[dimension] = values[i]
				}
				labels["region"] = c.region // the Prometheus that exposes it; without it for the fleet nothing would
				for _, window := range []string{freshestWindow, "1h", slorules.BudgetWindow} {
					if window == slorules.BudgetWindow {
						if !c.longWindow {
							continue
						}
						add(level, window, objective, sli, "allowance", labels, countedOfAll*(1-promised)/known)
					}
					add(level, window, objective, sli, "bad", labels, bad)
					add(level, window, objective, sli, "all", labels, countedOfAll)
					if level != "cluster" {
						add(level, window, objective, sli, "budget", labels, countedOfAll*(1-promised))
					}
				}
			}
		}
		clusterLabels := map[string]string{"region": c.region, "product": c.product, "scene": c.scene, "spec": c.spec, "cluster": c.cluster}
		specLabels := map[string]string{"region": c.region, "product": c.product, "scene": c.scene, "spec": c.spec}
		for objective, rate := range spent {
			burning := rate
			if objective == burningObjective && c.cluster == burningCluster {
				burning = burningNow
			}
			of := series[fmt.Sprint(clusterLabels)]
			for _, window := range []string{freshestWindow, "1h"} {
				of[fmt.Sprintf("cluster:etcd_slo_burn_rate:ratio%s{objective=%q}", window, objective)] = burning
			}
			if c.longWindow {
				of[fmt.Sprintf("cluster:etcd_slo_error_budget:remaining%s{objective=%q}", slorules.BudgetWindow, objective)] = 1 - rate*known
				of[fmt.Sprintf("cluster:etcd_slo_history:ratio%s{objective=%q,sli=%q}", slorules.BudgetWindow, objective, objective)] = known
			}
			series[fmt.Sprint(specLabels)][fmt.Sprintf("spec:etcd_slo_target:ratio{objective=%q}", objective)] = promised
		}
	}
	freshSeries = len(fresh)
	var targets []*promtest.Target
	for key, values := range series {
		targets = append(targets, promtest.NewTarget(labelsOf[key], values))
	}
	return targets
}

// sloTable asks while every series is there: a scrape that comes too late takes some away for a second.
func sloTable(t *testing.T, d *Datasource, fields map[string]any) *data.Frame {
	t.Helper()
	query := map[string]any{"kind": "slo"}
	maps.Copy(query, fields)
	complete := map[string]any{"kind": "promql", "mode": "instant", "expr": fmt.Sprintf(`count({__name__=~"[a-z]+:etcd_sli_events:increase%s"}) == %d`, freshestWindow, freshSeries)}
	for {
		eventually(t, d, complete, func(frame *data.Frame) bool { return frame.Rows() == 1 })
		frame := askTable(t, d, query)
		if askTable(t, d, complete).Rows() == 1 {
			return frame
		}
	}
}

// cells are a column's values as one text each, beside the row's name: its narrowest label.
func cells(frame *data.Frame, columns ...string) []string {
	var lines []string
	for _, row := range rowsOf(frame) {
		var texts []string
		for _, name := range columns {
			if value, ok := row[name].(float64); ok {
				texts = append(texts, fmt.Sprintf("%.4g", value))
				continue
			}
			texts = append(texts, fmt.Sprint(row[name]))
		}
		lines = append(lines, strings.Join(texts, " "))
	}
	return lines
}

func TestWhatBurnsNowRanksBeforeWhatHasSpentItsBudget(t *testing.T) {
	d := newFleet(t)
	frame := sloTable(t, d, map[string]any{"window": "1h"})
	require.Equal(t, []string{
		"slo-a etcd-availability 1 220 0.5",
		"slo-b read-availability 0.25 1.5 0.5",
		"slo-d etcd-availability 0.7 0.6 0.5",
		"slo-b etcd-availability 0.75 0.5 0.5",
		"slo-d read-availability 0.8 0.4 0.5",
		"slo-a read-availability 0.9 0.2 0.5",
		"slo-c etcd-availability <nil> 0.01 <nil>",
		"slo-c read-availability <nil> 3 <nil>",
	}, cells(frame, "cluster", "objective", "budgetLeft", "burnRate", "history"))
	reversed := sloTable(t, d, map[string]any{"window": "1h", "descending": true, "limit": 6})
	require.Equal(t, "slo-a etcd-availability", cells(reversed, "cluster", "objective")[5])
}

func TestRanksClustersByTheirErrorBudget(t *testing.T) {
	d := newFleet(t)
	frame := sloTable(t, d, map[string]any{"sort": "budgetLeft", "limit": 6})
	require.Equal(t, []string{
		"slo-b read-availability read-errors 0.25 1.5 0.985 0.99 150 1e+04",
		"slo-d etcd-availability leader 0.7 0.6 0.994 0.99 60 1e+04",
		"slo-b etcd-availability leader 0.75 0.5 0.995 0.99 50 1e+04",
		"slo-d read-availability read-errors 0.8 0.4 0.996 0.99 40 1e+04",
		"slo-a read-availability read-latency 0.9 0.2 0.998 0.99 20 1e+04",
		"slo-a etcd-availability leader 1 0 1 0.99 0 1e+04",
	}, cells(frame, "cluster", "objective", "sli", "budgetLeft", "burnRate", "ratio", "target", "bad", "all"))
	require.Equal(t, "6 of 8 objectives.", frame.Meta.Notices[0].Text)
	require.Equal(t, map[string]any{"region": "gz", "product": "tke", "scene": "business", "spec": "large"},
		map[string]any{"region": rowsOf(frame)[0]["region"], "product": rowsOf(frame)[0]["product"], "scene": rowsOf(frame)[0]["scene"], "spec": rowsOf(frame)[0]["spec"]})

	page := sloTable(t, d, map[string]any{"sort": "budgetLeft", "limit": 2, "offset": 1})
	require.Equal(t, []string{"slo-d etcd-availability", "slo-b etcd-availability"}, cells(page, "cluster", "objective"))
	require.Equal(t, "2 of 8 objectives, from number 2 on.", page.Meta.Notices[0].Text)
	require.Equal(t, tableMeta{Total: 8, Offset: 1, Regions: []regionMeta{}}, page.Meta.Custom)
	require.Zero(t, sloTable(t, d, map[string]any{"offset": 8}).Rows())
}

func TestRanksClustersByEachValue(t *testing.T) {
	d := newFleet(t)
	for sort, want := range map[string][]string{
		"burnRate": {"slo-c 3", "slo-b 1.5", "slo-d 0.4", "slo-a 0.2"},
		"bad":      {"slo-c 300", "slo-b 150", "slo-d 40", "slo-a 20"},
		"ratio":    {"slo-a 0.998", "slo-d 0.996", "slo-b 0.985", "slo-c 0.97"},
		"all":      {"slo-a 1e+04", "slo-b 1e+04", "slo-c 1e+04", "slo-d 1e+04"},
		"target":   {"slo-a 0.99", "slo-b 0.99", "slo-c 0.99", "slo-d 0.99"},
	} {
		frame := sloTable(t, d, map[string]any{"sort": sort, "descending": true, "window": "1h", "objectives": []string{"read-availability"}})
		got := cells(frame, "cluster", sort)
		if sort == "target" || sort == "all" {
			slices.Sort(got) // targets are computed: equal ones differ in their last digit
		}
		require.Equal(t, want, got, sort)
	}
}

func TestABudgetThatIsNotKnownYetIsMissing(t *testing.T) {
	d := newFleet(t)
	for _, descending := range []bool{false, true} {
		last := sloTable(t, d, map[string]any{"sort": "budgetLeft", "window": "1h", "offset": 6, "descending": descending})
		require.Equal(t, []string{"slo-c etcd-availability <nil> 0.01", "slo-c read-availability <nil> 3"}, cells(last, "cluster", "objective", "budgetLeft", "burnRate"))
	}
	frame := sloTable(t, d, map[string]any{"sort": "burnRate", "descending": true, "window": "1h", "limit": 1, "objectives": []string{"read-availability"}})
	row := rowsOf(frame)[0]
	require.Equal(t, "slo-c", row["cluster"])
	require.NotContains(t, row, "budgetLeft")
	require.InDelta(t, 3, row["burnRate"], 1e-9)
}

func TestRowsMayBeSLIs(t *testing.T) {
	d := newFleet(t)
	frame := sloTable(t, d, map[string]any{"by": "sli", "scope": map[string]any{"cluster": []string{"slo-a"}}})
	require.Equal(t, []string{"read-latency 0.9 20", "read-errors 0.95 10", "leader 1 0"}, cells(frame, "sli", "budgetLeft", "bad"))
	require.Equal(t, "2 of 3 SLIs.", sloTable(t, d, map[string]any{"by": "sli", "scope": map[string]any{"cluster": []string{"slo-a"}}, "limit": 2}).Meta.Notices[0].Text)
}

// In gz 150 + 10 read errors use 160 of the budget of 20,000 events, which is 200.
func TestRollsUpEventsAndNeverRatios(t *testing.T) {
	d := newFleet(t)
	regions := sloTable(t, d, map[string]any{"level": "region", "objectives": []string{"read-availability"}})
	require.Equal(t, []string{"gz read-errors 0.6 0.5 0.8 0.992 0.99 160 2e+04", "sh read-errors 0.8 0.5 0.4 0.996 0.99 40 1e+04"},
		cells(regions, "region", "sli", "budgetLeft", "history", "burnRate", "ratio", "target", "bad", "all"))
	require.Equal(t, []string{"region", "objective", "sli", "budgetLeft", "history", "burnRate", "ratio", "target", "bad", "all"}, fieldNames(regions))

	for _, c := range []struct {
		name  string
		query map[string]any
		want  []string
	}{
		{"the fleet", map[string]any{"level": "fleet"}, []string{"etcd-availability 0.8167", "read-availability 0.6667"}},
		{"the fleet, of a region alone", map[string]any{"level": "fleet", "scope": map[string]any{"region": []string{"sh"}}}, []string{"etcd-availability 0.7", "read-availability 0.8"}},
		{"regions, of a spec alone", map[string]any{"level": "region", "scope": map[string]any{"spec": []string{"small"}, "region": []string{"gz"}}}, []string{"etcd-availability 1", "read-availability 0.9"}},
		{"regions, of one cluster alone", map[string]any{"level": "region", "scope": map[string]any{"cluster": []string{"slo-b"}}}, []string{"etcd-availability 0.75", "read-availability 0.25"}},
	} {
		got := cells(sloTable(t, d, c.query), "objective", "budgetLeft")
		slices.Sort(got)
		require.Equal(t, c.want, got, c.name)
	}
	scenes := sloTable(t, d, map[string]any{"level": "scene", "window": "1h", "sort": "bad", "descending": true, "objectives": []string{"read-availability"}})
	require.Equal(t, []string{"gz customer 300 3", "gz business 160 0.8", "sh business 40 0.4"}, cells(scenes, "region", "scene", "bad", "burnRate"))
	specs := sloTable(t, d, map[string]any{"level": "spec", "window": "1h", "sort": "ratio", "limit": 1})
	require.Equal(t, []string{"customer large read-errors 0.97 0.99"}, cells(specs, "scene", "spec", "sli", "ratio", "target"))
}

func TestNamesTheObjectivesForVariables(t *testing.T) {
	d := newFleet(t)
	require.Equal(t, []any{"etcd-availability", "read-availability"}, columnOf(sloTable(t, d, map[string]any{"distinct": "objective", "level": "region"}), "objective"))
	require.Equal(t, []any{"leader", "read-errors"}, columnOf(sloTable(t, d, map[string]any{"distinct": "sli", "scope": map[string]any{"region": []string{"sh"}}}), "sli"))
}

func TestSaysWhyNothingIsThere(t *testing.T) {
	d := newFleet(t)
	unknown := sloTable(t, d, map[string]any{"scope": map[string]any{"cluster": []string{"gz-1"}}})
	require.Zero(t, unknown.Rows())
	require.Contains(t, unknown.Meta.Notices[0].Text, "Nothing is recorded for this scope, objective and window.")
	unrecorded := ask(t, newFleet(t, withURL(metrics.Regions["gz"].PrometheusURL)), map[string]any{"kind": "slo", "level": "region", "window": "3d", "sort": "burnRate"})
	require.NoError(t, unrecorded.Error)
	require.Contains(t, unrecorded.Frames[0].Meta.Notices[0].Text, "within 35 minutes")
}

func TestTellsWhichRulesAreNotLoaded(t *testing.T) {
	none := thanosThatKnows(t)
	frame := askTable(t, newFleet(t, withURL(none)), map[string]any{"kind": "slo"})
	require.Contains(t, frame.Meta.Notices[0].Text, "load rules/recording/region.yaml into the rule_files of each region's Prometheus")
	regions := thanosThatKnows(t, "region:")
	frame = askTable(t, newFleet(t, withURL(regions)), map[string]any{"kind": "slo", "level": "fleet"})
	require.Contains(t, frame.Meta.Notices[0].Text, "load rules/recording/global.yaml into Thanos rule")
}

// Nothing else tells that a rule is called differently now, or that a window is gone.
func TestReadsOnlyWhatTheRulesRecord(t *testing.T) {
	recorded := map[string]bool{}
	var text strings.Builder
	for _, name := range []string{"region.yaml", "global.yaml"} {
		path, err := labbin.RepositoryPath("rules", "recording", name)
		require.NoError(t, err)
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		text.Write(content)
	}
	for _, record := range regexp.MustCompile(`record: (\S+)`).FindAllStringSubmatch(text.String(), -1) {
		recorded[record[1]] = true
	}
	read := map[string]bool{}
	for _, level := range sloLevels {
		for _, window := range slorules.Windows {
			for _, part := range []string{byObjective, bySLI} {
				e := newSLOExpressions(&sloQuery{Level: level, By: part, Window: window, Sort: sortWorst}, inventory.Scope{})
				for _, expr := range []string{e.events("bad", window), e.budget(window), e.burnRate(window), e.budgetLeft(), e.history(), e.rank(), e.targets(), e.distinct(part)} {
					for _, name := range regexp.MustCompile(`\w+:\w+:\w+`).FindAllString(expr, -1) {
						read[name] = true
					}
				}
			}
		}
	}
	require.Contains(t, read, "cluster:etcd_slo_burn_rate:ratio3d")
	for name := range read {
		require.Contains(t, recorded, name)
	}
}

func TestReadsTheWidestSeriesThatHaveTheLabels(t *testing.T) {
	for _, c := range []struct {
		level  string
		scope  inventory.Scope
		source string
	}{
		{"fleet", inventory.Scope{}, "fleet"},
		{"fleet", inventory.Scope{Region: []string{"gz"}}, "region"},
		{"region", inventory.Scope{Scene: []string{"business"}}, "scene"},
		{"scene", inventory.Scope{Region: []string{"gz"}}, "scene"},
		{"product", inventory.Scope{Cluster: []string{"a"}}, "cluster"},
	} {
		require.Equal(t, c.source, newSLOExpressions(&sloQuery{Level: c.level, Scope: c.scope}, inventory.Scope{}).source, "%+v", c)
	}
}

func TestTheWorstSLIHasUsedMostOfItsBudget(t *testing.T) {
	few, many := sliEvents{"few", 5, 100, 1}, sliEvents{"many", 50, 100_000, 1000}
	require.Equal(t, "few", worstSLI([]sliEvents{many, few}, "").sli, "five times the budget is worse than a twentieth")
	require.Equal(t, "many", worstSLI([]sliEvents{many, few}, "many").sli)
	require.Nil(t, worstSLI([]sliEvents{few}, "other"))
	require.Equal(t, "a", worstSLI([]sliEvents{{"b", 0, 9, 1}, {"a", 0, 7, 1}}, "").sli)
}

func TestFrameOfServiceLevels(t *testing.T) {
	number := func(v float64) *float64 { return &v }
	labels := map[string]string{"region": "gz", "product": "tke", "scene": "business", "spec": "large", "cluster": "gz-1", "objective": "read-availability"}
	rows := []sloRow{
		{labels: labels, sli: "read-latency", budgetLeft: shownBudget(number(-22434.5)), history: number(0.0005), burnRate: number(1.5), ratio: number(0.985), target: number(0.99), badEvents: number(150), eventsOfAll: number(1e4)},
		{labels: labels, sli: "read-latency", budgetLeft: shownBudget(number(1 - 1e-9)), history: number(1)},
		{labels: labels, sli: "read-latency", budgetLeft: shownBudget(number(1e-9)), history: number(1)},
		{labels: labels, budgetLeft: shownBudget(number(math.NaN()))},
	}
	q := &sloQuery{Level: "cluster", By: byObjective, page: page{Limit: 4}}
	checkGolden(t, "slo", q.frame(rows, 2345))
}

// thanosThatKnows is a server that answers expressions with one of these texts by a series, others by none.
func thanosThatKnows(t *testing.T, known ...string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		result := ""
		for _, text := range known {
			if strings.Contains(r.FormValue("query"), text) {
				result = `{"metric": {}, "value": [1767323045, "1"]}`
			}
		}
		_, _ = fmt.Fprintf(w, `{"status": "success", "data": {"resultType": "vector", "result": [%s]}}`, result)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func fieldNames(frame *data.Frame) []string {
	var names []string
	for _, field := range frame.Fields {
		names = append(names, field.Name)
	}
	return names
}
