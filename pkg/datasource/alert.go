package datasource

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/etcdfleet/etcd-fleet/pkg/inventory"
	"github.com/etcdfleet/etcd-fleet/pkg/upstream"
)

// alertable is a query that Grafana's alert rules can evaluate. Its answer is one frame of ruleFrame's form, or time series,
// which a rule reduces. It must have a row also for what is well: Grafana takes an answer without rows for no data.
type alertable interface {
	query
	alert(context.Context, *Datasource, backend.DataQuery) (data.Frames, error)
}

var errDistinctInRule = &fieldError{"distinct", "gives names, and an alert rule compares a number: leave it empty"}

// isFromAlert reports whether Grafana's alerting asks, be it for a rule or for its preview in the editor.
func isFromAlert(request *backend.QueryDataRequest) bool {
	return request.Headers[backend.FromAlertHeaderName] == "true"
}

// ruleQuery is a query that an alert rule evaluates. A rule cannot see notices: an answer that lacks rows is an error, as
// Thanos rule by default refuses partial answers. Otherwise an alert would end because nobody can see what fires it.
type ruleQuery struct{ query }

func (q ruleQuery) run(ctx context.Context, d *Datasource, request backend.DataQuery) (data.Frames, error) {
	rule, ok := q.query.(alertable)
	if !ok {
		return nil, &fieldError{"kind", "has no number that an alert rule could compare: use one of " + strings.Join(alertableKinds(), ", ")}
	}
	frames, err := rule.alert(ctx, d, request)
	if err != nil {
		return nil, err
	}
	return frames, incomplete(frames)
}

func alertableKinds() []string {
	var names []string
	for _, k := range kinds {
		if _, ok := k.parse(&fields{}).(alertable); ok {
			names = append(names, k.name)
		}
	}
	return names
}

// incomplete returns an error for an answer that lacks rows.
func incomplete(frames data.Frames) error {
	for _, frame := range frames {
		table, ok := frame.Meta.Custom.(tableMeta)
		if !ok {
			continue
		}
		if shown := frame.Rows(); shown != table.Total {
			return &fieldError{"limit", fmt.Sprintf("and offset choose %s of %s rows, and an alert rule must see all: narrow the scope, or set the limit to at most %s and the offset to 0", thousands(shown), thousands(table.Total), thousands(maxLimit))}
		}
		for _, region := range table.Regions {
			if region.State == inventory.Syncing {
				return upstream.New(upstream.Unreachable, fmt.Sprintf("An alert rule needs the whole answer. Region %s is being read for the first time: evaluate the rule again in a few seconds.", region.Name), nil)
			}
		}
	}
	return refuseNotices(frames, func(n data.Notice) bool {
		return n.Severity == data.NoticeSeverityError || strings.HasPrefix(n.Text, partialAnswer)
	})
}

// refuseNotices returns the first notice that is refused as an error.
func refuseNotices(frames data.Frames, isRefused func(data.Notice) bool) error {
	for _, frame := range frames {
		for _, n := range frame.Meta.Notices {
			if isRefused(n) {
				return upstream.New(upstream.Failed, "An alert rule needs the whole answer. "+n.Text, nil)
			}
		}
	}
	return nil
}

func isWarning(n data.Notice) bool { return n.Severity >= data.NoticeSeverityWarning }

// ruleFrame is a table in the form that Grafana's alerting accepts: columns of texts, which become the labels of an alert
// and must not change while it lasts, and exactly one number; a missing number is no data for the alert of that row alone.
// Grafana reads a frame of the type numeric long with a version as such, and refuses an untyped table with a second number
// or a time: https://grafana.com/developers/dataplane/numeric and
// https://grafana.com/docs/grafana/latest/alerting/fundamentals/alert-rule-evaluation/ (alerting on numeric data).
func ruleFrame(table *data.Frame, number *data.Field, labels ...string) *data.Frame {
	meta := *table.Meta
	meta.Type, meta.TypeVersion = data.FrameTypeNumericLong, dataPlane
	frame := data.NewFrame(table.Name).SetMeta(&meta)
	for _, field := range table.Fields {
		if slices.Contains(labels, field.Name) {
			frame.Fields = append(frame.Fields, field)
		}
	}
	frame.Fields = append(frame.Fields, number)
	return orNoData(frame)
}

// orNoData gives a frame without rows the form of no data: it has no fields.
func orNoData(frame *data.Frame) *data.Frame {
	if frame.Rows() == 0 {
		frame.Fields = nil
	}
	return frame
}

// ranked replaces a column of words by their numbers, so that a rule can compare them. A word without a number is no value.
func ranked[W ~string](table *data.Frame, name string, numbers map[W]float64) *data.Field {
	words, _ := table.FieldByName(name)
	values := make([]*float64, words.Len())
	for i := range values {
		if number, ok := numbers[W(words.At(i).(string))]; ok {
			values[i] = &number
		}
	}
	return data.NewField(name, nil, values)
}

// clusterRule is a table with a row for each cluster and a column of words in the form for alert rules.
func clusterRule[W ~string](table *data.Frame, name string, numbers map[W]float64) *data.Frame {
	return ruleFrame(table, ranked(table, name, numbers), dimensions...)
}
