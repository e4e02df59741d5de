package checks

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"golang.org/x/sync/errgroup"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/etcd"
)

const (
	// membershipAttempts is how often members that disagree are asked, and membershipPause what an election, or a change
	// that has not reached all, is given in between. An election takes 1 to 2 s with etcd's defaults.
	membershipAttempts = 3
	membershipPause    = 2 * time.Second
)

func init() {
	register(Check{
		Name:       "membership",
		Parameters: Parameters{"learnerFor": "1h"},
		Values: []Value{
			{
				Name:   "voters",
				Metric: "etcd_inspection_voting_members",
				Help:   "Voting members in etcd's own member list.",
			},
			{
				Name:   "learners",
				Metric: "etcd_inspection_learners",
				Help:   "Learners in etcd's own member list.",
			},
			{
				Name:   "missingMembers",
				Metric: "etcd_inspection_missing_members",
				Help:   "Members that the EtcdCluster names and that did not answer.",
			},
			{
				Name:   "unexpectedMembers",
				Metric: "etcd_inspection_unexpected_members",
				Help:   "Members in etcd's own member list that the EtcdCluster does not name.",
			},
			{
				Name:   "clusterIDs",
				Metric: "etcd_inspection_cluster_ids",
				Help:   "Different etcd clusters at the endpoints of one EtcdCluster; more than 1 is a split.",
			},
		},
		Run: membership,
	})
}

// membership asks every endpoint that the EtcdCluster names who is a member, who leads and in which term, and compares
// the answers with each other and with the EtcdCluster. A disagreement counts when it lasts for three attempts.
//
// Failed: an endpoint serves another etcd cluster (a member that was started with a wrong initial cluster); members have
// applied the same and hold different member lists; one still serves though it was removed; a majority of those that
// answered knows no common leader. Warning: a member is missing, was never started, lags, has another name, or is in only
// one of etcd and the EtcdCluster; a learner has been one for longer than the parameter learnerFor; the number of voting
// members is even, which costs a vote more for the same number of failures survived, or not the EtcdCluster's size.
//
// It costs each member a Status and a serializable MemberList, which it answers from memory. The request is made without
// clientv3, which demands a linearizable answer since 3.5: that hides what a member itself believes. With auth enabled any
// user will do, but some versions demand the role root for Status, such as 3.6.5. A learner refuses MemberList.
func membership(ctx context.Context, target Target) (Result, error) {
	learnerFor, err := target.Parameters.Duration("learnerFor")
	if err != nil {
		return Result{}, err
	}
	var first, last *memberships
	for attempt := 1; attempt <= membershipAttempts; attempt++ {
		if last, err = askMemberships(ctx, target); err != nil {
			return Result{}, err
		}
		if first == nil {
			first = last
		}
		if last.agree() || !pauseMembership(ctx) {
			break
		}
	}
	findings := &findings{outcome: etcdv1beta1.OutcomePassed}
	last.judgeClusters(findings)
	last.judgeLists(findings, first.applied())
	last.judgeLeader(findings)
	last.judgeNames(findings)
	last.judgeNumber(findings, int(target.Cluster.Size))
	state := last.judgeLearners(findings, target.State, learnerFor)
	return last.result(findings, state), nil
}

// pauseMembership returns false when ctx ends first.
func pauseMembership(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(membershipPause):
		return true
	}
}

// findings collect the clauses of a message and the worst outcome.
type findings struct {
	outcome etcdv1beta1.Outcome
	failed  []string
	warned  []string
}

func (f *findings) fail(format string, args ...any) {
	f.outcome = etcdv1beta1.OutcomeFailed
	f.failed = append(f.failed, fmt.Sprintf(format, args...))
}

func (f *findings) warn(format string, args ...any) {
	if f.outcome == etcdv1beta1.OutcomePassed {
		f.outcome = etcdv1beta1.OutcomeWarning
	}
	f.warned = append(f.warned, fmt.Sprintf(format, args...))
}

// view is what one endpoint believes.
type view struct {
	*member

	// list is nil for a learner, which refuses to tell.
	list []*pb.Member
}

// memberships are the views of the endpoints that answered, by etcd cluster.
type memberships struct {
	all members

	// main is the etcd cluster with the most endpoints, stray are endpoints of others.
	main, stray []*view

	// members is the list that most of main hold, believers those who hold it.
	members   []*pb.Member
	believers []*view

	clusterIDs int
}

