package checks

import (
	"context"
	"time"

	"github.com/etcdfleet/etcd-fleet/cruiser/consistency"
	"github.com/etcdfleet/etcd-fleet/internal/parameters"
)

const (
	// hashAttempts is how often hashes are asked for until all can be compared, and hashPause what a compaction that is
	// under way, or a lagging member, is given in between.
	hashAttempts = 3
	hashPause    = 2 * time.Second
)

func init() {
	register(Check{
		Name: "data-consistency",
		Parameters: parameters.Set{{
			Name: "maxScanBytes", Kind: parameters.Bytes, Default: "256Mi",
			Help: "Size of the largest database that may be scanned to hash it.",
		}},
		Values: []Value{
			{
				Name:   "inconsistentMembers",
				Metric: "etcd_inspection_inconsistent_members",
				Help:   "Voting members of a cluster whose data differ from the majority's; all that were compared where there is no majority.",
			},
			{
				Name:   "members",
				Metric: "etcd_inspection_compared_members",
				Help:   "Voting members that answered and were compared.",
			},
		},
		Expensive: true,
		Interval:  time.Hour,
		Timeout:   15 * time.Minute,
		Run:       dataConsistency,
	})
}

// dataConsistency compares a hash of keys, values and revisions of the voting members, all at one revision. It is Failed
// when members differ, naming those that differ from the majority, else Warning when a member is missing, lags or could
// not be compared. It finds what the key count cannot: changed values and lost revisions. What was written after the
// revision that is compared is seen by a later run.
//
// consistency.Comparison says what it asks members, what that costs them, and which facts it takes to call data different.
func dataConsistency(ctx context.Context, target Target) (Result, error) {
	comparison := consistency.Comparison{
		Members:      target.Members,
		Cluster:      target.Cluster,
		Budget:       target.Budget,
		MaxScanBytes: target.Parameters.Bytes("maxScanBytes"),
	}
	for attempt := 1; ; attempt++ {
		verdict, complete, err := comparison.Try(ctx)
		if complete || attempt == hashAttempts {
			return judgeConsistency(verdict), err
		}
		select {
		case <-ctx.Done():
			return judgeConsistency(verdict), err
		case <-time.After(hashPause):
		}
	}
}

func judgeConsistency(verdict consistency.Verdict) Result {
	result := Result{Outcome: verdict.Outcome, Message: verdict.Message}
	if verdict.Compared > 0 {
		result.Values = map[string]float64{"members": float64(verdict.Compared)}
	}
	if verdict.IsDecided {
		result.Values["inconsistentMembers"] = float64(verdict.Inconsistent)
	}
	return result
}
