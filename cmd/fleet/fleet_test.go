package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/plugintest"
	"github.com/etcdfleet/etcd-fleet/internal/promtest"
	"github.com/etcdfleet/etcd-fleet/internal/regiontest"
	"github.com/etcdfleet/etcd-fleet/internal/testproc"
)

const (
	patience = time.Minute
	tick     = 200 * time.Millisecond
)

// All tests share the plugin's binary, a region with one cluster, and its metrics.
var (
	binary  string
	gz      *regiontest.Server
	metrics *promtest.Stack
)

func TestMain(m *testing.M) { os.Exit(testproc.Main(m, startServers, stopServers)) }

func startServers(dir string) error {
	var group errgroup.Group
	group.Go(func() (err error) { binary, err = plugintest.Build(dir); return err })
	group.Go(func() (err error) {
		if gz, err = regiontest.Start(dir); err != nil {
			return err
		}
		return createFleet()
	})
	group.Go(func() (err error) {
		targets := promtest.ClusterTargets("gz", "tke", "business", "default", "gz-1")
		metrics, err = promtest.Start(filepath.Join(dir, "metrics"), append(targets, recordedReads()))
		return err
	})
	return group.Wait()
}

// recordedReads exposes the recorded series of one SLI of the region: 150 bad events, which are 1.5 times the budget.
func recordedReads() *promtest.Target {
	values := map[string]float64{}
	for events, count := range map[string]float64{"bad": 150, "all": 10_000, "budget": 100, "allowance": 100} {
		for _, window := range []string{"5m", "1h", "30d"} {
			values[fmt.Sprintf("region:etcd_sli_events:increase%s{objective=%q,sli=%q,events=%q}", window, "read-availability", "read-errors", events)] = count
		}
	}
	return promtest.NewTarget(map[string]string{"region": "gz"}, values)
}

func stopServers() {
	if gz != nil {
		gz.Close()
	}
	if metrics != nil {
		metrics.Close()
	}
}

func createFleet() error {
	cluster := &v1beta1.EtcdCluster{
		ObjectMeta: metav1.ObjectMeta{Namespace: "gz", Name: "gz-1"},
		Spec:       v1beta1.EtcdClusterSpec{ClusterID: "gz-1", Region: "gz", ProductName: "tke", Scene: "business", Size: 3},
	}
	for i := range 3 {
		cluster.Spec.Members = append(cluster.Spec.Members, v1beta1.EtcdClusterMember{Name: promtest.MemberName("gz-1", i), ClientURL: "http://10.0.0.1:2379"})
	}
	monitor := &v1beta1.EtcdMonitor{
		ObjectMeta: metav1.ObjectMeta{Namespace: "gz", Name: "gz-1-etcd-node-key-diff"},
		Spec:       v1beta1.EtcdMonitorSpec{ClusterID: "gz-1", MetricName: "etcd-node-key-diff", MetricProviderName: "cruiser"},
	}
	for _, object := range []client.Object{&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "gz"}}, cluster, monitor} {
		if err := gz.Admin.Create(context.Background(), object); err != nil {
			return err
		}
	}
	at := metav1.NewTime(time.Now().Add(-5 * 24 * time.Hour))
	monitor.Status.Outcome = v1beta1.OutcomePassed
	monitor.Status.Records = []v1beta1.EtcdMonitorRecord{{StartTime: at, EndTime: at, Outcome: v1beta1.OutcomePassed, Message: "nodeKeyDiff is 0"}}
	return gz.Admin.Status().Update(context.Background(), monitor)
}

