package etcdclient_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/etcdclient"
	"github.com/etcdfleet/etcd-fleet/internal/etcddiag"
	"github.com/etcdfleet/etcd-fleet/internal/etcdtest"
)

// secretsOf are labelled Secrets by name.
func secretsOf(stored map[string]map[string][]byte) etcdclient.Secrets {
	builder := fake.NewClientBuilder()
	for name, data := range stored {
		builder.WithObjects(&corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: "gz", Name: name, Labels: etcdtest.CredentialsLabels()},
			Data:       data,
		})
	}
	secrets := builder.Build()
	return etcdclient.Secrets{Cached: secrets, Live: secrets}
}

// tryCredentials reads the credentials of a cluster whose Secret holds data.
func tryCredentials(data map[string][]byte) (etcdclient.Credentials, error) {
	return etcdclient.ReadCredentials(context.Background(), secretsOf(map[string]map[string][]byte{"etcd-client": data}), clusterWithSecret("etcd-client"))
}

func readCredentials(t *testing.T, data map[string][]byte) etcdclient.Credentials {
	t.Helper()
	credentials, err := tryCredentials(data)
	require.NoError(t, err)
	return credentials
}

func clusterWithSecret(name string) *etcdv1beta1.EtcdCluster {
	return &etcdv1beta1.EtcdCluster{
		ObjectMeta: metav1.ObjectMeta{Namespace: "gz", Name: "gz-etcd"},
		Spec:       etcdv1beta1.EtcdClusterSpec{TLS: &etcdv1beta1.EtcdClusterTLS{SecretName: name}},
	}
}

func TestReadCredentialsNamesTheMissingSecret(t *testing.T) {
	_, err := etcdclient.ReadCredentials(context.Background(), secretsOf(nil), clusterWithSecret("absent"))
	assert.ErrorContains(t, err, "create the Secret gz/absent, or correct spec.tls.secretName")
}

func TestCredentialsSayWhatIsWrongWithTheSecret(t *testing.T) {
	for _, test := range []struct {
		name    string
		data    map[string][]byte
		message string
	}{
		{"a certificate without key", map[string][]byte{"tls.crt": []byte("x")},
			"the Secret gz/etcd-client holds only one of tls.crt and tls.key: add the other"},
		{"a password without user", map[string][]byte{"password": []byte("x")},
			"the Secret gz/etcd-client holds only one of username and password: add the other"},
		{"authorities that are no PEM", map[string][]byte{"ca.crt": []byte("x")},
			"ca.crt of the Secret gz/etcd-client holds no certificate in PEM"},
		{"a certificate that is no PEM", map[string][]byte{"tls.crt": []byte("x"), "tls.key": []byte("y")},
			"tls.crt and tls.key of the Secret gz/etcd-client: tls: failed to find any PEM data"},
	} {
		t.Run(test.name, func(t *testing.T) {
			credentials, err := tryCredentials(test.data)
			if err == nil {
				_, err = etcdclient.NewPool(time.Minute).Lease(credentials).Client("https://127.0.0.1:1")
			}
			assert.ErrorContains(t, err, test.message)
		})
	}
}

// Key names that installers and other operators use for the same files.
func TestCredentialsNameTheKeysThatAreLookedForAndThoseThatThereAre(t *testing.T) {
	for name, test := range map[string]struct {
		data    map[string][]byte
		message string
	}{
		"as kubeadm's guides name them": {
			map[string][]byte{"etcd-client-ca.crt": []byte("hidden"), "etcd-client.crt": []byte("hidden"), "etcd-client.key": []byte("hidden")},
			"the Secret gz/etcd-client has the keys etcd-client-ca.crt, etcd-client.crt, etcd-client.key",
		},
		"as kstone names them": {
			map[string][]byte{"ca.pem": []byte("hidden"), "client.pem": []byte("hidden"), "client-key.pem": []byte("hidden")},
			"the Secret gz/etcd-client has the keys ca.pem, client-key.pem, client.pem",
		},
		"a half": {
			map[string][]byte{"tls.crt": []byte("hidden"), "client.key": []byte("hidden")},
			"the Secret gz/etcd-client has the keys client.key, tls.crt",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tryCredentials(test.data)
			require.ErrorContains(t, err, test.message)
			assert.ErrorContains(t, err, "Looked for are the keys ca.crt, tls.crt, tls.key")
			assert.NotContains(t, err.Error(), "hidden")
		})
	}
}

// A Secret with an authority alone is a good one where members demand no client certificate.
func TestAMissingClientCertificateIsExplainedByTheKeysOfTheSecret(t *testing.T) {
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1, TLS: true})
	good := cluster.Credentials(t)
	for name, data := range map[string]map[string][]byte{
		"client certificate": {"ca.crt": good["ca.crt"], "client.crt": good["tls.crt"], "client.key": good["tls.key"]},
		"authority":          {"tls.crt": good["tls.crt"], "tls.key": good["tls.key"], "client.crt": nil, "client.key": nil},
	} {
		credentials := readCredentials(t, data)
		client, err := etcdclient.NewPool(time.Minute).Lease(credentials).Client(cluster.Members[0].ClientURL)
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		_, err = etcddiag.Status(ctx, client)
		require.Error(t, err, name)
		said := credentials.Explain("etcd-0: " + etcdclient.Reason(err))
		assert.Contains(t, said, "to the Secret that spec.tls of the EtcdCluster names. Looked for are the keys ca.crt, tls.crt, tls.key")
		assert.Contains(t, said, "client.crt, client.key")
	}
}

