package datasource

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/etcdfleet/etcd-fleet/pkg/thanos"
)

// tileLookback is how far back the sums of clusters over the budget's window are looked for: they are written once in
// half an hour, and one evaluation may be missed. slo/generate/windows.ts looks as far back.
const tileLookback = "75m"

// targetLabels tell the targets apart: slo/generate/promises.ts resolves one for each group of clusters and objective.
var targetLabels = append(slices.Clone(dimensions[:4]), byObjective)

// sloExpressions are the PromQL expressions of a query, on the series of slo/generate/series.ts. Events of one SLI are
// added over clusters; SLIs never to each other: an objective is as bad as the worst of its SLIs.
type sloExpressions struct {
	*sloQuery
	// source is the level of the series to read: the widest that has the labels of both the query's level and its scope.
	source string
	// matchers select the scope's series, by the dimension that they are about.
	matchers map[string][]string
}

func newSLOExpressions(q *sloQuery) *sloExpressions {
	e := &sloExpressions{sloQuery: q, matchers: map[string][]string{}}
	depth := q.depth()
	for i, values := range [][]string{q.Scope.Region, q.Scope.Product, q.Scope.Scene, q.Scope.Spec, q.Scope.Cluster} {
		if len(values) > 0 {
			depth = max(depth, i+1)
			e.match(dimensions[i], values)
		}
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
	case "budgetLeft":
		if e.Window == budgetWindow {
			return e.budgetLeft()
		}
		// What has no budget yet, in its first half an hour, comes last: topk and bottomk put NaN there.
		return fmt.Sprintf("(%s or NaN * %s)", e.budgetLeft(), e.burnRate(e.Window))
	case "burnRate":
		return e.burnRate(e.Window)
	case "ratio":
		return e.ofWorst(fmt.Sprintf("(1 - %s / (%s > 0))", e.events("bad", e.Window), e.events("all", e.Window)))
	case "target":
		return e.ofWorst(fmt.Sprintf("(1 - %s / (%s > 0))", e.budget(e.Window), e.events("all", e.Window)))
	}
	return e.ofWorst(e.events(e.Sort, e.Window))
}

// chosen is the part of the ranking that topk or bottomk keeps.
func (e *sloExpressions) chosen(aggregation string, count int) string {
	return fmt.Sprintf("%s(%d, %s)", aggregation, count, e.rank())
}

// budgetLeft is the share of the error budget that each row has left: 1 all of it, below 0 overspent.
func (e *sloExpressions) budgetLeft() string {
	if e.recordsRows() {
		return e.worstOf("min", "cluster:etcd_slo_error_budget:remaining"+budgetWindow+e.selector())
	}
	return "(1 - " + e.burnRate(budgetWindow) + ")"
}

// burnRate is how many times too fast the budget burns: 1 spends just all of it within the budget's window.
func (e *sloExpressions) burnRate(window string) string {
	switch {
	case e.recordsRows() && window == budgetWindow:
		return "(1 - " + e.budgetLeft() + ")"
	case e.recordsRows():
		return e.worstOf("max", "cluster:etcd_slo_burn_rate:ratio"+window+e.selector())
	case e.By == bySLI:
		return e.burnRateOfSLIs(window)
	}
	return e.worstOf("max", e.burnRateOfSLIs(window))
}

// recordsRows tells whether burn rates and budgets of just these rows are recorded, a series a row.
func (e *sloExpressions) recordsRows() bool { return e.Level == "cluster" && e.By == byObjective }

func (e *sloExpressions) worstOf(aggregation, expr string) string {
	return fmt.Sprintf("%s by (%s) (%s)", aggregation, strings.Join(e.rowLabels(), ", "), expr)
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
	return fmt.Sprintf("max by (%s) (spec:etcd_slo_target:ratio%s)", strings.Join(targetLabels, ", "), e.selectorFor(targetLabels))
}

// distinct has a series for each value of the label.
func (e *sloExpressions) distinct(label string) string {
	return fmt.Sprintf("group by (%s) (%s)", label, e.recorded("all", freshestWindow))
}

// recorded selects a level's series of events.
func (e *sloExpressions) recorded(kind, window string) string {
	series := fmt.Sprintf("%s:etcd_sli_events:increase%s%s", e.source, window, e.selector(fmt.Sprintf("events=%q", kind)))
	if e.source == "cluster" && window == budgetWindow {
		return fmt.Sprintf("last_over_time(%s[%s])", series, tileLookback)
	}
	return series
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
	client *thanos.Client
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
	return slices.Compact(slices.Sorted(slices.Values(a.partial)))
}
