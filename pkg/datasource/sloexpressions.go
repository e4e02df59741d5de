package datasource

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/etcdfleet/etcd-fleet/pkg/inventory"
	"github.com/etcdfleet/etcd-fleet/pkg/slorules"
	"github.com/etcdfleet/etcd-fleet/pkg/thanos"
)

// burningFirst is larger than any number of budgets that can be spent: what burns now ranks before it.
const burningFirst = 1e12

// targetLabels distinguish the targets: slo/generate/promises.ts resolves one for each group of clusters and objective.
var targetLabels = append(slices.Clone(dimensions[:4]), byObjective)

// sloExpressions are the PromQL expressions of a query, on the series of slo/generate/series.ts. Events of one SLI are
// added over clusters; SLIs never to each other: an objective is as bad as the worst of its SLIs.
type sloExpressions struct {
	*sloQuery
	// source is the level of the series to read: the widest that has the labels of the query's level, its scope and
	// the fixed scope.
	source string
	// matchers select the scope's series, by the dimension that they are about.
	matchers map[string][]string
}

func newSLOExpressions(q *sloQuery, fixed inventory.Scope) *sloExpressions {
	e := &sloExpressions{sloQuery: q, matchers: map[string][]string{}}
	depth := q.depth()
	for i, dimension := range dimensions {
		values := valuesIn(q.Scope, dimension)
		if len(values)+len(valuesIn(fixed, dimension)) > 0 {
			depth = max(depth, i+1)
		}
		e.match(dimension, values)
	}
	e.match(byObjective, q.Objectives)
	e.source = sloLevels[depth]
	return e
}

func (e *sloExpressions) match(label string, values []string) {
	if matcher := thanos.Matcher(label, values); matcher != "" {
		e.matchers[label] = append(e.matchers[label], matcher)
	}
}

// of returns the expressions narrowed to the groups of the rows. They may answer for a few groups more.
func (e *sloExpressions) of(rows []sloRow) *sloExpressions {
	narrow := &sloExpressions{sloQuery: e.sloQuery, source: e.source, matchers: map[string][]string{}}
	for label, matchers := range e.matchers {
		narrow.matchers[label] = slices.Clone(matchers)
	}
	for _, label := range e.groupLabels() {
		values := map[string]struct{}{}
		for _, row := range rows {
			values[row.labels[label]] = struct{}{}
		}
		narrow.match(label, slices.Sorted(maps.Keys(values)))
	}
	return narrow
}

// rank is the value to sort by, one for each row.
func (e *sloExpressions) rank() string {
	switch e.Sort {
	case sortWorst:
		return fmt.Sprintf("(%s * -%g or %s)", e.paging(), burningFirst, e.knownBudgetLeft())
	case "budgetLeft":
		return e.knownBudgetLeft()
	case "burnRate":
		return e.burnRate(e.Window)
	case "ratio":
		return e.ofWorst(fmt.Sprintf("(1 - %s / (%s > 0))", e.events("bad", e.Window), e.events("all", e.Window)))
	case "target":
		return e.ofWorst(fmt.Sprintf("(1 - %s / (%s > 0))", e.budget(e.Window), e.events("all", e.Window)))
	}
	return e.ofWorst(e.events(e.Sort, e.Window))
}

// ranked has a series for each row of rank, whose value does not matter. What pages somebody has a burn rate of every window,
// so that four windows of the whole fleet need not be read to count.
func (e *sloExpressions) ranked() string {
	if e.Sort == sortWorst {
		return e.knownBudgetLeft()
	}
	return e.rank()
}

// paging is how fast rows burn that burn so fast that somebody is paged; it has no others.
func (e *sloExpressions) paging() string {
	var conditions []string
	for _, rate := range slorules.Pages {
		conditions = append(conditions, fmt.Sprintf("(%s > %g and %s > %g)", e.burnRate(rate.Short), rate.Factor, e.burnRate(rate.Long), rate.Factor))
	}
	return "(" + strings.Join(conditions, " or ") + ")"
}

// knownBudgetLeft has also the rows that have no budget yet, in their first minutes: topk and bottomk put NaN last.
func (e *sloExpressions) knownBudgetLeft() string {
	return fmt.Sprintf("(%s or NaN * %s)", e.budgetLeft(), e.burnRate(freshestWindow))
}

// chosen is the part of the ranking that topk or bottomk keeps.
func (e *sloExpressions) chosen(aggregation string, count int) string {
	return fmt.Sprintf("%s(%d, %s)", aggregation, count, e.rank())
}

// budgetLeft is the share of the error budget that each row has left: 1 all of it, below 0 overspent.
func (e *sloExpressions) budgetLeft() string {
	if e.recordsRows() {
		return e.worstOf("min", "cluster:etcd_slo_error_budget:remaining"+slorules.BudgetWindow+e.selector())
	}
	return "(1 - " + e.worst("max", fmt.Sprintf("(%s / (%s > 0))", e.events("bad", slorules.BudgetWindow), e.allowance())) + ")"
}

