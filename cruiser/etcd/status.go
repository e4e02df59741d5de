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

// Status asks the client's member for its status over the shared connection: clientv3's own Status connects, and logs
// in, anew each time.
func Status(ctx context.Context, client *clientv3.Client) (*pb.StatusResponse, error) {
	response, err := pb.NewMaintenanceClient(client.ActiveConnection()).Status(ctx, &pb.StatusRequest{})
	return response, clientv3.ContextError(ctx, err)
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
		return "permission denied: grant the Secret's user a role that may read all keys"
	}
	if s, ok := status.FromError(err); ok {
		return unwrapConnectionError(s.Message())
	}
	return err.Error()
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
