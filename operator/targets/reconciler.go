package targets

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

// ConditionPublished is True on an EtcdCluster when Prometheus is told of all its members.
const ConditionPublished = "TargetsPublished"

// The reasons of the condition.
const (
	reasonPublished  = "Published"
	reasonInvalidURL = "InvalidURL"
)

// reconciler tells in each cluster's status whether its members are targets. The targets themselves are served from the
// cache, whether or not this has happened yet.
type reconciler struct {
	client client.Client
}

// Reconcile writes the condition TargetsPublished and the observed generation of one cluster.
func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var cluster etcdv1beta1.EtcdCluster
	if err := r.client.Get(ctx, request.NamespacedName, &cluster); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	before := cluster.DeepCopy()
	changed := meta.SetStatusCondition(&cluster.Status.Conditions, published(&cluster))
	if !changed && cluster.Status.ObservedGeneration == cluster.Generation {
		return ctrl.Result{}, nil
	}
	cluster.Status.ObservedGeneration = cluster.Generation
	// Other programs keep conditions in the same list: a write that is not based on the newest must fail.
	err := r.client.Status().Patch(ctx, &cluster, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	if apierrors.IsConflict(err) {
		return ctrl.Result{RequeueAfter: conflictRetry}, nil
	}
	return ctrl.Result{}, client.IgnoreNotFound(err)
}

func published(cluster *etcdv1beta1.EtcdCluster) metav1.Condition {
	groups, invalid := ofCluster(cluster)
	condition := metav1.Condition{
		Type:               ConditionPublished,
		Status:             metav1.ConditionTrue,
		Reason:             reasonPublished,
		Message:            fmt.Sprintf("%d members are targets of Prometheus", len(groups)),
		ObservedGeneration: cluster.Generation,
	}
	if len(invalid) > 0 {
		condition.Status = metav1.ConditionFalse
		condition.Reason = reasonInvalidURL
		condition.Message = errors.Join(invalid...).Error()
	}
	return condition
}
