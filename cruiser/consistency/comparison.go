// Package consistency compares the data of a cluster's voting members by hashes of keys, values and revisions.
package consistency

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"

	"github.com/etcdfleet/etcd-fleet/cruiser/keyspace"
	"github.com/etcdfleet/etcd-fleet/internal/etcdclient"
	"github.com/etcdfleet/etcd-fleet/internal/etcddiag"
	"github.com/etcdfleet/etcd-fleet/internal/quantity"
)

// Comparison compares the voting members of a cluster.
//
// Since 3.5.5 etcd computes the hash while it compacts and remembers the last ten, so that the hash at the last compacted
// revision costs nothing; the comparison asks for that. After a restart a member remembers none, and older versions never
// do: a hash is then a scan of the whole database, about 1 s a GiB, while writes wait. Scans are made only if the member's
// database is no larger than MaxScanBytes, one member at a time, and at the pace of the cluster's budget. Of a larger one
// the hash is asked for only when its metrics show that it has it.
//
// A member that resumes a compaction after a restart may remember another hash of it though its data are equal
// (https://github.com/etcd-io/etcd/issues/15919). So hashes of one compaction that differ are only a Warning until a second
// fact agrees: a scan, or the hashes of the compaction before. The same holds for members that differ as their versions do.
// Replacing a member, which deletes its data, is advised only when two facts agree and a majority of the voters has the
// same data.
//
// Answers are compared as etcd's own checker does (server/etcdserver/corrupt.go): only those of equal compact_revision and
// revision; a member that lags, or that has compacted more, is not corrupt. With auth enabled HashKV needs the role root.
type Comparison struct {
	Members etcddiag.Connector
	Cluster etcdv1beta1.EtcdClusterSpec

	// Budget paces the scans.
	Budget keyspace.Spender

	// MaxScanBytes is the size of the largest database that may be scanned; 0 scans none.
	MaxScanBytes int64
}

// Verdict is what a comparison found.
type Verdict struct {
	Outcome etcdv1beta1.Outcome

	// Message is made of sentences: the finding, what to do, and which members were not compared.
	Message string

	// Compared is how many members were compared, 0 if none were.
	Compared int

	// Inconsistent is how many members differ. It is known if IsDecided, which it is not while a difference is only
	// suspected.
	Inconsistent int
	IsDecided    bool
}

// Try compares the members once. It is complete when another attempt would find nothing else.
func (c Comparison) Try(ctx context.Context) (verdict Verdict, complete bool, err error) {
	all := etcddiag.AskMembers(ctx, c.Members, c.Cluster)
	if err := all.VerifyIdentities(); err != nil {
		return Verdict{}, true, err
	}
	single, err := all.Alone(ctx)
	switch {
	case err != nil:
		return Verdict{}, true, err
	case single != nil:
		return Verdict{
			Outcome:  etcdv1beta1.OutcomePassed,
			Message:  etcddiag.NothingToCompare,
			Compared: 1, IsDecided: true,
		}, true, nil
	}
	hashes := etcddiag.AskCompactions(ctx, all.Voters())
	if len(hashes) < 2 {
		return Verdict{}, true, explainPermission(all, all.TooFew())
	}
	newest := slices.MaxFunc(hashes, byCompaction).Compaction
	remembered := newest > 0 && allRemember(hashes)
	large := slices.MaxFunc(hashes, bySize)
	if large.Status.DbSize > c.MaxScanBytes && !remembered {
		verdict, err := c.tooLarge(large, hashes)
		return verdict, true, err
	}
	if remembered {
		if hashes, err = c.askRemembered(ctx, hashes); err != nil {
			return Verdict{}, true, err
		}
	}
	found := evidence{hashes: hashes}
	mayScan := large.Status.DbSize <= c.MaxScanBytes
	switch {
	case mayScan && (!decided(hashes) || differ(hashes)):
		found, err = c.scan(ctx, hashes, newest)
	case differ(hashes):
		found.second, err = c.askPrevious(ctx, hashes)
	}
	if err != nil {
		return Verdict{}, true, err
	}
	verdict, err = found.judge(all, newest)
	return verdict, decided(found.hashes) || errors.Is(err, rpctypes.ErrPermissionDenied), err
}

// allRemember reports whether all members run versions that remember the hashes of compactions.
func allRemember(hashes []*etcddiag.Hash) bool {
	return !slices.ContainsFunc(hashes, func(h *etcddiag.Hash) bool { return !etcddiag.RemembersHashes(h.Status.Version) })
}

// askRemembered asks for the hashes that the members remember, at the compaction at which most can be compared: a member
// that lags a little has compacted less, and the others remember that compaction as well.
func (c Comparison) askRemembered(ctx context.Context, hashes []*etcddiag.Hash) ([]*etcddiag.Hash, error) {
	revisions := map[int64]bool{}
	for _, h := range hashes {
		if h.Compaction > 0 {
			revisions[h.Compaction] = true
		}
	}
	var best []*etcddiag.Hash
	for _, revision := range slices.Sorted(maps.Keys(revisions)) {
		var answers []*etcddiag.Hash
		for _, h := range hashes {
			answer, err := c.askRememberedHash(ctx, *h, revision)
			if err != nil {
				return nil, err
			}
			answers = append(answers, answer)
		}
		answers = withoutMissing(answers)
		if best == nil || len(largestGroup(answers)) > len(largestGroup(best)) {
			best = answers
		}
		if decided(answers) {
			break
		}
	}
	return best, nil
}

