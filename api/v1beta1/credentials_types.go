package v1beta1

// The label of the Secrets that EtcdClusters may name. cruiser reads no other Secret: the rights of Kubernetes cannot
// select by label, so that cruiser's account may read all Secrets of the namespaces that it serves.
const (
	LabelCredentials      = "etcd.cloud.tencent.com/credentials"
	LabelCredentialsValue = "true"
)

// EtcdClusterAuth names the Secret with the user and password of a cluster that has etcd's authentication enabled.
type EtcdClusterAuth struct {
	// secretName is a Secret of the cluster's namespace with the keys username and password and the label
	// etcd.cloud.tencent.com/credentials=true. Without auth, these keys of the Secret of tls count.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	SecretName string `json:"secretName"`

	// allowPlaintext permits to send the password to members whose clientURL begins with http://, where everybody on
	// the network path can read it.
	// +optional
	AllowPlaintext bool `json:"allowPlaintext,omitempty"`
}

// EtcdClusterBackup names the Secret with which a cluster's backups are read.
type EtcdClusterBackup struct {
	// secretName is a Secret of the cluster's namespace with the keys backup-access-key and backup-secret-key, of an S3
	// server, and the label etcd.cloud.tencent.com/credentials=true. Without backup, these keys of the Secret of auth or
	// tls count.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	SecretName string `json:"secretName"`
}
