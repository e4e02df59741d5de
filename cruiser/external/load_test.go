package external_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
	"github.com/etcdfleet/etcd-fleet/cruiser/external"
	"github.com/etcdfleet/etcd-fleet/internal/labbin"
)

// writeFile returns the path of a new file.
func writeFile(t *testing.T, name, content string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), mode))
	return path
}

func TestLoadReadsAllThatACheckDeclares(t *testing.T) {
	loaded, err := external.Load(writeFile(t, "checks.yaml", `
checks:
  - name: disk-free
    command: [sh, -c, 'true']
    parameters: {minimum: 10Gi, retries: 3}
    values:
      - name: freeBytes
        metric: etcd_inspection_disk_free_bytes
        help: Free bytes of the fullest disk.
    timeout: 5s
    interval: 12h
    expensive: true
    credentials: true
  - name: ticket-open
    url: http://127.0.0.1:8080/ticket
`, 0o600))
	require.NoError(t, err)
	require.Len(t, loaded, 2)
	check := loaded[0]
	assert.Equal(t, "disk-free", check.Name)
	assert.Equal(t, map[string]string{"minimum": "10Gi", "retries": "3"}, check.Parameters.Defaults())
	assert.Equal(t, []checks.Value{{
		Name: "freeBytes", Metric: "etcd_inspection_disk_free_bytes", Help: "Free bytes of the fullest disk.",
	}}, check.Values)
	assert.Equal(t, 5*time.Second, check.Timeout)
	assert.Equal(t, 12*time.Hour, check.Interval)
	assert.True(t, check.Expensive)
	assert.Zero(t, loaded[1].Timeout, "cruiser's default")
	assert.False(t, loaded[1].Expensive)
}

func TestLoadSaysWhatIsWrongAndWhere(t *testing.T) {
	emptyToken := writeFile(t, "token", "\n", 0o600)
	noPEM := writeFile(t, "ca.crt", "x", 0o600)
	for _, test := range []struct {
		name, yaml, message string
	}{
		{
			"an unknown field", "checks:\n- name: a\n  comand: [sh]\n",
			"line 3: comand is not a field here: use name, command, url,",
		},
		{
			"two unknown fields", "check:\nchecks:\n- name: a\n  values:\n  - {name: b, unit: c}\n",
			"line 1: check is not a field here: use checks; line 5: unit is not a field here: use name, metric, help",
		},
		{"a wrong type", "checks:\n- name: a\n  expensive: perhaps\n", "line 3: cannot unmarshal !!str `perhaps` into bool"},
		{"no YAML", "checks: [\n", "line 1: did not find expected node content"},
		{"a field twice", "checks:\n- name: a\n  name: b\n", `line 3: mapping key "name" already defined at line 2`},
		{"nothing", "", "declares no check: list some under checks:, or leave out --external-checks"},
		{"no name", "checks:\n- command: [sh]\n", `:2: checks[0].name: "" is not a valid name of a check: write lower-case letters`},
		{"a bad name", "checks:\n- command: [sh]\n  name: Disk_free\n", `:3: checks[0].name: "Disk_free" is not a valid name of a check`},
		{
			"a name twice", "checks:\n- {name: a, command: [sh]}\n- {name: a, command: [sh]}\n",
			`:3: checks[1].name: "a" is there twice: rename one`,
		},
		{
			"neither command nor url", "checks:\n- name: a\n",
			":2: checks[0].name: a has neither a command nor a url: add the one or the other",
		},
		{
			"both", "checks:\n- name: a\n  command: [sh]\n  url: https://a\n",
			":4: checks[0].url: there is a command as well: keep one of them",
		},
		{
			"a program that is not there", "checks:\n- name: a\n  command: [/does/not/exist]\n",
			":3: checks[0].command: exec: \"/does/not/exist\": stat /does/not/exist: no such file or directory: install the program",
		},
		{
			"a value's name", "checks:\n- name: a\n  command: [sh]\n  values:\n  - {name: b, metric: etcd_inspection_b, help: b}\n" +
				"  - name: free-bytes\n",
			`:6: checks[0].values[1].name: "free-bytes" is not a valid name of a value: write it like freeBytes`,
		},
		{
			"a value twice", "checks:\n- name: a\n  command: [sh]\n  values:\n  - {name: b, metric: etcd_inspection_b, help: b}\n" +
				"  - {name: b, metric: etcd_inspection_b, help: b}\n",
			`:6: checks[0].values[1].name: "b" is there twice: rename one`,
		},
		{
			"a metric of others", "checks:\n- name: a\n  command: [sh]\n  values:\n  - name: b\n    metric: disk_free\n",
			`:6: checks[0].values[0].metric: "disk_free" is not a valid name of a metric: write etcd_inspection_<what>_<base unit>`,
		},
		{
			"a metric without help", "checks:\n- name: a\n  command: [sh]\n  values:\n  - name: b\n    metric: etcd_inspection_b\n",
			":5: checks[0].values[0].help: it is empty: say in a sentence what is measured",
		},
		{
			"a time that is none", "checks:\n- name: a\n  command: [sh]\n  timeout: 5 minutes\n",
			`:4: checks[0].timeout: "5 minutes" is not a valid time: write for example 30s, 5m or 12h`,
		},
		{
			"an interval out of bounds", "checks:\n- name: a\n  command: [sh]\n  interval: 1s\n",
			":4: checks[0].interval: 1s is out of bounds: write a time from 10s to 720h",
		},
		{
			"a url that is none", "checks:\n- name: a\n  url: checks.example.org\n",
			`:3: checks[0].url: "checks.example.org" is not the address of a service: write https://host/path`,
		},
		{
			"plain text to another host", "checks:\n- name: a\n  url: http://checks.example.org\n",
			":3: checks[0].url: checks.example.org would be asked in plain text: write https://",
		},
		{
			"a password in the url", "checks:\n- name: a\n  url: https://user:secret@checks.example.org\n",
			":3: checks[0].url: it holds a password: put a token into a file and name it by tokenFile",
		},
		{
			"credentials for a service", "checks:\n- name: a\n  url: https://checks.example.org\n  credentials: true\n",
			":4: checks[0].credentials: they are never sent to a service",
		},
		{
			"a token for a program", "checks:\n- name: a\n  command: [sh]\n  tokenFile: /token\n",
			":4: checks[0].tokenFile: it is for a url: remove it, or replace command by url",
		},
		{
			"a token file that is not there", "checks:\n- name: a\n  url: https://a\n  tokenFile: /does/not/exist\n",
			":4: checks[0].tokenFile: open /does/not/exist: no such file or directory: mount the file, or correct its path",
		},
		{
			"an empty token file", "checks:\n- name: a\n  url: https://a\n  tokenFile: " + emptyToken + "\n",
			"is empty: put the token into it",
		},
		{
			"authorities that are none", "checks:\n- name: a\n  url: https://a\n  caFile: " + noPEM + "\n",
			"holds no certificate in PEM: replace it",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := writeFile(t, "checks.yaml", test.yaml, 0o600)
			_, err := external.Load(path)
			require.ErrorContains(t, err, test.message)
			assert.ErrorContains(t, err, path)
			assert.NotContains(t, err.Error(), "secret")
		})
	}
	t.Run("no file", func(t *testing.T) {
		_, err := external.Load("/does/not/exist")
		assert.ErrorContains(t, err, "create the file, or correct --external-checks")
	})
}

