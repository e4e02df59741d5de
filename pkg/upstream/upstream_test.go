package upstream_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/etcdfleet/etcd-fleet/pkg/upstream"
)

// serverCase is a server and what a client of it should be told.
type serverCase struct {
	name string
	// start returns the URL to ask and a transport that reaches it.
	start    func(*testing.T) (string, *http.Transport)
	reason   upstream.Reason
	messages []string
}

func TestExplainsWhatIsWrongWithAServer(t *testing.T) {
	answers := func(status int, contentType, body string, headers ...string) func(*testing.T) (string, *http.Transport) {
		return serve(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			for i := 0; i < len(headers); i += 2 {
				w.Header().Set(headers[i], headers[i+1])
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		})
	}
	cases := []serverCase{
		{"nothing listens", closedPort, upstream.Unreachable, []string{"Nothing listens", "the URL"}},
		{"no such host", unknownHost, upstream.Unreachable, []string{`"thanos.invalid"`, "does not exist in DNS", "Correct the URL"}},
		{"hangs", hangs, upstream.Timeout, []string{"did not answer in time"}},
		{"hangs up", hangsUp, upstream.Unreachable, []string{"closed the connection", "its log"}},
		{"certificate of an unknown authority", unknownAuthority, upstream.Unreachable, []string{`"test authority"`, "not trusted", "into the CA certificate"}},
		{"certificate for another host", otherHost, upstream.Unreachable, []string{`not valid for "127.0.0.1"`, "the server name"}},
		{"certificate out of date", expired, upstream.Unreachable, []string{"is valid from", "Renew it"}},
		{"demands a client certificate", demandsClientCertificate, upstream.Unreachable, []string{"refused the TLS handshake", "Check the client certificate"}},
		{"speaks http where https was asked", plainForTLS, upstream.Unreachable, []string{"does not speak TLS", "http://"}},
		{"speaks https where http was asked", tlsForPlain, upstream.Unexpected, []string{"speaks TLS", "https://"}},
		{"does not know the credentials", answers(401, "text/plain", "no"), upstream.Denied, []string{"(401)", "Renew the token"}},
		{"denies the right", answers(403, "text/plain", "no"), upstream.Denied, []string{"(403)", "Grant"}},
		{"redirects to a login page", answers(302, "text/html", "", "Location", "https://login.example.com/?session=secret"), upstream.Unexpected, []string{"https://login.example.com/", "Set the URL"}},
		{"is a web site", answers(200, "text/html; charset=utf-8", "<html>"), upstream.Unexpected, []string{"answers 200 with a web page", "Correct the URL"}},
		{"has another API", answers(404, "text/plain", "404 page not found"), upstream.Unexpected, []string{"answers 404", "Correct the URL"}},
		{"failed", answers(500, "text/plain", "oops"), upstream.Failed, []string{"answers 500", "its log"}},
		{"is a proxy without server", answers(502, "text/html", ""), upstream.Unreachable, []string{"A proxy before"}},
	}
	seen := map[string]string{}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			url, transport := c.start(t)
			defer transport.CloseIdleConnections()
			explained := ask(t, url, transport)
			require.Equal(t, c.reason, explained.Reason, explained.Message)
			for _, part := range c.messages {
				require.Contains(t, explained.Message, part)
			}
			require.NotContains(t, explained.Message, "secret")
			require.True(t, strings.HasSuffix(explained.Message, "."), "a sentence: %s", explained.Message)
			withoutURL := strings.ReplaceAll(explained.Message, url, "URL")
			require.Empty(t, seen[withoutURL], "told like: %s", seen[withoutURL])
			seen[withoutURL] = c.name
		})
	}
}

// ask makes a request with a short time limit and returns what the user is told.
func ask(t *testing.T, url string, transport *http.Transport) *upstream.Error {
	t.Helper()
	server := upstream.Server{
		Name: "Thanos", URL: url, URLSetting: "the URL", CASetting: "the CA certificate", ServerNameSetting: "the server name",
		CredentialsSetting: "the token", ClientCertSetting: "the client certificate",
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	require.NoError(t, err)
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err == nil {
		body, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		err = &upstream.Answer{Status: response.StatusCode, Location: response.Header.Get("Location"), ContentType: response.Header.Get("Content-Type"), Body: string(body)}
	}
	explained, ok := errors.AsType[*upstream.Error](server.Explain(err))
	require.True(t, ok)
	return explained
}

func TestExplainsWhatAnAPIServerRefuses(t *testing.T) {
	server := upstream.Server{Name: "the API server of region gz", URL: "https://gz", CredentialsSetting: "the token of region gz"}
	monitors := schema.GroupResource{Group: "etcd.cloud.tencent.com", Resource: "etcdmonitors"}
	for _, c := range []struct {
		name    string
		err     error
		reason  upstream.Reason
		message string
	}{
		{"forbidden", apierrors.NewForbidden(monitors, "m", errors.New("no")), upstream.Denied, "deploy/rbac/datasource.yaml"},
		{"unauthorized", apierrors.NewUnauthorized("Unauthorized"), upstream.Denied, "Renew the token of region gz"},
		{"overloaded", apierrors.NewTooManyRequests("slow down", 1), upstream.Unreachable, "overloaded"},
		{"broken", apierrors.NewInternalError(errors.New("etcd is gone")), upstream.Failed, "etcd is gone"},
		{"conflict", apierrors.NewConflict(monitors, "m", errors.New("changed")), upstream.Failed, "refused the request (409)"},
		{"not an API server", apierrors.NewGenericServerResponse(404, "GET", monitors, "", "<html>", 0, true), upstream.Unexpected, "is not the API server of region gz"},
	} {
		t.Run(c.name, func(t *testing.T) {
			explained, ok := errors.AsType[*upstream.Error](server.Explain(c.err))
			require.True(t, ok)
			require.Equal(t, c.reason, explained.Reason)
			require.Contains(t, explained.Message, c.message)
			require.ErrorIs(t, explained, c.err)
		})
	}
}

func TestLeavesAloneWhatNeedsNoExplanation(t *testing.T) {
	server := upstream.Server{Name: "Thanos"}
	require.NoError(t, server.Explain(nil))
	require.ErrorIs(t, server.Explain(context.Canceled), context.Canceled)
	explained := upstream.New(upstream.BadQuery, "wrong", nil)
	require.Same(t, explained, server.Explain(explained))
}

func serve(handler http.HandlerFunc) func(*testing.T) (string, *http.Transport) {
	return func(t *testing.T) (string, *http.Transport) {
		server := httptest.NewServer(handler)
		t.Cleanup(server.Close)
		return server.URL, &http.Transport{}
	}
}

func closedPort(t *testing.T) (string, *http.Transport) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	return server.URL, &http.Transport{}
}

