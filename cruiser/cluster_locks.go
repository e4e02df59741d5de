package cruiser

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

const (
	// A monitor whose cluster another run has is looked at again after busyRetry, and after as much more for each
	// busyRefusals that there were during that run, up to lastBusyRetry: thousands of monitors of one cluster, which
	// somebody made by mistake, would keep the workers from all others.
	busyRetry     = 250 * time.Millisecond
	busyRefusals  = 100
	lastBusyRetry = time.Minute
)

// clusterLocks keep two runs from loading one cluster at once: an expensive one and one that is not may, so that a scan
// of hours holds up no alarm.
type clusterLocks struct {
	mu sync.Mutex

	// locked has how often each lock was refused while it was held.
	locked map[clusterLock]int
}

type clusterLock struct {
	cluster   types.NamespacedName
	expensive bool
}

func newClusterLocks() *clusterLocks {
	return &clusterLocks{locked: map[clusterLock]int{}}
}

// tryLock returns no unlock while another run of the same kind has the cluster, but when to try again.
func (l *clusterLocks) tryLock(wanted clusterLock) (unlock func(), retry time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if refused, isLocked := l.locked[wanted]; isLocked {
		l.locked[wanted]++
		return nil, min(busyRetry*time.Duration(1+refused/busyRefusals), lastBusyRetry)
	}
	l.locked[wanted] = 0
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.locked, wanted)
	}, 0
}
