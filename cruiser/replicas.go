package cruiser

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

const (
	// leaseDuration is how long a replica that does not renew its Lease counts as alive; then its share is taken over.
	leaseDuration = 15 * time.Second

	// renewInterval is how often a replica renews its Lease and reads those of the others.
	renewInterval = 3 * time.Second

	// fenceMargin is how long before its Lease expires a replica stops starting runs.
	fenceMargin = 5 * time.Second

	// abandonedAfter is when the Lease of a dead replica is deleted.
	abandonedAfter = 10 * time.Minute

	// leaseLabel marks the Leases of replicas; its value is the provider.
	leaseLabel = "etcd.cloud.tencent.com/cruiser"
)

// replicas divides the clusters among the live replicas. Each replica renews a Lease of its own and reads those of
// the others; a cluster belongs to the one with the highest hash of its name and the cluster's (rendezvous hashing,
// Thaler and Ravishankar 1998), so that a replica that comes or goes moves only its own share.
//
// A replica that joins starts no run until the others know of it, and one that learns that a cluster is no longer its own
// ends its run there, see hold. Two that disagree for longer, because the API server is slow, may run one inspection
// twice for as long as a renewal takes, but it gets one record: see storeResult.
type replicas struct {
	client    client.Client // writes
	live      client.Reader // reads from the API server: Leases are not worth a cache
	namespace string
	provider  string
	self      string

	// changed is called when the division changed. Its context ends with the replica.
	changed func(ctx context.Context)

	mu      sync.Mutex
	members []string
	renewed time.Time
	holds   map[*hold]bool

	// handedOver is when the others have let go of what became this replica's when it joined.
	handedOver time.Time

	// seen is when each replica's Lease was last seen to change, by this machine's clock: those of others may be wrong.
	seen map[string]sighting
}

type sighting struct {
	renewTime metav1.MicroTime
	at        time.Time
}

// Start implements manager.Runnable: it takes part until ctx ends, and deletes its Lease when it leaves. Any error of the
// API server may be gone at the next attempt: a server that has just started forbids everything for a moment.
func (r *replicas) Start(ctx context.Context) error {
	ticker := time.NewTicker(renewInterval)
	defer ticker.Stop()
	// A renewal may hang for as long as the Lease lasts, so a timer of its own watches the end of the Lease.
	fence := time.AfterFunc(leaseDuration-fenceMargin, r.letGo)
	defer fence.Stop()
	for {
		if err := r.refresh(ctx); err != nil {
			log.FromContext(ctx).Error(r.explain(err), "the Lease was not renewed; no run begins until it is",
				"lease", r.leaseName(r.self))
		}
		fence.Reset(max(0, time.Until(r.believedUntil())))
		select {
		case <-ctx.Done():
			return r.leave(ctx)
		case <-ticker.C:
		}
	}
}

// explain adds to an error what to do if it stays.
func (r *replicas) explain(err error) error {
	if apierrors.IsForbidden(err) || apierrors.IsNotFound(err) {
		return fmt.Errorf("%w: apply deploy/rbac/accounts.yaml and deploy/rbac/leases.yaml, which are for the namespace etcd-fleet, or set "+
			"--lease-namespace, now %s", err, r.namespace)
	}
	return err
}

// ready is a readiness check: the error says that this replica starts no runs.
func (r *replicas) ready(*http.Request) error {
	if !r.takesPart() {
		return errors.New("the Lease of this replica is not renewed: see the log")
	}
	return nil
}

// owns reports whether the cluster is this replica's to inspect, now.
func (r *replicas) owns(cluster types.NamespacedName) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ownsNow(cluster)
}

// ownsNow is owns for a caller that holds mu.
func (r *replicas) ownsNow(cluster types.NamespacedName) bool {
	return r.isRenewed() && owner(r.members, cluster) == r.self
}

func (r *replicas) takesPart() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.isRenewed()
}

// isRenewed reports whether the others certainly consider this replica alive. The caller holds mu.
func (r *replicas) isRenewed() bool {
	return time.Since(r.renewed) < leaseDuration-fenceMargin
}

