package checks_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// keyDiffSentence is the original platform's, which other programs read.
var keyDiffSentence = regexp.MustCompile(`^collectEtcdnodeKeyDiff,etcd cluster [^,]*,total key num is [^,]+,nodeKeyDiff is [^,.]+\.?`)

var (
	joinedByCommas     = regexp.MustCompile(`,[^\s"]`)
	joinedBySemicolons = regexp.MustCompile(`;`)
	inParentheses      = regexp.MustCompile(`\([^()]*\)`)
	beginning          = regexp.MustCompile(`^([A-Z0-9/"]|[a-z]+-\d)`)
)

// assertSentences makes sure that a message is made of sentences: others' words stand in parentheses.
func assertSentences(t *testing.T, message string) {
	t.Helper()
	own := strings.TrimSpace(keyDiffSentence.ReplaceAllString(message, ""))
	if own == "" {
		return
	}
	for inParentheses.MatchString(own) {
		own = inParentheses.ReplaceAllString(own, "")
	}
	assert.NotRegexp(t, joinedByCommas, own, message)
	assert.NotRegexp(t, joinedBySemicolons, own, message)
	assert.Regexp(t, beginning, own, message)
	assert.True(t, strings.HasSuffix(own, "."), "it ends with a period: %q", message)
}

// rooms are the folders whose code runs within a check.
var rooms = []string{
	".", "../budget", "../consistency", "../keyspace", "../memberchanges", "../statistics",
	"../../internal/etcdclient", "../../internal/etcddiag", "../../internal/parameters", "../../internal/quantity",
}

// The templates of messages and errors, also those that no test produces.
func TestMessagesAreNotJoinedByCommasAndSemicolons(t *testing.T) {
	t.Parallel()
	var files []string
	for _, dir := range rooms {
		found, err := filepath.Glob(filepath.Join(dir, "*.go"))
		require.NoError(t, err)
		files = append(files, found...)
	}
	require.Greater(t, len(files), 20)
	positions := token.NewFileSet()
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") || path == "backup_age.go" {
			continue
		}
		file, err := parser.ParseFile(positions, path, nil, 0)
		require.NoError(t, err)
		ast.Inspect(file, func(node ast.Node) bool {
			switch node := node.(type) {
			case *ast.Field: // its tag
				return false
			case *ast.KeyValueExpr:
				if key, ok := node.Key.(*ast.Ident); ok && key.Name == "Help" {
					return false
				}
			case *ast.BasicLit:
				text, err := strconv.Unquote(node.Value)
				isPattern := strings.HasPrefix(text, "^") // of a regular expression
				if err != nil || node.Kind != token.STRING || isPattern || keyDiffSentence.MatchString(text) {
					return true
				}
				if joinedByCommas.MatchString(text) || joinedBySemicolons.MatchString(text) {
					t.Errorf("%s: %q: write sentences, with a blank after a comma and without semicolons", positions.Position(node.Pos()), text)
				}
			}
			return true
		})
	}
}
