package etcdclient

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/status"

	"github.com/etcdfleet/etcd-fleet/internal/foreign"
)

// ErrLearner is what a learner answers to most requests, also to a login with a password.
var ErrLearner = rpctypes.Error(rpctypes.ErrGRPCNotSupportedForLearner)

// RequestError returns the error of a request over a shared connection as clientv3 would. Members before 3.6 refuse
// maintenance requests for lack of rights by an error that clientv3 does not know.
func RequestError(ctx context.Context, err error) error {
	if s, ok := status.FromError(err); ok && s.Message() == "auth: permission denied" {
		return rpctypes.ErrPermissionDenied
	}
	return clientv3.ContextError(ctx, err)
}

// How messages mention the Secrets of a cluster: Credentials.Explain finds them by it.
const (
	tlsSecret  = "the Secret that spec.tls of the EtcdCluster names"
	authSecret = "the Secret that spec.auth of the EtcdCluster names"
)

// Reason says why a request to a member failed and, if that is known, what to do.
func Reason(err error) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	case errors.Is(err, rpctypes.ErrUserEmpty):
		return "it demands a password: name a Secret with username and password in spec.auth.secretName of the EtcdCluster, and where " +
			"clientURL begins with http:// accept a password in plain text by spec.auth.allowPlaintext: true"
	case errors.Is(err, rpctypes.ErrAuthFailed):
		return "wrong username or password: correct " + authSecret + ", or without spec.auth the one of spec.tls"
	case errors.Is(err, rpctypes.ErrPermissionDenied):
		return "permission denied: grant the Secret's user a role that may read all keys, or root: some versions of etcd, such as " +
			"3.6.5, report their status to no other user"
	}
	reason := err.Error()
	if s, ok := status.FromError(err); ok {
		reason = unwrapConnectionError(s.Message())
	}
	needsCertificate, needsAuthority := refusesClient(reason), strings.Contains(reason, "certificate signed by unknown authority")
	reason = foreign.Quote(reason)
	if needsCertificate {
		reason += ": if the member demands a client certificate, add tls.crt and tls.key to " + tlsSecret
	}
	if needsAuthority {
		reason += ": add the authority's certificate as ca.crt to " + tlsSecret
	}
	return reason
}

// refusesClient reports whether a member may have ended the connection for lack of a client certificate. With TLS 1.3 the
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
