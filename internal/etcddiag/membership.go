package etcddiag

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/sidebyside"
)

// View is what one endpoint believes.
type View struct {
	*Member

	// List is nil for a learner, which refuses to give it.
	List []*pb.Member
}

// Memberships are the views of the endpoints that answered, by etcd cluster.
type Memberships struct {
	All Members

	// Main is the etcd cluster with the most endpoints, Stray are endpoints of others.
	Main, Stray []*View

	// Members is the list that most of Main hold, Believers those who hold it.
	Members   []*pb.Member
	Believers []*View

	// ClusterIDs is how many different etcd clusters answered.
	ClusterIDs int
}

// AskMemberships asks all endpoints at once. An error means that nothing can be said.
func AskMemberships(ctx context.Context, connector Connector, cluster etcdv1beta1.EtcdClusterSpec) (*Memberships, error) {
	all := AskMembers(ctx, connector, cluster)
	var views []*View
	for _, m := range all {
		if m.Status != nil {
			views = append(views, &View{Member: m})
		}
	}
	sidebyside.Do(ctx, views, func(v *View) {
		if !v.IsLearner() {
			v.List, v.Err = v.ListMembers(ctx)
		}
	})
	views = slices.DeleteFunc(views, func(v *View) bool { return v.Err != nil })
	if !slices.ContainsFunc(views, func(v *View) bool { return v.List != nil }) {
		return nil, fmt.Errorf("no voting member answered: %s", all.Reasons())
	}
	if err := all.RefuseTwins(); err != nil {
		return nil, err
	}
	return divideViews(all, views), nil
}

// divideViews finds the main etcd cluster, which most voting members serve, and the member list of most of them. Where
// numbers do not decide, the cluster with more members in its list is the main one: a stray member is alone in its own.
func divideViews(all Members, views []*View) *Memberships {
	byCluster := groupViews(views, func(v *View) string { return fmt.Sprintf("%x", v.ClusterID()) })
	m := &Memberships{All: all, ClusterIDs: len(byCluster)}
	m.Main = slices.MaxFunc(byCluster, func(a, b []*View) int {
		return cmp.Or(cmp.Compare(len(votersOf(a)), len(votersOf(b))), cmp.Compare(len(largestList(a)), len(largestList(b))))
	})
	for _, v := range views {
		if !slices.Contains(m.Main, v) {
			m.Stray = append(m.Stray, v)
		}
	}
	byList := groupViews(m.Voters(), func(v *View) string { return DescribeList(v.List) })
	m.Believers = slices.MaxFunc(byList, func(a, b []*View) int { return cmp.Compare(len(a), len(b)) })
	m.Members = m.Believers[0].List
	return m
}

// groupViews returns groups of equal keys in the order of the first of each.
func groupViews(views []*View, key func(*View) string) [][]*View {
	var groups [][]*View
	for _, v := range views {
		i := slices.IndexFunc(groups, func(group []*View) bool { return key(group[0]) == key(v) })
		if i < 0 {
			groups = append(groups, []*View{v})
			continue
		}
		groups[i] = append(groups[i], v)
	}
	return groups
}

func largestList(views []*View) []*pb.Member {
	return slices.MaxFunc(views, func(a, b *View) int { return cmp.Compare(len(a.List), len(b.List)) }).List
}

// Voters are the views of the main cluster's voting members.
func (m *Memberships) Voters() []*View { return votersOf(m.Main) }

func votersOf(views []*View) []*View {
	var voters []*View
	for _, v := range views {
		if v.List != nil {
			voters = append(voters, v)
		}
	}
	return voters
}

// Applied is how much of the Raft log the member that is ahead has applied.
func (m *Memberships) Applied() uint64 {
	applied := uint64(0)
	for _, v := range m.Main {
		applied = max(applied, v.Status.RaftAppliedIndex)
	}
	return applied
}

// Agree reports whether all that answered have one cluster, one member list, one leader and one term.
func (m *Memberships) Agree() bool {
	return len(m.Stray) == 0 && len(m.Believers) == len(m.Voters()) &&
		len(m.ByLeader()) == 1 && m.Main[0].Status.Leader != 0 && len(m.Removed()) == 0
}

// ByLeader groups the main cluster's endpoints by leader and term.
func (m *Memberships) ByLeader() [][]*View {
	return groupViews(m.Main, func(v *View) string { return fmt.Sprintf("%x %d", v.Status.Leader, v.Status.RaftTerm) })
}

// Removed are endpoints of the main cluster that most say are no members.
func (m *Memberships) Removed() []*View {
	var removed []*View
	for _, v := range m.Voters() {
		if m.Entry(v.Status.Header.MemberId) == nil {
			removed = append(removed, v)
		}
	}
	return removed
}

// Entry is the one of that ID in the list, or nil.
func (m *Memberships) Entry(id uint64) *pb.Member {
	for _, entry := range m.Members {
		if entry.ID == id {
			return entry
		}
	}
	return nil
}

// EntryOf is the list's entry of a member that the EtcdCluster names: by its ID if it answered, else by name or address.
func (m *Memberships) EntryOf(spec *Member) *pb.Member {
	for _, v := range m.Main {
		if v.Member == spec {
			return m.Entry(v.Status.Header.MemberId)
		}
	}
	for _, entry := range m.Members {
		if entry.Name == spec.Name || slices.Contains(entry.ClientURLs, spec.Endpoint) {
			return entry
		}
	}
	return nil
}

// NameOfID is the name of the member with that ID, or the ID if it has none.
func (m *Memberships) NameOfID(id uint64) string {
	if entry := m.Entry(id); entry != nil && entry.Name != "" {
		return entry.Name
	}
	return fmt.Sprintf("%x", id)
}

// IsLost reports whether an endpoint that serves another etcd cluster is a member of the main one that was started wrongly,
// so that its data are worth nothing: it is alone in its cluster, the main cluster expects a member at its peer address, and
// most members that the EtcdCluster names serve the main cluster. Otherwise its clientURL may be that of another cluster, or
// the main one may be the wrong one.
func (m *Memberships) IsLost(v *View) bool {
	if len(v.List) != 1 || 2*len(m.Main) <= len(m.All) {
		return false
	}
	return slices.ContainsFunc(m.Members, func(entry *pb.Member) bool {
		return slices.ContainsFunc(v.List[0].PeerURLs, func(url string) bool { return slices.Contains(entry.PeerURLs, url) })
	})
}

// Unexpected are started members that the EtcdCluster does not name.
func (m *Memberships) Unexpected() []*pb.Member {
	named := map[uint64]bool{}
	for _, spec := range m.All {
		if entry := m.EntryOf(spec); entry != nil {
			named[entry.ID] = true
		}
	}
	var unexpected []*pb.Member
	for _, entry := range m.Members {
		if entry.Name != "" && !named[entry.ID] {
			unexpected = append(unexpected, entry)
		}
	}
	return unexpected
}

// Count is how many voting members, or how many learners, the list has.
func (m *Memberships) Count(learners bool) int {
	count := 0
	for _, entry := range m.Members {
		if entry.IsLearner == learners {
			count++
		}
	}
	return count
}

// NamesOf joins the names of endpoints by blanks.
func NamesOf(views []*View) string {
	var names []string
	for _, v := range views {
		names = append(names, v.Name)
	}
	return strings.Join(names, " ")
}
