// Package upstream turns the failures of requests to other servers (Thanos query, a region's API server) into
// sentences for the user: what is wrong, with which server, and which setting puts it right. It is the only place that
// does so.
package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Server is a server that the datasource asks, with the settings to name when it cannot be asked.
type Server struct {
	// Name is what users call it within a sentence, for example "Thanos" or "the API server of region gz".
	Name string
	// URL is where it is expected; never with user information.
	URL string
	// URLSetting and its neighbours name settings, in the words of the configuration page.
	URLSetting         string
	CASetting          string
	ServerNameSetting  string
	CredentialsSetting string
	ClientCertSetting  string
}

// Title is the server's name at the beginning of a sentence.
func (s Server) Title() string {
	if s.Name == "" {
		return ""
	}
	return strings.ToUpper(s.Name[:1]) + s.Name[1:]
}

// Reason classifies a failure by what a caller does about it.
type Reason int

const (
	// Unreachable means that no answer came: nothing listens, no such host, no trust, no time.
	Unreachable Reason = iota + 1
	// Timeout means that the server did not answer in time.
	Timeout
	// Denied means that the server refused the credentials or their rights.
	Denied
	// Unexpected means that something answered that does not speak the expected protocol: usually a wrong URL.
	Unexpected
	// BadQuery means that the server understood the request and blames the user's input.
	BadQuery
	// Failed means that the server answered that it failed.
	Failed
)

// Error is a failure in words for the user.
type Error struct {
	Reason  Reason
	Message string
	cause   error
}

// New returns the error for a failure that the caller explains itself.
func New(reason Reason, message string, cause error) *Error {
	return &Error{Reason: reason, Message: message, cause: cause}
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the error that was explained.
func (e *Error) Unwrap() error { return e.cause }

// Answer is the error for an HTTP answer that is not the expected one.
type Answer struct {
	Status int
	// Location is the target of a redirect.
	Location string
	// ContentType and Body are the answer's, the latter cut.
	ContentType string
	Body        string
}

// Error describes the answer without its body, which may be a whole page.
func (a *Answer) Error() string {
	return fmt.Sprintf("HTTP status %d %s", a.Status, http.StatusText(a.Status))
}

// Explain returns the error for the user; nil for nil. A cancelled context and an explained error pass unchanged.
func (s Server) Explain(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if explained, ok := errors.AsType[*Error](err); ok {
		return explained
	}
	reason, message := s.explain(err)
	return New(reason, message, err)
}

func (s Server) explain(err error) (Reason, string) {
	if answer, ok := errors.AsType[*Answer](err); ok {
		return s.explainAnswer(answer)
	}
	var status apierrors.APIStatus
	if errors.As(err, &status) && status.Status().Code != 0 {
		return s.explainAPIStatus(status.Status())
	}
	for _, explain := range []func(error) string{s.explainTLS, s.explainDNS, s.explainConnection} {
		if message := explain(err); message != "" {
			return Unreachable, message
		}
	}
	if isTimeout(err) {
		return Timeout, fmt.Sprintf("%s did not answer in time (%s). Check that it is healthy and reachable from Grafana's server.", s.Title(), s.URL)
	}
	return Unreachable, fmt.Sprintf("%s cannot be asked (%s): %s.", s.Title(), s.URL, Excerpt(innermost(err).Error()))
}

func (s Server) explainTLS(err error) string {
	if unknown, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		issuer := "an unknown authority"
		if unknown.Cert != nil && unknown.Cert.Issuer.CommonName != "" {
			issuer = fmt.Sprintf("%q, which is not trusted", Excerpt(unknown.Cert.Issuer.CommonName))
		}
		return fmt.Sprintf("The certificate of %s is signed by %s. Put the authority's certificate (PEM) into %s.", s.Name, issuer, s.CASetting)
	}
	if hostname, ok := errors.AsType[x509.HostnameError](err); ok {
		return fmt.Sprintf("The certificate of %s is not valid for %q. Use a host that it names in %s, or set %s.", s.Name, hostname.Host, s.URLSetting, s.ServerNameSetting)
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		if invalid.Reason == x509.Expired && invalid.Cert != nil {
			return fmt.Sprintf("The certificate of %s is valid from %s to %s only. Renew it, or correct the clock.", s.Name,
				invalid.Cert.NotBefore.UTC().Format(time.RFC3339), invalid.Cert.NotAfter.UTC().Format(time.RFC3339))
		}
		return fmt.Sprintf("The certificate of %s is invalid: %s.", s.Name, Excerpt(invalid.Error()))
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok || errors.Is(err, http.ErrSchemeMismatch) {
		return fmt.Sprintf("%s does not speak TLS (%s). Begin %s with http://, or use its TLS port.", s.Title(), s.URL, s.URLSetting)
	}
	// This is how crypto/tls marks an alert that the server sent.
	if alert, ok := errors.AsType[*net.OpError](err); ok && alert.Op == "remote error" {
		return fmt.Sprintf("%s refused the TLS handshake (%v). Check %s.", s.Title(), alert.Err, s.ClientCertSetting)
	}
	return ""
}

func (s Server) explainDNS(err error) string {
	lookup, ok := errors.AsType[*net.DNSError](err)
	if !ok {
		return ""
	}
	if lookup.IsNotFound {
		return fmt.Sprintf("The host %q of %s does not exist in DNS. Correct %s.", lookup.Name, s.Name, s.URLSetting)
	}
	return fmt.Sprintf("The host %q of %s could not be looked up (%s). Check %s and the DNS of Grafana's server.", lookup.Name, s.Name, lookup.Err, s.URLSetting)
}

func (s Server) explainConnection(err error) string {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("Nothing listens at %s. Start %s, or correct %s.", s.URL, s.Name, s.URLSetting)
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return fmt.Sprintf("There is no route to %s (%s). Check %s and the network.", s.Name, s.URL, s.URLSetting)
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Sprintf("%s closed the connection without an answer (%s). Check its log, and that %s has the right scheme and port.", s.Title(), s.URL, s.URLSetting)
	}
	return ""
}

