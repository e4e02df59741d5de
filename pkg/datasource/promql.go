package datasource

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/etcdfleet/etcd-fleet/pkg/thanos"
)

// maxSeries is how many series an answer may have: more cannot be read in a panel, and would weigh on the browser.
const maxSeries = 1000

const (
	modeRange   = "range"
	modeInstant = "instant"
)

// dataPlane is the version of the data plane contract that frames keep: https://grafana.com/developers/dataplane/.
var dataPlane = data.FrameTypeVersion{0, 1}

// promqlQuery is a PromQL expression, evaluated by Thanos.
type promqlQuery struct {
	Expr    string `json:"expr"`
	Mode    string `json:"mode"`
	Legend  string `json:"legend"`
	MinStep string `json:"minStep"`
}

func parsePromql(f *fields) *promqlQuery {
	return &promqlQuery{
		Expr:    f.text("expr"),
		Mode:    f.enum("mode", modeRange, modeRange, modeInstant),
		Legend:  f.text("legend"),
		MinStep: f.duration("minStep"),
	}
}

func (q *promqlQuery) run(ctx context.Context, d *Datasource, request backend.DataQuery) (data.Frames, error) {
	if strings.TrimSpace(q.Expr) == "" {
		return nil, &fieldError{"expr", "is empty: write a PromQL expression"}
	}
	step, err := stepOf(request, q.MinStep)
	if err != nil {
		return nil, err
	}
	expr := expandMacros(q.Expr, macros{step: step, scrapeInterval: d.settings.scrapeInterval, timeRange: request.TimeRange.Duration()})
	if q.Mode == modeInstant {
		result, err := d.thanos.forUsers().Query(ctx, expr, request.TimeRange.To)
		if err != nil {
			return nil, err
		}
		frame, err := q.instantFrame(result, expr)
		if err != nil {
			return nil, err
		}
		frame.AppendNotices(resultNotices(result, d.lostStores(ctx))...)
		return data.Frames{frame}, nil
	}
	result, err := d.thanos.forUsers().QueryRange(ctx, expr, alignedRange(request.TimeRange, step))
	if err != nil {
		return nil, err
	}
	frames := q.rangeFrames(result, expr, step)
	frames[0].AppendNotices(resultNotices(result, d.lostStores(ctx))...)
	return frames, nil
}

// alert answers as without an alert rule: both modes are what Grafana's alerting takes. All that a notice warns of is missing
// series.
func (q *promqlQuery) alert(ctx context.Context, d *Datasource, request backend.DataQuery) (data.Frames, error) {
	frames, err := q.run(ctx, d, request)
	if err != nil {
		return nil, err
	}
	for _, frame := range frames {
		orNoData(frame)
	}
	return frames, refuseNotices(frames, isWarning)
}

// rangeFrames returns a frame a series, or one empty frame to carry the notices.
func (q *promqlQuery) rangeFrames(result *thanos.Result, expr string, step time.Duration) data.Frames {
	meta := func() *data.FrameMeta {
		return &data.FrameMeta{Type: data.FrameTypeTimeSeriesMulti, TypeVersion: dataPlane, ExecutedQueryString: fmt.Sprintf("Expr: %s\nStep: %s", expr, step)}
	}
	shown := result.Series[:min(len(result.Series), maxSeries)]
	if len(shown) == 0 {
		return data.Frames{data.NewFrame("").SetMeta(meta())}
	}
	frames := make(data.Frames, len(shown))
	for i, series := range shown {
		times := make([]time.Time, len(series.Points))
		values := make([]float64, len(series.Points))
		for n, point := range series.Points {
			times[n] = time.UnixMilli(point.Time).UTC()
			values[n] = point.Value
		}
		name := formatLegend(q.Legend, series.Labels)
		// With the interval the panel shows a missing point as a gap.
		timeField := data.NewField(data.TimeSeriesTimeFieldName, nil, times).SetConfig(&data.FieldConfig{Interval: float64(step.Milliseconds())})
		valueField := data.NewField(data.TimeSeriesValueFieldName, series.Labels, values).SetConfig(&data.FieldConfig{DisplayNameFromDS: name})
		frames[i] = data.NewFrame(name, timeField, valueField).SetMeta(meta())
	}
	return frames
}

// instantFrame returns a table: a column a label, then the value.
func (q *promqlQuery) instantFrame(result *thanos.Result, expr string) (*data.Frame, error) {
	if result.Type != "vector" && result.Type != "scalar" {
		return nil, &fieldError{"expr", fmt.Sprintf("is a %s: an instant query needs one number a series, for example rate(…[5m])", result.Type)}
	}
	shown := result.Series[:min(len(result.Series), maxSeries)]
	names := map[string]struct{}{}
	for _, series := range shown {
		for name := range series.Labels {
			names[name] = struct{}{}
		}
	}
	frame := data.NewFrame("")
	for _, name := range slices.Sorted(maps.Keys(names)) {
		frame.Fields = append(frame.Fields, column(name, shown, func(s thanos.Series) string { return s.Labels[name] }))
	}
	value := column(q.valueColumn(shown), shown, func(s thanos.Series) float64 { return s.Points[0].Value })
	frame.Fields = append(frame.Fields, value)
	return frame.SetMeta(&data.FrameMeta{Type: data.FrameTypeNumericLong, TypeVersion: dataPlane, ExecutedQueryString: "Expr: " + expr, PreferredVisualization: data.VisTypeTable}), nil
}

// valueColumn names a table's values by the legend, so that tables of several queries can be joined. The legend must be
// one for all rows: it has no placeholders, or there is a single row to fill them in from.
func (q *promqlQuery) valueColumn(rows []thanos.Series) string {
	switch {
	case q.Legend == "" || legendPlaceholder.MatchString(q.Legend) && len(rows) != 1:
		return data.TimeSeriesValueFieldName
	case len(rows) == 1:
		return formatLegend(q.Legend, rows[0].Labels)
	default:
		return q.Legend
	}
}

var legendPlaceholder = regexp.MustCompile(`\{\{\s*([^{}]+?)\s*\}\}`)

// formatLegend fills in {{label}}; an empty legend is all labels.
func formatLegend(legend string, labels map[string]string) string {
	if legend == "" {
		return thanos.FormatLabels(labels)
	}
	return legendPlaceholder.ReplaceAllStringFunc(legend, func(placeholder string) string {
		return labels[legendPlaceholder.FindStringSubmatch(placeholder)[1]]
	})
}
