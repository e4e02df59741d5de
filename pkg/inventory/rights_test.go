package inventory

import (
	"context"
	"strings"
	"testing"

	"github.com/grafana/grafana-plugin-sdk-go/backend/httpclient"
	"github.com/grafana/grafana-plugin-sdk-go/backend/log"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/regiontest"
)

// With the token of Grafana the real datasource requests a run, and nobody changes anything else: with the roles of
// deploy/rbac, and by the admission policy alone where somebody grants the account everything.
func TestTheTokenOfGrafanaCanRequestRunsAndChangeNothingElse(t *testing.T) {
	server := startServer(t)
	monitor := &v1beta1.EtcdMonitor{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "default", Name: "gz-a-alarms", Labels: map[string]string{"region": "gz"},
			Annotations: map[string]string{"team": "storage"}, Finalizers: []string{"example.org/keep"},
		},
		Spec: v1beta1.EtcdMonitorSpec{ClusterID: "gz-a", MetricName: "alarms", MetricProviderName: "cruiser"},
	}
	require.NoError(t, server.Admin.Create(t.Context(), monitor))
	require.NoError(t, server.Admin.Create(t.Context(), &v1beta1.EtcdCluster{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "gz-a"},
		Spec: v1beta1.EtcdClusterSpec{ClusterID: "gz-a", Region: "gz", ProductName: "tke", Scene: "business",
			Members: []v1beta1.EtcdClusterMember{{Name: "etcd-0", ClientURL: "https://10.0.0.1:2379"}}},
	}))
	for name, token := range map[string]string{"user": regiontest.DatasourceToken, "service account": serviceAccountToken(t, server)} {
		t.Run("as a "+name, func(t *testing.T) {
			grafana := clientWith(t, server, token)
			awaitPolicy(t, grafana, monitor)
			refuseEverythingElse(t, server, grafana, monitor)
			requestRun(t, server, token, monitor)
		})
	}

	require.NoError(t, server.Admin.Create(t.Context(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "grafana-may-do-everything"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: "etcdfleet-datasource"}},
	}))
	t.Run("with all roles", func(t *testing.T) {
		grafana := clientWith(t, server, regiontest.DatasourceToken)
		eventually(t, func() bool { return grafana.List(t.Context(), &corev1.NodeList{}) == nil }, "the role is effective")
		refuseEverythingElse(t, server, grafana, monitor)
		requestRun(t, server, regiontest.DatasourceToken, monitor)
	})

	// The policy is for Grafana's account alone.
	newest := monitor.DeepCopy()
	require.NoError(t, server.Admin.Get(t.Context(), client.ObjectKeyFromObject(monitor), newest))
	newest.Labels["team"] = "storage"
	require.NoError(t, server.Admin.Update(t.Context(), newest))
}

// refuseEverythingElse tries what a stolen token may be used for.
func refuseEverythingElse(t *testing.T, server *regiontest.Server, grafana client.Client, monitor *v1beta1.EtcdMonitor) {
	t.Helper()
	before := read(t, server, monitor)
	for name, body := range map[string]string{
		"a parameter":                  `{"spec": {"parameters": {"location": "file:///"}}}`,
		"the interval":                 `{"spec": {"interval": "10s"}}`,
		"the provider":                 `{"spec": {"metricProviderName": "other"}}`,
		"a label":                      `{"metadata": {"labels": {"region": "sh"}}}`,
		"no labels":                    `{"metadata": {"labels": null}}`,
		"another annotation":           `{"metadata": {"annotations": {"team": "other"}}}`,
		"one annotation less":          `{"metadata": {"annotations": {"team": null}}}`,
		"no annotations":               `{"metadata": {"annotations": null}}`,
		"an annotation of the cache":   `{"metadata": {"annotations": {"cruiser.cache/records-left-out": "2000000000"}}}`,
		"an annotation beside the run": `{"metadata": {"annotations": {"etcd.cloud.tencent.com/run-requested-at": "2026-01-01T00:00:00Z", "x": "y"}}}`,
		"a long request":               `{"metadata": {"annotations": {"etcd.cloud.tencent.com/run-requested-at": "` + strings.Repeat("x", 65) + `"}}}`,
		"a long name":                  `{"metadata": {"annotations": {"etcd.cloud.tencent.com/run-requested-by": "` + strings.Repeat("x", 254) + `"}}}`,
		"a finalizer":                  `{"metadata": {"finalizers": ["example.org/keep", "example.org/stuck"]}}`,
		"no finalizers":                `{"metadata": {"finalizers": null}}`,
		"an owner":                     `{"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "x"}]}}`,
	} {
		err := grafana.Patch(t.Context(), monitor.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(body)))
		assert.Truef(t, apierrors.IsForbidden(err) || apierrors.IsInvalid(err), "%s: %v", name, err)
		assert.Regexp(t, `ValidatingAdmissionPolicy 'etcdfleet-datasource' .* denied request: (Grafana's account may|An annotation of a run request)`, err, name)
	}
	status := client.RawPatch(types.MergePatchType, []byte(`{"status": {"outcome": "Passed"}}`))
	require.NoError(t, grafana.Patch(t.Context(), monitor.DeepCopy(), status), "the API server ignores a status beside the spec")
	cluster := &v1beta1.EtcdCluster{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "gz-a"}}
	label := client.RawPatch(types.MergePatchType, []byte(`{"metadata": {"labels": {"x": "y"}}}`))
	another := monitor.DeepCopy()
	another.ObjectMeta = metav1.ObjectMeta{Namespace: "default", Name: "another"}
	for name, err := range map[string]error{
		"the status":             grafana.Status().Patch(t.Context(), monitor.DeepCopy(), status),
		"an update":              grafana.Update(t.Context(), withLabel(before)),
		"a deletion":             grafana.Delete(t.Context(), monitor.DeepCopy()),
		"a deletion of all":      grafana.DeleteAllOf(t.Context(), &v1beta1.EtcdMonitor{}, client.InNamespace("default")),
		"another monitor":        grafana.Create(t.Context(), another),
		"an EtcdCluster":         grafana.Patch(t.Context(), cluster.DeepCopy(), label),
		"an EtcdCluster deleted": grafana.Delete(t.Context(), cluster.DeepCopy()),
	} {
		assert.Truef(t, apierrors.IsForbidden(err), "%s: %v", name, err)
	}
	after := read(t, server, monitor)
	for _, object := range []*v1beta1.EtcdMonitor{before, after} {
		object.ManagedFields, object.ResourceVersion = nil, ""
	}
	assert.Equal(t, before, after)
}

