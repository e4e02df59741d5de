package identity

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// recorder records, once, which etcd cluster a holder is, in the record and in its status. It is never changed by what
// members answer later: an address that was edited to another cluster's must not become this cluster.
type recorder struct {
	client  client.Client
	records *records
	members *asker
	region  string
}

// Reconcile records the etcd cluster ID of one holder.
func (r *recorder) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var c cluster
	if err := r.client.Get(ctx, request.NamespacedName, &c); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !lacksEtcdClusterID(&c) || c.DeletionTimestamp != nil || c.Refusal(r.region) != "" {
		return ctrl.Result{}, nil
	}
	stored, err := r.records.get(ctx, c.Identity())
	if err != nil {
		return ctrl.Result{}, err
	}
	if stored == nil || stored.holder != request.NamespacedName {
		return ctrl.Result{RequeueAfter: askAgain}, nil // the cache is behind the record
	}
	if stored.etcdClusterID == "" {
		if stored.etcdClusterID, err = r.members.etcdClusterID(ctx, &c); err != nil {
			log.FromContext(ctx).V(1).Info("the etcd cluster ID is not known yet", "reason", err.Error())
			return ctrl.Result{RequeueAfter: askAgain}, nil
		}
		if err := r.records.put(ctx, c.Identity(), stored); err != nil {
			return retryStale(ctrl.Result{}, err)
		}
	}
	before := c.DeepCopy()
	c.Status.EtcdClusterID = stored.etcdClusterID
	err = r.client.Status().Patch(ctx, &c, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	if apierrors.IsConflict(err) {
		return ctrl.Result{RequeueAfter: staleRetry}, nil
	}
	return ctrl.Result{}, client.IgnoreNotFound(err)
}
