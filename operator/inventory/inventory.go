// Package inventory tells Prometheus how many members each EtcdCluster should have, so that a member which has vanished
// from the scrape targets is missed.
package inventory

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

// syncTimeout is how long a scrape waits for the first synchronisation with the API server.
const syncTimeout = time.Second

// labels are those of the cluster's own series.
type labels struct {
	region, product, scene, spec, cluster string
}

// collector exposes the informer cache as it is at each scrape, so a series vanishes with its EtcdCluster.
type collector struct {
	clusters client.Reader
	members  *prometheus.Desc
}

// Setup registers the inventory's metrics over the manager's cache. They are there when the cache is synchronised.
func Setup(mgr ctrl.Manager, metrics prometheus.Registerer) error {
	c := &collector{
		clusters: mgr.GetClient(),
		members: prometheus.NewDesc("etcdfleet_cluster_members", "Members that the cluster should have: spec.size of its EtcdCluster.",
			[]string{"region", "product", "scene", "spec", "cluster"}, nil),
	}
	if err := metrics.Register(c); err != nil {
		return fmt.Errorf("register the metrics of the inventory: %w", err)
	}
	return nil
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(descs chan<- *prometheus.Desc) {
	descs <- c.members
}

// Collect implements prometheus.Collector. While the clusters are not known yet it exposes nothing, as the other metrics
// of the scrape are worth having; the readiness probe says that the API server cannot be reached.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), syncTimeout)
	defer cancel()
	var clusters etcdv1beta1.EtcdClusterList
	// The list is only read, and copying the fleet at each scrape would cost more than anything else here.
	if err := c.clusters.List(ctx, &clusters, client.UnsafeDisableDeepCopy); err != nil {
		return
	}
	for l, size := range sizes(clusters.Items) {
		out <- prometheus.MustNewConstMetric(c.members, prometheus.GaugeValue, float64(size),
			l.region, l.product, l.scene, l.spec, l.cluster)
	}
}

// sizes returns the size of each cluster. Two objects may describe one cluster; since one series exposed twice makes the
// whole scrape fail, the larger size wins: rather a member that is missed in vain than one that nobody misses.
func sizes(clusters []etcdv1beta1.EtcdCluster) map[labels]int32 {
	sizes := make(map[labels]int32, len(clusters))
	for i := range clusters {
		spec := &clusters[i].Spec
		of := labels{
			region:  spec.Region,
			product: spec.ProductName,
			scene:   spec.Scene,
			spec:    string(spec.Specification),
			cluster: spec.ClusterID,
		}
		sizes[of] = max(sizes[of], spec.Size)
	}
	return sizes
}
