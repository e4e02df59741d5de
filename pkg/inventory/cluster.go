package inventory

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

// Cluster is what queries need of an EtcdCluster. It is never changed after it was made.
type Cluster struct {
	// Region is the region's name in the configuration, which is the label region of its series.
	Region string
	// ID is spec.clusterId, the label cluster of its series.
	ID string
	// Product, Scene and Spec are the other labels of its series.
	Product, Scene, Spec string
	// Size is the number of voting members that the cluster should have; Members are all its servers.
	Size    int
	Members []Member
	Version string
	// KubernetesClusters store their objects in the cluster.
	KubernetesClusters []string
	// Onboarding says why the onboarding is not complete; "" when it is, or when the operator does not say.
	Onboarding string

	kstone bool
	object types.NamespacedName
	// created, holds and refusal decide which of the clusters of one ID is shown.
	created time.Time
	holds   bool
	refusal string
}

// Member is an etcd server: its name is the label member of its series, Host the machine that it runs on and Zone where
// that stands, "" when nobody says.
type Member struct{ Name, Host, Zone string }

func newCluster(region string, o *v1beta1.EtcdCluster) *Cluster {
	members := make([]Member, len(o.Spec.Members))
	for i, member := range o.Spec.Members {
		members[i] = Member{Name: member.Name, Host: member.Host, Zone: member.Zone}
	}
	c := &Cluster{
		Region:  region,
		ID:      o.Spec.ClusterID,
		Product: o.Spec.ProductName,
		Scene:   o.Spec.Scene,
		Spec:    string(o.Spec.Specification),
		Size:    int(o.Spec.VotingMembers()),
		Members: members,
		Version: o.Spec.Version,
		object:  types.NamespacedName{Namespace: o.Namespace, Name: o.Name},
		created: o.CreationTimestamp.Time,
		holds:   meta.IsStatusConditionTrue(o.Status.Conditions, v1beta1.ConditionIdentityHeld),
		refusal: refusal(region, o),

		KubernetesClusters: slices.Clone(o.Spec.KubernetesClusters),
	}
	if onboarded := meta.FindStatusCondition(o.Status.Conditions, v1beta1.ConditionOnboarded); onboarded != nil && onboarded.Status == metav1.ConditionFalse {
		c.Onboarding = onboarded.Message
	}
	return c
}

func (c *Cluster) name() types.NamespacedName { return c.object }
