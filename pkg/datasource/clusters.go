package datasource

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/pkg/inventory"
)

// clustersQuery lists the inventory with health and last inspection, one row per cluster.
type clustersQuery struct {
	Scope      inventory.Scope `json:"scope"`
	Distinct   string          `json:"distinct"`
	Sort       string          `json:"sort"`
	Descending bool            `json:"descending"`
	page
}

func parseClusters(f *fields) *clustersQuery {
	return &clustersQuery{
		Scope:      f.scope(),
		Distinct:   f.enum("distinct", "", append([]string{""}, f.scopeFields()...)...),
		Sort:       f.enum("sort", "health", "health", "region", "cluster", "keys", "dbSize", "lastInspection"),
		Descending: f.flag("descending"),
		page:       f.page(),
	}
}

// clusterRow is a row of the answer.
type clusterRow struct {
	*inventory.Cluster
	metrics    *clusterMetrics
	health     health
	membersUp  *int64
	inspection v1beta1.Outcome
	inspected  time.Time
}

// urgency is that of the worse of health and inspection: a cluster whose data differs is hurt while all members are up.
// A check that could not be done says less than that and more than a warning.
func (r clusterRow) urgency() int {
	ofHealth := map[health]int{unhealthy: 4, degraded: 2, unknown: 1}
	ofInspection := map[v1beta1.Outcome]int{v1beta1.OutcomeFailed: 4, v1beta1.OutcomeError: 3, v1beta1.OutcomeWarning: 2}
	return max(ofHealth[r.health], ofInspection[r.inspection])
}

func (q *clustersQuery) run(ctx context.Context, d *Datasource, _ backend.DataQuery) (data.Frames, error) {
	d.inventory.WaitFirstSync(ctx, q.Scope, firstSyncPatience)
	if q.Distinct != "" {
		return data.Frames{q.distinctFrame(d)}, nil
	}
	metrics, failure := d.metrics.get(ctx, scopeMatchers(q.Scope))
	if failure != nil {
		metrics = &fleetMetrics{}
	}
	frame := q.frame(clusterRows(d.inventory, q.Scope, metrics), d.inventory.Statuses(q.Scope))
	if failure != nil {
		frame.AppendNotices(notice(data.NoticeSeverityError, "Health, members, leader, keys and size are not known. %v", failure))
	} else {
		frame.AppendNotices(partialNotices(metrics.partial, d.lostStores(ctx))...)
	}
	return data.Frames{frame}, nil
}

// alert answers with the health of each cluster as a number.
func (q *clustersQuery) alert(ctx context.Context, d *Datasource, request backend.DataQuery) (data.Frames, error) {
	if q.Distinct != "" {
		return nil, errDistinctInRule
	}
	tables, err := q.run(ctx, d, request)
	if err != nil {
		return nil, err
	}
	return data.Frames{clusterRule(tables[0], "health", healthNumbers)}, nil
}

// distinctFrame answers without asking Thanos.
func (q *clustersQuery) distinctFrame(d *Datasource) *data.Frame {
	set := map[string]struct{}{}
	d.inventory.EachCluster(q.Scope, func(c *inventory.Cluster, _ []*inventory.Monitor) {
		for _, value := range valuesOf(c, q.Distinct) {
			set[value] = struct{}{}
		}
	})
	values := slices.Collect(maps.Keys(set))
	shown := cut(values, q.page, cmp.Compare[string])
	return tableFrame(q.Distinct, "values", q.page, len(values), d.inventory.Statuses(q.Scope), data.NewField(q.Distinct, nil, shown))
}

// valuesOf are a cluster's values of a field of a scope: several of those that the inventory alone knows.
func valuesOf(c *inventory.Cluster, field string) []string {
	var values []string
	switch field {
	case "host":
		for _, m := range c.Members {
			values = append(values, m.Host)
		}
	case "zone":
		for _, m := range c.Members {
			values = append(values, m.Zone)
		}
	case "kubernetes":
		values = c.KubernetesClusters
	default:
		return []string{dimensionOf(c, field)}
	}
	return slices.DeleteFunc(slices.Clone(values), func(value string) bool { return value == "" })
}

func dimensionOf(c *inventory.Cluster, dimension string) string {
	switch dimension {
	case "region":
		return c.Region
	case "product":
		return c.Product
	case "scene":
		return c.Scene
	case "spec":
		return c.Spec
	}
	return c.ID
}

