package checks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"golang.org/x/sync/errgroup"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/etcd"
)

const (
	// statusTimeout bounds the wait for a member that is down or frozen.
	statusTimeout = 3 * time.Second

	// countTimeout bounds one count, which takes about 0.6 s a million keys.
	countTimeout = 20 * time.Second

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
		Run: nodeKeyDiff,
	})
}

// nodeKeyDiff compares how many keys the voting members hold at the newest revision that all of them have. It is Failed
// when they differ by more than the parameter maxDifference, else Warning when a member is missing.
//
// It reads no key: a serializable count is answered from the member's own in-memory index. But it walks that index under
// its lock, about 0.3 s for 500,000 keys, and the member's writes wait meanwhile. Between two runs the metric
// etcd_debugging_mvcc_keys_total shows a difference at no cost, only less exactly: members are not scraped at one revision.
func nodeKeyDiff(ctx context.Context, target Target) (Result, error) {
	maxDifference, err := target.Parameters.Count("maxDifference")
	if err != nil {
		return Result{}, err
	}
	for attempt := 1; ; attempt++ {
		members, err := askMembers(ctx, target)
		if err != nil {
			return Result{}, err
		}
		revision, err := members.countKeys(ctx)
		switch {
		case err == nil:
			return members.compare(target.Cluster.ClusterID, revision, maxDifference)
		case attempt == keyDiffAttempts:
			return Result{}, members.outOfReach(err)
		}
		select {
		case <-ctx.Done():
			return Result{}, members.outOfReach(err)
		case <-time.After(keyDiffPause):
		}
	}
}

// memberAnswer is what one member said.
type memberAnswer struct {
	name   string
	client *clientv3.Client
	status *pb.StatusResponse
	keys   int64

	// err says why the member is missing.
	err error
}

// memberAnswers are in the order of the cluster's spec.
type memberAnswers []*memberAnswer

// askMembers asks all members for their status at once. A member that fails keeps its error.
func askMembers(ctx context.Context, target Target) (memberAnswers, error) {
	var members memberAnswers
	var group errgroup.Group
	for _, spec := range target.Cluster.Members {
		member := &memberAnswer{name: spec.Name}
		members = append(members, member)
		group.Go(func() error {
			member.askStatus(ctx, target.Members, spec.ClientURL)
			return nil
		})
	}
	_ = group.Wait()
	return members, members.verifyIdentities()
}

func (m *memberAnswer) askStatus(ctx context.Context, members Connector, endpoint string) {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	if m.client, m.err = members.Client(endpoint); m.err == nil {
		m.status, m.err = etcd.Status(ctx, m.client)
	}
}

// verifyIdentities makes sure that the answers can be compared: they come from different members of one cluster.
func (a memberAnswers) verifyIdentities() error {
	byID := map[uint64]*memberAnswer{}
	var first *memberAnswer
	for _, m := range a {
		if m.err != nil {
			continue
		}
		if first == nil {
			first = m
		}
		if id := m.status.Header.ClusterId; id != first.status.Header.ClusterId {
			return fmt.Errorf("%s belongs to the etcd cluster %x, %s to %x: correct their clientURL in the EtcdCluster, "+
				"or make the stray member join again", m.name, id, first.name, first.status.Header.ClusterId)
		}
		id := m.status.Header.MemberId
		if twin := byID[id]; twin != nil {
			return fmt.Errorf("%s and %s are the same etcd member %x: correct their clientURL in the EtcdCluster",
				twin.name, m.name, id)
		}
		byID[id] = m
	}
	return nil
}

// countKeys counts the keys of the voting members at the newest revision that all of them have, and returns it. A member
// that fails keeps its error; the error returned means that a member does not have that revision (any more), which a
// new attempt may cure.
func (a memberAnswers) countKeys(ctx context.Context) (revision int64, err error) {
	voters := a.answering()
	if len(voters) < 2 {
		return 0, nil // nothing to compare
	}
	revision = slices.MinFunc(voters, byRevision).revision()
	var group errgroup.Group
	for _, m := range voters {
		group.Go(func() error { return m.count(ctx, revision) })
	}
	return revision, group.Wait()
}

