package cruiser

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// clusterLocks keep two runs from loading one cluster at once: an expensive one and one that is not may, so that a scan
// of hours holds up no alarm.
type clusterLocks struct {
	mu     sync.Mutex
	locked map[clusterLock]bool
}

type clusterLock struct {
	cluster   types.NamespacedName
	expensive bool
}

func newClusterLocks() *clusterLocks {
	return &clusterLocks{locked: map[clusterLock]bool{}}
}

// tryLock returns false while another run of the same kind has the cluster.
func (l *clusterLocks) tryLock(wanted clusterLock) (unlock func(), ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.locked[wanted] {
		return nil, false
	}
	l.locked[wanted] = true
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.locked, wanted)
	}, true
}
