package etcdtest

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/etcdfleet/etcd-fleet/internal/etcdcorrupt"
)

// fillValueSize is how much each write of FillQuota adds.
const fillValueSize = 256 << 10

// Compact compacts the cluster's history at its present revision, which it returns, and waits until the member asked has
// done so.
func (c *Cluster) Compact(tb testing.TB) int64 {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	kv := c.Client(tb)
	response, err := kv.Get(ctx, "/")
	require.NoError(tb, err)
	revision := response.Header.Revision
	_, err = kv.Compact(ctx, revision, clientv3.WithCompactPhysical())
	require.NoError(tb, err)
	return revision
}

// FillQuota writes until etcd refuses to: start the cluster with a small --quota-backend-bytes.
func (c *Cluster) FillQuota(tb testing.TB) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), putTimeout)
	defer cancel()
	kv := c.Client(tb)
	value := strings.Repeat("x", fillValueSize)
	var err error
	for err == nil {
		_, err = kv.Put(ctx, "/fill", value)
	}
	require.ErrorIs(tb, err, rpctypes.ErrNoSpace)
}

// RaiseAlarm raises an alarm for the member of that ID, which need not exist; 0 is what etcd itself writes when it cannot
// tell which member is corrupt.
func (c *Cluster) RaiseAlarm(tb testing.TB, memberID uint64, kind pb.AlarmType) {
	tb.Helper()
	c.changeAlarm(tb, memberID, kind, pb.AlarmRequest_ACTIVATE)
}

// ClearAlarm clears an alarm, as etcdctl alarm disarm does.
func (c *Cluster) ClearAlarm(tb testing.TB, memberID uint64, kind pb.AlarmType) {
	tb.Helper()
	c.changeAlarm(tb, memberID, kind, pb.AlarmRequest_DEACTIVATE)
}

func (c *Cluster) changeAlarm(tb testing.TB, memberID uint64, kind pb.AlarmType, action pb.AlarmRequest_AlarmAction) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	maintenance := pb.NewMaintenanceClient(c.Client(tb).ActiveConnection())
	_, err := maintenance.Alarm(ctx, &pb.AlarmRequest{Action: action, MemberID: memberID, Alarm: kind})
	require.NoError(tb, err)
}

// AddUnstarted adds a voting member that nobody starts.
func (c *Cluster) AddUnstarted(tb testing.TB) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	_, err := c.Client(tb).MemberAdd(ctx, []string{c.newMember(tb, len(c.Members)).peerURL})
	require.NoError(tb, err)
}

// Remove removes the member from its cluster, which ends it.
func (m *Member) Remove(tb testing.TB) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	_, err := m.cluster.Client(tb).MemberRemove(ctx, m.ID(tb))
	require.NoError(tb, err)
}

// ID is that of the running member.
func (m *Member) ID(tb testing.TB) uint64 {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	status, err := m.cluster.Client(tb).Status(ctx, m.ClientURL)
	require.NoError(tb, err)
	return status.Header.MemberId
}

// RestartAlone loses the member's data and starts it with itself as the initial cluster, as an operator does by mistake: it
// becomes a cluster of its own at the same addresses.
func (m *Member) RestartAlone(tb testing.TB) {
	tb.Helper()
	m.Stop(tb)
	require.NoError(tb, os.RemoveAll(filepath.Join(m.dir, "data")))
	require.NoError(tb, m.start("new", []*Member{m}))
}

// CorruptValues changes the values of n keys of the member while it is stopped, and restarts it.
func (m *Member) CorruptValues(tb testing.TB, n int) {
	tb.Helper()
	m.Stop(tb)
	changed, err := etcdcorrupt.ChangeValues(m.BackendPath(), n)
	require.NoError(tb, err)
	require.Equal(tb, n, changed)
	m.Restart(tb)
}
