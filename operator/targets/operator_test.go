package targets_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/apitest"
	"github.com/etcdfleet/etcd-fleet/internal/testproc"
	"github.com/etcdfleet/etcd-fleet/operator/targets"
)

const (
	patience = time.Minute
	poll     = 20 * time.Millisecond
)

func TestMain(m *testing.M) { os.Exit(apitest.Main(m)) }

// start runs the operator in the namespace until the test ends, and returns the URL of the targets.
func start(t *testing.T, config *rest.Config, namespace string) (url string, metrics *prometheus.Registry) {
	t.Helper()
	address := testproc.FreeAddress(t)
	metrics = prometheus.NewPedanticRegistry()
	apitest.StartManager(t, config, namespace, func(_ context.Context, mgr ctrl.Manager) error {
		return targets.Setup(mgr, targets.Options{BindAddress: address, Metrics: metrics})
	})
	return "http://" + address + targets.Path, metrics
}

// get returns the status code and body, or 0 while nobody listens.
func get(t *testing.T, method, url string) (code int, contentType, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), method, url, nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, response.Header.Get("Content-Type"), string(content)
}

// members returns the members that are targets.
func members(t *testing.T, url string) []string {
	t.Helper()
	_, _, body := get(t, http.MethodGet, url)
	var groups []targets.Group
	if json.Unmarshal([]byte(body), &groups) != nil {
		return nil
	}
	names := []string{}
	for _, group := range groups {
		names = append(names, group.Labels["cluster"]+"/"+group.Labels["member"])
	}
	return names
}

// served is the gauge etcdfleet_targets.
func served(t *testing.T, metrics prometheus.Gatherer) float64 {
	t.Helper()
	families, err := metrics.Gather()
	require.NoError(t, err)
	for _, family := range families {
		if family.GetName() == "etcdfleet_targets" {
			return family.GetMetric()[0].GetGauge().GetValue()
		}
	}
	require.FailNow(t, "there is no metric etcdfleet_targets")
	return 0
}

func create(t *testing.T, namespace, id, clientURL string) *etcdv1beta1.EtcdCluster {
	t.Helper()
	cluster := &etcdv1beta1.EtcdCluster{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: id},
		Spec: etcdv1beta1.EtcdClusterSpec{
			ClusterID: id, Region: "gz", ProductName: "tke", Scene: "business",
			Members: []etcdv1beta1.EtcdClusterMember{{Name: "etcd-0", ClientURL: clientURL}},
		},
	}
	require.NoError(t, apitest.Client(t).Create(context.Background(), cluster))
	return cluster
}

// condition waits until the condition TargetsPublished answers the newest spec.
func condition(t *testing.T, cluster *etcdv1beta1.EtcdCluster) *metav1.Condition {
	t.Helper()
	var found *metav1.Condition
	require.Eventually(t, func() bool {
		var newest etcdv1beta1.EtcdCluster
		require.NoError(t, apitest.Client(t).Get(context.Background(), client.ObjectKeyFromObject(cluster), &newest))
		found = meta.FindStatusCondition(newest.Status.Conditions, targets.ConditionPublished)
		return found != nil && newest.Status.ObservedGeneration == newest.Generation &&
			found.ObservedGeneration == newest.Generation
	}, patience, poll)
	return found
}

