package inventory

import (
	"cmp"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/pkg/upstream"
)

// LeftOut is an EtcdCluster that is not shown, because its ID is another's or its region is not the API server's.
type LeftOut struct {
	// Object is its namespace and name, ClusterID what it claims.
	Object    types.NamespacedName
	ClusterID string
	// Reason says why, and what to do.
	Reason string
}

// refusal is why an object may not be shown at all; "" when it may. Its region decides the label of its series: those of
// a foreign one would be taken for another cluster's.
func refusal(region string, o *v1beta1.EtcdCluster) string {
	if o.Spec.Region != "" && o.Spec.Region != region {
		return fmt.Sprintf("Its region %s is not that of this API server, %s. Correct spec.region, or the region's name in the datasource's settings.",
			upstream.Excerpt(o.Spec.Region), region)
	}
	if held := meta.FindStatusCondition(o.Status.Conditions, v1beta1.ConditionIdentityHeld); held != nil && held.Status == metav1.ConditionFalse {
		return cmp.Or(upstream.Excerpt(held.Message), fmt.Sprintf("Its condition %s is False.", v1beta1.ConditionIdentityHeld))
	}
	return ""
}

// compareClaims puts the cluster first that holds the ID of both. What is recorded decides; only where nothing is, the
// age does, since a restore of the API server reorders it.
func compareClaims(a, b *Cluster) int {
	return cmp.Or(
		trueLast(a.refusal != "", b.refusal != ""),
		trueLast(a.kstone, b.kstone),
		trueLast(!a.holds, !b.holds),
		a.created.Compare(b.created),
		cmp.Compare(a.object.Namespace, b.object.Namespace),
		cmp.Compare(a.object.Name, b.object.Name),
	)
}

func trueLast(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// leftOut returns the clusters in the filter that are not shown, sorted by name. A cluster of kstone that is ours too is
// none of them: it is meant to be. Of a fixed scope, reasons name no other object.
func (x *index) leftOut(f filter) []LeftOut {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var all []LeftOut
	for id, claims := range x.claims {
		shown := holder(claims)
		if len(claims) == 1 && shown != nil {
			continue
		}
		for _, c := range claims {
			if !f.holds(c) || c == shown || shown != nil && c.kstone && !shown.kstone || !f.includes(c) && (shown == nil || !f.includes(shown)) {
				continue
			}
			reason := c.refusal
			if f.within != nil {
				reason = fmt.Sprintf("Another EtcdCluster has its ID, or its region is wrong: its condition %s says more.", v1beta1.ConditionIdentityHeld)
			} else if reason == "" {
				reason = fmt.Sprintf("%s has the same ID. Give this one an ID of its own, or delete it.", shown.object)
			}
			all = append(all, LeftOut{Object: c.object, ClusterID: id, Reason: reason})
		}
	}
	slices.SortFunc(all, func(a, b LeftOut) int { return cmp.Compare(a.Object.String(), b.Object.String()) })
	return all
}
