package checks_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shared are the files whose unexported identifiers any check may use. Every other file is a check.
var shared = []string{"check.go", "registry.go", "outcome.go"}

// A check that uses what another one keeps to itself breaks when that one changes.
func TestNoCheckUsesThePrivatePartsOfAnother(t *testing.T) {
	t.Parallel()
	files, uses := typeCheckPackage(t)
	var found []string
	for identifier, object := range uses {
		if object.Pkg() == nil || object.Pkg().Name() != "checks" || object.Exported() || !isOfPackage(object) {
			continue
		}
		at, declared := fileOf(files, identifier.Pos()), fileOf(files, object.Pos())
		if declared != "" && at != declared && !slices.Contains(shared, declared) {
			found = append(found, fmt.Sprintf("%s uses %s of %s", at, object.Name(), declared))
		}
	}
	slices.Sort(found)
	assert.Empty(t, slices.Compact(found), "move what two checks use into a package of its own, or into a file of the list shared")
}

// isOfPackage reports whether the object is declared at package level, or is a field or a method of what is.
func isOfPackage(object types.Object) bool {
	if object.Parent() == object.Pkg().Scope() {
		return true
	}
	switch object := object.(type) {
	case *types.Var:
		return object.IsField()
	case *types.Func:
		return object.Signature().Recv() != nil
	default:
		return false
	}
}

// typeCheckPackage returns the files of this folder that are no tests, and what each identifier in them means.
func typeCheckPackage(t *testing.T) (*token.FileSet, map[*ast.Ident]types.Object) {
	t.Helper()
	paths, err := filepath.Glob("*.go")
	require.NoError(t, err)
	positions := token.NewFileSet()
	var parsed []*ast.File
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(positions, path, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		parsed = append(parsed, file)
	}
	require.Greater(t, len(parsed), len(shared))
	exports := exportData(t)
	config := types.Config{Importer: importer.ForCompiler(positions, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	_, err = config.Check("checks", positions, parsed, info)
	require.NoError(t, err)
	return positions, info.Uses
}

// exportData returns the compiled declarations of what the package imports, by import path.
func exportData(t *testing.T) map[string]string {
	t.Helper()
	var failure bytes.Buffer
	list := exec.CommandContext(t.Context(), "go", "list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}", ".")
	list.Stderr = &failure
	output, err := list.Output()
	require.NoError(t, err, failure.String())
	exports := map[string]string{}
	for line := range strings.Lines(string(output)) {
		if path, file, found := strings.Cut(strings.TrimSpace(line), " "); found {
			exports[path] = file
		}
	}
	return exports
}

func fileOf(files *token.FileSet, position token.Pos) string {
	if !position.IsValid() {
		return ""
	}
	return filepath.Base(files.Position(position).Filename)
}