func TestTargetsFollowTheFleetWithTheLeastRights(t *testing.T) {
	ctx := context.Background()
	namespace := apitest.Namespace(t)
	apitest.Apply(t, "deploy/rbac/namespace/operator.yaml", namespace)
	user := apitest.User(t, "etcdfleet-operator")
	admin := apitest.Client(t)
	a := create(t, namespace, "gz-a", "http://127.0.0.1:2379")
	url, metrics := start(t, user, namespace)

	require.Eventually(t, func() bool { return len(members(t, url)) == 1 }, patience, poll)
	code, contentType, body := get(t, http.MethodGet, url)
	assert.Equal(t, http.StatusOK, code)
	assert.Equal(t, "application/json", contentType)
	assert.JSONEq(t, `[{"targets": ["127.0.0.1:2379"], "labels": {"region": "gz", "product": "tke", "scene": "business",
		"spec": "default", "cluster": "gz-a", "member": "etcd-0", "__scheme__": "http"}}]`, body)
	published := condition(t, a)
	assert.Equal(t, metav1.ConditionTrue, published.Status)
	assert.Equal(t, "1 members are targets of Prometheus", published.Message)

	b := create(t, namespace, "gz-b", "http://127.0.0.1:port")
	refused := condition(t, b)
	assert.Equal(t, metav1.ConditionFalse, refused.Status)
	assert.Equal(t, "InvalidURL", refused.Reason)
	assert.Contains(t, refused.Message, "member etcd-0: ")
	assert.Contains(t, refused.Message, "correct its metricsURL or clientURL")
	assert.Equal(t, []string{"gz-a/etcd-0"}, members(t, url))

	require.NoError(t, admin.Get(ctx, client.ObjectKeyFromObject(b), b))
	b.Spec.Members[0].ClientURL = "http://127.0.0.1:2380"
	require.NoError(t, admin.Update(ctx, b))
	assert.Equal(t, metav1.ConditionTrue, condition(t, b).Status)
	require.Eventually(t, func() bool { return len(members(t, url)) == 2 }, patience, poll)
	assert.InDelta(t, 2, served(t, metrics), 0)

	require.NoError(t, admin.Delete(ctx, a))
	require.Eventually(t, func() bool { return len(members(t, url)) == 1 }, patience, poll)
	require.NoError(t, admin.Delete(ctx, b))
	require.Eventually(t, func() bool { _, _, body := get(t, http.MethodGet, url); return body == "[]" }, patience, poll)

	c := create(t, namespace, "gz-c", "http://127.0.0.1:2379")
	t.Run("which allow nothing else", func(t *testing.T) {
		as, err := client.New(user, client.Options{Scheme: apitest.Scheme})
		require.NoError(t, err)
		assert.True(t, apierrors.IsForbidden(as.Update(ctx, c)))
		assert.True(t, apierrors.IsForbidden(as.Delete(ctx, c)))
		assert.True(t, apierrors.IsForbidden(as.List(ctx, &corev1.SecretList{})))
	})
}

func TestTargetsKeepOtherConditions(t *testing.T) {
	namespace := apitest.Namespace(t)
	cluster := create(t, namespace, "gz-a", "http://127.0.0.1:2379")
	meta.SetStatusCondition(&cluster.Status.Conditions, metav1.Condition{
		Type: "Ready", Status: metav1.ConditionTrue, Reason: "Tested",
	})
	require.NoError(t, apitest.Client(t).Status().Update(context.Background(), cluster))
	start(t, apitest.Config(), namespace)

	condition(t, cluster)
	require.NoError(t, apitest.Client(t).Get(context.Background(), client.ObjectKeyFromObject(cluster), cluster))
	assert.True(t, meta.IsStatusConditionTrue(cluster.Status.Conditions, "Ready"))
}

func TestTargetsAreReadOnly(t *testing.T) {
	url, _ := start(t, apitest.Config(), apitest.Namespace(t))
	require.Eventually(t, func() bool { code, _, _ := get(t, http.MethodGet, url); return code == http.StatusOK }, patience, poll)
	code, _, _ := get(t, http.MethodPost, url)
	assert.Equal(t, http.StatusMethodNotAllowed, code)
	code, _, _ = get(t, http.MethodGet, url+"/more")
	assert.Equal(t, http.StatusNotFound, code)
}

