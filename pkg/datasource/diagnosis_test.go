package datasource

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/stretchr/testify/require"

	"github.com/etcdfleet/etcd-fleet/pkg/diagnosis"
	"github.com/etcdfleet/etcd-fleet/pkg/inventory"
)

func diagnosisOf(region, cluster string) map[string]any {
	return map[string]any{"kind": "diagnosis", "scope": map[string]any{"region": []string{region}, "cluster": []string{cluster}}}
}

func firstSuspect(name string) func(*data.Frame) bool {
	return func(frame *data.Frame) bool { return columnOf(frame, "suspect")[0] == name }
}

func TestDiagnosesANamedCluster(t *testing.T) {
	d := newFleet(t)
	frame := eventually(t, d, diagnosisOf("gz", "gz-1"), firstSuspect("None"))
	require.Equal(t, []any{"Quiet"}, columnOf(frame, "severity"))
	require.Equal(t, []any{"Nothing is known to be wrong with gz-1."}, columnOf(frame, "statement"))

	frame = eventually(t, d, diagnosisOf("gz", "gz-2"), firstSuspect("Data differ"))
	row := rowsOf(frame)[0]
	require.Equal(t, "Failing", row["severity"])
	require.Contains(t, row["statement"], "nodeKeyDiff is 0")
	require.Equal(t, lastRun, row["since"].(time.Time).UTC())
	require.Equal(t, keyDiff, row["check"])
	var evidence []diagnosis.Evidence
	require.NoError(t, json.Unmarshal(row["evidence"].(json.RawMessage), &evidence))
	require.Equal(t, []diagnosis.Evidence{{Text: "inspection etcd-node-key-diff: Failed", Check: keyDiff}}, evidence)
}

func TestDiagnosesMembersThatGo(t *testing.T) {
	d := newFleet(t)
	heal := healOnce(t, func() error {
		for _, member := range members["sh-1"] {
			member.SetDown(false)
			member.Set("etcd_network_active_peers", 2)
			member.Set("etcd_server_has_leader", 1)
		}
		return nil
	})
	members["sh-1"][0].Set("etcd_network_active_peers", 1)
	members["sh-1"][1].Set("etcd_network_active_peers", 1)
	members["sh-1"][2].SetDown(true)
	frame := eventually(t, d, diagnosisOf("sh", "sh-1"), firstSuspect("Member down"))
	require.Equal(t, "sh-1-2", columnOf(frame, "member")[0])

	members["sh-1"][1].SetDown(true)
	members["sh-1"][0].Set("etcd_server_has_leader", 0)
	frame = eventually(t, d, diagnosisOf("sh", "sh-1"), func(frame *data.Frame) bool {
		return columnOf(frame, "member")[0] == "sh-1-1, sh-1-2"
	})
	require.Contains(t, columnOf(frame, "statement")[0], "sh-1 has no quorum: 2 of 3 members are down: sh-1-1 on sh-node-1 and sh-1-2 on sh-node-2.")
	require.WithinDuration(t, time.Now(), columnOf(frame, "since")[0].(time.Time), patience)

	t.Run("and finds them in the whole fleet, the worst first", func(t *testing.T) {
		frame := eventually(t, d, map[string]any{"kind": "diagnosis", "findings": "first"}, func(frame *data.Frame) bool {
			return frame.Rows() == 3
		})
		require.Equal(t, []any{"gz-2", "sh-1", "gz-3"}, columnOf(frame, "cluster"))
		require.Equal(t, []any{"Data differ", "Quorum lost", "Collection broken"}, columnOf(frame, "suspect"))
	})
	heal()
	eventually(t, d, diagnosisOf("sh", "sh-1"), firstSuspect("None"))
}

func TestAClusterThatNobodyKnowsIsSaidToBeOne(t *testing.T) {
	d := newFleet(t)
	frame := eventually(t, d, diagnosisOf("gz", "gz-77"), firstSuspect("None"))
	require.Equal(t, []any{"Blind"}, columnOf(frame, "severity"))
	require.Contains(t, noticesOf(frame), "gz-77 is not in the inventory of gz.")
}

func TestWithoutThanosADiagnosisIsWhatInspectionsSay(t *testing.T) {
	d := newFleet(t, withURL("http://127.0.0.1:1"))
	frame := eventually(t, d, diagnosisOf("gz", "gz-2"), firstSuspect("Data differ"))
	require.Contains(t, noticesOf(frame)[0], "The members' series are not known")
	frame = eventually(t, d, diagnosisOf("gz", "gz-1"), firstSuspect("Series away"))
	require.Equal(t, []any{"Blind"}, columnOf(frame, "severity"))

	response := ask(t, d, map[string]any{"kind": "diagnosis"})
	require.ErrorContains(t, response.Error, "Thanos")
}

