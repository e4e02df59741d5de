package datasource

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/log"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/promtest"
	"github.com/etcdfleet/etcd-fleet/internal/regiontest"
	"github.com/etcdfleet/etcd-fleet/internal/testproc"
)

const (
	keyDiff  = "etcd-node-key-diff"
	patience = time.Minute
	tick     = 100 * time.Millisecond
)

// The real servers that all tests here share: two regions' API servers, each with a Prometheus and a Thanos sidecar,
// and a Thanos query over both. A test that hurts one puts it right again.
var (
	gz, sh  *regiontest.Server
	metrics *promtest.Stack
	// members are the simulated etcd members of the clusters that have metrics.
	members = map[string][]*promtest.Target{
		"gz-1": promtest.ClusterTargets("gz", "tke", "business", "default", "gz-1"),
		"gz-2": promtest.ClusterTargets("gz", "tcr", "big-customer", "large", "gz-2"),
		"sh-1": promtest.ClusterTargets("sh", "tke", "business", "small", "sh-1"),
	}
)

func TestMain(m *testing.M) { os.Exit(testproc.Main(m, startServers, stopServers)) }

func startServers(dir string) error {
	var group errgroup.Group
	group.Go(func() (err error) { gz, err = startRegion(filepath.Join(dir, "gz"), fleetObjects("gz")); return err })
	group.Go(func() (err error) { sh, err = startRegion(filepath.Join(dir, "sh"), fleetObjects("sh")); return err })
	group.Go(func() (err error) {
		var targets []*promtest.Target
		for cluster := range maps.Values(members) {
			targets = append(targets, cluster...)
		}
		targets = append(targets, recordedServiceLevels()...)
		metrics, err = promtest.Start(filepath.Join(dir, "metrics"), targets)
		return err
	})
	return group.Wait()
}

func stopServers() {
	for _, region := range []*regiontest.Server{gz, sh} {
		if region != nil {
			region.Close()
		}
	}
	if metrics != nil {
		metrics.Close()
	}
}

func startRegion(dir string, objects []client.Object) (*regiontest.Server, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	server, err := regiontest.Start(dir)
	if err != nil {
		return nil, err
	}
	for _, object := range objects {
		status := object.DeepCopyObject().(client.Object)
		err := server.Admin.Create(context.Background(), object)
		if monitor, ok := status.(*v1beta1.EtcdMonitor); ok && err == nil {
			monitor.ResourceVersion = object.GetResourceVersion()
			err = server.Admin.Status().Update(context.Background(), monitor)
		}
		if err != nil {
			server.Close()
			return nil, err
		}
	}
	return server, nil
}

// fleetObjects are a region's namespace, clusters and monitors. gz-3 has no metrics, gz-9 is a monitor without cluster.
func fleetObjects(region string) []client.Object {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: region}}
	if region == "sh" {
		return []client.Object{namespace, etcdCluster("sh", "tke", "business", "small", "sh-1"), etcdMonitor("sh", "sh-1", keyDiff, "")}
	}
	return []client.Object{
		namespace,
		etcdCluster("gz", "tke", "business", "default", "gz-1"),
		etcdCluster("gz", "tcr", "big-customer", "large", "gz-2"),
		etcdCluster("gz", "tke", "business", "small", "gz-3"),
		etcdMonitor("gz", "gz-1", keyDiff, v1beta1.OutcomePassed),
		etcdMonitor("gz", "gz-1", "etcd-alarms", v1beta1.OutcomeWarning),
		etcdMonitor("gz", "gz-2", keyDiff, v1beta1.OutcomeFailed),
		etcdMonitor("gz", "gz-9", keyDiff, ""),
	}
}

func etcdCluster(region, product, scene, spec, id string) *v1beta1.EtcdCluster {
	object := &v1beta1.EtcdCluster{
		ObjectMeta: metav1.ObjectMeta{Namespace: region, Name: id},
		Spec: v1beta1.EtcdClusterSpec{
			ClusterID: id, Region: region, ProductName: product, Scene: scene, Specification: v1beta1.Specification(spec), Size: 3, Version: "3.6.5",
			KubernetesClusters: []string{id + "-tke"},
		},
	}
	for i := range 3 {
		object.Spec.Members = append(object.Spec.Members, v1beta1.EtcdClusterMember{
			Name: promtest.MemberName(id, i), ClientURL: "https://10.0.0.1:2379",
			Host: fmt.Sprintf("%s-node-%d", region, i), Zone: fmt.Sprintf("%s-zone-%d", region, i/2),
		})
	}
	return object
}

