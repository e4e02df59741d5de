package datasource

import (
	"context"
	"encoding/json"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/pkg/inventory"
)

// inspectionsQuery lists the inspections of a scope with their history, worst first: a row an EtcdMonitor, or an
// EtcdInspection of kstone.
type inspectionsQuery struct {
	Scope    inventory.Scope `json:"scope"`
	Checks   []string        `json:"checks"`
	Outcomes []string        `json:"outcomes"`
	page
}

func parseInspections(f *fields) *inspectionsQuery {
	return &inspectionsQuery{
		Scope:    f.scope(),
		Checks:   f.list("checks"),
		Outcomes: f.enumList("outcomes", outcomeNames()...),
		page:     f.page(),
	}
}

func outcomeNames() []string {
	names := make([]string, len(v1beta1.OutcomesBySeverity))
	for i, outcome := range v1beta1.OutcomesBySeverity {
		names[i] = string(outcome)
	}
	return names
}

const (
	stateIdle    = "idle"
	stateQueued  = "queued"
	stateRunning = "running"
)

// inspectionRow is a row of the answer.
type inspectionRow struct {
	*inventory.Monitor
	// cluster is nil for a monitor without EtcdCluster.
	cluster *inventory.Cluster
}

func (r inspectionRow) state() string {
	switch {
	case r.Running:
		return stateRunning
	case r.Pending != "":
		return stateQueued
	}
	return stateIdle
}

// ofCluster returns a value of the row's cluster, "" without one.
func ofCluster(value func(*inventory.Cluster) string) func(inspectionRow) string {
	return func(r inspectionRow) string {
		if r.cluster == nil {
			return ""
		}
		return value(r.cluster)
	}
}

func (r inspectionRow) product() string {
	if r.cluster == nil {
		return r.Product
	}
	return r.cluster.Product
}

func (q *inspectionsQuery) run(ctx context.Context, d *Datasource, _ backend.DataQuery) (data.Frames, error) {
	d.inventory.WaitFirstSync(ctx, q.Scope, firstSyncPatience)
	return data.Frames{q.frame(inspectionRows(d.inventory, q), d.inventory.Statuses(q.Scope))}, nil
}

// inspectionRows returns what the query asks for, in no order.
func inspectionRows(inv *inventory.Inventory, q *inspectionsQuery) []inspectionRow {
	checks, outcomes := inventory.Wanted(q.Checks), inventory.Wanted(q.Outcomes)
	var rows []inspectionRow
	inv.EachMonitor(q.Scope, func(cluster *inventory.Cluster, monitor *inventory.Monitor) {
		if checks(monitor.Check) && outcomes(string(monitor.Outcome)) {
			rows = append(rows, inspectionRow{monitor, cluster})
		}
	})
	return rows
}

func (q *inspectionsQuery) frame(rows []inspectionRow, regions []inventory.Status) *data.Frame {
	shown := cut(rows, q.page, inOrder(
		by(func(r inspectionRow) int { return -r.Outcome.Severity() }),
		by(func(r inspectionRow) string { return r.Region }),
		by(func(r inspectionRow) string { return r.ClusterID }),
		by(func(r inspectionRow) string { return r.Check }),
	))
	return tableFrame("inspections", "inspections", q.page, len(rows), regions,
		column("region", shown, func(r inspectionRow) string { return r.Region }),
		column("cluster", shown, func(r inspectionRow) string { return r.ClusterID }),
		column("product", shown, inspectionRow.product),
		column("scene", shown, ofCluster(func(c *inventory.Cluster) string { return c.Scene })),
		column("spec", shown, ofCluster(func(c *inventory.Cluster) string { return c.Spec })),
		column("check", shown, func(r inspectionRow) string { return r.Check }),
		column("outcome", shown, func(r inspectionRow) string { return string(r.Outcome) }),
		column("state", shown, inspectionRow.state),
		column("lastRun", shown, func(r inspectionRow) *time.Time { return orNil(r.LastRun.UTC()) }),
		withUnit(column("duration", shown, inspectionRow.seconds), "s"),
		column("message", shown, func(r inspectionRow) string { return r.Message }),
		column("nextRun", shown, func(r inspectionRow) *time.Time { return orNil(r.NextRun.UTC()) }),
		column("request", shown, func(r inspectionRow) string { return r.Request() }),
		column("answeredRequest", shown, func(r inspectionRow) string { return r.Answered }),
		column("requestedBy", shown, func(r inspectionRow) string { return r.RequestedBy }),
		column("blocked", shown, func(r inspectionRow) string { return r.Blocked() }),
		column("history", shown, func(r inspectionRow) json.RawMessage { return r.History.JSON() }),
	)
}

func (r inspectionRow) seconds() *float64 {
	if r.LastRun.IsZero() {
		return nil
	}
	seconds := r.Duration.Seconds()
	return &seconds
}
