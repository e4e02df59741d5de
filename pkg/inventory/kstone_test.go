package inventory

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend/httpclient"
	"github.com/grafana/grafana-plugin-sdk-go/backend/log"
	"github.com/stretchr/testify/require"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/regiontest"
)

const (
	patience = time.Minute
	tick     = 100 * time.Millisecond
)

// kstoneFile is the path of a file with stand-ins for what kstone leaves in an API server.
func kstoneFile(name string) []string {
	return []string{"pkg", "inventory", "testdata", "kstone", name}
}

// kstoneRegion follows a server's objects as the account of the token may, and looks for kstone's every second.
func kstoneRegion(t *testing.T, server *regiontest.Server, token string) *region {
	t.Helper()
	r := newRegion(RegionConfig{Name: "gz", URL: server.URL, CACert: server.CACert, Token: token}, httpclient.Options{}, log.NewNullLogger())
	r.recheck = time.Second
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return r
}

func eventually(t *testing.T, condition func() bool, what string) {
	t.Helper()
	require.Eventually(t, condition, patience, tick, what)
}

// allOf lists the checks of every cluster as "cluster: checks", and "(none)" for checks without cluster.
func allOf(r *region) []string { return contents(r.index, Scope{}) }

func isLive(r *region) bool { return r.fresh.current().State == Live }

func startServer(t *testing.T) *regiontest.Server {
	t.Helper()
	server, err := regiontest.Start(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(server.Close)
	return server
}

// kstone may come to an API server, change its version and go, while the region stays current.
func TestFollowsKstonesClustersWhileTheyAreServed(t *testing.T) {
	server := startServer(t)
	r := kstoneRegion(t, server, regiontest.DatasourceToken)
	eventually(t, func() bool { return isLive(r) }, "a region without kstone is current")
	require.Empty(t, allOf(r))

	require.NoError(t, server.InstallCRDs(kstoneFile("crds.yaml")...))
	require.NoError(t, server.CreateFrom(kstoneFile("objects.yaml")...))
	all := []string{"kstone/fresh: []", "kstone/orders: [etcd-node-key-diff healthy]"}
	eventually(t, func() bool { return slices.Equal(all, allOf(r)) }, "kstone's objects are there without a restart")
	require.Equal(t, CheckResult{Region: "gz", Note: "the clusters of kstone are read too"}, withoutVersion(r.check(t.Context(), newFilter(Scope{}))))

	own := &v1beta1.EtcdCluster{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "orders"},
		Spec: v1beta1.EtcdClusterSpec{
			ClusterID: "orders", Region: "gz", ProductName: "tke", Scene: "business", Members: []v1beta1.EtcdClusterMember{{Name: "orders-0", ClientURL: "https://10.0.0.1:2379"}},
		},
	}
	require.NoError(t, server.Admin.Create(t.Context(), own))
	eventually(t, func() bool { return slices.Equal([]string{"default/orders: []", "kstone/fresh: []"}, allOf(r)) }, "ours wins")
	require.NoError(t, server.Admin.Delete(t.Context(), own))
	eventually(t, func() bool { return slices.Equal(all, allOf(r)) }, "kstone's is back when ours is gone")

	inspection := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "kstone.tkestack.io/v1alpha2", "kind": "EtcdInspection", "metadata": map[string]any{"namespace": "kstone", "name": "orders-healthy"},
	}}
	require.NoError(t, server.Admin.Delete(t.Context(), inspection))
	remaining := []string{"kstone/fresh: []", "kstone/orders: [etcd-node-key-diff]"}
	eventually(t, func() bool { return slices.Equal(remaining, allOf(r)) }, "a deleted inspection is gone")

	serveOnly(t, server, "v1alpha1")
	create(t, server, "v1alpha1", "EtcdInspection", "orders-request", map[string]any{"clusterName": "orders", "inspectionType": "request"})
	older := []string{"kstone/fresh: []", "kstone/orders: [etcd-node-key-diff request]"}
	eventually(t, func() bool { return slices.Equal(older, allOf(r)) }, "the older version does as well")

	require.NoError(t, server.UninstallCRDs("deploy", "crds"))
	alone := kstoneRegion(t, server, regiontest.DatasourceToken)
	eventually(t, func() bool { return isLive(alone) && slices.Equal(older, allOf(alone)) }, "kstone's objects alone make a region")
	require.Equal(t, CheckResult{Region: "gz", Note: "the clusters of kstone are read too"}, withoutVersion(alone.check(t.Context(), newFilter(Scope{}))))

	require.NoError(t, server.UninstallCRDs(kstoneFile("crds.yaml")...))
	eventually(t, func() bool { return len(allOf(r)) == 0 && len(allOf(alone)) == 0 }, "nothing stays behind")
	require.Empty(t, r.index.claims)
	require.Empty(t, r.index.inspections)
}

