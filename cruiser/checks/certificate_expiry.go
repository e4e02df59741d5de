package checks

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

	"golang.org/x/sync/errgroup"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/etcd"
)

const (
	handshakeTimeout = 5 * time.Second

	// namedCertificates bounds how many certificates a message names.
	namedCertificates = 4
)

func init() {
	register(Check{
		Name:       "certificate-expiry",
		Parameters: Parameters{"warnBefore": "720h", "failBefore": "72h"},
		Values: []Value{{
			Name:   "firstExpiry",
			Metric: "etcd_inspection_certificate_expiry_seconds",
			Help:   "Seconds until the first certificate of a cluster expires, below 0 once it has.",
		}},
		Interval: 6 * time.Hour,
		Run:      certificateExpiry,
	})
}

// certificateExpiry finds certificates that expire: those that the members serve clients and Prometheus with (each https
// clientURL and metricsURL), the authorities that verify them, and the client certificate of the cluster's Secret. It is
// Failed when one has expired or will within the parameter failBefore, and Warning within warnBefore or when a member
// does not answer.
//
// It costs one TLS handshake an endpoint and needs no rights. The certificates with which members speak to each other
// cannot be seen from outside, nor can the authority by which members verify clients. Members are verified as always; the
// certificates of one that is refused are judged only when the date alone was wrong.
func certificateExpiry(ctx context.Context, target Target) (Result, error) {
	warnBefore, err := target.Parameters.Duration("warnBefore")
	if err != nil {
		return Result{}, err
	}
	failBefore, err := target.Parameters.Duration("failBefore")
	if err != nil {
		return Result{}, err
	}
	if failBefore > warnBefore {
		return Result{}, fmt.Errorf("parameter failBefore is %s: set spec.parameters.failBefore to a time that is not above warnBefore, %s",
			quoteDuration(failBefore), quoteDuration(warnBefore))
	}
	endpoints := tlsEndpoints(target.Cluster)
	if len(endpoints) == 0 {
		return Result{
			Outcome: etcdv1beta1.OutcomePassed,
			Message: "no certificate can expire: no clientURL and no metricsURL is https",
		}, nil
	}
	config, err := target.Members.TLS()
	if err != nil {
		return Result{}, err
	}
	found, err := clientCertificates(config)
	if err != nil {
		return Result{}, err
	}
	askCertificates(ctx, endpoints, config)
	for _, e := range endpoints {
		found = append(found, e.found...)
	}
	return judgeCertificates(endpoints, found, warnBefore, failBefore)
}

// datedCertificate is a certificate and what it is good for.
type datedCertificate struct {
	// role is, for example, "server certificate of etcd-0".
	role                string
	notBefore, notAfter time.Time
}

// tlsEndpoint is an https endpoint of a member.
type tlsEndpoint struct {
	owner string // "etcd-0", or "etcd-0 (metricsURL)"
	url   string
	found []datedCertificate

	// err says why nothing was found; refused tells that the member answered and is not trusted.
	err     error
	refused bool
}

// tlsEndpoints are the https endpoints of the cluster.
func tlsEndpoints(cluster etcdv1beta1.EtcdClusterSpec) []*tlsEndpoint {
	var endpoints []*tlsEndpoint
	for _, m := range cluster.Members {
		if strings.HasPrefix(m.ClientURL, "https://") {
			endpoints = append(endpoints, &tlsEndpoint{owner: m.Name, url: m.ClientURL})
		}
		if metrics := m.MetricsEndpoint(); metrics != m.ClientURL && strings.HasPrefix(metrics, "https://") {
			endpoints = append(endpoints, &tlsEndpoint{owner: m.Name + " (metricsURL)", url: metrics})
		}
	}
	return endpoints
}

// clientCertificates are those that the Secret holds, the intermediate ones included.
func clientCertificates(config *tls.Config) ([]datedCertificate, error) {
	var found []datedCertificate
	for _, pair := range config.Certificates {
		for i, der := range pair.Certificate {
			certificate, err := x509.ParseCertificate(der)
			if err != nil {
				return nil, fmt.Errorf("tls.crt of the Secret that spec.tls of the EtcdCluster names: %w: replace it", err)
			}
			role := "client certificate of the Secret"
			if i > 0 {
				role = "intermediate certificate " + certificate.Subject.CommonName + " of the Secret's tls.crt"
			}
			found = append(found, dated(role, certificate))
		}
	}
	return found, nil
}

func dated(role string, certificate *x509.Certificate) datedCertificate {
	return datedCertificate{role: role, notBefore: certificate.NotBefore, notAfter: certificate.NotAfter}
}

func askCertificates(ctx context.Context, endpoints []*tlsEndpoint, config *tls.Config) {
	var group errgroup.Group
	for _, e := range endpoints {
		group.Go(func() error {
			e.ask(ctx, config.Clone())
			return nil
		})
	}
	_ = group.Wait()
}

