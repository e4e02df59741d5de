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

// certificateLifetime outlives any test.
const certificateLifetime = 24 * time.Hour

// authority is a certificate authority for one cluster.
type authority struct {
	certificatePEM    []byte
	certificate       *x509.Certificate
	key               *ecdsa.PrivateKey
	clientCertificate tls.Certificate
}

func newAuthority(tb testing.TB) *authority {
	tb.Helper()
	key := newKey(tb)
	template := certificateTemplate(tb, "etcdtest authority")
	template.IsCA = true
	template.BasicConstraintsValid = true
	template.KeyUsage = x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(tb, err)
	certificate, err := x509.ParseCertificate(der)
	require.NoError(tb, err)

	a := &authority{certificatePEM: encodePEM("CERTIFICATE", der), certificate: certificate, key: key}
	a.clientCertificate, err = tls.X509KeyPair(a.issue(tb, "client"))
	require.NoError(tb, err)
	return a
}

// issue returns a new certificate for 127.0.0.1, good for servers and clients, and its key.
func (a *authority) issue(tb testing.TB, name string) (certificatePEM, keyPEM []byte) {
	tb.Helper()
	key := newKey(tb)
	template := certificateTemplate(tb, name)
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
	dir := tb.TempDir()
	certificate, key := a.issue(tb, "server")
	for name, content := range map[string][]byte{"ca.crt": a.certificatePEM, "tls.crt": certificate, "tls.key": key} {
		require.NoError(tb, os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
	arguments := []string{
		"--cert-file", filepath.Join(dir, "tls.crt"),
		"--key-file", filepath.Join(dir, "tls.key"),
	}
	if demandClientCertificates {
		arguments = append(arguments, "--client-cert-auth", "--trusted-ca-file", filepath.Join(dir, "ca.crt"))
	}
	return arguments
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

func certificateTemplate(tb testing.TB, name string) *x509.Certificate {
	tb.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	require.NoError(tb, err)
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(certificateLifetime),
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
