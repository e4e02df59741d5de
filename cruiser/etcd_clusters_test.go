package cruiser_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser"
	"github.com/etcdfleet/etcd-fleet/internal/apitest"
	"github.com/etcdfleet/etcd-fleet/internal/etcdtest"
)

// onboard creates the EtcdCluster of a running cluster, and the Secret when there is one.
func (b *sandbox) onboard(cluster *etcdtest.Cluster, secret *corev1.Secret) {
	b.t.Helper()
	secretName := ""
	if secret != nil {
		secretName = secret.Name
		require.NoError(b.t, b.Create(context.Background(), secret))
	}
	require.NoError(b.t, b.Create(context.Background(), &etcdv1beta1.EtcdCluster{
		ObjectMeta: metav1.ObjectMeta{Namespace: b.namespace, Name: "gz-etcd"},
		Spec:       cluster.Spec("gz-etcd", secretName),
	}))
}

// With the rights of deploy/rbac/cruiser.yaml and no others, cruiser inspects a cluster that demands certificates,
// notices a corrupted member, and follows the rotation of the Secret.
func TestInspectionOfARealClusterWithTheLeastRights(t *testing.T) {
	etcd := etcdtest.Start(t, etcdtest.Options{TLS: true})
	etcd.Put(t, "/key", 20)
	box := newSandbox(t)
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: box.namespace, Name: "etcd-client", Labels: etcdtest.CredentialsLabels()},
		Data:       etcd.Credentials(t),
	}
	box.onboard(etcd, secret)
	monitor := box.monitor("gz-etcd", "etcd-node-key-diff", nil)
	for _, manifest := range []string{"accounts", "leases", "namespace/cruiser"} {
		apitest.Apply(t, "deploy/rbac/"+manifest+".yaml", box.namespace)
	}
	user := apitest.User(t, "etcdfleet-cruiser")
	box.startAs(user, cruiser.Options{LeaseNamespace: "etcd-fleet"})

	box.request(monitor, "r1")
	passed := box.await(monitor, "the first result", answered("r1")).Status.LastRecord()
	assert.Equal(t, etcdv1beta1.OutcomePassed, passed.Outcome)
	assert.Equal(t, "collectEtcdnodeKeyDiff,etcd cluster gz-etcd,total key num is 20,nodeKeyDiff is 0", passed.Message)
	box.awaitEvent(monitor, "requested by someone: collectEtcdnodeKeyDiff")

	etcd.Members[2].Corrupt(t, 2)
	box.request(monitor, "r2")
	failed := box.await(monitor, "the result of a corrupted cluster", answered("r2")).Status.LastRecord()
	assert.Equal(t, etcdv1beta1.OutcomeFailed, failed.Outcome)
	assert.InDelta(t, 2, failed.Values["nodeKeyDiff"], 0)

	// The watch of Secrets may be behind that of monitors, so the first run after a rotation may still use the old one.
	rotate := func(data map[string][]byte, outcome etcdv1beta1.Outcome) (record *etcdv1beta1.EtcdMonitorRecord) {
		secret.Data = data
		require.NoError(t, box.Update(context.Background(), secret))
		for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
			request := time.Now().Format(time.RFC3339Nano)
			box.request(monitor, request)
			record = box.await(monitor, "a result", answered(request)).Status.LastRecord()
			if record.Outcome == outcome {
				return record
			}
		}
		require.FailNow(t, "the Secret's new content has no effect", record.Message)
		return nil
	}
	anonymous := map[string][]byte{"ca.crt": etcd.Credentials(t)["ca.crt"]}
	assert.Contains(t, rotate(anonymous, etcdv1beta1.OutcomeError).Message, "add tls.crt and tls.key to the Secret")
	assert.Contains(t, rotate(etcd.Credentials(t), etcdv1beta1.OutcomeFailed).Message, "nodeKeyDiff is 2")

	t.Run("which allow nothing else", func(t *testing.T) {
		as, err := client.New(user, client.Options{Scheme: apitest.Scheme})
		require.NoError(t, err)
		for name, err := range map[string]error{
			"change a monitor":                  as.Update(context.Background(), box.read(monitor)),
			"delete a monitor":                  as.Delete(context.Background(), monitor.DeepCopy()),
			"change a Secret":                   as.Update(context.Background(), secret.DeepCopy()),
			"read a Namespace":                  as.Get(context.Background(), client.ObjectKey{Name: box.namespace}, &corev1.Namespace{}),
			"change a cluster":                  as.Delete(context.Background(), &etcdv1beta1.EtcdCluster{ObjectMeta: metav1.ObjectMeta{Namespace: box.namespace, Name: "gz-etcd"}}),
			"create a Secret":                   as.Create(context.Background(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: box.namespace, Name: "x"}}),
			"read Secrets of another namespace": as.List(context.Background(), &corev1.SecretList{}, client.InNamespace(apitest.Namespace(t))),
			"read all Secrets":                  as.List(context.Background(), &corev1.SecretList{}),
			"read all Leases":                   as.List(context.Background(), &coordinationv1.LeaseList{}),
			"list core objects":                 as.List(context.Background(), &corev1.ConfigMapList{}),
		} {
			assert.True(t, apierrors.IsForbidden(err), "%s: %v", name, err)
		}
	})
}
