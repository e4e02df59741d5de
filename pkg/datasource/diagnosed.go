package datasource

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"golang.org/x/sync/errgroup"

	"github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/pkg/diagnosis"
	"github.com/etcdfleet/etcd-fleet/pkg/inventory"
	"github.com/etcdfleet/etcd-fleet/pkg/slorules"
	"github.com/etcdfleet/etcd-fleet/pkg/thanos"
)

// maxDiagnosed is how many clusters are diagnosed at once, the worst: each has dozens of histories.
const maxDiagnosed = 50

// diagnosedCluster is a cluster of the inventory, or one of which only the name is known.
type diagnosedCluster struct {
	clusterKey
	known    *inventory.Cluster
	monitors []*inventory.Monitor
}

// endOf is the end of the query's time range, now at the latest.
func endOf(request backend.DataQuery) time.Time {
	at, now := request.TimeRange.To, time.Now()
	if at.IsZero() || at.After(now) {
		return now
	}
	return at
}

// diagnose returns the findings of each cluster, the worst first, and what is to be said of what is not known. Its error is
// that of the context: without series, inspections say what they know.
func (d *Datasource) diagnose(ctx context.Context, clusters []diagnosedCluster, history *signalHistory, regions []inventory.Status) (map[clusterKey][]diagnosis.Finding, []data.Notice, error) {
	var notices []data.Notice
	around := neighbourhoodOf(d.inventory, clusters)
	if failure := history.fetch(ctx, d.thanos, clusters, around); failure != nil {
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		notices = append(notices, notice(data.NoticeSeverityError, "The members' series are not known, so that this is what inspections say alone. %v", failure))
	} else {
		lost := d.lostStores(ctx)
		history.lost = len(lost) > 0
		notices = partialNotices(onceEach(history.partial), lost)
	}
	findings := make(map[clusterKey][]diagnosis.Finding, len(clusters))
	for _, c := range clusters {
		findings[c.clusterKey] = diagnosis.Diagnose(history.snapshot(c, around, regions))
	}
	return findings, notices, nil
}

// clustersOf are the clusters of the inventory in a scope, in no order.
func (d *Datasource) clustersOf(scope inventory.Scope) []diagnosedCluster {
	var clusters []diagnosedCluster
	d.inventory.EachCluster(scope, func(c *inventory.Cluster, monitors []*inventory.Monitor) {
		clusters = append(clusters, diagnosedCluster{clusterKey{c.Region, c.ID}, c, slices.Clone(monitors)})
	})
	return clusters
}

func sortClusters(clusters []diagnosedCluster) {
	slices.SortFunc(clusters, inOrder(
		by(func(c diagnosedCluster) string { return c.region }),
		by(func(c diagnosedCluster) string { return c.cluster }),
	))
}

// burningClusters has the clusters that burn as fast as the fast page over its short window.
func burningClusters(scope inventory.Scope) string {
	fast := slorules.Pages[0]
	matchers := strings.TrimPrefix(scopeMatchers(scope), ",")
	return fmt.Sprintf("max by (region, cluster) (cluster:etcd_slo_burn_rate:ratio%s{%s}) >= %g", fast.Short, matchers, fast.Factor)
}

// urgencies says of each cluster how urgent it is: 0 unless it is not healthy, burns as fast as pages somebody, or an
// inspection failed. Beside them it returns what Thanos knows of the clusters.
func (d *Datasource) urgencies(ctx context.Context, scope inventory.Scope, clusters []diagnosedCluster, history *signalHistory) (map[clusterKey]int, *fleetMetrics, error) {
	var metrics *fleetMetrics
	var burning *thanos.Result
	group, asking := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		metrics, err = d.metrics.get(asking, scopeMatchers(scope))
		return err
	})
	group.Go(func() (err error) {
		burning, err = d.thanos.Query(asking, burningClusters(scope), history.at)
		return err
	})
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	history.partial = slices.Concat(history.partial, metrics.partial, burning.Warnings.Partial)
	isBurning := map[clusterKey]bool{}
	for _, series := range burning.Series {
		isBurning[keyOf(series.Labels)] = true
	}
	urgency := map[clusterKey]int{}
	for _, c := range clusters {
		health, _ := assess(c.known, metrics.clusters[c.clusterKey])
		of := health.urgency()
		if worstOf(c.monitors) == v1beta1.OutcomeFailed {
			of = max(of, unhealthy.urgency())
		}
		if isBurning[c.clusterKey] {
			of += 10
		}
		urgency[c.clusterKey] = of
	}
	return urgency, metrics, nil
}

// mostUrgent are the clusters with any urgency, the most urgent first, and as many as can be diagnosed at once.
func mostUrgent(clusters []diagnosedCluster, urgency map[clusterKey]int) ([]diagnosedCluster, []data.Notice) {
	hurt := slices.DeleteFunc(slices.Clone(clusters), func(c diagnosedCluster) bool { return urgency[c.clusterKey] == 0 })
	total := len(hurt)
	shown := cut(hurt, page{Limit: maxDiagnosed}, inOrder(
		by(func(c diagnosedCluster) int { return -urgency[c.clusterKey] }),
		by(func(c diagnosedCluster) string { return c.region }),
		by(func(c diagnosedCluster) string { return c.cluster }),
	))
	if total <= maxDiagnosed {
		return shown, nil
	}
	return shown, []data.Notice{notice(data.NoticeSeverityInfo, "The %s most urgent of %s clusters that are hurt are diagnosed: narrow the scope for others.", thousands(maxDiagnosed), thousands(total))}
}

// of returns a dimension of the cluster; "" when the inventory does not know it.
func (c diagnosedCluster) of(dimension string) string {
	if c.known == nil {
		return ""
	}
	return dimensionOf(c.known, dimension)
}

func (c diagnosedCluster) kubernetes() string {
	if c.known == nil {
		return ""
	}
	return strings.Join(c.known.KubernetesClusters, ", ")
}
