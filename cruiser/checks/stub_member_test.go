package checks_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
)

// stubMember is a member whose timing a real one does not allow to choose: it has a revision and refuses its first
// rangeFailures reads.
type stubMember struct {
	pb.UnimplementedKVServer
	pb.UnimplementedMaintenanceServer

	id            uint64
	revision      int64
	rangeFailures int
	rangeErr      error

	// hangsUp makes it end the connection when it is asked for its status, and resets makes it do so by a TCP reset.
	hangsUp, resets bool
	hangUp          func()

	ranges atomic.Int64
}

// startStub serves the member until the test ends and returns its clientURL.
func startStub(t *testing.T, member *stubMember) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := grpc.NewServer()
	pb.RegisterKVServer(server, member)
	pb.RegisterMaintenanceServer(server, member)
	member.hangUp = server.Stop
	go func() { _ = server.Serve(&resettingListener{listener, member.resets}) }()
	t.Cleanup(server.Stop)
	return "http://" + listener.Addr().String()
}

// resettingListener accepts connections that are reset when they are closed, if resets is set.
type resettingListener struct {
	net.Listener
	resets bool
}

func (l *resettingListener) Accept() (net.Conn, error) {
	connection, err := l.Listener.Accept()
	if err == nil && l.resets {
		err = connection.(*net.TCPConn).SetLinger(0)
	}
	return connection, err
}

func (m *stubMember) Status(ctx context.Context, _ *pb.StatusRequest) (*pb.StatusResponse, error) {
	if m.hangsUp {
		go m.hangUp()
		<-ctx.Done()
	}
	return &pb.StatusResponse{Header: m.header()}, nil
}

func (m *stubMember) Range(context.Context, *pb.RangeRequest) (*pb.RangeResponse, error) {
	if m.ranges.Add(1) <= int64(m.rangeFailures) {
		return nil, m.rangeErr
	}
	return &pb.RangeResponse{Header: m.header(), Count: 7}, nil
}

func (m *stubMember) header() *pb.ResponseHeader {
	return &pb.ResponseHeader{ClusterId: 1, MemberId: m.id, Revision: m.revision}
}
