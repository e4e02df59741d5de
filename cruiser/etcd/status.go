package etcd

import (
	"context"
	"errors"
	"strconv"
	"strings"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/status"
)

// ErrLearner is what a learner answers to most requests, also to a login with a password.
var ErrLearner = rpctypes.Error(rpctypes.ErrGRPCNotSupportedForLearner)

// ProbeKey is read and never written: what is measured is the way through Raft and the store, not a key.
const ProbeKey = "\x00etcd-fleet/latency"

// Status asks the client's member for its status over the shared connection: clientv3's own Status connects, and logs
// in, anew each time.
func Status(ctx context.Context, client *clientv3.Client) (*pb.StatusResponse, error) {
	response, err := pb.NewMaintenanceClient(client.ActiveConnection()).Status(ctx, &pb.StatusRequest{})
	return response, RequestError(ctx, err)
}

// RequestError returns the error of a request over a shared connection as clientv3 would. Members before 3.6 refuse
// maintenance requests for want of rights by an error that clientv3 does not know.
func RequestError(ctx context.Context, err error) error {
	if s, ok := status.FromError(err); ok && s.Message() == "auth: permission denied" {
		return rpctypes.ErrPermissionDenied
	}
	return clientv3.ContextError(ctx, err)
}

// Reason says why a request to a member failed and, where that is known, what to do.
func Reason(err error) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	case errors.Is(err, rpctypes.ErrUserEmpty):
		return "it demands a password: add username and password to the Secret that spec.tls of the EtcdCluster names"
	case errors.Is(err, rpctypes.ErrAuthFailed):
		return "wrong username or password: correct the Secret that spec.tls of the EtcdCluster names"
	case errors.Is(err, rpctypes.ErrPermissionDenied):
		return "permission denied: grant the Secret's user a role that may read all keys, or root: some versions of etcd, such as " +
			"3.6.5, tell their status to no other user"
	}
	reason := err.Error()
	if s, ok := status.FromError(err); ok {
		reason = unwrapConnectionError(s.Message())
	}
	if refusesClient(reason) {
		reason += ": if the member demands a client certificate, add tls.crt and tls.key to the Secret that spec.tls of the EtcdCluster names"
	}
	return reason
}

// refusesClient tells whether a member may have ended the connection for want of a client certificate. With TLS 1.3 the
// client's side of the handshake is over by then (RFC 8446, section 4.4): a client that is still writing
// sees only a closed connection, not the alert.
func refusesClient(reason string) bool {
	for _, sign := range []string{"certificate required", "broken pipe", "connection reset by peer"} {
		if strings.Contains(reason, sign) {
			return true
		}
	}
	return false
}

// unwrapConnectionError turns gRPC's `connection error: desc = "transport: …"` into what it quotes.
func unwrapConnectionError(message string) string {
	_, quoted, found := strings.Cut(message, "connection error: desc = ")
	if !found {
		return message
	}
	cause, err := strconv.Unquote(quoted)
	if err != nil {
		return message
	}
	return strings.TrimPrefix(cause, "transport: ")
}