// An API server that has just started refuses what its roles allow until it has read them.
func TestKstonesClustersStayWhenTheAPIServerStartsAgain(t *testing.T) {
	server := startServer(t)
	require.NoError(t, server.InstallCRDs(kstoneFile("crds.yaml")...))
	require.NoError(t, server.CreateFrom(kstoneFile("objects.yaml")...))
	r := kstoneRegion(t, server, regiontest.DatasourceToken)
	eventually(t, func() bool { return len(allOf(r)) == 2 }, "kstone's objects are there")
	server.Kill()
	eventually(t, func() bool { return !isLive(r) }, "the region is away")
	require.NoError(t, server.Restart())
	for began := time.Now(); !isLive(r) || time.Since(began) < 5*r.recheck; time.Sleep(time.Millisecond) {
		require.Len(t, allOf(r), 2)
		require.Less(t, time.Since(began), time.Minute, "the region comes back")
	}
}

// An account of an earlier role may not read kstone's objects: its region works as before, and the check says what is
// missing. Once it may, the objects come.
func TestKstonesClustersNeedTheirOwnRight(t *testing.T) {
	server := startServer(t)
	require.NoError(t, server.InstallCRDs(kstoneFile("crds.yaml")...))
	require.NoError(t, server.CreateFrom(kstoneFile("objects.yaml")...))
	r := kstoneRegion(t, server, regiontest.ReaderToken)
	eventually(t, func() bool { return isLive(r) }, "the region is current")
	require.Empty(t, allOf(r))
	note, readable := r.checkKstone(t.Context())
	require.False(t, readable)
	require.Contains(t, note, "the clusters of kstone are missing: ")
	require.Contains(t, note, "Apply deploy/rbac/datasource.yaml")

	require.NoError(t, server.Admin.Create(t.Context(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "reader-too"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "etcdfleet-datasource"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: "reader"}},
	}))
	eventually(t, func() bool { return len(allOf(r)) == 2 }, "the objects come with the right")
	require.True(t, isLive(r))
}

func withoutVersion(result CheckResult) CheckResult {
	result.Version = ""
	return result
}

// serveOnly makes the API server serve one version of kstone's objects.
func serveOnly(t *testing.T, server *regiontest.Server, version string) {
	t.Helper()
	for _, resource := range []string{kstoneClustersResource, kstoneInspectionsResource} {
		crd := &unstructured.Unstructured{}
		crd.SetAPIVersion("apiextensions.k8s.io/v1")
		crd.SetKind("CustomResourceDefinition")
		require.NoError(t, server.Admin.Get(t.Context(), client.ObjectKey{Name: resource + "." + kstoneGroup}, crd))
		versions, _, err := unstructured.NestedSlice(crd.Object, "spec", "versions")
		require.NoError(t, err)
		for _, v := range versions {
			v.(map[string]any)["served"] = v.(map[string]any)["name"] == version
		}
		require.NoError(t, unstructured.SetNestedSlice(crd.Object, versions, "spec", "versions"))
		require.NoError(t, server.Admin.Update(t.Context(), crd))
	}
}

// create waits for the version to be served first.
func create(t *testing.T, server *regiontest.Server, version, kind, name string, spec map[string]any) {
	t.Helper()
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": kstoneGroup + "/" + version, "kind": kind, "metadata": map[string]any{"namespace": "kstone", "name": name}, "spec": spec,
	}}
	eventually(t, func() bool { return server.Admin.Create(t.Context(), object) == nil }, "the version is served")
}

