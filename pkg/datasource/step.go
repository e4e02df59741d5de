package datasource

import (
	"regexp"
	"strconv"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/prometheus/common/model"

	"github.com/etcdfleet/etcd-fleet/pkg/thanos"
)

// maxPoints is how many points Prometheus and Thanos let a series have.
const maxPoints = 11000

// stepOf returns the distance between two points: what the panel asks for, but not below minStep, nor so small that a
// series had more points than the panel or Thanos takes.
func stepOf(request backend.DataQuery, minStep string) (time.Duration, error) {
	span := request.TimeRange.Duration()
	step := max(request.Interval, time.Second)
	if request.MaxDataPoints > 0 {
		step = max(step, span/time.Duration(request.MaxDataPoints))
	}
	if minStep != "" {
		expanded := expandMacros(minStep, macros{step: step, timeRange: span})
		lowest, err := model.ParseDuration(expanded)
		if err != nil {
			return 0, &fieldError{"minStep", "must be a duration such as 15s or 1m, not " + strconv.Quote(expanded)}
		}
		step = max(step, time.Duration(lowest))
	}
	step = max(step, span/maxPoints)
	if rest := step % time.Second; rest != 0 {
		step += time.Second - rest
	}
	return step, nil
}

// alignedRange moves the range to multiples of step, so that a refresh asks for the same points again.
func alignedRange(timeRange backend.TimeRange, step time.Duration) thanos.Range {
	return thanos.Range{Start: timeRange.From.Truncate(step), End: timeRange.To.Truncate(step), Step: step}
}

// macros are the values of Grafana's global variables. The browser fills in most of them, alert rules none.
type macros struct {
	step, scrapeInterval, timeRange time.Duration
}

var macro = regexp.MustCompile(`\$__(rate_interval|interval_ms|interval|range_ms|range_s|range)\b|\$\{__(rate_interval|interval_ms|interval|range_ms|range_s|range)\}`)

// expandMacros replaces $__interval, $__rate_interval, $__range and their variants, also in braces.
func expandMacros(text string, m macros) string {
	return macro.ReplaceAllStringFunc(text, func(found string) string {
		groups := macro.FindStringSubmatch(found)
		switch groups[1] + groups[2] {
		case "interval":
			return promDuration(m.step)
		case "interval_ms":
			return strconv.FormatInt(m.step.Milliseconds(), 10)
		case "range":
			return promDuration(m.timeRange)
		case "range_s":
			return strconv.FormatInt(int64(m.timeRange.Seconds()), 10)
		case "range_ms":
			return strconv.FormatInt(m.timeRange.Milliseconds(), 10)
		}
		// A rate needs two samples in its window even when one scrape failed: four scrape intervals.
		return promDuration(max(m.step+m.scrapeInterval, 4*m.scrapeInterval))
	})
}

// promDuration writes a duration in PromQL, at least a millisecond.
func promDuration(d time.Duration) string {
	return model.Duration(max(d.Truncate(time.Millisecond), time.Millisecond)).String()
}
