package etcdclient_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"

	"github.com/etcdfleet/etcd-fleet/internal/etcdclient"
	"github.com/etcdfleet/etcd-fleet/internal/etcddiag"
	"github.com/etcdfleet/etcd-fleet/internal/etcdtest"
	"github.com/etcdfleet/etcd-fleet/internal/testproc"
)

const (
	idleTimeout = 200 * time.Millisecond
	patience    = 30 * time.Second
)

// start runs the pool until the test ends or stop is called.
func start(t *testing.T, pool *etcdclient.Pool) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- pool.Start(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		assert.NoError(t, <-done)
	})
	t.Cleanup(stop)
	return stop
}

func isClosed(client *clientv3.Client) bool { return client.Ctx().Err() != nil }

// silentEndpoint accepts connections and says nothing: one that refused them would fail, and be replaced.
func silentEndpoint(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	return "http://" + listener.Addr().String()
}

func TestPoolSharesAConnection(t *testing.T) {
	pool := etcdclient.NewPool(time.Minute)
	endpoint := silentEndpoint(t)
	const users = 8
	clients := make([]*clientv3.Client, users)
	var group sync.WaitGroup
	for i := range users {
		group.Go(func() {
			client, err := pool.Lease(etcdclient.Credentials{}).Client(endpoint)
			assert.NoError(t, err)
			clients[i] = client
		})
	}
	group.Wait()
	for _, client := range clients {
		assert.Same(t, clients[0], client)
	}

	other, err := pool.Lease(etcdclient.Credentials{}).Client(silentEndpoint(t))
	require.NoError(t, err)
	assert.NotSame(t, clients[0], other, "another endpoint")
}

func TestPoolClosesOnlyIdleConnections(t *testing.T) {
	pool := etcdclient.NewPool(idleTimeout)
	start(t, pool)
	used, idle := pool.Lease(etcdclient.Credentials{}), pool.Lease(etcdclient.Credentials{})
	usedClient, err := used.Client("http://127.0.0.1:1")
	require.NoError(t, err)
	idleClient, err := idle.Client("http://127.0.0.1:2")
	require.NoError(t, err)

	idle.Release()
	assert.Eventually(t, func() bool { return isClosed(idleClient) }, patience, idleTimeout)
	assert.False(t, isClosed(usedClient))

	used.Release()
	assert.Eventually(t, func() bool { return isClosed(usedClient) }, patience, idleTimeout)
}

func TestPoolClosesEverythingWhenItStops(t *testing.T) {
	pool := etcdclient.NewPool(time.Minute)
	stop := start(t, pool)
	used, idle := pool.Lease(etcdclient.Credentials{}), pool.Lease(etcdclient.Credentials{})
	usedClient, err := used.Client("http://127.0.0.1:1")
	require.NoError(t, err)
	idleClient, err := idle.Client("http://127.0.0.1:2")
	require.NoError(t, err)
	idle.Release()

	stop()
	assert.True(t, isClosed(idleClient))
	assert.False(t, isClosed(usedClient), "a run may still need it")
	used.Release()
	assert.True(t, isClosed(usedClient))
}

// gRPC waits longer and longer before it tries a failed connection again, and fails all requests meanwhile.
func TestPoolReachesAMemberAsSoonAsItIsBack(t *testing.T) {
	address := testproc.FreeAddress(t)
	pool := etcdclient.NewPool(time.Minute)
	ask := func() error {
		lease := pool.Lease(etcdclient.Credentials{})
		defer lease.Release()
		client, err := lease.Client("http://" + address)
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		_, err = etcddiag.Status(ctx, client)
		return err
	}
	// One connection that was kept would try again after about 1, 2.6, 5.2 and 9.3 s.
	for down := time.Now(); time.Since(down) < 6500*time.Millisecond; time.Sleep(500 * time.Millisecond) {
		err := ask()
		require.Error(t, err)
		assert.Contains(t, etcdclient.Reason(err), "connection refused")
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
	require.NoError(t, err)
	server := grpc.NewServer()
	pb.RegisterMaintenanceServer(server, &maintenance{})
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)

	assert.NoError(t, ask(), "the first request after the member is back")
}

// maintenance is a member that has a status.
type maintenance struct {
	pb.UnimplementedMaintenanceServer
}

func (*maintenance) Status(context.Context, *pb.StatusRequest) (*pb.StatusResponse, error) {
	return &pb.StatusResponse{}, nil
}

func TestPoolFollowsAChangedPassword(t *testing.T) {
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1, Auth: true})
	endpoint := cluster.Members[0].ClientURL
	pool := etcdclient.NewPool(idleTimeout)
	start(t, pool)
	secret := cluster.Credentials(t)
	before := pool.Lease(readCredentials(t, secret))
	oldClient, err := before.Client(endpoint)
	require.NoError(t, err)
	before.Release()

	_, err = cluster.Client(t).UserChangePassword(context.Background(), "root", "rotated")
	require.NoError(t, err)
	secret["password"] = []byte("mistyped")
	_, err = pool.Lease(readCredentials(t, secret)).Client(endpoint)
	require.Error(t, err)
	assert.Contains(t, etcdclient.Reason(err), "wrong username or password")

	secret["password"] = []byte("rotated")
	after := pool.Lease(readCredentials(t, secret))
	defer after.Release()
	client, err := after.Client(endpoint)
	require.NoError(t, err)
	_, err = etcddiag.Status(context.Background(), client)
	require.NoError(t, err)
	assert.Eventually(t, func() bool { return isClosed(oldClient) }, patience, idleTimeout)
}
