package inventory

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

var begin = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// claim is an EtcdCluster of the ID gz-1 in the region gz, made after so many minutes.
func claim(namespace, name string, minutes int, change ...func(*v1beta1.EtcdCluster)) *Cluster {
	o := &v1beta1.EtcdCluster{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, CreationTimestamp: metav1.NewTime(begin.Add(time.Duration(minutes) * time.Minute))},
		Spec:       v1beta1.EtcdClusterSpec{ClusterID: "gz-1", Region: "gz", ProductName: "tke", Scene: "business", Specification: "small"},
	}
	for _, c := range change {
		c(o)
	}
	return newCluster("gz", o)
}

func identity(status metav1.ConditionStatus, message string) func(*v1beta1.EtcdCluster) {
	return func(o *v1beta1.EtcdCluster) {
		o.Status.Conditions = []metav1.Condition{{Type: "IdentityHeld", Status: status, Message: message}}
	}
}

func inRegion(region string) func(*v1beta1.EtcdCluster) {
	return func(o *v1beta1.EtcdCluster) { o.Spec.Region = region }
}

func kstoneClaim(namespace string, minutes int) *Cluster {
	return newKstoneCluster("gz", &kstoneCluster{ObjectMeta: metav1.ObjectMeta{
		Namespace: namespace, Name: "gz-1", CreationTimestamp: metav1.NewTime(begin.Add(time.Duration(minutes) * time.Minute)),
	}})
}

// In whatever order they arrive, one object holds the ID and the others are named with the reason.
func TestOneObjectHoldsAnID(t *testing.T) {
	for _, c := range []struct {
		name   string
		claims []*Cluster
		holder string
		out    map[string]string
	}{
		{"alone", []*Cluster{claim("gz", "real", 0)}, "gz/real", nil},
		{"the older of two", []*Cluster{claim("gz", "bogus", 1), claim("gz", "real", 0)}, "gz/real", map[string]string{"gz/bogus": "gz/real has the same ID."}},
		{"of two namespaces", []*Cluster{claim("aa", "bogus", 1), claim("gz", "real", 0)}, "gz/real", map[string]string{"aa/bogus": "gz/real has the same ID."}},
		{"of one age, by name", []*Cluster{claim("gz", "b", 0), claim("gz", "a", 0)}, "gz/a", map[string]string{"gz/b": "gz/a has the same ID."}},
		{"the recorded holder, though younger", []*Cluster{claim("gz", "restored", 0), claim("gz", "real", 9, identity(metav1.ConditionTrue, ""))}, "gz/real", map[string]string{"gz/restored": "gz/real has the same ID."}},
		{"one that is refused, though older", []*Cluster{claim("gz", "bogus", 0, identity(metav1.ConditionFalse, "gz/real holds it.")), claim("gz", "real", 9)}, "gz/real", map[string]string{"gz/bogus": "gz/real holds it."}},
		{"all are refused", []*Cluster{claim("gz", "bogus", 0, identity(metav1.ConditionFalse, "The members answer with another ID."))}, "", map[string]string{"gz/bogus": "The members answer with another ID."}},
		{"refused without a message", []*Cluster{claim("gz", "bogus", 0, identity(metav1.ConditionFalse, ""))}, "", map[string]string{"gz/bogus": "Its condition IdentityHeld is False."}},
		{"a foreign region", []*Cluster{claim("gz", "bogus", 0, inRegion("sh")), claim("gz", "real", 9)}, "gz/real", map[string]string{"gz/bogus": "Its region sh is not that of this API server, gz."}},
		{"ours before kstone's, which is meant so", []*Cluster{kstoneClaim("kstone", 0), claim("gz", "real", 9)}, "gz/real", nil},
		{"kstone's before one of ours that is refused", []*Cluster{kstoneClaim("kstone", 0), claim("gz", "bogus", 0, inRegion("sh"))}, "kstone/gz-1", map[string]string{"gz/bogus": "Its region sh"}},
		{"the older of kstone's", []*Cluster{kstoneClaim("a", 1), kstoneClaim("b", 0)}, "b/gz-1", map[string]string{"a/gz-1": "b/gz-1 has the same ID."}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for range 2 {
				x := newIndex()
				for _, claim := range c.claims {
					x.shelfOf(claim).put(claim)
				}
				var shown []string
				x.eachCluster(newFilter(Scope{}), func(c *Cluster, _ []*Monitor) { shown = append(shown, c.object.String()) })
				require.Equal(t, c.holder, joined(shown))
				out := x.leftOut(newFilter(Scope{}))
				require.Len(t, out, len(c.out))
				for _, one := range out {
					require.Contains(t, one.Reason, c.out[one.Object.String()])
					require.Equal(t, "gz-1", one.ClusterID)
				}
				for _, claim := range c.claims {
					x.shelfOf(claim).delete(claim.object)
				}
				require.Empty(t, x.claims, "nothing stays behind")
				slices.Reverse(c.claims)
			}
		})
	}
}

func (x *index) shelfOf(c *Cluster) *shelf[*Cluster] {
	if c.kstone {
		return x.kstoneClusters
	}
	return x.clusters
}

func joined(texts []string) string {
	text := ""
	for _, one := range texts {
		text += one
	}
	return text
}

// The inspections of a bogus object turned up as those of the healthy cluster whose ID it has.
func TestTheMonitorsOfAnObjectThatIsLeftOutAreToo(t *testing.T) {
	x := newIndex()
	bogus := claim("aa", "bogus", 1)
	x.clusters.put(bogus)
	x.clusters.put(claim("gz", "real", 0))
	own, other, orphan := monitor("gz-1", "a"), monitor("gz-1", "a"), monitor("gz-1", "a")
	other.object.Namespace, orphan.object.Namespace = "aa", "ab"
	for _, m := range []*Monitor{own, other, orphan} {
		x.monitors.put(m)
	}
	var seen []string
	x.eachMonitor(newFilter(Scope{}), func(c *Cluster, m *Monitor) {
		name := m.object.Namespace
		if c != nil {
			name += " of " + c.object.String()
		}
		seen = append(seen, name)
	})
	slices.Sort(seen)
	require.Equal(t, []string{"ab", "gz of gz/real"}, seen)
	for range 10 {
		found, _ := x.find(ofCluster("gz-1"), "a")
		require.Equal(t, "gz", found.object.Namespace, "a run is of the cluster that is shown")
	}

	x.clusters.delete(types.NamespacedName{Namespace: "gz", Name: "real"})
	x.eachCluster(newFilter(Scope{}), func(c *Cluster, monitors []*Monitor) {
		require.Same(t, bogus, c, "the other takes over")
		require.Equal(t, []*Monitor{other}, monitors)
	})
	require.Empty(t, x.leftOut(newFilter(Scope{})))
}

func TestWhatIsLeftOutIsInTheScope(t *testing.T) {
	x := newIndex()
	x.clusters.put(claim("gz", "real", 0))
	x.clusters.put(claim("gz", "bogus", 1, func(o *v1beta1.EtcdCluster) { o.Spec.ProductName = "other" }))
	for product, count := range map[string]int{"tke": 1, "other": 1, "third": 0} {
		require.Len(t, x.leftOut(newFilter(Scope{Product: []string{product}})), count, product)
	}
	require.Empty(t, x.leftOut(newFilter(Scope{Cluster: []string{"gz-2"}})))
}
