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
	// leaseDuration is how long a replica that says nothing is believed alive: its share is taken over after it.
	leaseDuration = 15 * time.Second

	// renewInterval is how often a replica says that it lives, and looks who else does.
	renewInterval = 3 * time.Second

	// fenceMargin is how long before its Lease runs out a replica begins no more runs.
	fenceMargin = 5 * time.Second

	// abandonedAfter is when the Lease of a dead replica is deleted.
	abandonedAfter = 10 * time.Minute

	// leaseLabel marks the Leases of replicas; its value is the provider.
	leaseLabel = "etcd.cloud.tencent.com/cruiser"
)

// replicas divides the clusters among the replicas that live. Each replica renews a Lease of its own and reads those of
// the others; a cluster belongs to the one with the highest hash of its name and the cluster's (rendezvous hashing,
// Thaler and Ravishankar 1998), so that a replica that comes or goes moves only its own share.
//
// Two replicas that disagree for a moment may run one inspection twice, but it gets one record: see storeResult.
type replicas struct {
	client    client.Client // writes
	live      client.Reader // reads past the cache: Leases are not worth one
	namespace string
	provider  string
	self      string

	// changed is called when the division changed. Its context ends with the replica.
	changed func(ctx context.Context)

	mu      sync.Mutex
	members []string
	renewed time.Time

	// seen is when each replica's Lease was last seen to change, by this machine's clock: those of others may be wrong.
	seen map[string]sighting
}

type sighting struct {
	renewTime metav1.MicroTime
	at        time.Time
}

// Start implements manager.Runnable: it takes part until ctx ends, and tells the others when it leaves. Whatever the API
// server answers may be over at the next attempt: one that has just started forbids everything for a moment.
func (r *replicas) Start(ctx context.Context) error {
	ticker := time.NewTicker(renewInterval)
	defer ticker.Stop()
	for {
		if err := r.refresh(ctx); err != nil {
			log.FromContext(ctx).Error(r.explain(err), "the Lease was not renewed; no run begins until it is",
				"lease", r.leaseName(r.self))
		}
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
		return fmt.Errorf("%w: create the namespace %s and apply deploy/rbac/cruiser.yaml", err, r.namespace)
	}
	return err
}

// ready is a readiness check: the error says that this replica begins no runs.
func (r *replicas) ready(*http.Request) error {
	if !r.takesPart() {
		return errors.New("the Lease of this replica is not renewed: see the log")
	}
	return nil
}

// owns reports whether the cluster is this replica's to inspect, now.
func (r *replicas) owns(cluster types.NamespacedName) bool {
	if !r.takesPart() {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return owner(r.members, cluster) == r.self
}

func (r *replicas) takesPart() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Since(r.renewed) < leaseDuration-fenceMargin
}

// owner returns the member with the highest hash, "" when there is none.
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

// refresh renews the own Lease and learns who lives.
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
	r.mu.Unlock()
	if changed {
		log.FromContext(ctx).Info("the clusters are divided anew", "replicas", members)
		r.changed(ctx)
	}
	for i := range abandoned {
		_ = client.IgnoreNotFound(r.client.Delete(bounded, &abandoned[i])) // the next round tries again
	}
	return nil
}

// sight tells whose Leases were renewed lately, sorted, and which are abandoned.
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
