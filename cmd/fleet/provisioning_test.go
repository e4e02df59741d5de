package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/etcdfleet/etcd-fleet/internal/labbin"
)

func environment(values map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := values[name]
		return value, ok
	}
}

func TestReadsTheProjectsProvisioning(t *testing.T) {
	path, err := labbin.RepositoryPath("provisioning", "datasources", "etcd-fleet.yaml")
	require.NoError(t, err)
	values := map[string]string{"ETCDFLEET_THANOS_URL": "http://thanos:9090"}
	for _, region := range []string{"GZ", "SH"} {
		for _, name := range []string{"URL", "TOKEN", "CA"} {
			values["ETCDFLEET_"+region+"_"+name] = region + "'s\n" + name
		}
	}
	settings, err := readDatasource(path, environment(values))
	require.NoError(t, err)
	require.Equal(t, "http://thanos:9090", settings.URL)
	require.Equal(t, "GZ's\nTOKEN", settings.DecryptedSecureJSONData["gz.token"])
	require.Contains(t, string(settings.JSONData), `"url":"SH's\nURL"`)

	_, err = readDatasource(path, environment(nil))
	require.ErrorContains(t, err, "set ETCDFLEET_GZ_CA, ETCDFLEET_GZ_TOKEN, ETCDFLEET_GZ_URL")
}

func TestFillsInVariablesAsGrafanaDoes(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(secret, []byte("from a file\n"), 0o600))
	for text, want := range map[string]string{
		"plain":                          "plain",
		"$A and ${A} and $__env{A}":      "a and a and a",
		"$A/x_$B":                        "a/x_$A",
		"costs $$5":                      "costs $5",
		"$__file{" + secret + "}":        "from a file",
		"a $ alone, and {A} in brackets": "a $ alone, and {A} in brackets",
	} {
		v := &variables{environment: environment(map[string]string{"A": "a", "B": "$A"})}
		require.Equal(t, want, v.expand(text))
		require.NoError(t, v.err())
	}
	v := &variables{environment: environment(nil)}
	v.expand("$__file{/missing} $X ${Y} $X")
	require.ErrorContains(t, v.err(), "set X, Y in the environment")
	require.ErrorContains(t, v.err(), "/missing: no such file")
}

func TestNeedsADatasourceOfTheFleet(t *testing.T) {
	path := filepath.Join(t.TempDir(), "datasource.yaml")
	require.NoError(t, os.WriteFile(path, []byte("datasources: [{type: prometheus}]"), 0o600))
	_, err := readDatasource(path, environment(nil))
	require.ErrorContains(t, err, "has no datasource of the type etcdfleet-slo-datasource")
	require.NoError(t, os.WriteFile(path, []byte("datasources: ["), 0o600))
	_, err = readDatasource(path, environment(nil))
	require.ErrorContains(t, err, "read the datasource from "+path)
}
