package inspections

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

// The reasons of the condition Accepted.
const (
	reasonAccepted          = "Accepted"
	reasonInvalidSelector   = "InvalidSelector"
	reasonInvalidParameters = "InvalidParameters"
)

// statusReconciler writes into each policy's status what follows from it. Its requests name a namespace only, as each policy
// may change what another one decides.
type statusReconciler struct {
	client   client.Client
	region   string
	declared Declared
}

// override is a check of one policy that another one decides.
type override struct {
	check, by string
}

// effect is what follows from one policy.
type effect struct {
	clusters, inspections int32
	overridden            map[override]int32
}

// Reconcile writes the status of those policies of a namespace for which it has changed.
func (r *statusReconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	policies, err := policiesOf(ctx, r.client, request.Namespace, r.declared)
	if err != nil {
		return ctrl.Result{}, err
	}
	var clusters etcdv1beta1.EtcdClusterList
	// The list is only read, and copying the fleet would cost more than anything else here.
	if err := r.client.List(ctx, &clusters, client.InNamespace(request.Namespace), client.UnsafeDisableDeepCopy); err != nil {
		return ctrl.Result{}, fmt.Errorf("list the EtcdClusters of %s: %w", request.Namespace, err)
	}
	effects := policies.effects(etcdv1beta1.Holders(clusters.Items, r.region))
	var problems []error
	for _, policy := range policies.all {
		problems = append(problems, r.updateStatus(ctx, policy, effects[policy.Name], policies.accepted(policy)))
	}
	return ctrl.Result{}, errors.Join(problems...)
}

// effects returns what follows from each policy, by its name.
func (p policies) effects(clusters []*etcdv1beta1.EtcdCluster) map[string]*effect {
	effects := map[string]*effect{}
	for _, policy := range p.all {
		effects[policy.Name] = &effect{overridden: map[override]int32{}}
	}
	for selection, count := range p.bySelection(clusters) {
		for i, policy := range p.valid {
			if selection[i] == 1 {
				effects[policy.Name].clusters += count
			}
		}
		decisions := p.decide(selection, func(loser, winner decision) {
			effects[loser.by.Name].overridden[override{loser.Name, winner.by.Name}] += count
		})
		for _, decision := range decisions {
			if !decision.Disabled {
				effects[decision.by.Name].inspections += count
			}
		}
	}
	return effects
}

// bySelection returns how many clusters there are of each selection.
func (p policies) bySelection(clusters []*etcdv1beta1.EtcdCluster) map[selection]int32 {
	counts := map[selection]int32{}
	for _, cluster := range clusters {
		counts[p.selection(cluster)]++
	}
	return counts
}

func (r *statusReconciler) updateStatus(ctx context.Context, policy *etcdv1beta1.EtcdInspectionPolicy, effect *effect, accepted metav1.Condition) error {
	before := policy.DeepCopy()
	status := &policy.Status
	status.ObservedGeneration = policy.Generation
	status.Clusters, status.Inspections = effect.clusters, effect.inspections
	status.Overridden = effect.overrides()
	meta.SetStatusCondition(&status.Conditions, accepted)
	if equality.Semantic.DeepEqual(before.Status, policy.Status) {
		return nil
	}
	// Nobody else writes this status, so there is no newer one to be based on.
	if err := r.client.Status().Patch(ctx, policy, client.MergeFrom(before)); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("write the status of the EtcdInspectionPolicy %s: %w", policy.Name, err)
	}
	return nil
}

// overrides returns those that concern most clusters first, in an order that does not change by itself.
func (e *effect) overrides() []etcdv1beta1.EtcdInspectionPolicyOverride {
	var overrides []etcdv1beta1.EtcdInspectionPolicyOverride
	for of, clusters := range e.overridden {
		overrides = append(overrides, etcdv1beta1.EtcdInspectionPolicyOverride{Check: of.check, By: of.by, Clusters: clusters})
	}
	slices.SortFunc(overrides, func(a, b etcdv1beta1.EtcdInspectionPolicyOverride) int {
		return cmp.Or(cmp.Compare(b.Clusters, a.Clusters), cmp.Compare(a.Check, b.Check), cmp.Compare(a.By, b.By))
	})
	return overrides[:min(len(overrides), etcdv1beta1.MaxOverridden)]
}

// accepted is what the condition says of a policy.
func (p policies) accepted(policy *etcdv1beta1.EtcdInspectionPolicy) metav1.Condition {
	condition := metav1.Condition{
		Type:               etcdv1beta1.ConditionAccepted,
		Status:             metav1.ConditionTrue,
		Reason:             reasonAccepted,
		Message:            "the policy is followed",
		ObservedGeneration: policy.Generation,
	}
	invalid, wrong := p.invalid[policy.Name], p.wrong[policy.Name]
	switch {
	case invalid != nil:
		condition.Status, condition.Reason = metav1.ConditionFalse, reasonInvalidSelector
		condition.Message = invalid.Error() + "; until then the inspections of the namespace stay as they are"
	case wrong != nil:
		condition.Status, condition.Reason = metav1.ConditionFalse, reasonInvalidParameters
		condition.Message = wrong.Error()
	}
	return condition
}
