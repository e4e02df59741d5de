package external

import (
	"errors"
	"fmt"
	"os"

	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
	"github.com/etcdfleet/etcd-fleet/internal/etcdclient"
)

// credentialsWriter is the connector that can hand credentials on. Checks that run in this process do not need them.
type credentialsWriter interface {
	WriteCredentials(dir string) error
}

var _ credentialsWriter = (*etcdclient.Lease)(nil)

// writeCredentials puts the cluster's credentials into a new directory that only this user can enter, mode 0700, and
// returns how to remove it.
func writeCredentials(members checks.Connector) (dir string, remove func(), err error) {
	writer, ok := members.(credentialsWriter)
	if !ok {
		return "", nil, errors.New("the cluster's credentials cannot be had here: set credentials to false")
	}
	if dir, err = os.MkdirTemp("", "etcd-credentials-"); err != nil {
		return "", nil, fmt.Errorf("make a directory for the cluster's credentials: %w: mount a writable volume at %s", err, os.TempDir())
	}
	remove = func() { _ = os.RemoveAll(dir) }
	if err := writer.WriteCredentials(dir); err != nil {
		remove()
		return "", nil, fmt.Errorf("write the cluster's credentials: %w: mount a writable volume at %s", err, os.TempDir())
	}
	return dir, remove, nil
}