func TestAddRefusesWhatCruiserHasItself(t *testing.T) {
	for _, test := range []struct{ name, yaml, message string }{
		{"a check's name", "checks: [{name: etcd-node-key-diff, command: [sh]}]", "two checks are named etcd-node-key-diff: rename it there"},
		{
			"a metric with another meaning",
			"checks: [{name: a, command: [sh], values: [{name: keys, metric: etcd_inspection_keys, help: Something else.}]}]",
			"check a: metric etcd_inspection_keys has another help text elsewhere",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := writeFile(t, "checks.yaml", test.yaml, 0o600)
			_, err := external.Add(checks.All(), path)
			require.ErrorContains(t, err, test.message)
			assert.ErrorContains(t, err, path)
		})
	}
}

// The JSON Schema that others write against says the same as the types here.
func TestSchemaNamesTheFieldsOfTheContract(t *testing.T) {
	path, err := labbin.RepositoryPath("docs", "external-checks.schema.json")
	require.NoError(t, err)
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	var schema struct {
		Defs map[string]struct {
			Properties map[string]struct {
				Const string   `json:"const"`
				Enum  []string `json:"enum"`
			} `json:"properties"`
			Required []string `json:"required"`
		} `json:"$defs"`
	}
	require.NoError(t, json.Unmarshal(content, &schema))
	for name, message := range map[string]any{"request": external.Request{}, "response": external.Response{}} {
		var fields, required []string
		for field := range reflect.TypeOf(message).Fields() {
			tag, options, _ := strings.Cut(field.Tag.Get("json"), ",")
			fields = append(fields, tag)
			if options == "" {
				required = append(required, tag)
			}
		}
		var described []string
		for field := range schema.Defs[name].Properties {
			described = append(described, field)
		}
		assert.ElementsMatch(t, fields, described, name)
		assert.ElementsMatch(t, required, schema.Defs[name].Required, name)
	}
	assert.Equal(t, external.APIVersion, schema.Defs["request"].Properties["apiVersion"].Const)
	outcomes := schema.Defs["response"].Properties["outcome"].Enum
	assert.True(t, slices.Contains(outcomes, "NotSupported") && len(outcomes) == 5, "%s", outcomes)
}
