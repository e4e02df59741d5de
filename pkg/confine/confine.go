// Package confine rewrites PromQL expressions so that they read the series of a fixed scope only, and name no label that
// is hidden. It asks nobody: what it returns is safe to send to any server with PromQL.
package confine

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// maxDepth bounds how deeply an expression may be nested: writing one down costs its length times its depth.
const maxDepth = 500

// Limit is what every selector of an expression is limited to: series whose label has one of the values. Without values
// the label is not limited.
type Limit struct {
	Label  string
	Values []string
}

// Fence is the part of all series that expressions may read. It is safe for concurrent use.
type Fence struct {
	matchers []*labels.Matcher
	lacking  map[string][]string
	isHidden func(label string) bool
}

// New returns the fence of some limits. Its error names a limit that is no label matcher.
func New(limits ...Limit) (*Fence, error) {
	f := &Fence{isHidden: func(string) bool { return false }}
	for _, limit := range limits {
		if len(limit.Values) == 0 {
			continue
		}
		matcher, err := limit.matcher()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", limit.Label, err)
		}
		if matcher.Matches("") {
			return nil, fmt.Errorf("%s: an empty value would match all series without the label", limit.Label)
		}
		f.matchers = append(f.matchers, matcher)
	}
	return f, nil
}

func (l Limit) matcher() (*labels.Matcher, error) {
	if len(l.Values) == 1 {
		return labels.NewMatcher(labels.MatchEqual, l.Label, l.Values[0])
	}
	quoted := make([]string, len(l.Values))
	for i, value := range l.Values {
		quoted[i] = regexp.QuoteMeta(value)
	}
	// A matcher's expression is anchored at both ends.
	return labels.NewMatcher(labels.MatchRegexp, l.Label, strings.Join(quoted, "|"))
}

// Hiding returns a fence that refuses expressions that name a hidden label, to select, group, join or copy by it. Series
// still have these labels: remove them from what is shown.
func (f *Fence) Hiding(isHidden func(label string) bool) *Fence {
	hiding := *f
	hiding.isHidden = isHidden
	return &hiding
}

// Lacking returns a fence that does not limit selectors of one metric by a label that its series never have.
func (f *Fence) Lacking(metric, label string) *Fence {
	lacking := *f
	lacking.lacking = map[string][]string{metric: append(slices.Clone(f.lacking[metric]), label)}
	for other, names := range f.lacking {
		if other != metric {
			lacking.lacking[other] = names
		}
	}
	return &lacking
}

// Confine returns the expression with the limits in every selector, beside those that it has. Its error is a clause about
// the expression, for the user: it is not valid PromQL, or names a hidden label.
func (f *Fence) Confine(expr string) (string, error) {
	root, err := parse(expr)
	if err != nil {
		return "", err
	}
	if err := f.visit(root, 0); err != nil {
		return "", err
	}
	confined := root.String()
	// What is sent is the text. It is read again because a mistake in writing it down would open the fence.
	written, err := parse(confined)
	if err != nil {
		return "", fmt.Errorf("cannot be written down within the fixed scope: %w", err)
	}
	if !f.holds(written) {
		return "", fmt.Errorf("cannot be written down within the fixed scope")
	}
	return confined, nil
}

func parse(expr string) (parser.Expr, error) {
	// Experimental functions stay off: info() reads series that no selector names.
	root, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil {
		return nil, fmt.Errorf("is not valid: %w", err)
	}
	return root, nil
}

// visit limits the selectors in and below a node.
func (f *Fence) visit(node parser.Node, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("is nested more than %d times", maxDepth)
	}
	for _, label := range named(node) {
		if f.isHidden(label) {
			return fmt.Errorf("names the label %s, which this datasource hides", label)
		}
	}
	if selector, ok := node.(*parser.VectorSelector); ok {
		selector.LabelMatchers = append(selector.LabelMatchers, f.limits(selector)...)
	}
	for child := range parser.ChildrenIter(node) {
		if err := f.visit(child, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// limits are the matchers that a selector needs.
func (f *Fence) limits(selector *parser.VectorSelector) []*labels.Matcher {
	lacking := f.lacking[metricOf(selector)]
	return slices.DeleteFunc(slices.Clone(f.matchers), func(m *labels.Matcher) bool { return slices.Contains(lacking, m.Name) })
}

// metricOf is the one metric that a selector can read; "" when there may be others.
func metricOf(selector *parser.VectorSelector) string {
	for _, m := range selector.LabelMatchers {
		if m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual {
			return m.Value
		}
	}
	return ""
}

// holds reports whether every selector has its limits.
func (f *Fence) holds(node parser.Node) bool {
	if selector, ok := node.(*parser.VectorSelector); ok {
		for _, limit := range f.limits(selector) {
			if !slices.ContainsFunc(selector.LabelMatchers, func(m *labels.Matcher) bool {
				return m.Name == limit.Name && m.Type == limit.Type && m.Value == limit.Value
			}) {
				return false
			}
		}
	}
	for child := range parser.ChildrenIter(node) {
		if !f.holds(child) {
			return false
		}
	}
	return true
}

// named are the labels that a node names itself.
func named(node parser.Node) []string {
	switch n := node.(type) {
	case *parser.VectorSelector:
		var names []string
		for _, m := range n.LabelMatchers {
			names = append(names, m.Name)
		}
		return names
	case *parser.AggregateExpr:
		if n.Op == parser.COUNT_VALUES {
			return append(slices.Clone(n.Grouping), textOf(n.Param))
		}
		return n.Grouping
	case *parser.BinaryExpr:
		if n.VectorMatching != nil {
			return slices.Concat(n.VectorMatching.MatchingLabels, n.VectorMatching.Include)
		}
	case *parser.Call:
		return namedByCall(n)
	}
	return nil
}

// namedByCall are the labels that a function reads or writes: a written one could be joined with a hidden one, to guess it.
func namedByCall(call *parser.Call) []string {
	var arguments []int
	switch call.Func.Name {
	case "label_replace":
		arguments = []int{1, 3}
	case "label_join":
		arguments = []int{1}
		for i := 3; i < len(call.Args); i++ {
			arguments = append(arguments, i)
		}
	}
	names := make([]string, len(arguments))
	for i, at := range arguments {
		names[i] = textOf(call.Args[at])
	}
	return names
}

// textOf is a text in any number of parentheses, as functions take it.
func textOf(expr parser.Expr) string {
	for {
		switch e := expr.(type) {
		case *parser.ParenExpr:
			expr = e.Expr
		case *parser.StringLiteral:
			return e.Val
		default:
			return ""
		}
	}
}
