package targets

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

func cluster(region, id string, members ...etcdv1beta1.EtcdClusterMember) etcdv1beta1.EtcdCluster {
	return etcdv1beta1.EtcdCluster{Spec: etcdv1beta1.EtcdClusterSpec{
		ClusterID: id, Region: region, ProductName: "tke", Scene: "business", Specification: "large", Members: members,
	}}
}

func TestFleetIsWhatPrometheusReads(t *testing.T) {
	fleet := Fleet([]etcdv1beta1.EtcdCluster{cluster("gz", "gz-a",
		etcdv1beta1.EtcdClusterMember{
			Name: "etcd-0", ClientURL: "https://10.0.0.1:2379", MetricsURL: "http://10.0.0.1:2381", Host: "node-1",
		},
		etcdv1beta1.EtcdClusterMember{Name: "etcd-1", ClientURL: "https://10.0.0.2:2379"},
	)}, "")
	body, err := json.Marshal(fleet)
	require.NoError(t, err)
	assert.JSONEq(t, `[
		{"targets": ["10.0.0.1:2381"], "labels": {
			"region": "gz", "product": "tke", "scene": "business", "spec": "large", "cluster": "gz-a", "member": "etcd-0",
			"__scheme__": "http", "__meta_etcd_host": "node-1"}},
		{"targets": ["10.0.0.2:2379"], "labels": {
			"region": "gz", "product": "tke", "scene": "business", "spec": "large", "cluster": "gz-a", "member": "etcd-1",
			"__scheme__": "https"}}
	]`, string(body))
}

func TestFleetAddresses(t *testing.T) {
	for url, address := range map[string]string{
		"http://10.0.0.1:2379":    "10.0.0.1:2379",
		"http://etcd.example":     "etcd.example:80",
		"https://etcd.example":    "etcd.example:443",
		"https://[fd00::1]:2379":  "[fd00::1]:2379",
		"https://[fd00::1]":       "[fd00::1]:443",
		"https://user@host:2379":  "host:2379",
		"https://etcd-0.etcd:443": "etcd-0.etcd:443",
	} {
		fleet := Fleet([]etcdv1beta1.EtcdCluster{cluster("gz", "gz-a", etcdv1beta1.EtcdClusterMember{Name: "m", ClientURL: url})}, "")
		require.Len(t, fleet, 1)
		assert.Equal(t, []string{address}, fleet[0].Targets, url)
	}
}

func TestFleetIsOrderedWhateverTheCacheSays(t *testing.T) {
	member := func(name string) etcdv1beta1.EtcdClusterMember {
		return etcdv1beta1.EtcdClusterMember{Name: name, ClientURL: "http://" + name + ":2379"}
	}
	a, b, c := cluster("gz", "gz-a", member("a1"), member("a0")), cluster("gz", "gz-b", member("b0")), cluster("sh", "ga", member("c0"))
	want := Fleet([]etcdv1beta1.EtcdCluster{a, b, c}, "")
	assert.Equal(t, want, Fleet([]etcdv1beta1.EtcdCluster{c, b, a}, ""))
	var order []string
	for _, group := range want {
		order = append(order, group.Labels["member"])
	}
	assert.Equal(t, []string{"a0", "a1", "b0", "c0"}, order)
}

func TestFleetLeavesOutWhatCannotBeScraped(t *testing.T) {
	fleet := Fleet([]etcdv1beta1.EtcdCluster{cluster("gz", "gz-a",
		etcdv1beta1.EtcdClusterMember{Name: "bad", ClientURL: "http://10.0.0.1:port"},
		etcdv1beta1.EtcdClusterMember{Name: "good", ClientURL: "http://10.0.0.2:2379"},
	)}, "")
	require.Len(t, fleet, 1)
	assert.Equal(t, "good", fleet[0].Labels["member"])
}

func TestFleetWithoutClustersIsAnEmptyList(t *testing.T) {
	body, err := json.Marshal(Fleet(nil, ""))
	require.NoError(t, err)
	assert.Equal(t, "[]", string(body))
}

func TestFleetHasNoClusterOfAnotherRegion(t *testing.T) {
	member := etcdv1beta1.EtcdClusterMember{Name: "m", ClientURL: "http://10.0.0.1:2379"}
	fleet := Fleet([]etcdv1beta1.EtcdCluster{cluster("gz", "gz-a", member), cluster("sh", "sh-a", member)}, "gz")
	require.Len(t, fleet, 1)
	assert.Equal(t, "gz-a", fleet[0].Labels["cluster"])
}
