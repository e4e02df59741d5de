// Package v1beta1 holds the objects with which a fleet of etcd clusters is described and inspected: EtcdCluster,
// EtcdMonitor and EtcdInspectionPolicy. They are stored in the etcd-apiserver, one for each region, in the namespace named
// as the region.
//
// +kubebuilder:object:generate=true
// +groupName=etcd.cloud.tencent.com
package v1beta1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var (
	// GroupVersion is the API group and version of all objects in this package.
	GroupVersion = schema.GroupVersion{Group: "etcd.cloud.tencent.com", Version: "v1beta1"}

	schemeBuilder = runtime.NewSchemeBuilder(addKnownTypes)

	// AddToScheme registers the objects of this package with a scheme.
	AddToScheme = schemeBuilder.AddToScheme
)

func addKnownTypes(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion,
		&EtcdCluster{}, &EtcdClusterList{},
		&EtcdMonitor{}, &EtcdMonitorList{},
		&EtcdInspectionPolicy{}, &EtcdInspectionPolicyList{})
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
