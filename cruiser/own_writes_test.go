package cruiser

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

func TestOwnWritesTellWhenTheCacheIsBehind(t *testing.T) {
	version := func(version string) *etcdv1beta1.EtcdMonitor {
		monitor := &etcdv1beta1.EtcdMonitor{}
		monitor.Namespace, monitor.Name, monitor.ResourceVersion = "gz", "gz-a", version
		return monitor
	}
	writes := newOwnWrites()
	assert.True(t, writes.include(version("5")), "nothing was written")

	writes.note(keyOf(version("")), "100")
	assert.False(t, writes.include(version("99")))
	assert.True(t, writes.include(version("100")))
	assert.True(t, writes.include(version("101")), "somebody wrote after us")
	assert.True(t, writes.include(version("opaque")), "versions that have no order")

	writes.versions[keyOf(version(""))] = ownWrite{version: "100", at: time.Now().Add(-time.Minute)}
	assert.True(t, writes.include(version("99")), "the API server was restored from a backup")

	writes.note(keyOf(version("")), "100")
	writes.forget(keyOf(version("")))
	assert.True(t, writes.include(version("99")))
}
