// Package inventory exposes how many members each EtcdCluster should have and which of them were ever scraped, so
// that a member which has vanished from the scrape targets is missed, and one that has yet to come is not.
package inventory

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/operator/onboarding"
)

// syncTimeout is how long a scrape waits for the first synchronisation with the API server.
const syncTimeout = time.Second

// labels are those of the cluster's own series.
var labels = []string{"region", "product", "scene", "spec", "cluster"}

// Options say what is exposed.
type Options struct {
	// Region is the API server's region; "" exposes clusters of all regions.
	Region string

	// AwaitsScrapes says that the operator learns from Prometheus which members are scraped. Otherwise all members that can
	// be scraped count at once.
	AwaitsScrapes bool

	// Metrics is where the metrics are registered.
	Metrics prometheus.Registerer
}

// collector exposes the informer cache as it is at each scrape, so a series vanishes with its EtcdCluster.
type collector struct {
	clusters client.Reader
	options  Options

	members, seen, quorumSeen, awaited, kubernetes, memberInfo, kubernetesInfo *prometheus.Desc
}

// and are the labels of the cluster and others.
func and(others ...string) []string { return slices.Concat(labels, others) }

// Setup registers the inventory's metrics over the manager's cache. They are there when the cache is synchronised.
func Setup(mgr ctrl.Manager, options Options) error {
	c := &collector{
		clusters: mgr.GetClient(),
		options:  options,
		members: prometheus.NewDesc("etcdfleet_cluster_members",
			"Members that the cluster should have: spec.size of its EtcdCluster, else the number of spec.members.", labels, nil),
		seen: prometheus.NewDesc("etcdfleet_cluster_members_seen",
			"Members of the cluster that were scraped well at least once.", labels, nil),
		quorumSeen: prometheus.NewDesc("etcdfleet_cluster_quorum_seen",
			"1 once a quorum of the cluster's members was scraped well at the same time, else 0.", labels, nil),
		awaited: prometheus.NewDesc("etcdfleet_member_awaited_since_seconds",
			"Unix time since which a member is awaited that was never scraped well.", and("member"), nil),
		kubernetes: prometheus.NewDesc("etcdfleet_cluster_kubernetes_clusters",
			"Kubernetes clusters that store in the cluster: spec.kubernetesClusters of its EtcdCluster.", labels, nil),
		memberInfo: prometheus.NewDesc("etcdfleet_member_info",
			"1 for each member of spec.members, with the host and the zone that it names.", and("member", "host", "zone"), nil),
		kubernetesInfo: prometheus.NewDesc("etcdfleet_kubernetes_cluster_info",
			"1 for each Kubernetes cluster of spec.kubernetesClusters.", and("kubernetes_cluster"), nil),
	}
	if err := options.Metrics.Register(c); err != nil {
		return fmt.Errorf("register the metrics of the inventory: %w", err)
	}
	return nil
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(descs chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{c.members, c.seen, c.quorumSeen, c.awaited, c.kubernetes, c.memberInfo, c.kubernetesInfo} {
		descs <- desc
	}
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
	for _, cluster := range etcdv1beta1.Holders(clusters.Items, c.options.Region) {
		c.collect(cluster, out)
	}
}

func (c *collector) collect(cluster *etcdv1beta1.EtcdCluster, out chan<- prometheus.Metric) {
	spec := &cluster.Spec
	of := []string{spec.Region, spec.ProductName, spec.Scene, string(spec.Specification), spec.ClusterID}
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	progress := onboarding.Assumed(cluster)
	if c.options.AwaitsScrapes {
		progress = onboarding.Seen(cluster)
	}
	gauge(c.members, float64(spec.VotingMembers()), of...)
	gauge(c.kubernetes, float64(len(spec.KubernetesClusters)), of...)
	gauge(c.seen, float64(progress.Members), of...)
	quorumSeen := 0.0
	if progress.Quorum {
		quorumSeen = 1
	}
	gauge(c.quorumSeen, quorumSeen, of...)
	for member, since := range progress.Awaited {
		gauge(c.awaited, float64(since.Unix()), slices.Concat(of, []string{member})...)
	}
	for _, m := range spec.Members {
		gauge(c.memberInfo, 1, slices.Concat(of, []string{m.Name, m.Host, m.Zone})...)
	}
	for _, name := range spec.KubernetesClusters {
		gauge(c.kubernetesInfo, 1, slices.Concat(of, []string{name})...)
	}
}