// provision writes a provisioning file like the project's and sets its variables.
func provision(t *testing.T) string {
	t.Helper()
	t.Setenv("TEST_THANOS_URL", metrics.URL)
	t.Setenv("TEST_URL", gz.URL)
	t.Setenv("TEST_TOKEN", regiontest.DatasourceToken)
	t.Setenv("TEST_CA", gz.CACert)
	path := filepath.Join(t.TempDir(), "datasource.yaml")
	require.NoError(t, os.WriteFile(path, []byte(`
apiVersion: 1
datasources:
  - {name: Prometheus, type: prometheus, url: http://localhost:9090}
  - name: etcd Fleet
    uid: etcdfleet
    type: etcdfleet-slo-datasource
    url: $TEST_THANOS_URL
    jsonData:
      regions: [{name: gz, url: "${TEST_URL}", namespace: gz}]
    secureJsonData:
      gz.token: $__env{TEST_TOKEN}
      gz.caCert: $TEST_CA
`), 0o600))
	return path
}

// fleet runs a command and returns its output.
func fleet(t *testing.T, arguments ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	arguments = append([]string{arguments[0], "--binary", binary, "--datasource", provision(t)}, arguments[1:]...)
	err := run(t.Context(), arguments, &out)
	return out.String(), err
}

func TestShowsClusters(t *testing.T) {
	var lines []string
	for began := time.Now(); time.Since(began) < patience; time.Sleep(tick) { // until the members were scraped
		out, err := fleet(t, "clusters")
		require.NoError(t, err)
		if lines = strings.Split(out, "\n"); strings.Contains(out, "Healthy") {
			break
		}
	}
	require.Equal(t, []string{"REGION", "CLUSTER", "HEALTH", "MEMBERS", "LEADER", "KEYS", "DB", "SIZE", "LAST", "INSPECTION"}, strings.Fields(lines[0]))
	require.Equal(t, "gz gz-1 Healthy 3/3 gz-1-0 1002 20.0 KiB Passed 5d ago", strings.Join(strings.Fields(lines[1]), " "))

	out, err := fleet(t, "clusters", "--cluster", "gz-7,gz-8", "--output", "json")
	require.NoError(t, err)
	require.JSONEq(t, `{"rows": [], "notices": null}`, out)
}

func TestShowsInspectionsAndQueries(t *testing.T) {
	out, err := fleet(t, "inspections", "--region", "gz")
	require.NoError(t, err)
	require.Regexp(t, `gz +gz-1 +etcd-node-key-diff +Passed +\w+ +5d ago +nodeKeyDiff is 0`, out)

	out, err = fleet(t, "query", "vector(1)/0")
	require.NoError(t, err)
	require.Equal(t, "VALUE\n+Inf\n", out)

	out, err = fleet(t, "query", "--output", "json", "vector(1)/0")
	require.NoError(t, err)
	require.JSONEq(t, `{"rows": [{"Value": "+Inf"}], "notices": null}`, out)

	out, err = fleet(t, "query", `{"kind": "clusters", "distinct": "cluster"}`)
	require.NoError(t, err)
	require.Equal(t, "CLUSTER\ngz-1\n", out)

	_, err = fleet(t, "query", "sum(")
	require.ErrorContains(t, err, "The query is not valid")
}

func TestShowsHealth(t *testing.T) {
	out, err := fleet(t, "health")
	require.NoError(t, err)
	require.Regexp(t, `Thanos +OK`, out)
	require.Regexp(t, `gz +OK +v1\.`, out)
}

