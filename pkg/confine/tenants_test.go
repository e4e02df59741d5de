package confine

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"
	"github.com/stretchr/testify/require"
)

// evening is when every series of the tests has its last sample.
var evening = time.Date(2026, 1, 2, 18, 0, 0, 0, time.UTC)

const (
	tenant = "ours"
	// secret is in every label and value that is another tenant's.
	secret = "theirs"
)

// attacks try to read or to guess what another tenant has.
var attacks = []string{
	`up`, `{cluster="theirs"}`, `up{cluster=~"ours|theirs"}`, `up{cluster!="ours"}`, `{__name__=~".+"}`, `up{cluster=""}`,
	`count(up)`, `count by (cluster) (up)`, `absent(up{cluster="theirs"})`, `absent_over_time(up{cluster="theirs"}[5m])`,
	`up or up{cluster="theirs"}`, `up unless on (host) up{cluster="theirs"}`, `up * on (job) group_left (host) info`,
	`info`, `node_load1`, `label_replace(up{cluster="theirs"}, "cluster", "ours", "", "")`, `label_replace(up, "cluster", "$1", "host", "(.*)")`,
	`label_join(node_load1, "cluster", "", "instance")`, `max_over_time(up{cluster="theirs"}[5m])`, `sum_over_time(count(up)[5m:1m])`, `sum_over_time(up{cluster="theirs"}[5m:])`,
	`up @ start() or up{cluster="theirs"} @ end()`, `up offset -1m`, `scalar(up{cluster="theirs"})`, `vector(scalar(count(up)))`,
	`topk(scalar(count({cluster="theirs"})), up)`, `count_values("cluster", up)`, `sort_desc(up)`, `timestamp(up{cluster="theirs"})`,
	`histogram_quantile(0.5, {cluster="theirs"})`, `(((up{cluster="theirs"})))`, `-up{cluster="theirs"}`, `up > bool 0 or {cluster="theirs"}`,
	`group({cluster=~"th.*"})`, `up{cluster="theirs",cluster="ours"}`, "up{cluster=\"ours\"} # }\n or up{cluster=\"theirs\"}", `'up' == 'up'`,
	`{"up"}`, `{"up","cluster"="theirs"}`, `avg without (cluster) (up)`, `up and on () vector(1)`, `predict_linear(up{cluster="theirs"}[5m], 60)`,
}

func TestNoAttackReadsAnotherTenant(t *testing.T) {
	reader := newReader(t)
	f := fence(t, ofTenant)
	answered := 0
	for _, expr := range attacks {
		if reader.check(t, f, expr) {
			answered++
		}
	}
	require.Greater(t, answered, len(attacks)/2, "attacks are PromQL that evaluates")
	require.Contains(t, reader.evaluate(t, `{__name__=~".+"}`), secret, "without a fence, the secret is read")
}

// FuzzConfine makes sure that whatever is accepted has the limits in every selector, and reads nothing of another tenant.
func FuzzConfine(f *testing.F) {
	for _, expr := range attacks {
		f.Add(expr)
	}
	reader := newReader(f)
	limits := fence(f, ofTenant)
	f.Fuzz(func(t *testing.T, expr string) { reader.check(t, limits, expr) })
}

// reader evaluates expressions over the series of two tenants and of neither. Those of other tenants are read from only by
// mistake: the values of ours do not depend on theirs.
type reader struct {
	engine       *promql.Engine
	both, ofOurs storage.Queryable
}

func newReader(t testing.TB) *reader {
	t.Helper()
	series := []storage.Series{
		samples(7, "__name__", "up", "cluster", tenant, "job", "etcd", "host", "shared"),
		samples(8, "__name__", "info", "cluster", tenant, "job", "etcd", "host", "shared"),
		samples(13, "__name__", "up", "cluster", secret, "job", "etcd", "host", "shared"),
		samples(14, "__name__", "info", "cluster", secret, "job", "etcd", "host", secret),
		samples(15, "__name__", "node_load1", "instance", secret),
		samples(16, "__name__", "k", "cluster", secret+"-2"),
	}
	return &reader{
		engine: promql.NewEngine(promql.EngineOpts{
			MaxSamples: 100_000, Timeout: 5 * time.Second, LookbackDelta: 5 * time.Minute, EnableAtModifier: true, EnableNegativeOffset: true,
			NoStepSubqueryIntervalFn: func(int64) int64 { return time.Minute.Milliseconds() },
		}),
		both: storageOf(series), ofOurs: storageOf(series[:2]),
	}
}

