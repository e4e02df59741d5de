package inventory_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
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
	require.NoError(t, apitest.Client(t).Create(context.Background(), object))
	metrics := start(t, apitest.Config(), namespace)
	require.Eventually(t, func() bool { return len(members(t, metrics)) == 1 }, patience, poll)

	families, err := metrics.Gather()
	require.NoError(t, err)
	values := map[string]float64{}
	for _, family := range families {
		labels := map[string]string{}
		for _, label := range family.GetMetric()[0].GetLabel() {
			labels[label.GetName()] = label.GetValue()
		}
		assert.Equal(t, map[string]string{
			"region": "gz", "product": "tke", "scene": "business", "spec": "default", "cluster": "gz-a",
		}, labels)
		values[family.GetName()] = family.GetMetric()[0].GetGauge().GetValue()
	}
	assert.Equal(t, map[string]float64{
		"etcdfleet_cluster_members": 3, "etcdfleet_cluster_members_seen": 3, "etcdfleet_cluster_quorum_seen": 1,
		"etcdfleet_cluster_kubernetes_clusters": 2,
	}, values)
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
