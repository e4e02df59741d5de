package v1beta1

import (
	"cmp"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ConditionIdentityHeld is False on an EtcdCluster that may not be published or inspected under its region and clusterId:
// another object holds them, or the region is not the API server's.
const ConditionIdentityHeld = "IdentityHeld"

// ConditionOnboarded is True on an EtcdCluster when all its members were scraped well, and a quorum at the same time.
const ConditionOnboarded = "Onboarded"

// AnnotationTakeOverIdentity is set to "true" on an EtcdCluster to let it take over a region and clusterId whose holder is
// gone although its members do not answer with the etcd cluster ID that is recorded for them.
const AnnotationTakeOverIdentity = "etcd.cloud.tencent.com/take-over-identity"

// ClusterIdentity is what names a cluster's series. One EtcdCluster of an API server holds it.
type ClusterIdentity struct {
	Region, ClusterID string
}

// Identity returns the region and clusterId that the object claims.
func (c *EtcdCluster) Identity() ClusterIdentity {
	return ClusterIdentity{Region: c.Spec.Region, ClusterID: c.Spec.ClusterID}
}

// Refusal returns why the cluster may not be published and inspected, or "". region is the API server's; "" admits all.
func (c *EtcdCluster) Refusal(region string) string {
	if region != "" && c.Spec.Region != region {
		return "The region " + c.Spec.Region + " is not served here: this API server is of the region " + region +
			". Correct spec.region, or create the EtcdCluster on the API server of its region."
	}
	held := meta.FindStatusCondition(c.Status.Conditions, ConditionIdentityHeld)
	if held != nil && held.Status == metav1.ConditionFalse {
		return held.Message
	}
	return ""
}

// Holders returns the clusters that may be published and inspected, one for each identity, in the order given. A cluster
// for which the operator has not decided yet counts until it has, if no other holds its identity: an operator that is
// stopped, or new, ends the scrape of nobody.
func Holders(clusters []EtcdCluster, region string) []*EtcdCluster {
	chosen := make(map[ClusterIdentity]*EtcdCluster, len(clusters))
	for i := range clusters {
		c := &clusters[i]
		if c.Refusal(region) != "" {
			continue
		}
		if other, exists := chosen[c.Identity()]; !exists || precedes(c, other) {
			chosen[c.Identity()] = c
		}
	}
	holders := make([]*EtcdCluster, 0, len(chosen))
	for i := range clusters {
		if chosen[clusters[i].Identity()] == &clusters[i] {
			holders = append(holders, &clusters[i])
		}
	}
	return holders
}

// precedes reports whether a rather than b holds the identity of both: what is recorded decides, and only where nothing
// is, the age.
func precedes(a, b *EtcdCluster) bool {
	if x, y := a.holdsIdentity(), b.holdsIdentity(); x != y {
		return x
	}
	return a.ClaimsBefore(b)
}

func (c *EtcdCluster) holdsIdentity() bool {
	return meta.IsStatusConditionTrue(c.Status.Conditions, ConditionIdentityHeld)
}

// ClaimsBefore orders objects that claim one identity which nobody holds: by age, namespace and name.
func (c *EtcdCluster) ClaimsBefore(other *EtcdCluster) bool {
	return cmp.Or(
		c.CreationTimestamp.Compare(other.CreationTimestamp.Time),
		cmp.Compare(c.Namespace, other.Namespace),
		cmp.Compare(c.Name, other.Name),
	) < 0
}
