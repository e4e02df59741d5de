package confine

import (
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
)

func fence(t testing.TB, limits ...Limit) *Fence {
	t.Helper()
	f, err := New(limits...)
	require.NoError(t, err)
	return f
}

var ofTenant = Limit{Label: "cluster", Values: []string{tenant}}

func TestEverySelectorGetsTheLimits(t *testing.T) {
	two := fence(t, Limit{"region", []string{"gz"}}, Limit{"scene", nil}, Limit{"cluster", []string{"a.1", "b|2"}})
	const limits = `region="gz",cluster=~"a\\.1|b\\|2"`
	for _, c := range []struct{ expr, want string }{
		{`up`, `up{` + limits + `}`},
		{`up{job="etcd"}`, `up{job="etcd",` + limits + `}`},
		{`up{cluster="other"}`, `up{cluster="other",` + limits + `}`},
		{`up{cluster!=""}`, `up{cluster!="",` + limits + `}`},
		{`{__name__=~".+"}`, `{__name__=~".+",` + limits + `}`},
		{`rate(x_total[5m] offset 1h)`, `rate(x_total{` + limits + `}[5m] offset 1h)`},
		{`x @ end()`, `x{` + limits + `} @ end()`},
		{`max_over_time((a / b)[1h:1m])`, `max_over_time((a{` + limits + `} / b{` + limits + `})[1h:1m])`},
		{`absent(x)`, `absent(x{` + limits + `})`},
		{`a * on (host) group_left (zone) b`, `a{` + limits + `} * on (host) group_left (zone) b{` + limits + `}`},
		{`topk(scalar(k), x)`, `topk(scalar(k{` + limits + `}), x{` + limits + `})`},
		{`label_replace(x, "cluster", "c", "", "")`, `label_replace(x{` + limits + `}, "cluster", "c", "", "")`},
		{`-(a or b unless c)`, `-(a{` + limits + `} or b{` + limits + `} unless c{` + limits + `})`},
		{`vector(1)`, `vector(1)`},
	} {
		confined, err := two.Confine(c.expr)
		require.NoError(t, err, c.expr)
		want, err := parse(c.want)
		require.NoError(t, err, c.want)
		require.Equal(t, want.String(), confined)
	}
}

func TestWhatIsNoPromQLIsRefused(t *testing.T) {
	f := fence(t, ofTenant)
	for _, expr := range []string{
		``, `up{`, `up # {`, `up} or x{`, `sum(`, "up{cluster=\"a\"\x00}", `{cluster=~".*"}`, `up{cluster=~"("}`,
		`info(up)`, `info(up, {cluster="theirs"})`, `sort_by_label(up, "host")`, // experimental
		strings.Repeat("(", maxDepth+1) + "up" + strings.Repeat(")", maxDepth+1),
		strings.Repeat("up+", maxDepth+1) + "up",
	} {
		confined, err := f.Confine(expr)
		if confined != "" {
			require.Contains(t, confined, `cluster="ours"`, expr) // a comment is none
			continue
		}
		require.Error(t, err, expr)
	}
}

func TestALimitMustNotMatchSeriesWithoutTheLabel(t *testing.T) {
	for _, values := range [][]string{{""}, {"a", ""}} {
		_, err := New(Limit{"cluster", values})
		require.ErrorContains(t, err, "cluster")
	}
}

func TestALimitIsAlwaysExact(t *testing.T) {
	for _, values := range [][]string{{".*", "a"}, {"a|b", "c"}, {"(?i)A", "b"}, {`a\`, "b"}, {"a\nb", "c"}, {`"} or up{x="`, "b"}, {"^a$", "b"}} {
		f := fence(t, Limit{"cluster", values})
		confined, err := f.Confine("up")
		require.NoError(t, err)
		matchers := mustParse(t, confined).(*parser.VectorSelector).LabelMatchers
		limit := matchers[slices.IndexFunc(matchers, func(m *labels.Matcher) bool { return m.Name == "cluster" })]
		for _, value := range values {
			require.True(t, limit.Matches(value), value)
		}
		for _, other := range []string{"", "x", "A", "ab", "a b", secret} {
			require.False(t, limit.Matches(other), "%q in %q", other, values)
		}
	}
}

func TestHiddenLabelsCannotBeNamed(t *testing.T) {
	hidden := func(label string) bool { return label == "host" || label == "member" }
	f := fence(t, ofTenant).Hiding(hidden)
	for _, expr := range []string{
		`x{host="h"}`, `x{"host"=~"h.*"}`, `sum by (host) (x)`, `sum without (host) (x)`, `a * on (host) b`, `a * ignoring (host) b`,
		`a * on (cluster) group_left (host) b`, `label_replace(x, "sli", "$1", "host", "(.*)")`, `label_replace(x, "sli", "$1", ("host"), "(.*)")`,
		`label_replace(x, "host", "guess", "", "")`, `label_join(x, "sli", "", "cluster", "member")`, `label_join(x, "host", "", "cluster")`,
		`count_values("host", x)`, `count_values(("host"), x)`, `absent(x{host="h"})`, `max_over_time(sum by (member) (x)[1h:1m])`,
	} {
		_, err := f.Confine(expr)
		require.ErrorContains(t, err, "names the label", expr)
		require.ErrorContains(t, err, "hides", expr)
		_, err = fence(t, ofTenant).Confine(expr)
		require.NoError(t, err, expr)
	}
	for _, expr := range []string{`x`, `sum by (cluster) (x)`, `label_replace(x, "sli", "$1", "cluster", "host")`, `x{cluster="host"}`} {
		_, err := f.Confine(expr)
		require.NoError(t, err, expr)
	}
}

func TestAMetricThatLacksALabelIsNotLimitedByIt(t *testing.T) {
	f := fence(t, Limit{"region", []string{"gz"}}, ofTenant).Lacking("target", "cluster")
	for _, c := range []struct{ expr, want string }{
		{`target`, `target{region="gz"}`},
		{`{__name__="target"}`, `{__name__="target",region="gz"}`},
		{`{__name__=~"target"}`, `{__name__=~"target",cluster="ours",region="gz"}`},
		{`x * target`, `x{cluster="ours",region="gz"} * target{region="gz"}`},
	} {
		confined, err := f.Confine(c.expr)
		require.NoError(t, err)
		want, err := parse(c.want)
		require.NoError(t, err)
		require.ElementsMatch(t, matchersOf(t, want), matchersOf(t, mustParse(t, confined)), c.expr)
	}
}

func mustParse(t testing.TB, expr string) parser.Expr {
	t.Helper()
	parsed, err := parse(expr)
	require.NoError(t, err)
	return parsed
}

// matchersOf are the matchers of all selectors, as texts.
func matchersOf(t testing.TB, expr parser.Expr) []string {
	t.Helper()
	var texts []string
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if selector, ok := node.(*parser.VectorSelector); ok {
			for _, m := range selector.LabelMatchers {
				texts = append(texts, m.String())
			}
		}
		return nil
	})
	return texts
}
