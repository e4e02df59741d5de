package datasource

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/etcdfleet/etcd-fleet/pkg/inventory"
)

// allEvents wants the Events of every type.
const allEvents = "All"

const (
	formatTable       = "table"
	formatAnnotations = "annotations"
)

// eventsQuery lists the Kubernetes Events about the EtcdClusters of a scope and their EtcdMonitors that were last seen within
// the time range, the newest first.
type eventsQuery struct {
	Scope   inventory.Scope `json:"scope"`
	Types   string          `json:"types"`
	Reasons []string        `json:"reasons"`
	Format  string          `json:"format"`
	page
}

func parseEvents(f *fields) *eventsQuery {
	return &eventsQuery{
		Scope:   f.scope(),
		Types:   f.enum("types", allEvents, allEvents, "Normal", "Warning"),
		Reasons: f.list("reasons"),
		Format:  f.enum("format", formatTable, formatTable, formatAnnotations),
		page:    f.page(),
	}
}

// eventRow is a row of the answer.
type eventRow struct {
	*inventory.Event
	// cluster and check are "" where the object that the Event is about does not exist any more.
	cluster, check string
}

func (q *eventsQuery) run(ctx context.Context, d *Datasource, request backend.DataQuery) (data.Frames, error) {
	d.inventory.WaitFirstEvents(ctx, q.Scope, firstSyncPatience)
	return data.Frames{q.frame(eventRows(d.inventory, q, request.TimeRange), d.inventory.EventStatuses(q.Scope))}, nil
}

// eventRows returns what the query asks for, in no order. A range that is zero is no bound.
func eventRows(inv *inventory.Inventory, q *eventsQuery, within backend.TimeRange) []eventRow {
	reasons := inventory.Wanted(q.Reasons)
	var rows []eventRow
	inv.EachEvent(q.Scope, func(event *inventory.Event, cluster, check string) {
		isOfType := q.Types == allEvents || event.Type == q.Types
		isWithin := !event.LastSeen.Before(within.From) && (within.To.IsZero() || !event.LastSeen.After(within.To))
		if isOfType && isWithin && reasons(event.Reason) {
			rows = append(rows, eventRow{event, cluster, check})
		}
	})
	return rows
}

func (q *eventsQuery) frame(rows []eventRow, regions []inventory.Status) *data.Frame {
	shown := cut(rows, q.page, inOrder(
		func(a, b eventRow) int { return b.LastSeen.Compare(a.LastSeen) },
		by(func(r eventRow) string { return r.Region }),
		by(eventRow.Name),
	))
	columns := eventColumns(shown)
	if q.Format == formatAnnotations {
		columns = annotationColumns(shown)
	}
	return tableFrame("events", "Events", q.page, len(rows), regions, columns...)
}

func eventColumns(rows []eventRow) []*data.Field {
	return []*data.Field{
		column("time", rows, func(r eventRow) time.Time { return r.LastSeen }),
		column("firstSeen", rows, func(r eventRow) time.Time { return r.FirstSeen }),
		column("region", rows, func(r eventRow) string { return r.Region }),
		column("cluster", rows, func(r eventRow) string { return r.cluster }),
		column("check", rows, func(r eventRow) string { return r.check }),
		column("object", rows, func(r eventRow) string { return r.Kind + " " + r.About.String() }),
		column("type", rows, func(r eventRow) string { return r.Type }),
		column("reason", rows, func(r eventRow) string { return r.Reason }),
		column("message", rows, func(r eventRow) string { return r.Message }),
		column("count", rows, func(r eventRow) int64 { return r.Count }),
		column("component", rows, func(r eventRow) string { return r.Component }),
	}
}

// annotationColumns are those that Grafana knows of annotations. What was seen more than once is a region from the first time
// to the last.
func annotationColumns(rows []eventRow) []*data.Field {
	return []*data.Field{
		column("time", rows, func(r eventRow) time.Time { return r.FirstSeen }),
		column("timeEnd", rows, func(r eventRow) *time.Time {
			if !r.LastSeen.After(r.FirstSeen) {
				return nil
			}
			return &r.LastSeen
		}),
		column("title", rows, func(r eventRow) string { return r.Type + " " + r.Reason }),
		column("text", rows, func(r eventRow) string { return asHTML.Replace(r.Message) }),
		column("tags", rows, eventRow.tags),
	}
}

// asHTML escapes a text that Grafana shows as HTML: a message such as "<nil>" would be a tag that is not shown.
var asHTML = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// tags are separated by commas, as Grafana reads them.
func (r eventRow) tags() string {
	tags := []string{r.Type, r.Reason, r.Region, r.cluster, r.check}
	return strings.Join(slices.DeleteFunc(tags, func(tag string) bool { return tag == "" }), ",")
}
