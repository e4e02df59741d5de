package datasource

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/etcdfleet/etcd-fleet/internal/regiontest"
)

// A region with a cluster of ours and kstone's objects (pkg/inventory/testdata/kstone) answers for both.
func TestShowsKstonesClustersBesideOurs(t *testing.T) {
	ours := etcdCluster("default", "tke", "business", "small", "own")
	ours.Spec.Region = "mixed"
	mixed, err := startRegion(t.TempDir(), []client.Object{ours, etcdMonitor("default", "own", keyDiff, "")})
	require.NoError(t, err)
	t.Cleanup(mixed.Close)
	folder := []string{"pkg", "inventory", "testdata", "kstone"}
	require.NoError(t, mixed.InstallCRDs(append(folder, "crds.yaml")...))
	require.NoError(t, mixed.CreateFrom(append(folder, "objects.yaml")...))
	d, log := mixedFleet(t, mixed)

	clusters := askTable(t, d, map[string]any{"kind": "clusters", "sort": "cluster"})
	require.Equal(t, "live", string(regionOf(clusters, "mixed").State), "kstone's objects are part of the first synchronisation")
	require.Equal(t, []any{"fresh", "orders", "own"}, columnOf(clusters, "cluster"))
	require.Equal(t, []any{"kstone", "tcr", "tke"}, columnOf(clusters, "product"))
	orders := rowsOf(clusters)[1]
	require.Equal(t, map[string]any{
		"region": "mixed", "cluster": "orders", "product": "tcr", "scene": "big-customer", "spec": "large", "health": "Unknown", "members": int64(3),
		"leader": "", "version": "3.5.4", "inspection": "", "lastInspection": time.Date(2026, 1, 2, 3, 10, 2, 0, time.UTC),
	}, orders)
	products := askTable(t, d, map[string]any{"kind": "clusters", "distinct": "product"})
	require.Equal(t, []any{"kstone", "tcr", "tke"}, columnOf(products, "product"))

	inspections := rowsOf(askTable(t, d, map[string]any{"kind": "inspections"}))
	require.Len(t, inspections, 3)
	consistency, healthy, own := inspections[0], inspections[1], inspections[2]
	require.JSONEq(t, `[
		{"time": 1767323101000, "outcome": "", "message": "the difference is 0", "values": {}},
		{"time": 1767323402000, "outcome": "", "message": "Timeout: context deadline exceeded", "values": {}}
	]`, string(consistency["history"].(json.RawMessage)))
	require.Equal(t, []any{keyDiff, "", "idle", "Timeout: context deadline exceeded"}, []any{consistency["check"], consistency["outcome"], consistency["state"], consistency["message"]})
	require.Equal(t, []any{"healthy", nil}, []any{healthy["check"], healthy["lastRun"]})
	require.Contains(t, consistency["blocked"], "kstone runs this inspection by itself")
	require.Equal(t, []any{"own", ""}, []any{own["cluster"], own["blocked"]})
	require.JSONEq(t, `["etcd-node-key-diff", "healthy"]`, call(t, d, viewer, "GET", "checks", "", "").raw)

	log.take()
	refused := call(t, d, editor, "POST", runPath, "application/json", runRequest("mixed", "orders", keyDiff))
	require.Equal(t, 409, refused.status, refused.raw)
	require.Equal(t, map[string]any{"field": "check", "message": consistency["blocked"]}, refused.body)
	lines := log.take()
	require.Len(t, lines, 1)
	require.Equal(t, []any{"A run was refused", 409, "edith"}, []any{lines[0]["msg"], lines[0]["result"], lines[0]["actor"]})
	require.Equal(t, 403, call(t, d, viewer, "POST", runPath, "application/json", runRequest("mixed", "orders", keyDiff)).status, "the role comes first")
	require.Equal(t, 202, call(t, d, editor, "POST", runPath, "application/json", runRequest("mixed", "own", keyDiff)).status)

	result, err := d.CheckHealth(t.Context(), &backend.CheckHealthRequest{})
	require.NoError(t, err)
	require.Equal(t, "Thanos: works, mixed: works; the clusters of kstone are read too.", result.Message)
}

// mixedFleet returns a datasource for one region that is current, and its log.
func mixedFleet(t *testing.T, server *regiontest.Server) (*Datasource, *recorder) {
	t.Helper()
	d := newFleet(t, withJSON("regions", []map[string]any{{"name": "mixed", "url": server.URL}}),
		withSecret("mixed.token", regiontest.DatasourceToken), withSecret("mixed.caCert", server.CACert))
	eventually(t, d, map[string]any{"kind": "inspections"}, isLive("mixed"))
	return d, recordLog(d)
}
