package etcd_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/etcd"
)

// tryCredentials reads the credentials of a cluster whose Secret holds data.
func tryCredentials(data map[string][]byte) (etcd.Credentials, error) {
	secrets := fake.NewClientBuilder().WithObjects(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "gz", Name: "etcd-client"},
		Data:       data,
	}).Build()
	return etcd.ReadCredentials(context.Background(), secrets, clusterWithSecret("etcd-client"))
}

func readCredentials(t *testing.T, data map[string][]byte) etcd.Credentials {
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
	secrets := fake.NewClientBuilder().Build()
	_, err := etcd.ReadCredentials(context.Background(), secrets, clusterWithSecret("absent"))
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
				_, err = etcd.NewPool(time.Minute).Lease(credentials).Client("https://127.0.0.1:1")
			}
			assert.ErrorContains(t, err, test.message)
		})
	}
}

func TestCredentialsDifferByEachPartOfTheSecret(t *testing.T) {
	pool := etcd.NewPool(time.Minute)
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
