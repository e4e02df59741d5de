package datasource

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"golang.org/x/sync/errgroup"

	"github.com/etcdfleet/etcd-fleet/pkg/inventory"
	"github.com/etcdfleet/etcd-fleet/pkg/slorules"
	"github.com/etcdfleet/etcd-fleet/pkg/thanos"
)

// sloLevels are what a row may stand for; each has one label more than the one before, in the order of dimensions.
var sloLevels = append([]string{"fleet"}, dimensions...)

// freshestWindow is the first that a new installation has.
var freshestWindow = slorules.Windows[0]

const (
	byObjective = "objective"
	bySLI       = "sli"

	// sortWorst puts what pages first, the fastest first, and then what has least of its budget left.
	sortWorst = "worst"

	// maxRanked is more than the rows of any fleet: 20,000 clusters of four objectives.
	maxRanked = 100_000
)

// sloQuery ranks groups of clusters by how well they keep their objectives, a row a group and objective. It reads
// recorded series alone.
type sloQuery struct {
	Scope      inventory.Scope `json:"scope"`
	Level      string          `json:"level"`
	By         string          `json:"by"`
	Objectives []string        `json:"objectives"`
	Window     string          `json:"window"`
	Distinct   string          `json:"distinct"`
	Sort       string          `json:"sort"`
	Descending bool            `json:"descending"`
	page
}

func parseSLO(f *fields) *sloQuery {
	return &sloQuery{
		Scope:      f.seriesScope(),
		Level:      f.enum("level", "cluster", sloLevels...),
		By:         f.enum("by", byObjective, byObjective, bySLI),
		Objectives: f.list("objectives"),
		Window:     f.enum("window", slorules.BudgetWindow, slorules.Windows...),
		Distinct:   f.enum("distinct", "", "", byObjective, bySLI),
		Sort:       f.enum("sort", sortWorst, sortWorst, "budgetLeft", "burnRate", "ratio", "target", "bad", "all"),
		Descending: f.flag("descending"),
		page:       f.page(),
	}
}

// sloRow is a row of the answer: the labels that its level and By keep, and what is known of it.
type sloRow struct {
	labels map[string]string
	// rank is the value that the row was chosen by.
	rank float64
	// sli is the one whose events the row shows: the row's own, or the worst of its objective.
	sli                                   string
	budgetLeft, history, burnRate         *float64
	ratio, target, badEvents, eventsOfAll *float64
}

func (q *sloQuery) run(ctx context.Context, d *Datasource, request backend.DataQuery) (data.Frames, error) {
	answers := &sloAnswers{client: d.thanos.forTargets(), at: request.TimeRange.To}
	expressions := newSLOExpressions(q, d.settings.view.scope)
	if q.Distinct != "" {
		return q.distinctFrames(ctx, d, answers, expressions)
	}
	rows, total, err := q.rank(ctx, answers, expressions)
	if err != nil {
		return nil, err
	}
	var absence []data.Notice
	if total == 0 {
		absence, err = q.explainAbsence(ctx, answers, d.settings.view)
	} else {
		err = q.describe(ctx, answers, expressions.of(rows), rows)
	}
	if err != nil {
		return nil, err
	}
	frame := q.frame(rows, total)
	frame.Meta.ExecutedQueryString = "Expr: " + expressions.rank()
	frame.AppendNotices(absence...)
	frame.AppendNotices(partialNotices(answers.lacking(), d.lostStores(ctx))...)
	return data.Frames{frame}, nil
}

// rank lets Thanos choose the rows up to the page's end, returns those of the page in order, and how many there are.
func (q *sloQuery) rank(ctx context.Context, answers *sloAnswers, expressions *sloExpressions) ([]sloRow, int, error) {
	choose := map[bool]string{false: "bottomk", true: "topk"}[q.Descending]
	wanted := min(q.Offset+q.Limit, maxRanked)
	ranked, err := answers.query(ctx, expressions.chosen(choose, wanted))
	if err != nil {
		return nil, 0, err
	}
	total := len(ranked)
	if total == wanted {
		counted, err := answers.query(ctx, "count("+expressions.ranked()+")")
		if err != nil {
			return nil, 0, err
		}
		for _, series := range counted {
			total = max(total, int(series.Points[0].Value))
		}
	}
	rows := make([]sloRow, len(ranked))
	for i, series := range ranked {
		rows[i] = sloRow{labels: series.Labels, rank: series.Points[0].Value, sli: series.Labels[bySLI]}
	}
	return cut(rows, q.page, q.order()), total, nil
}

