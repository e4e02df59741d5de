package cruiser_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser"
	"github.com/etcdfleet/etcd-fleet/internal/apitest"
	"github.com/etcdfleet/etcd-fleet/internal/etcdtest"
)

// secret creates a Secret with labels.
func (b *sandbox) secret(name string, labels map[string]string, data map[string][]byte) {
	b.t.Helper()
	require.NoError(b.t, b.Create(context.Background(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: b.namespace, Name: name, Labels: labels}, Data: data,
	}))
}

// awaitCondition requests runs until the condition Passed says what is wanted: the watch of Secrets may be behind.
func (b *sandbox) awaitCondition(monitor *etcdv1beta1.EtcdMonitor, request string, messages ...string) {
	b.t.Helper()
	b.request(monitor, request)
	found := meta.FindStatusCondition(b.await(monitor, request, answered(request)).Status.Conditions, etcdv1beta1.ConditionPassed)
	require.NotNil(b.t, found)
	assert.Equal(b.t, metav1.ConditionUnknown, found.Status)
	for _, message := range messages {
		assert.Contains(b.t, found.Message, message)
	}
}

// The rights of Kubernetes cannot select Secrets by label, so that cruiser does, and says what to do about one without it.
func TestASecretWithoutTheLabelIsRefusedByACondition(t *testing.T) {
	t.Parallel() // it mostly waits
	box := newSandbox(t)
	cluster := box.cluster("gz-a")
	cluster.Spec.Members[0].ClientURL = "https://127.0.0.1:1"
	cluster.Spec.TLS = &etcdv1beta1.EtcdClusterTLS{SecretName: "etcd-client"}
	require.NoError(t, box.Update(context.Background(), cluster))
	box.secret("etcd-client", map[string]string{"app": "etcd"}, map[string][]byte{"ca.crt": []byte("hidden")})
	monitor := box.monitor("gz-a", "scripted", nil)
	box.start(newScriptedCheck().options(t))

	box.awaitCondition(monitor, "r1", "the Secret "+box.namespace+"/etcd-client that spec.tls.secretName names has no label etcd.cloud.tencent.com/credentials=true",
		"kubectl --namespace "+box.namespace+" label --overwrite secret etcd-client etcd.cloud.tencent.com/credentials=true")

	label := []byte(`{"metadata": {"labels": {"etcd.cloud.tencent.com/credentials": "true"}}}`)
	require.NoError(t, box.Patch(context.Background(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: box.namespace, Name: "etcd-client"}},
		client.RawPatch("application/merge-patch+json", label)))
	for round := range 100 {
		request := "labelled-" + string(rune('0'+round%10)) + string(rune('0'+round/10))
		box.request(monitor, request)
		if box.await(monitor, request, answered(request)).Status.Outcome == etcdv1beta1.OutcomePassed {
			return
		}
	}
	assert.Fail(t, "the label has no effect")
}

func TestSecretsWithoutTheLabelAreNotInMemory(t *testing.T) {
	t.Parallel() // it mostly waits
	box := newSandbox(t)
	box.secret("ours", etcdtest.CredentialsLabels(), nil)
	box.secret("foreign", nil, nil)
	var reader cache.Cache
	apitest.StartManager(t, apitest.Config(), box.namespace, func(_ context.Context, mgr ctrl.Manager) error {
		reader = mgr.GetCache()
		return nil
	}, func(manager *ctrl.Options) { manager.Cache.ByObject = cruiser.Cached() })
	var held corev1.SecretList
	require.Eventually(t, func() bool { return reader.List(t.Context(), &held) == nil }, patience, poll)
	require.Len(t, held.Items, 1)
	assert.Equal(t, "ours", held.Items[0].Name)
}

func TestMissingRightsOnSecretsAreNamedByACondition(t *testing.T) {
	box := newSandbox(t)
	cluster := box.cluster("gz-a")
	cluster.Spec.Members[0].ClientURL = "https://127.0.0.1:1"
	cluster.Spec.TLS = &etcdv1beta1.EtcdClusterTLS{SecretName: "etcd-client"}
	require.NoError(t, box.Update(context.Background(), cluster))
	box.secret("etcd-client", etcdtest.CredentialsLabels(), map[string][]byte{"ca.crt": []byte("hidden")})
	monitor := box.monitor("gz-a", "scripted", nil)
	for _, manifest := range []string{"accounts", "leases", "namespace/cruiser"} {
		apitest.Apply(t, "deploy/rbac/"+manifest+".yaml", box.namespace)
	}
	var role rbacv1.Role
	require.NoError(t, box.Get(context.Background(), client.ObjectKey{Namespace: box.namespace, Name: "etcdfleet-cruiser"}, &role))
	for i, rule := range role.Rules {
		if rule.Resources[0] == "secrets" {
			role.Rules[i].Verbs = []string{"get"}
		}
	}
	require.NoError(t, box.Update(context.Background(), &role))
	options := newScriptedCheck().options(t)
	options.LeaseNamespace = "etcd-fleet"
	box.startAs(apitest.User(t, "etcdfleet-cruiser"), options)

	box.awaitCondition(monitor, "r1", "cruiser's account may not list, watch secrets in the namespace "+box.namespace+", where spec.tls.secretName names etcd-client",
		"run kubectl --namespace "+box.namespace+" apply -f deploy/rbac/namespace")
}
