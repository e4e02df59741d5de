package targets_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/yaml"

	"github.com/etcdfleet/etcd-fleet/internal/apitest"
	"github.com/etcdfleet/etcd-fleet/internal/etcdtest"
	"github.com/etcdfleet/etcd-fleet/internal/labbin"
	"github.com/etcdfleet/etcd-fleet/internal/testproc"
	"github.com/etcdfleet/etcd-fleet/operator/targets"
)

// secured is an operator that serves targets by https to those with a token.
type secured struct {
	address string
	files   *etcdtest.ServerFiles
	token   string
	metrics *prometheus.Registry
}

func startSecured(t *testing.T, namespace string) *secured {
	t.Helper()
	address := testproc.FreeAddress(t)
	s := &secured{address: address, files: etcdtest.NewServerFiles(t), metrics: prometheus.NewPedanticRegistry()}
	s.token = filepath.Join(s.files.Dir, "token")
	write(t, s.token, "first\n")
	apitest.StartManager(t, apitest.Config(), namespace, func(_ context.Context, mgr ctrl.Manager) error {
		return targets.Setup(mgr, targets.Options{BindAddress: address, Metrics: s.metrics, Access: targets.Access{
			TLSCertFile: filepath.Join(s.files.Dir, "tls.crt"), TLSKeyFile: filepath.Join(s.files.Dir, "tls.key"), BearerTokenFile: s.token,
		}})
	})
	return s
}

func write(t *testing.T, path, content string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
}

// get returns the answer's status, and the serial number of the certificate that was presented; 0 while nobody listens.
func (s *secured) get(t *testing.T, authorization string) (code int, serial, body string) {
	t.Helper()
	authorities := x509.NewCertPool()
	ca, err := os.ReadFile(filepath.Join(s.files.Dir, "ca.crt"))
	require.NoError(t, err)
	authorities.AppendCertsFromPEM(ca)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authorities, MinVersion: tls.VersionTLS12}}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+s.address+targets.Path, nil)
	require.NoError(t, err)
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return 0, "", err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, response.TLS.PeerCertificates[0].SerialNumber.String(), string(content)
}

func TestTargetsAreServedByHTTPSToThoseWithTheToken(t *testing.T) {
	s := startSecured(t, apitest.Namespace(t))
	require.Eventually(t, func() bool { code, _, _ := s.get(t, "Bearer first"); return code == http.StatusOK }, patience, poll)
	for _, authorization := range []string{"", "Bearer", "Bearer ", "Bearer wrong", "Bearer first2", "Basic first", "first"} {
		code, _, body := s.get(t, authorization)
		assert.Equal(t, http.StatusUnauthorized, code, authorization)
		assert.Contains(t, body, "present the token of the operator's --targets-bearer-token-file")
		assert.NotContains(t, body, "first")
	}
	code, _, _ := get(t, http.MethodGet, "http://"+s.address+targets.Path)
	assert.Equal(t, http.StatusBadRequest, code, "http is not served")

	write(t, s.token, "second")
	code, _, _ = s.get(t, "Bearer first")
	assert.Equal(t, http.StatusUnauthorized, code)
	code, _, _ = s.get(t, "Bearer second")
	assert.Equal(t, http.StatusOK, code)
	for _, nothing := range []string{"", "\n"} {
		write(t, s.token, nothing)
		code, _, _ = s.get(t, "Bearer ")
		assert.Equal(t, http.StatusServiceUnavailable, code, "an empty file lets nobody in")
	}
	write(t, s.token, "second")

	_, before, _ := s.get(t, "Bearer second")
	s.files.Renew(t)
	assert.Eventually(t, func() bool {
		code, now, _ := s.get(t, "Bearer second")
		return code == http.StatusOK && now != before
	}, patience, poll, "a new certificate is presented")
}

func TestFlagsThatWouldNotProtectTheTargetsAreRefused(t *testing.T) {
	dir := t.TempDir()
	token, empty := filepath.Join(dir, "token"), filepath.Join(dir, "empty")
	write(t, token, "x")
	write(t, empty, " \n")
	for name, test := range map[string]struct {
		address string
		access  targets.Access
		message string
	}{
		"a certificate without key": {":0", targets.Access{TLSCertFile: "tls.crt"}, "only one of --targets-tls-cert-file and --targets-tls-key-file is set"},
		"no certificate": {":0", targets.Access{TLSCertFile: dir + "/absent", TLSKeyFile: dir + "/absent"},
			"read the certificate of --targets-tls-cert-file and --targets-tls-key-file"},
		"no token":              {"127.0.0.1:0", targets.Access{BearerTokenFile: dir + "/absent"}, "--targets-bearer-token-file: "},
		"an empty token":        {"127.0.0.1:0", targets.Access{BearerTokenFile: empty}, "is empty: put a token into it"},
		"a token in plain text": {":0", targets.Access{BearerTokenFile: token}, "would send the token in plain text: set --targets-tls-cert-file"},
	} {
		t.Run(name, func(t *testing.T) {
			mgr, err := ctrl.NewManager(apitest.Config(), ctrl.Options{Scheme: apitest.Scheme})
			require.NoError(t, err)
			err = targets.Setup(mgr, targets.Options{BindAddress: test.address, Metrics: prometheus.NewPedanticRegistry(), Access: test.access})
			assert.ErrorContains(t, err, test.message)
		})
	}
}

