package datasource

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/etcdfleet/etcd-fleet/internal/labbin"
)

// The front end's tests read the same files: a difference between the two sides fails one of them.
func TestQueriesAgreeWithTheGoldenFiles(t *testing.T) {
	paths, err := filepath.Glob("testdata/queries/*.json")
	require.NoError(t, err)
	require.Greater(t, len(paths), 30)
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			var golden struct {
				Input      json.RawMessage
				Normalized map[string]any
				Error      *struct{ Field string }
			}
			content, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, json.Unmarshal(content, &golden))

			parsed, _, err := view{}.parseQuery(golden.Input)
			if golden.Error != nil {
				wrong, ok := errors.AsType[*fieldError](err)
				require.True(t, ok, "%v", err)
				require.Equal(t, golden.Error.Field, wrong.field)
				require.True(t, strings.HasPrefix(err.Error(), wrong.field+" "))
				return
			}
			require.NoError(t, err)
			require.Equal(t, golden.Normalized, asJSON(t, golden.Input, parsed))
		})
	}
}

// asJSON is a parsed query in the front end's form; refId and kind are the input's own.
func asJSON(t *testing.T, input json.RawMessage, parsed query) map[string]any {
	t.Helper()
	encoded, err := json.Marshal(parsed)
	require.NoError(t, err)
	var form, envelope map[string]any
	require.NoError(t, json.Unmarshal(encoded, &form))
	require.NoError(t, json.Unmarshal(input, &envelope))
	form["refId"], form["kind"] = envelope["refId"], envelope["kind"]
	return form
}

func TestKindsAndNamesAgreeWithTheFrontEnd(t *testing.T) {
	source := frontEnd(t, "kinds/index.ts", "kinds/*/query.ts", "scope.ts", "page.ts")

	var names []string
	for _, k := range kinds {
		names = append(names, k.name)
	}
	require.Equal(t, tableOfKinds(t, source), names)
	require.Equal(t, constant(t, source, "dimensions"), dimensions)
	require.Equal(t, constant(t, source, "outcomes"), outcomeNames())
	require.Equal(t, constant(t, source, "sloLevels"), sloLevels)
	for _, c := range []struct{ kind, field, allowed string }{
		{"clusters", "sort", "clusterSorts"},
		{"slo", "sort", "sloSorts"},
		{"slo", "by", "sloParts"},
		{"slo", "distinct", "sloParts"},
		{"events", "types", "eventTypes"},
		{"events", "format", "eventFormats"},
	} {
		for _, value := range constant(t, source, c.allowed) {
			_, _, err := view{}.parseQuery(fmt.Appendf(nil, `{"kind": %q, %q: %q}`, c.kind, c.field, value))
			require.NoError(t, err)
		}
	}
	require.Contains(t, string(source), fmt.Sprintf("defaultLimit = %d;", defaultLimit))
	require.Contains(t, string(source), fmt.Sprintf("maxLimit = %d;", maxLimit))
}

// frontEnd returns the content of the front end's files that match the patterns.
func frontEnd(t *testing.T, patterns ...string) []byte {
	t.Helper()
	folder, err := labbin.RepositoryPath("src", "datasource")
	require.NoError(t, err)
	var source []byte
	for _, pattern := range patterns {
		paths, err := filepath.Glob(filepath.Join(folder, pattern))
		require.NoError(t, err)
		require.NotEmpty(t, paths, pattern)
		for _, path := range paths {
			content, err := os.ReadFile(path)
			require.NoError(t, err)
			source = append(source, content...)
		}
	}
	return source
}

// tableOfKinds returns the names in the front end's table of kinds.
func tableOfKinds(t *testing.T, source []byte) []string {
	t.Helper()
	table := regexp.MustCompile(`export const kinds = \{([^}]*)\}`).FindSubmatch(source)
	require.NotNil(t, table)
	var names []string
	for _, name := range regexp.MustCompile(`\w+`).FindAll(table[1], -1) {
		names = append(names, string(name))
	}
	return names
}

// constant returns the texts of a list in the front end's source.
func constant(t *testing.T, source []byte, name string) []string {
	t.Helper()
	list := regexp.MustCompile(`export const ` + name + ` = \[([^\]]*)\] as const`).FindSubmatch(source)
	require.NotNil(t, list, name)
	var values []string
	for _, quoted := range regexp.MustCompile(`'([^']*)'`).FindAllSubmatch(list[1], -1) {
		values = append(values, string(quoted[1]))
	}
	return values
}

func TestListsAreBounded(t *testing.T) {
	list := func(n int) string { return `["` + strings.Repeat(`a","`, n-1) + `a"]` }
	for _, c := range []struct{ field, query string }{
		{"scope.cluster", `{"kind": "clusters", "scope": {"cluster": %s}}`},
		{"checks", `{"kind": "inspections", "checks": %s}`},
		{"reasons", `{"kind": "events", "reasons": %s}`},
		{"objectives", `{"kind": "slo", "objectives": %s}`},
	} {
		_, _, err := view{}.parseQuery(fmt.Appendf(nil, c.query, list(maxValues)))
		require.NoError(t, err)
		_, _, err = view{}.parseQuery(fmt.Appendf(nil, c.query, list(maxValues+1)))
		require.ErrorContains(t, err, c.field+" must have at most 10000 values")
	}
}

func TestAQueryIsAnObject(t *testing.T) {
	for _, raw := range []string{``, `"up"`, `null`, `[]`, `{`} {
		_, _, err := view{}.parseQuery([]byte(raw))
		require.EqualError(t, err, "query must be an object")
	}
}
