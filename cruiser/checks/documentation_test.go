package checks_test

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
)

const documentation = "../../docs/inspections.md"

var update = flag.Bool("update", false, "write the table of parameters into "+documentation)

// parameterTable is the part of the documentation that follows from what the checks declare.
var parameterTable = regexp.MustCompile(`(?s)(### Parameters\n.*?\n\n)(\|.*?\n)\n`)

func TestParametersAreDocumentedAsTheyAreDeclared(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(documentation)
	require.NoError(t, err)
	found := parameterTable.FindSubmatch(content)
	require.NotNil(t, found, "%s has no table of parameters", documentation)
	want := describeParameters()
	if *update {
		content = parameterTable.ReplaceAll(content, []byte("${1}"+want+"\n"))
		require.NoError(t, os.WriteFile(documentation, content, 0o600))
		return
	}
	assert.Equal(t, want, string(found[2]),
		"run go test ./cruiser/checks -run %s -update", t.Name())
}

func TestEachCheckIsDocumented(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(documentation)
	require.NoError(t, err)
	checksTable, _, _ := strings.Cut(string(content), "### Parameters")
	for name, check := range checks.All() {
		assert.Regexp(t, "(?m)^\\| `"+name+"` +\\|", checksTable, "its line in the table of checks")
		for _, parameter := range check.Parameters {
			assert.Regexp(t, `^[A-Z].*\.$`, parameter.Help, "%s of %s", parameter.Name, name)
		}
	}
}

// describeParameters returns the table, aligned like Prettier does it.
func describeParameters() string {
	rows := [][]string{{"check", "parameter", "type", "default", "bounds", "meaning"}}
	all := checks.All()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for _, p := range all[name].Parameters {
			shown := "none"
			if p.Default != "" {
				shown = "`" + p.Default + "`"
			}
			rows = append(rows, []string{"`" + name + "`", "`" + p.Name + "`", string(p.Kind), shown, p.Bounds(), p.Help})
		}
	}
	widths := make([]int, len(rows[0]))
	for i := range widths {
		widths[i] = utf8.RuneCountInString(slices.MaxFunc(rows, func(a, b []string) int {
			return cmp.Compare(utf8.RuneCountInString(a[i]), utf8.RuneCountInString(b[i]))
		})[i])
	}
	var table strings.Builder
	for at, row := range rows {
		for i, cell := range row {
			fmt.Fprintf(&table, "| %-*s ", widths[i], cell)
		}
		table.WriteString("|\n")
		if at > 0 {
			continue
		}
		for _, width := range widths {
			table.WriteString("| " + strings.Repeat("-", width) + " ")
		}
		table.WriteString("|\n")
	}
	return table.String()
}
