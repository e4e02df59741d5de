package checks_test

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
	"github.com/etcdfleet/etcd-fleet/internal/etcdtest"
)

// defectiveConnector panics where members are asked.
type defectiveConnector struct {
	checks.Connector
	http bool
}

func (c defectiveConnector) Client(endpoint string) (*clientv3.Client, error) {
	if c.http {
		return c.Connector.Client(endpoint)
	}
	panic("a defect of the client")
}

func (c defectiveConnector) HTTP() (*http.Client, error) { panic("a defect of the HTTP client") }

// A panic can be recovered only in the goroutine that it happens in; anywhere else it ends the process and all its runs.
func TestAPanicWhereMembersAreAskedReachesTheCaller(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1})
	all, parameters := checks.All(), parametersOf(t, cluster)
	inspector := newInspector(t, cluster, nil)
	panics := func(t *testing.T, name string, connector defectiveConnector) (cause any) {
		t.Helper()
		check, parameters, err := all.Lookup(name, parameters[name])
		require.NoError(t, err)
		lease := inspector.pool.Lease(inspector.credentials)
		defer lease.Release()
		connector.Connector = lease
		ctx, cancel := context.WithTimeout(t.Context(), runTimeout)
		defer cancel()
		defer func() { cause = recover() }()
		_, _ = check.Run(ctx, checks.Target{Cluster: inspector.spec, Parameters: parameters, Members: connector, Budget: freeBudget{}})
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if name != "backup-age" && name != "certificate-expiry" { // they ask no member here
			assert.Equalf(t, "a defect of the client", panics(t, name, defectiveConnector{}), "%s", name)
		}
	}
	assert.Equal(t, "a defect of the HTTP client", panics(t, "health-after-change", defectiveConnector{http: true}))
}

// freeBudget never waits.
type freeBudget struct{}

func (freeBudget) Spend(context.Context, string, int, int64) error { return nil }

// Goroutines are started by internal/sidebyside, which keeps a panic in them from ending the process.
func TestNoGoroutineIsStartedThatNobodyRecovers(t *testing.T) {
	t.Parallel()
	for _, dir := range rooms {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		require.NoError(t, err)
		require.NotEmpty(t, files)
		positions := token.NewFileSet()
		for _, path := range files {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			parsed, err := parser.ParseFile(positions, path, nil, 0)
			require.NoError(t, err)
			ast.Inspect(parsed, func(node ast.Node) bool {
				switch node := node.(type) {
				case *ast.GoStmt:
					t.Errorf("%s: this goroutine is not recovered: use sidebyside.Do", positions.Position(node.Pos()))
				case *ast.SelectorExpr: // errgroup.Group.Go, sync.WaitGroup.Go, time.AfterFunc
					if name := node.Sel.Name; name == "Go" || name == "TryGo" || name == "AfterFunc" {
						t.Errorf("%s: %s starts a goroutine that is not recovered: use sidebyside.Do", positions.Position(node.Pos()), name)
					}
				}
				return true
			})
		}
	}
}
