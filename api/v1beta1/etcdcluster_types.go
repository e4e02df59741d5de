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
// +kubebuilder:validation:XValidation:rule="self.members.all(m, !m.clientURL.startsWith('http://')) || !has(self.tls)",fieldPath=".tls",message="tls is set but a member's clientURL begins with http://: use https:// or remove tls; a password for http:// members is named by auth.secretName with auth.allowPlaintext: true"
// +kubebuilder:validation:XValidation:rule="self.members.all(m, !m.clientURL.startsWith('http://')) || !has(self.auth) || (has(self.auth.allowPlaintext) && self.auth.allowPlaintext)",fieldPath=".auth",message="auth is set but a member's clientURL begins with http://, so that everybody on the network path can read the password: use https://, or accept that by auth.allowPlaintext: true"
type EtcdClusterSpec struct {
	// clusterId names the cluster, unique in its region.
	// +kubebuilder:validation:MaxLength=200
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="clusterId is immutable: create another EtcdCluster instead"
	ClusterID string `json:"clusterId"`

	// region is where the cluster runs, for example gz. It is a value of labels, and of {region} in places of backups.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$`
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

	// size is the number of voting members that the cluster should have; left out, it is the number of members.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=9
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

	// tls says how clients verify members and which certificate they present; without it members are reached with the system's certificate authorities
	// (https) or in plain text (http).
	// +optional
	TLS *EtcdClusterTLS `json:"tls,omitempty"`

	// auth names the user and password of a cluster that has etcd's authentication enabled.
	// +optional
	Auth *EtcdClusterAuth `json:"auth,omitempty"`

	// backup names the keys with which the cluster's backups are read from an S3 server.
	// +optional
	Backup *EtcdClusterBackup `json:"backup,omitempty"`

	// kubernetesClusters are the Kubernetes clusters whose API servers store in this cluster.
	// +kubebuilder:validation:MaxItems=1000
	// +listType=set
	// +optional
	KubernetesClusters []string `json:"kubernetesClusters,omitempty"`
}

// VotingMembers returns the number of voting members that the cluster should have.
func (s *EtcdClusterSpec) VotingMembers() int32 {
	if s.Size != 0 {
		return s.Size
	}
	return int32(len(s.Members)) //nolint:gosec // at most 15
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

	// host is the machine or node on which the member runs; it links a cluster to faults of the infrastructure.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	Host string `json:"host,omitempty"`

	// zone is the failure domain in which the host stands, for example an availability zone.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	Zone string `json:"zone,omitempty"`
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
	// tls.key, and the label etcd.cloud.tencent.com/credentials=true.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	SecretName string `json:"secretName"`

	// serverName overrides the name that the members' certificates are verified against.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	ServerName string `json:"serverName,omitempty"`
}

// EtcdClusterStatus is the last observed state of a cluster.
type EtcdClusterStatus struct {
	// observedGeneration is the generation of the spec that the status reflects.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions say whether the cluster is Ready, and report the progress of its onboarding.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// etcdClusterID is the ID, in hexadecimal, that etcd itself gave the cluster. It is recorded once, by the operator.
	// +kubebuilder:validation:MaxLength=16
	// +optional
	EtcdClusterID string `json:"etcdClusterID,omitempty"`

	// quorumSeenTime is the first time at which a quorum of the members was scraped successfully at the same time.
	// +optional
	QuorumSeenTime *metav1.Time `json:"quorumSeenTime,omitempty"`

	// members are the last observed states of the servers.
	// +kubebuilder:validation:MaxItems=15
	// +listType=map
	// +listMapKey=name
	// +optional
	Members []EtcdClusterMemberStatus `json:"members,omitempty"`
}

// EtcdClusterMemberStatus is the last observed state of one member.
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

	// awaitedSince is the start of the wait for the first successful scrape of the member. It is removed when the member is scraped.
	// +optional
	AwaitedSince *metav1.Time `json:"awaitedSince,omitempty"`

	// firstScrapeTime is the first observed successful scrape of the member. From then on a member that is not
	// scraped counts as missing, also when its address is edited.
	// +optional
	FirstScrapeTime *metav1.Time `json:"firstScrapeTime,omitempty"`
}

// EtcdCluster is one etcd cluster of the fleet. Creating it onboards the cluster: targets, labels and inspections
// follow from it.
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
