package etcddiag

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/etcdfleet/etcd-fleet/internal/etcdclient"
	"github.com/etcdfleet/etcd-fleet/internal/sidebyside"
)

const (
	// compactionTimeout bounds the question for a member's last compaction, which it answers within about 100 ms.
	compactionTimeout = 5 * time.Second

	// hashTimeout bounds one hash. A scan takes 1 to 2 s a GiB on an idle machine.
	hashTimeout = 30 * time.Second

	// neverWrittenKey is read where only the answer's circumstances matter.
	neverWrittenKey = "\x00etcd-fleet/compaction"
)

// Hash is what a voting member said of its data.
type Hash struct {
	*Member

	// Compaction is the member's last compacted revision, 0 before the first.
	Compaction int64

	// Answered is true if the rest is known.
	Answered bool
	Basis    HashBasis
	Hash     uint32

	// Current is the member's revision when it answered.
	Current int64

	// Reason says why there is no answer.
	Reason string
}

// HashBasis is what a hash covers. Hashes with the same basis are equal if the data are.
type HashBasis struct {
	Compaction, Revision int64
}

// AskCompactions asks the members for their last compacted revisions. A member that fails keeps its error and is missing.
func AskCompactions(ctx context.Context, voters Members) []*Hash {
	var hashes []*Hash
	for _, m := range voters {
		hashes = append(hashes, &Hash{Member: m})
	}
	sidebyside.Do(ctx, hashes, func(h *Hash) { h.Compaction, h.Err = lastCompaction(ctx, h.Client) })
	return slices.DeleteFunc(hashes, func(h *Hash) bool { return h.Err != nil })
}

// lastCompaction returns the member's last compacted revision, 0 before the first. A read at revision 1 shows whether
// there was one; a watch from there is then refused with its revision, and reads nothing. (Without a compaction the watch
// would read the whole history.)
func lastCompaction(ctx context.Context, client *clientv3.Client) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, compactionTimeout)
	defer cancel()
	_, err := client.Get(ctx, neverWrittenKey, clientv3.WithSerializable(), clientv3.WithRev(1))
	if err == nil || !errors.Is(err, rpctypes.ErrCompacted) {
		return 0, err
	}
	for response := range client.Watch(ctx, neverWrittenKey, clientv3.WithRev(1)) {
		if response.CompactRevision > 0 {
			return response.CompactRevision, nil
		}
		if err := response.Err(); err != nil {
			return 0, err
		}
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	return 0, errors.New("it ended the watch that asks for its last compaction")
}

// Ask asks the member for its hash at the revision; 0 is the present one.
func (h *Hash) Ask(ctx context.Context, revision int64) {
	ctx, cancel := context.WithTimeout(ctx, hashTimeout)
	defer cancel()
	response, err := pb.NewMaintenanceClient(h.Client.ActiveConnection()).HashKV(ctx, &pb.HashKVRequest{Revision: revision})
	err = etcdclient.RequestError(ctx, err)
	switch {
	case errors.Is(err, rpctypes.ErrFutureRev):
		h.Reason = fmt.Sprintf("it lags: it does not have revision %d yet", revision)
	case errors.Is(err, rpctypes.ErrCompacted):
		h.Reason = fmt.Sprintf("it does not remember the hash of revision %d", revision)
	case err != nil:
		h.Err = err
	default:
		h.Answered, h.Hash, h.Current = true, response.Hash, response.Header.Revision
		h.Basis = HashBasis{Compaction: response.CompactRevision, Revision: revision}
		if revision == 0 {
			h.Basis.Revision = response.Header.Revision
		}
		if response.HashRevision > 0 { // 3.6 and later
			h.Basis.Revision = response.HashRevision
		}
	}
}

// Compactions says how many compactions a member has begun and finished since its start. Its metrics count them in
// histograms of their time.
func (m *Member) Compactions(ctx context.Context) (begun, finished uint64, err error) {
	const (
		begunCompactions    = "etcd_debugging_mvcc_index_compaction_pause_duration_milliseconds"
		finishedCompactions = "etcd_debugging_mvcc_db_compaction_total_duration_milliseconds"
	)
	families, err := m.Metrics(ctx, begunCompactions, finishedCompactions)
	return HistogramCount(families[begunCompactions]), HistogramCount(families[finishedCompactions]), err
}
