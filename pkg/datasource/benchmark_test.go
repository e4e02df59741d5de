package datasource

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	k8sruntime "k8s.io/apimachinery/pkg/runtime"

	"github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/promtest"
	"github.com/etcdfleet/etcd-fleet/pkg/inventory"
)

const (
	benchmarkClusters           = 10000
	benchmarkMonitorsPerCluster = 6
	benchmarkEvents             = 20000
)

// BenchmarkQueries measures a query each of a region with 10,000 clusters, 60,000 monitors of 20 records and 20,000 Events. Both
// servers are simulated: what is measured is this side. "without memo" reads the metrics anew, as once in five seconds.
func BenchmarkQueries(b *testing.B) {
	d := benchmarkFleet(b)
	for _, c := range []struct {
		name, query string
		memo        bool
	}{
		{"clusters", `{"kind": "clusters"}`, true},
		{"clusters without memo", `{"kind": "clusters"}`, false},
		{"one cluster", `{"kind": "clusters", "scope": {"cluster": ["cluster-77"]}}`, true},
		{"one cluster without memo", `{"kind": "clusters", "scope": {"cluster": ["cluster-77"]}}`, false},
		{"distinct clusters", `{"kind": "clusters", "distinct": "cluster", "limit": 1000}`, true},
		{"diagnosis of one cluster", `{"kind": "diagnosis", "scope": {"region": ["gz"], "cluster": ["cluster-77"]}}`, true},
		{"diagnosis of the fleet", `{"kind": "diagnosis", "findings": "first"}`, true},
		{"inspections", `{"kind": "inspections"}`, true},
		{"events", `{"kind": "events"}`, true},
		{"events of one cluster", `{"kind": "events", "scope": {"region": ["gz"], "cluster": ["cluster-77"]}}`, true},
		{"inspections of one cluster", `{"kind": "inspections", "scope": {"cluster": ["cluster-77"]}}`, true},
	} {
		b.Run(c.name, func(b *testing.B) {
			d.metrics.lifetime = time.Hour
			if !c.memo {
				d.metrics.lifetime = 0
			}
			clear(d.metrics.entries)
			request := &backend.QueryDataRequest{Queries: []backend.DataQuery{{RefID: "A", JSON: []byte(c.query)}}}
			b.ReportAllocs()
			for b.Loop() {
				response, err := d.QueryData(b.Context(), request)
				if err != nil || response.Responses["A"].Error != nil || response.Responses["A"].Frames[0].Rows() == 0 {
					b.Fatal(err, response.Responses["A"].Error)
				}
			}
		})
	}
}

// benchmarkFleet returns a datasource that has synchronised, and reports the memory that it holds.
func benchmarkFleet(b *testing.B) *Datasource {
	b.Helper()
	api := httptest.NewServer(simulatedAPIServer())
	b.Cleanup(api.CloseClientConnections)
	prometheus := httptest.NewServer(simulatedThanos())
	b.Cleanup(prometheus.Close)
	before := heapBytes()
	started := time.Now()
	d, err := newDatasource(b.Context(), backend.DataSourceInstanceSettings{
		UID: "fleet", Type: "etcdfleet-slo-datasource", URL: prometheus.URL,
		JSONData: fmt.Appendf(nil, `{"regions": [{"name": "gz", "url": %q}]}`, api.URL),
	})
	require.NoError(b, err)
	b.Cleanup(d.Dispose)
	require.Eventually(b, func() bool { return d.inventory.EventStatuses(inventory.Scope{})[0].State == "live" }, 5*time.Minute, tick)
	b.Logf("synchronised in %s, holds %d MB", time.Since(started).Round(time.Millisecond), (heapBytes()-before)>>20)
	return d
}

