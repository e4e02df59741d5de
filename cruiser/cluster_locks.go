package cruiser

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// clusterLocks keep two runs from loading one cluster at once.
type clusterLocks struct {
	mu     sync.Mutex
	locked map[types.NamespacedName]bool
}

func newClusterLocks() *clusterLocks {
	return &clusterLocks{locked: map[types.NamespacedName]bool{}}
}

// tryLock returns false while another run has the cluster.
func (l *clusterLocks) tryLock(cluster types.NamespacedName) (unlock func(), ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.locked[cluster] {
		return nil, false
	}
	l.locked[cluster] = true
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.locked, cluster)
	}, true
}
