package identity

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

// The reasons of the condition IdentityHeld, and of its Events.
const (
	reasonHeld          = "Held"
	reasonHeldByAnother = "HeldByAnother"
	reasonHolderGone    = "HolderGone"
	reasonForeignRegion = "ForeignRegion"
	reasonNotRecorded   = "NotRecorded"
)

// eventAction is the action of all Events.
const eventAction = "DecideIdentity"

// maxNote is how long an Event's note may be, in bytes.
const maxNote = 1024

// state is what an object's condition says.
type state struct {
	status  metav1.ConditionStatus
	message string
}

func stateOf(c *cluster) state {
	held := meta.FindStatusCondition(c.Status.Conditions, etcdv1beta1.ConditionIdentityHeld)
	if held == nil {
		return state{}
	}
	return state{status: held.Status, message: held.Message}
}

func refused(reason, message string) metav1.Condition {
	return metav1.Condition{
		Type: etcdv1beta1.ConditionIdentityHeld, Status: metav1.ConditionFalse, Reason: reason, Message: message,
	}
}

// condition is what the decision means for a claimant.
func (d *decision) condition(c *cluster) metav1.Condition {
	identity := d.identity
	if d.holder != nil && d.holder.UID == c.UID {
		return metav1.Condition{
			Type: etcdv1beta1.ConditionIdentityHeld, Status: metav1.ConditionTrue, Reason: reasonHeld,
			Message: fmt.Sprintf("The object holds the clusterId %s in the region %s.", identity.ClusterID, identity.Region),
		}
	}
	if d.unconfirmed == nil || d.holder != nil {
		return refused(reasonHeldByAnother, fmt.Sprintf(
			"The EtcdCluster %s holds the clusterId %s in the region %s: this object is not scraped and not inspected. "+
				"Delete one of the two, or create this cluster with another clusterId.",
			d.record.holder, identity.ClusterID, identity.Region))
	}
	wanted := "do not answer"
	if d.record.etcdClusterID != "" {
		wanted = "do not answer with the recorded etcd cluster ID " + d.record.etcdClusterID
	}
	return refused(reasonHolderGone, fmt.Sprintf(
		"The EtcdCluster %s, which held the clusterId %s, is gone, and the members of this object %s: %v. "+
			"To let this object take over, annotate it with %s=true.",
		d.record.holder, identity.ClusterID, wanted, d.unconfirmed[c.UID], etcdv1beta1.AnnotationTakeOverIdentity))
}

// updateAll writes the condition of each claimant if it differs, and an Event if the object was not refused before.
func (r *reconciler) updateAll(ctx context.Context, claimants []cluster, of func(*cluster) metav1.Condition) error {
	var first error
	for i := range claimants {
		if err := r.updateCondition(ctx, &claimants[i], of(&claimants[i])); err != nil && first == nil {
			first = err
		}
	}
	return first
}

func (r *reconciler) updateCondition(ctx context.Context, c *cluster, condition metav1.Condition) error {
	before := c.DeepCopy()
	condition.ObservedGeneration = c.Generation
	if !meta.SetStatusCondition(&c.Status.Conditions, condition) {
		return nil
	}
	isNews := stateOf(before) != stateOf(c)
	// Other parts of the operator keep conditions in the same list: a write that is not based on the newest must fail.
	err := r.client.Status().Patch(ctx, c, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	if client.IgnoreNotFound(err) != nil {
		return err
	}
	if err == nil && isNews && condition.Status == metav1.ConditionFalse {
		r.events.Eventf(reference(c), nil, corev1.EventTypeWarning, condition.Reason, eventAction,
			"%s", condition.Message[:min(len(condition.Message), maxNote)])
	}
	return nil
}

func reference(c *cluster) *corev1.ObjectReference {
	return &corev1.ObjectReference{
		APIVersion: etcdv1beta1.GroupVersion.String(), Kind: "EtcdCluster",
		Namespace: c.Namespace, Name: c.Name, UID: c.UID, ResourceVersion: c.ResourceVersion,
	}
}
