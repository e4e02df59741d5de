package etcddiag

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/etcdfleet/etcd-fleet/internal/foreign"
)

// FuzzAlarms reads what a member says in its status of alarms.
func FuzzAlarms(f *testing.F) {
	for _, seed := range []string{
		"", "etcdserver: no leader", "memberID:10276657743932975437 alarm:NOSPACE ", "alarm:CORRUPT", "memberID:1  alarm: NOSPACE",
		"memberID:99999999999999999999999 alarm:NOSPACE", "alarm:\n\x1b", "xalarm:NOSPACE",
	} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		raised, err := ParseAlarms([]string{foreign.Quote(first), foreign.Quote(second)})
		if err != nil {
			if raised != nil || utf8.RuneCountInString(err.Error()) > 3*foreign.MaxQuote {
				t.Fatalf("%v, %v is half an answer", raised, err)
			}
			return
		}
		if len(raised) > strings.Count(first+" "+second, "alarm:") {
			t.Fatalf("%v come from %q and %q", raised, first, second)
		}
		for _, one := range raised {
			if one.Kind == "" || strings.ContainsAny(one.Kind, " \n\x1b") {
				t.Fatalf("%q is not a kind of alarm", one.Kind)
			}
		}
	})
}

// FuzzMetrics reads one metric of a member's /metrics.
func FuzzMetrics(f *testing.F) {
	for _, seed := range []string{
		"", "# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds 1.7e+09\n", "process_start_time_seconds NaN",
		"process_start_time_seconds 1 2 3", "process_start_time_seconds_more 1\n", "# TYPE process_start_time_seconds histogram\nprocess_start_time_seconds 1\n",
		"process_start_time_seconds{a=\"b\"} 1\r\n", "\x00\xff",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var lines bytes.Buffer
		if copyFamilies(&lines, bytes.NewReader(body), []string{startTimeMetric}) != nil {
			return
		}
		if lines.Len() > len(body)+1 {
			t.Fatalf("%q grows to %q", body, lines.Bytes())
		}
		parser := expfmt.NewTextParser(model.UTF8Validation)
		families, err := parser.TextToMetricFamilies(&lines)
		if err != nil {
			return
		}
		for name := range families {
			if !strings.HasPrefix(name, startTimeMetric) {
				t.Fatalf("%s is read as well", name)
			}
		}
		if metrics := families[startTimeMetric].GetMetric(); len(metrics) > 0 {
			_ = metrics[0].GetGauge().GetValue()
		}
	})
}
