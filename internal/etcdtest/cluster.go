// Package etcdtest runs real etcd clusters for tests and does to them what happens in production: members pause, die,
// come back, join as learners and lose data.
package etcdtest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/labbin"
)

const (
	// RootPassword is that of the user root where Options.Auth is set.
	RootPassword = "etcdtest"

	putTimeout     = 2 * time.Minute
	requestTimeout = 30 * time.Second

	// putAttempt bounds one attempt: a write to a member that has just been paused, or by way of a leader that has, never
	// ends by itself.
	putAttempt  = 10 * time.Second
	dialTimeout = 5 * time.Second

	// startAttempts is how often a cluster is started on new ports when another process took one in between.
	startAttempts = 3
)

// Options say how a cluster runs.
type Options struct {
	// Size is the number of voting members; 0 means 3.
	Size int

	// Version is the etcd of all members, one of labbin.EtcdVersions; "" means labbin.EtcdVersion.
	Version string

	// TLS makes members serve https and demand client certificates.
	TLS bool

	// Auth makes members serve https and demand the password of the user root.
	Auth bool

	// Plaintext makes members with Auth serve http.
	Plaintext bool

	// Args are more arguments of every etcd.
	Args []string
}

// Cluster is a running cluster.
type Cluster struct {
	Members []*Member

	options         Options
	program         string
	authority       *authority
	serverArguments []string
}

// Start runs a cluster until the test ends and waits until each member knows a leader. It skips the test when this machine
// cannot have that version of etcd.
func Start(tb testing.TB, options Options) *Cluster {
	tb.Helper()
	if options.Size == 0 {
		options.Size = 3
	}
	c := &Cluster{options: options, program: etcdProgram(tb, options.Version)}
	if options.TLS || options.Auth && !options.Plaintext {
		c.authority = newAuthority(tb)
		c.serverArguments = c.authority.serverArguments(tb, options.TLS)
	}
	tb.Cleanup(c.kill)
	for attempt := 1; ; attempt++ {
		err := c.start(tb)
		if err == nil {
			break
		}
		c.kill()
		require.Less(tb, attempt, startAttempts, err)
	}
	if options.Auth {
		c.enableAuth(tb)
	}
	return c
}

func etcdProgram(tb testing.TB, version string) string {
	tb.Helper()
	program, err := labbin.Etcd(version)
	if errors.Is(err, labbin.ErrNoEtcd) {
		tb.Skip(err)
	}
	require.NoError(tb, err)
	return program
}

// start runs members on new ports. They start together because the first waits for the others.
func (c *Cluster) start(tb testing.TB) error {
	tb.Helper()
	c.Members = nil
	for i := range c.options.Size {
		c.Members = append(c.Members, c.newMember(tb, i))
	}
	var group errgroup.Group
	for _, m := range c.Members {
		group.Go(func() error { return m.start("new", c.Members) })
	}
	return group.Wait()
}

func (c *Cluster) kill() {
	for _, m := range c.Members {
		m.process.Kill()
	}
}

// Spec describes the cluster as an EtcdCluster does; secretName is the Secret with Credentials, "" without TLS and auth.
func (c *Cluster) Spec(clusterID, secretName string) etcdv1beta1.EtcdClusterSpec {
	spec := etcdv1beta1.EtcdClusterSpec{
		ClusterID:   clusterID,
		Region:      "gz",
		ProductName: "tke",
		Scene:       "business",
	}
	for _, m := range c.Members {
		spec.Members = append(spec.Members, etcdv1beta1.EtcdClusterMember{Name: m.Name, ClientURL: m.ClientURL})
	}
	switch {
	case secretName != "" && c.options.Plaintext:
		spec.Auth = &etcdv1beta1.EtcdClusterAuth{SecretName: secretName, AllowPlaintext: true}
	case secretName != "":
		spec.TLS = &etcdv1beta1.EtcdClusterTLS{SecretName: secretName}
	}
	return spec
}

// Credentials are the data of the Secret with which clients authenticate.
func (c *Cluster) Credentials(tb testing.TB) map[string][]byte {
	tb.Helper()
	data := map[string][]byte{}
	if c.authority != nil {
		data["ca.crt"] = c.authority.certificatePEM
	}
	if c.options.TLS {
		data["tls.crt"], data["tls.key"] = c.ClientCertificate(tb, certificateLifetime)
	}
	if c.options.Auth {
		data["username"], data["password"] = []byte("root"), []byte(RootPassword)
	}
	return data
}

