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
	clientv3 "go.etcd.io/etcd/client/v3"
	"golang.org/x/sync/errgroup"

	"github.com/etcdfleet/etcd-fleet/cruiser/etcd"
)

// statusTimeout bounds the wait for a member that is down or frozen.
const statusTimeout = 3 * time.Second

// member is one that the EtcdCluster names, and what it said of itself.
type member struct {
	name     string
	endpoint string
	client   *clientv3.Client
	status   *pb.StatusResponse

	// err says why the member is missing: it did not answer all that it was asked.
	err error

	// isStray tells that it serves another etcd cluster than most. The check membership finds it; all others leave it out.
	isStray bool
}

// members are in the order of the cluster's spec.
type members []*member

// askMembers asks all members for their status at once, and finds those that are stray. A member that fails keeps its error.
func askMembers(ctx context.Context, target Target) members {
	var all members
	var group errgroup.Group
	for _, spec := range target.Cluster.Members {
		m := &member{name: spec.Name, endpoint: spec.ClientURL}
		all = append(all, m)
		group.Go(func() error {
			m.askStatus(ctx, target.Members)
			return nil
		})
	}
	_ = group.Wait()
	all.findStrays()
	return all
}

func (m *member) askStatus(ctx context.Context, connector Connector) {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	if m.client, m.err = connector.Client(m.endpoint); m.err == nil {
		m.status, m.err = etcd.Status(ctx, m.client)
	}
}

// findStrays marks the members that serve another etcd cluster than the majority of those that answered.
func (a members) findStrays() {
	answered := a.filter((*member).hasAnswered)
	serving := map[uint64]int{}
	for _, m := range answered {
		serving[m.clusterID()]++
	}
	for id, served := range serving {
		if served <= len(answered)/2 {
			continue
		}
		for _, m := range answered {
			m.isStray = m.clusterID() != id
		}
	}
}

// verifyIdentities makes sure that the answers can be compared: they come from different members of one cluster, but for
// strays.
func (a members) verifyIdentities() error {
	if err := a.refuseTwins(); err != nil {
		return err
	}
	answered := a.filter(func(m *member) bool { return m.hasAnswered() && !m.isStray })
	for _, m := range answered {
		if first := answered[0]; m.clusterID() != first.clusterID() {
			return fmt.Errorf("%s belongs to the etcd cluster %x, %s to %x: correct their clientURL in the EtcdCluster, "+
				"or make the stray member join again", m.name, m.clusterID(), first.name, first.clusterID())
		}
	}
	return nil
}

// refuseTwins finds endpoints that are the same member: nothing is known of the one that is meant.
func (a members) refuseTwins() error {
	type identity struct{ cluster, member uint64 }
	known := map[identity]*member{}
	for _, m := range a.filter((*member).hasAnswered) {
		id := identity{m.clusterID(), m.status.Header.MemberId}
		if twin := known[id]; twin != nil {
			return fmt.Errorf("%s and %s are the same etcd member %x: correct their clientURL in the EtcdCluster",
				twin.name, m.name, id.member)
		}
		known[id] = m
	}
	return nil
}

// voters returns the voting members that answered all that they were asked.
func (a members) voters() members {
	return a.filter(func(m *member) bool { return m.err == nil && !m.isLearner() && !m.isStray })
}

// missing returns the voting members that did not.
func (a members) missing() members {
	return a.filter(func(m *member) bool { return m.err != nil && !m.isLearner() && !m.isStray })
}

func (a members) learners() members {
	return a.filter(func(m *member) bool { return m.isLearner() && !m.isStray })
}

func (a members) strays() members {
	return a.filter(func(m *member) bool { return m.isStray })
}

func (a members) filter(keep func(*member) bool) members {
	var kept members
	for _, m := range a {
		if keep(m) {
			kept = append(kept, m)
		}
	}
	return kept
}

// follower returns the voting member to read from: not the leader where that can be helped, and of the others the one
// with the newest data. It returns an error when no member answered, or when those that did are not of one cluster.
func (a members) follower() (*member, error) {
	if err := a.verifyIdentities(); err != nil {
		return nil, err
	}
	voters := a.voters()
	if len(voters) == 0 {
		return nil, fmt.Errorf("no member answered: %s", a.reasons())
	}
	return slices.MaxFunc(voters, func(a, b *member) int {
		return cmp.Or(byLeadership(a, b), byRevision(a, b))
	}), nil
}

// reasons says why members did not answer or are left out: "etcd-0: connection refused; etcd-2: no answer in time".
func (a members) reasons() string {
	var reasons []string
	for _, m := range a.missing() {
		reasons = append(reasons, fmt.Sprintf("%s: %s", m.name, etcd.Reason(m.err)))
	}
	for _, m := range a.strays() {
		reasons = append(reasons, m.name+": it serves another etcd cluster, see membership")
	}
	return strings.Join(reasons, "; ")
}

// tooFew says why fewer than two voting members could be compared.
func (a members) tooFew() error {
	others, answered := len(a.missing())+len(a.strays()), len(a.voters())
	if others == 0 {
		return fmt.Errorf("comparing needs 2 voting members and the cluster has %d: delete this EtcdMonitor", answered)
	}
	return fmt.Errorf("comparing needs 2 voting members and %d of %d answered: %s", answered, answered+others, a.reasons())
}

// remarks are clauses for a message about the members that are not compared: ",member etcd-2 is missing (…)".
func (a members) remarks() string {
	remarks := a.remarkMissing() + a.remarkStrays()
	for _, m := range a.learners() {
		remarks += fmt.Sprintf(",learner %s is not compared", m.name)
	}
	return remarks
}

func (a members) remarkMissing() string {
	remarks := ""
	for _, m := range a.missing() {
		remarks += fmt.Sprintf(",member %s is missing (%s)", m.name, etcd.Reason(m.err))
	}
	return remarks
}

func (a members) remarkStrays() string {
	remarks := ""
	for _, m := range a.strays() {
		remarks += fmt.Sprintf(",member %s is left out (it serves another etcd cluster, see membership)", m.name)
	}
	return remarks
}

// isLearner also knows the learner that refuses the login with a password, before it can be asked for its status.
func (m *member) isLearner() bool {
	return m.status != nil && m.status.IsLearner || errors.Is(m.err, etcd.ErrLearner)
}

// isLeader is what the member says of itself.
func (m *member) isLeader() bool {
	return m.status != nil && m.status.Leader == m.status.Header.MemberId
}

func (m *member) hasAnswered() bool { return m.err == nil }

func (m *member) clusterID() uint64 { return m.status.Header.ClusterId }

func (m *member) revision() int64 { return m.status.Header.Revision }

func byRevision(a, b *member) int { return cmp.Compare(a.revision(), b.revision()) }

// byLeadership orders the leader before the others.
func byLeadership(a, b *member) int {
	switch {
	case a.isLeader() == b.isLeader():
		return 0
	case a.isLeader():
		return -1
	default:
		return 1
	}
}
