package inventory

import (
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

// tenants has the clusters of two customers, a claim on the ID of the first one's by the other, and an inspection without
// a cluster.
func tenants() *index {
	x := newIndex()
	for _, c := range []struct{ namespace, id, scene string }{
		{"a", "a-1", "customer-a"}, {"b", "a-1", "customer-b"}, {"b", "b-1", "customer-b"},
	} {
		object := &v1beta1.EtcdCluster{
			ObjectMeta: metav1.ObjectMeta{Namespace: c.namespace, Name: c.id},
			Spec:       v1beta1.EtcdClusterSpec{ClusterID: c.id, Region: "gz", Scene: c.scene},
		}
		x.clusters.put(newCluster("gz", object))
		x.monitors.put(monitorIn(c.namespace, c.id, "alarms"))
	}
	x.monitors.put(monitorIn("a", "a-9", "alarms"))
	return x
}

func monitorIn(namespace, id, check string) *Monitor {
	return newMonitor("gz", &v1beta1.EtcdMonitor{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: id + "-" + check},
		Spec:       v1beta1.EtcdMonitorSpec{ClusterID: id, MetricName: check},
	})
}

func TestClustersOutOfTheFixedScopeAreAsIfNobodyHadCreatedThem(t *testing.T) {
	x := tenants()
	fixed := Scope{Scene: []string{"customer-a"}}
	inventory := &Inventory{view: View{Scope: fixed}, within: newWithin(fixed)}
	all, none := []string{"a-1"}, []string(nil)
	for _, c := range []struct {
		name  string
		scope Scope
		want  []string
	}{
		{"everything", Scope{}, all},
		{"its own cluster", Scope{Cluster: []string{"a-1"}}, all},
		{"its own and another's", Scope{Cluster: []string{"a-1", "b-1"}}, all},
		{"another's cluster", Scope{Cluster: []string{"b-1"}}, none},
		{"another's scene", Scope{Scene: []string{"customer-b"}}, none},
		{"both scenes", Scope{Scene: []string{"customer-a", "customer-b"}}, all},
	} {
		f := inventory.filter(c.scope)
		var clusters, inspected []string
		x.eachCluster(f, func(found *Cluster, _ []*Monitor) { clusters = append(clusters, found.ID) })
		x.eachMonitor(f, func(found *Cluster, m *Monitor) {
			require.NotNil(t, found, "an inspection without a cluster is nobody's")
			inspected = append(inspected, m.ClusterID)
		})
		require.Equal(t, c.want, clusters, c.name)
		require.Equal(t, c.want, inspected, c.name)
	}

	_, known := x.find(inventory.filter(Scope{Cluster: []string{"b-1"}}), "alarms")
	require.False(t, known, "no run of another's inspection")
	monitor, known := x.find(inventory.filter(Scope{Cluster: []string{"a-1"}}), "alarms")
	require.True(t, known)
	require.Equal(t, "a", monitor.object.Namespace)

	require.Empty(t, x.leftOut(inventory.filter(Scope{})), "another's claim on the ID is another's trouble")
	require.Len(t, x.leftOut(newFilter(Scope{})), 1)
}

func TestAClusterLeftOutOfAFixedScopeNamesNoOther(t *testing.T) {
	x := tenants()
	fixed := Scope{Scene: []string{"customer-b"}}
	inventory := &Inventory{view: View{Scope: fixed}, within: newWithin(fixed)}
	out := x.leftOut(inventory.filter(Scope{}))
	require.Len(t, out, 1)
	require.Equal(t, "b/a-1", out[0].Object.String())
	require.NotContains(t, out[0].Reason, "a/a-1")
}

func TestNoFixedScopeShowsEverything(t *testing.T) {
	require.Nil(t, newWithin(Scope{}))
}
