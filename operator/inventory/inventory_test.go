package inventory_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/apitest"
	"github.com/etcdfleet/etcd-fleet/operator/inventory"
)

const (
	patience = time.Minute
	poll     = 20 * time.Millisecond
)

func TestMain(m *testing.M) { os.Exit(apitest.Main(m)) }

// start runs the inventory of the namespace until the test ends.
func start(t *testing.T, config *rest.Config, namespace string) prometheus.Gatherer {
	t.Helper()
	metrics := prometheus.NewPedanticRegistry()
	apitest.StartManager(t, config, namespace, func(_ context.Context, mgr ctrl.Manager) error {
		return inventory.Setup(mgr, inventory.Options{Metrics: metrics})
	})
	return metrics
}

// members is the gauge etcdfleet_cluster_members by its label cluster.
func members(t *testing.T, metrics prometheus.Gatherer) map[string]float64 {
	t.Helper()
	families, err := metrics.Gather()
	require.NoError(t, err)
	found := map[string]float64{}
	for _, family := range families {
		if family.GetName() != "etcdfleet_cluster_members" {
			continue
		}
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				if label.GetName() == "cluster" {
					found[label.GetValue()] = metric.GetGauge().GetValue()
				}
			}
		}
	}
	return found
}

func cluster(namespace, name, id string, size int32) *etcdv1beta1.EtcdCluster {
	return &etcdv1beta1.EtcdCluster{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: etcdv1beta1.EtcdClusterSpec{
			ClusterID: id, Region: "gz", ProductName: "tke", Scene: "business", Size: size,
			Members: []etcdv1beta1.EtcdClusterMember{{Name: "etcd-0", ClientURL: "http://127.0.0.1:2379"}},
		},
	}
}

func TestInventoryFollowsTheSizesOfTheFleetWithTheOperatorsRights(t *testing.T) {
	ctx := context.Background()
	namespace := apitest.Namespace(t)
	apitest.Apply(t, "deploy/rbac/namespace/operator.yaml", namespace)
	admin := apitest.Client(t)
	a, b := cluster(namespace, "a", "gz-a", 3), cluster(namespace, "b", "gz-b", 5)
	require.NoError(t, admin.Create(ctx, a))
	metrics := start(t, apitest.User(t, "etcdfleet-operator"), namespace)
	holds := func(want map[string]float64) {
		t.Helper()
		require.Eventually(t, func() bool { return assert.ObjectsAreEqual(want, members(t, metrics)) }, patience, poll)
	}

	holds(map[string]float64{"gz-a": 3})
	require.NoError(t, admin.Create(ctx, b))
	holds(map[string]float64{"gz-a": 3, "gz-b": 5})
	b.Spec.Size = 7
	require.NoError(t, admin.Update(ctx, b))
	holds(map[string]float64{"gz-a": 3, "gz-b": 7})
	require.NoError(t, admin.Delete(ctx, a))
	holds(map[string]float64{"gz-b": 7})
}

