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
}

// members are in the order of the cluster's spec.
type members []*member

// askMembers asks all members for their status at once. A member that fails keeps its error.
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
	return all
}

func (m *member) askStatus(ctx context.Context, connector Connector) {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	if m.client, m.err = connector.Client(m.endpoint); m.err == nil {
		m.status, m.err = etcd.Status(ctx, m.client)
	}
}

// verifyIdentities makes sure that the answers can be compared: they come from different members of one cluster.
func (a members) verifyIdentities() error {
	byID := map[uint64]*member{}
	var first *member
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

// voters returns the voting members that answered all that they were asked.
func (a members) voters() members {
	return a.filter(func(m *member) bool { return m.err == nil && !m.isLearner() })
}

// missing returns the voting members that did not.
func (a members) missing() members {
	return a.filter(func(m *member) bool { return m.err != nil && !m.isLearner() })
}

func (a members) learners() members {
	return a.filter((*member).isLearner)
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
// with the newest data. It returns an error when no member answered.
func (a members) follower() (*member, error) {
	voters := a.voters()
	if len(voters) == 0 {
		return nil, fmt.Errorf("no member answered: %s", a.reasons())
	}
	return slices.MaxFunc(voters, func(a, b *member) int {
		if a.isLeader() != b.isLeader() {
			return map[bool]int{true: -1, false: 1}[a.isLeader()]
		}
		return byRevision(a, b)
	}), nil
}

// reasons says why members are missing: "etcd-0: connection refused; etcd-2: no answer in time".
func (a members) reasons() string {
	var reasons []string
	for _, m := range a.missing() {
		reasons = append(reasons, fmt.Sprintf("%s: %s", m.name, etcd.Reason(m.err)))
	}
	return strings.Join(reasons, "; ")
}

// tooFew says why fewer than two voting members could be compared.
func (a members) tooFew() error {
	missing, answered := len(a.missing()), len(a.voters())
	if missing == 0 {
		return fmt.Errorf("comparing needs 2 voting members and the cluster has %d: delete this EtcdMonitor", answered)
	}
	return fmt.Errorf("comparing needs 2 voting members and %d of %d answered: %s", answered, answered+missing, a.reasons())
}

// remarks are clauses for a message about the members that are missing or learners: ",member etcd-2 is missing (…)".
func (a members) remarks() string {
	var remarks strings.Builder
	for _, m := range a.missing() {
		fmt.Fprintf(&remarks, ",member %s is missing (%s)", m.name, etcd.Reason(m.err))
	}
	for _, m := range a.learners() {
		fmt.Fprintf(&remarks, ",learner %s is not compared", m.name)
	}
	return remarks.String()
}

// isLearner also knows the learner that refuses the login with a password, before it can be asked for its status.
func (m *member) isLearner() bool {
	return m.status != nil && m.status.IsLearner || errors.Is(m.err, etcd.ErrLearner)
}

// isLeader is what the member says of itself.
func (m *member) isLeader() bool {
	return m.status != nil && m.status.Leader == m.status.Header.MemberId
}

func (m *member) revision() int64 { return m.status.Header.Revision }

func byRevision(a, b *member) int { return cmp.Compare(a.revision(), b.revision()) }
