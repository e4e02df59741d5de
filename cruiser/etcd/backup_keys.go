package etcd

import "fmt"

// The keys of a Secret with which the S3 server of the cluster's backups is asked. Both are optional.
const (
	secretBackupAccessKey = "backup-access-key"
	secretBackupSecretKey = "backup-secret-key"
)

// BackupKeys returns the access key and the secret key of the cluster's backups, which its Secret holds beside what
// members are asked with.
func (l *Lease) BackupKeys() (accessKey, secretKey string, err error) {
	data := l.credentials.data
	if len(data[secretBackupAccessKey]) == 0 || len(data[secretBackupSecretKey]) == 0 {
		return "", "", fmt.Errorf("there are no keys for the S3 server of the backups: add %s and %s to the Secret that "+
			"spec.tls of the EtcdCluster names", secretBackupAccessKey, secretBackupSecretKey)
	}
	return string(data[secretBackupAccessKey]), string(data[secretBackupSecretKey]), nil
}