// lastRun is when the monitors of fleetObjects ran.
var lastRun = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func etcdMonitor(region, cluster, check string, outcome v1beta1.Outcome) *v1beta1.EtcdMonitor {
	object := &v1beta1.EtcdMonitor{
		ObjectMeta: metav1.ObjectMeta{Namespace: region, Name: cluster + "-" + check},
		Spec:       v1beta1.EtcdMonitorSpec{ClusterID: cluster, MetricName: check, MetricProviderName: "cruiser", ProductName: "tke", Region: region},
	}
	if outcome != "" {
		object.Status.Outcome = outcome
		object.Status.Records = []v1beta1.EtcdMonitorRecord{{
			StartTime: metav1.NewTime(lastRun.Add(-time.Second)), EndTime: metav1.NewTime(lastRun), Outcome: outcome,
			Message: "nodeKeyDiff is 0", Values: map[string]float64{"nodeKeyDiff": 0},
		}}
	}
	return object
}

// option changes the settings of a datasource for a test.
type option func(jsonData map[string]any, settings *backend.DataSourceInstanceSettings)

func withJSON(key string, value any) option {
	return func(jsonData map[string]any, _ *backend.DataSourceInstanceSettings) { jsonData[key] = value }
}

// withGZ changes a field of the region gz.
func withGZ(field, value string) option {
	return func(jsonData map[string]any, _ *backend.DataSourceInstanceSettings) {
		jsonData["regions"].([]map[string]any)[0][field] = value
	}
}

func withSecret(key, value string) option {
	return func(_ map[string]any, settings *backend.DataSourceInstanceSettings) {
		settings.DecryptedSecureJSONData[key] = value
	}
}

func withURL(url string) option {
	return func(_ map[string]any, settings *backend.DataSourceInstanceSettings) { settings.URL = url }
}

// fleetSettings are those of a datasource for the shared servers.
func fleetSettings(t *testing.T, options ...option) backend.DataSourceInstanceSettings {
	t.Helper()
	jsonData := map[string]any{"regions": []map[string]any{
		{"name": "gz", "url": gz.URL, "namespace": "gz"},
		{"name": "sh", "url": sh.URL, "namespace": "sh"},
	}}
	settings := backend.DataSourceInstanceSettings{
		UID: "fleet", Type: "etcdfleet-slo-datasource", URL: metrics.URL,
		DecryptedSecureJSONData: map[string]string{
			"gz.token": regiontest.DatasourceToken, "gz.caCert": gz.CACert,
			"sh.token": regiontest.DatasourceToken, "sh.caCert": sh.CACert,
		},
	}
	for _, change := range options {
		change(jsonData, &settings)
	}
	var err error
	settings.JSONData, err = json.Marshal(jsonData)
	require.NoError(t, err)
	return settings
}

// newFleet returns a datasource for the shared servers, disposed of when the test ends.
func newFleet(t *testing.T, options ...option) *Datasource {
	t.Helper()
	d, err := newDatasource(t.Context(), fleetSettings(t, options...))
	require.NoError(t, err)
	t.Cleanup(d.Dispose)
	return d
}

// ask runs one query over the last five minutes.
func ask(t *testing.T, d *Datasource, query map[string]any) backend.DataResponse {
	t.Helper()
	encoded, err := json.Marshal(query)
	require.NoError(t, err)
	now := time.Now()
	response, err := d.QueryData(t.Context(), &backend.QueryDataRequest{Queries: []backend.DataQuery{{
		RefID: "A", JSON: encoded, Interval: 5 * time.Second, MaxDataPoints: 100, TimeRange: backend.TimeRange{From: now.Add(-5 * time.Minute), To: now},
	}}})
	require.NoError(t, err)
	return response.Responses["A"]
}

// askTable runs a query that must succeed, and returns its first frame.
func askTable(t *testing.T, d *Datasource, query map[string]any) *data.Frame {
	t.Helper()
	response := ask(t, d, query)
	require.NoError(t, response.Error)
	require.NotEmpty(t, response.Frames)
	return response.Frames[0]
}

