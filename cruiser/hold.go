package cruiser

import (
	"context"
	"errors"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// handover is how long a replica that joins leaves the clusters to those that had them: a renewal, by which they learn of
// it, and what that may take.
const handover = renewInterval + time.Second

// errNotOurs ends a run whose cluster became another replica's, or may have.
var errNotOurs = errors.New("another replica inspects the cluster now")

// hold is a run under way.
type hold struct {
	cluster types.NamespacedName
	end     context.CancelCauseFunc
}

// hold returns the context of a run, which ends with errNotOurs as soon as the cluster is not this replica's any more, or
// may not be: a scan that continued would load the cluster together with that of the new owner. The run calls
// release at its end.
func (r *replicas) hold(ctx context.Context, cluster types.NamespacedName) (held context.Context, release func()) {
	held, end := context.WithCancelCause(ctx)
	run := &hold{cluster: cluster, end: end}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.holds == nil {
		r.holds = map[*hold]bool{}
	}
	r.holds[run] = true
	if !r.ownsNow(cluster) {
		end(errNotOurs)
	}
	return held, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.holds, run)
		end(nil)
	}
}

// letGo ends the runs that are not this replica's any more.
func (r *replicas) letGo() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for run := range r.holds {
		if !r.ownsNow(run.cluster) {
			run.end(errNotOurs)
		}
	}
}

// untilHandedOver is how long this replica starts no run because the others may not know of it yet.
func (r *replicas) untilHandedOver() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Until(r.handedOver)
}