// clusterRows joins the inventory with the metrics, in no order.
func clusterRows(inv *inventory.Inventory, scope inventory.Scope, metrics *fleetMetrics) []clusterRow {
	var rows []clusterRow
	inv.EachCluster(scope, func(cluster *inventory.Cluster, monitors []*inventory.Monitor) {
		row := clusterRow{Cluster: cluster, metrics: metrics.clusters[clusterKey{cluster.Region, cluster.ID}]}
		row.health, row.membersUp = assess(cluster, row.metrics)
		if row.metrics == nil {
			row.metrics = &clusterMetrics{}
		}
		row.inspection = worstOf(monitors)
		for _, monitor := range monitors {
			if monitor.LastRun.After(row.inspected) {
				row.inspected = monitor.LastRun
			}
		}
		rows = append(rows, row)
	})
	return rows
}

// worstOf is the worst outcome of the last runs; "" without one.
func worstOf(monitors []*inventory.Monitor) v1beta1.Outcome {
	var worst v1beta1.Outcome
	for _, monitor := range monitors {
		if monitor.Outcome.Severity() > worst.Severity() {
			worst = monitor.Outcome
		}
	}
	return worst
}

func (q *clustersQuery) frame(rows []clusterRow, regions []inventory.Status) *data.Frame {
	shown := cut(rows, q.page, q.order())
	return tableFrame("clusters", "clusters", q.page, len(rows), regions,
		column("region", shown, func(r clusterRow) string { return r.Region }),
		column("cluster", shown, func(r clusterRow) string { return r.ID }),
		column("product", shown, func(r clusterRow) string { return r.Product }),
		column("scene", shown, func(r clusterRow) string { return r.Scene }),
		column("spec", shown, func(r clusterRow) string { return r.Spec }),
		column("health", shown, func(r clusterRow) string { return string(r.health) }),
		column("membersUp", shown, func(r clusterRow) *int64 { return r.membersUp }),
		column("members", shown, func(r clusterRow) int64 { return int64(r.Size) }),
		column("leader", shown, func(r clusterRow) string { return r.metrics.leader }),
		column("keys", shown, func(r clusterRow) *float64 { return r.metrics.keys }),
		withUnit(column("dbSizeBytes", shown, func(r clusterRow) *float64 { return r.metrics.dbSizeBytes }), "bytes"),
		column("version", shown, func(r clusterRow) string { return r.Version }),
		column("inspection", shown, func(r clusterRow) string { return string(r.inspection) }),
		column("lastInspection", shown, func(r clusterRow) *time.Time { return orNil(r.inspected.UTC()) }),
	)
}

// order sorts by the wanted column, then by region and cluster. Rows without a value come last in both directions.
func (q *clustersQuery) order() func(a, b clusterRow) int {
	region := by(func(r clusterRow) string { return r.Region })
	cluster := by(func(r clusterRow) string { return r.ID })
	directed := func(compare func(a, b clusterRow) int) func(a, b clusterRow) int {
		if q.Descending {
			return reversed(compare)
		}
		return compare
	}
	withValue := func(value func(clusterRow) *float64) func(a, b clusterRow) int {
		missing := lastIf(func(r clusterRow) bool { return value(r) == nil })
		return inOrder(missing, directed(func(a, b clusterRow) int {
			if value(a) == nil || value(b) == nil {
				return 0
			}
			return cmp.Compare(*value(a), *value(b))
		}))
	}
	switch q.Sort {
	case "region":
		return inOrder(directed(region), cluster)
	case "cluster":
		return inOrder(directed(cluster), region)
	case "keys":
		return inOrder(withValue(func(r clusterRow) *float64 { return r.metrics.keys }), region, cluster)
	case "dbSize":
		return inOrder(withValue(func(r clusterRow) *float64 { return r.metrics.dbSizeBytes }), region, cluster)
	case "lastInspection":
		never := lastIf(func(r clusterRow) bool { return r.inspected.IsZero() })
		return inOrder(never, directed(func(a, b clusterRow) int { return a.inspected.Compare(b.inspected) }), region, cluster)
	}
	worstFirst := inOrder(
		by(func(r clusterRow) int { return -r.urgency() }),
		by(func(r clusterRow) int { return -r.health.urgency() }),
		by(func(r clusterRow) int { return -r.inspection.Severity() }),
	)
	return inOrder(directed(worstFirst), region, cluster)
}
