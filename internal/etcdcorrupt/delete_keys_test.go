package etcdcorrupt_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/etcdfleet/etcd-fleet/internal/etcdcorrupt"
	"github.com/etcdfleet/etcd-fleet/internal/etcdtest"
)

func TestDeleteKeysLosesWholeKeysAndKeepsTheRevision(t *testing.T) {
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1})
	kv := cluster.Client(t)
	ctx := context.Background()
	cluster.Put(t, "/key", 10)
	cluster.Put(t, "/key", 10) // every key has two revisions now
	_, err := kv.Delete(ctx, "/key8")
	require.NoError(t, err)
	before, err := kv.Get(ctx, "/", clientv3.WithPrefix(), clientv3.WithCountOnly())
	require.NoError(t, err)

	member := cluster.Members[0]
	member.Stop(t)
	deleted, err := etcdcorrupt.DeleteKeys(member.BackendPath(), 3)
	require.NoError(t, err)
	assert.Equal(t, 3, deleted)
	member.Restart(t)

	after, err := kv.Get(ctx, "/", clientv3.WithPrefix(), clientv3.WithKeysOnly())
	require.NoError(t, err)
	assert.Equal(t, before.Count-3, after.Count)
	assert.Equal(t, before.Header.Revision, after.Header.Revision)
	var left []string
	for _, entry := range after.Kvs {
		left = append(left, string(entry.Key))
	}
	// /key8 was deleted before; of the rest, the last written went.
	assert.Equal(t, []string{"/key0", "/key1", "/key2", "/key3", "/key4", "/key5"}, left)
}

func TestDeleteKeysDeletesWhatThereIs(t *testing.T) {
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1})
	cluster.Put(t, "/key", 3)
	cluster.Members[0].Stop(t)

	deleted, err := etcdcorrupt.DeleteKeys(cluster.Members[0].BackendPath(), 100)
	require.NoError(t, err)
	assert.Equal(t, 2, deleted, "the newest revision stays")
}

func TestDeleteKeysRefuses(t *testing.T) {
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1})
	text := filepath.Join(t.TempDir(), "text")
	require.NoError(t, os.WriteFile(text, []byte("no database"), 0o600))

	for _, test := range []struct {
		name    string
		path    string
		keys    int
		message string
	}{
		{"no keys", cluster.Members[0].BackendPath(), 0, "at least 1"},
		{"a running member", cluster.Members[0].BackendPath(), 1, "stop the member first"},
		{"a missing file", filepath.Join(t.TempDir(), "db"), 1, "no such file"},
		{"another file", text, 1, "invalid database"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := etcdcorrupt.DeleteKeys(test.path, test.keys)
			assert.ErrorContains(t, err, test.message)
		})
	}
}
