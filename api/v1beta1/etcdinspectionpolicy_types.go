package v1beta1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ConditionAccepted is True on an EtcdInspectionPolicy that is valid. While its selector is invalid, no inspection of the
// namespace is created, changed or deleted, because it is not known which ones the policy overrides. While parameters of one
// of its checks are invalid, this holds for the EtcdMonitors of that check that the policy controls.
const ConditionAccepted = "Accepted"

// DefaultProvider is the program that runs the checks of a policy without a provider.
const DefaultProvider = "cruiser"

// MaxOverridden is the largest number of entries in a policy's status.overridden.
const MaxOverridden = 100

// EtcdInspectionPolicySpec says which clusters get which checks.
//
// A cluster is inspected by the checks of all policies of its namespace that select it. If several policies name the same
// check, the one with the highest priority controls it; with equal priorities, the last by name.
type EtcdInspectionPolicySpec struct {
	// clusterSelector selects by the labels of EtcdClusters; without it all labels match.
	// +kubebuilder:validation:XValidation:rule="!has(self.matchExpressions) || self.matchExpressions.all(e, e.operator in ['In', 'NotIn', 'Exists', 'DoesNotExist'])",message="operator of a clusterSelector.matchExpressions is unknown: use In, NotIn, Exists or DoesNotExist"
	// +kubebuilder:validation:XValidation:rule="!has(self.matchExpressions) || self.matchExpressions.all(e, (e.operator in ['In', 'NotIn']) == (has(e.values) && size(e.values) > 0))",message="values of a clusterSelector.matchExpressions do not suit its operator: give In and NotIn one or more, Exists and DoesNotExist none"
	// +optional
	ClusterSelector *metav1.LabelSelector `json:"clusterSelector,omitempty"`

	// specifications are the size classes to select; empty means all.
	// +kubebuilder:validation:MaxItems=3
	// +listType=set
	// +optional
	Specifications []Specification `json:"specifications,omitempty"`

	// products are the clusters' productNames to select; empty means all.
	// +kubebuilder:validation:MaxItems=100
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=63
	// +listType=set
	// +optional
	Products []string `json:"products,omitempty"`

	// scenes are the clusters' scenes to select; empty means all.
	// +kubebuilder:validation:MaxItems=100
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=63
	// +listType=set
	// +optional
	Scenes []string `json:"scenes,omitempty"`

	// priority decides between policies that select the same cluster and name the same check: the highest wins. The
	// shipped defaults have -100.
	// +kubebuilder:validation:Minimum=-1000
	// +kubebuilder:validation:Maximum=1000
	// +kubebuilder:default=0
	// +optional
	Priority int32 `json:"priority,omitempty"`

	// provider is the program that runs the checks: the EtcdMonitors' metricProviderName.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:default=cruiser
	// +optional
	Provider string `json:"provider,omitempty"`

	// checks are the checks of the selected clusters.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=100
	// +listType=map
	// +listMapKey=name
	Checks []EtcdInspectionPolicyCheck `json:"checks"`
}

// EtcdInspectionPolicyCheck is one check and how it is run.
type EtcdInspectionPolicyCheck struct {
	// name is the name of the check, for example etcd-node-key-diff. A name that the provider does not know results in a record
	// with the outcome Error.
	// +kubebuilder:validation:MaxLength=100
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="name is no check's: use lower-case letters, digits and inner hyphens, for example etcd-node-key-diff"
	Name string `json:"name"`

	// interval is the time between two runs, for example 5m. Default: the interval of the check.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('10s') && duration(self) <= duration('720h')",message="interval must lie between 10s and 720h"
	// +optional
	Interval *metav1.Duration `json:"interval,omitempty"`

	// parameters are the check's own settings, by name.
	// +kubebuilder:validation:MaxProperties=32
	// +optional
	Parameters map[string]string `json:"parameters,omitempty"`

	// disabled removes the check from the selected clusters, whatever policies of lower precedence say.
	// +optional
	Disabled bool `json:"disabled,omitempty"`
}

// EtcdInspectionPolicyStatus is the effect of a policy.
type EtcdInspectionPolicyStatus struct {
	// observedGeneration is the generation of the spec that the status reflects.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions say whether the policy is Accepted.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// clusters is the number of clusters that the policy selects.
	// +optional
	Clusters int32 `json:"clusters"`

	// inspections is the number of checks of clusters that the policy controls and does not disable.
	// +optional
	Inspections int32 `json:"inspections"`

	// overridden are the checks that another policy controls for some of the selected clusters, at most 100.
	// +kubebuilder:validation:MaxItems=100
	// +listType=map
	// +listMapKey=check
	// +listMapKey=by
	// +optional
	Overridden []EtcdInspectionPolicyOverride `json:"overridden,omitempty"`
}

// EtcdInspectionPolicyOverride is a check that another policy controls.
type EtcdInspectionPolicyOverride struct {
	// check is the check's name.
	Check string `json:"check"`

	// by is the name of the policy that controls the check.
	By string `json:"by"`

	// clusters is the number of clusters for which it does.
	Clusters int32 `json:"clusters"`
}

// EtcdInspectionPolicy says which clusters of its namespace get which checks. The operator creates, updates and deletes
// their EtcdMonitors.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=eip,categories=etcd
// +kubebuilder:printcolumn:name="Priority",type=integer,JSONPath=`.spec.priority`
// +kubebuilder:printcolumn:name="Clusters",type=integer,JSONPath=`.status.clusters`
// +kubebuilder:printcolumn:name="Inspections",type=integer,JSONPath=`.status.inspections`
// +kubebuilder:printcolumn:name="Accepted",type=string,JSONPath=`.status.conditions[?(@.type=="Accepted")].status`
// +kubebuilder:printcolumn:name="Provider",type=string,JSONPath=`.spec.provider`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type EtcdInspectionPolicy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   EtcdInspectionPolicySpec   `json:"spec"`
	Status EtcdInspectionPolicyStatus `json:"status,omitempty"`
}

// EtcdInspectionPolicyList is a list of policies.
//
// +kubebuilder:object:root=true
type EtcdInspectionPolicyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []EtcdInspectionPolicy `json:"items"`
}
