package cruiser

import (
	"context"
	"errors"
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

	// refused is true when the name of the monitor's cluster is another's, so that nothing may be exposed under it.
	refused bool
}

// findSubject looks up the monitor's cluster: the one that holds the clusterId, if it is in the monitor's namespace.
func findSubject(ctx context.Context, reader client.Reader, monitor *etcdv1beta1.EtcdMonitor, region string) subject {
	var found etcdv1beta1.EtcdClusterList
	id := monitor.Spec.ClusterID
	if err := reader.List(ctx, &found, client.MatchingFields{clusterIDField: id}); err != nil {
		return subject{monitor: monitor, noCluster: fmt.Errorf("look up the EtcdCluster %s: %w", id, err)}
	}
	var here, elsewhere []*etcdv1beta1.EtcdCluster
	for _, holder := range etcdv1beta1.Holders(found.Items, region) {
		if holder.Namespace == monitor.Namespace {
			here = append(here, holder)
		} else {
			elsewhere = append(elsewhere, holder)
		}
	}
	if len(here) > 1 {
		return subject{monitor: monitor, noCluster: fmt.Errorf(
			"the EtcdClusters %s and %s of different regions have the spec.clusterId %s. Move one of them to another namespace",
			here[0].Name, here[1].Name, id)}
	}
	if len(here) == 1 {
		return subject{monitor: monitor, cluster: here[0]}
	}
	for i := range found.Items {
		if refusal := found.Items[i].Refusal(region); refusal != "" && found.Items[i].Namespace == monitor.Namespace {
			return subject{monitor: monitor, refused: true, noCluster: errors.New(refusal)}
		}
	}
	if len(elsewhere) > 0 {
		return subject{monitor: monitor, refused: true, noCluster: fmt.Errorf(
			"the spec.clusterId %s is that of the EtcdCluster %s. Create the EtcdMonitor in its namespace, or correct spec.clusterId",
			id, client.ObjectKeyFromObject(elsewhere[0]))}
	}
	return subject{monitor: monitor, noCluster: fmt.Errorf(
		"there is no EtcdCluster with the spec.clusterId %s in the namespace %s: create it", id, monitor.Namespace)}
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
