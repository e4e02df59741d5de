package inventory

import (
	"cmp"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// index holds one region's clusters and monitors, joined: a query walks it without copying objects. Its objects are
// immutable, so a reader may keep them after the walk.
type index struct {
	clusters, kstoneClusters *shelf[*Cluster]
	monitors, kstoneMonitors *shelf[*Monitor]

	mu      sync.RWMutex
	entries map[entryKey]*entry
	// ours counts our own clusters of each ID: what kstone has of them is left out.
	ours map[string]int
}

// entryKey joins the two kinds: an EtcdMonitor inspects the EtcdCluster of its namespace with the same clusterId, and
// kstone's inspections its own clusters.
type entryKey struct {
	kstone               bool
	namespace, clusterID string
}

type entry struct {
	cluster  *Cluster
	monitors []*Monitor
}

func newIndex() *index {
	x := &index{entries: map[entryKey]*entry{}, ours: map[string]int{}}
	x.clusters = newShelf(&x.mu, x.addCluster, x.removeCluster)
	x.monitors = newShelf(&x.mu, x.addMonitor, x.removeMonitor)
	x.kstoneClusters = newShelf(&x.mu, x.addCluster, x.removeCluster)
	x.kstoneMonitors = newShelf(&x.mu, x.addMonitor, x.removeMonitor)
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
	x.entry(c.key()).cluster = c
	if !c.kstone {
		x.ours[c.ID]++
	}
}

func (x *index) removeCluster(c *Cluster) {
	if !c.kstone {
		if x.ours[c.ID]--; x.ours[c.ID] == 0 {
			delete(x.ours, c.ID)
		}
	}
	key := c.key()
	if e, ok := x.entries[key]; ok && e.cluster == c {
		e.cluster = nil
		x.dropIfEmpty(key)
	}
}

func (x *index) addMonitor(m *Monitor) {
	e := x.entry(m.key())
	e.monitors = append(e.monitors, m)
}

func (x *index) removeMonitor(m *Monitor) {
	key := m.key()
	e := x.entries[key]
	e.monitors = slices.DeleteFunc(e.monitors, func(other *Monitor) bool { return other == m })
	x.dropIfEmpty(key)
}

func (c *Cluster) key() entryKey { return entryKey{c.kstone, c.object.Namespace, c.ID} }

func (m *Monitor) key() entryKey { return entryKey{m.Kstone, m.object.Namespace, m.ClusterID} }

func (x *index) entry(key entryKey) *entry {
	e, ok := x.entries[key]
	if !ok {
		e = &entry{}
		x.entries[key] = e
	}
	return e
}

func (x *index) dropIfEmpty(key entryKey) {
	if e := x.entries[key]; e.cluster == nil && len(e.monitors) == 0 {
		delete(x.entries, key)
	}
}

// isHidden is whether an entry is kstone's and the cluster ours too. The series of both have the same labels, so the
// namespace makes no difference.
func (x *index) isHidden(key entryKey) bool { return key.kstone && x.ours[key.clusterID] > 0 }

// eachCluster calls visit for every cluster in the filter, with its monitors. visit must not keep the slice.
func (x *index) eachCluster(f filter, visit func(*Cluster, []*Monitor)) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for key, e := range x.entries {
		if c := e.cluster; c != nil && !x.isHidden(key) && f.matches(c.Product, c.Scene, c.Spec, c.ID) {
			visit(c, e.monitors)
		}
	}
}

// eachMonitor calls visit for every monitor in the filter, with its cluster or nil. A monitor without a cluster has
// its own product and no scene or spec.
func (x *index) eachMonitor(f filter, visit func(*Cluster, *Monitor)) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for key, e := range x.entries {
		c := e.cluster
		if x.isHidden(key) || c != nil && !f.matches(c.Product, c.Scene, c.Spec, c.ID) {
			continue
		}
		for _, m := range e.monitors {
			if c != nil || f.matches(m.Product, "", "", m.ClusterID) {
				visit(c, m)
			}
		}
	}
}

// find returns the monitor that runs a check on a cluster, and whether the cluster is known at all. Where several do,
// it is always the same one, and ours before kstone's.
func (x *index) find(clusterID, check string) (monitor *Monitor, clusterKnown bool) {
	x.eachMonitor(newFilter(Scope{Cluster: []string{clusterID}}), func(_ *Cluster, m *Monitor) {
		clusterKnown = true
		if m.Check == check && (monitor == nil || compareMonitors(m, monitor) < 0) {
			monitor = m
		}
	})
	if !clusterKnown {
		x.eachCluster(newFilter(Scope{Cluster: []string{clusterID}}), func(*Cluster, []*Monitor) { clusterKnown = true })
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
