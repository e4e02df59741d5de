package inventory

import (
	"cmp"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// index holds one region's clusters, monitors and Events, joined: a query walks it without copying objects. Its objects are
// immutable, so a reader may keep them after the walk.
type index struct {
	clusters, kstoneClusters *shelf[*Cluster]
	monitors, kstoneMonitors *shelf[*Monitor]
	events                   *shelf[*Event]

	mu sync.RWMutex
	// claims are the clusters of each ID, the one that may hold it first.
	claims map[string][]*Cluster
	// inspections are the monitors of each cluster.
	inspections map[entryKey][]*Monitor
}

// entryKey joins the two kinds: an EtcdMonitor inspects the EtcdCluster of its namespace with the same clusterId, and
// kstone's inspections its own clusters.
type entryKey struct {
	kstone               bool
	namespace, clusterID string
}

func newIndex() *index {
	x := &index{claims: map[string][]*Cluster{}, inspections: map[entryKey][]*Monitor{}}
	x.clusters = newShelf(&x.mu, x.addCluster, x.removeCluster)
	x.monitors = newShelf(&x.mu, x.addMonitor, x.removeMonitor)
	x.kstoneClusters = newShelf(&x.mu, x.addCluster, x.removeCluster)
	x.kstoneMonitors = newShelf(&x.mu, x.addMonitor, x.removeMonitor)
	alone := func(*Event) {} // an Event is joined when it is read: it may come before its object and outlive it
	x.events = newShelf(&x.mu, alone, alone)
	return x
}

// shelf is all objects of one kind by name. It keeps the entries equal to them.
type shelf[E interface{ name() types.NamespacedName }] struct {
	mu          *sync.RWMutex
	objects     map[types.NamespacedName]E
	add, remove func(E)
}

func newShelf[E interface{ name() types.NamespacedName }](mu *sync.RWMutex, add, remove func(E)) *shelf[E] {
	return &shelf[E]{mu: mu, objects: map[types.NamespacedName]E{}, add: add, remove: remove}
}

func (s *shelf[E]) put(object E) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.takeOut(object.name())
	s.putIn(object)
}

func (s *shelf[E]) delete(name types.NamespacedName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.takeOut(name)
}

// replace makes the objects all that there are.
func (s *shelf[E]) replace(objects []E) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range s.objects {
		s.takeOut(name)
	}
	for _, object := range objects {
		s.putIn(object)
	}
}

func (s *shelf[E]) isEmpty() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.objects) == 0
}

func (s *shelf[E]) putIn(object E) {
	s.objects[object.name()] = object
	s.add(object)
}

func (s *shelf[E]) takeOut(name types.NamespacedName) {
	if old, ok := s.objects[name]; ok {
		delete(s.objects, name)
		s.remove(old)
	}
}

func (x *index) addCluster(c *Cluster) {
	claims := append(x.claims[c.ID], c)
	slices.SortFunc(claims, compareClaims)
	x.claims[c.ID] = claims
}

func (x *index) removeCluster(c *Cluster) {
	remain(x.claims, c.ID, c)
}

func (x *index) addMonitor(m *Monitor) {
	x.inspections[m.key()] = append(x.inspections[m.key()], m)
}

func (x *index) removeMonitor(m *Monitor) {
	remain(x.inspections, m.key(), m)
}

// remain takes one object out of a list, and a list that is empty out of the map.
func remain[K, E comparable](lists map[K][]E, key K, object E) {
	rest := slices.DeleteFunc(lists[key], func(other E) bool { return other == object })
	if len(rest) == 0 {
		delete(lists, key)
		return
	}
	lists[key] = rest
}

func (c *Cluster) key() entryKey { return entryKey{c.kstone, c.object.Namespace, c.ID} }

func (m *Monitor) key() entryKey { return entryKey{m.Kstone, m.object.Namespace, m.ClusterID} }

// holder is the one cluster of an ID that is shown; nil when there is none.
func holder(claims []*Cluster) *Cluster {
	if len(claims) == 0 || claims[0].refusal != "" {
		return nil
	}
	return claims[0]
}

// eachCluster calls visit for every cluster in the filter, with its monitors. visit must not keep the slice.
func (x *index) eachCluster(f filter, visit func(*Cluster, []*Monitor)) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, claims := range x.claims {
		if c := holder(claims); c != nil && f.includes(c) {
			visit(c, x.inspections[c.key()])
		}
	}
}

// eachMonitor calls visit for every monitor in the filter, with its cluster or nil. A monitor without a cluster has
// its own product and no scene or spec; of a fixed scope it is never, because nothing else says whose it is. The monitors
// of a cluster that is not shown are not either.
func (x *index) eachMonitor(f filter, visit func(*Cluster, *Monitor)) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for key, monitors := range x.inspections {
		c := holder(x.claims[key.clusterID])
		if c != nil && c.key() != key {
			if key.kstone && !c.kstone {
				continue // the cluster is ours too
			}
			c = nil
		}
		if c == nil && slices.ContainsFunc(x.claims[key.clusterID], func(claim *Cluster) bool { return claim.key() == key }) ||
			c != nil && !f.includes(c) {
			continue
		}
		for _, m := range monitors {
			if c != nil || f.within == nil && f.includes(&Cluster{ID: m.ClusterID, Product: m.Product}) {
				visit(c, m)
			}
		}
	}
}

// find returns the monitor that runs a check on the one cluster of the filter, and whether the cluster is known at all. Where
// several do, it is always the same one, that of the cluster's own object before others and ours before kstone's.
func (x *index) find(f filter, check string) (monitor *Monitor, clusterKnown bool) {
	isOwn := false
	x.eachMonitor(f, func(c *Cluster, m *Monitor) {
		clusterKnown = true
		if m.Check != check {
			return
		}
		own := c != nil
		if monitor == nil || own && !isOwn || own == isOwn && compareMonitors(m, monitor) < 0 {
			monitor, isOwn = m, own
		}
	})
	if !clusterKnown {
		x.eachCluster(f, func(*Cluster, []*Monitor) { clusterKnown = true })
	}
	return monitor, clusterKnown
}

func compareMonitors(a, b *Monitor) int {
	if a.Kstone != b.Kstone {
		if b.Kstone {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(a.object.Namespace, b.object.Namespace), cmp.Compare(a.object.Name, b.object.Name))
}