func (s Server) explainAnswer(a *Answer) (Reason, string) {
	switch {
	case a.Status == http.StatusUnauthorized:
		return Denied, fmt.Sprintf("%s does not accept the credentials (401). Renew %s.", s.Title(), s.CredentialsSetting)
	case a.Status == http.StatusForbidden:
		return Denied, fmt.Sprintf("%s forbids the request (403). Grant its account the right to it, or change %s.", s.Title(), s.CredentialsSetting)
	case a.Status >= 300 && a.Status < 400:
		return Unexpected, fmt.Sprintf("%s redirects to %s, perhaps to a login page. Set %s to the address of the API itself.", s.URL, redirectTarget(a.Location), s.URLSetting)
	case a.Status == http.StatusBadRequest && strings.Contains(a.Body, "HTTP request to an HTTPS server"):
		return Unexpected, fmt.Sprintf("%s speaks TLS (%s). Begin %s with https://.", s.Title(), s.URL, s.URLSetting)
	case a.Status == http.StatusBadGateway, a.Status == http.StatusServiceUnavailable, a.Status == http.StatusGatewayTimeout:
		return Unreachable, fmt.Sprintf("A proxy before %s cannot reach it (%s answers %d). Check that it runs.", s.Name, s.URL, a.Status)
	case a.Status >= 500:
		return Failed, fmt.Sprintf("%s failed (%s answers %d). Check its log.", s.Title(), s.URL, a.Status)
	}
	return Unexpected, fmt.Sprintf("%s is not %s: it answers %d with %s. Correct %s.", s.URL, s.Name, a.Status, contentKind(a.ContentType), s.URLSetting)
}

// explainAPIStatus explains what a Kubernetes API server, or something in its place, answered.
func (s Server) explainAPIStatus(status metav1.Status) (Reason, string) {
	code, message := int(status.Code), Excerpt(status.Message)
	if isKubernetesAnswer(status) && code != http.StatusUnauthorized {
		switch {
		case code == http.StatusForbidden:
			return Denied, fmt.Sprintf("%s forbids it: %s. Apply deploy/rbac/datasource.yaml to it, or change %s.", s.Title(), message, s.CredentialsSetting)
		case code == http.StatusServiceUnavailable, code == http.StatusGatewayTimeout, code == http.StatusTooManyRequests:
			return Unreachable, fmt.Sprintf("%s is overloaded or not ready (%d): %s.", s.Title(), code, message)
		case code >= 500:
			return Failed, fmt.Sprintf("%s failed (%d): %s.", s.Title(), code, message)
		}
		return Failed, fmt.Sprintf("%s refused the request (%d): %s.", s.Title(), code, message)
	}
	return s.explainAnswer(&Answer{Status: code})
}

// isKubernetesAnswer distinguishes an API server's own refusal from a foreign server's, which client-go makes up a status for.
func isKubernetesAnswer(status metav1.Status) bool {
	return status.Details == nil || !slices.ContainsFunc(status.Details.Causes, func(cause metav1.StatusCause) bool {
		return cause.Type == metav1.CauseTypeUnexpectedServerResponse
	})
}

func isTimeout(err error) bool {
	var netErr net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.As(err, &netErr) && netErr.Timeout()
}

func innermost(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// redirectTarget shortens a redirect's target to host and path: the rest may hold session data.
func redirectTarget(location string) string {
	target, err := url.Parse(location)
	if err != nil || location == "" {
		return "another address"
	}
	return Excerpt((&url.URL{Scheme: target.Scheme, Host: target.Host, Path: target.Path}).String())
}

func contentKind(contentType string) string {
	switch {
	case strings.HasPrefix(contentType, "text/html"):
		return "a web page"
	case contentType == "":
		return "something else"
	}
	return Excerpt(contentType)
}
