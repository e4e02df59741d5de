package etcddiag

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/foreign"
	"github.com/etcdfleet/etcd-fleet/internal/sidebyside"
)

const handshakeTimeout = 5 * time.Second

// Certificate is a certificate and what it is good for.
type Certificate struct {
	// Role is, for example, "server certificate of etcd-0".
	Role                string
	NotBefore, NotAfter time.Time
}

// TLSEndpoint is an https endpoint of a member.
type TLSEndpoint struct {
	Owner string // "etcd-0", or "etcd-0 (metricsURL)"
	URL   string
	Found []Certificate

	// Err says why nothing was found. IsRefused is true if the member answered and is not trusted.
	Err       error
	IsRefused bool
}

// TLSEndpoints are the https endpoints of the cluster.
func TLSEndpoints(cluster etcdv1beta1.EtcdClusterSpec) []*TLSEndpoint {
	var endpoints []*TLSEndpoint
	for _, m := range cluster.Members {
		if strings.HasPrefix(m.ClientURL, "https://") {
			endpoints = append(endpoints, &TLSEndpoint{Owner: m.Name, URL: m.ClientURL})
		}
		if metrics := m.MetricsEndpoint(); metrics != m.ClientURL && strings.HasPrefix(metrics, "https://") {
			endpoints = append(endpoints, &TLSEndpoint{Owner: m.Name + " (metricsURL)", URL: metrics})
		}
	}
	return endpoints
}

// ClientCertificates are those that the Secret holds, the intermediate ones included.
func ClientCertificates(config *tls.Config) ([]Certificate, error) {
	var found []Certificate
	for _, pair := range config.Certificates {
		for i, der := range pair.Certificate {
			certificate, err := x509.ParseCertificate(der)
			if err != nil {
				return nil, fmt.Errorf("tls.crt of the Secret that spec.tls of the EtcdCluster names: %w: replace it", err)
			}
			role := "client certificate of the Secret"
			if i > 0 {
				role = "intermediate certificate " + foreign.Quote(certificate.Subject.CommonName) + " of the Secret's tls.crt"
			}
			found = append(found, dated(role, certificate))
		}
	}
	return found, nil
}

func dated(role string, certificate *x509.Certificate) Certificate {
	return Certificate{Role: role, NotBefore: certificate.NotBefore, NotAfter: certificate.NotAfter}
}

// AskCertificates shakes hands with all endpoints at once, once each.
func AskCertificates(ctx context.Context, endpoints []*TLSEndpoint, config *tls.Config) {
	sidebyside.Do(ctx, endpoints, func(e *TLSEndpoint) { e.ask(ctx, config.Clone()) })
}

// ask shakes hands with the endpoint and keeps the chain that verifies it. A member that refuses the client certificate
// does so after its own was verified, and that is enough here.
func (e *TLSEndpoint) ask(ctx context.Context, config *tls.Config) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	address, err := url.Parse(e.URL)
	if err != nil {
		e.Err = err
		return
	}
	config.ServerName = cmp.Or(config.ServerName, address.Hostname())
	var chains [][]*x509.Certificate
	config.VerifyConnection = func(state tls.ConnectionState) error {
		chains = state.VerifiedChains
		return nil
	}
	port := cmp.Or(address.Port(), "443")
	dialer := tls.Dialer{Config: config}
	connection, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(address.Hostname(), port))
	if err == nil {
		_ = connection.Close() // nothing was sent
	}
	var refused *tls.CertificateVerificationError
	if errors.As(err, &refused) {
		chains, err = verifyButForDates(refused, config)
	}
	if len(chains) == 0 {
		e.Err, e.IsRefused = err, refused != nil
		return
	}
	e.Found = e.describe(longestLived(chains))
}

// verifyButForDates verifies a chain that was refused as of a time when its first certificate was valid. It succeeds when
// nothing but dates was wrong; the error is the one for which the chain was refused otherwise.
func verifyButForDates(refused *tls.CertificateVerificationError, config *tls.Config) ([][]*x509.Certificate, error) {
	leaf := refused.UnverifiedCertificates[0]
	options := x509.VerifyOptions{Roots: config.RootCAs, DNSName: config.ServerName, Intermediates: x509.NewCertPool()}
	for _, intermediate := range refused.UnverifiedCertificates[1:] {
		options.Intermediates.AddCert(intermediate)
	}
	for _, valid := range []time.Time{leaf.NotBefore, leaf.NotAfter} {
		options.CurrentTime = valid
		if chains, err := leaf.Verify(options); err == nil {
			return chains, nil
		}
	}
	return nil, refused.Err
}

// longestLived is the chain whose first expiry is the last one: while it is valid, clients verify the member.
func longestLived(chains [][]*x509.Certificate) []*x509.Certificate {
	return slices.MaxFunc(chains, func(a, b []*x509.Certificate) int {
		return firstToExpire(a).NotAfter.Compare(firstToExpire(b).NotAfter)
	})
}

func firstToExpire(chain []*x509.Certificate) *x509.Certificate {
	return slices.MinFunc(chain, func(a, b *x509.Certificate) int { return a.NotAfter.Compare(b.NotAfter) })
}

// describe names what each certificate of a chain is for.
func (e *TLSEndpoint) describe(chain []*x509.Certificate) []Certificate {
	found := []Certificate{dated("server certificate of "+e.Owner, chain[0])}
	for _, authority := range chain[1:] {
		found = append(found, dated("authority "+foreign.Quote(authority.Subject.CommonName)+" of the server certificates", authority))
	}
	return found
}
