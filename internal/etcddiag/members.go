// Package etcddiag asks the members of an etcd cluster what is known of them: status, member lists, alarms, hashes, metrics,
// certificates and health. It changes nothing and judges nothing; whoever asks decides what an answer means.
package etcddiag

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/etcdclient"
	"github.com/etcdfleet/etcd-fleet/internal/sidebyside"
)

// StatusTimeout bounds the wait for a member that is down or frozen.
const StatusTimeout = 3 * time.Second

// Connector connects to members with the cluster's credentials; etcdclient.Lease is one. Its methods may be called
// concurrently.
type Connector interface {
	// Client returns a shared client of one endpoint, a member's clientURL.
	Client(endpoint string) (*clientv3.Client, error)

	// HTTP returns a shared client for what members serve beside gRPC, such as /health and /metrics. Its requests are
	// bounded by their context only.
	HTTP() (*http.Client, error)
}

// Member is one that the EtcdCluster names, and what it said of itself.
type Member struct {
	Name     string
	Endpoint string

	// MetricsEndpoint serves /metrics and /health.
	MetricsEndpoint string

	// Client is nil for a member that could not be connected to, and Status for one that did not answer.
	Client *clientv3.Client
	Status *pb.StatusResponse

	// Err says why the member is missing: it did not answer all that it was asked.
	Err error

	// IsStray is true for a member that serves another etcd cluster than the majority does. The check membership reports it;
	// everything else leaves it out.
	IsStray bool

	connector Connector
}

// Members are in the order of the cluster's spec.
type Members []*Member

// AskMembers asks all members of a cluster for their status at once, each within StatusTimeout, and finds the strays. A
// member that fails keeps its error.
func AskMembers(ctx context.Context, connector Connector, cluster etcdv1beta1.EtcdClusterSpec) Members {
	var all Members
	for _, spec := range cluster.Members {
		all = append(all, &Member{
			Name: spec.Name, Endpoint: spec.ClientURL, MetricsEndpoint: spec.MetricsEndpoint(), connector: connector,
		})
	}
	sidebyside.Do(ctx, all, func(m *Member) { m.askStatus(ctx) })
	all.findStrays()
	return all
}

func (m *Member) askStatus(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, StatusTimeout)
	defer cancel()
	if m.Client, m.Err = m.connector.Client(m.Endpoint); m.Err == nil {
		m.Status, m.Err = Status(ctx, m.Client)
	}
}

// findStrays marks the members that serve another etcd cluster than the majority of those that answered.
func (a Members) findStrays() {
	answered := a.Filter((*Member).hasAnswered)
	serving := map[uint64]int{}
	for _, m := range answered {
		serving[m.ClusterID()]++
	}
	for id, served := range serving {
		if served <= len(answered)/2 {
			continue
		}
		for _, m := range answered {
			m.IsStray = m.ClusterID() != id
		}
	}
}

// VerifyIdentities makes sure that the answers can be compared: they come from different members of one cluster, except
// strays.
func (a Members) VerifyIdentities() error {
	if err := a.RefuseTwins(); err != nil {
		return err
	}
	answered := a.Filter(func(m *Member) bool { return m.hasAnswered() && !m.IsStray })
	for _, m := range answered {
		if first := answered[0]; m.ClusterID() != first.ClusterID() {
			return fmt.Errorf("%s belongs to the etcd cluster %x, and %s to %x: correct their clientURL in the EtcdCluster, "+
				"and see the check membership", m.Name, m.ClusterID(), first.Name, first.ClusterID())
		}
	}
	return nil
}

// RefuseTwins finds endpoints that are the same member: nothing is known of the one that is meant.
func (a Members) RefuseTwins() error {
	type identity struct{ cluster, member uint64 }
	known := map[identity]*Member{}
	for _, m := range a.Filter((*Member).hasAnswered) {
		id := identity{m.ClusterID(), m.Status.Header.MemberId}
		if twin := known[id]; twin != nil {
			return fmt.Errorf("%s and %s are the same etcd member %x: correct their clientURL in the EtcdCluster",
				twin.Name, m.Name, id.member)
		}
		known[id] = m
	}
	return nil
}

// Voters returns the voting members that answered all that they were asked.
func (a Members) Voters() Members {
	return a.Filter(func(m *Member) bool { return m.Err == nil && !m.IsLearner() && !m.IsStray })
}

// Missing returns the voting members that did not.
func (a Members) Missing() Members {
	return a.Filter(func(m *Member) bool { return m.Err != nil && !m.IsLearner() && !m.IsStray })
}

