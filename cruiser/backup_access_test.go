package cruiser_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser"
	"github.com/etcdfleet/etcd-fleet/cruiser/backups"
)

// Whoever can create an EtcdMonitor cannot send cruiser to any folder or server that its flags do not allow.
func TestMonitorsFindBackupsWhereTheFlagsAllow(t *testing.T) {
	root, outside := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(outside, "secret.db"), []byte("hidden"), 0o600))
	access, err := backups.NewAccess([]string{root}, backups.DefaultEndpoints)
	require.NoError(t, err)
	box := newSandbox(t)
	box.start(cruiser.Options{Backups: access})
	for id, test := range map[string]struct {
		parameters map[string]string
		outcome    etcdv1beta1.Outcome
		message    string
	}{
		"in-its-root":    {map[string]string{"location": "file://" + root + "/{clusterId}"}, etcdv1beta1.OutcomeFailed, "there is no backup at all"},
		"outside":        {map[string]string{"location": "file://" + outside}, etcdv1beta1.OutcomeError, "start cruiser with another --backup-root"},
		"by-dots":        {map[string]string{"location": "file://" + root + "/../" + filepath.Base(outside)}, etcdv1beta1.OutcomeError, "write it without . and .."},
		"metadata":       {map[string]string{"location": "s3://latest", "endpoint": "http://169.254.169.254"}, etcdv1beta1.OutcomeError, "add it to --backup-s3-endpoints"},
		"cruiser-itself": {map[string]string{"location": "s3://metrics", "endpoint": "http://127.0.0.1:8080"}, etcdv1beta1.OutcomeError, "add it to --backup-s3-endpoints"},
	} {
		box.cluster(id)
		monitor := box.monitor(id, "backup-age", func(m *etcdv1beta1.EtcdMonitor) { m.Spec.Parameters = test.parameters })
		record := box.await(monitor, "a record", hasRecords(1)).Status.Records[0]
		assert.Equal(t, test.outcome, record.Outcome, id)
		assert.Contains(t, record.Message, test.message, id)
		assert.NotContains(t, record.Message, "hidden", id)
	}
}
