// Package etcdclient connects to the members of etcd clusters: one pool of connections, authenticated by Secrets.
package etcdclient

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/apimachinery/pkg/types"

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

// The keys that members are asked with, by the field that names their Secret.
var (
	tlsKeys  = []string{secretAuthorities, secretCertificate, secretKey}
	authKeys = []string{secretUsername, secretPassword}
)

// Credentials say how a client authenticates and how it verifies members. The zero value is for members that serve
// plain text, or https with a certificate of an authority that the system knows.
type Credentials struct {
	serverName     string
	allowPlaintext bool

	// tls holds ca.crt, tls.crt and tls.key, auth username and password. They are the same Secret for a cluster that has
	// no spec.auth.
	tls, auth secret

	// backup reads the keys for backups, which only few checks ask for.
	backup func() (secret, error)

	// digest distinguishes credentials without comparing secrets.
	digest [sha256.Size]byte
}

// ReadCredentials reads the Secrets that a cluster names; one that names none has zero Credentials. An error names the
// Secret and what is wrong with it. Keys for backups are not read before they are asked for.
func ReadCredentials(ctx context.Context, secrets Secrets, cluster *etcdv1beta1.EtcdCluster) (c Credentials, err error) {
	refer := func(secretName, field string, keys ...[]string) secretReference {
		reference := secretReference{name: types.NamespacedName{Namespace: cluster.Namespace, Name: secretName}, field: field}
		for _, more := range keys {
			reference.keys = append(reference.keys, more...)
		}
		return reference
	}
	spec := cluster.Spec
	if spec.TLS != nil {
		c.serverName = spec.TLS.ServerName
		// A Secret may hold both, and that of older objects holds the login as well.
		if c.tls, err = secrets.read(ctx, refer(spec.TLS.SecretName, "spec.tls.secretName", tlsKeys, authKeys, backupKeys)); err != nil {
			return Credentials{}, err
		}
		c.auth = c.tls
	}
	if spec.Auth != nil {
		c.allowPlaintext = spec.Auth.AllowPlaintext
		if c.auth, err = secrets.read(ctx, refer(spec.Auth.SecretName, "spec.auth.secretName", authKeys, backupKeys)); err != nil {
			return Credentials{}, err
		}
		if !c.auth.has(secretUsername) {
			return Credentials{}, fmt.Errorf("the Secret %s that spec.auth.secretName names has no username and password: add them. %s",
				c.auth.name, c.auth.describeKeys())
		}
	}
	c.backup = func() (secret, error) { return c.firstWithBackupKeys() }
	if spec.Backup != nil {
		c.backup = func() (secret, error) {
			return secrets.read(ctx, refer(spec.Backup.SecretName, "spec.backup.secretName", backupKeys))
		}
	}
	c.digest = c.computeDigest()
	return c, nil
}

// value returns what members are asked with under a key, nil if the cluster has none.
func (c Credentials) value(key string) []byte {
	if key == secretUsername || key == secretPassword {
		return c.auth.data[key]
	}
	return c.tls.data[key]
}

// memberKeys are the keys that members are asked with.
func memberKeys() []string { return append(append([]string{}, tlsKeys...), authKeys...) }

// write puts each of the credentials that is there into a file of the directory, named like its key and readable by this
// user only.
func (c Credentials) write(dir string) error {
	for _, key := range memberKeys() {
		if content := c.value(key); len(content) > 0 {
			if err := os.WriteFile(filepath.Join(dir, key), content, 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c Credentials) computeDigest() [sha256.Size]byte {
	hash := sha256.New()
	parts := [][]byte{[]byte(c.serverName), {0}}
	if c.allowPlaintext {
		parts[1][0] = 1
	}
	for _, key := range memberKeys() {
		parts = append(parts, c.value(key))
	}
	for _, part := range parts {
		// The length keeps "ab"+"c" apart from "a"+"bc". Writing to a hash never fails.
		_ = binary.Write(hash, binary.BigEndian, uint64(len(part)))
		hash.Write(part)
	}
	return [sha256.Size]byte(hash.Sum(nil))
}

// login returns the user and password for an endpoint. The API server refuses an object that sends a password in plain
// text without saying so, but not one that is older than this rule.
func (c Credentials) login(endpoint string) (username, password string, err error) {
	username, password = string(c.value(secretUsername)), string(c.value(secretPassword))
	if username != "" && strings.HasPrefix(endpoint, "http://") && !c.allowPlaintext {
		return "", "", fmt.Errorf("the password of the Secret %s is not sent to %s in plain text: use https://, or accept that by "+
			"spec.auth.allowPlaintext: true of the EtcdCluster", c.auth.name, endpoint)
	}
	return username, password, nil
}

// tlsConfig is that of an https connection. Members are always verified.
func (c Credentials) tlsConfig() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.serverName}
	if authorities := c.value(secretAuthorities); len(authorities) > 0 {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(authorities) {
			return nil, fmt.Errorf("%s of the Secret %s holds no certificate in PEM", secretAuthorities, c.tls.name)
		}
	}
	if certificate := c.value(secretCertificate); len(certificate) > 0 {
		pair, err := tls.X509KeyPair(certificate, c.value(secretKey))
		if err != nil {
			return nil, fmt.Errorf("%s and %s of the Secret %s: %w", secretCertificate, secretKey, c.tls.name, err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// Explain adds to a message that asks for a key of a Secret which keys that Secret has, by name: a key that is there under
// another name is the usual cause.
func (c Credentials) Explain(message string) string {
	for _, part := range []struct {
		mention string
		secret  secret
	}{{tlsSecret, c.tls}, {authSecret, c.auth}} {
		if strings.Contains(message, part.mention) && part.secret.name.Name != "" {
			return message + ". " + part.secret.describeKeys()
		}
	}
	return message
}
