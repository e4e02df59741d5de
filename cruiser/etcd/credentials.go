// Package etcd connects to the members of etcd clusters: one pool for all inspections, authenticated by Secrets.
package etcd

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

// The keys of a Secret with which clients authenticate. All are optional.
const (
	secretAuthorities = "ca.crt"  // PEM; without it members are verified against the system's authorities
	secretCertificate = "tls.crt" // PEM, with tls.key
	secretKey         = "tls.key" // PEM, with tls.crt
	secretUsername    = "username"
	secretPassword    = "password"
)

// Credentials say how a client authenticates and how it verifies members. The zero value is for members that serve
// plain text, or https with a certificate of an authority that the system knows.
type Credentials struct {
	secret     types.NamespacedName
	data       map[string][]byte
	serverName string

	// digest tells credentials apart without comparing secrets.
	digest [sha256.Size]byte
}

// ReadCredentials reads the Secret that a cluster names; a cluster without tls has zero Credentials. An error names the
// Secret and what is wrong with it.
func ReadCredentials(ctx context.Context, secrets client.Reader, cluster *etcdv1beta1.EtcdCluster) (Credentials, error) {
	if cluster.Spec.TLS == nil {
		return Credentials{}, nil
	}
	name := types.NamespacedName{Namespace: cluster.Namespace, Name: cluster.Spec.TLS.SecretName}
	var secret corev1.Secret
	if err := secrets.Get(ctx, name, &secret); err != nil {
		return Credentials{}, fmt.Errorf(
			"read the credentials that EtcdCluster %s names: %w: create the Secret %s, or correct spec.tls.secretName",
			cluster.Name, err, name)
	}
	c := Credentials{secret: name, data: secret.Data, serverName: cluster.Spec.TLS.ServerName}
	if err := c.validate(); err != nil {
		return Credentials{}, err
	}
	c.digest = c.computeDigest()
	return c, nil
}

// write puts each part of the Secret that is there into a file of the directory, named like its key and readable by this
// user only.
func (c Credentials) write(dir string) error {
	for _, key := range []string{secretAuthorities, secretCertificate, secretKey, secretUsername, secretPassword} {
		if content := c.data[key]; len(content) > 0 {
			if err := os.WriteFile(filepath.Join(dir, key), content, 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

// validate finds halves of pairs; PEM is parsed when a connection needs it.
func (c Credentials) validate() error {
	for _, pair := range [][2]string{{secretCertificate, secretKey}, {secretUsername, secretPassword}} {
		has0, has1 := len(c.data[pair[0]]) > 0, len(c.data[pair[1]]) > 0
		if has0 != has1 {
			return fmt.Errorf("the Secret %s holds only one of %s and %s: add the other", c.secret, pair[0], pair[1])
		}
	}
	return nil
}

func (c Credentials) computeDigest() [sha256.Size]byte {
	hash := sha256.New()
	parts := [][]byte{[]byte(c.serverName)}
	for _, key := range []string{secretAuthorities, secretCertificate, secretKey, secretUsername, secretPassword} {
		parts = append(parts, c.data[key])
	}
	for _, part := range parts {
		// The length keeps "ab"+"c" apart from "a"+"bc". Writing to a hash never fails.
		_ = binary.Write(hash, binary.BigEndian, uint64(len(part)))
		hash.Write(part)
	}
	return [sha256.Size]byte(hash.Sum(nil))
}

// tlsConfig is that of an https connection. Members are always verified.
func (c Credentials) tlsConfig() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.serverName}
	if authorities := c.data[secretAuthorities]; len(authorities) > 0 {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(authorities) {
			return nil, fmt.Errorf("%s of the Secret %s holds no certificate in PEM", secretAuthorities, c.secret)
		}
	}
	if certificate := c.data[secretCertificate]; len(certificate) > 0 {
		pair, err := tls.X509KeyPair(certificate, c.data[secretKey])
		if err != nil {
			return nil, fmt.Errorf("%s and %s of the Secret %s: %w", secretCertificate, secretKey, c.secret, err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}
