package etcdtest_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/etcdfleet/etcd-fleet/internal/etcdtest"
	"github.com/etcdfleet/etcd-fleet/internal/labbin"
)

const requestTimeout = 30 * time.Second

// What tests do to clusters works with each version.
func TestClustersOfEachVersion(t *testing.T) {
	for _, version := range labbin.EtcdVersions {
		t.Run(version, func(t *testing.T) {
			cluster := etcdtest.Start(t, etcdtest.Options{Version: version})
			cluster.Put(t, "/key", 10)
			for _, m := range cluster.Members {
				assert.Contains(t, status(t, cluster, m).Version, version+".")
			}

			cluster.Members[1].Corrupt(t, 3)
			assert.Equal(t, int64(10), keysOf(t, cluster, cluster.Members[0]))
			assert.Equal(t, int64(7), keysOf(t, cluster, cluster.Members[1]))

			cluster.Members[2].Kill(t)
			cluster.Members[2].Restart(t)
			assert.Equal(t, int64(10), keysOf(t, cluster, cluster.Members[2]))

			assert.True(t, status(t, cluster, cluster.AddLearner(t)).IsLearner)
		})
	}
}

func TestSecureClustersOfEachVersion(t *testing.T) {
	for _, version := range labbin.EtcdVersions {
		t.Run(version, func(t *testing.T) {
			cluster := etcdtest.Start(t, etcdtest.Options{Version: version, TLS: true, Auth: true})
			cluster.Put(t, "/key", 1)
			cluster.Members[0].Kill(t)
			cluster.Members[0].Restart(t)
			assert.Equal(t, int64(1), keysOf(t, cluster, cluster.Members[0]))
			assert.Contains(t, cluster.Credentials(t), "password")
		})
	}
}

func TestMembersAreUpgradedOneAfterTheOther(t *testing.T) {
	for i, next := range labbin.EtcdVersions[1:] {
		version := labbin.EtcdVersions[i]
		t.Run(version+" to "+next, func(t *testing.T) {
			cluster := etcdtest.Start(t, etcdtest.Options{Version: version})
			cluster.Put(t, "/key", 10)
			for _, m := range cluster.Members {
				m.Upgrade(t, next)
				assert.Contains(t, status(t, cluster, m).Version, next+".")
				assert.Equal(t, int64(10), keysOf(t, cluster, m))
			}
			assert.Eventually(t, func() bool { return clusterVersion(t, cluster) == next+".0" },
				time.Minute, 100*time.Millisecond, "all members agree on the new version")
		})
	}
}

func status(t *testing.T, cluster *etcdtest.Cluster, m *etcdtest.Member) *clientv3.StatusResponse {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	answer, err := cluster.Client(t).Status(ctx, m.ClientURL)
	require.NoError(t, err)
	return answer
}

// keysOf counts the keys that the member itself has.
func keysOf(t *testing.T, cluster *etcdtest.Cluster, m *etcdtest.Member) int64 {
	t.Helper()
	client := cluster.Client(t)
	client.SetEndpoints(m.ClientURL)
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	answer, err := client.Get(ctx, "\x00", clientv3.WithFromKey(), clientv3.WithCountOnly(), clientv3.WithSerializable())
	require.NoError(t, err)
	return answer.Count
}

// clusterVersion is the version on which the members of a cluster without TLS have agreed.
func clusterVersion(t *testing.T, cluster *etcdtest.Cluster) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, cluster.Members[0].ClientURL+"/version", nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	var versions struct {
		Cluster string `json:"etcdcluster"`
	}
	require.NoError(t, json.NewDecoder(response.Body).Decode(&versions))
	return versions.Cluster
}
