package datasource

import (
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
	require.Equal(t, []string{"no leader", "data differs", "member missing", "not seen", "unchecked", "well"}, ids)
}