// Learners returns the learners, whether they answered or not.
func (a Members) Learners() Members {
	return a.Filter(func(m *Member) bool { return m.IsLearner() && !m.IsStray })
}

// Strays returns the members that serve another etcd cluster.
func (a Members) Strays() Members {
	return a.Filter(func(m *Member) bool { return m.IsStray })
}

// WithStatus returns the members whose status is known, learners included and strays excluded.
func (a Members) WithStatus() Members {
	return a.Filter(func(m *Member) bool { return m.Status != nil && !m.IsStray })
}

// Filter returns the members to keep, in the same order.
func (a Members) Filter(keep func(*Member) bool) Members {
	var kept Members
	for _, m := range a {
		if keep(m) {
			kept = append(kept, m)
		}
	}
	return kept
}

// Follower returns the voting member to read from: not the leader if there is another one, and of the others the one with
// the newest data. It returns an error when no member answered, or when those that did are not of one cluster.
func (a Members) Follower() (*Member, error) {
	if err := a.VerifyIdentities(); err != nil {
		return nil, err
	}
	voters := a.Voters()
	if len(voters) == 0 {
		return nil, a.NoAnswer()
	}
	return slices.MaxFunc(voters, func(a, b *Member) int {
		return cmp.Or(ByLeadership(a, b), ByRevision(a, b))
	}), nil
}

// NoAnswer is the error of a cluster none of whose members answered.
func (a Members) NoAnswer() error { return fmt.Errorf("no member answered: %s", a.Reasons()) }

// Reasons says why members did not answer or are left out: "etcd-0: connection refused, etcd-2: no answer in time".
func (a Members) Reasons() string {
	var reasons []string
	for _, m := range a.Missing() {
		reasons = append(reasons, fmt.Sprintf("%s: %s", m.Name, etcdclient.Reason(m.Err)))
	}
	for _, m := range a.Strays() {
		reasons = append(reasons, m.Name+": it serves another etcd cluster (see the check membership)")
	}
	return strings.Join(reasons, ", ")
}

// Alone returns the only voting member, or nil. The member list that it holds itself confirms that there is no other,
// which the EtcdCluster may fail to name.
func (a Members) Alone(ctx context.Context) (*Member, error) {
	voters := a.Voters()
	if len(voters) != 1 || len(a.Missing())+len(a.Strays()) > 0 {
		return nil, nil
	}
	list, err := voters[0].ListMembers(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask %s who is a member: %s", voters[0].Name, etcdclient.Reason(err))
	}
	if others := slices.DeleteFunc(list, func(entry *pb.Member) bool { return entry.IsLearner }); len(others) > 1 {
		return nil, fmt.Errorf("etcd has %d voting members and the EtcdCluster names 1: add the others to its spec.members",
			len(others))
	}
	return voters[0], nil
}

// TooFew is the error of a comparison for which fewer than two voting members are left.
func (a Members) TooFew() error {
	others, answered := len(a.Missing())+len(a.Strays()), len(a.Voters())
	if answered+others < 2 {
		return fmt.Errorf("no voting member answered: %s", cmp.Or(a.Reasons(), "all are learners"))
	}
	return fmt.Errorf("comparing needs 2 voting members and %d of %d answered: %s", answered, answered+others, a.Reasons())
}

// IsLearner also recognizes a learner that refuses the login with a password, before it can be asked for its status.
func (m *Member) IsLearner() bool {
	return m.Status != nil && m.Status.IsLearner || errors.Is(m.Err, etcdclient.ErrLearner)
}

// IsLeader is what the member says of itself.
func (m *Member) IsLeader() bool {
	return m.Status != nil && m.Status.Leader == m.Status.Header.MemberId
}

func (m *Member) hasAnswered() bool { return m.Err == nil }

// ClusterID is the ID of the etcd cluster that a member with a status serves.
func (m *Member) ClusterID() uint64 { return m.Status.Header.ClusterId }

// Revision is the one that a member with a status had when it was asked.
func (m *Member) Revision() int64 { return m.Status.Header.Revision }

// ByRevision orders the member with the oldest data first.
func ByRevision(a, b *Member) int { return cmp.Compare(a.Revision(), b.Revision()) }

// ByLeadership orders the leader before the others.
func ByLeadership(a, b *Member) int {
	switch {
	case a.IsLeader() == b.IsLeader():
		return 0
	case a.IsLeader():
		return -1
	default:
		return 1
	}
}