func TestPasswordsAreSentInPlainTextOnlyWhereTheObjectSaysSo(t *testing.T) {
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1, Auth: true, Plaintext: true})
	object := &etcdv1beta1.EtcdCluster{
		ObjectMeta: metav1.ObjectMeta{Namespace: "gz", Name: "gz-etcd"}, Spec: cluster.Spec("gz-etcd", "login"),
	}
	secrets := secretsOf(map[string]map[string][]byte{"login": cluster.Credentials(t)})
	status := func() error {
		credentials, err := etcdclient.ReadCredentials(t.Context(), secrets, object)
		require.NoError(t, err)
		client, err := etcdclient.NewPool(time.Minute).Lease(credentials).Client(cluster.Members[0].ClientURL)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		_, err = etcddiag.Status(ctx, client)
		return err
	}
	require.NoError(t, status())

	object.Spec.Auth.AllowPlaintext = false
	assert.ErrorContains(t, status(), "the password of the Secret gz/login is not sent to http://")
	assert.ErrorContains(t, status(), "spec.auth.allowPlaintext: true")

	object.Spec.Auth = nil
	assert.Contains(t, etcdclient.Reason(status()), "name a Secret with username and password in spec.auth.secretName")
}

func TestEachPartOfTheCredentialsHasASecretOfItsOwn(t *testing.T) {
	object := clusterWithSecret("certificates")
	object.Spec.Auth = &etcdv1beta1.EtcdClusterAuth{SecretName: "login"}
	object.Spec.Backup = &etcdv1beta1.EtcdClusterBackup{SecretName: "backups"}
	stored := map[string]map[string][]byte{
		"certificates": {"ca.crt": []byte("x"), "username": []byte("old"), "password": []byte("old")},
		"login":        {"username": []byte("jane"), "password": []byte("secret")},
		"backups":      {"backup-access-key": []byte("access"), "backup-secret-key": []byte("key")},
	}
	credentials, err := etcdclient.ReadCredentials(t.Context(), secretsOf(stored), object)
	require.NoError(t, err)
	lease := etcdclient.NewPool(time.Minute).Lease(credentials)
	dir := t.TempDir()
	require.NoError(t, lease.WriteCredentials(dir))
	username, err := os.ReadFile(filepath.Join(dir, "username"))
	require.NoError(t, err)
	assert.Equal(t, "jane", string(username), "spec.auth counts before what spec.tls names")
	access, key, err := lease.BackupKeys()
	require.NoError(t, err)
	assert.Equal(t, "access/key", access+"/"+key)

	delete(stored, "backups")
	credentials, err = etcdclient.ReadCredentials(t.Context(), secretsOf(stored), object)
	require.NoError(t, err, "members can be asked without the backups' keys")
	_, _, err = etcdclient.NewPool(time.Minute).Lease(credentials).BackupKeys()
	require.ErrorContains(t, err, "create the Secret gz/backups, or correct spec.backup.secretName")

	stored["login"] = map[string][]byte{"user": []byte("jane"), "pass": []byte("secret")}
	_, err = etcdclient.ReadCredentials(t.Context(), secretsOf(stored), object)
	require.ErrorContains(t, err, "Looked for are the keys username, password")
	assert.ErrorContains(t, err, "the Secret gz/login has the keys pass, user")
}

func TestSecretsWithoutTheLabelAreRefused(t *testing.T) {
	for name, labels := range map[string]map[string]string{
		"no label": nil, "another label": {"app": "etcd"}, "another value": {etcdv1beta1.LabelCredentials: "false"},
	} {
		t.Run(name, func(t *testing.T) {
			secrets := fake.NewClientBuilder().WithObjects(&corev1.Secret{
				ObjectMeta: metav1.ObjectMeta{Namespace: "gz", Name: "etcd-client", Labels: labels},
				Data:       map[string][]byte{"ca.crt": []byte("x")},
			}).Build()
			_, err := etcdclient.ReadCredentials(t.Context(), etcdclient.Secrets{Cached: secrets, Live: secrets}, clusterWithSecret("etcd-client"))
			assert.ErrorContains(t, err, "the Secret gz/etcd-client that spec.tls.secretName names has no label etcd.cloud.tencent.com/credentials=true")
			assert.ErrorContains(t, err, "kubectl --namespace gz label --overwrite secret etcd-client etcd.cloud.tencent.com/credentials=true")
		})
	}
}

func TestCredentialsDifferByEachPartOfTheSecret(t *testing.T) {
	pool := etcdclient.NewPool(time.Minute)
	const endpoint = "http://127.0.0.1:1"
	clients := map[any]string{}
	for name, data := range map[string]map[string][]byte{
		"empty":         {},
		"authorities":   {"ca.crt": []byte("ab")},
		"certificate":   {"tls.crt": []byte("a"), "tls.key": []byte("b")},
		"other split":   {"tls.crt": []byte("ab"), "tls.key": []byte("b")},
		"other content": {"tls.crt": []byte("a"), "tls.key": []byte("c")},
	} {
		client, err := pool.Lease(readCredentials(t, data)).Client(endpoint)
		require.NoError(t, err)
		assert.Emptyf(t, clients[client], "%s shares a connection", name)
		clients[client] = name
	}
}
