package checks_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/backups"
	"github.com/etcdfleet/etcd-fleet/cruiser/budget"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
	"github.com/etcdfleet/etcd-fleet/internal/etcdclient"
	"github.com/etcdfleet/etcd-fleet/internal/etcdtest"
)

const runTimeout = 30 * time.Second

// inspector runs the check of that name against a cluster the way cruiser does: shared connections, credentials from a
// Secret.
type inspector struct {
	check       string
	pool        *etcdclient.Pool
	credentials etcdclient.Credentials
	spec        etcdv1beta1.EtcdClusterSpec

	// state is that of the last run, as cruiser keeps it in the monitor's status.
	state string

	// backups is where backups may be; nil is nowhere.
	backups *backups.Access

	// budget paces the runs; nil is a budget that needs no member that answers fast.
	budget checks.Budget
}

func newInspector(t *testing.T, cluster *etcdtest.Cluster, secret map[string][]byte) *inspector {
	t.Helper()
	secretName := ""
	if secret != nil {
		secretName = "etcd-client"
	}
	object := &etcdv1beta1.EtcdCluster{
		ObjectMeta: metav1.ObjectMeta{Namespace: "gz", Name: "gz-etcd"},
		Spec:       cluster.Spec("gz-etcd", secretName),
	}
	secrets := fake.NewClientBuilder().WithObjects(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "gz", Name: "etcd-client", Labels: etcdtest.CredentialsLabels()},
		Data:       secret,
	}).Build()
	credentials, err := etcdclient.ReadCredentials(context.Background(), etcdclient.Secrets{Cached: secrets, Live: secrets}, object)
	require.NoError(t, err)
	access, err := backups.NewAccess([]string{os.TempDir()}, []string{"http://127.0.0.1:*"})
	require.NoError(t, err)
	return &inspector{pool: etcdclient.NewPool(time.Minute), credentials: credentials, spec: object.Spec, backups: access}
}

func (i *inspector) run(t *testing.T, parameters checks.Parameters) (checks.Result, error) {
	t.Helper()
	check, values, err := checks.All().Lookup(i.check, parameters)
	if err != nil {
		return checks.Result{}, err
	}
	lease := i.pool.Lease(i.credentials)
	defer lease.Release()
	ctx, cancel := context.WithTimeout(context.Background(), runTimeout)
	defer cancel()
	pacer := i.budget
	if pacer == nil {
		pacer = budget.New(budget.Limits{Latency: time.Minute}).Pacer(types.NamespacedName{Namespace: "gz", Name: "gz-etcd"}, lease)
	}
	result, err := check.Run(ctx, checks.Target{
		Cluster:    i.spec,
		Parameters: values,
		Members:    lease,
		Backups:    i.backups,
		Budget:     pacer,
		State:      i.state,
	})
	if err == nil && result.State != "" {
		i.state = result.State
	}
	if err == nil && i.check != "backup-age" {
		assertSentences(t, result.Message)
	}
	return result, err
}