func kstoneClusterFrom(t *testing.T, text string) *Cluster {
	t.Helper()
	var object kstoneCluster
	require.NoError(t, yaml.Unmarshal([]byte(text), &object))
	return newKstoneCluster("gz", &object)
}

func kstoneMonitorFrom(t *testing.T, text string) *Monitor {
	t.Helper()
	var object kstoneInspection
	require.NoError(t, yaml.Unmarshal([]byte(text), &object))
	return newKstoneMonitor("gz", &object)
}

func TestReadsKstonesCluster(t *testing.T) {
	for _, c := range []struct {
		name, object string
		want         Cluster
	}{
		{
			"labelled, in use", `
metadata: {name: a, namespace: kstone, labels: {product: tcr, scene: business, spec: large, version: 3.5.4}, annotations: {product: other}}
spec: {name: shown, size: 3, version: 3.5.4}
status: {members: [{name: a-0, role: Leader, version: 3.5.3}, {name: a-1, role: Follower}, {name: "", endpoint: 10.0.0.3, role: UnKnown}]}`,
			Cluster{ID: "a", Product: "tcr", Scene: "business", Spec: "large", Size: 3, Version: "3.5.4", Members: []Member{{Name: "a-0"}, {Name: "a-1"}, {Name: "10.0.0.3"}}},
		},
		{
			"annotated", `
metadata: {name: a, namespace: kstone, annotations: {product: tcr, scene: business, spec: small}}
spec: {size: 1, version: v3.5.0}`,
			Cluster{ID: "a", Product: "tcr", Scene: "business", Spec: "small", Size: 1, Version: "v3.5.0", Members: []Member{}},
		},
		{
			"imported without a size and a version", `
metadata: {name: a, namespace: kstone}
status: {members: [{name: a-0, role: UnKnown}, {name: a-1, role: Leader, version: 3.4.13}, {name: a-2, role: Learner, version: 3.4.13}]}`,
			Cluster{ID: "a", Product: "kstone", Scene: "default", Spec: "default", Size: 2, Version: "3.4.13", Members: []Member{{Name: "a-0"}, {Name: "a-1"}, {Name: "a-2"}}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.want.Region, c.want.kstone, c.want.object = "gz", true, types.NamespacedName{Namespace: "kstone", Name: "a"}
			require.Equal(t, &c.want, kstoneClusterFrom(t, c.object))
		})
	}
}

func TestNamesKstonesInspectionsAsOursWhereTheyFindTheSame(t *testing.T) {
	for inspection, check := range map[string]string{
		"consistency": "etcd-node-key-diff",
		"alarm":       "alarms",
		"backupcheck": "backup-age",
		"healthy":     "healthy",
		"request":     "request",
		"of-a-fork":   "of-a-fork",
	} {
		require.Equal(t, check, kstoneMonitorFrom(t, fmt.Sprintf("spec: {clusterName: a, inspectionType: %s}", inspection)).Check)
	}
}

func TestReadsKstonesInspection(t *testing.T) {
	m := kstoneMonitorFrom(t, `
metadata: {name: a-alarm, namespace: kstone, labels: {product: tcr}}
spec: {clusterName: a, inspectionType: alarm, intervalInSecond: 300}
status:
  records:
  - {startTime: "2026-01-02T03:05:00Z", endTime: "2026-01-02T03:05:02Z", reason: Timeout, message: no answer}
  - {startTime: "2026-01-02T03:00:00Z", endTime: "2026-01-02T03:00:01Z", message: none}
  - {startTime: "2026-01-02T02:55:00Z", reason: Unknown}
`)
	require.Equal(t, []string{"gz", "a", "alarms", "tcr", "Timeout: no answer"}, []string{m.Region, m.ClusterID, m.Check, m.Product, m.Message})
	require.Empty(t, m.Outcome, "kstone's records have none")
	require.Equal(t, "2026-01-02T03:05:02Z", m.LastRun.UTC().Format(time.RFC3339))
	require.Equal(t, 2*time.Second, m.Duration)
	require.True(t, m.NextRun.IsZero(), "kstone does not keep to its interval")
	require.JSONEq(t, `[
		{"time": 1767322500000, "outcome": "", "message": "Unknown", "values": {}},
		{"time": 1767322801000, "outcome": "", "message": "none", "values": {}},
		{"time": 1767323102000, "outcome": "", "message": "Timeout: no answer", "values": {}}
	]`, string(m.History.JSON()))
	require.Contains(t, m.Blocked(), "takes no requests")
	require.Empty(t, monitor("1", "a").Blocked())

	never := kstoneMonitorFrom(t, `
spec: {clusterName: a, inspectionType: healthy}
status: {lastUpdatedTime: "2026-01-02T03:00:00Z"}
`)
	require.True(t, never.LastRun.IsZero(), "kstone writes that time when it creates the object")
	require.JSONEq(t, `[]`, string(never.History.JSON()))
}

