package targets

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/operator/onboarding"
)

// ConditionPublished is True on an EtcdCluster when all its members are targets that Prometheus can scrape.
const ConditionPublished = "TargetsPublished"

// The reasons of the condition.
const (
	reasonPublished  = "Published"
	reasonInvalidURL = "InvalidURL"

	// reasonNotHeld says that the object may not be published at all, reasonNotScrapable that Prometheus lacks the Secret.
	reasonNotHeld      = "IdentityNotHeld"
	reasonNotScrapable = "NotScrapable"
)

// reconciler writes into each cluster's status whether its members are targets. The targets themselves are served from the
// cache, whether or not this has happened yet.
type reconciler struct {
	client client.Client
	region string

	// awaitsScrapes is true if the status says which members were scraped.
	awaitsScrapes bool
}

// Reconcile writes the condition TargetsPublished and the observed generation of one cluster.
func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var cluster etcdv1beta1.EtcdCluster
	if err := r.client.Get(ctx, request.NamespacedName, &cluster); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	before := cluster.DeepCopy()
	changed := meta.SetStatusCondition(&cluster.Status.Conditions, r.published(&cluster))
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

func (r *reconciler) published(cluster *etcdv1beta1.EtcdCluster) metav1.Condition {
	groups, invalid := ofCluster(cluster)
	condition := metav1.Condition{
		Type:               ConditionPublished,
		Status:             metav1.ConditionTrue,
		Reason:             reasonPublished,
		Message:            fmt.Sprintf("%d members are targets of Prometheus", len(groups)),
		ObservedGeneration: cluster.Generation,
	}
	refusal := cluster.Refusal(r.region)
	unreadable := r.notScrapable(cluster)
	switch {
	case refusal != "":
		condition.Status, condition.Reason = metav1.ConditionFalse, reasonNotHeld
		condition.Message = refusal
	case len(invalid) > 0:
		condition.Status, condition.Reason = metav1.ConditionFalse, reasonInvalidURL
		condition.Message = errors.Join(invalid...).Error()
	case len(unreadable) > 0:
		condition.Status, condition.Reason = metav1.ConditionFalse, reasonNotScrapable
		condition.Message = fmt.Sprintf("Prometheus cannot scrape the members %s so: they serve /metrics over https with the "+
			"certificates of the Secret %s, which Prometheus does not have. Start them with "+
			"--listen-metrics-urls=http://<address>:2381 and name that address in the member's metricsURL.",
			strings.Join(unreadable, ", "), cluster.Spec.TLS.SecretName)
	}
	return condition
}

// notScrapable returns the members that Prometheus has no certificates for, but not those that it was seen to scrape: its
// job may have certificates of its own.
func (r *reconciler) notScrapable(cluster *etcdv1beta1.EtcdCluster) []string {
	return slices.DeleteFunc(onboarding.BehindSecret(&cluster.Spec), func(name string) bool {
		return r.awaitsScrapes && onboarding.IsSeen(cluster, name)
	})
}
