package etcdclient

import (
	"errors"
	"fmt"
)

// The keys of a Secret with which the S3 server of the cluster's backups is asked.
const (
	secretBackupAccessKey = "backup-access-key"
	secretBackupSecretKey = "backup-secret-key"
)

var backupKeys = []string{secretBackupAccessKey, secretBackupSecretKey}

// errNoBackupKeys says what to do about a cluster without keys for its backups.
var errNoBackupKeys = errors.New("there are no keys for the S3 server of the backups: name a Secret with " +
	secretBackupAccessKey + " and " + secretBackupSecretKey + " in spec.backup.secretName of the EtcdCluster")

// BackupKeys returns the access key and the secret key of the cluster's backups: of the Secret that spec.backup names, or
// else of one that members are asked with.
func (l *Lease) BackupKeys() (accessKey, secretKey string, err error) {
	if l.credentials.backup == nil {
		return "", "", errNoBackupKeys
	}
	found, err := l.credentials.backup()
	if err != nil {
		return "", "", err
	}
	if !found.has(secretBackupAccessKey) {
		return "", "", fmt.Errorf("%w. %s", errNoBackupKeys, found.describeKeys())
	}
	return string(found.data[secretBackupAccessKey]), string(found.data[secretBackupSecretKey]), nil
}

// firstWithBackupKeys returns the Secret of spec.auth or spec.tls that holds keys for backups.
func (c Credentials) firstWithBackupKeys() (secret, error) {
	for _, candidate := range []secret{c.auth, c.tls} {
		if candidate.has(secretBackupAccessKey) {
			return candidate, nil
		}
	}
	return secret{}, errNoBackupKeys
}