func TestInventoryHasTheLabelsOfTheClustersSeries(t *testing.T) {
	namespace := apitest.Namespace(t)
	object := cluster(namespace, "a", "gz-a", 3)
	object.Spec.KubernetesClusters = []string{"gz-tke-1", "gz-tke-2"}
	object.Spec.Members[0].Host, object.Spec.Members[0].Zone = "node-1", "gz-1"
	require.NoError(t, apitest.Client(t).Create(context.Background(), object))
	metrics := start(t, apitest.Config(), namespace)
	require.Eventually(t, func() bool { return len(members(t, metrics)) == 1 }, patience, poll)

	require.NoError(t, testutil.GatherAndCompare(metrics, strings.NewReader(`
# HELP etcdfleet_cluster_kubernetes_clusters Kubernetes clusters that store in the cluster: spec.kubernetesClusters of its EtcdCluster.
# TYPE etcdfleet_cluster_kubernetes_clusters gauge
etcdfleet_cluster_kubernetes_clusters{cluster="gz-a",product="tke",region="gz",scene="business",spec="default"} 2
# HELP etcdfleet_cluster_members Members that the cluster should have: spec.size of its EtcdCluster, else the number of spec.members.
# TYPE etcdfleet_cluster_members gauge
etcdfleet_cluster_members{cluster="gz-a",product="tke",region="gz",scene="business",spec="default"} 3
# HELP etcdfleet_cluster_members_seen Members of the cluster that were scraped well at least once.
# TYPE etcdfleet_cluster_members_seen gauge
etcdfleet_cluster_members_seen{cluster="gz-a",product="tke",region="gz",scene="business",spec="default"} 3
# HELP etcdfleet_cluster_quorum_seen 1 once a quorum of the cluster's members was scraped well at the same time, else 0.
# TYPE etcdfleet_cluster_quorum_seen gauge
etcdfleet_cluster_quorum_seen{cluster="gz-a",product="tke",region="gz",scene="business",spec="default"} 1
# HELP etcdfleet_kubernetes_cluster_info 1 for each Kubernetes cluster of spec.kubernetesClusters.
# TYPE etcdfleet_kubernetes_cluster_info gauge
etcdfleet_kubernetes_cluster_info{cluster="gz-a",kubernetes_cluster="gz-tke-1",product="tke",region="gz",scene="business",spec="default"} 1
etcdfleet_kubernetes_cluster_info{cluster="gz-a",kubernetes_cluster="gz-tke-2",product="tke",region="gz",scene="business",spec="default"} 1
# HELP etcdfleet_member_info 1 for each member of spec.members, with the host and the zone that it names.
# TYPE etcdfleet_member_info gauge
etcdfleet_member_info{cluster="gz-a",host="node-1",member="etcd-0",product="tke",region="gz",scene="business",spec="default",zone="gz-1"} 1
`)))
}

func TestInventoryCountsTheMembersWhereNoSizeIsSaid(t *testing.T) {
	namespace := apitest.Namespace(t)
	one, five := cluster(namespace, "one", "gz-one", 0), cluster(namespace, "five", "gz-five", 0)
	for i := 1; i < 5; i++ {
		five.Spec.Members = append(five.Spec.Members, etcdv1beta1.EtcdClusterMember{
			Name: fmt.Sprintf("etcd-%d", i), ClientURL: fmt.Sprintf("http://10.0.0.%d:2379", i),
		})
	}
	for _, c := range []*etcdv1beta1.EtcdCluster{one, five} {
		require.NoError(t, apitest.Client(t).Create(context.Background(), c))
	}
	metrics := start(t, apitest.Config(), namespace)
	require.Eventually(t, func() bool {
		return assert.ObjectsAreEqual(map[string]float64{"gz-one": 1, "gz-five": 5}, members(t, metrics))
	}, patience, poll)
}

func TestInventoryCountsTheHolderWhereTwoObjectsNameOneCluster(t *testing.T) {
	namespace := apitest.Namespace(t)
	admin := apitest.Client(t)
	holder, other := cluster(namespace, "z-holder", "gz-a", 3), cluster(namespace, "a-other", "gz-a", 5)
	require.NoError(t, admin.Create(context.Background(), other))
	require.NoError(t, admin.Create(context.Background(), holder))
	meta.SetStatusCondition(&holder.Status.Conditions, metav1.Condition{
		Type: etcdv1beta1.ConditionIdentityHeld, Status: metav1.ConditionTrue, Reason: "Tested",
	})
	require.NoError(t, admin.Status().Update(context.Background(), holder))
	metrics := start(t, apitest.Config(), namespace)
	require.Eventually(t, func() bool {
		return assert.ObjectsAreEqual(map[string]float64{"gz-a": 3}, members(t, metrics))
	}, patience, poll)
}

func TestInventoryIsEmptyWhileTheClustersAreNotKnown(t *testing.T) {
	namespace := apitest.Namespace(t)
	require.NoError(t, apitest.Client(t).Create(context.Background(), cluster(namespace, "a", "gz-a", 3)))
	metrics := start(t, apitest.User(t, "nobody"), namespace) // who may not list EtcdClusters
	assert.Empty(t, members(t, metrics))
}
