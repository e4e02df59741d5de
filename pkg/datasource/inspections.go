package datasource

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
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

// alert answers with how many inspections of each cluster have one of the wanted outcomes, by default Failed.
func (q *inspectionsQuery) alert(ctx context.Context, d *Datasource, _ backend.DataQuery) (data.Frames, error) {
	d.inventory.WaitFirstSync(ctx, q.Scope, firstSyncPatience)
	every := inspectionRows(d.inventory, &inspectionsQuery{Scope: q.Scope, Checks: q.Checks})
	return data.Frames{q.ruleFrame(every, d.inventory.Statuses(q.Scope))}, ctx.Err()
}

// outcomesOf is how many inspections of a cluster have a wanted outcome; one of its inspections stands for the cluster.
type outcomesOf struct {
	inspectionRow
	wanted int64
	// known is set when one of them says something, of a region that is not away.
	known bool
}

func (q *inspectionsQuery) ruleFrame(rows []inspectionRow, regions []inventory.Status) *data.Frame {
	outcomes := q.Outcomes
	if len(outcomes) == 0 {
		outcomes = []string{string(v1beta1.OutcomeFailed)}
	}
	says := append([]string{string(v1beta1.OutcomePassed), string(v1beta1.OutcomeWarning), string(v1beta1.OutcomeFailed)}, outcomes...)
	byCluster := map[clusterKey]*outcomesOf{}
	for _, row := range rows {
		key := clusterKey{row.Region, row.ClusterID}
		if byCluster[key] == nil {
			byCluster[key] = &outcomesOf{inspectionRow: row}
		}
		of := byCluster[key]
		if slices.Contains(outcomes, string(row.Outcome)) {
			of.wanted++
		}
		of.known = of.known || slices.Contains(says, string(row.Outcome)) && !isAway(regions, row.Region)
	}
	clusters := slices.Collect(maps.Values(byCluster))
	shown := cut(clusters, q.page, inOrder(
		by(func(c *outcomesOf) string { return c.Region }),
		by(func(c *outcomesOf) string { return c.ClusterID }),
	))
	table := tableFrame("inspections", "clusters", q.page, len(clusters), regions,
		column("region", shown, func(c *outcomesOf) string { return c.Region }),
		column("product", shown, func(c *outcomesOf) string { return c.product() }),
		column("scene", shown, func(c *outcomesOf) string {
			return ofCluster(func(c *inventory.Cluster) string { return c.Scene })(c.inspectionRow)
		}),
		column("spec", shown, func(c *outcomesOf) string {
			return ofCluster(func(c *inventory.Cluster) string { return c.Spec })(c.inspectionRow)
		}),
		column("cluster", shown, func(c *outcomesOf) string { return c.ClusterID }),
	)
	number := column("inspections", shown, func(c *outcomesOf) *int64 {
		if !c.known {
			return nil
		}
		return &c.wanted
	})
	return ruleFrame(table, number, dimensions...)
}

// isAway reports whether what is known of a region is old.
func isAway(regions []inventory.Status, name string) bool {
	return slices.ContainsFunc(regions, func(r inventory.Status) bool { return r.Name == name && r.State != inventory.Live })
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