// listMembers asks a member for the member list that it holds itself.
func listMembers(ctx context.Context, m *member) ([]*pb.Member, error) {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	response, err := pb.NewClusterClient(m.client.ActiveConnection()).MemberList(ctx, &pb.MemberListRequest{Linearizable: false})
	if err != nil {
		return nil, etcd.RequestError(ctx, err)
	}
	return response.Members, nil
}

// askMemberships asks all endpoints at once. An error means that nothing can be said.
func askMemberships(ctx context.Context, target Target) (*memberships, error) {
	all := askMembers(ctx, target)
	var views []*view
	var group errgroup.Group
	for _, m := range all {
		if m.status == nil {
			continue
		}
		v := &view{member: m}
		views = append(views, v)
		if !m.isLearner() {
			group.Go(func() error {
				v.list, m.err = listMembers(ctx, m)
				return nil
			})
		}
	}
	_ = group.Wait()
	views = slices.DeleteFunc(views, func(v *view) bool { return v.err != nil })
	if !slices.ContainsFunc(views, func(v *view) bool { return v.list != nil }) {
		return nil, fmt.Errorf("no voting member answered: %s", all.reasons())
	}
	if err := all.refuseTwins(); err != nil {
		return nil, err
	}
	return divideViews(all, views), nil
}

// divideViews finds the main etcd cluster, which most voting members serve, and the member list of most of them. Where
// numbers do not decide, the cluster with more members in its list is the main one: a stray member is alone in its own.
func divideViews(all members, views []*view) *memberships {
	byCluster := groupViews(views, func(v *view) string { return fmt.Sprintf("%x", v.status.Header.ClusterId) })
	m := &memberships{all: all, clusterIDs: len(byCluster)}
	m.main = slices.MaxFunc(byCluster, func(a, b []*view) int {
		return cmp.Or(cmp.Compare(len(votersOf(a)), len(votersOf(b))), cmp.Compare(len(largestList(a)), len(largestList(b))))
	})
	for _, v := range views {
		if !slices.Contains(m.main, v) {
			m.stray = append(m.stray, v)
		}
	}
	byList := groupViews(m.voters(), func(v *view) string { return describeList(v.list) })
	m.believers = slices.MaxFunc(byList, func(a, b []*view) int { return cmp.Compare(len(a), len(b)) })
	m.members = m.believers[0].list
	return m
}

// groupViews returns groups of equal keys in the order of the first of each.
func groupViews(views []*view, key func(*view) string) [][]*view {
	var groups [][]*view
	for _, v := range views {
		i := slices.IndexFunc(groups, func(group []*view) bool { return key(group[0]) == key(v) })
		if i < 0 {
			groups = append(groups, []*view{v})
			continue
		}
		groups[i] = append(groups[i], v)
	}
	return groups
}

func largestList(views []*view) []*pb.Member {
	return slices.MaxFunc(views, func(a, b *view) int { return cmp.Compare(len(a.list), len(b.list)) }).list
}

// describeList writes a member list such that equal ones are equal texts: etcd-0, etcd-1, etcd-2 (learner).
func describeList(list []*pb.Member) string {
	var texts []string
	for _, entry := range list {
		text := nameOfEntry(entry)
		if entry.IsLearner {
			text += " (learner)"
		}
		texts = append(texts, text)
	}
	slices.Sort(texts)
	return strings.Join(texts, ", ")
}

// nameOfEntry names a member and tells it from another of the same name.
func nameOfEntry(entry *pb.Member) string {
	return fmt.Sprintf("%s %x", cmp.Or(entry.Name, "unstarted"), entry.ID)
}

// voters are the views of the main cluster's voting members.
func (m *memberships) voters() []*view { return votersOf(m.main) }

func votersOf(views []*view) []*view {
	var voters []*view
	for _, v := range views {
		if v.list != nil {
			voters = append(voters, v)
		}
	}
	return voters
}

// applied is how much of the Raft log the member that is ahead has applied.
func (m *memberships) applied() uint64 {
	applied := uint64(0)
	for _, v := range m.main {
		applied = max(applied, v.status.RaftAppliedIndex)
	}
	return applied
}

// agree tells whether all that answered have one cluster, one member list, one leader and one term.
func (m *memberships) agree() bool {
	return len(m.stray) == 0 && len(m.believers) == len(m.voters()) &&
		len(m.byLeader()) == 1 && m.main[0].status.Leader != 0 && len(m.removed()) == 0
}