func hangs(t *testing.T) (string, *http.Transport) {
	done := make(chan struct{})
	url, transport := serve(func(http.ResponseWriter, *http.Request) { <-done })(t)
	t.Cleanup(func() { close(done) }) // before the server's Close, which waits for the handler
	return url, transport
}

func hangsUp(t *testing.T) (string, *http.Transport) {
	return serve(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })(t)
}

// unknownHost asks a name server that knows no names.
func unknownHost(t *testing.T) (string, *http.Transport) {
	nameServer, err := net.ListenPacket("udp", "127.0.0.1:0") //nolint:noctx // returns at once
	require.NoError(t, err)
	t.Cleanup(func() { _ = nameServer.Close() })
	go answerNoSuchName(nameServer)
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", nameServer.LocalAddr().String())
	}}
	return "http://thanos.invalid:9090", &http.Transport{DialContext: (&net.Dialer{Resolver: resolver}).DialContext}
}

func answerNoSuchName(nameServer net.PacketConn) {
	buffer := make([]byte, 512)
	for {
		n, asker, err := nameServer.ReadFrom(buffer)
		if err != nil {
			return // closed at the end of the test
		}
		var message dnsmessage.Message
		if message.Unpack(buffer[:n]) != nil {
			continue
		}
		message.Response, message.RCode, message.Additionals = true, dnsmessage.RCodeNameError, nil
		if packed, err := message.Pack(); err == nil {
			_, _ = nameServer.WriteTo(packed, asker)
		}
	}
}

func unknownAuthority(t *testing.T) (string, *http.Transport) {
	certificate, _ := issue(t, "127.0.0.1", time.Hour)
	return serveTLS(t, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}), &http.Transport{}
}

func otherHost(t *testing.T) (string, *http.Transport) {
	return trusted(t, "127.0.0.2", time.Hour, tls.NoClientCert)
}

func expired(t *testing.T) (string, *http.Transport) {
	return trusted(t, "127.0.0.1", -time.Minute, tls.NoClientCert)
}

func demandsClientCertificate(t *testing.T) (string, *http.Transport) {
	return trusted(t, "127.0.0.1", time.Hour, tls.RequireAnyClientCert)
}

func trusted(t *testing.T, host string, lifetime time.Duration, clientAuth tls.ClientAuthType) (string, *http.Transport) {
	certificate, authority := issue(t, host, lifetime)
	pool := x509.NewCertPool()
	pool.AddCert(authority)
	url := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{certificate}, ClientAuth: clientAuth, MinVersion: tls.VersionTLS12})
	return url, &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
}

func plainForTLS(t *testing.T) (string, *http.Transport) {
	url, transport := serve(func(http.ResponseWriter, *http.Request) {})(t)
	return strings.Replace(url, "http://", "https://", 1), transport
}

func tlsForPlain(t *testing.T) (string, *http.Transport) {
	certificate, _ := issue(t, "127.0.0.1", time.Hour)
	url := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	return strings.Replace(url, "https://", "http://", 1), &http.Transport{}
}

func serveTLS(t *testing.T, config *tls.Config) string {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = config
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

// issue returns a certificate for a host, valid for lifetime from now, and its authority.
func issue(t *testing.T, host string, lifetime time.Duration) (tls.Certificate, *x509.Certificate) {
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	authorityDER, err := x509.CreateCertificate(rand.Reader, authority, authority, authorityKey.Public(), authorityKey)
	require.NoError(t, err)
	authority, err = x509.ParseCertificate(authorityDER)
	require.NoError(t, err)

	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "server"}, IPAddresses: []net.IP{net.ParseIP(host)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(lifetime),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, authority, key.Public(), authorityKey)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, authority
}
