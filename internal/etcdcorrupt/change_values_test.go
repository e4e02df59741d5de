package etcdcorrupt_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/etcdfleet/etcd-fleet/internal/etcdcorrupt"
	"github.com/etcdfleet/etcd-fleet/internal/etcdtest"
)

func TestChangeValuesKeepsKeysAndRevision(t *testing.T) {
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1})
	kv := cluster.Client(t)
	cluster.Put(t, "/key", 4)
	before, err := kv.Get(context.Background(), "/", clientv3.WithPrefix())
	require.NoError(t, err)

	member := cluster.Members[0]
	member.Stop(t)
	changed, err := etcdcorrupt.ChangeValues(member.BackendPath(), 2)
	require.NoError(t, err)
	assert.Equal(t, 2, changed)
	member.Restart(t)

	after, err := kv.Get(context.Background(), "/", clientv3.WithPrefix())
	require.NoError(t, err)
	assert.Equal(t, before.Header.Revision, after.Header.Revision)
	values := map[string]string{}
	for _, entry := range after.Kvs {
		values[string(entry.Key)] = string(entry.Value)
	}
	// The newest key stays as it is.
	assert.Equal(t, map[string]string{"/key0": "value", "/key1": "valud", "/key2": "valud", "/key3": "value"}, values)
}

func TestChangeValuesRefusesNoKeys(t *testing.T) {
	_, err := etcdcorrupt.ChangeValues("db", 0)
	assert.ErrorContains(t, err, "at least 1")
}