// order is that of the ranking, rows without a value last; equal rows are sorted by their labels.
func (q *sloQuery) order() func(a, b sloRow) int {
	rank := by(func(r sloRow) float64 { return r.rank })
	if q.Descending {
		rank = reversed(rank)
	}
	comparisons := []func(a, b sloRow) int{lastIf(func(r sloRow) bool { return math.IsNaN(r.rank) }), rank}
	for _, label := range append(slices.Clone(dimensions), byObjective, bySLI) {
		comparisons = append(comparisons, by(func(r sloRow) string { return r.labels[label] }))
	}
	return inOrder(comparisons...)
}

// describe fills in what the rows show, all of it asked at once.
func (q *sloQuery) describe(ctx context.Context, answers *sloAnswers, expressions *sloExpressions, rows []sloRow) error {
	if len(rows) == 0 {
		return nil
	}
	var bad, all, budget, left, known, burning, targets []thanos.Series
	group, ctx := errgroup.WithContext(ctx)
	for _, question := range []struct {
		expr   string
		answer *[]thanos.Series
	}{
		{expressions.events("bad", q.Window), &bad},
		{expressions.events("all", q.Window), &all},
		{expressions.budget(q.Window), &budget},
		{expressions.budgetLeft(), &left},
		{expressions.history(), &known},
		{expressions.burnRate(q.Window), &burning},
		{expressions.targets(), &targets},
	} {
		group.Go(func() (err error) {
			*question.answer, err = answers.query(ctx, question.expr)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	events := eventsOfSLIs(q, bad, all, budget)
	lefts, histories, burns := byLabels(left, q.rowLabels()), byLabels(known, q.rowLabels()), byLabels(burning, q.rowLabels())
	promised := byLabels(targets, targetLabels)
	for i := range rows {
		row := &rows[i]
		key := labelKey(row.labels, q.rowLabels())
		row.budgetLeft, row.history, row.burnRate = shownBudget(lefts[key]), histories[key], burns[key]
		if of := worstSLI(events[labelKey(row.labels, q.groupLabels())], row.sli); of != nil {
			row.sli, row.badEvents, row.eventsOfAll = of.sli, &of.bad, &of.all
			row.ratio, row.target = ratioOf(of.all-of.bad, of.all), ratioOf(of.all-of.budget, of.all)
		}
		if target, ok := promised[labelKey(row.labels, targetLabels)]; ok && q.hasOneTarget() {
			row.target = target
		}
	}
	return nil
}

// hasOneTarget reports whether each row is of clusters to which the same is promised.
func (q *sloQuery) hasOneTarget() bool { return q.depth() >= len(targetLabels)-1 }

// depth is how many dimensions the level keeps.
func (q *sloQuery) depth() int { return slices.Index(sloLevels, q.Level) }

// groupLabels distinguish the groups of the level, each of one objective.
func (q *sloQuery) groupLabels() []string {
	return append(slices.Clone(dimensions[:q.depth()]), byObjective)
}

// rowLabels distinguish rows.
func (q *sloQuery) rowLabels() []string {
	if q.By == bySLI {
		return append(q.groupLabels(), bySLI)
	}
	return q.groupLabels()
}

// sliEvents are the events of one SLI of a group: bad ones, all, and as many bad ones as the target allows.
type sliEvents struct {
	sli              string
	bad, all, budget float64
}

// eventsOfSLIs are the SLIs by group and objective.
func eventsOfSLIs(q *sloQuery, bad, all, budget []thanos.Series) map[string][]sliEvents {
	labels := append(q.groupLabels(), bySLI)
	bads, budgets := byLabels(bad, labels), byLabels(budget, labels)
	events := map[string][]sliEvents{}
	for _, series := range all {
		key := labelKey(series.Labels, labels)
		if count := series.Points[0].Value; count > 0 && bads[key] != nil && budgets[key] != nil {
			group := labelKey(series.Labels, q.groupLabels())
			events[group] = append(events[group], sliEvents{series.Labels[bySLI], *bads[key], count, *budgets[key]})
		}
	}
	return events
}

// worstSLI is the wanted one, or else the one that has used most of its budget; nil when there is none.
func worstSLI(events []sliEvents, wanted string) *sliEvents {
	if wanted != "" {
		events = slices.DeleteFunc(slices.Clone(events), func(e sliEvents) bool { return e.sli != wanted })
	}
	if len(events) == 0 {
		return nil
	}
	worst := slices.MinFunc(events, inOrder(
		func(a, b sliEvents) int { return cmp.Compare(b.bad*a.budget, a.bad*b.budget) },
		by(func(e sliEvents) string { return e.sli }),
	))
	return &worst
}

func ratioOf(part, whole float64) *float64 {
	ratio := part / whole
	return &ratio
}

func (q *sloQuery) frame(rows []sloRow, total int) *data.Frame {
	label := func(name string) *data.Field {
		return column(name, rows, func(r sloRow) string { return r.labels[name] })
	}
	// In the order in which the other tables show them: a cluster's name comes before what it belongs to.
	columns := slices.Clone(dimensions[:q.depth()])
	if q.Level == "cluster" {
		columns = []string{"region", "cluster", "product", "scene", "spec"}
	}
	var fields []*data.Field
	for _, name := range append(columns, byObjective) {
		fields = append(fields, label(name))
	}
	fields = append(fields,
		column(bySLI, rows, func(r sloRow) string { return r.sli }),
		budgetField(rows),
		withUnit(column("history", rows, func(r sloRow) *float64 { return r.history }), "percentunit"),
		withUnit(column("burnRate", rows, func(r sloRow) *float64 { return r.burnRate }), "suffix:×"),
		withUnit(column("ratio", rows, func(r sloRow) *float64 { return r.ratio }), "percentunit"),
		withUnit(column("target", rows, func(r sloRow) *float64 { return r.target }), "percentunit"),
		withUnit(column("bad", rows, func(r sloRow) *float64 { return r.badEvents }), "short"),
		withUnit(column("all", rows, func(r sloRow) *float64 { return r.eventsOfAll }), "short"),
	)
	noun := map[string]string{byObjective: "objectives", bySLI: "SLIs"}[q.By]
	return tableFrame("slo", noun, q.page, total, nil, fields...)
}

// alert answers with the column that the query sorts by, with the burn rate for worst. A warning is of rules that are not loaded.
func (q *sloQuery) alert(ctx context.Context, d *Datasource, request backend.DataQuery) (data.Frames, error) {
	if q.Distinct != "" {
		return nil, errDistinctInRule
	}
	tables, err := q.run(ctx, d, request)
	if err != nil {
		return nil, err
	}
	return data.Frames{q.ruleFrame(tables[0])}, refuseNotices(tables, isWarning)
}

// ruleFrame has no SLI for a row of an objective: which one is the worst changes.
func (q *sloQuery) ruleFrame(table *data.Frame) *data.Frame {
	name := q.Sort
	if name == sortWorst {
		name = "burnRate"
	}
	number, _ := table.FieldByName(name)
	return ruleFrame(table, number, q.rowLabels()...)
}

// distinctFrames are the names of objectives or SLIs, for dashboard variables.
func (q *sloQuery) distinctFrames(ctx context.Context, d *Datasource, answers *sloAnswers, expressions *sloExpressions) (data.Frames, error) {
	found, err := answers.query(ctx, expressions.distinct(q.Distinct))
	if err != nil {
		return nil, err
	}
	values := make([]string, len(found))
	for i, series := range found {
		values[i] = series.Labels[q.Distinct]
	}
	shown := cut(values, q.page, strings.Compare)
	frame := tableFrame(q.Distinct, "values", q.page, len(values), nil, data.NewField(q.Distinct, nil, shown))
	frame.AppendNotices(partialNotices(answers.lacking(), d.lostStores(ctx))...)
	return data.Frames{frame}, nil
}

// explainAbsence says why there is no row. Whether rules are loaded is not to be seen from within a fixed scope.
func (q *sloQuery) explainAbsence(ctx context.Context, answers *sloAnswers, limits view) ([]data.Notice, error) {
	nothing := []data.Notice{notice(data.NoticeSeverityInfo, "Nothing is recorded for this scope, objective and window. Sums over a day and more appear within 35 minutes of the first sample, the error budget within five.")}
	if limits.isLimited() {
		return nothing, nil
	}
	recorded := func(level string) (bool, error) {
		found, err := answers.query(ctx, "group("+level+":etcd_sli_events:increase"+freshestWindow+")")
		return len(found) > 0, err
	}
	region, err := recorded("region")
	if err != nil {
		return nil, err
	}
	fleet, err := recorded("fleet")
	if err != nil {
		return nil, err
	}
	const load = "No service level is recorded%s: load %s (npm run generate writes it)."
	switch {
	case !region:
		return []data.Notice{notice(data.NoticeSeverityWarning, load, "", "rules/recording/region.yaml into the rule_files of each region's Prometheus")}, nil
	case q.Level == "fleet" && !fleet:
		return []data.Notice{notice(data.NoticeSeverityWarning, load, " for the whole fleet", "rules/recording/global.yaml into Thanos rule, which records it while all regions answer")}, nil
	}
	return nothing, nil
}

// byLabels are the values of an instant answer by the labels.
func byLabels(answer []thanos.Series, labels []string) map[string]*float64 {
	values := make(map[string]*float64, len(answer))
	for _, series := range answer {
		values[labelKey(series.Labels, labels)] = &series.Points[0].Value
	}
	return values
}

// labelKey is the same for series with the same values of the labels.
func labelKey(values map[string]string, labels []string) string {
	parts := make([]string, len(labels))
	for i, label := range labels {
		parts[i] = values[label]
	}
	return strings.Join(parts, "\xff") // no UTF-8, which label values are
}
