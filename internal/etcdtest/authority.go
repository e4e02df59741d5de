package etcdtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// certificateLifetime outlives any test, and what is said to be far from its end.
const certificateLifetime = 365 * 24 * time.Hour

// authority is a certificate authority for one cluster.
type authority struct {
	certificatePEM    []byte
	certificate       *x509.Certificate
	key               *ecdsa.PrivateKey
	clientCertificate tls.Certificate

	// serverDir holds the files of the members' certificate.
	serverDir string
}

func newAuthority(tb testing.TB) *authority {
	tb.Helper()
	a := &authority{key: newKey(tb)}
	der := a.selfSign(tb, certificateLifetime)
	certificate, err := x509.ParseCertificate(der)
	require.NoError(tb, err)
	a.certificate, a.certificatePEM = certificate, encodePEM("CERTIFICATE", der)
	a.clientCertificate, err = tls.X509KeyPair(a.issue(tb, "client", certificateLifetime))
	require.NoError(tb, err)
	return a
}

// selfSign returns a certificate of the authority. All of its certificates verify the same servers and clients.
func (a *authority) selfSign(tb testing.TB, lifetime time.Duration) (der []byte) {
	tb.Helper()
	template := certificateTemplate(tb, "etcdtest authority", lifetime)
	template.IsCA = true
	template.BasicConstraintsValid = true
	template.KeyUsage = x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	require.NoError(tb, err)
	return der
}

// issue returns a new certificate for 127.0.0.1, good for servers and clients, and its key.
func (a *authority) issue(tb testing.TB, name string, lifetime time.Duration) (certificatePEM, keyPEM []byte) {
	tb.Helper()
	key := newKey(tb)
	template := certificateTemplate(tb, name, lifetime)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	require.NoError(tb, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(tb, err)
	return encodePEM("CERTIFICATE", der), encodePEM("PRIVATE KEY", keyDER)
}

// serverArguments writes a member's certificates and returns the arguments that name them.
func (a *authority) serverArguments(tb testing.TB, demandClientCertificates bool) []string {
	tb.Helper()
	a.serverDir = tb.TempDir()
	dir := a.serverDir
	require.NoError(tb, os.WriteFile(filepath.Join(dir, "ca.crt"), a.certificatePEM, 0o600))
	a.renewServerCertificate(tb, certificateLifetime)
	arguments := []string{
		"--cert-file", filepath.Join(dir, "tls.crt"),
		"--key-file", filepath.Join(dir, "tls.key"),
	}
	if demandClientCertificates {
		arguments = append(arguments, "--client-cert-auth", "--trusted-ca-file", filepath.Join(dir, "ca.crt"))
	}
	return arguments
}

// renewServerCertificate replaces the members' certificate, which etcd reads at each handshake.
func (a *authority) renewServerCertificate(tb testing.TB, lifetime time.Duration) {
	tb.Helper()
	certificate, key := a.issue(tb, "server", lifetime)
	for name, content := range map[string][]byte{"tls.crt": certificate, "tls.key": key} {
		require.NoError(tb, os.WriteFile(filepath.Join(a.serverDir, name), content, 0o600))
	}
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

// certificateTemplate is valid for lifetime from now on; it has expired when that is negative.
func certificateTemplate(tb testing.TB, name string, lifetime time.Duration) *x509.Certificate {
	tb.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	require.NoError(tb, err)
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-24 * time.Hour),
		NotAfter:     time.Now().Add(lifetime),
	}
}

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(tb, err)
	return key
}

func encodePEM(block string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: block, Bytes: der})
}
