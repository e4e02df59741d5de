package datasource

import (
	"context"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/etcdfleet/etcd-fleet/pkg/inventory"
	"github.com/etcdfleet/etcd-fleet/pkg/thanos"
)

const (
	// metricsLifetime is below any scrape interval: a result that old is as good as a new one.
	metricsLifetime = 5 * time.Second

	// maxMatched is from how many values of a label on the whole fleet's series are asked for and filtered here: matching
	// hundreds of alternatives costs Thanos more than it saves.
	maxMatched = 100
)

// fleetMetrics is what Thanos knows about the clusters of a scope.
type fleetMetrics struct {
	clusters map[clusterKey]*clusterMetrics
	partial  []string
}

type clusterKey struct{ region, cluster string }

// clusterExpressions are evaluated at once, each over the whole scope; $ stands for the scope's matchers. Aggregating
// in Thanos makes the answers a tenth of the size.
var clusterExpressions = []struct {
	expr string
	read func(cluster *clusterMetrics, member string, value float64)
}{
	{`max by (region, cluster, member) (up{job="etcd"$})`, func(c *clusterMetrics, name string, value float64) {
		member := c.members[name]
		member.scraped, member.up = true, value == 1
		c.members[name] = member
	}},
	{`max by (region, cluster, member) (etcd_server_has_leader{job="etcd"$})`, func(c *clusterMetrics, name string, value float64) {
		member, has := c.members[name], value == 1
		member.hasLeader = &has
		c.members[name] = member
	}},
	{`max by (region, cluster, member) (etcd_server_is_leader{job="etcd"$} == 1)`, func(c *clusterMetrics, name string, _ float64) {
		if c.leader == "" || name < c.leader {
			c.leader = name
		}
	}},
	{`max by (region, cluster) (etcd_debugging_mvcc_keys_total{job="etcd"$})`, func(c *clusterMetrics, _ string, value float64) {
		c.keys = &value
	}},
	{`max by (region, cluster) (etcd_mvcc_db_total_size_in_bytes{job="etcd"$})`, func(c *clusterMetrics, _ string, value float64) {
		c.dbSizeBytes = &value
	}},
}

// scopeMatchers returns the scope as matchers to append to others, which identifies what to ask Thanos for.
func scopeMatchers(scope inventory.Scope) string {
	var matchers strings.Builder
	for _, dimension := range []struct {
		label  string
		values []string
	}{{"region", scope.Region}, {"product", scope.Product}, {"scene", scope.Scene}, {"spec", scope.Spec}, {"cluster", scope.Cluster}} {
		if len(dimension.values) > 0 && len(dimension.values) <= maxMatched {
			matchers.WriteString("," + thanos.Matcher(dimension.label, dimension.values))
		}
	}
	return matchers.String()
}

// fetchClusterMetrics asks Thanos for all that is shown of the clusters that the matchers select.
func fetchClusterMetrics(ctx context.Context, client *seriesReader, matchers string) (*fleetMetrics, error) {
	results := make([]*thanos.Result, len(clusterExpressions))
	group, ctx := errgroup.WithContext(ctx)
	now := time.Now()
	for i, expression := range clusterExpressions {
		group.Go(func() error {
			var err error
			results[i], err = client.Query(ctx, strings.Replace(expression.expr, "$", matchers, 1), now)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	metrics := &fleetMetrics{clusters: map[clusterKey]*clusterMetrics{}}
	var partial []string
	for i, result := range results {
		for _, series := range result.Series {
			cluster := metrics.cluster(series.Labels["region"], series.Labels["cluster"])
			clusterExpressions[i].read(cluster, series.Labels["member"], series.Points[0].Value)
		}
		partial = append(partial, result.Warnings.Partial...)
	}
	metrics.partial = onceEach(partial)
	return metrics, nil
}

func (m *fleetMetrics) cluster(region, name string) *clusterMetrics {
	key := clusterKey{region, name}
	cluster, ok := m.clusters[key]
	if !ok {
		cluster = &clusterMetrics{members: map[string]memberMetrics{}}
		m.clusters[key] = cluster
	}
	return cluster
}
