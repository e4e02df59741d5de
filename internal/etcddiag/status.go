package etcddiag

import (
	"context"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/etcdfleet/etcd-fleet/internal/etcdclient"
	"github.com/etcdfleet/etcd-fleet/internal/foreign"
)

// ProbeKey is read and never written: what is measured is the way through Raft and the store, not a key.
const ProbeKey = "\x00etcd-fleet/latency"

// Status asks the client's member for its status over the shared connection: clientv3's own Status connects, and logs
// in, each time.
func Status(ctx context.Context, client *clientv3.Client) (*pb.StatusResponse, error) {
	response, err := pb.NewMaintenanceClient(client.ActiveConnection()).Status(ctx, &pb.StatusRequest{})
	if err == nil {
		response.Version = foreign.Quote(response.Version)
		for i, text := range response.Errors {
			response.Errors[i] = foreign.Quote(text)
		}
	}
	return response, etcdclient.RequestError(ctx, err)
}

// ReadByQuorum reads ProbeKey as a client does that wants the newest value, and returns the ID of the cluster that answered.
// clientv3's own Get waits for a connection until ctx ends: what keeps it from being made would not be known.
func ReadByQuorum(ctx context.Context, client *clientv3.Client) (cluster uint64, err error) {
	response, err := pb.NewKVClient(client.ActiveConnection()).Range(ctx, &pb.RangeRequest{Key: []byte(ProbeKey), CountOnly: true})
	if err != nil {
		return 0, etcdclient.RequestError(ctx, err)
	}
	return response.Header.ClusterId, nil
}