func (m *memberAnswer) count(ctx context.Context, revision int64) error {
	ctx, cancel := context.WithTimeout(ctx, countTimeout)
	defer cancel()
	response, err := m.client.Get(ctx, "\x00", clientv3.WithFromKey(), clientv3.WithCountOnly(),
		clientv3.WithSerializable(), clientv3.WithRev(revision))
	if errors.Is(err, rpctypes.ErrCompacted) || errors.Is(err, rpctypes.ErrFutureRev) {
		return fmt.Errorf("%s at revision %d: %w", m.name, revision, err)
	}
	if m.err = err; err == nil {
		m.keys = response.Count
	}
	return nil
}

// compare judges the counts.
func (a memberAnswers) compare(clusterID string, revision, maxDifference int64) (Result, error) {
	counted := a.answering()
	if len(counted) < 2 {
		return Result{}, a.tooFew()
	}
	most := slices.MaxFunc(counted, byKeys).keys
	difference := most - slices.MinFunc(counted, byKeys).keys

	outcome := etcdv1beta1.OutcomePassed
	message := fmt.Sprintf("collectEtcdnodeKeyDiff,etcd cluster %s,total key num is %d,nodeKeyDiff is %d",
		clusterID, most, difference)
	if difference > 0 {
		message += fmt.Sprintf(",keys at revision %d:", revision)
		for _, m := range counted {
			message += fmt.Sprintf(" %s %d", m.name, m.keys)
		}
	}
	for _, m := range a.missing() {
		outcome = etcdv1beta1.OutcomeWarning
		message += fmt.Sprintf(",member %s is missing (%s)", m.name, etcd.Reason(m.err))
	}
	for _, m := range a.learners() {
		message += fmt.Sprintf(",learner %s is not compared", m.name)
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
			"members":     float64(len(counted)),
		},
	}, nil
}

// tooFew says why fewer than two members could be compared.
func (a memberAnswers) tooFew() error {
	missing := a.missing()
	counted := len(a.answering())
	if len(missing) == 0 {
		return fmt.Errorf("comparing needs 2 voting members and the cluster has %d: delete this EtcdMonitor", counted)
	}
	var reasons []string
	for _, m := range missing {
		reasons = append(reasons, fmt.Sprintf("%s: %s", m.name, etcd.Reason(m.err)))
	}
	return fmt.Errorf("comparing needs 2 voting members and %d of %d answered: %s",
		counted, counted+len(missing), strings.Join(reasons, "; "))
}

// outOfReach explains that the members have no readable revision in common.
func (a memberAnswers) outOfReach(err error) error {
	voters := a.answering()
	last, first := slices.MinFunc(voters, byRevision), slices.MaxFunc(voters, byRevision)
	return fmt.Errorf("no revision could be read on all members (%w); %s is %d revisions behind %s: "+
		"look at its disk and its network, or keep more history when compacting",
		err, last.name, first.revision()-last.revision(), first.name)
}

// answering returns the voting members that answered all that they were asked.
func (a memberAnswers) answering() memberAnswers {
	return a.filter(func(m *memberAnswer) bool { return m.err == nil && !m.isLearner() })
}

func (a memberAnswers) missing() memberAnswers {
	return a.filter(func(m *memberAnswer) bool { return m.err != nil && !m.isLearner() })
}

func (a memberAnswers) learners() memberAnswers {
	return a.filter((*memberAnswer).isLearner)
}

func (a memberAnswers) filter(keep func(*memberAnswer) bool) memberAnswers {
	var kept memberAnswers
	for _, m := range a {
		if keep(m) {
			kept = append(kept, m)
		}
	}
	return kept
}

// isLearner also knows the learner that refuses the login with a password, before it can be asked for its status.
func (m *memberAnswer) isLearner() bool {
	return m.status != nil && m.status.IsLearner || errors.Is(m.err, etcd.ErrLearner)
}

func (m *memberAnswer) revision() int64 { return m.status.Header.Revision }

func byRevision(a, b *memberAnswer) int { return cmp.Compare(a.revision(), b.revision()) }

func byKeys(a, b *memberAnswer) int { return cmp.Compare(a.keys, b.keys) }
