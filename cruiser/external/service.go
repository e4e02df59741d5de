package external

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/etcdfleet/etcd-fleet/internal/foreign"
)

const (
	// connectionIdleTimeout keeps a connection for the checks of a round.
	connectionIdleTimeout = 2 * time.Minute

	// maxHeader bounds the header of an answer, in bytes.
	maxHeader = 64 << 10
)

// service posts requests to a URL.
type service struct {
	url       string
	tokenFile string
	client    *http.Client
}

// answer implements answerer.
func (s *service) answer(ctx context.Context, body []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	token, err := readToken(s.tokenFile) // each time, as tokens are rotated
	if err != nil {
		return nil, fmt.Errorf("was not asked: %w", err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := s.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("cannot be reached: %w: correct its url or caFile, or start it", foreign.Error(errors.Unwrap(err)))
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, MaxAnswer+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("broke off its answer: %w: look at its log", foreign.Error(err))
	case response.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("answers %d %s (%s): %s", response.StatusCode,
			http.StatusText(response.StatusCode), foreign.Quote(string(answer)), remedyFor(response.StatusCode))
	case len(answer) > MaxAnswer:
		return nil, fmt.Errorf("answered more than %d bytes: answer with one short JSON object", MaxAnswer)
	}
	return answer, nil
}

func remedyFor(status int) string {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return "give it a valid token by tokenFile"
	case status >= http.StatusMultipleChoices && status < http.StatusBadRequest:
		return "redirects are not followed, write the final address as url"
	case status >= http.StatusInternalServerError:
		return "look at its log"
	default:
		return "correct its url"
	}
}

// newHTTPClient returns a client that verifies the service, against the authorities in the file if there is one, and
// follows no redirect: the token is for this service alone.
func newHTTPClient(caFile string) (*http.Client, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile != "" {
		content, err := os.ReadFile(caFile)
		if err != nil {
			return nil, fmt.Errorf("%w: mount the file, or correct its path", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(content) {
			return nil, fmt.Errorf("%s holds no certificate in PEM: replace it", caFile)
		}
	}
	return &http.Client{
		Transport: &http.Transport{
			Proxy:             http.ProxyFromEnvironment,
			TLSClientConfig:   config,
			ForceAttemptHTTP2: true,
			IdleConnTimeout:   connectionIdleTimeout,

			MaxResponseHeaderBytes: maxHeader,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// readToken returns the content of the file, "" without one.
func readToken(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("%w: mount the file, or correct its path", err)
	}
	token := strings.TrimSpace(string(content))
	if token == "" {
		return "", fmt.Errorf("%s is empty: put the token into it", path)
	}
	return token, nil
}
