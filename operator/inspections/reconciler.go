package inspections

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

// ConditionApplied is True on an EtcdCluster that has an EtcdMonitor for each check that the policies want.
const ConditionApplied = "InspectionsApplied"

// The reasons of the condition.
const (
	reasonApplied       = "Applied"
	reasonNotApplied    = "NotApplied"
	reasonInvalidPolicy = "InvalidPolicy"

	// reasonNotHeld says that the object may not be inspected at all: see its condition IdentityHeld.
	reasonNotHeld = "IdentityNotHeld"
)

type cluster = etcdv1beta1.EtcdCluster

// errStale says that the cache is behind the API server: the plan must be made again.
var errStale = errors.New("the cache is not the newest")

// reconciler gives clusters the EtcdMonitors that policies want. Its requests name a namespace and a spec.clusterId, not
// an object, so that monitors are deleted whose EtcdCluster is gone. All reads are from the cache.
type reconciler struct {
	client   client.Client
	region   string
	declared Declared
}

// Reconcile creates, updates and deletes the monitors of one cluster.
func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	cluster, refused, err := r.cluster(ctx, request.NamespacedName)
	if err != nil {
		return ctrl.Result{}, err
	}
	if err := r.updateRefused(ctx, refused); err != nil {
		return retryStale(err)
	}
	if cluster == nil && len(refused) > 0 {
		return ctrl.Result{}, nil // its monitors stay, with their histories, for when it is admitted; cruiser does not run them
	}
	todo, invalid, err := r.plan(ctx, request.NamespacedName, cluster)
	if err != nil {
		return ctrl.Result{}, err
	}
	failed := r.carryOut(ctx, todo)
	if errors.Is(failed, errStale) {
		return ctrl.Result{RequeueAfter: staleRetry}, nil
	}
	if cluster == nil {
		return ctrl.Result{}, failed
	}
	failedUpdate := r.updateCondition(ctx, cluster, applied(todo, invalid, failed))
	if errors.Is(failedUpdate, errStale) && failed == nil {
		return ctrl.Result{RequeueAfter: staleRetry}, nil
	}
	return ctrl.Result{}, errors.Join(failed, failedUpdate)
}

// cluster returns the cluster of that spec.clusterId, or nil, and the objects that may not be inspected under it. Where
// clusters of two regions have one clusterId in a namespace, the older counts, since monitors name no region.
func (r *reconciler) cluster(ctx context.Context, id types.NamespacedName) (holder *cluster, refused []*cluster, err error) {
	var found etcdv1beta1.EtcdClusterList
	if err := r.client.List(ctx, &found, client.InNamespace(id.Namespace), client.MatchingFields{clusterIDField: id.Name}); err != nil {
		return nil, nil, fmt.Errorf("look up the EtcdCluster %s: %w", id.Name, err)
	}
	clusters := slices.DeleteFunc(found.Items, func(c cluster) bool { return c.DeletionTimestamp != nil })
	for _, c := range etcdv1beta1.Holders(clusters, r.region) {
		if holder == nil || c.ClaimsBefore(holder) {
			holder = c
		}
	}
	for i := range clusters {
		if clusters[i].Refusal(r.region) != "" {
			refused = append(refused, &clusters[i])
		}
	}
	return holder, refused, nil
}

// updateRefused makes the conditions of objects that may not be inspected say so.
func (r *reconciler) updateRefused(ctx context.Context, refused []*cluster) error {
	for _, c := range refused {
		condition := metav1.Condition{
			Type: ConditionApplied, Status: metav1.ConditionFalse, Reason: reasonNotHeld, Message: c.Refusal(r.region),
		}
		if err := r.updateCondition(ctx, c, condition); err != nil {
			return err
		}
	}
	return nil
}

func retryStale(err error) (ctrl.Result, error) {
	if errors.Is(err, errStale) {
		return ctrl.Result{RequeueAfter: staleRetry}, nil
	}
	return ctrl.Result{}, err
}

// plan compares what is there with what the policies want. As long as the selector of a policy is invalid, a cluster stays as it is:
// without that policy, checks would run that it disables and monitors go, with their history, that it wants.
func (r *reconciler) plan(
	ctx context.Context, id types.NamespacedName, cluster *etcdv1beta1.EtcdCluster,
) (todo plan, invalid, err error) {
	var monitors etcdv1beta1.EtcdMonitorList
	if err := r.client.List(ctx, &monitors, client.InNamespace(id.Namespace), client.MatchingFields{clusterIDField: id.Name}); err != nil {
		return plan{}, nil, fmt.Errorf("look up the EtcdMonitors of %s: %w", id.Name, err)
	}
	if cluster == nil {
		return newPlan(nil, nil, monitors.Items), nil, nil
	}
	policies, err := policiesOf(ctx, r.client, id.Namespace, r.declared)
	if err != nil {
		return plan{}, nil, err
	}
	if invalid := policies.err(); invalid != nil {
		return plan{}, invalid, nil
	}
	return newPlan(cluster, policies.wanted(policies.selection(cluster)), monitors.Items), nil, nil
}

func policiesOf(ctx context.Context, reader client.Reader, namespace string, declared Declared) (policies, error) {
	var list etcdv1beta1.EtcdInspectionPolicyList
	if err := reader.List(ctx, &list, client.InNamespace(namespace)); err != nil {
		return policies{}, fmt.Errorf("list the EtcdInspectionPolicies of %s: %w", namespace, err)
	}
	return newPolicies(list.Items, declared), nil
}