// byLeader groups the main cluster's endpoints by leader and term.
func (m *memberships) byLeader() [][]*view {
	return groupViews(m.main, func(v *view) string { return fmt.Sprintf("%x %d", v.status.Leader, v.status.RaftTerm) })
}

// removed are endpoints of the main cluster that most say are no members.
func (m *memberships) removed() []*view {
	var removed []*view
	for _, v := range m.voters() {
		if m.entry(v.status.Header.MemberId) == nil {
			removed = append(removed, v)
		}
	}
	return removed
}

// entry is the list's one of that ID, or nil.
func (m *memberships) entry(id uint64) *pb.Member {
	for _, entry := range m.members {
		if entry.ID == id {
			return entry
		}
	}
	return nil
}

func (m *memberships) judgeClusters(f *findings) {
	for _, v := range m.stray {
		f.fail("%s serves another etcd cluster, %x (%s) instead of %x: it was started with a wrong --initial-cluster, or its "+
			"clientURL is wrong; stop it, delete its data and add it to the cluster anew",
			v.name, v.status.Header.ClusterId, describeList(v.list), m.main[0].status.Header.ClusterId)
	}
}

// judgeLists compares the lists of the main cluster. What a member says that has not applied what another had at the first
// attempt is old, and nothing worse.
func (m *memberships) judgeLists(f *findings, appliedBefore uint64) {
	for _, v := range m.voters() {
		if slices.Contains(m.believers, v) || slices.Contains(m.removed(), v) {
			continue
		}
		if v.status.RaftAppliedIndex < appliedBefore {
			f.warn("%s lags and holds an old member list (%s)", v.name, describeList(v.list))
			continue
		}
		f.fail("%s holds another member list (%s) than %s (%s): replace the member that is wrong before the next change of members",
			v.name, describeList(v.list), namesOfViews(m.believers), describeList(m.members))
	}
	for _, v := range m.removed() {
		f.fail("%s was removed from the cluster and still serves: stop it, its clients read old data", v.name)
	}
}

func (m *memberships) judgeLeader(f *findings) {
	groups := m.byLeader()
	agreed := slices.MaxFunc(groups, func(a, b []*view) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a[0].status.RaftTerm, b[0].status.RaftTerm))
	})
	// A leader that has lost its quorum stops being one within an election time-out.
	leads := slices.ContainsFunc(agreed, func(v *view) bool { return v.isLeader() })
	if agreed[0].status.Leader == 0 || 2*len(agreed) <= len(m.main) && !leads {
		f.fail("no majority of the members that answered knows a common leader (%s): look at the members that are down, and at "+
			"the network between the others", m.describeLeaders(groups))
		return
	}
	for _, group := range groups {
		if group[0] == agreed[0] {
			continue
		}
		if group[0].status.RaftTerm == agreed[0].status.RaftTerm && group[0].status.Leader != 0 {
			f.fail("two leaders in one term (%s): stop the members of the smaller part", m.describeLeaders(groups))
			continue
		}
		f.warn("%s does not follow the leader of the others (%s): look at its network and its disk", namesOfViews(group),
			m.describeLeaders(groups))
	}
}

// describeLeaders says "etcd-0 etcd-1: leader etcd-0 in term 2, etcd-2: no leader in term 2".
func (m *memberships) describeLeaders(groups [][]*view) string {
	var texts []string
	for _, group := range groups {
		leader := "no leader"
		if id := group[0].status.Leader; id != 0 {
			leader = "leader " + m.nameOfID(id)
		}
		texts = append(texts, fmt.Sprintf("%s: %s in term %d", namesOfViews(group), leader, group[0].status.RaftTerm))
	}
	return strings.Join(texts, ", ")
}

func (m *memberships) nameOfID(id uint64) string {
	if entry := m.entry(id); entry != nil && entry.Name != "" {
		return entry.Name
	}
	return fmt.Sprintf("%x", id)
}

