package etcdtest_test

import (
	"bufio"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/etcdfleet/etcd-fleet/internal/etcdtest"
	"github.com/etcdfleet/etcd-fleet/internal/labbin"
)

// Each version counts what a client cancels by another code: it costs nothing only if the SLIs count none of them.
func TestSLIsCountNoRequestThatItsClientCancelled(t *testing.T) {
	bad := badCodes(t)
	for _, version := range labbin.EtcdVersions {
		t.Run(version, func(t *testing.T) {
			cluster := etcdtest.Start(t, etcdtest.Options{Version: version})
			asked := cluster.Members[0]
			client := cluster.Client(t)
			client.SetEndpoints(asked.ClientURL)
			before := handledRequests(t, asked)
			for _, member := range cluster.Members[1:] {
				member.Pause(t) // neither a read nor a write ends by itself
			}
			const requests = 10
			for range requests {
				cancelled(t, func(ctx context.Context) { _, _ = client.Get(ctx, "/key") })
				cancelled(t, func(ctx context.Context) { _, _ = client.Put(ctx, "/key", "value") })
			}
			var codes map[string]float64
			assert.Eventually(t, func() bool {
				codes = map[string]float64{}
				var all float64
				for code, count := range handledRequests(t, asked) {
					if count > before[code] {
						codes[code] = count - before[code]
						all += codes[code]
					}
				}
				return all >= requests
			}, time.Minute, 100*time.Millisecond, "the member counts what was cancelled")
			for _, member := range cluster.Members[1:] {
				member.Resume(t)
			}
			t.Logf("codes of cancelled requests: %v", codes)
			for code := range codes {
				assert.NotContains(t, bad, code)
			}
		})
	}
}

func cancelled(t *testing.T, request func(context.Context)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	time.AfterFunc(200*time.Millisecond, cancel)
	request(ctx)
}

// badCodes are the gRPC codes that count as errors of the service in the definitions of the SLIs.
func badCodes(t *testing.T) []string {
	t.Helper()
	definitions, err := os.ReadFile(filepath.Join("..", "..", "slo", "definitions", "slis.yaml"))
	require.NoError(t, err)
	var codes []string
	for _, found := range regexp.MustCompile(`grpc_code=~"([^"]+)"`).FindAllStringSubmatch(string(definitions), -1) {
		codes = append(codes, strings.Split(found[1], "|")...)
	}
	require.NotEmpty(t, codes)
	return codes
}

var handledLine = regexp.MustCompile(`^grpc_server_handled_total\{grpc_code="(\w+)",grpc_method="(?:Range|Put)",.*\} (\S+)$`)

// handledRequests are the reads and writes that a member has answered, by code.
func handledRequests(t *testing.T, member *etcdtest.Member) map[string]float64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, member.ClientURL+"/metrics", nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	counts := map[string]float64{}
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		if found := handledLine.FindStringSubmatch(lines.Text()); found != nil {
			count, err := strconv.ParseFloat(found[2], 64)
			require.NoError(t, err)
			counts[found[1]] += count
		}
	}
	require.NoError(t, lines.Err())
	return counts
}
