package datasource

import (
	"fmt"
	"testing"

	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/stretchr/testify/require"

	"github.com/etcdfleet/etcd-fleet/pkg/inventory"
)

func TestTopologyOfAHost(t *testing.T) {
	d := newFleet(t)
	query := map[string]any{"kind": "topology", "scope": on("gz-node-0")}
	nodes := eventually(t, d, query, func(frame *data.Frame) bool { return frame.Rows() == 3+3+9+3 })
	require.Equal(t, data.VisType(data.VisTypeNodeGraph), nodes.Meta.PreferredVisualization)
	require.Contains(t, columnOf(nodes, "id"), "host/gz/gz-node-2")
	edges := ask(t, d, query).Frames[1]
	require.Equal(t, 3+9+9, edges.Rows())
	for _, end := range []string{"source", "target"} {
		require.Subset(t, columnOf(nodes, "id"), columnOf(edges, end), "every edge has both ends")
	}
}

func TestTopologyWithoutThanosDrawsWhatTheInventoryKnows(t *testing.T) {
	d := newFleet(t, withURL("http://127.0.0.1:1"))
	query := map[string]any{"kind": "topology", "scope": map[string]any{"cluster": []string{"sh-1"}}}
	nodes := eventually(t, d, query, func(frame *data.Frame) bool { return frame.Rows() == 1+1+3+3 })
	require.NotContains(t, columnOf(nodes, "color"), green)
	require.Contains(t, noticesOf(nodes)[0], "Which members are up is not known.")
}

func TestTopologyHasRoomForAsManyNodesAsAPersonTellsApart(t *testing.T) {
	var rows []clusterRow
	for i := range 100 {
		id := fmt.Sprintf("gz-%02d", i)
		known := &inventory.Cluster{Region: "gz", ID: id, Size: 3}
		for m := range 3 {
			known.Members = append(known.Members, inventory.Member{Name: fmt.Sprintf("%s-%d", id, m), Host: fmt.Sprintf("node-%d", m)})
		}
		rows = append(rows, clusterRow{Cluster: known, metrics: &clusterMetrics{}, health: healthy})
	}
	rows[70].health = unhealthy
	frames := (&topologyQuery{}).frames(rows, nil)
	nodes := frames[0]
	require.LessOrEqual(t, nodes.Rows(), maxNodes+1)
	require.Equal(t, "cluster/gz/gz-70", columnOf(nodes, "id")[0], "the worst first")
	require.Equal(t, "more", columnOf(nodes, "id")[nodes.Rows()-1])
	require.Regexp(t, `^\+\d+ more$`, columnOf(nodes, "title")[nodes.Rows()-1])
	require.Len(t, noticesOf(nodes), 1)
}

func TestTopologyOfNothingSaysSo(t *testing.T) {
	nodes := (&topologyQuery{}).frames(nil, nil)[0]
	require.Zero(t, nodes.Rows())
	require.Equal(t, []string{"The inventory has no cluster of this scope."}, noticesOf(nodes))
}

func TestFramesOfTopology(t *testing.T) {
	known := &inventory.Cluster{
		Region: "gz", ID: "gz-1", Size: 3, KubernetesClusters: []string{"gz-tke-1"},
		Members: []inventory.Member{{Name: "gz-1-0", Host: "node-0", Zone: "a"}, {Name: "gz-1-1", Host: "node-1", Zone: "b"}, {Name: "gz-1-2"}, {Name: "gz-1-3", Host: "node-0", Zone: "a"}},
	}
	metrics := &clusterMetrics{leader: "gz-1-0", members: map[string]memberMetrics{
		"gz-1-0": {scraped: true, up: true}, "gz-1-1": {scraped: true}, "gz-1-3": {scraped: true, up: true},
	}}
	frames := (&topologyQuery{}).frames([]clusterRow{{Cluster: known, metrics: metrics, health: degraded}}, regionsOfEveryState())
	checkGolden(t, "topology-nodes", frames[0])
	checkGolden(t, "topology-edges", frames[1])
}
