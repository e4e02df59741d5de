// Package promtest runs the metrics side for tests: for each region a real Prometheus with a Thanos sidecar that
// scrapes simulated etcd members, and one Thanos query over all.
package promtest

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"sigs.k8s.io/yaml"

	"github.com/etcdfleet/etcd-fleet/internal/labbin"
	"github.com/etcdfleet/etcd-fleet/internal/testproc"
)

// Target is a simulated etcd member.
type Target struct {
	// Labels are those of its series: region, product, scene, spec, cluster and member.
	Labels map[string]string

	mu     sync.Mutex
	values map[string]float64
	down   bool
}

// NewTarget returns a member that exposes the values, by metric name.
func NewTarget(labels map[string]string, values map[string]float64) *Target {
	return &Target{Labels: labels, values: values}
}

// Set changes one value from the next scrape on.
func (t *Target) Set(metric string, value float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.values[metric] = value
}

// SetDown makes scrapes fail, or succeed again.
func (t *Target) SetDown(down bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.down = down
}

// ServeHTTP answers a scrape.
func (t *Target) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.down {
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	}
	for _, metric := range slices.Sorted(maps.Keys(t.values)) {
		_, _ = fmt.Fprintf(w, "%s %g\n", metric, t.values[metric])
	}
}

// Region is one region's Prometheus and its sidecar.
type Region struct {
	Prometheus, Sidecar *testproc.Process
	// PrometheusURL is where the Prometheus serves its API.
	PrometheusURL string
}

// Stack is all that runs.
type Stack struct {
	// URL is where Thanos query serves.
	URL     string
	Query   *testproc.Process
	Regions map[string]*Region

	exporter *httptest.Server
}

// Start runs a Prometheus for each region of the targets. Thanos keeps the first region, in alphabetical order, as a
// strict endpoint and the others as ordinary ones, which it forgets when they are lost.
func Start(dir string, targets []*Target) (*Stack, error) {
	binaries, err := labbin.Dir("prometheus", "thanos")
	if err != nil {
		return nil, err
	}
	stack := &Stack{Regions: map[string]*Region{}, exporter: exporterOf(targets)}
	if err := stack.start(dir, binaries, targets); err != nil {
		stack.Close()
		return nil, err
	}
	return stack, nil
}

// Close stops everything.
func (s *Stack) Close() {
	s.exporter.Close()
	for _, process := range s.processes() {
		if process != nil {
			process.Kill()
		}
	}
}

func (s *Stack) processes() []*testproc.Process {
	processes := []*testproc.Process{s.Query}
	for _, region := range s.Regions {
		processes = append(processes, region.Sidecar, region.Prometheus)
	}
	return processes
}

func (s *Stack) start(dir, binaries string, targets []*Target) error {
	byRegion := map[string][]int{}
	for i, target := range targets {
		byRegion[target.Labels["region"]] = append(byRegion[target.Labels["region"]], i)
	}
	var endpoints []string
	for i, name := range slices.Sorted(maps.Keys(byRegion)) {
		address, err := s.startRegion(filepath.Join(dir, name), binaries, name, s.scrapeConfig(targets, byRegion[name]))
		if err != nil {
			return err
		}
		flag := "--endpoint"
		if i == 0 {
			flag = "--endpoint-strict"
		}
		endpoints = append(endpoints, flag, address)
	}
	return s.startQuery(dir, binaries, endpoints)
}

// scrapeConfig scrapes each target on a path of its own; its labels come with the target, as in production.
func (s *Stack) scrapeConfig(targets []*Target, indices []int) []any {
	exporter, _ := url.Parse(s.exporter.URL) // httptest's URLs are valid
	var configs []any
	for _, i := range indices {
		labels := maps.Clone(targets[i].Labels)
		labels["__metrics_path__"] = targetPath(i)
		configs = append(configs, map[string]any{"targets": []string{exporter.Host}, "labels": labels})
	}
	return configs
}

func (s *Stack) startRegion(dir, binaries, name string, targets []any) (sidecarAddress string, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	config, err := yaml.Marshal(map[string]any{
		"global":         map[string]any{"scrape_interval": "1s", "scrape_timeout": "1s", "external_labels": map[string]string{"prometheus": name}},
		"scrape_configs": []any{map[string]any{"job_name": "etcd", "static_configs": targets}},
	})
	if err != nil {
		return "", err
	}
	configPath := filepath.Join(dir, "prometheus.yaml")
	if err := os.WriteFile(configPath, config, 0o600); err != nil {
		return "", err
	}
	addresses, err := testproc.FreeAddresses(3)
	if err != nil {
		return "", err
	}
	region := &Region{PrometheusURL: "http://" + addresses[0]}
	s.Regions[name] = region
	region.Prometheus, err = testproc.Start(dir, filepath.Join(binaries, "prometheus"), []string{
		"--config.file", configPath,
		"--storage.tsdb.path", filepath.Join(dir, "data"),
		"--storage.tsdb.min-block-duration", "2h",
		"--storage.tsdb.max-block-duration", "2h",
		"--web.listen-address", addresses[0],
	}, ready(region.PrometheusURL+"/-/ready"))
	if err != nil {
		return "", err
	}
	region.Sidecar, err = testproc.Start(dir, filepath.Join(binaries, "thanos"), []string{
		"sidecar",
		"--prometheus.url", region.PrometheusURL,
		"--tsdb.path", filepath.Join(dir, "data"),
		"--http-address", addresses[1],
		"--grpc-address", addresses[2],
	}, ready("http://"+addresses[1]+"/-/ready"))
	return addresses[2], err
}

func (s *Stack) startQuery(dir, binaries string, endpoints []string) error {
	addresses, err := testproc.FreeAddresses(2)
	if err != nil {
		return err
	}
	s.URL = "http://" + addresses[0]
	s.Query, err = testproc.Start(dir, filepath.Join(binaries, "thanos"), append([]string{
		"query",
		"--http-address", addresses[0],
		"--grpc-address", addresses[1],
	}, endpoints...), ready(s.URL+"/-/ready"))
	return err
}

func ready(address string) func(context.Context) error {
	return func(ctx context.Context) error { return testproc.GetOK(ctx, http.DefaultClient, address) }
}

func exporterOf(targets []*Target) *httptest.Server {
	routes := http.NewServeMux()
	for i, target := range targets {
		routes.Handle(targetPath(i), target)
	}
	return httptest.NewServer(routes)
}

func targetPath(i int) string { return fmt.Sprintf("/%d", i) }

// ClusterTargets returns the members of a healthy cluster of three; the first one leads.
func ClusterTargets(region, product, scene, spec, cluster string) []*Target {
	targets := make([]*Target, 3)
	for i := range targets {
		targets[i] = NewTarget(map[string]string{
			"region": region, "product": product, "scene": scene, "spec": spec, "cluster": cluster,
			"member": MemberName(cluster, i),
		}, map[string]float64{
			"etcd_server_has_leader":           1,
			"etcd_server_is_leader":            0,
			"etcd_debugging_mvcc_keys_total":   float64(1000 + i),
			"etcd_mvcc_db_total_size_in_bytes": float64(20480 + i),
		})
	}
	targets[0].Set("etcd_server_is_leader", 1)
	return targets
}

// MemberName is the name of a cluster's member.
func MemberName(cluster string, i int) string { return fmt.Sprintf("%s-%d", cluster, i) }