func TestRunsAnInspection(t *testing.T) {
	out, err := fleet(t, "run", "--region", "gz", "--cluster", "gz-1", "--check", "etcd-node-key-diff", "--user", "edith")
	require.NoError(t, err)
	require.Contains(t, out, "A run of gz/gz-1-etcd-node-key-diff is requested")
	out, err = fleet(t, "run", "--region", "gz", "--cluster", "gz-1", "--check", "etcd-node-key-diff", "--output", "json")
	require.NoError(t, err)
	require.Contains(t, out, `"alreadyRequested": true`)
	var monitor v1beta1.EtcdMonitor
	require.NoError(t, gz.Admin.Get(t.Context(), client.ObjectKey{Namespace: "gz", Name: "gz-1-etcd-node-key-diff"}, &monitor))
	require.Equal(t, "edith", monitor.Annotations[v1beta1.AnnotationRunRequestedBy])

	out, err = fleet(t, "events", "--cluster", "gz-1", "--reason", "RunRequested")
	require.NoError(t, err)
	require.Regexp(t, `s ago +gz +gz-1 +EtcdMonitor gz/gz-1-etcd-node-key-diff +Normal +RunRequested +1 +edith requested a run`, out)
	_, err = fleet(t, "events", "--types", "Error")
	require.ErrorContains(t, err, "types must be one of All, Normal, Warning")

	_, err = fleet(t, "run", "--region", "gz", "--cluster", "gz-7", "--check", "etcd-node-key-diff")
	require.EqualError(t, err, `There is no cluster "gz-7" in region gz.`)
	_, err = fleet(t, "run", "--region", "gz", "--cluster", "gz-1", "--check", "etcd-node-key-diff", "--role", "Viewer")
	require.ErrorContains(t, err, "needs the role Editor")
}

func TestShowsServiceLevels(t *testing.T) {
	var lines []string
	for began := time.Now(); time.Since(began) < patience; time.Sleep(tick) { // until they were scraped
		out, err := fleet(t, "slo", "--level", "region", "--objective", "read-availability,data-quality")
		require.NoError(t, err)
		if lines = strings.Split(out, "\n"); strings.Contains(out, "read-errors") {
			break
		}
	}
	require.Equal(t, "REGION OBJECTIVE SLI BUDGET LEFT HISTORY BURN RATE GOOD TARGET BAD ALL", strings.Join(strings.Fields(lines[0]), " "))
	require.Equal(t, "gz read-availability read-errors 1.5 × overspent 100.0% 1.50 98.500% 99.00% 150 10000", strings.Join(strings.Fields(lines[1]), " "))

	out, err := fleet(t, "slo")
	require.NoError(t, err)
	require.Contains(t, out, "Nothing is recorded for this scope")
	_, err = fleet(t, "slo", "--level", "continent")
	require.EqualError(t, err, "level must be one of fleet, region, product, scene, spec, cluster")
}

func TestSaysWhatIsWrongWithACommand(t *testing.T) {
	for _, c := range []struct {
		arguments []string
		message   string
	}{
		{[]string{"dance"}, `no command "dance"`},
		{[]string{"clusters", "--output", "xml"}, "--output must be one of table, json"},
		{[]string{"clusters", "--role", "King"}, "--role must be one of Viewer, Editor, Admin"},
		{[]string{"clusters", "--datasource", "missing.yaml"}, "missing.yaml: no such file or directory: name a provisioning file with --datasource"},
		{[]string{"clusters", "--binary", "missing"}, "run npm run build:backend"},
		{[]string{"query"}, "give one expression"},
		{[]string{"serve", "--addr", "0.0.0.0:3001"}, "--addr must be a loopback address"},
		{[]string{"serve", "--addr", "3001"}, "--addr must be an address such as 127.0.0.1:3001"},
	} {
		_, err := fleet(t, c.arguments...)
		require.ErrorContains(t, err, c.message)
	}
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), nil, &out))
	require.Contains(t, out.String(), "fleet clusters")
}

// startServe starts the server on a free port and returns its address.
func startServe(t *testing.T, arguments ...string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	ended := make(chan error, 1)
	arguments = append([]string{"serve", "--binary", binary, "--datasource", provision(t), "--addr", "127.0.0.1:0"}, arguments...)
	go func() {
		err := run(ctx, arguments, writer)
		_ = writer.CloseWithError(err) // never fails
		ended <- err
	}()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	line := make([]byte, 200)
	n, err := reader.Read(line)
	require.NoError(t, err)
	_, after, found := strings.Cut(string(line[:n]), "http://")
	require.True(t, found, "%s", line[:n])
	address, _, _ := strings.Cut(after, " ")
	return address
}