// With the configuration of deploy/prometheus, a real Prometheus gets no targets without the token, and all with it.
func TestPrometheusGetsTheTargetsWithTheToken(t *testing.T) {
	binaries, err := labbin.Dir("prometheus")
	require.NoError(t, err)
	namespace := apitest.Namespace(t)
	create(t, namespace, "gz-a", "http://127.0.0.1:1")
	s := startSecured(t, namespace)
	require.Eventually(t, func() bool { code, _, _ := s.get(t, "Bearer first"); return code == http.StatusOK }, patience, poll)

	dir := t.TempDir()
	token := filepath.Join(dir, "token")
	write(t, token, "wrong")
	config := filepath.Join(dir, "prometheus.yaml")
	write(t, config, deployedDiscovery(t, map[string]string{
		"http://operator:8082":            "https://" + s.address,
		"/etc/etcd-fleet/operator/token":  token,
		"/etc/etcd-fleet/operator/ca.crt": filepath.Join(s.files.Dir, "ca.crt"),
	}))
	address := testproc.FreeAddress(t)
	process, err := testproc.Start(dir, filepath.Join(binaries, "prometheus"), []string{
		"--config.file", config, "--storage.tsdb.path", filepath.Join(dir, "data"), "--web.listen-address", address,
	}, func(ctx context.Context) error {
		return testproc.GetOK(ctx, http.DefaultClient, "http://"+address+"/-/ready")
	})
	require.NoError(t, err)
	t.Cleanup(process.Kill)

	require.Eventually(t, func() bool { return refused(t, s.metrics) >= 2 }, patience, poll, "Prometheus asks with the wrong token")
	assert.Empty(t, discovered(t, address))
	write(t, token, "first")
	assert.Eventually(t, func() bool { return discovered(t, address) == "gz-a/etcd-0" }, patience, poll, "Prometheus has the targets")
}

// deployedDiscovery is the job etcd of deploy/prometheus with the lines that the comment there speaks of.
func deployedDiscovery(t *testing.T, places map[string]string) string {
	t.Helper()
	path, err := labbin.RepositoryPath("deploy", "prometheus", "prometheus.yaml")
	require.NoError(t, err)
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	_, lines, found := strings.Cut(string(content), "uncomment these lines:\n")
	require.True(t, found)
	lines = lines[:strings.Index(lines, "\n\n")]
	text := strings.Replace(string(content), lines, strings.ReplaceAll(lines, "        # ", "        "), 1)
	for deployed, place := range places {
		require.Contains(t, text, deployed)
		text = strings.ReplaceAll(text, deployed, place)
	}
	var config struct {
		ScrapeConfigs []map[string]any `json:"scrape_configs"`
	}
	require.NoError(t, yaml.Unmarshal([]byte(text), &config))
	require.Equal(t, "etcd", config.ScrapeConfigs[0]["job_name"])
	encoded, err := yaml.Marshal(map[string]any{"scrape_configs": config.ScrapeConfigs[:1]})
	require.NoError(t, err)
	return string(encoded)
}

// refused is how many requests were answered with 401.
func refused(t *testing.T, metrics prometheus.Gatherer) float64 {
	t.Helper()
	families, err := metrics.Gather()
	require.NoError(t, err)
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			if family.GetName() == "etcdfleet_targets_requests_total" && metric.GetLabel()[0].GetValue() == "401" {
				return metric.GetCounter().GetValue()
			}
		}
	}
	return 0
}

// discovered are the cluster and member of Prometheus's targets.
func discovered(t *testing.T, address string) string {
	t.Helper()
	code, _, body := get(t, http.MethodGet, "http://"+address+"/api/v1/targets?state=active")
	require.Equal(t, http.StatusOK, code, body)
	var answer struct {
		Data struct {
			ActiveTargets []struct{ Labels map[string]string }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(body), &answer))
	var found []string
	for _, target := range answer.Data.ActiveTargets {
		found = append(found, target.Labels["cluster"]+"/"+target.Labels["member"])
	}
	return strings.Join(found, " ")
}
