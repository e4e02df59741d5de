package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

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
	settings, unset, err := readDatasource(path, environment(values))
	require.NoError(t, err)
	require.Empty(t, unset)
	require.Equal(t, "http://thanos:9090", settings.URL)
	require.Equal(t, "GZ's\nTOKEN", settings.DecryptedSecureJSONData["gz.token"])
	require.Contains(t, string(settings.JSONData), `"url":"SH's\nURL"`)

	for _, name := range []string{"URL", "TOKEN", "CA"} {
		delete(values, "ETCDFLEET_SH_"+name)
	}
	settings, unset, err = readDatasource(path, environment(values))
	require.NoError(t, err, "one region of two")
	require.Equal(t, []string{"ETCDFLEET_SH_CA", "ETCDFLEET_SH_TOKEN", "ETCDFLEET_SH_URL"}, unset)
	require.Contains(t, string(settings.JSONData), `"name":"sh","namespace":"sh","url":""`)
}

// Grafana exits at its start if two provisioned datasources of one organisation are the default.
func TestTheProjectsProvisioningIsNeverTheDefault(t *testing.T) {
	folder, err := labbin.RepositoryPath("provisioning", "datasources")
	require.NoError(t, err)
	files, err := os.ReadDir(folder)
	require.NoError(t, err)
	for _, entry := range files {
		content, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		require.NoError(t, err)
		var file struct{ Datasources []struct{ IsDefault bool } }
		require.NoError(t, yaml.Unmarshal(content, &file))
		require.NotEmpty(t, file.Datasources)
		for _, datasource := range file.Datasources {
			require.False(t, datasource.IsDefault, entry.Name())
		}
	}
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
		require.Empty(t, v.unset)
	}
	v := &variables{environment: environment(nil)}
	v.expand("$__file{/missing} $X ${Y} $X")
	require.Equal(t, []string{"X", "Y"}, v.unset)
	require.ErrorContains(t, errors.Join(v.unreadable...), "/missing: no such file")
}

func TestNeedsADatasourceOfTheFleet(t *testing.T) {
	path := filepath.Join(t.TempDir(), "datasource.yaml")
	require.NoError(t, os.WriteFile(path, []byte("datasources: [{type: prometheus}]"), 0o600))
	_, _, err := readDatasource(path, environment(nil))
	require.ErrorContains(t, err, "has no datasource of the type etcdfleet-slo-datasource")
	require.NoError(t, os.WriteFile(path, []byte("datasources: ["), 0o600))
	_, _, err = readDatasource(path, environment(nil))
	require.ErrorContains(t, err, "read the datasource from "+path)
}
