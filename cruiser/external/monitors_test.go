package external_test

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
	"github.com/etcdfleet/etcd-fleet/cruiser/external"
	"github.com/etcdfleet/etcd-fleet/internal/apitest"
	"github.com/etcdfleet/etcd-fleet/internal/labbin"
)

func TestMain(m *testing.M) { os.Exit(apitest.Main(m)) }

// createMonitor creates an EtcdMonitor of a cluster that nobody serves.
func createMonitor(t *testing.T, namespace, check, provider string) *etcdv1beta1.EtcdMonitor {
	t.Helper()
	monitor := &etcdv1beta1.EtcdMonitor{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "gz-etcd-" + check},
		Spec: etcdv1beta1.EtcdMonitorSpec{
			ClusterID: "gz-etcd", MetricName: check, MetricProviderName: provider,
			Interval: &metav1.Duration{Duration: 10 * time.Second},
		},
	}
	require.NoError(t, apitest.Client(t).Create(context.Background(), monitor))
	return monitor
}

// An external check's results are stored and exposed like those of any other, and what it remembers comes back to it.
func TestMonitorsOfExternalChecks(t *testing.T) {
	namespace := apitest.Namespace(t)
	spec := target().Cluster
	spec.ProductName, spec.Scene = "tke", "business"
	require.NoError(t, apitest.Client(t).Create(context.Background(), &etcdv1beta1.EtcdCluster{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "gz-etcd"}, Spec: spec,
	}))
	script := writeFile(t, "check.sh", `#!/bin/sh
case $(cat) in
*'"state":"second"'*) echo '{"outcome": "Passed", "message": "it was told", "values": {"freeBytes": 2}}' ;;
*) echo '{"outcome": "Warning", "message": "it is new", "values": {"freeBytes": 1}, "state": "second"}' ;;
esac`, 0o700)
	registry, err := external.Add(checks.All(), writeFile(t, "checks.yaml", `
checks:
  - name: disk-free
    command: [`+script+`]
    values: [{name: freeBytes, metric: etcd_inspection_disk_free_bytes, help: Free bytes.}]
`, 0o600))
	require.NoError(t, err)
	metrics := prometheus.NewPedanticRegistry()
	apitest.StartManager(t, apitest.Config(), namespace, func(_ context.Context, mgr ctrl.Manager) error {
		return cruiser.Setup(mgr, cruiser.Options{Checks: registry, Metrics: metrics, LeaseNamespace: namespace})
	})

	monitor := createMonitor(t, namespace, "disk-free", cruiser.DefaultProvider)
	require.Eventually(t, func() bool {
		err := apitest.Client(t).Get(context.Background(), client.ObjectKeyFromObject(monitor), monitor)
		return err == nil && monitor.Status.Outcome == etcdv1beta1.OutcomePassed
	}, patience, 100*time.Millisecond)
	first, last := monitor.Status.Records[0], monitor.Status.LastRecord()
	assert.Equal(t, "it is new", first.Message)
	assert.Equal(t, etcdv1beta1.OutcomeWarning, first.Outcome)
	assert.Equal(t, "it was told", last.Message)
	assert.Equal(t, map[string]float64{"freeBytes": 2}, last.Values)
	assert.Eventually(t, func() bool { return gauge(t, metrics, "etcd_inspection_disk_free_bytes") == 2 },
		patience, 100*time.Millisecond)

	families, err := metrics.Gather()
	require.NoError(t, err)
	for _, family := range families {
		if name := family.GetName(); name != "etcd_inspection_disk_free_bytes" {
			_, err := external.Load(writeFile(t, "checks.yaml",
				"checks: [{name: a, command: [sh], values: [{name: b, metric: "+name+", help: c}]}]", 0o600))
			assert.ErrorContains(t, err, name+" is cruiser's own: name another")
		}
	}
}

// gauge returns the value of the one series of the name, 0 without one.
func gauge(t *testing.T, metrics *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := metrics.Gather()
	require.NoError(t, err)
	for _, family := range families {
		if family.GetName() == name {
			return family.GetMetric()[0].GetGauge().GetValue()
		}
	}
	return 0
}

// What the documentation tells a provider of its own to write is what the API server accepts, once.
func TestTheStatusOfAProviderOfItsOwn(t *testing.T) {
	path, err := labbin.RepositoryPath("docs", "external-checks.md")
	require.NoError(t, err)
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	monitor := createMonitor(t, apitest.Namespace(t), "version-skew", "my-provider")
	patch := strings.Replace(block(t, string(content), "json"), "4711", monitor.ResourceVersion, 1)
	require.True(t, json.Valid([]byte(patch)))

	write := func() error {
		return apitest.Client(t).Status().Patch(context.Background(), monitor.DeepCopy(),
			client.RawPatch(types.MergePatchType, []byte(patch)))
	}
	require.NoError(t, write())
	require.ErrorContains(t, write(), "the object has been modified", "a result is not written twice")
	require.NoError(t, apitest.Client(t).Get(context.Background(), client.ObjectKeyFromObject(monitor), monitor))
	last := monitor.Status.LastRecord()
	require.NotNil(t, last)
	assert.Equal(t, etcdv1beta1.OutcomePassed, last.Outcome)
	assert.Equal(t, monitor.Status.AnsweredRequest, last.Request)
	assert.Equal(t, "jane", last.RequestedBy)
	assert.Len(t, monitor.Status.Conditions, 1)
}
