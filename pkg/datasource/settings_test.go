package datasource

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/stretchr/testify/require"
)

// instance returns settings with one region gz, whose token is there, and the changes to its JSON data.
func instance(t *testing.T, changes map[string]any) backend.DataSourceInstanceSettings {
	t.Helper()
	values := map[string]any{"regions": []any{map[string]any{"name": "gz", "url": "https://127.0.0.1:1"}}}
	for key, value := range changes {
		values[key] = value
	}
	encoded, err := json.Marshal(values)
	require.NoError(t, err)
	return backend.DataSourceInstanceSettings{
		UID: "fleet", Type: "etcdfleet-slo-datasource", URL: "http://127.0.0.1:1", JSONData: encoded,
		DecryptedSecureJSONData: map[string]string{"gz.token": "secret\n"},
	}
}

func TestReadsSettings(t *testing.T) {
	defaults, err := parseSettings(instance(t, nil))
	require.NoError(t, err)
	require.Equal(t, roleEditor, defaults.minRoleToRun)
	require.Equal(t, 30*time.Second, defaults.queryTimeout)
	require.Equal(t, 15*time.Second, defaults.scrapeInterval)
	require.Equal(t, "secret", defaults.regions[0].Token, "a pasted line end is no part of the token")

	chosen, err := parseSettings(instance(t, map[string]any{"minRoleToRun": "Admin", "queryTimeoutSeconds": 300, "timeInterval": "1m"}))
	require.NoError(t, err)
	require.Equal(t, roleAdmin, chosen.minRoleToRun)
	require.Equal(t, 300*time.Second, chosen.queryTimeout)
	require.Equal(t, time.Minute, chosen.scrapeInterval)

	withoutRegions := instance(t, map[string]any{"regions": nil})
	_, err = parseSettings(withoutRegions)
	require.NoError(t, err, "Thanos alone is useful too")

	proxied := instance(t, map[string]any{"regions": []any{map[string]any{"name": "local", "url": "http://localhost:8001/"}}})
	local, err := parseSettings(proxied)
	require.NoError(t, err, "kubectl proxy authenticates by itself")
	require.Equal(t, "http://localhost:8001", local.regions[0].URL)
}

func TestSaysWhichSettingIsWrong(t *testing.T) {
	for _, c := range []struct {
		name    string
		changes map[string]any
		wrong   string
	}{
		{"role", map[string]any{"minRoleToRun": "Viewer"}, `jsonData.minRoleToRun: "Viewer" is not possible`},
		{"timeout too short", map[string]any{"queryTimeoutSeconds": 0}, "jsonData.queryTimeoutSeconds: enter 1 to 300 seconds"},
		{"timeout too long", map[string]any{"queryTimeoutSeconds": 301}, "jsonData.queryTimeoutSeconds"},
		{"timeout's type", map[string]any{"queryTimeoutSeconds": "30"}, "jsonData: queryTimeoutSeconds must not be a string"},
		{"scrape interval", map[string]any{"timeInterval": "often"}, `jsonData.timeInterval: "often" is not a duration`},
		{"no verification", map[string]any{"tlsSkipVerify": true}, "jsonData.tlsSkipVerify: certificates are always verified"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := parseSettings(instance(t, c.changes))
			require.ErrorContains(t, err, c.wrong)
			require.NotContains(t, err.Error(), "secret")
		})
	}
	for url, wrong := range map[string]string{
		"":                        "url: it is empty: enter it, or set the environment variable",
		"${ETCDFLEET_THANOS_URL}": "url: it is a placeholder that was not filled in",
		"thanos:9090":             "url: enter an address with its scheme",
	} {
		wrongURL := instance(t, nil)
		wrongURL.URL = url
		_, err := parseSettings(wrongURL)
		require.ErrorContains(t, err, wrong)
	}
	for name, text := range map[string]string{
		"no object": `"x"`, "a list": `[]`, "broken": `{`,
	} {
		t.Run(name, func(t *testing.T) {
			broken := instance(t, nil)
			broken.JSONData = []byte(text)
			_, err := parseSettings(broken)
			require.ErrorContains(t, err, "jsonData: ")
		})
	}
}

// A factory that fails would reach users as "an error occurred within the plugin".
func TestADatasourceWithWrongSettingsSaysSoEverywhere(t *testing.T) {
	wrong := instance(t, map[string]any{"minRoleToRun": "Viewer"})
	badPEM := instance(t, map[string]any{"tlsAuthWithCACert": true})
	badPEM.DecryptedSecureJSONData["tlsCACert"] = "not PEM"
	for name, c := range map[string]struct {
		settings backend.DataSourceInstanceSettings
		message  string
	}{
		"invalid":    {wrong, "jsonData.minRoleToRun"},
		"no PEM":     {badPEM, "the datasource's HTTP settings: failed to parse TLS CA PEM certificate"},
		"no address": {backend.DataSourceInstanceSettings{}, "url: it is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			created, err := New(t.Context(), c.settings)
			require.NoError(t, err)
			d := created.(interface {
				backend.QueryDataHandler
				backend.CheckHealthHandler
				backend.CallResourceHandler
			})

			response, err := d.QueryData(t.Context(), &backend.QueryDataRequest{Queries: []backend.DataQuery{{RefID: "A"}, {RefID: "B"}}})
			require.NoError(t, err)
			for _, refID := range []string{"A", "B"} {
				require.ErrorContains(t, response.Responses[refID].Error, c.message)
				require.Equal(t, backend.ErrorSourceDownstream, response.Responses[refID].ErrorSource)
			}

			health, err := d.CheckHealth(t.Context(), &backend.CheckHealthRequest{})
			require.NoError(t, err)
			require.Equal(t, backend.HealthStatusError, health.Status)
			require.Contains(t, health.Message, c.message)

			require.NoError(t, d.CallResource(t.Context(), &backend.CallResourceRequest{Path: "checks", Method: http.MethodGet},
				backend.CallResourceResponseSenderFunc(func(answer *backend.CallResourceResponse) error {
					require.Equal(t, http.StatusInternalServerError, answer.Status)
					require.Contains(t, string(answer.Body), c.message)
					return nil
				})))
		})
	}
}
