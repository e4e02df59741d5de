package thanos_test

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/etcdfleet/etcd-fleet/internal/promtest"
	"github.com/etcdfleet/etcd-fleet/internal/testproc"
	"github.com/etcdfleet/etcd-fleet/pkg/thanos"
	"github.com/etcdfleet/etcd-fleet/pkg/upstream"
)

// stack is the real Thanos that all tests here share.
var stack *promtest.Stack

func TestMain(m *testing.M) {
	start := func(dir string) (err error) {
		targets := append(promtest.ClusterTargets("gz", "tke", "business", "default", "gz-1"), promtest.ClusterTargets("sh", "tke", "business", "default", "sh-1")...)
		stack, err = promtest.Start(dir, targets)
		return err
	}
	os.Exit(testproc.Main(m, start, func() {
		if stack != nil {
			stack.Close()
		}
	}))
}

func client(t *testing.T, address string) *thanos.Client {
	t.Helper()
	base, err := url.Parse(address)
	require.NoError(t, err)
	return thanos.New(&http.Client{}, base)
}

// query evaluates expr now, once both regions have been scraped.
func query(t *testing.T, expr string) *thanos.Result {
	t.Helper()
	c := client(t, stack.URL)
	require.Eventually(t, func() bool {
		result, err := c.Query(t.Context(), `count(up{job="etcd"} == 1) == 6`, time.Now())
		return err == nil && len(result.Series) == 1
	}, time.Minute, 100*time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	result, err := c.Query(ctx, expr, time.Now())
	require.NoError(t, err)
	return result
}

func TestReadsEveryTypeOfResult(t *testing.T) {
	vector := query(t, `sum by (cluster) (up{job="etcd"})`)
	require.Equal(t, "vector", vector.Type)
	require.Len(t, vector.Series, 2)
	require.InDelta(t, 3, vector.Series[0].Points[0].Value, 0)
	require.WithinDuration(t, time.Now(), time.UnixMilli(vector.Series[0].Points[0].Time), time.Minute)

	scalar := query(t, "1/0")
	require.Equal(t, "scalar", scalar.Type)
	require.True(t, math.IsInf(scalar.Series[0].Points[0].Value, 1))

	notANumber := query(t, "vector(0)/0")
	require.True(t, math.IsNaN(notANumber.Series[0].Points[0].Value))

	text := query(t, `"text"`)
	require.Equal(t, "string", text.Type)
	require.Empty(t, text.Series)

	matrix := query(t, `up{cluster="gz-1"}[1m]`)
	require.Equal(t, "matrix", matrix.Type)
	require.Len(t, matrix.Series, 3)
	require.NotEmpty(t, matrix.Series[0].Points)
}

func TestReadsRanges(t *testing.T) {
	query(t, "vector(1)")
	end := time.Now().Truncate(time.Second)
	result, err := client(t, stack.URL).QueryRange(t.Context(), "vector(7)", thanos.Range{Start: end.Add(-time.Minute), End: end, Step: 15 * time.Second})
	require.NoError(t, err)
	require.Len(t, result.Series, 1)
	require.Len(t, result.Series[0].Points, 5)
	require.Equal(t, end.UnixMilli(), result.Series[0].Points[4].Time)
}

func TestMatchersSelectExactlyTheValues(t *testing.T) {
	for _, c := range []struct {
		values []string
		want   string
		series int
	}{
		{nil, ``, 6},
		{[]string{"gz-1"}, `cluster="gz-1"`, 3},
		{[]string{"gz-1", "sh-1"}, `cluster=~"gz-1|sh-1"`, 6},
		{[]string{"gz", "sh"}, `cluster=~"gz|sh"`, 0},
		{[]string{".*", "gz-."}, `cluster=~"\\.\\*|gz-\\."`, 0},
		{[]string{`"} or vector(1) or up{a="`}, `cluster="\"} or vector(1) or up{a=\""`, 0},
	} {
		t.Run(c.want, func(t *testing.T) {
			matcher := thanos.Matcher("cluster", c.values)
			require.Equal(t, c.want, matcher)
			require.Len(t, query(t, `up{job="etcd",`+matcher+`}`).Series, c.series)
		})
	}
}

func TestExplainsWhatThanosRefuses(t *testing.T) {
	query(t, "vector(1)")
	for _, c := range []struct {
		name, expr string
		reason     upstream.Reason
		messages   []string
	}{
		{"parse error", "sum(", upstream.BadQuery, []string{"The query is not valid", "parse error"}},
		{"unknown function", "frobnicate(up)", upstream.BadQuery, []string{"unknown function"}},
		{"many to many", `up * on (job) up`, upstream.BadQuery, []string{"could not evaluate"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := client(t, stack.URL).Query(t.Context(), c.expr, time.Now())
			explained, ok := errors.AsType[*upstream.Error](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, c.reason, explained.Reason, explained.Message)
			for _, message := range c.messages {
				require.Contains(t, explained.Message, message)
			}
		})
	}
}

func TestTellsASlowQueryFromALostServer(t *testing.T) {
	query(t, "vector(1)")
	require.NoError(t, stack.Query.Pause())
	defer func() { require.NoError(t, stack.Query.Resume()) }()
	slow := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := client(t, stack.URL).Query(ctx, "vector(1)", time.Now())
		return err
	}
	require.Eventually(t, func() bool { return slow() != nil }, time.Minute, 10*time.Millisecond, "the signal takes a moment")
	explained, ok := errors.AsType[*upstream.Error](slow())
	require.True(t, ok)
	require.Equal(t, upstream.Timeout, explained.Reason)
	require.Contains(t, explained.Message, "did not answer in time")
}

