package cruiser

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

// cacheLagLimit is how long the cache may take to show a write. After that the cache counts, so that an API server
// restored from a backup, whose versions continue from an earlier one, stops nothing.
const cacheLagLimit = 10 * time.Second

// ownWrites remembers the version of each monitor that was written last. While the cache still shows an older one, the
// monitor looks as if its run were still due.
type ownWrites struct {
	mu       sync.Mutex
	versions map[types.NamespacedName]ownWrite
}

type ownWrite struct {
	version string
	at      time.Time
}

func newOwnWrites() *ownWrites {
	return &ownWrites{versions: map[types.NamespacedName]ownWrite{}}
}

func (w *ownWrites) note(monitor types.NamespacedName, version string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.versions[monitor] = ownWrite{version: version, at: time.Now()}
}

// include reports whether the monitor, as read from the cache, includes the last write.
func (w *ownWrites) include(monitor *etcdv1beta1.EtcdMonitor) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	last, written := w.versions[keyOf(monitor)]
	if !written || time.Since(last.at) > cacheLagLimit {
		return true
	}
	order, err := resourceversion.CompareResourceVersion(monitor.ResourceVersion, last.version)
	return err != nil || order >= 0
}

func (w *ownWrites) forget(monitor types.NamespacedName) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.versions, monitor)
}