// An empty list would end the scrape of the whole fleet, so there is none while the API server was never reached.
func TestTargetsAreUnavailableBeforeTheFirstSynchronisation(t *testing.T) {
	nobody := apitest.User(t, "nobody") // who may not list EtcdClusters
	url, metrics := start(t, nobody, apitest.Namespace(t))
	require.Eventually(t, func() bool {
		code, _, _ := get(t, http.MethodGet, url)
		return code == http.StatusServiceUnavailable
	}, patience, poll)
	_, _, body := get(t, http.MethodGet, url)
	assert.Contains(t, body, "the EtcdClusters are not known yet")
	assert.InDelta(t, 0, served(t, metrics), 0)
}

// The certificates and the login of a Secret are cruiser's: Prometheus has none of them.
func TestMembersThatPrometheusHasNoCertificatesForAreNamedWithTheRemedy(t *testing.T) {
	namespace := apitest.Namespace(t)
	start(t, apitest.Config(), namespace)
	secured := &etcdv1beta1.EtcdCluster{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "gz-orders"},
		Spec: etcdv1beta1.EtcdClusterSpec{
			ClusterID: "gz-orders", Region: "gz", ProductName: "tke", Scene: "business", Size: 3,
			Members: []etcdv1beta1.EtcdClusterMember{
				{Name: "gz-orders-0", ClientURL: "https://10.0.0.1:2379", Host: "node-1"},
				{Name: "gz-orders-1", ClientURL: "https://10.0.0.2:2379", Host: "node-2"},
				{Name: "gz-orders-2", ClientURL: "https://10.0.0.3:2379", MetricsURL: "http://10.0.0.3:2381", Host: "node-3"},
			},
			TLS: &etcdv1beta1.EtcdClusterTLS{SecretName: "gz-orders-client"},
		},
	}
	require.NoError(t, apitest.Client(t).Create(context.Background(), secured))
	found := condition(t, secured)
	assert.Equal(t, metav1.ConditionFalse, found.Status)
	assert.Equal(t, "NotScrapable", found.Reason)
	assert.Contains(t, found.Message, "Prometheus cannot scrape the members gz-orders-0, gz-orders-1 so: they serve /metrics over https")
	assert.Contains(t, found.Message, "the Secret gz-orders-client")
	assert.Contains(t, found.Message, "--listen-metrics-urls=http://")
	assert.Contains(t, found.Message, "metricsURL")
	assert.NotContains(t, found.Message, "gz-orders-2")
}

func TestOnlyTheHolderOfAClusterIDIsATarget(t *testing.T) {
	namespace := apitest.Namespace(t)
	admin := apitest.Client(t)
	refused := create(t, namespace, "gz-a", "http://127.0.0.1:2379")
	held := func(c *etcdv1beta1.EtcdCluster, status metav1.ConditionStatus, message string) {
		t.Helper()
		meta.SetStatusCondition(&c.Status.Conditions, metav1.Condition{
			Type: etcdv1beta1.ConditionIdentityHeld, Status: status, Reason: "Tested", Message: message,
		})
		require.NoError(t, admin.Status().Update(context.Background(), c))
	}
	held(refused, metav1.ConditionFalse, "The EtcdCluster gz/gz-orders holds the clusterId gz-a.")
	url, _ := start(t, apitest.Config(), namespace)
	found := condition(t, refused)
	assert.Equal(t, metav1.ConditionFalse, found.Status)
	assert.Equal(t, "The EtcdCluster gz/gz-orders holds the clusterId gz-a.", found.Message)
	create(t, namespace, "gz-b", "http://127.0.0.1:2380")
	require.Eventually(t, func() bool {
		return assert.ObjectsAreEqual([]string{"gz-b/etcd-0"}, members(t, url))
	}, patience, poll)

	require.NoError(t, admin.Get(context.Background(), client.ObjectKeyFromObject(refused), refused))
	held(refused, metav1.ConditionTrue, "")
	require.Eventually(t, func() bool { return len(members(t, url)) == 2 }, patience, poll)
}