func heapBytes() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// simulatedAPIServer streams the whole fleet to a watch, then keeps silent.
func simulatedAPIServer() http.Handler {
	routes := http.NewServeMux()
	routes.HandleFunc("/readyz", func(http.ResponseWriter, *http.Request) {})
	watch := func(path string, object k8sruntime.Object, n int, change func(i int)) {
		routes.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			encoder := json.NewEncoder(w)
			for i := range n {
				change(i)
				if encoder.Encode(map[string]any{"type": "ADDED", "object": object}) != nil {
					return
				}
			}
			_ = encoder.Encode(map[string]any{"type": "BOOKMARK", "object": bookmarkOf(object)})
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		})
	}
	cluster := etcdCluster("gz", "tke", "", "default", "")
	cluster.TypeMeta = metav1.TypeMeta{APIVersion: v1beta1.GroupVersion.String(), Kind: "EtcdCluster"}
	ours := "/apis/" + v1beta1.GroupVersion.String() + "/"
	watch(ours+"etcdclusters", cluster, benchmarkClusters, func(i int) {
		cluster.Name = fmt.Sprintf("cluster-%d", i)
		cluster.Spec.ClusterID, cluster.Spec.Scene = cluster.Name, fmt.Sprintf("scene-%d", i%100)
		for m := range cluster.Spec.Members {
			cluster.Spec.Members[m].Name = promtest.MemberName(cluster.Name, m)
			cluster.Spec.Members[m].Host = fmt.Sprintf("node-%d", (i*3+m)%1000)
		}
	})
	outcomes := []v1beta1.Outcome{v1beta1.OutcomePassed, v1beta1.OutcomePassed, v1beta1.OutcomePassed, v1beta1.OutcomeWarning}
	monitor := etcdMonitor("gz", "", "", v1beta1.OutcomePassed)
	monitor.TypeMeta = metav1.TypeMeta{APIVersion: v1beta1.GroupVersion.String(), Kind: "EtcdMonitor"}
	for len(monitor.Status.Records) < v1beta1.MaxRecords {
		monitor.Status.Records = append(monitor.Status.Records, monitor.Status.Records[0])
	}
	watch(ours+"etcdmonitors", monitor, benchmarkClusters*benchmarkMonitorsPerCluster, func(i int) {
		monitor.Spec.ClusterID, monitor.Spec.MetricName = fmt.Sprintf("cluster-%d", i/benchmarkMonitorsPerCluster), fmt.Sprintf("check-%d", i%benchmarkMonitorsPerCluster)
		monitor.Name = monitor.Spec.ClusterID + "-" + monitor.Spec.MetricName
		for n := range monitor.Status.Records {
			record := &monitor.Status.Records[n]
			record.StartTime = metav1.NewTime(lastRun.Add(time.Duration(i+n*300) * time.Second))
			record.EndTime = metav1.NewTime(record.StartTime.Add(time.Second))
			record.Message = fmt.Sprintf("collectEtcdnodeKeyDiff,etcd cluster %s,total key num is %d,nodeKeyDiff is 0", monitor.Spec.ClusterID, 100000+i*n%99991)
			record.Values = map[string]float64{"nodeKeyDiff": 0, "keys": float64(100000 + i*n%99991)}
		}
		monitor.Status.Records[v1beta1.MaxRecords-1].Outcome = outcomes[i%len(outcomes)]
	})
	event := &corev1.Event{
		TypeMeta:            metav1.TypeMeta{APIVersion: "v1", Kind: "Event"},
		ObjectMeta:          metav1.ObjectMeta{Namespace: "gz", ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "cruiser", FieldsV1: &metav1.FieldsV1{Raw: []byte(`{"f:note": {}}`)}}}},
		InvolvedObject:      corev1.ObjectReference{APIVersion: v1beta1.GroupVersion.String(), Kind: monitor.Kind, Namespace: "gz"},
		Reason:              "InspectionError",
		Type:                corev1.EventTypeWarning,
		ReportingController: "cruiser",
	}
	watch("/api/v1/events", event, benchmarkEvents, func(i int) {
		event.InvolvedObject.Name = fmt.Sprintf("cluster-%d-check-%d", i%benchmarkClusters, i/benchmarkClusters)
		event.Name = fmt.Sprintf("%s.%x", event.InvolvedObject.Name, i)
		event.EventTime = metav1.NewMicroTime(lastRun.Add(time.Duration(i) * time.Second))
		event.Message = fmt.Sprintf("of the cluster cluster-%d, 2 of 3 members could not be asked: the member etcd-%d did not answer in time", i%benchmarkClusters, i)
	})
	return routes
}

func bookmarkOf(object k8sruntime.Object) map[string]any {
	apiVersion, kind := object.GetObjectKind().GroupVersionKind().ToAPIVersionAndKind()
	return map[string]any{"apiVersion": apiVersion, "kind": kind, "metadata": map[string]any{
		"resourceVersion": "1", "annotations": map[string]string{metav1.InitialEventsAnnotationKey: "true"},
	}}
}

// simulatedThanos answers every instant query, for the whole fleet or for one cluster.
func simulatedThanos() http.Handler {
	type size struct{ wholeFleet, everyMember bool }
	answers := map[size]string{
		{true, true}:   vectorOf(0, benchmarkClusters, 3),
		{true, false}:  vectorOf(0, benchmarkClusters, 1),
		{false, true}:  vectorOf(77, 78, 3),
		{false, false}: vectorOf(77, 78, 1),
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/stores") {
			http.NotFound(w, r)
			return
		}
		expr := r.FormValue("query")
		everyMember := strings.Contains(expr, "member") && !strings.Contains(expr, "== 1")
		_, _ = w.Write([]byte(answers[size{!strings.Contains(expr, "cluster="), everyMember}]))
	})
}

func vectorOf(first, end, members int) string {
	var samples []string
	for i := first; i < end; i++ {
		for m := range members {
			name := fmt.Sprintf("cluster-%d", i)
			samples = append(samples, fmt.Sprintf(`{"metric":{"region":"gz","cluster":%q,"member":%q},"value":[1767323045.123,"1"]}`, name, promtest.MemberName(name, m)))
		}
	}
	return `{"status":"success","data":{"resultType":"vector","result":[` + strings.Join(samples, ",") + `]}}`
}
