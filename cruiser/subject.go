package cruiser

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

// subject is a monitor and the cluster that it inspects.
type subject struct {
	monitor *etcdv1beta1.EtcdMonitor

	// cluster is nil when noCluster says why.
	cluster   *etcdv1beta1.EtcdCluster
	noCluster error
}

// findSubject looks up the monitor's cluster.
func findSubject(ctx context.Context, reader client.Reader, monitor *etcdv1beta1.EtcdMonitor) subject {
	var clusters etcdv1beta1.EtcdClusterList
	id, namespace := monitor.Spec.ClusterID, monitor.Namespace
	err := reader.List(ctx, &clusters, client.InNamespace(namespace), client.MatchingFields{clusterIDField: id})
	switch {
	case err != nil:
		err = fmt.Errorf("look up the EtcdCluster %s: %w", id, err)
	case len(clusters.Items) == 0:
		err = fmt.Errorf("there is no EtcdCluster with the spec.clusterId %s in the namespace %s: create it", id, namespace)
	case len(clusters.Items) > 1:
		err = fmt.Errorf("the EtcdClusters %s and %s have the same spec.clusterId %s: delete one",
			clusters.Items[0].Name, clusters.Items[1].Name, id)
	default:
		return subject{monitor: monitor, cluster: &clusters.Items[0]}
	}
	return subject{monitor: monitor, noCluster: err}
}

// key identifies the monitor.
func (s subject) key() types.NamespacedName {
	return keyOf(s.monitor)
}

// clusterKey identifies the cluster, also one that does not exist.
func (s subject) clusterKey() types.NamespacedName {
	return clusterKeyOf(s.monitor)
}

// labels are those of the monitor's series: the cluster's, or what the monitor says of a cluster that does not exist.
func (s subject) labels() seriesLabels {
	labels := seriesLabels{
		region:  s.monitor.Spec.Region,
		product: s.monitor.Spec.ProductName,
		cluster: s.monitor.Spec.ClusterID,
		check:   s.monitor.Spec.MetricName,
	}
	if s.cluster != nil {
		labels.region = s.cluster.Spec.Region
		labels.product = s.cluster.Spec.ProductName
		labels.scene = s.cluster.Spec.Scene
		labels.spec = string(s.cluster.Spec.Specification)
	}
	return labels
}

func keyOf(monitor *etcdv1beta1.EtcdMonitor) types.NamespacedName {
	return client.ObjectKeyFromObject(monitor)
}

func clusterKeyOf(monitor *etcdv1beta1.EtcdMonitor) types.NamespacedName {
	return types.NamespacedName{Namespace: monitor.Namespace, Name: monitor.Spec.ClusterID}
}