// requestRun asks for a run as the datasource does.
func requestRun(t *testing.T, server *regiontest.Server, token string, monitor *v1beta1.EtcdMonitor) {
	t.Helper()
	regions := []RegionConfig{{Name: "gz", URL: server.URL, CACert: server.CACert, Token: token}}
	inventory := New(regions, View{}, httpclient.Options{}, log.NewNullLogger())
	defer func() { inventory.Close(); <-inventory.Done() }()
	var accepted AcceptedRun
	eventually(t, func() bool {
		var err error
		accepted, err = inventory.RequestRun(t.Context(), RunRequest{Region: "gz", Cluster: "gz-a", Check: "alarms"}, "jane")
		return err == nil
	}, "the run is requested")
	assert.False(t, accepted.AlreadyRequested)
	newest := read(t, server, monitor)
	assert.Equal(t, accepted.Request, newest.PendingRequest())
	assert.Equal(t, "jane", newest.Annotations[v1beta1.AnnotationRunRequestedBy])

	newest.Status.AnsweredRequest = accepted.Request // as cruiser does, so that the next one is another
	require.NoError(t, server.Admin.Status().Update(t.Context(), newest))
}

// awaitPolicy waits until the API server has read the policy.
func awaitPolicy(t *testing.T, grafana client.Client, monitor *v1beta1.EtcdMonitor) {
	t.Helper()
	eventually(t, func() bool {
		forbidden := client.RawPatch(types.MergePatchType, []byte(`{"metadata": {"labels": {"probe": "x"}}}`))
		return apierrors.IsForbidden(grafana.Patch(t.Context(), monitor.DeepCopy(), forbidden, client.DryRunAll))
	}, "the policy is effective")
}

func clientWith(t *testing.T, server *regiontest.Server, token string) client.Client {
	t.Helper()
	c, err := client.New(&rest.Config{
		Host: server.URL, BearerToken: token, TLSClientConfig: rest.TLSClientConfig{CAData: []byte(server.CACert)},
	}, client.Options{Scheme: server.Admin.Scheme()})
	require.NoError(t, err)
	return c
}

// serviceAccountToken is what kubectl create token prints for the account of deploy/rbac.
func serviceAccountToken(t *testing.T, server *regiontest.Server) string {
	t.Helper()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "etcd-fleet", Name: "etcdfleet-datasource"}}
	request := &authenticationv1.TokenRequest{}
	require.NoError(t, server.Admin.SubResource("token").Create(t.Context(), account, request))
	return request.Status.Token
}

func read(t *testing.T, server *regiontest.Server, monitor *v1beta1.EtcdMonitor) *v1beta1.EtcdMonitor {
	t.Helper()
	var newest v1beta1.EtcdMonitor
	require.NoError(t, server.Admin.Get(context.WithoutCancel(t.Context()), client.ObjectKeyFromObject(monitor), &newest))
	return &newest
}

func withLabel(monitor *v1beta1.EtcdMonitor) *v1beta1.EtcdMonitor {
	changed := monitor.DeepCopy()
	changed.Labels = map[string]string{"region": "sh"}
	return changed
}
