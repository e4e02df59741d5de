package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/etcdclient"
	"github.com/etcdfleet/etcd-fleet/internal/etcddiag"
	"github.com/etcdfleet/etcd-fleet/internal/guard"
)

const (
	// timeout bounds the read of one member.
	timeout = 5 * time.Second

	lookupTimeout = 2 * time.Second
)

// verdict is what a probe says of a cluster.
type verdict int

const (
	// unknown is neither: cruiser could not ask as a client does.
	unknown verdict = iota

	// alive: a quorum answered.
	alive

	// dead: no member could read by a quorum.
	dead
)

// sighting is what is known of a cluster from the probes before.
type sighting struct {
	// first is the endpoint of the member that answered last; "" when none did of which it is known that it is the cluster's.
	first string

	// id is the cluster's ID in etcd; 0 while no majority of the members reported it.
	id uint64
}

// ask reads by a quorum at the member that answered last. When it does not answer, all are asked at once, each over a new
// connection, since one that a firewall dropped says nothing about the member. The error says why the verdict is unknown.
func (p *Prober) ask(ctx context.Context, cluster *etcdv1beta1.EtcdCluster, before sighting) (verdict, sighting, error) {
	credentials, err := etcdclient.ReadCredentials(ctx, p.options.Secrets, cluster)
	if err != nil {
		return unknown, before, err
	}
	lease := p.options.Pool.Lease(credentials)
	defer lease.Release()
	for _, member := range cluster.Spec.Members {
		if member.ClientURL != before.first {
			continue
		}
		if id, err := read(ctx, lease.Client, before.first); err == nil && before.isOf(id) {
			return alive, before, nil
		}
	}
	return askAll(ctx, cluster.Spec.Members, newConnection(ctx, lease), before).judge(before, len(cluster.Spec.Members))
}

// isOf reports whether a member that names this cluster ID is of the cluster. A member that refuses a read names none.
func (s sighting) isOf(id uint64) bool { return id == s.id || id == 0 }

// answers are what the members of a cluster said.
type answers struct {
	// endpoints of the members that read by a quorum, by the ID of their cluster.
	endpoints map[uint64][]string

	// failures is how many could not, and unasked why one could not be asked.
	failures int
	unasked  error
}

type connect func(endpoint string) (*clientv3.Client, error)

// newConnection makes a new connection. A login with a password waits for the connection and does not say what keeps it from being
// made, so that is found out.
func newConnection(ctx context.Context, lease *etcdclient.Lease) connect {
	return func(endpoint string) (*clientv3.Client, error) {
		client, err := lease.NewClient(endpoint)
		if errors.Is(err, context.DeadlineExceeded) {
			if refused := handshake(ctx, lease, endpoint); refused != nil {
				return nil, refused
			}
		}
		return client, err
	}
}

// handshake connects to an https endpoint and ends the connection.
func handshake(ctx context.Context, lease *etcdclient.Lease, endpoint string) error {
	address, isTLS := strings.CutPrefix(endpoint, "https://")
	if !isTLS {
		return nil
	}
	config, err := lease.TLS()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	connection, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return connection.Close()
}

// askAll asks all members side by side, until one of the cluster answers.
func askAll(ctx context.Context, members []etcdv1beta1.EtcdClusterMember, connect connect, before sighting) answers {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	all := answers{endpoints: map[uint64][]string{}}
	var mu sync.Mutex
	var asking sync.WaitGroup
	for _, member := range members {
		asking.Go(func() {
			var id uint64
			failure := guard.Run(ctx, "the probe of a member", func() (err error) {
				if id, err = read(ctx, connect, member.ClientURL); errors.Is(err, context.DeadlineExceeded) && !resolves(ctx, member.ClientURL) {
					return errors.New("its name does not resolve: correct the clientURL, or the name server")
				}
				return err
			})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case failure == nil:
				all.endpoints[id] = append(all.endpoints[id], member.ClientURL)
				if before.id != 0 && before.isOf(id) {
					cancel()
				}
			case errors.Is(failure, etcdclient.ErrLearner): // has no vote
			case isFailedRead(member.ClientURL, failure):
				all.failures++
			default:
				all.unasked = fmt.Errorf("member %s: %s", member.Name, etcdclient.Reason(failure))
			}
		})
	}
	asking.Wait()
	return all
}

// judge returns what the answers say about a cluster of the given number of members. One member alone may have become a cluster of its own,
// or have an address of another: its answer counts only while nothing else is known of the cluster's ID. A majority that
// answers by another ID is the cluster, built again.
func (a answers) judge(before sighting, members int) (verdict, sighting, error) {
	for id, endpoints := range a.endpoints {
		if before.id != 0 && before.isOf(id) {
			return alive, sighting{first: endpoints[0], id: before.id}, nil
		}
		if len(endpoints) > members/2 {
			return alive, sighting{first: endpoints[0], id: id}, nil
		}
	}
	after := sighting{id: before.id}
	switch {
	case before.id == 0 && len(a.endpoints) == 1:
		return alive, after, nil
	case before.id == 0 && len(a.endpoints) > 1:
		return unknown, after, errors.New("the members that answer are of different clusters, and none has a majority")
	case a.unasked != nil:
		return unknown, after, a.unasked
	case a.failures == 0:
		return unknown, after, errors.New("no member of the cluster votes")
	default:
		return dead, after, nil
	}
}

// read reads a key that does not exist by way of the member, as a client does that wants the newest value, and returns the
// ID of the member's cluster. A member that refuses it for lack of a right has asked the quorum before, and reports none.
func read(ctx context.Context, connect connect, endpoint string) (cluster uint64, err error) {
	client, err := connect(endpoint)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cluster, err = etcddiag.ReadByQuorum(ctx, client)
	if errors.Is(err, rpctypes.ErrPermissionDenied) {
		return 0, nil
	}
	return cluster, err
}

// resolves reports whether the endpoint's name has an address. A lookup may hang longer than a read.
func resolves(ctx context.Context, endpoint string) bool {
	address, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	found, err := net.DefaultResolver.LookupHost(ctx, address.Hostname())
	return err == nil && len(found) > 0
}

// isFailedRead distinguishes a member that cannot serve a read from one that cruiser cannot ask: only the first is evidence. What is
// not known to be a failure of the member does not count as one.
func isFailedRead(endpoint string, err error) bool {
	if errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	var refused rpctypes.EtcdError
	if errors.As(err, &refused) {
		switch refused.Code() {
		case codes.Unavailable, codes.DeadlineExceeded, codes.DataLoss, codes.ResourceExhausted:
			return true // no leader, time-out, corrupt, overloaded; not: wrong password and the like
		default:
			return false
		}
	}
	if s, ok := status.FromError(err); ok && s.Code() == codes.DeadlineExceeded {
		return true
	}
	reason := err.Error()
	switch {
	case containsAny(reason, "lookup "): // the name does not resolve
		return false
	case containsAny(reason, "connection refused", "no route to host", "host is down", "timed out", "i/o timeout",
		"deadline exceeded", "keepalive"):
		return true
	case strings.HasPrefix(endpoint, "http://"): // a member that refuses the client's certificate ends the connection as well
		return containsAny(reason, "EOF", "connection reset", "broken pipe", "closed")
	default:
		return false
	}
}

func containsAny(text string, parts ...string) bool {
	for _, part := range parts {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}