// judgeNames compares etcd's list with the EtcdCluster.
func (m *memberships) judgeNames(f *findings) {
	for _, missing := range m.all {
		switch {
		case missing.err == nil || missing.isLearner():
		case m.entryOf(missing) == nil:
			f.warn("etcd has no member %s (%s): remove it from the EtcdCluster, or add it to etcd", missing.name, etcd.Reason(missing.err))
		default:
			f.warn("member %s is missing (%s)", missing.name, etcd.Reason(missing.err))
		}
	}
	for _, v := range m.main {
		if entry := m.entry(v.status.Header.MemberId); entry != nil && entry.Name != "" && entry.Name != v.name {
			f.warn("%s is named %s in etcd: correct the EtcdCluster", v.name, entry.Name)
		}
	}
	for _, entry := range m.members {
		if entry.Name == "" {
			f.warn("member %x at %s was added and never started: start it, or remove it from etcd", entry.ID, strings.Join(entry.PeerURLs, " "))
		}
	}
	for _, entry := range m.unexpected() {
		f.warn("the EtcdCluster does not name %s: add it there, or remove it from etcd", nameOfEntry(entry))
	}
}

// unexpected are started members that the EtcdCluster does not name.
func (m *memberships) unexpected() []*pb.Member {
	named := map[uint64]bool{}
	for _, spec := range m.all {
		if entry := m.entryOf(spec); entry != nil {
			named[entry.ID] = true
		}
	}
	var unexpected []*pb.Member
	for _, entry := range m.members {
		if entry.Name != "" && !named[entry.ID] {
			unexpected = append(unexpected, entry)
		}
	}
	return unexpected
}

// entryOf is the list's entry of a member that the EtcdCluster names: by its ID if it told that, else by name or address.
func (m *memberships) entryOf(spec *member) *pb.Member {
	for _, v := range m.main {
		if v.member == spec {
			return m.entry(v.status.Header.MemberId)
		}
	}
	for _, entry := range m.members {
		if entry.Name == spec.name || slices.Contains(entry.ClientURLs, spec.endpoint) {
			return entry
		}
	}
	return nil
}

func (m *memberships) judgeNumber(f *findings, size int) {
	voters := m.count(false)
	if size > 0 && voters != size {
		f.warn("etcd has %d voting members and the EtcdCluster's size is %d", voters, size)
	}
	if voters%2 == 0 {
		f.warn("%d voting members survive no more failures than %d: add one, or remove one", voters, voters-1)
	}
}

func (m *memberships) count(learners bool) int {
	count := 0
	for _, entry := range m.members {
		if entry.IsLearner == learners {
			count++
		}
	}
	return count
}

// learnersSince says by learner's ID when it was first seen as one.
type learnersSince map[string]time.Time

// judgeLearners finds learners that were left behind, and returns the state for the next run.
func (m *memberships) judgeLearners(f *findings, state string, learnerFor time.Duration) string {
	var known learnersSince
	_ = json.Unmarshal([]byte(state), &known) // a state that cannot be read is as good as none
	now := time.Now()
	learners := learnersSince{}
	for _, entry := range m.members {
		if !entry.IsLearner {
			continue
		}
		id := fmt.Sprintf("%x", entry.ID)
		since, seen := known[id]
		if !seen {
			since = now
		}
		learners[id] = since
		if learner := now.Sub(since); seen && learner >= learnerFor {
			f.warn("%s has been a learner for %s: promote it, or remove it", cmp.Or(entry.Name, id), learner.Round(time.Second))
		}
	}
	text, _ := json.Marshal(learners) // strings and times never fail
	return string(text)
}

func (m *memberships) result(f *findings, state string) Result {
	missing := m.all.filter(func(m *member) bool { return m.err != nil && !m.isLearner() })
	clauses := slices.Concat(f.failed, f.warned)
	if len(clauses) == 0 {
		clauses = []string{fmt.Sprintf("%d voting members and %d learners agree, and are those of the EtcdCluster; leader %s in term %d",
			m.count(false), m.count(true), m.nameOfID(m.main[0].status.Leader), m.main[0].status.RaftTerm)}
	}
	return Result{
		Outcome: f.outcome,
		Message: strings.Join(clauses, "; "),
		Values: map[string]float64{
			"voters":            float64(m.count(false)),
			"learners":          float64(m.count(true)),
			"missingMembers":    float64(len(missing)),
			"unexpectedMembers": float64(len(m.unexpected())),
			"clusterIDs":        float64(m.clusterIDs),
		},
		State: state,
	}
}

func namesOfViews(views []*view) string {
	var names []string
	for _, v := range views {
		names = append(names, v.name)
	}
	return strings.Join(names, " ")
}