func TestRefusesAnswersThatAreNotThanos(t *testing.T) {
	for _, c := range []struct{ name, contentType, body string }{
		{"a web page", "text/html", "<html>"},
		{"other JSON", "application/json", `{"hello": "world"}`},
		{"broken JSON", "application/json", `{"status": "success", "data": {"resultType": "vec`},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", c.contentType)
				_, _ = w.Write([]byte(c.body))
			}))
			defer server.Close()
			_, err := client(t, server.URL).Query(t.Context(), "up", time.Now())
			explained, ok := errors.AsType[*upstream.Error](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, upstream.Unexpected, explained.Reason)
			require.Contains(t, explained.Message, "is not Thanos")
		})
	}
}

func TestReadsTheVersion(t *testing.T) {
	query(t, "vector(1)")
	_, err := client(t, stack.URL).Version(t.Context())
	require.NoError(t, err, "the real Thanos, whose version is empty unless it is a release")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, "/prefix/api/v1/status/buildinfo", r.URL.Path)
		_, _ = w.Write([]byte(`{"status": "success", "data": {"version": "0.40.1"}}`))
	}))
	defer server.Close()
	version, err := client(t, server.URL+"/prefix/").Version(t.Context())
	require.NoError(t, err)
	require.Equal(t, "0.40.1", version)
}

func TestListsStores(t *testing.T) {
	query(t, "vector(1)")
	stores, err := client(t, stack.URL).Stores(t.Context())
	require.NoError(t, err)
	require.Len(t, stores, 2)
	for _, store := range stores {
		require.Empty(t, store.Error)
	}
	require.Contains(t, stores[0].Labels+stores[1].Labels, `prometheus="gz"`)
	ofPrometheus, err := client(t, stack.Regions["gz"].PrometheusURL).Stores(t.Context())
	require.NoError(t, err, "a Prometheus has no stores")
	require.Empty(t, ofPrometheus)
}

// A lost strict store leaves a warning in the answer; another one vanishes silently, and only the list of stores shows
// it.
func TestNoticesLostStores(t *testing.T) {
	query(t, "vector(1)")
	for _, c := range []struct {
		region string
		noted  func(*thanos.Client) bool
	}{
		{"gz", func(client *thanos.Client) bool {
			result, err := client.Query(t.Context(), "up", time.Now())
			return err == nil && len(result.Warnings.Partial) > 0
		}},
		{"sh", func(client *thanos.Client) bool {
			stores, err := client.Stores(t.Context())
			return err == nil && (len(stores) == 2) && stores[0].Error+stores[1].Error != ""
		}},
	} {
		t.Run(c.region, func(t *testing.T) {
			sidecar := stack.Regions[c.region].Sidecar
			sidecar.Kill()
			require.Eventually(t, func() bool { return c.noted(client(t, stack.URL)) }, time.Minute, 200*time.Millisecond)
			require.NoError(t, sidecar.Restart())
			query(t, "vector(1)")
		})
	}
}

func TestSortsWarnings(t *testing.T) {
	query(t, "vector(1)")
	result := query(t, `rate(etcd_server_has_leader[1m])`)
	require.Empty(t, result.Warnings.Partial)
	require.NotEmpty(t, result.Warnings.PromQL, "a gauge's rate")
}

func TestFormatsLabelsAsPromQLDoes(t *testing.T) {
	for want, labels := range map[string]map[string]string{
		`{}`:                      {},
		`up`:                      {"__name__": "up"},
		`up{a="1", b="say \"\""}`: {"__name__": "up", "b": `say ""`, "a": "1"},
		`{a="1"}`:                 {"a": "1"},
	} {
		require.Equal(t, want, thanos.FormatLabels(labels))
	}
}