// ask shakes hands with the endpoint and keeps the chain that verifies it. A member that refuses the client certificate
// does so after its own was verified, and that is enough here.
func (e *tlsEndpoint) ask(ctx context.Context, config *tls.Config) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	address, err := url.Parse(e.url)
	if err != nil {
		e.err = err
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
		e.err, e.refused = err, refused != nil
		return
	}
	e.found = e.describe(longestLived(chains))
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
func (e *tlsEndpoint) describe(chain []*x509.Certificate) []datedCertificate {
	found := []datedCertificate{dated("server certificate of "+e.owner, chain[0])}
	for _, authority := range chain[1:] {
		found = append(found, dated("authority "+authority.Subject.CommonName+" of the server certificates", authority))
	}
	return found
}

// judgeCertificates turns what was found into a result.
func judgeCertificates(
	endpoints []*tlsEndpoint, found []datedCertificate, warnBefore, failBefore time.Duration,
) (Result, error) {
	found = sortByExpiry(found)
	failing, expiring := expiringWithin(found, failBefore), expiringWithin(found, warnBefore)
	if len(failing) == 0 {
		if err := whyNotJudged(endpoints); err != nil {
			return Result{}, err
		}
	}
	result := Result{
		Outcome: etcdv1beta1.OutcomePassed,
		Message: fmt.Sprintf("none of %d certificates expires within %s: the first is the %s", len(found), quoteDuration(warnBefore), found[0]),
		Values:  map[string]float64{"firstExpiry": time.Until(found[0].notAfter).Seconds()},
	}
	if len(expiring) > 0 {
		result.Outcome = etcdv1beta1.OutcomeWarning
		result.Message = "renew the " + listCertificates(expiring)
	}
	for _, e := range endpoints {
		if e.err != nil {
			result.Outcome = etcdv1beta1.OutcomeWarning
			result.Message += fmt.Sprintf(",the certificate of %s was not seen (%s)", e.owner, etcd.Reason(e.err))
		}
	}
	if len(failing) > 0 {
		result.Outcome = etcdv1beta1.OutcomeFailed
	}
	return result, nil
}

// whyNotJudged is an error when a member is not trusted, whatever its dates, or when none answered.
func whyNotJudged(endpoints []*tlsEndpoint) error {
	var refused, unseen []string
	for _, e := range endpoints {
		if e.err == nil {
			continue
		}
		reason := fmt.Sprintf("%s: %s", e.owner, etcd.Reason(e.err))
		unseen = append(unseen, reason)
		if e.refused {
			refused = append(refused, reason)
		}
	}
	switch {
	case len(refused) > 0:
		return fmt.Errorf("a certificate is not trusted (%s): correct it, or ca.crt of the cluster's Secret, or "+
			"spec.tls.serverName of the EtcdCluster", strings.Join(refused, "; "))
	case len(unseen) == len(endpoints):
		return fmt.Errorf("no member showed a certificate (%s): start it, or correct its URL in the EtcdCluster",
			strings.Join(unseen, "; "))
	}
	return nil
}

// sortByExpiry puts the first to expire first, and names an authority of several members once.
func sortByExpiry(found []datedCertificate) []datedCertificate {
	slices.SortFunc(found, func(a, b datedCertificate) int {
		return cmp.Or(a.notAfter.Compare(b.notAfter), cmp.Compare(a.role, b.role))
	})
	return slices.CompactFunc(found, func(a, b datedCertificate) bool { return a.role == b.role && a.notAfter.Equal(b.notAfter) })
}

// expiringWithin are the certificates that are not valid now or will not be after that time.
func expiringWithin(found []datedCertificate, within time.Duration) []datedCertificate {
	return slices.DeleteFunc(slices.Clone(found), func(c datedCertificate) bool {
		return time.Until(c.notBefore) <= 0 && time.Until(c.notAfter) >= within
	})
}

func listCertificates(found []datedCertificate) string {
	var list []string
	for _, c := range found[:min(len(found), namedCertificates)] {
		list = append(list, c.String())
	}
	if more := len(found) - len(list); more > 0 {
		list = append(list, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(list, ", ")
}

func (c datedCertificate) String() string {
	switch left := time.Until(c.notAfter); {
	case time.Until(c.notBefore) > 0:
		return fmt.Sprintf("%s (not valid before %s)", c.role, c.notBefore.UTC().Format(time.RFC3339))
	case left < 0:
		return fmt.Sprintf("%s (expired on %s)", c.role, c.notAfter.UTC().Format(time.RFC3339))
	default:
		return fmt.Sprintf("%s (expires on %s, in %.1f days)", c.role, c.notAfter.UTC().Format(time.RFC3339), left.Hours()/24)
	}
}
