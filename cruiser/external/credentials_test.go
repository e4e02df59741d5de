package external_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http/httptest"
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
	"github.com/etcdfleet/etcd-fleet/cruiser/external"
	"github.com/etcdfleet/etcd-fleet/internal/etcdclient"
	"github.com/etcdfleet/etcd-fleet/internal/etcdtest"
	"github.com/etcdfleet/etcd-fleet/internal/labbin"
)

// inspect runs the check against a cluster whose Secret holds data.
func inspect(t *testing.T, check checks.Check, spec etcdv1beta1.EtcdClusterSpec, data map[string][]byte) (checks.Result, error) {
	t.Helper()
	spec.TLS = &etcdv1beta1.EtcdClusterTLS{SecretName: "etcd-client"}
	secrets := fake.NewClientBuilder().WithObjects(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "gz", Name: "etcd-client", Labels: etcdtest.CredentialsLabels()},
		Data:       data,
	}).Build()
	credentials, err := etcdclient.ReadCredentials(context.Background(), etcdclient.Secrets{Cached: secrets, Live: secrets}, &etcdv1beta1.EtcdCluster{
		ObjectMeta: metav1.ObjectMeta{Namespace: "gz", Name: "gz-etcd"}, Spec: spec,
	})
	require.NoError(t, err)
	lease := etcdclient.NewPool(time.Minute).Lease(credentials)
	defer lease.Release()
	ctx, cancel := context.WithTimeout(context.Background(), runTimeout)
	defer cancel()
	values, _ := check.Parameters.Read(nil)
	return check.Run(ctx, checks.Target{Cluster: spec, Parameters: values, Members: lease})
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
	declaration, program := documented(t)
	assert.LessOrEqual(t, strings.Count(program, "\n"), 30)
	check := loadDocumented(t, declaration, program)

	cluster := etcdtest.Start(t, etcdtest.Options{Version: "3.5", TLS: true})
	spec := cluster.Spec("gz-etcd", "etcd-client")
	result, err := inspect(t, check, spec, cluster.Credentials(t))
	require.NoError(t, err)
	assert.Equal(t, checks.Result{
		Outcome: etcdv1beta1.OutcomePassed, Message: "members run 3.5.21 (etcd-0 etcd-1 etcd-2)",
		Values: map[string]float64{"versions": 1},
	}, result)

	cluster.Members[1].Upgrade(t, "3.6")
	cluster.Members[2].Kill(t)
	result, err = inspect(t, check, spec, cluster.Credentials(t))
	require.NoError(t, err)
	assert.Equal(t, etcdv1beta1.OutcomeWarning, result.Outcome)
	assert.Equal(t, "members run 3.5.21 (etcd-0), 3.6.5 (etcd-1); etcd-2 did not answer ([Errno 111] Connection refused)", result.Message)
	assert.InDelta(t, 2, result.Values["versions"], 0)
}

// likePython313 are the flags with which Python verifies certificates since 3.13, also in an older one.
const likePython313 = `import ssl
relaxed = ssl.create_default_context
def strict(*arguments):
    context = relaxed(*arguments)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context
ssl.create_default_context = strict
`

// Older tools make certificates that do not name the key of their authority. Go and etcdctl accept them. The member is a
// mock that answers with its version: the certificates are what matters.
func TestTheProgramOfTheDocumentationAcceptsTheCertificatesThatGoAccepts(t *testing.T) {
	declaration, program := documented(t)
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "etcd-ca"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	ca, err := x509.CreateCertificate(rand.Reader, authority, authority, key.Public(), key)
	require.NoError(t, err)
	leaf, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "etcd-0"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}, authority, key.Public(), key)
	require.NoError(t, err)
	parsed, err := x509.ParseCertificate(leaf)
	require.NoError(t, err)
	require.Empty(t, parsed.AuthorityKeyId)

	member := httptest.NewUnstartedServer(answer(`{"etcdserver": "3.5.21"}`))
	member.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{leaf}, PrivateKey: key}}}
	member.StartTLS()
	defer member.Close()
	spec := etcdv1beta1.EtcdClusterSpec{
		ClusterID: "gz-etcd", Region: "gz",
		Members: []etcdv1beta1.EtcdClusterMember{{Name: "etcd-0", ClientURL: member.URL}},
	}
	secret := map[string][]byte{"ca.crt": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca})}
	shebang, rest, _ := strings.Cut(program, "\n")
	result, err := inspect(t, loadDocumented(t, declaration, shebang+"\n"+likePython313+rest), spec, secret)
	require.NoError(t, err)
	assert.Equal(t, checks.Result{
		Outcome: etcdv1beta1.OutcomePassed, Message: "members run 3.5.21 (etcd-0)", Values: map[string]float64{"versions": 1},
	}, result)

	_, err = inspect(t, loadDocumented(t, declaration, program), spec, nil)
	assert.ErrorContains(t, err, "etcd-0 did not answer ([SSL: CERTIFICATE_VERIFY_FAILED]", "the record says why")
}

// documented returns the declaration and the program of docs/external-checks.md.
func documented(t *testing.T) (declaration, program string) {
	t.Helper()
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("the program in docs/external-checks.md needs python3: install it")
	}
	path, err := labbin.RepositoryPath("docs", "external-checks.md")
	require.NoError(t, err)
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	declaration, _, _ = strings.Cut(block(t, string(content), "yaml"), "  - name: ticket-open")
	return declaration, block(t, string(content), "python")
}

func loadDocumented(t *testing.T, declaration, program string) checks.Check {
	t.Helper()
	declaration = strings.Replace(declaration, "/opt/checks/version-skew", writeFile(t, "version-skew", program, 0o700), 1)
	loaded, err := external.Load(writeFile(t, "checks.yaml", declaration, 0o600))
	require.NoError(t, err)
	return loaded[0]
}

// block returns the first code block of the language.
func block(t *testing.T, markdown, language string) string {
	t.Helper()
	_, rest, found := strings.Cut(markdown, "```"+language+"\n")
	require.True(t, found)
	code, _, _ := strings.Cut(rest, "```")
	return code
}
