package inventory

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

func cluster(namespace, id, product string) *Cluster {
	return newCluster("gz", &v1beta1.EtcdCluster{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "object-" + id},
		Spec:       v1beta1.EtcdClusterSpec{ClusterID: id, ProductName: product, Scene: "business", Specification: "small"},
	})
}

func monitor(id, check string) *Monitor {
	return newMonitor("gz", &v1beta1.EtcdMonitor{
		ObjectMeta: metav1.ObjectMeta{Namespace: "gz", Name: id + "-" + check},
		Spec:       v1beta1.EtcdMonitorSpec{ClusterID: id, MetricName: check, ProductName: "orphaned"},
	})
}

func ofCluster(id string) filter { return newFilter(Scope{Cluster: []string{id}}) }

// contents lists "cluster: checks" for every cluster in scope, and "(none): checks" for monitors without cluster.
func contents(x *index, scope Scope) []string {
	var lines []string
	x.eachCluster(newFilter(scope), func(c *Cluster, monitors []*Monitor) {
		var checks []string
		for _, m := range monitors {
			checks = append(checks, m.Check)
		}
		slices.Sort(checks)
		lines = append(lines, fmt.Sprint(c.object.Namespace, "/", c.ID, ": ", checks))
	})
	x.eachMonitor(newFilter(scope), func(c *Cluster, m *Monitor) {
		if c == nil {
			lines = append(lines, fmt.Sprint("(none): ", m.ClusterID, " ", m.Check))
		}
	})
	slices.Sort(lines)
	return lines
}

func TestTheIndexJoinsClustersAndMonitorsInAnyOrder(t *testing.T) {
	x := newIndex()
	x.monitors.put(monitor("1", "a"))
	require.Equal(t, []string{"(none): 1 a"}, contents(x, Scope{}))
	x.clusters.put(cluster("gz", "1", "tke"))
	x.clusters.put(cluster("sh", "1", "tke"))
	x.monitors.put(monitor("1", "b"))
	require.Equal(t, []string{"gz/1: [a b]"}, contents(x, Scope{}), "an ID has one cluster, whatever the namespace")

	x.monitors.put(monitor("1", "b"))
	x.clusters.put(cluster("gz", "1", "tke"))
	require.Equal(t, []string{"gz/1: [a b]"}, contents(x, Scope{}), "an update replaces")

	x.clusters.delete(types.NamespacedName{Namespace: "gz", Name: "object-1"})
	require.Equal(t, []string{"(none): 1 a", "(none): 1 b", "sh/1: []"}, contents(x, Scope{}))
	x.monitors.delete(types.NamespacedName{Namespace: "gz", Name: "1-a"})
	x.monitors.delete(types.NamespacedName{Namespace: "gz", Name: "unknown"})
	require.Equal(t, []string{"(none): 1 b", "sh/1: []"}, contents(x, Scope{}))

	x.clusters.replace([]*Cluster{cluster("gz", "2", "tke")})
	x.monitors.replace([]*Monitor{monitor("2", "c")})
	require.Equal(t, []string{"gz/2: [c]"}, contents(x, Scope{}))
	require.Len(t, x.claims, 1, "nothing stays behind")
	require.Len(t, x.inspections, 1)

	recreated := monitor("3", "c")
	recreated.object.Name = "2-c"
	x.monitors.put(recreated)
	require.Equal(t, []string{"(none): 3 c", "gz/2: []"}, contents(x, Scope{}), "the same object for another cluster")
}

func TestTheIndexFiltersByScope(t *testing.T) {
	x := newIndex()
	for _, c := range []*Cluster{cluster("gz", "1", "tke"), cluster("gz", "2", "tcr"), cluster("gz", "3", "tke")} {
		x.clusters.put(c)
	}
	x.monitors.put(monitor("9", "a"))
	for _, c := range []struct {
		scope Scope
		want  []string
	}{
		{Scope{Product: []string{"tke"}}, []string{"gz/1: []", "gz/3: []"}},
		{Scope{Product: []string{"tke", "tcr"}, Cluster: []string{"2", "3"}}, []string{"gz/2: []", "gz/3: []"}},
		{Scope{Scene: []string{"business"}, Spec: []string{"large"}}, nil},
		{Scope{Product: []string{"orphaned"}}, []string{"(none): 9 a"}},
		{Scope{Product: []string{"orphaned"}, Scene: []string{"business"}}, nil},
		{Scope{Cluster: []string{"9"}}, []string{"(none): 9 a"}},
	} {
		require.Equal(t, c.want, contents(x, c.scope), "%+v", c.scope)
	}
}

func TestFindsTheMonitorOfACheck(t *testing.T) {
	x := newIndex()
	x.clusters.put(cluster("gz", "1", "tke"))
	x.clusters.put(cluster("gz", "2", "tke"))
	x.monitors.put(monitor("9", "a"))
	twice := monitor("1", "a")
	twice.object.Name = "another"
	for _, m := range []*Monitor{monitor("1", "a"), twice, monitor("1", "b")} {
		x.monitors.put(m)
	}
	for range 10 {
		found, known := x.find(ofCluster("1"), "a")
		require.True(t, known)
		require.Equal(t, "1-a", found.object.Name, "always the same of several")
	}
	found, known := x.find(ofCluster("9"), "a")
	require.True(t, known)
	require.NotNil(t, found, "a monitor without cluster")
	for _, id := range []string{"1", "2"} {
		found, known = x.find(ofCluster(id), "unknown")
		require.True(t, known)
		require.Nil(t, found)
	}
	_, known = x.find(ofCluster("unknown"), "a")
	require.False(t, known)
}
