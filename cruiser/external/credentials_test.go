package external_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
	"github.com/etcdfleet/etcd-fleet/cruiser/etcd"
	"github.com/etcdfleet/etcd-fleet/cruiser/external"
	"github.com/etcdfleet/etcd-fleet/internal/etcdtest"
	"github.com/etcdfleet/etcd-fleet/internal/labbin"
)

// inspect runs the check against a cluster whose Secret holds data.
func inspect(t *testing.T, check checks.Check, spec etcdv1beta1.EtcdClusterSpec, data map[string][]byte) (checks.Result, error) {
	t.Helper()
	spec.TLS = &etcdv1beta1.EtcdClusterTLS{SecretName: "etcd-client"}
	secrets := fake.NewClientBuilder().WithObjects(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "gz", Name: "etcd-client"},
		Data:       data,
	}).Build()
	credentials, err := etcd.ReadCredentials(context.Background(), secrets, &etcdv1beta1.EtcdCluster{
		ObjectMeta: metav1.ObjectMeta{Namespace: "gz", Name: "gz-etcd"}, Spec: spec,
	})
	require.NoError(t, err)
	lease := etcd.NewPool(time.Minute).Lease(credentials)
	defer lease.Release()
	ctx, cancel := context.WithTimeout(context.Background(), runTimeout)
	defer cancel()
	return check.Run(ctx, checks.Target{Cluster: spec, Parameters: check.Parameters, Members: lease})
}

func TestCredentialsAreInADirectoryThatIsRemovedAfterwards(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	for name, ending := range map[string]string{
		"after an answer":  `echo '{"outcome": "Passed", "message": "a"}'`,
		"after a failure":  "exit 1",
		"after a time-out": "exec sleep 600",
	} {
		t.Run(name, func(t *testing.T) {
			seen := filepath.Join(t.TempDir(), "seen")
			check := loadScript(t, `dir=$(sed 's/.*"credentials":"\([^"]*\)".*/\1/')
cd "$dir"; { stat -c '%a' .; stat -c '%a %n' *; cat username password; } >`+seen+".new; mv "+seen+".new "+seen+"\n"+ending, "credentials: true")
			if ending == "exec sleep 600" {
				run := check.Run
				check.Run = func(ctx context.Context, target checks.Target) (checks.Result, error) {
					return run(expiresWith(ctx, t, seen), target)
				}
			}
			_, _ = inspect(t, check, target().Cluster, map[string][]byte{
				"ca.crt": []byte("x"), "username": []byte("jane,"), "password": []byte("hidden"), "other": []byte("y"),
			})
			content, err := os.ReadFile(seen)
			require.NoError(t, err)
			assert.Equal(t, "700\n600 ca.crt\n600 password\n600 username\njane,hidden", string(content))
			left, err := os.ReadDir(temporary)
			require.NoError(t, err)
			for _, entry := range left {
				assert.NotContains(t, entry.Name(), "etcd-credentials")
			}
		})
	}
}

// The documentation's program is one that works.
func TestTheProgramOfTheDocumentation(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("the program in docs/external-checks.md needs python3: install it")
	}
	path, err := labbin.RepositoryPath("docs", "external-checks.md")
	require.NoError(t, err)
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	declaration, program := block(t, string(content), "yaml"), block(t, string(content), "python")
	assert.LessOrEqual(t, strings.Count(program, "\n"), 30)

	declaration, _, _ = strings.Cut(declaration, "  - name: ticket-open")
	declaration = strings.Replace(declaration, "/opt/checks/version-skew", writeFile(t, "version-skew", program, 0o700), 1)
	loaded, err := external.Load(writeFile(t, "checks.yaml", declaration, 0o600))
	require.NoError(t, err)

	cluster := etcdtest.Start(t, etcdtest.Options{Version: "3.5", TLS: true})
	spec := cluster.Spec("gz-etcd", "etcd-client")
	result, err := inspect(t, loaded[0], spec, cluster.Credentials(t))
	require.NoError(t, err)
	assert.Equal(t, checks.Result{
		Outcome: etcdv1beta1.OutcomePassed, Message: "members run 3.5.21 (etcd-0 etcd-1 etcd-2)",
		Values: map[string]float64{"versions": 1},
	}, result)

	cluster.Members[1].Upgrade(t, "3.6")
	cluster.Members[2].Kill(t)
	result, err = inspect(t, loaded[0], spec, cluster.Credentials(t))
	require.NoError(t, err)
	assert.Equal(t, etcdv1beta1.OutcomeWarning, result.Outcome)
	assert.Equal(t, "members run 3.5.21 (etcd-0), 3.6.5 (etcd-1),member etcd-2 is missing", result.Message)
	assert.InDelta(t, 2, result.Values["versions"], 0)
}

// block returns the first code block of the language.
func block(t *testing.T, markdown, language string) string {
	t.Helper()
	_, rest, found := strings.Cut(markdown, "```"+language+"\n")
	require.True(t, found)
	code, _, _ := strings.Cut(rest, "```")
	return code
}
