package inspections

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/client"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

// syncTimeout is how long a scrape waits for the first synchronisation with the API server.
const syncTimeout = time.Second

// seriesLabels are those of the cluster's own series.
type seriesLabels struct {
	region, product, scene, spec, cluster string
}

// collector exposes what follows from the informer cache as it is at each scrape, so a series vanishes with its
// EtcdCluster.
type collector struct {
	reader   client.Reader
	region   string
	expected *prometheus.Desc
}

func newCollector(reader client.Reader, region string) *collector {
	return &collector{
		reader: reader,
		region: region,
		expected: prometheus.NewDesc("etcdfleet_inspections_expected",
			"Checks that the EtcdInspectionPolicies want for the cluster. The share of them with a fresh result is the coverage.",
			[]string{"region", "product", "scene", "spec", "cluster"}, nil),
	}
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(descs chan<- *prometheus.Desc) {
	descs <- c.expected
}

// Collect implements prometheus.Collector. While clusters and policies are not known yet it exposes nothing: a 0 would say
// that nobody wants the fleet inspected.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), syncTimeout)
	defer cancel()
	var clusters etcdv1beta1.EtcdClusterList
	var policies etcdv1beta1.EtcdInspectionPolicyList
	// The lists are only read, and copying the fleet at each scrape would cost more than anything else here.
	if c.reader.List(ctx, &clusters, client.UnsafeDisableDeepCopy) != nil ||
		c.reader.List(ctx, &policies, client.UnsafeDisableDeepCopy) != nil {
		return
	}
	for l, checks := range expected(etcdv1beta1.Holders(clusters.Items, c.region), policies.Items) {
		out <- prometheus.MustNewConstMetric(c.expected, prometheus.GaugeValue, float64(checks),
			l.region, l.product, l.scene, l.spec, l.cluster)
	}
}

// expected returns the number of checks that are wanted for each cluster.
func expected(clusters []*etcdv1beta1.EtcdCluster, objects []etcdv1beta1.EtcdInspectionPolicy) map[seriesLabels]int {
	namespaces := byNamespace(objects)
	counts := make(map[seriesLabels]int, len(clusters))
	for _, cluster := range clusters {
		spec := &cluster.Spec
		of := seriesLabels{
			region:  spec.Region,
			product: spec.ProductName,
			scene:   spec.Scene,
			spec:    string(spec.Specification),
			cluster: spec.ClusterID,
		}
		counts[of] = namespaces[cluster.Namespace].count(cluster)
	}
	return counts
}

// counter counts the checks that the policies of a namespace want, also those whose parameters are not valid.
type counter struct {
	policies
	known map[selection]int
}

func byNamespace(objects []etcdv1beta1.EtcdInspectionPolicy) map[string]*counter {
	grouped := map[string][]etcdv1beta1.EtcdInspectionPolicy{}
	for i := range objects {
		grouped[objects[i].Namespace] = append(grouped[objects[i].Namespace], objects[i])
	}
	counters := map[string]*counter{}
	for namespace, objects := range grouped {
		counters[namespace] = &counter{newPolicies(objects, nil), map[selection]int{}}
	}
	return counters
}

// count returns the number for a cluster. A namespace without policies has no counter, and wants nothing.
func (c *counter) count(cluster *etcdv1beta1.EtcdCluster) int {
	if c == nil {
		return 0
	}
	selection := c.selection(cluster)
	count, known := c.known[selection]
	if !known {
		count = len(c.wanted(selection))
		c.known[selection] = count
	}
	return count
}
