package docs_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/apitest"
	"github.com/etcdfleet/etcd-fleet/internal/labbin"
)

const commandTimeout = 2 * time.Minute

func TestMain(m *testing.M) { os.Exit(apitest.Main(m)) }

// documents are the files with commands for users.
var documents = []string{"README.md", "src/README.md", "docs/*.md", "deploy/*.md", "deploy/*/*.yaml", "deploy/*/*/*.yaml"}

var (
	// inline matches a command within a sentence, comment a command in a manifest's comment.
	inline  = regexp.MustCompile("`(kubectl [^`]+)`")
	comment = regexp.MustCompile(`(?m)^# +(kubectl .+)$`)
)

// notRun are commands that do not exit by themselves.
var notRun = map[string]bool{"kubectl proxy": true}

// documented is a command with its document.
type documented struct{ command, document string }

// allCommands returns every kubectl command once. Those of README.md come first, because others need what they install.
func allCommands(t *testing.T) (found []documented) {
	t.Helper()
	root, seen := root(t), map[string]bool{}
	for _, pattern := range documents {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		require.NoError(t, err)
		require.NotEmpty(t, paths, pattern)
		for _, path := range paths {
			content, err := os.ReadFile(path)
			require.NoError(t, err)
			for _, command := range commands(string(content)) {
				if !seen[command] {
					seen[command] = true
					found = append(found, documented{command, strings.TrimPrefix(path, root)})
				}
			}
		}
	}
	require.Greater(t, len(found), 10)
	return found
}

// commands returns the kubectl commands in the code blocks, sentences and comments of a document.
func commands(text string) (found []string) {
	inBlock := false
	for _, line := range strings.Split(strings.ReplaceAll(text, "\\\n", " "), "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "```") {
			inBlock = !inBlock
		}
		if command := strings.TrimPrefix(line, "$ "); inBlock && strings.HasPrefix(command, "kubectl ") {
			found = append(found, command)
		}
	}
	for _, pattern := range []*regexp.Regexp{inline, comment} {
		for _, match := range pattern.FindAllStringSubmatch(text, -1) {
			found = append(found, strings.Join(strings.Fields(match[1]), " "))
		}
	}
	return found
}

func root(t *testing.T) string {
	t.Helper()
	root, err := labbin.RepositoryPath()
	require.NoError(t, err)
	return root
}

// Without --overwrite, a command that sets a label or an annotation fails the second time.
func TestCommandsThatSetValuesOverwriteThem(t *testing.T) {
	sets := regexp.MustCompile(`kubectl (.* )?(annotate|label) .*[a-z]=`)
	checked := 0
	for _, found := range allCommands(t) {
		if sets.MatchString(found.command) {
			checked++
			assert.Contains(t, found.command, "--overwrite", found.document)
		}
	}
	assert.GreaterOrEqual(t, checked, 3)
}

// Commands that users copy from the documentation work, also repeatedly.
func TestDocumentedCommandsWorkEveryTime(t *testing.T) {
	if _, err := exec.LookPath("kubectl"); err != nil {
		t.Skip("the commands of the documentation need kubectl: install it")
	}
	kubeconfig := apitest.Kubeconfig(t)
	prepare(t)
	output, err := run(t, kubeconfig, "kubectl config set-context --current --namespace gz")
	require.NoError(t, err, output)
	for _, found := range allCommands(t) {
		if notRun[found.command] {
			continue
		}
		t.Run(found.command, func(t *testing.T) {
			for _, round := range []string{"first", "second"} {
				output, err := run(t, kubeconfig, found.command)
				assert.NoErrorf(t, err, "the %s time, of %s: %s", round, found.document, output)
			}
		})
	}
	var monitor etcdv1beta1.EtcdMonitor
	key := client.ObjectKey{Namespace: "gz", Name: "gz-etcd-default-etcd-node-key-diff"}
	require.NoError(t, apitest.Client(t).Get(t.Context(), key, &monitor))
	assert.NotEmpty(t, monitor.PendingRequest())
	_, err = time.Parse(time.RFC3339Nano, monitor.PendingRequest())
	require.NoError(t, err)
}

// run runs the command in the repository.
func run(t *testing.T, kubeconfig, command string) (output string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandTimeout)
	defer cancel()
	shell := exec.CommandContext(ctx, "sh", "-c", command)
	shell.Dir = root(t)
	shell.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig, "HOME="+t.TempDir())
	said, err := shell.CombinedOutput()
	return string(said), err
}

// prepare creates the objects that the documentation refers to.
func prepare(t *testing.T) {
	t.Helper()
	gz := func(name string, labels map[string]string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: "gz", Name: name, Labels: labels}
	}
	monitor := func(cluster, check string) *etcdv1beta1.EtcdMonitor {
		return &etcdv1beta1.EtcdMonitor{
			ObjectMeta: gz(cluster+"-"+check, map[string]string{"source": "etcd-life-cycle-operator"}),
			Spec:       etcdv1beta1.EtcdMonitorSpec{ClusterID: cluster, MetricName: check, MetricProviderName: "cruiser"},
		}
	}
	for _, object := range []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "gz"}},
		&corev1.Secret{ObjectMeta: gz("gz-orders-client", nil)},
		&etcdv1beta1.EtcdCluster{ObjectMeta: gz("gz-orders", nil), Spec: etcdv1beta1.EtcdClusterSpec{
			ClusterID: "gz-orders", Region: "gz", ProductName: "tke", Scene: "business",
			Members: []etcdv1beta1.EtcdClusterMember{{Name: "gz-orders-0", ClientURL: "https://10.0.0.1:2379"}},
			TLS:     &etcdv1beta1.EtcdClusterTLS{SecretName: "gz-orders-client"},
		}},
		&etcdv1beta1.EtcdCluster{ObjectMeta: gz("gz-orders-new", nil), Spec: etcdv1beta1.EtcdClusterSpec{
			ClusterID: "gz-orders", Region: "gz", ProductName: "tke", Scene: "business",
			Members: []etcdv1beta1.EtcdClusterMember{{Name: "gz-orders-0", ClientURL: "http://10.0.0.2:2379"}},
		}},
		monitor("gz-orders", "alarms"),
		monitor("gz-etcd-default", "etcd-node-key-diff"),
	} {
		require.NoError(t, apitest.Client(t).Create(t.Context(), object))
	}
}
