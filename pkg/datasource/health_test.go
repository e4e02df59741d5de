package datasource

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/stretchr/testify/require"

	"github.com/etcdfleet/etcd-fleet/internal/regiontest"
)

func checkHealth(t *testing.T, options ...option) (*backend.CheckHealthResult, map[string]healthEntry) {
	t.Helper()
	result, err := newFleet(t, options...).CheckHealth(t.Context(), &backend.CheckHealthRequest{})
	require.NoError(t, err)
	var details healthDetails
	require.NoError(t, json.Unmarshal(result.JSONDetails, &details))
	entries := map[string]healthEntry{}
	for _, entry := range details.Checks {
		entries[entry.Name] = entry
	}
	return result, entries
}

func TestAHealthyDatasource(t *testing.T) {
	result, entries := checkHealth(t)
	require.Equal(t, backend.HealthStatusOk, result.Status, result.Message)
	require.Equal(t, "Thanos: works, gz: works, sh: works.", result.Message)
	require.Len(t, entries, 3)
	require.Regexp(t, `^v1\.\d+`, entries["gz"].Version)
	require.True(t, entries["Thanos"].OK)
}

// Every mistake is told by its own sentence, which names the server and the remedy; the other servers are not blamed.
func TestNamesWhatIsWrongWithWhich(t *testing.T) {
	webSite := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<html>"))
	}))
	defer webSite.Close()
	denying := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, password, _ := r.BasicAuth(); password != "right" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer denying.Close()
	bare, err := regiontest.Start(t.TempDir())
	require.NoError(t, err)
	defer bare.Close()
	require.NoError(t, bare.UninstallCRDs("deploy", "crds"))

	seen := map[string]string{}
	for _, c := range []struct {
		name, wrong string
		options     []option
		messages    []string
	}{
		{"a wrong CA", "gz", []option{withSecret("gz.caCert", sh.CACert)}, []string{"certificate of the API server of region gz is signed by", "CA certificate of region gz"}},
		{"no CA", "gz", []option{withSecret("gz.caCert", "")}, []string{"is signed by", "CA certificate of region gz"}},
		{"a wrong token", "gz", []option{withSecret("gz.token", "wrong")}, []string{"does not accept the credentials (401)", "token or client certificate of region gz"}},
		{"a token without rights", "gz", []option{withSecret("gz.token", regiontest.StrangerToken)}, []string{"forbids it", "deploy/rbac/datasource.yaml"}},
		{"a token that may only read", "gz", []option{withSecret("gz.token", regiontest.ReaderToken)}, []string{"patch etcdmonitors, create events", "deploy/rbac/datasource.yaml"}},
		{"a URL where nothing listens", "gz", []option{withGZ("url", "https://127.0.0.1:1")}, []string{"Nothing listens at https://127.0.0.1:1", "the URL of region gz"}},
		{"the URL of something else", "gz", []option{withGZ("url", metrics.URL)}, []string{"is not the API server of region gz", "the URL of region gz"}},
		{"http for https", "gz", []option{withGZ("url", strings.Replace(gz.URL, "https", "http", 1))}, []string{"speaks TLS", "https://"}},
		{"a wrong server name", "gz", []option{withGZ("serverName", "gz.example.com")}, []string{`not valid for "gz.example.com"`, "server name of region gz"}},
		{"no CRDs", "gz", []option{withGZ("url", bare.URL), withSecret("gz.caCert", bare.CACert)}, []string{"does not know the resource etcdclusters", "deploy/crds"}},
		{"Thanos's URL", "Thanos", []option{withURL("http://127.0.0.1:1")}, []string{"Nothing listens at http://127.0.0.1:1", "the datasource's URL"}},
		{"a web site for Thanos", "Thanos", []option{withURL(webSite.URL)}, []string{"is not Thanos", "a web page"}},
		{"https for Thanos", "Thanos", []option{withURL(strings.Replace(metrics.URL, "http", "https", 1))}, []string{"does not speak TLS"}},
		{"credentials for Thanos", "Thanos", []option{withURL(denying.URL)}, []string{"does not accept the credentials (401)", "the datasource's authentication"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			result, entries := checkHealth(t, c.options...)
			require.Equal(t, backend.HealthStatusError, result.Status)
			for name, entry := range entries {
				require.Equal(t, name != c.wrong, entry.OK, entry.Message)
			}
			for _, part := range c.messages {
				require.Contains(t, entries[c.wrong].Message, part)
			}
			require.Contains(t, result.Message, c.wrong+": "+entries[c.wrong].Message)
			if c.name != "no CA" { // told like a wrong one
				require.Empty(t, seen[entries[c.wrong].Message], "told like: %s", seen[entries[c.wrong].Message])
				seen[entries[c.wrong].Message] = c.name
			}
		})
	}
}

func TestAnEmptyNamespaceIsRemarked(t *testing.T) {
	result, entries := checkHealth(t, withGZ("namespace", "gx"))
	require.Equal(t, backend.HealthStatusOk, result.Status)
	require.Contains(t, entries["gz"].Message, `there is no EtcdCluster in namespace "gx": check the namespace`)
	require.Contains(t, result.Message, `namespace "gx"`)
}

func TestThanosAuthenticates(t *testing.T) {
	var header http.Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header = r.Header
		_, _ = w.Write([]byte(`{"status": "success", "data": {"resultType": "vector", "result": []}}`))
	}))
	defer server.Close()
	d := newFleet(t, withURL(server.URL), withJSON("httpHeaderName1", "X-Scope-OrgID"), withSecret("httpHeaderValue1", "fleet"),
		func(_ map[string]any, settings *backend.DataSourceInstanceSettings) {
			settings.BasicAuthEnabled, settings.BasicAuthUser = true, "reader"
			settings.DecryptedSecureJSONData["basicAuthPassword"] = "right"
		})
	require.NoError(t, ask(t, d, map[string]any{"kind": "promql", "mode": "instant", "expr": "up"}).Error)
	user, password, ok := (&http.Request{Header: header}).BasicAuth()
	require.True(t, ok)
	require.Equal(t, []string{"reader", "right", "fleet"}, []string{user, password, header.Get("X-Scope-OrgID")})
}

// Credentials belong to the server that they were given for.
func TestCredentialsDoNotFollowRedirects(t *testing.T) {
	reached := false
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer elsewhere.Close()
	redirecting := httptest.NewServer(http.RedirectHandler(elsewhere.URL+"/login?session=secret", http.StatusTemporaryRedirect))
	defer redirecting.Close()
	_, entries := checkHealth(t, withURL(redirecting.URL), withGZ("url", redirecting.URL))
	for _, name := range []string{"Thanos", "gz"} {
		require.Contains(t, entries[name].Message, "redirects to "+elsewhere.URL+"/login, perhaps to a login page")
	}
	require.False(t, reached)
}
