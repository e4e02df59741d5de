package inventory

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// State says how far a region's data can be relied on.
type State string

const (
	// Live means that changes arrive as they happen.
	Live State = "live"
	// Stale means that the data is what was last seen: the API server cannot be reached now.
	Stale State = "stale"
	// Syncing means that the first synchronisation is under way.
	Syncing State = "syncing"
	// Failed means that the API server was never reached.
	Failed State = "failed"
)

// Status is a region's freshness at one moment.
type Status struct {
	// Name is the region's.
	Name  string
	State State
	// Since is when the state began. For Stale that is the last moment at which the data is known to have been
	// current.
	Since time.Time
	// Err is what is wrong, nil when nothing is.
	Err error
	// LeftOut are the EtcdClusters that are not shown.
	LeftOut []LeftOut
}

// freshness works out a region's state from its signals: the watches and a probe. A watch alone is not enough: on a
// server that hangs or behind a lost route it is silent for minutes.
type freshness struct {
	now     func() time.Time
	onState func(Status)
	// firstSync is closed when the first synchronization has succeeded or failed: when the state leaves Syncing.
	firstSync     chan struct{}
	firstSyncOnce sync.Once

	mu       sync.Mutex
	status   Status
	failures map[string]error
	unsynced map[string]bool
	// confirmed is the last moment at which everything was known to be well.
	confirmed time.Time
}

// newFreshness starts in state Syncing until every one of the streams has synced. onState is called at every change of
// the state.
func newFreshness(name string, now func() time.Time, onState func(Status), streams ...string) *freshness {
	f := &freshness{
		now:       now,
		onState:   onState,
		firstSync: make(chan struct{}),
		status:    Status{Name: name, State: Syncing, Since: now()},
		failures:  map[string]error{},
		unsynced:  map[string]bool{},
	}
	for _, stream := range streams {
		f.unsynced[stream] = true
	}
	return f
}

// signal records how a stream or the probe fares; nil is well.
func (f *freshness) signal(source string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.failures, source)
	if err != nil {
		f.failures[source] = err
	}
	f.update()
}

// synced records that a stream has delivered everything once. Only the first call for a stream counts.
func (f *freshness) synced(stream string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.unsynced[stream] {
		return
	}
	delete(f.unsynced, stream)
	f.confirmed = f.now()
	f.update()
}

func (f *freshness) current() Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.status
}

func (f *freshness) update() {
	now := f.now()
	state := stateOf(len(f.unsynced) == 0, len(f.failures) == 0)
	if state == Live {
		f.confirmed = now
	}
	if state != Syncing {
		f.firstSyncOnce.Do(func() { close(f.firstSync) })
	}
	f.status.Err = nil
	for _, source := range slices.Sorted(maps.Keys(f.failures)) {
		f.status.Err = f.failures[source]
	}
	if state == f.status.State {
		return
	}
	f.status.State, f.status.Since = state, now
	if state == Stale {
		f.status.Since = f.confirmed
	}
	f.onState(f.status)
}

func stateOf(synced, well bool) State {
	switch {
	case synced && well:
		return Live
	case synced:
		return Stale
	case well:
		return Syncing
	}
	return Failed
}
