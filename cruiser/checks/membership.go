package checks

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/etcdclient"
	"github.com/etcdfleet/etcd-fleet/internal/etcddiag"
	"github.com/etcdfleet/etcd-fleet/internal/parameters"
)

const (
	// membershipAttempts is how often members that disagree are asked, and membershipPause what an election, or a change
	// that has not reached all, is given in between. An election takes 1 to 2 s with etcd's defaults.
	membershipAttempts = 3
	membershipPause    = 2 * time.Second
)

func init() {
	register(Check{
		Name: "membership",
		Parameters: parameters.Set{{
			Name: "learnerFor", Kind: parameters.Duration, Default: "1h",
			Help: "For how long a member may be a learner without a Warning.",
		}},
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
// It costs each member a Status and a serializable MemberList, which it answers from memory. With auth enabled any user
// will do, but some versions require the role root for Status, such as 3.6.5. A learner refuses MemberList.
func membership(ctx context.Context, target Target) (Result, error) {
	var first, last *etcddiag.Memberships
	for attempt := 1; attempt <= membershipAttempts; attempt++ {
		var err error
		if last, err = etcddiag.AskMemberships(ctx, target.Members, target.Cluster); err != nil {
			return Result{}, err
		}
		if first == nil {
			first = last
		}
		if last.Agree() || !pauseMembership(ctx) {
			break
		}
	}
	j := &membershipJudge{Memberships: last}
	j.judgeClusters()
	j.judgeLists(first.Applied())
	j.judgeLeader()
	j.judgeNames()
	j.judgeNumber(int(target.Cluster.Size)) // without a size, members are compared by name alone
	state := j.judgeLearners(target.State, target.Parameters.Duration("learnerFor"))
	return j.result(state), nil
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

// membershipJudge judges what the endpoints believe.
type membershipJudge struct {
	*etcddiag.Memberships
	findings
}

func (j *membershipJudge) judgeClusters() {
	for _, v := range j.Stray {
		advice := "correct its clientURL in the EtcdCluster, or find out which cluster has the data, and keep the data of both"
		if j.IsLost(v) {
			advice = "it was started with a wrong --initial-cluster: stop it, delete its data and add it to the cluster again"
		}
		j.find(etcdv1beta1.OutcomeFailed, "%s serves another etcd cluster, %x (%s) instead of %x: %s.",
			v.Name, v.Status.Header.ClusterId, etcddiag.DescribeList(v.List), j.Main[0].Status.Header.ClusterId, advice)
	}
}

// judgeLists compares the lists of the main cluster. What a member says that has not applied what another had at the first
// attempt is old, and nothing worse.
func (j *membershipJudge) judgeLists(appliedBefore uint64) {
	for _, v := range j.Voters() {
		if slices.Contains(j.Believers, v) || slices.Contains(j.Removed(), v) {
			continue
		}
		if v.Status.RaftAppliedIndex < appliedBefore {
			j.find(etcdv1beta1.OutcomeWarning, "%s lags and holds an old member list (%s).", v.Name, etcddiag.DescribeList(v.List))
			continue
		}
		j.find(etcdv1beta1.OutcomeFailed, "%s holds another member list (%s) than %s (%s): find out which is right before the next change of members.",
			v.Name, etcddiag.DescribeList(v.List), etcddiag.NamesOf(j.Believers), etcddiag.DescribeList(j.Members))
	}
	for _, v := range j.Removed() {
		if 2*len(j.Believers) <= len(j.Voters()) {
			j.find(etcdv1beta1.OutcomeFailed, "%s is not a member in the list of %s (%s), and is one in its own: find out which is right before the next change "+
				"of members.", v.Name, etcddiag.NamesOf(j.Believers), etcddiag.DescribeList(j.Members))
			continue
		}
		j.find(etcdv1beta1.OutcomeFailed, "%s was removed from the cluster and still serves: stop it, because its clients read old data.", v.Name)
	}
}

func (j *membershipJudge) judgeLeader() {
	groups := j.ByLeader()
	agreed := slices.MaxFunc(groups, func(a, b []*etcddiag.View) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a[0].Status.RaftTerm, b[0].Status.RaftTerm))
	})
	// A leader that has lost its quorum stops being one within an election time-out.
	leads := slices.ContainsFunc(agreed, func(v *etcddiag.View) bool { return v.IsLeader() })
	if agreed[0].Status.Leader == 0 || 2*len(agreed) <= len(j.Main) && !leads {
		j.find(etcdv1beta1.OutcomeFailed, "No majority of the members that answered knows a common leader (%s): look at the members that are down, and at "+
			"the network between the others.", j.describeLeaders(groups))
		return
	}
	for _, group := range groups {
		if group[0] == agreed[0] {
			continue
		}
		if group[0].Status.RaftTerm == agreed[0].Status.RaftTerm && group[0].Status.Leader != 0 {
			j.find(etcdv1beta1.OutcomeFailed, "Two members lead in one term (%s): find out which part has the data of the clients before you stop a member.", j.describeLeaders(groups))
			continue
		}
		j.find(etcdv1beta1.OutcomeWarning, "%s does not follow the leader of the others (%s): look at its network and its disk.", etcddiag.NamesOf(group),
			j.describeLeaders(groups))
	}
}

// describeLeaders says "etcd-0 etcd-1: leader etcd-0 in term 2, etcd-2: no leader in term 2".
func (j *membershipJudge) describeLeaders(groups [][]*etcddiag.View) string {
	var texts []string
	for _, group := range groups {
		leader := "no leader"
		if id := group[0].Status.Leader; id != 0 {
			leader = "leader " + j.NameOfID(id)
		}
		texts = append(texts, fmt.Sprintf("%s: %s in term %d", etcddiag.NamesOf(group), leader, group[0].Status.RaftTerm))
	}
	return strings.Join(texts, ", ")
}

// judgeNames compares etcd's list with the EtcdCluster.
func (j *membershipJudge) judgeNames() {
	for _, missing := range j.All {
		switch {
		case missing.Err == nil || missing.IsLearner():
		case j.EntryOf(missing) == nil:
			j.find(etcdv1beta1.OutcomeWarning, "The EtcdCluster names %s, which etcd has no member of (%s): remove it from the EtcdCluster, or add it to etcd.", missing.Name, etcdclient.Reason(missing.Err))
		default:
			j.find(etcdv1beta1.OutcomeWarning, "Member %s is missing (%s).", missing.Name, etcdclient.Reason(missing.Err))
		}
	}
	for _, v := range j.Main {
		if entry := j.Entry(v.Status.Header.MemberId); entry != nil && entry.Name != "" && entry.Name != v.Name {
			j.find(etcdv1beta1.OutcomeWarning, "%s is named %s in etcd: correct the EtcdCluster.", v.Name, entry.Name)
		}
	}
	for _, entry := range j.Members {
		if entry.Name == "" {
			j.find(etcdv1beta1.OutcomeWarning, "Member %x at %s was added and never started: start it, or remove it from etcd.", entry.ID, strings.Join(entry.PeerURLs, " "))
		}
	}
	for _, entry := range j.Unexpected() {
		j.find(etcdv1beta1.OutcomeWarning, "The EtcdCluster does not name %s: add it there, or remove it from etcd.", etcddiag.NameOfEntry(entry))
	}
}

func (j *membershipJudge) judgeNumber(size int) {
	voters := j.Count(false)
	if size > 0 && voters != size {
		j.find(etcdv1beta1.OutcomeWarning, "The number of voting members is %d in etcd and %d by the EtcdCluster's size: correct the one that is wrong.", voters, size)
	}
	if voters%2 == 0 {
		j.find(etcdv1beta1.OutcomeWarning, "An even number of voting members, %d, survives no more failures than %d: add one.", voters, voters-1)
	}
}

// learnersSince says by learner's ID when it was first seen as one.
type learnersSince map[string]time.Time

// judgeLearners finds learners that were left behind, and returns the state for the next run.
func (j *membershipJudge) judgeLearners(state string, learnerFor time.Duration) string {
	var known learnersSince
	_ = json.Unmarshal([]byte(state), &known) // a state that cannot be read is as good as none
	now := time.Now()
	learners := learnersSince{}
	for _, entry := range j.Members {
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
			j.find(etcdv1beta1.OutcomeWarning, "%s has been a learner for %s: promote it, or remove it.", cmp.Or(entry.Name, id), learner.Round(time.Second))
		}
	}
	text, _ := json.Marshal(learners) // strings and times never fail
	return string(text)
}

// result lists first what failed.
func (j *membershipJudge) result(state string) Result {
	missing := j.All.Filter(func(m *etcddiag.Member) bool { return m.Err != nil && !m.IsLearner() })
	if len(j.findings) == 0 {
		j.find(etcdv1beta1.OutcomePassed, "%d voting members and %d learners agree, and are those of the EtcdCluster. %s leads in term %d.",
			j.Count(false), j.Count(true), j.NameOfID(j.Main[0].Status.Leader), j.Main[0].Status.RaftTerm)
	}
	return Result{
		Outcome: j.worst(),
		Message: j.worstFirst().message(),
		Values: map[string]float64{
			"voters":            float64(j.Count(false)),
			"learners":          float64(j.Count(true)),
			"missingMembers":    float64(len(missing)),
			"unexpectedMembers": float64(len(j.Unexpected())),
			"clusterIDs":        float64(j.ClusterIDs),
		},
		State: state,
	}
}
