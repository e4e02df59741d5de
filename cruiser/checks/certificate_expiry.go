package checks

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/etcdclient"
	"github.com/etcdfleet/etcd-fleet/internal/etcddiag"
	"github.com/etcdfleet/etcd-fleet/internal/parameters"
	"github.com/etcdfleet/etcd-fleet/internal/quantity"
)

const (
	// namedCertificates bounds how many certificates a message names.
	namedCertificates = 4
)

func init() {
	register(Check{
		Name: "certificate-expiry",
		Parameters: parameters.Set{
			{
				Name: "warnBefore", Kind: parameters.Duration, Default: "720h",
				Help: "Time before the end of a certificate from which on the check warns.",
			},
			{
				Name: "failBefore", Kind: parameters.Duration, Default: "72h", NotAbove: "warnBefore",
				Help: "Time before the end of a certificate from which on the check fails.",
			},
		},
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
	endpoints := etcddiag.TLSEndpoints(target.Cluster)
	if len(endpoints) == 0 {
		return Result{
			Outcome: etcdv1beta1.OutcomePassed,
			Message: "No certificate can expire: no clientURL and no metricsURL is https.",
		}, nil
	}
	config, err := target.Members.TLS()
	if err != nil {
		return Result{}, err
	}
	found, err := etcddiag.ClientCertificates(config)
	if err != nil {
		return Result{}, err
	}
	etcddiag.AskCertificates(ctx, endpoints, config)
	for _, e := range endpoints {
		found = append(found, e.Found...)
	}
	return judgeCertificates(endpoints, found, target.Parameters.Duration("warnBefore"), target.Parameters.Duration("failBefore"))
}

// judgeCertificates turns what was found into a result.
func judgeCertificates(
	endpoints []*etcddiag.TLSEndpoint, found []etcddiag.Certificate, warnBefore, failBefore time.Duration,
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
		Message: fmt.Sprintf("None of %d certificates expires within %s: the first is the %s.", len(found), quantity.Duration(warnBefore), describeCertificate(found[0])),
		Values:  map[string]float64{"firstExpiry": time.Until(found[0].NotAfter).Seconds()},
	}
	if len(expiring) > 0 {
		result.Outcome = etcdv1beta1.OutcomeWarning
		result.Message = "Certificates expire: renew the " + listCertificates(expiring) + "."
	}
	for _, e := range endpoints {
		if e.Err != nil {
			result.Outcome = etcdv1beta1.OutcomeWarning
			result.Message += fmt.Sprintf(" The certificate of %s was not seen (%s).", e.Owner, etcdclient.Reason(e.Err))
		}
	}
	if len(failing) > 0 {
		result.Outcome = etcdv1beta1.OutcomeFailed
	}
	return result, nil
}

// whyNotJudged is an error when a member is not trusted, whatever its dates, or when none answered.
func whyNotJudged(endpoints []*etcddiag.TLSEndpoint) error {
	var refused, unseen []string
	for _, e := range endpoints {
		if e.Err == nil {
			continue
		}
		reason := fmt.Sprintf("%s: %s", e.Owner, etcdclient.Reason(e.Err))
		unseen = append(unseen, reason)
		if e.IsRefused {
			refused = append(refused, reason)
		}
	}
	switch {
	case len(refused) > 0:
		return fmt.Errorf("a certificate is not trusted (%s): correct it, or ca.crt of the cluster's Secret, or "+
			"spec.tls.serverName of the EtcdCluster", strings.Join(refused, ", "))
	case len(unseen) == len(endpoints):
		return fmt.Errorf("no member showed a certificate (%s): start it, or correct its URL in the EtcdCluster",
			strings.Join(unseen, ", "))
	}
	return nil
}

// sortByExpiry puts the first to expire first, and names an authority of several members once.
func sortByExpiry(found []etcddiag.Certificate) []etcddiag.Certificate {
	slices.SortFunc(found, func(a, b etcddiag.Certificate) int {
		return cmp.Or(a.NotAfter.Compare(b.NotAfter), cmp.Compare(a.Role, b.Role))
	})
	return slices.CompactFunc(found, func(a, b etcddiag.Certificate) bool { return a.Role == b.Role && a.NotAfter.Equal(b.NotAfter) })
}

// expiringWithin are the certificates that are not valid now or will not be after that time.
func expiringWithin(found []etcddiag.Certificate, within time.Duration) []etcddiag.Certificate {
	return slices.DeleteFunc(slices.Clone(found), func(c etcddiag.Certificate) bool {
		return time.Until(c.NotBefore) <= 0 && time.Until(c.NotAfter) >= within
	})
}

func listCertificates(found []etcddiag.Certificate) string {
	var list []string
	for _, c := range found[:min(len(found), namedCertificates)] {
		list = append(list, describeCertificate(c))
	}
	if more := len(found) - len(list); more > 0 {
		list = append(list, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(list, ", ")
}

func describeCertificate(c etcddiag.Certificate) string {
	switch left := time.Until(c.NotAfter); {
	case time.Until(c.NotBefore) > 0:
		return fmt.Sprintf("%s (not valid before %s)", c.Role, c.NotBefore.UTC().Format(time.RFC3339))
	case left < 0:
		return fmt.Sprintf("%s (expired on %s)", c.Role, c.NotAfter.UTC().Format(time.RFC3339))
	default:
		return fmt.Sprintf("%s (expires on %s, in %.1f days)", c.Role, c.NotAfter.UTC().Format(time.RFC3339), left.Hours()/24)
	}
}
