package checks_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
	"github.com/etcdfleet/etcd-fleet/internal/etcdtest"
)

const day = 24 * time.Hour

func newCertificateInspector(t *testing.T, cluster *etcdtest.Cluster, secret map[string][]byte) *inspector {
	t.Helper()
	inspector := newInspector(t, cluster, secret)
	inspector.check = "certificate-expiry"
	return inspector
}

func TestCertificateExpiryJudgesTheFirstToExpire(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{TLS: true})
	for _, test := range []struct {
		name                      string
		server, client, authority time.Duration
		parameters                checks.Parameters
		outcome                   etcdv1beta1.Outcome
		message                   string // a regular expression
		first                     time.Duration
	}{
		{
			"all far away", 90 * day, 100 * day, 200 * day, nil, etcdv1beta1.OutcomePassed,
			`^None of 5 certificates expires within 720h: the first is the server certificate of etcd-0 \(expires on \S+, in 90\.0 days\)\.$`,
			90 * day,
		},
		{
			"a server certificate soon", 10 * day, 100 * day, 200 * day, nil, etcdv1beta1.OutcomeWarning,
			`^Certificates expire: renew the server certificate of etcd-0 \(expires on \S+, in 10.0 days\), server certificate of etcd-1 .* of etcd-2 \([^,]*, in 10\.0 days\)\.$`,
			10 * day,
		},
		{
			"a server certificate very soon", 2 * day, 100 * day, 200 * day, nil, etcdv1beta1.OutcomeFailed,
			`^Certificates expire: renew the server certificate of etcd-0 `, 2 * day,
		},
		{
			"not so soon by the parameters", 2 * day, 100 * day, 200 * day,
			checks.Parameters{"warnBefore": "24h", "failBefore": "1h"}, etcdv1beta1.OutcomePassed, `in 2.0 days`, 2 * day,
		},
		{
			"a server certificate expired", -time.Hour, 100 * day, 200 * day, nil, etcdv1beta1.OutcomeFailed,
			`^Certificates expire: renew the server certificate of etcd-0 \(expired on \S+\), server certificate of etcd-1`, -time.Hour,
		},
		{
			"the client certificate soon", 90 * day, 10 * day, 200 * day, nil, etcdv1beta1.OutcomeWarning,
			`^Certificates expire: renew the client certificate of the Secret \(expires on \S+, in 10\.0 days\)\.$`, 10 * day,
		},
		{
			"the client certificate expired", 90 * day, -time.Hour, 200 * day, nil, etcdv1beta1.OutcomeFailed,
			`^Certificates expire: renew the client certificate of the Secret \(expired on \S+\)\.$`, -time.Hour,
		},
		{
			"the authority soon", 90 * day, 100 * day, 10 * day, nil, etcdv1beta1.OutcomeWarning,
			`^Certificates expire: renew the authority etcdtest authority of the server certificates \(expires on \S+, in 10\.0 days\)\.$`, 10 * day,
		},
		{
			"the authority expired", 90 * day, 100 * day, -time.Hour, nil, etcdv1beta1.OutcomeFailed,
			`^Certificates expire: renew the authority etcdtest authority of the server certificates \(expired on \S+\)\.$`, -time.Hour,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			cluster.RenewServerCertificate(t, test.server)
			secret := map[string][]byte{"ca.crt": cluster.AuthorityCertificate(t, test.authority)}
			secret["tls.crt"], secret["tls.key"] = cluster.ClientCertificate(t, test.client)

			result, err := newCertificateInspector(t, cluster, secret).run(t, test.parameters)
			require.NoError(t, err)
			assert.Equal(t, test.outcome, result.Outcome)
			assert.Regexp(t, test.message, result.Message)
			assert.InDelta(t, test.first.Seconds(), result.Values["firstExpiry"], time.Hour.Seconds()/2)
		})
	}
}

