package etcdtest

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/etcdfleet/etcd-fleet/internal/etcdcorrupt"
	"github.com/etcdfleet/etcd-fleet/internal/testproc"
)

// Member is one etcd process of a cluster.
type Member struct {
	Name      string
	ClientURL string

	cluster *Cluster
	peerURL string
	dir     string
	process *testproc.Process
	learner bool

	// arguments are those of the first start.
	arguments []string
}

// newMember chooses free ports and a directory.
func (c *Cluster) newMember(tb testing.TB, index int) *Member {
	tb.Helper()
	scheme := "http"
	if c.authority != nil {
		scheme = "https"
	}
	return &Member{
		Name:      fmt.Sprintf("etcd-%d", index),
		ClientURL: scheme + "://" + testproc.FreeAddress(tb),
		cluster:   c,
		peerURL:   "http://" + testproc.FreeAddress(tb),
		dir:       tb.TempDir(),
	}
}

// start runs the member for the first time, with the members that it shall find, and waits until it knows a leader.
func (m *Member) start(state string, members []*Member) (err error) {
	m.arguments = append([]string{
		"--name", m.Name,
		"--data-dir", filepath.Join(m.dir, "data"),
		"--listen-client-urls", m.ClientURL,
		"--advertise-client-urls", m.ClientURL,
		"--listen-peer-urls", m.peerURL,
		"--initial-advertise-peer-urls", m.peerURL,
		"--initial-cluster", initialCluster(members),
		"--initial-cluster-state", state,
		"--unsafe-no-fsync",
		"--strict-reconfig-check=false", // it refuses learners during the first seconds
	}, m.cluster.serverArguments...)
	m.arguments = append(m.arguments, m.cluster.options.Args...)
	m.process, err = testproc.Start(m.dir, m.cluster.program, m.arguments, m.knowsLeader)
	return err
}

// Restart starts a stopped or killed member and waits until it knows a leader.
func (m *Member) Restart(tb testing.TB) {
	tb.Helper()
	require.NoError(tb, m.process.Restart())
}

// Upgrade stops the member and starts it with another version, one of labbin.EtcdVersions: the one after the version with
// which the cluster started. A rolling upgrade does so with one member after the other. Two versions further is no good:
// 3.7 does not know entries of the log that 3.5 wrote, and a small cluster has all of its log.
func (m *Member) Upgrade(tb testing.TB, version string) {
	tb.Helper()
	program := etcdProgram(tb, version)
	m.Stop(tb)
	process, err := testproc.Start(m.dir, program, m.arguments, m.knowsLeader)
	m.process = process
	require.NoError(tb, err)
}

// Stop ends the member as an operator does: it commits its backend first.
func (m *Member) Stop(testing.TB) {
	m.process.Stop()
}

// Kill ends the member as a power cut does.
func (m *Member) Kill(testing.TB) {
	m.process.Kill()
}

// Pause freezes the member: connections to it stay open and nothing answers.
func (m *Member) Pause(tb testing.TB) {
	tb.Helper()
	require.NoError(tb, m.process.Pause())
}

// Resume ends a pause.
func (m *Member) Resume(tb testing.TB) {
	tb.Helper()
	require.NoError(tb, m.process.Resume())
}

// Corrupt makes the member lose n keys while it is stopped, and restarts it.
func (m *Member) Corrupt(tb testing.TB, n int) {
	tb.Helper()
	m.Stop(tb)
	deleted, err := etcdcorrupt.DeleteKeys(m.BackendPath(), n)
	require.NoError(tb, err)
	require.Equal(tb, n, deleted)
	m.Restart(tb)
}

// BackendPath is the file of a stopped member's data.
func (m *Member) BackendPath() string {
	return filepath.Join(m.dir, "data", "member", "snap", "db")
}

// knowsLeader returns nil once the member is a part of its cluster.
func (m *Member) knowsLeader(ctx context.Context) error {
	client, err := clientv3.New(m.cluster.clientConfig(m))
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	status, err := client.Status(ctx, m.ClientURL)
	// It has the cluster's data when it knows that auth is enabled. The second error is that of a client certificate, whose
	// name stands for a user.
	if errors.Is(err, rpctypes.ErrUserEmpty) || errors.Is(err, rpctypes.ErrUserNotFound) {
		return nil
	}
	if err == nil && status.Leader == 0 {
		return fmt.Errorf("%s knows no leader", m.Name)
	}
	return err
}