// check reports whether the expression is accepted and evaluates, and fails when that shows another tenant: by a name or
// by a value that is another than if nobody else had a series.
func (r *reader) check(t testing.TB, f *Fence, expr string) bool {
	t.Helper()
	confined, err := f.Confine(expr)
	if err != nil {
		if err.Error() == "" || confined != "" {
			t.Fatalf("%q: it is not said what is wrong", expr)
		}
		return false
	}
	if _, err := f.Confine(confined); err != nil {
		t.Fatalf("%q: what was written down, %q, cannot be read: %v", expr, confined, err)
	}
	parser.Inspect(mustParse(t, confined), func(node parser.Node, _ []parser.Node) error {
		if selector, ok := node.(*parser.VectorSelector); ok {
			for _, m := range selector.LabelMatchers {
				if m.Name == "cluster" && m.Type == labels.MatchEqual && m.Value == tenant {
					return nil
				}
			}
			t.Fatalf("%q: the selector %s has no limit", expr, selector)
		}
		return nil
	})
	answer, alone := evaluate(t, r.engine, r.both, confined), evaluate(t, r.engine, r.ofOurs, confined)
	if answer != alone {
		t.Fatalf("%q reads another tenant's series:\n%s\nand without them:\n%s", expr, answer, alone)
	}
	return true
}

func (r *reader) evaluate(t testing.TB, expr string) string {
	t.Helper()
	return evaluate(t, r.engine, r.both, expr)
}

// evaluate returns the answer as text; an error of the evaluation is one.
func evaluate(t testing.TB, engine *promql.Engine, series storage.Queryable, expr string) string {
	t.Helper()
	query, err := engine.NewInstantQuery(t.Context(), series, nil, expr, evening)
	if err != nil {
		return "refused"
	}
	defer query.Close()
	result := query.Exec(t.Context())
	if errors.Is(result.Err, context.DeadlineExceeded) || errors.As(result.Err, new(promql.ErrQueryTimeout)) || errors.As(result.Err, new(promql.ErrTooManySamples)) {
		return "too much" // says nothing of what would be read
	}
	if result.Err != nil {
		return fmt.Sprint("error: ", result.Err)
	}
	return result.String()
}

func samples(value float64, pairs ...string) storage.Series {
	series := promql.Series{Metric: labels.FromStrings(pairs...)}
	for at := evening.Add(-10 * time.Minute); !at.After(evening); at = at.Add(time.Minute) {
		series.Floats = append(series.Floats, promql.FPoint{T: at.UnixMilli(), F: value})
	}
	return promql.NewStorageSeries(series)
}

// storageOf selects as Prometheus does.
func storageOf(all []storage.Series) storage.Queryable {
	return &storage.MockQueryable{MockQuerier: &storage.MockQuerier{
		SelectMockFunction: func(_ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
			var chosen []storage.Series
			for _, series := range all {
				if matches(series.Labels(), matchers) {
					chosen = append(chosen, series)
				}
			}
			return &seriesSet{left: chosen}
		},
	}}
}

func matches(of labels.Labels, matchers []*labels.Matcher) bool {
	for _, m := range matchers {
		if !m.Matches(of.Get(m.Name)) {
			return false
		}
	}
	return true
}

// seriesSet is a list of series as storage hands them out.
type seriesSet struct {
	current storage.Series
	left    []storage.Series
}

func (s *seriesSet) Next() bool {
	if len(s.left) == 0 {
		return false
	}
	s.current, s.left = s.left[0], s.left[1:]
	return true
}

func (s *seriesSet) At() storage.Series                { return s.current }
func (s *seriesSet) Err() error                        { return nil }
func (s *seriesSet) Warnings() annotations.Annotations { return nil }