// send sends a request. headers are alternating names and values.
func send(t *testing.T, method, url, body string, headers ...string) (int, map[string]any, http.Header) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			request.Host = headers[i+1]
		}
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	var decoded map[string]any
	_ = json.Unmarshal(content, &decoded) // files are not JSON
	return response.StatusCode, decoded, response.Header
}

func TestServesGrafanasAPI(t *testing.T) {
	static := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(static, "page.html"), []byte("<p>hello</p>"), 0o600))
	base := "http://" + startServe(t, "--static", static, "--role", "Viewer")
	now := time.Now().UnixMilli()
	body := func(queries string) string {
		return fmt.Sprintf(`{"from": "%d", "to": "%d", "queries": [%s]}`, now-60000, now, queries)
	}

	status, answer, _ := send(t, "POST", base+"/api/ds/query", body(`{"refId": "A", "kind": "inspections"}, {"refId": "B", "kind": "promql", "expr": "vector(1)", "intervalMs": 1000, "maxDataPoints": 10}`))
	require.Equal(t, 200, status)
	results := answer["results"].(map[string]any)
	require.Len(t, results, 2)
	frame := results["A"].(map[string]any)["frames"].([]any)[0].(map[string]any)
	require.Equal(t, "inspections", frame["schema"].(map[string]any)["name"])

	status, answer, _ = send(t, "POST", base+"/api/ds/query", body(`{"refId": "A", "kind": "clusters", "limit": 0}`))
	require.Equal(t, 400, status)
	require.Contains(t, answer["results"].(map[string]any)["A"].(map[string]any)["error"], "limit must be")
	status, answer, _ = send(t, "POST", base+"/api/ds/query", `{"from": "now-1h", "to": "now"}`)
	require.Equal(t, 400, status)
	require.Contains(t, answer["message"], "milliseconds")

	status, answer, _ = send(t, "GET", base+"/api/datasources/uid/etcdfleet/health", "")
	require.Equal(t, 200, status)
	require.Equal(t, "OK", answer["status"])

	permission := base + "/api/datasources/uid/etcdfleet/resources/inspections/permission"
	for _, c := range []struct {
		header  []string
		allowed bool
	}{{nil, false}, {[]string{roleHeader, "Editor"}, true}} {
		status, answer, _ = send(t, "GET", permission, "", c.header...)
		require.Equal(t, 200, status)
		require.Equal(t, c.allowed, answer["allowed"])
	}
	status, _, _ = send(t, "GET", permission, "", roleHeader, "King")
	require.Equal(t, 400, status)
	status, answer, header := send(t, "DELETE", permission, "")
	require.Equal(t, []any{405, "GET"}, []any{status, header.Get("Allow")})
	require.Contains(t, answer["message"], "Use the method GET")

	status, _, _ = send(t, "GET", base+"/page.html", "")
	require.Equal(t, 200, status)
	for _, path := range []string{"/api/dashboards/home", "/api/datasources/uid/other/health", "/missing.html"} {
		status, _, _ = send(t, "GET", base+path, "")
		require.Equal(t, 404, status, path)
	}
}

// Another web page must not act through the user's browser.
func TestServesThisMachineAlone(t *testing.T) {
	address := startServe(t)
	url := "http://" + address + "/api/datasources/uid/etcdfleet/resources/checks"
	for _, c := range []struct {
		name    string
		headers []string
		status  int
	}{
		{"a client without origin", nil, 200},
		{"the same origin", []string{"Origin", "http://" + address}, 200},
		{"another origin", []string{"Origin", "https://example.com"}, 403},
		{"another port", []string{"Origin", "http://127.0.0.1:1"}, 403},
		{"a sandboxed page", []string{"Origin", "null"}, 403},
		{"another host name that resolves to this machine", []string{"Host", "example.com:3001"}, 403},
		{"no port", []string{"Host", "example.com"}, 403},
		{"localhost", []string{"Host", strings.Replace(address, "127.0.0.1", "localhost", 1)}, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, _, _ := send(t, "GET", url, "", c.headers...)
			require.Equal(t, c.status, status)
		})
	}
}