// CredentialsLabels are the labels of a Secret that cruiser reads.
func CredentialsLabels() map[string]string {
	return map[string]string{etcdv1beta1.LabelCredentials: etcdv1beta1.LabelCredentialsValue}
}

// RenewServerCertificate replaces the members' certificate while they run, as a rotation does, by one that expires after
// the lifetime; it has expired when that is negative.
func (c *Cluster) RenewServerCertificate(tb testing.TB, lifetime time.Duration) {
	tb.Helper()
	c.authority.renewServerCertificate(tb, lifetime)
}

// ClientCertificate returns a client certificate that expires after the lifetime, and its key.
func (c *Cluster) ClientCertificate(tb testing.TB, lifetime time.Duration) (certificatePEM, keyPEM []byte) {
	tb.Helper()
	return c.authority.issue(tb, "client", lifetime)
}

// AuthorityCertificate returns another certificate of the authority that signed the members', one that expires after the
// lifetime.
func (c *Cluster) AuthorityCertificate(tb testing.TB, lifetime time.Duration) []byte {
	tb.Helper()
	return encodePEM("CERTIFICATE", c.authority.selfSign(tb, lifetime))
}

// Client returns a client of all members that vote, closed when the test ends. It has every right.
func (c *Cluster) Client(tb testing.TB) *clientv3.Client {
	tb.Helper()
	voters := slices.DeleteFunc(slices.Clone(c.Members), func(m *Member) bool { return m.learner })
	config := c.clientConfig(voters...)
	if c.options.Auth {
		config.Username, config.Password = "root", RootPassword
	}
	return newClient(tb, config)
}

// Put writes n keys <prefix>0, <prefix>1, … of one revision each. A write that fails because a member just went away is
// repeated, so that a key may have more revisions then.
func (c *Cluster) Put(tb testing.TB, prefix string, n int) {
	tb.Helper()
	kv := c.Client(tb)
	ctx, cancel := context.WithTimeout(context.Background(), putTimeout)
	defer cancel()
	for i := range n {
		key := fmt.Sprintf("%s%d", prefix, i)
		err := put(ctx, kv, key)
		for err != nil && ctx.Err() == nil {
			err = put(ctx, kv, key)
		}
		require.NoError(tb, err)
	}
}

func put(ctx context.Context, kv clientv3.KV, key string) error {
	ctx, cancel := context.WithTimeout(ctx, putAttempt)
	defer cancel()
	_, err := kv.Put(ctx, key, "value")
	return err
}

// AddLearner starts one more member, which does not vote, and appends it to Members.
func (c *Cluster) AddLearner(tb testing.TB) *Member {
	tb.Helper()
	learner := c.newMember(tb, len(c.Members))
	learner.learner = true
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	_, err := c.Client(tb).MemberAddAsLearner(ctx, []string{learner.peerURL})
	require.NoError(tb, err)
	members := append(slices.Clone(c.Members), learner)
	require.NoError(tb, learner.start("existing", members))
	c.Members = members
	return learner
}

func (c *Cluster) enableAuth(tb testing.TB) {
	tb.Helper()
	auth := newClient(tb, c.clientConfig(c.Members...))
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	_, err := auth.UserAdd(ctx, "root", RootPassword)
	require.NoError(tb, err)
	_, err = auth.RoleAdd(ctx, "root")
	require.NoError(tb, err)
	_, err = auth.UserGrantRole(ctx, "root", "root")
	require.NoError(tb, err)
	_, err = auth.AuthEnable(ctx)
	require.NoError(tb, err)
}

// clientConfig is that of a client without password.
func (c *Cluster) clientConfig(members ...*Member) clientv3.Config {
	config := clientv3.Config{DialTimeout: dialTimeout, Logger: zap.NewNop()}
	for _, m := range members {
		config.Endpoints = append(config.Endpoints, m.ClientURL)
	}
	if c.authority != nil {
		config.TLS = &tls.Config{RootCAs: c.authority.pool(), MinVersion: tls.VersionTLS12}
		if c.options.TLS {
			config.TLS.Certificates = []tls.Certificate{c.authority.clientCertificate}
		}
	}
	return config
}

func newClient(tb testing.TB, config clientv3.Config) *clientv3.Client {
	tb.Helper()
	c, err := clientv3.New(config)
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = c.Close() })
	return c
}

// initialCluster is the value of etcd's --initial-cluster.
func initialCluster(members []*Member) string {
	var peers []string
	for _, m := range members {
		peers = append(peers, m.Name+"="+m.peerURL)
	}
	return strings.Join(peers, ",")
}