// While an authority is replaced, ca.crt holds both, and the old one may expire.
func TestCertificateExpiryIgnoresAnAuthorityThatIsReplaced(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1, TLS: true})
	secret := cluster.Credentials(t)
	secret["ca.crt"] = append(cluster.AuthorityCertificate(t, 10*day), secret["ca.crt"]...)
	result, err := newCertificateInspector(t, cluster, secret).run(t, nil)
	require.NoError(t, err)
	assert.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome, result.Message)
}

func TestCertificateExpiryNeverTrustsAStranger(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1, Auth: true})
	stranger := etcdtest.Start(t, etcdtest.Options{Size: 1, Auth: true})
	for _, lifetime := range []time.Duration{90 * day, -time.Hour} {
		cluster.RenewServerCertificate(t, lifetime)

		_, err := newCertificateInspector(t, cluster, stranger.Credentials(t)).run(t, nil)
		require.ErrorContains(t, err, "a certificate is not trusted (etcd-0: ")
		assert.ErrorContains(t, err, "correct it, or ca.crt of the cluster's Secret")

		named := newCertificateInspector(t, cluster, cluster.Credentials(t))
		named.spec.Members[0].ClientURL = strings.Replace(named.spec.Members[0].ClientURL, "127.0.0.1", "localhost", 1)
		_, err = named.run(t, nil)
		require.ErrorContains(t, err, "a certificate is not trusted (etcd-0: ")
	}
}

func TestCertificateExpiryWarnsOfAMissingMember(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{TLS: true})
	inspector := newCertificateInspector(t, cluster, cluster.Credentials(t))
	cluster.Members[1].Pause(t)
	cluster.Members[2].Kill(t)
	result, err := inspector.run(t, nil)
	require.NoError(t, err)
	assert.Equal(t, etcdv1beta1.OutcomeWarning, result.Outcome)
	assert.Contains(t, result.Message, " The certificate of etcd-1 was not seen (no answer in time)")
	assert.Regexp(t, ` The certificate of etcd-2 was not seen \(.*connection refused`, result.Message)

	cluster.Members[0].Kill(t)
	_, err = inspector.run(t, nil)
	assert.ErrorContains(t, err, "no member showed a certificate (etcd-0: ")
}

// A real member refuses a client only after the handshake, by TLS 1.3: the server stands for one that speaks TLS 1.2.
func TestCertificateExpirySeesMetricsServersAndMembersThatRefuseIt(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1, TLS: true})
	secret := cluster.Credentials(t)
	certificate, err := tls.X509KeyPair(cluster.ClientCertificate(t, 5*day)) // it is for servers as well
	require.NoError(t, err)
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{
		Certificates: []tls.Certificate{certificate},
		ClientAuth:   tls.RequireAnyClientCert,
		MaxVersion:   tls.VersionTLS12,
	}
	server.StartTLS()
	defer server.Close()
	delete(secret, "tls.crt")
	delete(secret, "tls.key")
	inspector := newCertificateInspector(t, cluster, secret)
	inspector.spec.Members[0].MetricsURL = server.URL

	result, err := inspector.run(t, nil)
	require.NoError(t, err)
	assert.Equal(t, etcdv1beta1.OutcomeWarning, result.Outcome)
	assert.Regexp(t, `^Certificates expire: renew the server certificate of etcd-0 \(metricsURL\) \(expires on \S+, in 5\.0 days\)\.$`, result.Message)
}

func TestCertificateExpiryPassesPlainText(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1})
	result, err := newCertificateInspector(t, cluster, nil).run(t, nil)
	require.NoError(t, err)
	assert.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome)
	assert.Equal(t, "No certificate can expire: no clientURL and no metricsURL is https.", result.Message)
	assert.Empty(t, result.Values)
}

func TestCertificateExpiryRefusesParameters(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1})
	for _, test := range []struct{ name, value, message string }{
		{"warnBefore", "30d", "set spec.parameters.warnBefore to a time"},
		{"failBefore", "", "set spec.parameters.failBefore to a time"},
		{"failBefore", "721h", "set spec.parameters.failBefore to a time that is not above warnBefore, 720h"},
	} {
		_, err := newCertificateInspector(t, cluster, nil).run(t, checks.Parameters{test.name: test.value})
		assert.ErrorContains(t, err, test.message)
	}
}