// askRememberedHash asks one member for its hash at a compaction. Only at its own last one it might have to scan: any
// other is remembered or refused. The error is that of spend.
func (c Comparison) askRememberedHash(ctx context.Context, h etcddiag.Hash, revision int64) (*etcddiag.Hash, error) {
	if h.Compaction < revision {
		h.Reason = fmt.Sprintf("it lags: its last compaction is at revision %d, that of others at %d", h.Compaction, revision)
		return &h, nil
	}
	if h.Compaction == revision && h.Status.DbSize > c.MaxScanBytes {
		if h.Reason = c.whyNotRemembered(ctx, h.Member); h.Reason != "" {
			return &h, nil
		}
	}
	h.Ask(ctx, revision)
	if h.Answered && h.Basis.Compaction == revision { // of a remembered hash it is the compaction before
		return &h, c.spend(ctx, h)
	}
	return &h, nil
}

// askPrevious asks for the hashes of the compaction before the one that hashes are of, which members that have run since
// then remember. None of them scans for it. The error is that of spend.
func (c Comparison) askPrevious(ctx context.Context, hashes []*etcddiag.Hash) ([]*etcddiag.Hash, error) {
	previous := largestGroup(hashes)[0].Basis.Compaction
	if previous <= 0 {
		return nil, nil
	}
	var answers []*etcddiag.Hash
	for _, h := range hashes {
		if h.Compaction <= previous {
			continue
		}
		answer := etcddiag.Hash{Member: h.Member, Compaction: h.Compaction}
		answer.Ask(ctx, previous)
		if err := c.spend(ctx, answer); err != nil {
			return nil, err
		}
		answers = append(answers, &answer)
	}
	return withoutMissing(answers), nil
}

// scan hashes the members' databases at the newest revision that all have, one after the other, and compares them with the
// hashes that the members remember. The error is that of spend.
func (c Comparison) scan(ctx context.Context, remembered []*etcddiag.Hash, newest int64) (evidence, error) {
	hashes := remembered
	revision := int64(0)
	for _, h := range hashes {
		if current := h.Revision(); current >= newest && (revision == 0 || current < revision) {
			revision = current
		}
	}
	if revision == newest {
		// A member that remembers the hash of that compaction would answer with it, which cannot be compared. 0 means
		// the present revision, and is never remembered.
		revision = 0
	}
	var scanned []*etcddiag.Hash
	for _, h := range hashes {
		answer := etcddiag.Hash{Member: h.Member, Compaction: h.Compaction}
		answer.Ask(ctx, revision)
		if err := c.spend(ctx, answer); err != nil {
			return evidence{}, err
		}
		scanned = append(scanned, &answer)
	}
	if len(largestGroup(scanned)) < len(largestGroup(hashes)) {
		return evidence{hashes: withoutMissing(hashes), second: withoutMissing(scanned)}, nil
	}
	return evidence{hashes: withoutMissing(scanned), scanned: true, second: withoutMissing(remembered)}, nil
}

// spend waits for the cluster's budget after a scan of the member.
func (c Comparison) spend(ctx context.Context, h etcddiag.Hash) error {
	if err := c.Budget.Spend(ctx, h.Endpoint, 0, h.Status.DbSizeInUse); err != nil {
		return fmt.Errorf("wait after the scan of %s: run this check at a quieter time, or set maxScanBytes lower: %w", h.Name, err)
	}
	return nil
}

// whyNotRemembered returns "" when the member's metrics show that it remembers the hash of its last compaction: it has
// finished as many as it began since its start, and one at least.
func (c Comparison) whyNotRemembered(ctx context.Context, m *etcddiag.Member) string {
	begun, finished, err := m.Compactions(ctx)
	if err != nil {
		return fmt.Sprintf("its metrics do not show whether it remembers the hash of its last compaction (%s): correct its "+
			"metricsURL in the EtcdCluster, or set maxScanBytes above %s", etcdclient.Reason(err), quantity.Size(float64(m.Status.DbSize)))
	}
	if finished == 0 || begun != finished {
		return "it restarted after the last compaction, or is compacting"
	}
	return ""
}

// tooLarge says why a cluster without remembered hashes is not compared.
func (c Comparison) tooLarge(large *etcddiag.Hash, hashes []*etcddiag.Hash) (Verdict, error) {
	size := fmt.Sprintf("the database of %s is %s", large.Name, quantity.Size(float64(large.Status.DbSize)))
	for _, h := range hashes {
		if !etcddiag.RemembersHashes(h.Status.Version) {
			return Verdict{
				Outcome: etcdv1beta1.OutcomeNotSupported,
				Message: fmt.Sprintf("Comparing data is not supported on %s above maxScanBytes (%s): %s, and etcd before 3.5.5 remembers no hashes "+
					"of compactions, so that it would have to be scanned.", h.Status.Version, quantity.Size(float64(c.MaxScanBytes)), size),
			}, nil
		}
	}
	return Verdict{}, fmt.Errorf("nothing has been compacted yet, so that only a scan could compare the data, and %s: "+
		"let etcd compact (--auto-compaction-retention), or set maxScanBytes above that", size)
}