// allowance is how many bad events the targets allow in a whole budget window: what has no history yet counts as what has.
func (e *sloExpressions) allowance() string { return e.events("allowance", slorules.BudgetWindow) }

// history is the share of the budget's window that events are known of.
func (e *sloExpressions) history() string {
	if e.Level == "cluster" {
		return e.worstOf("min", "cluster:etcd_slo_history:ratio"+slorules.BudgetWindow+e.selector())
	}
	return e.worst("min", fmt.Sprintf("(%s / (%s > 0))", e.budget(slorules.BudgetWindow), e.allowance()))
}

// burnRate is how many times too fast the budget burns: 1 spends just all of it within the budget's window.
func (e *sloExpressions) burnRate(window string) string {
	if e.recordsRows() && window != slorules.BudgetWindow {
		return e.worstOf("max", "cluster:etcd_slo_burn_rate:ratio"+window+e.selector())
	}
	return e.worst("max", e.burnRateOfSLIs(window))
}

// recordsRows reports whether burn rates and budgets of just these rows are recorded, one series per row.
func (e *sloExpressions) recordsRows() bool { return e.Level == "cluster" && e.By == byObjective }

func (e *sloExpressions) worstOf(aggregation, expr string) string {
	return fmt.Sprintf("%s by (%s) (%s)", aggregation, strings.Join(e.rowLabels(), ", "), expr)
}

// worst chooses among the SLIs of each row.
func (e *sloExpressions) worst(aggregation, ofSLIs string) string {
	if e.By == bySLI {
		return ofSLIs
	}
	return e.worstOf(aggregation, ofSLIs)
}

func (e *sloExpressions) burnRateOfSLIs(window string) string {
	return fmt.Sprintf("(%s / (%s > 0))", e.events("bad", window), e.budget(window))
}

// ofWorst keeps of each objective the SLI that burns fastest, where rows are objectives.
func (e *sloExpressions) ofWorst(expr string) string {
	if e.By == bySLI {
		return expr
	}
	return fmt.Sprintf("(%s and topk by (%s) (1, %s))", expr, strings.Join(e.groupLabels(), ", "), e.burnRateOfSLIs(e.Window))
}

// events are the bad or all events of each group's SLIs.
func (e *sloExpressions) events(kind, window string) string { return e.bySLI(e.recorded(kind, window)) }

// budget is how many bad events the targets allow. For clusters it is not recorded.
func (e *sloExpressions) budget(window string) string {
	if e.source != "cluster" {
		return e.events("budget", window)
	}
	return e.bySLI(fmt.Sprintf("%s * on (%s) group_left () (1 - %s)", e.recorded("all", window), strings.Join(targetLabels, ", "), e.targets()))
}

// targets are the promised ratios of good events to all.
func (e *sloExpressions) targets() string {
	return fmt.Sprintf("max by (%s) (%s%s)", strings.Join(targetLabels, ", "), targetsMetric, e.selectorFor(targetLabels))
}

// distinct has a series for each value of the label.
func (e *sloExpressions) distinct(label string) string {
	return fmt.Sprintf("group by (%s) (%s)", label, e.recorded("all", freshestWindow))
}

// recorded selects a level's series of events.
func (e *sloExpressions) recorded(kind, window string) string {
	return fmt.Sprintf("%s:etcd_sli_events:increase%s%s", e.source, window, e.selector(fmt.Sprintf("events=%q", kind)))
}

func (e *sloExpressions) bySLI(expr string) string {
	return fmt.Sprintf("sum by (%s, %s) (%s)", strings.Join(e.groupLabels(), ", "), bySLI, expr)
}

// selector has the scope's matchers and others.
func (e *sloExpressions) selector(others ...string) string {
	return e.selectorFor(append(slices.Clone(dimensions), byObjective), others...)
}

// selectorFor leaves out the matchers for other labels than these.
func (e *sloExpressions) selectorFor(labels []string, others ...string) string {
	matchers := others
	for _, label := range labels {
		matchers = append(matchers, e.matchers[label]...)
	}
	return "{" + strings.Join(matchers, ",") + "}"
}

// sloAnswers asks Thanos for the expressions of one query and remembers what is missing from the answers.
type sloAnswers struct {
	client *seriesReader
	at     time.Time

	mu      sync.Mutex
	partial []string
}

func (a *sloAnswers) query(ctx context.Context, expr string) ([]thanos.Series, error) {
	result, err := a.client.Query(ctx, expr, a.at)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.partial = append(a.partial, result.Warnings.Partial...)
	return result.Series, nil
}

// lacking is what Thanos said of stores that did not answer, each text once.
func (a *sloAnswers) lacking() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return onceEach(a.partial)
}
