package cruiser_test

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser"
	"github.com/etcdfleet/etcd-fleet/internal/apitest"
	"github.com/etcdfleet/etcd-fleet/internal/etcdtest"
	"github.com/etcdfleet/etcd-fleet/operator/identity"
)

// startBoth runs cruiser and what decides who holds a clusterId, for several namespaces, until the test ends.
func (b *sandbox) startBoth(namespaces ...string) *prometheus.Registry {
	b.t.Helper()
	metrics := prometheus.NewPedanticRegistry()
	apitest.StartManager(b.t, apitest.Config(), b.namespace, func(_ context.Context, mgr ctrl.Manager) error {
		err := identity.Setup(mgr, identity.Options{Region: "gz", Namespaces: namespaces, RecordNamespace: b.namespace})
		if err != nil {
			return err
		}
		return cruiser.Setup(mgr, cruiser.Options{Region: "gz", Metrics: metrics, LeaseNamespace: b.namespace})
	}, func(manager *ctrl.Options) {
		manager.Cache.ByObject = cruiser.Cached()
		manager.Cache.DefaultNamespaces = map[string]cache.Config{}
		for _, namespace := range namespaces {
			manager.Cache.DefaultNamespaces[namespace] = cache.Config{}
		}
	})
	return metrics
}

// awaitRefusal waits until the object does not hold its identity.
func (b *sandbox) awaitRefusal(cluster *etcdv1beta1.EtcdCluster) {
	b.t.Helper()
	require.Eventually(b.t, func() bool {
		require.NoError(b.t, b.Get(context.Background(), client.ObjectKeyFromObject(cluster), cluster))
		return meta.IsStatusConditionFalse(cluster.Status.Conditions, etcdv1beta1.ConditionIdentityHeld)
	}, patience, poll)
}

// outcomesOf are the outcomes that are exposed of the clusterId gz-etcd, by region and product.
func outcomesOf(t *testing.T, metrics prometheus.Gatherer) map[string]string {
	t.Helper()
	families, err := metrics.Gather()
	require.NoError(t, err)
	found := map[string]string{}
	for _, family := range families {
		if family.GetName() != "etcd_inspection_outcome" {
			continue
		}
		for _, metric := range family.GetMetric() {
			labels := map[string]string{}
			for _, label := range metric.GetLabel() {
				labels[label.GetName()] = label.GetValue()
			}
			if labels["cluster"] == "gz-etcd" {
				found[labels["region"]+"/"+labels["product"]] = labels["outcome"]
			}
		}
	}
	return found
}

// A bogus object in the holder's namespace, and one with a monitor of its own in another: the holder's inspections go on,
// and nothing is exposed under its name but them.
func TestASecondObjectOfAClusterIDLeavesTheHoldersInspectionsAlone(t *testing.T) {
	etcd := etcdtest.Start(t, etcdtest.Options{})
	box, other := newSandbox(t), newSandbox(t)
	box.onboard(etcd, nil)
	monitor := box.monitor("gz-etcd", "etcd-node-key-diff", nil)
	metrics := box.startBoth(box.namespace, other.namespace)
	box.request(monitor, "before")
	assert.Equal(t, etcdv1beta1.OutcomePassed, box.await(monitor, "the first result", answered("before")).Status.Outcome)

	twin := &etcdv1beta1.EtcdCluster{ObjectMeta: metav1.ObjectMeta{Namespace: box.namespace, Name: "a-twin"}, Spec: etcd.Spec("gz-etcd", "")}
	twin.Spec.Members = []etcdv1beta1.EtcdClusterMember{{Name: "etcd-0", ClientURL: "http://127.0.0.1:1"}}
	require.NoError(t, box.Create(context.Background(), twin))
	box.awaitRefusal(twin)
	bogus := other.cluster("gz-etcd")
	other.awaitRefusal(bogus)
	bogusMonitor := other.monitor("gz-etcd", "etcd-node-key-diff", every(10*time.Second))
	orphan := other.monitor("gz-etcd", "alarms", every(10*time.Second))

	other.request(bogusMonitor, "bogus")
	refused := other.await(bogusMonitor, "the answer to the request", answered("bogus")).Status.LastRecord()
	assert.Equal(t, etcdv1beta1.OutcomeError, refused.Outcome)
	assert.Contains(t, refused.Message, "The EtcdCluster "+box.namespace+"/gz-etcd holds the clusterId gz-etcd in the region gz")
	for _, request := range []string{"after", "again", "still"} {
		box.request(monitor, request)
		assert.Equal(t, etcdv1beta1.OutcomePassed, box.await(monitor, "a result", answered(request)).Status.Outcome)
		assert.Equal(t, map[string]string{"gz/tke": "Passed"}, outcomesOf(t, metrics))
	}
	scheduled := box.monitor("gz-etcd", "alarms", every(10*time.Second))
	box.await(scheduled, "a scheduled run of a monitor that is younger", hasRecords(1))
	assert.Len(t, other.read(bogusMonitor).Status.Records, 1, "on schedule it does not run")
	assert.Empty(t, other.read(orphan).Status.Records)
}

func TestAClusterThatMovesToAForeignRegionIsNotInspectedAndExposesNothing(t *testing.T) {
	etcd := etcdtest.Start(t, etcdtest.Options{})
	box := newSandbox(t)
	box.onboard(etcd, nil)
	monitor := box.monitor("gz-etcd", "etcd-node-key-diff", nil)
	metrics := box.startBoth(box.namespace)
	box.request(monitor, "before")
	box.await(monitor, "the first result", answered("before"))
	require.NotEmpty(t, outcomesOf(t, metrics))

	cluster := &etcdv1beta1.EtcdCluster{ObjectMeta: metav1.ObjectMeta{Namespace: box.namespace, Name: "gz-etcd"}}
	move := func(region string) {
		require.NoError(t, box.Patch(context.Background(), cluster,
			client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"region":"`+region+`"}}`))))
	}
	move("sh")
	require.Eventually(t, func() bool { return len(outcomesOf(t, metrics)) == 0 }, patience, poll)
	box.request(monitor, "foreign")
	assert.Contains(t, box.await(monitor, "the answer", answered("foreign")).Status.LastRecord().Message, "The region sh is not served here")
	assert.Empty(t, outcomesOf(t, metrics))

	move("gz")
	require.Eventually(t, func() bool { return len(outcomesOf(t, metrics)) == 1 }, patience, poll)
}
