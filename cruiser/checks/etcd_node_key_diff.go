package checks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/etcd"
)

const (
	// countedAtOnce is about how many keys a member counts while its writes wait: some 5 ms.
	countedAtOnce = 8192

	// keyDiffAttempts is how often a common revision is chosen, and keyDiffPause what a lagging member is given to catch
	// up in between.
	keyDiffAttempts = 4
	keyDiffPause    = 250 * time.Millisecond
)

func init() {
	register(Check{
		Name:       "etcd-node-key-diff",
		Parameters: Parameters{"maxDifference": "0"},
		Values: []Value{
			{
				Name:   "nodeKeyDiff",
				Metric: "etcd_inspection_node_key_difference",
				Help:   "Keys by which the voting members of a cluster differ at one revision.",
			},
			{
				Name:   "totalKeys",
				Metric: "etcd_inspection_keys",
				Help:   "Keys of a cluster, counted on the member that has most.",
			},
			{
				Name:   "members",
				Metric: "etcd_inspection_compared_members",
				Help:   "Voting members that answered and were compared.",
			},
		},
		Timeout: 10 * time.Minute,
		Run:     nodeKeyDiff,
	})
}

// nodeKeyDiff compares how many keys the voting members hold at the newest revision that all of them have. It is Failed
// when they differ by more than the parameter maxDifference, else Warning when a member is missing.
//
// A serializable count is answered from the member's own in-memory index. But it walks that index under its lock, about
// 0.6 s a million keys, and the member's writes wait meanwhile. Therefore a large cluster is counted in ranges of some
// thousand keys, one member after the other, so that the others make a quorum, and paced by the budget: in its default
// 80,000 keys a second, so that three members with a million keys take 40 s. Where the ranges end is remembered in the
// state. What turns out to be too large for a range, as all keys in the first run, is divided before other members count
// it, by reading its keys, without values, from the one that did: half a million take a minute. The result does not depend
// on it, only how long writes wait.
//
// Between two runs the metric etcd_debugging_mvcc_keys_total shows a difference at no cost, only less exactly: members are
// not scraped at one revision.
func nodeKeyDiff(ctx context.Context, target Target) (Result, error) {
	maxDifference, err := target.Parameters.Count("maxDifference")
	if err != nil {
		return Result{}, err
	}
	counting := newKeyCounting(target)
	for attempt := 1; ; attempt++ {
		all := askMembers(ctx, target)
		if err := all.verifyIdentities(); err != nil {
			return Result{}, err
		}
		counts, err := counting.count(ctx, all.voters())
		switch {
		case err == nil:
			result, err := compareKeys(target.Cluster.ClusterID, all, counts, maxDifference)
			if err == nil {
				result.State = counting.state(target.State, counts)
			}
			return result, err
		case !isOutOfReach(err):
			return Result{}, err
		case attempt == keyDiffAttempts:
			return Result{}, outOfReach(all.voters(), err)
		}
		select {
		case <-ctx.Done():
			return Result{}, outOfReach(all.voters(), err)
		case <-time.After(keyDiffPause):
		}
	}
}

// keyCounting counts all keys range by range. It may begin again with what it has learnt of the ranges.
type keyCounting struct {
	budget Budget

	// ranges are those of the state, and parts what they have been divided into.
	ranges etcd.Ranges
	parts  []etcd.Range

	// settled is how many of the parts are not divided any further in this run.
	settled int
}

func newKeyCounting(target Target) *keyCounting {
	ranges := etcd.ParseRanges(target.State, countedAtOnce)
	return &keyCounting{budget: target.Budget, ranges: ranges, parts: ranges.All()}
}

// keyCount is how many keys a member holds at a revision.
type keyCount struct {
	*member
	revision int64
	keys     int64

	// byRange are the keys of each range, and unpaid what the budget has not been asked for yet.
	byRange []int64
	unpaid  int
}

// count counts the keys of the voting members at the newest revision that all of them have. A member that fails keeps
// its error, is not asked any more and not returned. The error returned means that a member does not have that revision
// (any more), which a new attempt may cure, or that there was no time for all ranges.
func (k *keyCounting) count(ctx context.Context, voters members) ([]*keyCount, error) {
	if len(voters) < 2 {
		return nil, nil // nothing to compare
	}
	revision := slices.MinFunc(voters, byRevision).revision()
	var counts []*keyCount
	for _, m := range voters {
		counts = append(counts, &keyCount{member: m, revision: revision})
	}
	// What nobody has counted yet may be large: not the leader counts it first.
	inTurn := slices.Clone(counts)
	slices.SortStableFunc(inTurn, func(a, b *keyCount) int { return byLeadership(b.member, a.member) })
	for i := 0; i < len(k.parts); {
		divided, err := k.countPart(ctx, inTurn, i)
		if err != nil {
			return nil, err
		}
		if !divided {
			i++
		}
	}
	return slices.DeleteFunc(counts, func(c *keyCount) bool { return c.err != nil }), nil
}