func noticesOf(frame *data.Frame) []string {
	texts := make([]string, len(frame.Meta.Notices))
	for i, n := range frame.Meta.Notices {
		texts[i] = n.Text
	}
	return texts
}

func TestFrameOfDiagnosis(t *testing.T) {
	known := &inventory.Cluster{Region: "gz", ID: "gz-1", KubernetesClusters: []string{"gz-tke-1", "gz-tke-2"}}
	rows := []findingRow{
		{
			diagnosis.Finding{
				Suspect: diagnosis.Suspects()[0], Severity: diagnosis.Failing, Statement: "gz-1 has no quorum.",
				Members: []diagnosis.Member{{Name: "gz-1-1", Host: "node-1"}, {Name: "gz-1-2", Host: "node-2"}}, Since: seenAt,
				Evidence: []diagnosis.Evidence{{Text: "scrape of gz-1-1: 0", Expr: "up"}}, Action: "Start the members again.", Check: "alarms",
			},
			diagnosedCluster{clusterKey: clusterKey{"gz", "gz-1"}, known: known}, 1,
		},
		{
			diagnosis.Finding{Suspect: diagnosis.Suspects()[1], Severity: diagnosis.AtRisk, Statement: "Not known since when."},
			diagnosedCluster{clusterKey: clusterKey{"gz", "gz-9"}}, 1,
		},
	}
	checkGolden(t, "diagnosis-evidence", (&diagnosisQuery{page: page{Limit: 100}}).evidenceFrame(rows, nil))
	checkGolden(t, "diagnosis", (&diagnosisQuery{page: page{Limit: 100}}).frame(rows, regionsOfEveryState()))
}

// Without a store, no series is no fact: a cluster that has some is judged by them.
func TestALostStoreHidesOnlyClustersWithoutSeries(t *testing.T) {
	gz, sh := clusterKey{"gz", "gz-1"}, clusterKey{"sh", "sh-1"}
	series := map[clusterKey]diagnosis.Series{gz: {}, sh: {"up": {"sh-1-0": {{Time: seenAt, Value: 1}}}}}
	for _, history := range []*signalHistory{{known: true, lost: true, series: series}, {known: true, partial: []string{"no store matched"}, series: series}} {
		require.Contains(t, history.away(gz), "without one of its stores")
		require.Empty(t, history.away(sh))
	}
	require.Empty(t, (&signalHistory{known: true, series: series}).away(gz))
}

// Two clusters of one name in two regions share nothing.
func TestSnapshotsOfSameNamedClustersAreApart(t *testing.T) {
	value := 0.5
	history := &signalHistory{
		at: seenAt, known: true,
		series: map[clusterKey]diagnosis.Series{{"gz", "a"}: {}, {"sh", "a"}: {}},
		beside: map[string]map[memberKey]float64{
			diagnosis.WALFsync.Name: {{clusterKey{"sh", "b"}, "b-0"}: value},
			diagnosis.Up.Name:       {{clusterKey{"gz", "b"}, "b-0"}: 1, {clusterKey{"sh", "b"}, "b-0"}: 0},
		},
	}
	around := &neighbourhood{onHosts: map[placeKey][]diagnosis.Neighbour{
		{"gz", "node-0"}: {{Cluster: "a", Member: diagnosis.Member{Name: "a-0", Host: "node-0"}}, {Cluster: "b", Member: diagnosis.Member{Name: "b-0", Host: "node-0"}}},
		{"sh", "node-0"}: {{Cluster: "a", Member: diagnosis.Member{Name: "a-0", Host: "node-0"}}, {Cluster: "b", Member: diagnosis.Member{Name: "b-0", Host: "node-0"}}},
	}}
	of := func(region string) *diagnosis.Snapshot {
		cluster := &inventory.Cluster{Region: region, ID: "a", Size: 1, Members: []inventory.Member{{Name: "a-0", Host: "node-0"}}}
		return history.snapshot(diagnosedCluster{clusterKey: clusterKey{region, "a"}, known: cluster}, around, nil)
	}
	isUp, isDown := true, false
	b0 := diagnosis.Member{Name: "b-0", Host: "node-0"}
	require.Equal(t, []diagnosis.Neighbour{{Cluster: "b", Member: b0, Up: &isUp}}, of("gz").Neighbours)
	require.Equal(t, []diagnosis.Neighbour{{Cluster: "b", Member: b0, Up: &isDown, WALFsync: &value}}, of("sh").Neighbours)
}
