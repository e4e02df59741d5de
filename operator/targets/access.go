package targets

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/certwatcher"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// Access says how targets are served and to whom. The zero value serves them in plain text to everybody.
type Access struct {
	// TLSCertFile and TLSKeyFile hold the server's certificate and key in PEM. They are read again when they change.
	TLSCertFile, TLSKeyFile string

	// BearerTokenFile holds the token that requests must present. It is read again for each request.
	BearerTokenFile string
}

// certificates returns what serves the certificate, nil for plain text. The error says which flag to correct.
func (a Access) certificates(address string) (*certwatcher.CertWatcher, error) {
	if (a.TLSCertFile == "") != (a.TLSKeyFile == "") {
		return nil, errors.New("only one of --targets-tls-cert-file and --targets-tls-key-file is set: set both, or none")
	}
	if a.BearerTokenFile != "" {
		if _, err := readToken(a.BearerTokenFile); err != nil {
			return nil, fmt.Errorf("--targets-bearer-token-file: %w", err)
		}
		if a.TLSCertFile == "" && !isLoopback(address) {
			return nil, errors.New("--targets-bearer-token-file would send the token in plain text: set --targets-tls-cert-file and " +
				"--targets-tls-key-file, or let --targets-bind-address be a loopback address")
		}
	}
	if a.TLSCertFile == "" {
		return nil, nil
	}
	certificates, err := certwatcher.New(a.TLSCertFile, a.TLSKeyFile)
	if err != nil {
		return nil, fmt.Errorf("read the certificate of --targets-tls-cert-file and --targets-tls-key-file: %w", err)
	}
	return certificates, nil
}

func tlsConfig(certificates *certwatcher.CertWatcher) *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: certificates.GetCertificate,
	}
}

// authorize lets through requests with the token, or all when there is no token to present.
func (a Access) authorize(next http.Handler) http.Handler {
	if a.BearerTokenFile == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, err := readToken(a.BearerTokenFile)
		if err != nil {
			log.FromContext(r.Context()).Error(err, "nobody gets targets: the token of --targets-bearer-token-file cannot be read")
			http.Error(w, "the operator cannot read its token: see its log", http.StatusServiceUnavailable)
			return
		}
		scheme, presented, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") || !equal(strings.TrimSpace(presented), token) {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "present the token of the operator's --targets-bearer-token-file, by authorization.credentials_file of "+
				"http_sd_configs", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// equal takes the same time whatever the texts are, and however long.
func equal(a, b string) bool {
	first, second := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(first[:], second[:]) == 1
}

func readToken(path string) (string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("%w: mount the file, or correct its path", err)
	}
	token := strings.TrimSpace(string(content))
	if token == "" {
		return "", fmt.Errorf("%s is empty: put a token into it", path)
	}
	return token, nil
}

func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && (host == "localhost" || net.ParseIP(host).IsLoopback())
}