// carryOut does what is planned. What fails does not keep the rest from being done.
func (r *reconciler) carryOut(ctx context.Context, todo plan) error {
	problems := todo.problems
	for _, monitor := range todo.create {
		problems = append(problems, r.create(ctx, monitor))
	}
	for _, change := range todo.update {
		problems = append(problems, r.update(ctx, change))
	}
	for _, monitor := range todo.remove {
		problems = append(problems, r.remove(ctx, monitor))
	}
	if written := len(todo.create) + len(todo.update) + len(todo.remove); written > 0 {
		log.FromContext(ctx).Info("applied the policies",
			"created", len(todo.create), "updated", len(todo.update), "deleted", len(todo.remove))
	}
	return errors.Join(problems...)
}

func (r *reconciler) create(ctx context.Context, monitor *etcdv1beta1.EtcdMonitor) error {
	err := r.client.Create(ctx, monitor)
	if apierrors.IsAlreadyExists(err) {
		return r.taken(ctx, monitor)
	}
	return failure("create", monitor, err)
}

// taken says who has the monitor's name: another cluster and check, since a-b of c is named as b-c of a would be, or this
// one's own monitor, which has not reached the cache yet.
func (r *reconciler) taken(ctx context.Context, monitor *etcdv1beta1.EtcdMonitor) error {
	var other etcdv1beta1.EtcdMonitor
	err := r.client.Get(ctx, client.ObjectKeyFromObject(monitor), &other)
	if apierrors.IsNotFound(err) || err == nil && other.Spec.ClusterID == monitor.Spec.ClusterID && other.Spec.MetricName == monitor.Spec.MetricName {
		return errStale
	}
	if err != nil {
		return failure("create", monitor, err)
	}
	return fmt.Errorf("the name of the EtcdMonitor %s is taken by the check %s of the cluster %s: "+
		"create an EtcdMonitor of another name for the check %s",
		monitor.Name, other.Spec.MetricName, other.Spec.ClusterID, monitor.Spec.MetricName)
}

// update writes what differs and nothing else, so the history, which is in the status, stays.
func (r *reconciler) update(ctx context.Context, change change) error {
	base := client.MergeFromWithOptions(change.from, client.MergeFromWithOptimisticLock{})
	err := r.client.Patch(ctx, change.to, base)
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return errStale
	}
	return failure("update", change.to, err)
}

// remove deletes the very version that was seen: a person may have taken the monitor over since.
func (r *reconciler) remove(ctx context.Context, monitor *etcdv1beta1.EtcdMonitor) error {
	seen := client.Preconditions{UID: &monitor.UID, ResourceVersion: &monitor.ResourceVersion}
	err := client.IgnoreNotFound(r.client.Delete(ctx, monitor, seen))
	if apierrors.IsConflict(err) {
		return errStale
	}
	return failure("delete", monitor, err)
}

func failure(doing string, monitor *etcdv1beta1.EtcdMonitor, err error) error {
	if err == nil {
		return nil
	}
	if apierrors.IsForbidden(err) {
		return fmt.Errorf("%s the EtcdMonitor %s: %w: if the operator's account lacks the right, run kubectl --namespace %s apply -f "+
			"deploy/rbac/namespace", doing, monitor.Name, err, monitor.Namespace)
	}
	return fmt.Errorf("%s the EtcdMonitor %s: %w", doing, monitor.Name, err)
}

// applied is what the condition says of a cluster.
func applied(todo plan, invalid, failed error) metav1.Condition {
	condition := metav1.Condition{Type: ConditionApplied, Status: metav1.ConditionTrue, Reason: reasonApplied}
	switch {
	case invalid != nil:
		condition.Status, condition.Reason = metav1.ConditionFalse, reasonInvalidPolicy
		condition.Message = "the cluster's inspections stay as they are: " + invalid.Error()
	case failed != nil:
		condition.Status, condition.Reason = metav1.ConditionFalse, reasonNotApplied
		condition.Message = failed.Error()
	case len(todo.lacking) > 0:
		// Clusters that have the monitors already get no condition: the policy's own is enough.
		condition.Status, condition.Reason = metav1.ConditionFalse, reasonInvalidPolicy
		condition.Message = describeLacking(todo.lacking)
	case todo.wanted == 0:
		condition.Message = "no EtcdInspectionPolicy wants the cluster to be inspected"
	default:
		condition.Message = fmt.Sprintf("%d inspections, %d of them by EtcdMonitors that people created", todo.wanted, todo.byPeople)
	}
	return condition
}

// describeLacking says which policy must be corrected for each check.
func describeLacking(lacking []decision) string {
	var sentences []string
	for _, decision := range lacking {
		sentences = append(sentences, fmt.Sprintf("the check %s is not created: EtcdInspectionPolicy %s: %s",
			decision.Name, decision.by.Name, strings.Join(decision.wrong, ". ")))
	}
	return strings.Join(sentences, ". ")
}

// updateCondition writes the condition if it changed.
func (r *reconciler) updateCondition(ctx context.Context, cluster *etcdv1beta1.EtcdCluster, condition metav1.Condition) error {
	before := cluster.DeepCopy()
	if !meta.SetStatusCondition(&cluster.Status.Conditions, condition) {
		return nil
	}
	// Other parts of the operator keep conditions in the same list: a write that is not based on the newest must fail.
	err := r.client.Status().Patch(ctx, cluster, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	if apierrors.IsConflict(err) {
		return errStale
	}
	return client.IgnoreNotFound(err)
}
