package datasource

import (
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/stretchr/testify/require"
)

func request(span, interval time.Duration, maxDataPoints int64) backend.DataQuery {
	to := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return backend.DataQuery{TimeRange: backend.TimeRange{From: to.Add(-span), To: to}, Interval: interval, MaxDataPoints: maxDataPoints}
}

func TestChoosesTheStep(t *testing.T) {
	for _, c := range []struct {
		name    string
		request backend.DataQuery
		minStep string
		want    time.Duration
	}{
		{"what the panel asks for", request(time.Hour, 15*time.Second, 1000), "", 15 * time.Second},
		{"no more points than the panel shows", request(6*time.Hour, time.Second, 100), "", 216 * time.Second},
		{"not below the smallest step", request(time.Hour, 5*time.Second, 1000), "1m", time.Minute},
		{"a macro as the smallest step", request(time.Hour, 30*time.Second, 1000), "$__interval", 30 * time.Second},
		{"an alert rule names no interval", request(10*time.Minute, 0, 0), "", time.Second},
		{"no more points than Thanos allows", request(365*24*time.Hour, time.Second, 0), "", 2867 * time.Second},
		{"whole seconds", request(time.Hour, 1500*time.Millisecond, 0), "", 2 * time.Second},
		{"no time range", request(0, time.Minute, 100), "", time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			step, err := stepOf(c.request, c.minStep)
			require.NoError(t, err)
			require.Equal(t, c.want, step)
			aligned := alignedRange(c.request.TimeRange, step)
			require.LessOrEqual(t, int64(aligned.End.Sub(aligned.Start)/step), int64(maxPoints))
			require.Zero(t, aligned.Start.Unix()%int64(step.Seconds())-aligned.End.Unix()%int64(step.Seconds()))
		})
	}
	_, err := stepOf(request(time.Hour, time.Second, 0), "$__unknown")
	require.EqualError(t, err, `minStep must be a duration such as 15s or 1m, not "$__unknown"`)
}

func TestExpandsMacros(t *testing.T) {
	m := macros{step: 30 * time.Second, scrapeInterval: 15 * time.Second, timeRange: 90 * time.Minute}
	for text, want := range map[string]string{
		"rate(x[$__interval])":                     "rate(x[30s])",
		"rate(x[$__rate_interval])":                "rate(x[1m])",
		"rate(x[${__rate_interval}])":              "rate(x[1m])",
		"max_over_time(x[$__range])":               "max_over_time(x[1h30m])",
		"x / $__range_s + $__range_ms":             "x / 5400 + 5400000",
		"x * $__interval_ms":                       "x * 30000",
		"$__interval_other $__ranges ${__unknown}": "$__interval_other $__ranges ${__unknown}",
	} {
		require.Equal(t, want, expandMacros(text, m))
	}
	coarse := macros{step: 5 * time.Minute, scrapeInterval: 15 * time.Second}
	require.Equal(t, "[5m15s]", expandMacros("[$__rate_interval]", coarse), "never less than the step, or samples were skipped")
	require.Equal(t, "[1ms]", expandMacros("[$__range]", coarse), "PromQL has no empty range")
}