func TestOurClusterHidesKstonesOfTheSameName(t *testing.T) {
	x := newIndex()
	foreign := func(namespace, id string) *Cluster {
		return &Cluster{ID: id, kstone: true, object: types.NamespacedName{Namespace: namespace, Name: id}}
	}
	inspection := func(namespace, id, check string) *Monitor {
		return &Monitor{ClusterID: id, Check: check, Kstone: true, object: types.NamespacedName{Namespace: namespace, Name: id + "-" + check}}
	}
	x.kstoneClusters.put(foreign("kstone", "1"))
	x.kstoneClusters.put(foreign("kstone", "2"))
	x.kstoneMonitors.put(inspection("kstone", "1", "healthy"))
	x.kstoneMonitors.put(inspection("kstone", "3", "healthy"))
	require.Equal(t, []string{"(none): 3 healthy", "kstone/1: [healthy]", "kstone/2: []"}, contents(x, Scope{}))

	x.clusters.put(cluster("gz", "1", "tke"))
	x.clusters.put(cluster("sh", "1", "tke"))
	x.monitors.put(monitor("1", "a"))
	require.Equal(t, []string{"(none): 3 healthy", "gz/1: [a]", "kstone/2: []"}, contents(x, Scope{}))
	require.Empty(t, contents(x, Scope{Product: []string{"tcr"}}), "also where ours is not in scope")
	found, known := x.find(ofCluster("1"), "healthy")
	require.True(t, known)
	require.Nil(t, found)

	x.clusters.delete(types.NamespacedName{Namespace: "gz", Name: "object-1"})
	require.NotContains(t, contents(x, Scope{}), "kstone/1: [healthy]", "the other is still there")
	x.clusters.delete(types.NamespacedName{Namespace: "sh", Name: "object-1"})
	require.Contains(t, contents(x, Scope{}), "kstone/1: [healthy]")

	x.kstoneMonitors.put(inspection("a-namespace-before-gz", "1", "a"))
	found, _ = x.find(ofCluster("1"), "a")
	require.False(t, found.Kstone, "of two inspections of a check, ours is run")

	x.monitors.replace(nil)
	x.kstoneClusters.replace(nil)
	x.kstoneMonitors.replace(nil)
	require.Empty(t, x.claims)
	require.Empty(t, x.inspections)
}

func TestAKstoneObjectIsCopiedDeeply(t *testing.T) {
	clusters := &kstoneClusterList{Items: []kstoneCluster{{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"product": "tcr"}}}}}
	clusters.Items[0].Status.Members = []kstoneMember{{Name: "a-0"}}
	copied := clusters.DeepCopyObject().(*kstoneClusterList)
	require.Equal(t, clusters, copied)
	copied.Items[0].Labels["product"], copied.Items[0].Status.Members[0].Name = "changed", "changed"
	require.Equal(t, []string{"tcr", "a-0"}, []string{clusters.Items[0].Labels["product"], clusters.Items[0].Status.Members[0].Name})

	inspections := &kstoneInspectionList{Items: []kstoneInspection{{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"product": "tcr"}}}}}
	inspections.Items[0].Status.Records = []kstoneRecord{{Message: "fine"}}
	other := inspections.DeepCopyObject().(*kstoneInspectionList)
	require.Equal(t, inspections, other)
	other.Items[0].Labels["product"], other.Items[0].Status.Records[0].Message = "changed", "changed"
	require.Equal(t, []string{"tcr", "fine"}, []string{inspections.Items[0].Labels["product"], inspections.Items[0].Status.Records[0].Message})
}
