package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

type cluster = etcdv1beta1.EtcdCluster

// reconciler decides who holds an identity. EtcdClusters are read from the cache, the record from the API server; the
// record is written before the conditions that follow from it.
type reconciler struct {
	client  client.Client
	records *records
	members *asker
	options Options
	events  events.EventRecorder
}

// Reconcile decides about one identity.
func (r *reconciler) Reconcile(ctx context.Context, identity id) (ctrl.Result, error) {
	claimants, err := r.claimants(ctx, identity)
	if err != nil {
		return ctrl.Result{}, err
	}
	if r.options.Region != "" && identity.Region != r.options.Region {
		return retryStale(ctrl.Result{}, r.updateAll(ctx, claimants, func(c *cluster) metav1.Condition {
			return refused(reasonForeignRegion, c.Refusal(r.options.Region))
		}))
	}
	decision, err := r.decide(ctx, identity, claimants)
	if err == nil {
		err = r.store(ctx, identity, decision)
	}
	if err != nil {
		return r.undecided(ctx, claimants, err)
	}
	result := ctrl.Result{}
	if decision.holder == nil && len(claimants) > 0 && decision.unconfirmed != nil {
		result.RequeueAfter = askAgain
	}
	return retryStale(result, r.updateAll(ctx, claimants, decision.condition))
}

// claimants returns the objects that claim the identity, the first to be asked first.
func (r *reconciler) claimants(ctx context.Context, identity id) ([]cluster, error) {
	var found etcdv1beta1.EtcdClusterList
	if err := r.client.List(ctx, &found, client.MatchingFields{identityField: indexKey(identity)}); err != nil {
		return nil, fmt.Errorf("look up the EtcdClusters of the clusterId %s: %w", identity.ClusterID, err)
	}
	claimants := slices.DeleteFunc(found.Items, func(c cluster) bool { return c.DeletionTimestamp != nil })
	slices.SortFunc(claimants, func(a, b cluster) int {
		if a.ClaimsBefore(&b) {
			return -1
		}
		return 1
	})
	return claimants, nil
}

// decision is who holds an identity.
type decision struct {
	identity id
	record   *record // nil when nobody claims the identity
	stored   *record // as it was

	// holder is the claimant that holds the identity; nil if it is an object that is gone, or not seen here.
	holder *cluster
	// unconfirmed says why a claimant may not take over from a holder that is gone.
	unconfirmed map[types.UID]error
}

func (r *reconciler) decide(ctx context.Context, identity id, claimants []cluster) (*decision, error) {
	stored, err := r.records.get(ctx, identity)
	if err != nil {
		return nil, err
	}
	d := &decision{identity: identity, stored: stored}
	switch {
	case stored == nil && len(claimants) == 0:
	case stored == nil:
		d.hold(firstHolder(claimants), "")
	case !r.sees(stored.holder.Namespace):
		d.record = stored
	case d.holdAgain(claimants):
	case len(claimants) > 0:
		r.takeOver(ctx, d, claimants)
	}
	return d, nil
}

// sees reports whether the manager would see an object of the namespace.
func (r *reconciler) sees(namespace string) bool {
	return len(r.options.Namespaces) == 0 || slices.Contains(r.options.Namespaces, namespace)
}

// firstHolder returns the first holder of an identity: the claimant whose status says so, if the record was lost, else the
// oldest.
func firstHolder(claimants []cluster) *cluster {
	for i := range claimants {
		if stateOf(&claimants[i]).status == metav1.ConditionTrue {
			return &claimants[i]
		}
	}
	return &claimants[0]
}

func (d *decision) hold(holder *cluster, etcdClusterID string) {
	d.holder = holder
	d.record = &record{holder: client.ObjectKeyFromObject(holder), uid: holder.UID, etcdClusterID: etcdClusterID}
	if d.stored != nil {
		d.record.object = d.stored.object
	}
}

// holdAgain lets the recorded holder keep the identity, if it is there.
func (d *decision) holdAgain(claimants []cluster) bool {
	for i := range claimants {
		if client.ObjectKeyFromObject(&claimants[i]) == d.stored.holder {
			d.hold(&claimants[i], d.stored.etcdClusterID)
			return true
		}
	}
	return false
}

// takeOver gives the identity of a holder that is gone to the first claimant whose members are the recorded etcd cluster, or
// any where the former holder's were never reached, or which a person has ordered to take over.
func (r *reconciler) takeOver(ctx context.Context, d *decision, claimants []cluster) {
	d.record, d.unconfirmed = d.stored, map[types.UID]error{}
	for i := range claimants {
		c := &claimants[i]
		if c.Annotations[etcdv1beta1.AnnotationTakeOverIdentity] == "true" {
			d.hold(c, "")
			return
		}
		found, err := r.members.etcdClusterID(ctx, c)
		switch {
		case err != nil:
			d.unconfirmed[c.UID] = err
		case d.stored.etcdClusterID != "" && d.stored.etcdClusterID != found:
			d.unconfirmed[c.UID] = fmt.Errorf("they are the etcd cluster %s", found)
		default:
			d.hold(c, found)
			return
		}
	}
}

// store writes the record of the decision, or removes it when nobody claims the identity any more.
func (r *reconciler) store(ctx context.Context, identity id, d *decision) error {
	if d.record != nil {
		return r.records.put(ctx, identity, d.record)
	}
	if d.stored != nil {
		return r.records.remove(ctx, d.stored)
	}
	return nil
}

// undecided answers a failure. Claimants without a decision go on as before; their condition says what is wrong.
func (r *reconciler) undecided(ctx context.Context, claimants []cluster, err error) (ctrl.Result, error) {
	if apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) {
		return ctrl.Result{RequeueAfter: staleRetry}, nil
	}
	told := r.updateAll(ctx, claimants, func(c *cluster) metav1.Condition {
		if state := stateOf(c); state.status == metav1.ConditionTrue || state.status == metav1.ConditionFalse {
			return *meta.FindStatusCondition(c.Status.Conditions, etcdv1beta1.ConditionIdentityHeld)
		}
		return metav1.Condition{
			Type: etcdv1beta1.ConditionIdentityHeld, Status: metav1.ConditionUnknown, Reason: reasonNotRecorded,
			Message: "Who holds the clusterId cannot be recorded: see the operator's log, and apply deploy/rbac/identities.yaml.",
		}
	})
	return ctrl.Result{}, errors.Join(err, told)
}

func retryStale(result ctrl.Result, err error) (ctrl.Result, error) {
	if apierrors.IsConflict(err) {
		return ctrl.Result{RequeueAfter: staleRetry}, nil
	}
	return result, err
}
