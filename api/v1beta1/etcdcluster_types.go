package v1beta1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Specification is the size class of a cluster. SLO objectives, alert thresholds and inspection budgets differ by class.
//
// +kubebuilder:validation:Enum=small;default;large
type Specification string

// The size classes.
const (
	SpecificationSmall   Specification = "small"
	SpecificationDefault Specification = "default"
	SpecificationLarge   Specification = "large"
)

// EtcdClusterSpec says where a cluster is, to whom it belongs and how it is reached. Its region, productName, scene,
// specification and clusterId become the labels region, product, scene, spec and cluster of every series.
//
// +kubebuilder:validation:XValidation:rule="self.members.all(m, !m.clientURL.startsWith('http://')) || !has(self.tls)",message="tls is set but a member's clientURL begins with http://: use https:// or remove tls"
type EtcdClusterSpec struct {
	// clusterId names the cluster, unique in its region.
	// +kubebuilder:validation:MaxLength=200
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="clusterId is immutable: create another EtcdCluster instead"
	ClusterID string `json:"clusterId"`

	// region is where the cluster runs, for example gz.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Region string `json:"region"`

	// productName is the product that the cluster serves, for example tke.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	ProductName string `json:"productName"`

	// scene is the business scenario within the product, for example business or big-customer.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Scene string `json:"scene"`

	// specification is the size class.
	// +kubebuilder:default=default
	// +optional
	Specification Specification `json:"specification,omitempty"`

	// size is the number of voting members that the cluster should have.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=9
	// +kubebuilder:default=3
	// +optional
	Size int32 `json:"size,omitempty"`

	// version is the etcd version that the cluster should run, for example 3.6.5.
	// +kubebuilder:validation:Pattern=`^v?[0-9]+\.[0-9]+(\.[0-9]+)?(-[0-9A-Za-z.-]+)?$`
	// +optional
	Version string `json:"version,omitempty"`

	// provider runs the cluster's life cycle; empty means that the cluster is only observed.
	// +kubebuilder:validation:MaxLength=63
	// +optional
	Provider string `json:"provider,omitempty"`

	// members are the cluster's etcd servers.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=15
	// +listType=map
	// +listMapKey=name
	Members []EtcdClusterMember `json:"members"`

	// tls says how clients authenticate; without it members are reached with the system's certificate authorities
	// (https) or in plain text (http).
	// +optional
	TLS *EtcdClusterTLS `json:"tls,omitempty"`

	// kubernetesClusters are the Kubernetes clusters whose API servers store in this cluster.
	// +kubebuilder:validation:MaxItems=1000
	// +listType=set
	// +optional
	KubernetesClusters []string `json:"kubernetesClusters,omitempty"`
}

// EtcdClusterMember is one etcd server.
type EtcdClusterMember struct {
	// name is the member's name, as in etcd's --name.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=200
	Name string `json:"name"`

	// clientURL is where the member serves clients, for example https://10.0.0.1:2379.
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^https?://[^/\s]+$`
	ClientURL string `json:"clientURL"`

	// metricsURL is where the member serves /metrics; empty means clientURL.
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^https?://[^/\s]+$`
	// +optional
	MetricsURL string `json:"metricsURL,omitempty"`

	// host is the machine or node on which the member runs; it joins a cluster to an infrastructure fault.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	Host string `json:"host,omitempty"`
}

// MetricsEndpoint returns the URL of the member's /metrics server.
func (m EtcdClusterMember) MetricsEndpoint() string {
	if m.MetricsURL != "" {
		return m.MetricsURL
	}
	return m.ClientURL
}

// EtcdClusterTLS names the Secret with which clients of a cluster authenticate.
type EtcdClusterTLS struct {
	// secretName is a Secret of the cluster's namespace with the keys ca.crt and, for client certificates, tls.crt and
	// tls.key; username and password where etcd's auth is enabled.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	SecretName string `json:"secretName"`

	// serverName overrides the name that the members' certificates are verified against.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	ServerName string `json:"serverName,omitempty"`
}

// EtcdClusterStatus is what was last seen of a cluster.
type EtcdClusterStatus struct {
	// observedGeneration is the generation of the spec that the status answers.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions say whether the cluster is Ready.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// members are the servers that were last seen.
	// +kubebuilder:validation:MaxItems=15
	// +listType=map
	// +listMapKey=name
	// +optional
	Members []EtcdClusterMemberStatus `json:"members,omitempty"`
}

// EtcdClusterMemberStatus is what was last seen of one member.
type EtcdClusterMemberStatus struct {
	// name is the member's name.
	Name string `json:"name"`

	// id is the member's ID in hexadecimal.
	// +optional
	ID string `json:"id,omitempty"`

	// leader is true for the leader.
	// +optional
	Leader bool `json:"leader,omitempty"`

	// version is the etcd version that the member runs.
	// +optional
	Version string `json:"version,omitempty"`

	// dbSizeBytes is the size of the member's backend file.
	// +optional
	DBSizeBytes int64 `json:"dbSizeBytes,omitempty"`

	// healthy is true when the member answered.
	// +optional
	Healthy bool `json:"healthy,omitempty"`
}

// EtcdCluster is one etcd cluster of the fleet. Creating it is all that onboards a cluster: targets, labels and
// inspections follow from it.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=ec,categories=etcd
// +kubebuilder:printcolumn:name="Product",type=string,JSONPath=`.spec.productName`
// +kubebuilder:printcolumn:name="Scene",type=string,JSONPath=`.spec.scene`
// +kubebuilder:printcolumn:name="Spec",type=string,JSONPath=`.spec.specification`
// +kubebuilder:printcolumn:name="Size",type=integer,JSONPath=`.spec.size`
// +kubebuilder:printcolumn:name="Version",type=string,JSONPath=`.spec.version`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type EtcdCluster struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   EtcdClusterSpec   `json:"spec"`
	Status EtcdClusterStatus `json:"status,omitempty"`
}

// EtcdClusterList is a list of clusters.
//
// +kubebuilder:object:root=true
type EtcdClusterList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []EtcdCluster `json:"items"`
}
