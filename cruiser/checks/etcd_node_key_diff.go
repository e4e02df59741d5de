package checks

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/keyspace"
	"github.com/etcdfleet/etcd-fleet/internal/etcddiag"
	"github.com/etcdfleet/etcd-fleet/internal/parameters"
)

const (
	// keyDiffAttempts is how often a common revision is chosen, and keyDiffPause what a lagging member is given to catch
	// up in between.
	keyDiffAttempts = 4
	keyDiffPause    = 250 * time.Millisecond
)

func init() {
	register(Check{
		Name: "etcd-node-key-diff",
		Parameters: parameters.Set{{
			Name: "maxDifference", Kind: parameters.Count, Default: "0",
			Help: "Keys by which members may differ.",
		}},
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
// 80,000 keys per second, so that three members with a million keys take 40 s. Where the ranges end is remembered in the
// state. What turns out to be too large for a range, as all keys in the first run, is divided before other members count
// it, by reading its keys, without values, from the one that did: half a million take a minute. The result does not depend
// on it, only how long writes wait.
//
// Between two runs the metric etcd_debugging_mvcc_keys_total shows a difference at no cost, only less exactly: members are
// not scraped at one revision.
func nodeKeyDiff(ctx context.Context, target Target) (Result, error) {
	counting := keyspace.NewCounting(target.State, target.Budget)
	for attempt := 1; ; attempt++ {
		all := etcddiag.AskMembers(ctx, target.Members, target.Cluster)
		if err := all.VerifyIdentities(); err != nil {
			return Result{}, err
		}
		single, err := all.Alone(ctx)
		if err != nil {
			return Result{}, err
		}
		if single == nil && len(all.Voters()) < 2 {
			return Result{}, all.TooFew()
		}
		counts, err := counting.Count(ctx, all.Voters())
		switch {
		case err == nil:
			if len(counts) < 2 && single == nil || len(counts) == 0 {
				return Result{}, all.TooFew()
			}
			result := compareKeys(target.Cluster.ClusterID, all, counts, target.Parameters.Count("maxDifference"))
			result.State = counting.State(target.State, counts)
			return result, nil
		case !keyspace.IsOutOfReach(err):
			return Result{}, err
		case attempt == keyDiffAttempts:
			return Result{}, outOfReach(all.Voters(), err)
		}
		select {
		case <-ctx.Done():
			return Result{}, outOfReach(all.Voters(), err)
		case <-time.After(keyDiffPause):
		}
	}
}

// compareKeys judges the counts. The message begins with the original platform's sentence, which other programs read.
func compareKeys(clusterID string, all etcddiag.Members, counts []*keyspace.MemberCount, maxDifference int64) Result {
	most := slices.MaxFunc(counts, byKeys).Keys
	difference := most - slices.MinFunc(counts, byKeys).Keys

	message := fmt.Sprintf("collectEtcdnodeKeyDiff,etcd cluster %s,total key num is %d,nodeKeyDiff is %d",
		clusterID, most, difference)
	if difference > 0 {
		var each []string
		for _, c := range counts {
			each = append(each, fmt.Sprintf("%s has %d", c.Name, c.Keys))
		}
		message += fmt.Sprintf(". Keys at revision %d: %s", counts[0].Revision, strings.Join(each, ", "))
		if difference > maxDifference {
			message += ". Compare the data by the check data-consistency before you replace a member"
		}
	}
	if remarks := all.Remarks(); remarks != "" || difference > 0 || len(counts) == 1 {
		message += "." + remarks
	}
	if len(counts) == 1 {
		message += " " + etcddiag.NothingToCompare
	}
	outcome := etcdv1beta1.OutcomePassed
	if len(all.Missing()) > 0 {
		outcome = etcdv1beta1.OutcomeWarning
	}
	if difference > maxDifference {
		outcome = etcdv1beta1.OutcomeFailed
	}
	return Result{
		Outcome: outcome,
		Message: message,
		Values: map[string]float64{
			"nodeKeyDiff": float64(difference),
			"totalKeys":   float64(most),
			"members":     float64(len(counts)),
		},
	}
}

// outOfReach explains that the members have no readable revision in common.
func outOfReach(voters etcddiag.Members, err error) error {
	last, first := slices.MinFunc(voters, etcddiag.ByRevision), slices.MaxFunc(voters, etcddiag.ByRevision)
	return fmt.Errorf("no revision could be read on all members (%w), and %s is %d revisions behind %s: "+
		"look at its disk and its network, or keep more history when compacting",
		err, last.Name, first.Revision()-last.Revision(), first.Name)
}

func byKeys(a, b *keyspace.MemberCount) int { return cmp.Compare(a.Keys, b.Keys) }
