package external_test

import (
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/external"
)

// serve starts an https server and returns the YAML lines that name it and its authority.
func serve(t *testing.T, handler http.HandlerFunc) []string {
	t.Helper()
	server := httptest.NewTLSServer(handler)
	t.Cleanup(server.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	return []string{"url: " + server.URL + "/disk", "caFile: " + writeFile(t, "ca.crt", string(ca), 0o600)}
}

func answer(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) }
}

func TestServiceGetsTheRequestAndItsAnswerIsTheResult(t *testing.T) {
	token := writeFile(t, "token", "first\n", 0o600)
	var request external.Request
	var header http.Header
	var called string
	lines := serve(t, func(w http.ResponseWriter, r *http.Request) {
		called, header = r.Method+" "+r.URL.Path, r.Header
		assert.NoError(t, json.NewDecoder(r.Body).Decode(&request))
		answer(`{"outcome": "Failed", "message": "full", "values": {"freeBytes": 0}}`)(w, r)
	})
	check := load(t, append(lines, "tokenFile: "+token)...)
	result, err := runCheck(check, runTimeout)
	require.NoError(t, err)
	assert.Equal(t, etcdv1beta1.OutcomeFailed, result.Outcome)
	assert.Equal(t, map[string]float64{"freeBytes": 0}, result.Values)
	assert.Equal(t, "POST /disk", called)
	assert.Equal(t, "application/json", header.Get("Content-Type"))
	assert.Equal(t, "Bearer first", header.Get("Authorization"))
	assert.Equal(t, "gz-etcd", request.Cluster.ClusterID)
	assert.Empty(t, request.Credentials)

	require.NoError(t, os.WriteFile(token, []byte("second"), 0o600))
	_, err = runCheck(check, runTimeout)
	require.NoError(t, err)
	assert.Equal(t, "Bearer second", header.Get("Authorization"), "a token is rotated without a restart")

	require.NoError(t, os.Remove(token))
	_, err = runCheck(check, runTimeout)
	assert.ErrorContains(t, err, "/disk was not asked: open "+token)
}

func TestAServiceThatFailsSaysWhy(t *testing.T) {
	for _, test := range []struct {
		name    string
		handler http.HandlerFunc
		message string
	}{
		{"for want of a token", func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "who are you?", http.StatusUnauthorized)
		}, "/disk answers 401 Unauthorized (who are you?): give it a valid token by tokenFile"},
		{"by itself", func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "no database", http.StatusServiceUnavailable)
		}, "answers 503 Service Unavailable (no database): look at its log"},
		{"at length and with escape sequences", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = w.Write([]byte("\x1b[2Jfirst\nsecond" + strings.Repeat("x", 1000)))
		}, `answers 500 Internal Server Error (\x1b[2Jfirst\nsecond` + strings.Repeat("x", 199-20) + "…): look at its log"},
		{"at that address", http.NotFound, "answers 404 Not Found (404 page not found): correct its url"},
		{"as it lives elsewhere", http.RedirectHandler("/other", http.StatusFound).ServeHTTP, "redirects are not followed"},
		{"with too long an answer", answer(strings.Repeat(" ", 1<<20+1)), "answered more than 1048576 bytes"},
		{"with a wrong answer", answer(`{"outcome": "fine"}`), `/disk is wrong: outcome is "fine": answer one of`},
		{"half way", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("{"))
		}, "broke off its answer: unexpected EOF"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := runCheck(load(t, serve(t, test.handler)...), runTimeout)
			assert.ErrorContains(t, err, test.message)
		})
	}
	t.Run("as nobody is there", func(t *testing.T) {
		_, err := runCheck(load(t, "url: http://127.0.0.1:1/"), runTimeout)
		assert.ErrorContains(t, err, "connection refused: correct its url or caFile, or start it")
	})
	t.Run("by being late", func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		lines := serve(t, func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-release:
			case <-r.Context().Done():
			}
		})
		_, err := runCheck(load(t, lines...), time.Second)
		assert.ErrorContains(t, err, "/disk did not answer within 1")
	})
}

func TestAServiceIsVerified(t *testing.T) {
	lines := serve(t, answer(`{"outcome": "Passed", "message": "a"}`))
	_, err := runCheck(load(t, lines[0]), runTimeout)
	assert.ErrorContains(t, err, "certificate signed by unknown authority")
}
