package managerflags_test

import (
	"context"
	"flag"
	"io"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/apitest"
	"github.com/etcdfleet/etcd-fleet/internal/managerflags"
	"github.com/etcdfleet/etcd-fleet/internal/rights"
	"github.com/etcdfleet/etcd-fleet/internal/testproc"
)

const (
	patience = time.Minute
	poll     = 50 * time.Millisecond
)

func TestMain(m *testing.M) { os.Exit(apitest.Main(m)) }

// newManager returns what a program with these arguments would run.
func newManager(t *testing.T, kubeconfig string, arguments ...string) (ctrl.Manager, error) {
	t.Helper()
	require.NoError(t, flag.Set("kubeconfig", kubeconfig)) // controller-runtime declares it among the program's own flags
	flags := flag.NewFlagSet("program", flag.ContinueOnError)
	shared := managerflags.Bind(flags)
	require.NoError(t, flags.Parse(arguments))
	return shared.NewManager([]rights.Right{{Group: etcdv1beta1.GroupVersion.Group, Resource: "etcdmonitors", Verbs: []string{"list", "watch"}}})
}

func TestManagerServesHealthAndMetricsUntilItIsStopped(t *testing.T) {
	addresses, err := testproc.FreeAddresses(3)
	require.NoError(t, err)
	metricsAddress, healthAddress, pprofAddress := addresses[0], addresses[1], addresses[2]
	mgr, err := newManager(t, apitest.Kubeconfig(t), "--namespaces", "*", "--log-level", "error", "--metrics-bind-address", metricsAddress,
		"--health-probe-bind-address", healthAddress, "--pprof-bind-address", pprofAddress)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()

	for _, url := range []string{
		"http://" + healthAddress + "/healthz", "http://" + healthAddress + "/readyz", "http://" + metricsAddress + "/metrics",
		"http://" + pprofAddress + "/debug/pprof/",
	} {
		assert.Eventually(t, func() bool { return testproc.GetOK(ctx, http.DefaultClient, url) == nil }, patience, poll, url)
	}
	stop()
	select {
	case err := <-ended:
		assert.NoError(t, err)
	case <-time.After(patience):
		assert.Fail(t, "it does not stop")
	}
}

func TestManagerSeesOnlyItsNamespace(t *testing.T) {
	ours, theirs := apitest.Namespace(t), apitest.Namespace(t)
	for _, namespace := range []string{ours, theirs} {
		monitor := &etcdv1beta1.EtcdMonitor{Spec: etcdv1beta1.EtcdMonitorSpec{
			ClusterID: "gz-a", MetricName: "etcd-node-key-diff", MetricProviderName: "cruiser",
		}}
		monitor.Namespace, monitor.Name = namespace, "gz-a"
		require.NoError(t, apitest.Client(t).Create(t.Context(), monitor))
	}
	mgr, err := newManager(t, apitest.Kubeconfig(t), "--log-level", "error", "--namespaces", ours,
		"--metrics-bind-address", "0", "--health-probe-bind-address", "0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	defer func() { stop(); assert.NoError(t, <-ended) }()

	var seen etcdv1beta1.EtcdMonitorList
	require.Eventually(t, func() bool { return mgr.GetClient().List(ctx, &seen) == nil }, patience, poll)
	require.Len(t, seen.Items, 1)
	assert.Equal(t, ours, seen.Items[0].Namespace)
	assert.Empty(t, seen.Items[0].ManagedFields, "the cache has no use for them")
	err = mgr.GetClient().Get(ctx, client.ObjectKey{Namespace: theirs, Name: "gz-a"}, &etcdv1beta1.EtcdMonitor{})
	assert.Error(t, err)
}

func TestManagerServesNamespacesOnlyWhenItIsToldWhich(t *testing.T) {
	_, err := newManager(t, apitest.Kubeconfig(t))
	assert.ErrorContains(t, err, "set --namespaces, for example to gz,sh, or to * for all")

	for value, message := range map[string]string{
		"":     `"" is not the name of a namespace: write names with commas between them, or * for all`,
		"gz,":  `"" is not the name of a namespace`,
		"gz;s": `"gz;s" is not the name of a namespace`,
		"gz,*": "* stands for all namespaces: write it alone",
	} {
		flags := flag.NewFlagSet("program", flag.ContinueOnError)
		flags.SetOutput(io.Discard)
		managerflags.Bind(flags)
		assert.ErrorContains(t, flags.Parse([]string{"--namespaces", value}), message)
	}
}

func TestManagerSaysHowToFindTheAPIServer(t *testing.T) {
	_, err := newManager(t, t.TempDir()+"/absent", "--namespaces", "gz")
	assert.ErrorContains(t, err, "set --kubeconfig")
}

func TestFlagsRefuseAnUnknownLogLevel(t *testing.T) {
	flags := flag.NewFlagSet("program", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	managerflags.Bind(flags)
	assert.ErrorContains(t, flags.Parse([]string{"--log-level", "loud"}), "log-level")
}