// countPart counts one part of the keyspace on each member. If it turns out to be too large, it is divided instead, and
// nothing of it counts.
func (k *keyCounting) countPart(ctx context.Context, counts []*keyCount, part int) (divided bool, err error) {
	found := make([]int64, len(counts))
	for i, c := range counts {
		if c.err == nil {
			err = c.pay(ctx, k.budget)
		}
		if c.err == nil && err == nil {
			found[i], err = c.count(ctx, k.parts[part])
		}
		if err != nil {
			return false, err
		}
		if k.divide(ctx, c, part, found[i]) {
			return true, nil
		}
	}
	for i, c := range counts {
		c.keys += found[i]
		c.byRange = append(c.byRange, found[i])
	}
	return false, nil
}

// divide divides a part that is too large, by reading a member that has so many keys in it. It takes a third of the time
// that is left at most.
func (k *keyCounting) divide(ctx context.Context, c *keyCount, part int, keys int64) bool {
	if part < k.settled || !k.ranges.IsTooLarge(keys) {
		return false
	}
	if deadline, limited := ctx.Deadline(); limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/3)
		defer cancel()
	}
	parts, err := k.ranges.Divide(ctx, c.client, etcd.WalkOptions{Endpoint: c.endpoint, Budget: k.budget}, k.parts[part], keys)
	k.parts = slices.Replace(k.parts, part, part+1, parts...)
	k.settled = part + len(parts)
	if err != nil {
		k.settled = len(k.parts)
	}
	return len(parts) > 1
}

// pay spends for what was counted last before more is. A member that stays too slow fails. A cluster with one range
// waits for nothing: its count is over, and a check that compares data shall do so also where no quorum answers what the
// budget asks.
func (c *keyCount) pay(ctx context.Context, budget Budget) error {
	if c.unpaid == 0 {
		return nil
	}
	err := budget.Spend(ctx, c.endpoint, c.unpaid, 0)
	if err != nil && ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) {
		return c.outOfTime(err)
	}
	c.err, c.unpaid = err, 0
	return nil
}

func (c *keyCount) count(ctx context.Context, r etcd.Range) (int64, error) {
	keys, err := etcd.CountRange(ctx, c.client, r, c.revision)
	switch {
	case err == nil:
		c.unpaid = etcd.PriceOfCounting(keys)
	case isOutOfReach(err):
		return 0, fmt.Errorf("%s at revision %d: %w", c.name, c.revision, err)
	case ctx.Err() != nil:
		return 0, c.outOfTime(ctx.Err())
	default:
		c.err = err
	}
	return keys, nil
}

// outOfTime says that a run ends before all keys are counted. A part of them tells nothing.
func (c *keyCount) outOfTime(err error) error {
	return fmt.Errorf("%d keys of %s were counted: let checks read faster by a larger --budget-keys: %w", c.keys, c.name, err)
}

// isOutOfReach tells whether a member does not have a revision any more, or not yet.
func isOutOfReach(err error) bool {
	return errors.Is(err, rpctypes.ErrCompacted) || errors.Is(err, rpctypes.ErrFutureRev)
}

// state returns what the next run is told of the ranges: nothing as long as one is enough.
func (k *keyCounting) state(before string, counts []*keyCount) string {
	most := make([]int64, len(k.parts))
	for _, c := range counts {
		for i, keys := range c.byRange {
			most[i] = max(most[i], keys)
		}
	}
	ranges := k.ranges.Adjust(k.parts, most)
	if before == "" && len(ranges.All()) == 1 {
		return ""
	}
	return ranges.String()
}

// compareKeys judges the counts.
func compareKeys(clusterID string, all members, counts []*keyCount, maxDifference int64) (Result, error) {
	if len(counts) < 2 {
		return Result{}, all.tooFew()
	}
	most := slices.MaxFunc(counts, byKeys).keys
	difference := most - slices.MinFunc(counts, byKeys).keys

	message := fmt.Sprintf("collectEtcdnodeKeyDiff,etcd cluster %s,total key num is %d,nodeKeyDiff is %d",
		clusterID, most, difference)
	if difference > 0 {
		message += fmt.Sprintf(",keys at revision %d:", counts[0].revision)
		for _, c := range counts {
			message += fmt.Sprintf(" %s %d", c.name, c.keys)
		}
	}
	outcome := etcdv1beta1.OutcomePassed
	if len(all.missing()) > 0 {
		outcome = etcdv1beta1.OutcomeWarning
	}
	if difference > maxDifference {
		outcome = etcdv1beta1.OutcomeFailed
	}
	return Result{
		Outcome: outcome,
		Message: message + all.remarks(),
		Values: map[string]float64{
			"nodeKeyDiff": float64(difference),
			"totalKeys":   float64(most),
			"members":     float64(len(counts)),
		},
	}, nil
}

// outOfReach explains that the members have no readable revision in common.
func outOfReach(voters members, err error) error {
	last, first := slices.MinFunc(voters, byRevision), slices.MaxFunc(voters, byRevision)
	return fmt.Errorf("no revision could be read on all members (%w); %s is %d revisions behind %s: "+
		"look at its disk and its network, or keep more history when compacting",
		err, last.name, first.revision()-last.revision(), first.name)
}

func byKeys(a, b *keyCount) int { return cmp.Compare(a.keys, b.keys) }
