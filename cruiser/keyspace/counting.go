package keyspace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"

	"github.com/etcdfleet/etcd-fleet/internal/etcddiag"
)

const (
	// countedAtOnce is about how many keys a member counts while its writes wait: some 5 ms.
	countedAtOnce = 8192
)

// Counting counts all keys of several members range by range. It may start again with what it has learnt of the ranges.
type Counting struct {
	budget Spender

	// ranges are those of the state, and parts what they have been divided into.
	ranges Ranges
	parts  []Range

	// settled is how many of the parts are not divided any further in this run.
	settled int
}

// NewCounting returns a counting that starts with the ranges of a state, which State has returned.
func NewCounting(state string, budget Spender) *Counting {
	ranges := ParseRanges(state, countedAtOnce)
	return &Counting{budget: budget, ranges: ranges, parts: ranges.All()}
}

// MemberCount is how many keys a member holds at a revision.
type MemberCount struct {
	*etcddiag.Member
	Revision int64
	Keys     int64

	// byRange are the keys of each range, and unpaid what the budget has not been asked for yet.
	byRange []int64
	unpaid  int
}

// Count counts the keys of the voting members at the newest revision that all of them have. A member that fails keeps
// its error, is not asked any more and not returned. The error returned means that a member does not have that revision
// (any more), which a new attempt may cure, or that there was no time for all ranges.
func (k *Counting) Count(ctx context.Context, voters etcddiag.Members) ([]*MemberCount, error) {
	revision := slices.MinFunc(voters, etcddiag.ByRevision).Revision()
	var counts []*MemberCount
	for _, m := range voters {
		counts = append(counts, &MemberCount{Member: m, Revision: revision})
	}
	// What nobody has counted yet may be large: another member than the leader counts it first.
	inTurn := slices.Clone(counts)
	slices.SortStableFunc(inTurn, func(a, b *MemberCount) int { return etcddiag.ByLeadership(b.Member, a.Member) })
	for i := 0; i < len(k.parts); {
		divided, err := k.countPart(ctx, inTurn, i)
		if err != nil {
			return nil, err
		}
		if !divided {
			i++
		}
	}
	return slices.DeleteFunc(counts, func(c *MemberCount) bool { return c.Err != nil }), nil
}

// countPart counts one part of the keyspace on each member. If it turns out to be too large, it is divided instead, and
// nothing of it counts.
func (k *Counting) countPart(ctx context.Context, counts []*MemberCount, part int) (divided bool, err error) {
	found := make([]int64, len(counts))
	for i, c := range counts {
		if c.Err == nil {
			err = c.pay(ctx, k.budget)
		}
		if c.Err == nil && err == nil {
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
		c.Keys += found[i]
		c.byRange = append(c.byRange, found[i])
	}
	return false, nil
}

// divide divides a part that is too large, by reading a member that has so many keys in it. It takes a third of the time
// that is left at most.
func (k *Counting) divide(ctx context.Context, c *MemberCount, part int, keys int64) bool {
	if part < k.settled || !k.ranges.IsTooLarge(keys) {
		return false
	}
	if deadline, limited := ctx.Deadline(); limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/3)
		defer cancel()
	}
	parts, err := k.ranges.Divide(ctx, c.Client, WalkOptions{Endpoint: c.Endpoint, Budget: k.budget}, k.parts[part], keys)
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
func (c *MemberCount) pay(ctx context.Context, budget Spender) error {
	if c.unpaid == 0 {
		return nil
	}
	err := budget.Spend(ctx, c.Endpoint, c.unpaid, 0)
	if err != nil && ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) {
		return c.outOfTime(err)
	}
	c.Err, c.unpaid = err, 0
	return nil
}

func (c *MemberCount) count(ctx context.Context, r Range) (int64, error) {
	keys, err := CountRange(ctx, c.Client, r, c.Revision)
	switch {
	case err == nil:
		c.unpaid = PriceOfCounting(keys)
	case IsOutOfReach(err):
		return 0, fmt.Errorf("%s at revision %d: %w", c.Name, c.Revision, err)
	case ctx.Err() != nil:
		return 0, c.outOfTime(ctx.Err())
	default:
		c.Err = err
	}
	return keys, nil
}

// outOfTime says that a run ends before all keys are counted. A part of them proves nothing.
func (c *MemberCount) outOfTime(err error) error {
	return fmt.Errorf("%d keys of %s were counted: let checks read faster by a larger --budget-keys: %w", c.Keys, c.Name, err)
}

// IsOutOfReach reports whether a member does not have a revision any more, or not yet.
func IsOutOfReach(err error) bool {
	return errors.Is(err, rpctypes.ErrCompacted) || errors.Is(err, rpctypes.ErrFutureRev)
}

// State returns what the next run needs to know of the ranges: nothing as long as one is enough.
func (k *Counting) State(before string, counts []*MemberCount) string {
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
