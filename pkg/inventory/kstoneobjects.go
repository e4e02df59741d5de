package inventory

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const kstoneGroup = "kstone.tkestack.io"

// kstoneVersions are the versions that can be read, the best first. In what is read here they do not differ.
var kstoneVersions = []string{"v1alpha2", "v1alpha1"}

// kstoneCluster is what is read of kstone's EtcdCluster; everything else is dropped while it is decoded.
type kstoneCluster struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec struct {
		Size    int    `json:"size"`
		Version string `json:"version"`
	} `json:"spec"`
	Status struct {
		Members []kstoneMember `json:"members"`
	} `json:"status"`
}

type kstoneMember struct {
	// Name is etcd's --name, Endpoint the host of its first client URL.
	Name     string `json:"name"`
	Endpoint string `json:"endpoint"`
	Version  string `json:"version"`
	// Role is Leader, Follower, Learner or UnKnown.
	Role string `json:"role"`
}

type kstoneClusterList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`
	Items           []kstoneCluster `json:"items"`
}

// kstoneInspection is what is read of kstone's EtcdInspection.
type kstoneInspection struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec struct {
		// ClusterName is the name of the EtcdCluster object in the same namespace.
		ClusterName    string `json:"clusterName"`
		InspectionType string `json:"inspectionType"`
	} `json:"spec"`
	Status struct {
		Records []kstoneRecord `json:"records"`
	} `json:"status"`
}

// kstoneRecord is a run. There is no outcome: kstone judges by its metrics.
type kstoneRecord struct {
	StartTime metav1.Time `json:"startTime"`
	EndTime   metav1.Time `json:"endTime"`
	Reason    string      `json:"reason"`
	Message   string      `json:"message"`
}

type kstoneInspectionList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`
	Items           []kstoneInspection `json:"items"`
}

func addKstoneToScheme(scheme *runtime.Scheme) {
	for _, version := range kstoneVersions {
		gv := schema.GroupVersion{Group: kstoneGroup, Version: version}
		scheme.AddKnownTypeWithName(gv.WithKind("EtcdCluster"), &kstoneCluster{})
		scheme.AddKnownTypeWithName(gv.WithKind("EtcdClusterList"), &kstoneClusterList{})
		scheme.AddKnownTypeWithName(gv.WithKind("EtcdInspection"), &kstoneInspection{})
		scheme.AddKnownTypeWithName(gv.WithKind("EtcdInspectionList"), &kstoneInspectionList{})
		metav1.AddToGroupVersion(scheme, gv)
	}
}

// DeepCopyObject implements runtime.Object.
func (o *kstoneCluster) DeepCopyObject() runtime.Object {
	c := o.copied()
	return &c
}

// DeepCopyObject implements runtime.Object.
func (l *kstoneClusterList) DeepCopyObject() runtime.Object {
	c := *l
	l.DeepCopyInto(&c.ListMeta)
	c.Items = make([]kstoneCluster, len(l.Items))
	for i := range l.Items {
		c.Items[i] = l.Items[i].copied()
	}
	return &c
}

// DeepCopyObject implements runtime.Object.
func (o *kstoneInspection) DeepCopyObject() runtime.Object {
	c := o.copied()
	return &c
}

// DeepCopyObject implements runtime.Object.
func (l *kstoneInspectionList) DeepCopyObject() runtime.Object {
	c := *l
	l.DeepCopyInto(&c.ListMeta)
	c.Items = make([]kstoneInspection, len(l.Items))
	for i := range l.Items {
		c.Items[i] = l.Items[i].copied()
	}
	return &c
}

func (o *kstoneCluster) copied() kstoneCluster {
	c := *o
	o.DeepCopyInto(&c.ObjectMeta)
	c.Status.Members = slices.Clone(o.Status.Members)
	return c
}

func (o *kstoneInspection) copied() kstoneInspection {
	c := *o
	o.DeepCopyInto(&c.ObjectMeta)
	c.Status.Records = slices.Clone(o.Status.Records)
	return c
}