// believedUntil is when this replica stops taking part unless its Lease is renewed before.
func (r *replicas) believedUntil() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.renewed.Add(leaseDuration - fenceMargin)
}

// owner returns the member with the highest hash, "" if there is none.
func owner(members []string, cluster types.NamespacedName) string {
	best, highest := "", uint64(0)
	for _, member := range members {
		hash := xxhash.Sum64String(member + "\x00" + cluster.String())
		if best == "" || hash > highest {
			best, highest = member, hash
		}
	}
	return best
}

// refresh renews the own Lease and reads which replicas are alive.
func (r *replicas) refresh(ctx context.Context) error {
	bounded, cancel := context.WithTimeout(ctx, leaseDuration-fenceMargin)
	defer cancel()
	begin := time.Now()
	if err := r.renew(bounded); err != nil {
		return err
	}
	var leases coordinationv1.LeaseList
	err := r.live.List(bounded, &leases, client.InNamespace(r.namespace), client.MatchingLabels{leaseLabel: r.provider})
	if err != nil {
		return err
	}
	members, abandoned := r.sight(leases.Items, begin)
	r.mu.Lock()
	lapsed := begin.Sub(r.renewed) >= leaseDuration-fenceMargin
	changed := lapsed || !slices.Equal(members, r.members)
	r.members, r.renewed = members, begin
	if lapsed && len(members) > 1 {
		r.handedOver = time.Now().Add(handover)
	}
	r.mu.Unlock()
	if changed {
		log.FromContext(ctx).Info("the clusters are divided again", "replicas", members)
		r.letGo()
		r.changed(ctx)
	}
	for i := range abandoned {
		_ = client.IgnoreNotFound(r.client.Delete(bounded, &abandoned[i])) // the next round tries again
	}
	return nil
}

// sight returns whose Leases were renewed lately, sorted, and which are abandoned.
func (r *replicas) sight(leases []coordinationv1.Lease, now time.Time) (members []string, abandoned []coordinationv1.Lease) {
	seen := map[string]sighting{}
	for _, lease := range leases {
		if lease.Spec.HolderIdentity == nil || lease.Spec.RenewTime == nil {
			continue
		}
		name := *lease.Spec.HolderIdentity
		last, known := r.seen[name]
		if !known || !last.renewTime.Equal(lease.Spec.RenewTime) {
			last = sighting{renewTime: *lease.Spec.RenewTime, at: now}
		}
		seen[name] = last
		switch silence := now.Sub(last.at); {
		case silence < leaseDuration:
			members = append(members, name)
		case silence > abandonedAfter:
			abandoned = append(abandoned, lease)
		}
	}
	r.seen = seen
	slices.Sort(members)
	return members, abandoned
}

func (r *replicas) renew(ctx context.Context) error {
	now := metav1.NowMicro()
	var lease coordinationv1.Lease
	err := r.live.Get(ctx, types.NamespacedName{Namespace: r.namespace, Name: r.leaseName(r.self)}, &lease)
	if apierrors.IsNotFound(err) {
		seconds := int32(leaseDuration.Seconds())
		return r.client.Create(ctx, &coordinationv1.Lease{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: r.namespace, Name: r.leaseName(r.self), Labels: map[string]string{leaseLabel: r.provider},
			},
			Spec: coordinationv1.LeaseSpec{
				HolderIdentity: &r.self, LeaseDurationSeconds: &seconds, AcquireTime: &now, RenewTime: &now,
			},
		})
	}
	if err != nil {
		return err
	}
	lease.Spec.RenewTime = &now
	return r.client.Update(ctx, &lease)
}

// leave deletes the own Lease, so that the others need not wait for it to run out.
func (r *replicas) leave(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), renewInterval)
	defer cancel()
	lease := coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: r.leaseName(r.self)}}
	if err := client.IgnoreNotFound(r.client.Delete(ctx, &lease)); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		log.FromContext(ctx).Error(err, "the Lease was not deleted; the other replicas wait for it to run out")
	}
	return nil
}

func (r *replicas) leaseName(replica string) string { return r.provider + "-" + replica }