// rowsOf returns a frame's rows by column name, with pointers resolved.
func rowsOf(frame *data.Frame) []map[string]any {
	rows := make([]map[string]any, frame.Rows())
	for i := range rows {
		rows[i] = map[string]any{}
		for _, field := range frame.Fields {
			if value, ok := field.ConcreteAt(i); ok {
				rows[i][field.Name] = value
			}
		}
	}
	return rows
}

// columnOf returns one column of a frame.
func columnOf(frame *data.Frame, name string) []any {
	var values []any
	for _, row := range rowsOf(frame) {
		values = append(values, row[name])
	}
	return values
}

// stateOf is a region's state in a table.
func regionOf(frame *data.Frame, name string) regionMeta {
	for _, region := range frame.Meta.Custom.(tableMeta).Regions {
		if region.Name == name {
			return region
		}
	}
	return regionMeta{}
}

// eventually asks until the condition holds on the table, and returns that table.
func eventually(t *testing.T, d *Datasource, query map[string]any, condition func(*data.Frame) bool) *data.Frame {
	t.Helper()
	var frame *data.Frame
	for began := time.Now(); time.Since(began) < patience; time.Sleep(tick) {
		if frame = askTable(t, d, query); condition(frame) {
			return frame
		}
	}
	table, err := frame.StringTable(-1, -1)
	require.NoError(t, err)
	require.FailNow(t, "the condition never held", "the last answer, with notices %v:\n%s", frame.Meta.Notices, table)
	return nil
}

func isLive(regions ...string) func(*data.Frame) bool {
	return func(frame *data.Frame) bool {
		for _, name := range regions {
			if regionOf(frame, name).State != "live" {
				return false
			}
		}
		return true
	}
}

// healOnce returns a function that puts right what a test hurt; it runs at the latest when the test ends.
func healOnce(t *testing.T, heal func() error) func() {
	t.Helper()
	once := sync.OnceFunc(func() { require.NoError(t, heal()) })
	t.Cleanup(once)
	return once
}

// reply is what a resource call returned.
type reply struct {
	status int
	header http.Header
	body   map[string]any
	raw    string
}

func call(t *testing.T, d backend.CallResourceHandler, user *backend.User, method, path, contentType, body string) reply {
	t.Helper()
	request := &backend.CallResourceRequest{
		PluginContext: backend.PluginContext{User: user}, Method: method, Path: path, Body: []byte(body), Headers: map[string][]string{},
	}
	if contentType != "" {
		request.Headers["Content-Type"] = []string{contentType}
	}
	var got reply
	err := d.CallResource(t.Context(), request, backend.CallResourceResponseSenderFunc(func(response *backend.CallResourceResponse) error {
		got.status, got.header = response.Status, response.Headers
		got.raw += string(response.Body)
		return nil
	}))
	require.NoError(t, err)
	_ = json.Unmarshal([]byte(got.raw), &got.body) // a list has no fields
	return got
}

var (
	viewer = &backend.User{Login: "vera", Role: "Viewer"}
	editor = &backend.User{Login: "edith", Role: "Editor"}
	admin  = &backend.User{Login: "ada", Role: "Admin"}
)

// recorder keeps the log lines of a datasource.
type recorder struct {
	log.Logger
	mu    *sync.Mutex
	lines *[]map[string]any
	args  []any
}

func recordLog(d *Datasource) *recorder {
	r := &recorder{Logger: log.NewNullLogger(), mu: &sync.Mutex{}, lines: &[]map[string]any{}}
	d.logger = r
	return r
}

func (r *recorder) FromContext(context.Context) log.Logger { return r }

func (r *recorder) With(args ...any) log.Logger {
	return &recorder{r.Logger, r.mu, r.lines, append(append([]any{}, r.args...), args...)}
}

func (r *recorder) Info(msg string, args ...any) { r.record(msg, args) }
func (r *recorder) Warn(msg string, args ...any) { r.record(msg, args) }

func (r *recorder) record(msg string, args []any) {
	line := map[string]any{"msg": msg}
	all := append(append([]any{}, r.args...), args...)
	for i := 0; i+1 < len(all); i += 2 {
		line[fmt.Sprint(all[i])] = all[i+1]
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	*r.lines = append(*r.lines, line)
}

func (r *recorder) take() []map[string]any {
	r.mu.Lock()
	defer r.mu.Unlock()
	lines := *r.lines
	*r.lines = nil
	return lines
}
