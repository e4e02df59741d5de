package datasource

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/pkg/inventory"
)

func TestWorstFirstIsTheWorseOfHealthAndInspection(t *testing.T) {
	row := func(id string, h health, o v1beta1.Outcome) clusterRow {
		return clusterRow{Cluster: &inventory.Cluster{Region: "gz", ID: id}, health: h, inspection: o, metrics: &clusterMetrics{}}
	}
	rows := []clusterRow{
		row("well", healthy, v1beta1.OutcomePassed),
		row("unchecked", healthy, v1beta1.OutcomeError),
		row("member missing", degraded, v1beta1.OutcomeWarning),
		row("data differs", healthy, v1beta1.OutcomeFailed),
		row("no leader", unhealthy, ""),
		row("not seen", unknown, v1beta1.OutcomePassed),
	}
	slices.SortFunc(rows, (&clustersQuery{Sort: "health"}).order())
	var ids []string
	for _, r := range rows {
		ids = append(ids, r.ID)
	}
	require.Equal(t, []string{"no leader", "data differs", "unchecked", "member missing", "not seen", "well"}, ids)
}

// A check that could not be done must not hide the one that found the data different.
func TestAClusterIsAsBadAsItsWorstInspection(t *testing.T) {
	outcomes := []v1beta1.Outcome{"", v1beta1.OutcomeNotSupported, v1beta1.OutcomePassed, v1beta1.OutcomeWarning, v1beta1.OutcomeError, v1beta1.OutcomeFailed}
	for i, worse := range outcomes {
		for _, better := range outcomes[:i] {
			for _, both := range [][]v1beta1.Outcome{{worse, better}, {better, worse}} {
				require.Equal(t, worse, worstOf([]*inventory.Monitor{{Outcome: both[0]}, {Outcome: both[1]}}))
			}
		}
	}
}

// The front end's test reads the same file: a difference between the two orders fails one of them.
func TestTheOrderOfOutcomesIsTheFrontEnds(t *testing.T) {
	content, err := os.ReadFile(filepath.Join("testdata", "outcomes.json"))
	require.NoError(t, err)
	var order []v1beta1.Outcome
	require.NoError(t, json.Unmarshal(content, &order))
	require.Equal(t, order, v1beta1.OutcomesBySeverity)
}
