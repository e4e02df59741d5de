package datasource

import (
	"fmt"
	"testing"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/stretchr/testify/require"

	"github.com/etcdfleet/etcd-fleet/pkg/inventory"
)

// limited returns settings with a fixed scope as an administrator has to enter them, with addresses that nobody can read.
func limited(t *testing.T, changes map[string]any) backend.DataSourceInstanceSettings {
	t.Helper()
	changes["regions"] = []any{map[string]any{"name": "gz"}}
	settings := instance(t, changes)
	settings.URL = ""
	settings.DecryptedSecureJSONData["thanosUrl"] = "http://127.0.0.1:1"
	settings.DecryptedSecureJSONData["gz.url"] = "https://127.0.0.1:1"
	return settings
}

func TestReadsAFixedScope(t *testing.T) {
	for _, c := range []struct {
		name    string
		changes map[string]any
		want    view
	}{
		{"every label", map[string]any{"fixedScope": map[string]any{
			"region": []string{"gz", "sh"}, "product": []string{"tke"}, "scene": []string{"big-customer"}, "spec": []string{"large"}, "cluster": []string{"gz-1", "sh-1"},
		}}, view{inventory.Scope{
			Region: []string{"gz", "sh"}, Product: []string{"tke"}, Scene: []string{"big-customer"}, Spec: []string{"large"}, Cluster: []string{"gz-1", "sh-1"},
		}, true}},
		{"shown to colleagues", map[string]any{"fixedScope": map[string]any{"scene": []string{"business"}}, "hideInternals": false},
			view{inventory.Scope{Scene: []string{"business"}}, false}},
		{"no scope, without internals", map[string]any{"hideInternals": true}, view{hidesInternals: true}},
	} {
		parsed, err := parseSettings(limited(t, c.changes))
		require.NoError(t, err, c.name)
		require.Equal(t, c.want, parsed.view, c.name)
		require.Equal(t, "http://127.0.0.1:1", parsed.thanosURL.String())
		require.NoError(t, parsed.regions[0].Problem, c.name)
		require.Equal(t, "https://127.0.0.1:1", parsed.regions[0].URL)
	}
}

func TestNoFixedScopeChangesNothing(t *testing.T) {
	for _, fixed := range []any{nil, map[string]any{}, map[string]any{"cluster": []string{}, "region": nil}} {
		parsed, err := parseSettings(instance(t, map[string]any{"fixedScope": fixed, "hideInternals": nil}))
		require.NoError(t, err, "%v", fixed)
		require.False(t, parsed.view.isLimited(), "%v", fixed)
	}
}

// What is not understood must not be taken for no limit.
func TestAFixedScopeThatIsNotUnderstoodIsRefused(t *testing.T) {
	long := make([]string, maxFixedValues+1)
	for i := range long {
		long[i] = fmt.Sprint("c-", i)
	}
	for _, c := range []struct {
		fixed any
		wrong string
	}{
		{"gz-1", "jsonData.fixedScope: must be an object of lists"},
		{[]string{"gz-1"}, "jsonData.fixedScope: must be an object of lists"},
		{map[string]any{"clusters": []string{"gz-1"}}, `jsonData.fixedScope["clusters"]: is not a field of a fixed scope: use region, product, scene, spec, cluster`},
		{map[string]any{"Cluster": []string{"gz-1"}}, `jsonData.fixedScope["Cluster"]`},
		{map[string]any{"host": []string{"node-1"}}, `jsonData.fixedScope["host"]`},
		{map[string]any{"region": "gz"}, "jsonData.fixedScope.region: must be a list of texts"},
		{map[string]any{"region": []any{1}}, "jsonData.fixedScope.region: must be a list of texts"},
		{map[string]any{"region": []any{nil}}, "jsonData.fixedScope.region: must be a list of texts"},
		{map[string]any{"scene": []string{"a", ""}}, "jsonData.fixedScope.scene: value 2: it is empty"},
		{map[string]any{"scene": []string{"${CUSTOMER}"}}, "jsonData.fixedScope.scene: value 1: it is a placeholder"},
		{map[string]any{"scene": long}, "jsonData.fixedScope.scene: must have at most 1000 values"},
		{map[string]any{"cluster": []string{"gz-1"}}, "jsonData.fixedScope.region: name the regions of the clusters"},
	} {
		_, err := parseSettings(limited(t, map[string]any{"fixedScope": c.fixed}))
		require.ErrorContains(t, err, c.wrong)
	}
	for _, spelling := range []string{"fixedscope", "FixedScope", "hideinternals"} {
		_, err := parseSettings(limited(t, map[string]any{spelling: map[string]any{"scene": []string{"business"}}}))
		require.ErrorContains(t, err, fmt.Sprintf("jsonData[%q]: write ", spelling))
	}
	_, err := parseSettings(limited(t, map[string]any{"hideInternals": "no"}))
	require.ErrorContains(t, err, "jsonData.hideInternals: must be true or false")
}

// Grafana's data proxy passes requests to the URL of a datasource, past its backend.
func TestALimitedViewNeedsAddressesThatNobodyCanUse(t *testing.T) {
	scope := map[string]any{"scene": []string{"business"}}
	plain := limited(t, map[string]any{"fixedScope": scope})
	plain.URL = "http://thanos:9090"
	_, err := parseSettings(plain)
	require.ErrorContains(t, err, "url: remove it, and enter the address of Thanos as secureJsonData.thanosUrl")
	require.NotContains(t, err.Error(), "http://thanos", "everybody reads it")

	missing := limited(t, map[string]any{"fixedScope": scope})
	delete(missing.DecryptedSecureJSONData, "thanosUrl")
	_, err = parseSettings(missing)
	require.ErrorContains(t, err, "secureJsonData.thanosUrl: it is empty")

	// Grafana also shows jsonData to everybody who may query the datasource.
	readable := limited(t, map[string]any{"fixedScope": scope})
	readable.JSONData = []byte(`{"fixedScope": {"scene": ["business"]}, "regions": [{"name": "gz", "url": "https://10.0.0.1:6443"}]}`)
	parsed, err := parseSettings(readable)
	require.NoError(t, err)
	require.ErrorContains(t, parsed.regions[0].Problem, `jsonData.regions[0].url: remove it, and enter it as secureJsonData["gz.url"]`)

	readable.JSONData = []byte(`{"fixedScope": {"scene": ["business"]}, "hideInternals": false, "regions": [{"name": "gz", "url": "https://10.0.0.1:6443"}]}`)
	parsed, err = parseSettings(readable)
	require.NoError(t, err)
	require.NoError(t, parsed.regions[0].Problem, "colleagues may read it")
}
