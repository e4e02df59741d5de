package checks

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/consistency"
	"github.com/etcdfleet/etcd-fleet/cruiser/memberchanges"
	"github.com/etcdfleet/etcd-fleet/internal/etcdclient"
	"github.com/etcdfleet/etcd-fleet/internal/etcddiag"
	"github.com/etcdfleet/etcd-fleet/internal/parameters"
	"github.com/etcdfleet/etcd-fleet/internal/quantity"
)

const (
	// healthAttempts is how often members that look unhealthy are asked, and healthPause what an election is given in
	// between.
	healthAttempts = 3
	healthPause    = time.Second

	// crashLoop is how many restarts of one member within the parameter follow are too many.
	crashLoop = 3
)

func init() {
	register(Check{
		Name: "health-after-change",
		Parameters: parameters.Set{
			{Name: "settle", Kind: parameters.Duration, Default: "5m", Help: "Time in which members must be healthy after a change."},
			{
				Name: "follow", Kind: parameters.Duration, Default: "1h", NotBelow: "settle",
				Help: "How long a change is followed up, and in which three restarts of one member are too many.",
			},
			{Name: "skewFor", Kind: parameters.Duration, Default: "24h", Help: "How long versions may differ without a Warning."},
		},
		Values: []Value{
			{
				Name:   "changes",
				Metric: "etcd_inspection_member_changes",
				Help:   "Restarts and upgrades of a cluster's members that are being followed up.",
			},
			{
				Name:   "unhealthyMembers",
				Metric: "etcd_inspection_unhealthy_members",
				Help:   "Voting members of a cluster that are not healthy after a restart or an upgrade.",
			},
		},
		Timeout: 2 * time.Minute,
		Run:     healthAfterChange,
	})
}

// healthAfterChange notices that a member restarted or runs another version than in the last run, and follows up for the
// time of the parameter follow, and until all members are healthy again. They must be so after the time settle. Then it is
// Failed without a healthy quorum or with an alarm, else Warning. It is Failed at once when members differ in their data
// after the next compaction, or in more than one minor version; and Warning when a member is missing or restarted three
// times within follow, when versions differ for longer than skewFor, or when a cluster is upgraded to 3.6 from below 3.5.26,
// where members that were removed may come back. A cluster that goes back to an older version is not advised to do so.
//
// Each run costs a Status and a read of /metrics (about 200 KB) of each member. Only after a change it also reads
// /readyz?verbose (3.4.29, 3.5.11 and later) or else /health twice, which make the member read a key by itself and by
// quorum; and once after the next compaction the hashes that members remember of it (3.5.5 and later, with the role root
// where auth is enabled). Nothing is scanned. Restarts are seen by process_start_time_seconds. Lag is in entries of the
// Raft log.
func healthAfterChange(ctx context.Context, target Target) (Result, error) {
	all := etcddiag.AskMembers(ctx, target.Members, target.Cluster)
	if _, err := all.Follower(); err != nil {
		return Result{}, err
	}
	f := followUp{target: target, now: time.Now(), history: memberchanges.Parse(target.State)}
	isComplete := len(all.Missing()) == 0
	started := etcddiag.AskStartTimes(ctx, all)
	f.history.Notice(started, f.now)
	f.judgeChanges(ctx, all, started)
	f.judgeVersions(isComplete)
	f.remarkMetrics(started)
	return f.result(all)
}

// followUp is a run of the check.
type followUp struct {
	target  Target
	now     time.Time
	history memberchanges.History

	// unhealthy is how many voting members are so; it is not known without changes.
	unhealthy int

	findings
}

func (f *followUp) parameter(name string) time.Duration { return f.target.Parameters.Duration(name) }

// judgeChanges says what changed and whether the members are healthy since.
func (f *followUp) judgeChanges(ctx context.Context, all etcddiag.Members, started []*etcddiag.Started) {
	if len(f.history.Changes) == 0 {
		f.find(etcdv1beta1.OutcomePassed, "No member restarted or changed its version since %s.", memberchanges.Time(f.history.Since))
		for _, m := range all.Missing() {
			f.find(etcdv1beta1.OutcomeWarning, "Member %s is missing (%s).", m.Name, etcdclient.Reason(m.Err))
		}
		return
	}
	silent := map[string]bool{}
	for _, m := range started {
		silent[m.Name] = m.NoStart != nil
	}
	health := f.askHealth(ctx, all, silent)
	for _, change := range f.history.Last() {
		f.find(etcdv1beta1.OutcomePassed, "%s", change)
	}
	f.judgeHealth(health)
	f.judgeCrashLoops()
	f.compareData(ctx, health.All)
}

// askHealth asks the voting members a few times: an election, or an answer that came in between, is no illness. The HTTP
// servers of the silent ones do not answer.
func (f *followUp) askHealth(ctx context.Context, all etcddiag.Members, silent map[string]bool) etcddiag.Health {
	for attempt := 1; ; attempt++ {
		health := etcddiag.AskHealth(ctx, all, silent)
		if !health.MayRecover() || attempt == healthAttempts {
			return health
		}
		select {
		case <-ctx.Done():
			return health
		case <-time.After(healthPause):
		}
		all = etcddiag.AskMembers(ctx, f.target.Members, f.target.Cluster)
	}
}

// judgeHealth compares what is wrong with the time that members have to settle.
func (f *followUp) judgeHealth(health etcddiag.Health) {
	f.unhealthy = len(health.Problems)
	if health.IsGood() {
		f.find(etcdv1beta1.OutcomePassed, "%s", health.Describe())
		return
	}
	last := slices.MaxFunc(f.history.Changes, func(a, b memberchanges.Change) int { return a.At.Compare(b.At) })
	settledAt := last.At.Add(f.parameter("settle"))
	outcome := etcdv1beta1.OutcomeWarning
	if f.now.Before(settledAt) {
		f.find(outcome, "The members have until %s to settle.", memberchanges.Time(settledAt))
	} else {
		if !health.HasQuorum() || len(health.Alarms) > 0 {
			outcome = etcdv1beta1.OutcomeFailed
		}
		f.find(outcome, "The members did not settle within %s: see their logs.", quantity.Duration(f.parameter("settle")))
	}
	for _, m := range health.All {
		if problem := health.Problems[m.Name]; problem != "" {
			f.find(outcome, "%s %s.", m.Name, problem)
		}
	}
	for _, alarm := range health.Alarms {
		f.find(outcome, "Alarm %s is raised.", alarm)
	}
}

// judgeCrashLoops finds members that restart again and again.
func (f *followUp) judgeCrashLoops() {
	restarts := map[string]int{}
	for _, change := range f.history.Changes {
		if f.now.Sub(change.Noticed) >= f.parameter("follow") {
			continue
		}
		if restarts[change.Member]++; restarts[change.Member] == crashLoop {
			f.find(etcdv1beta1.OutcomeWarning, "%s restarted %d times or more within %s: see its log.",
				change.Member, crashLoop, quantity.Duration(f.parameter("follow")))
		}
	}
}

// compareData compares the members' data once after the next compaction that follows a change, as data-consistency does
// if it scans nothing.
func (f *followUp) compareData(ctx context.Context, all etcddiag.Members) {
	pending := f.history.NotCompared()
	if len(pending) == 0 {
		return
	}
	compacted := int64(math.MaxInt64)
	voters := all.Voters()
	for _, hash := range etcddiag.AskCompactions(ctx, voters) {
		compacted = min(compacted, hash.Compaction)
		if !etcddiag.RemembersHashes(hash.Status.Version) {
			f.find(etcdv1beta1.OutcomePassed, "The data are not compared, because %s remembers no hashes of compactions.", hash.Status.Version)
			return
		}
	}
	pending = slices.DeleteFunc(pending, func(change *memberchanges.Change) bool { return change.Revision >= compacted })
	switch {
	case len(voters) < 2:
		return
	case len(pending) == 0 || compacted == math.MaxInt64:
		f.find(etcdv1beta1.OutcomePassed, "The data are compared after the next compaction.")
		return
	}
	comparison := consistency.Comparison{Members: f.target.Members, Cluster: f.target.Cluster, Budget: f.target.Budget}
	verdict, _, err := comparison.Try(ctx)
	switch {
	case err != nil:
		f.find(etcdv1beta1.OutcomePassed, "The data could not be compared (%s).", err)
	case verdict.Outcome == etcdv1beta1.OutcomeFailed:
		f.find(etcdv1beta1.OutcomeFailed, "%s", verdict.Message)
	case verdict.Outcome == etcdv1beta1.OutcomePassed:
		f.find(etcdv1beta1.OutcomePassed, "%s", verdict.Message)
		for _, change := range pending {
			change.Compared = true
		}
	case !verdict.IsDecided:
		f.find(etcdv1beta1.OutcomeWarning, "%s", verdict.Message)
	default:
		f.find(etcdv1beta1.OutcomePassed, "The data were not compared on all members. %s", verdict.Message)
	}
}

// judgeVersions compares the members' versions, also that which a missing one had. isComplete is true if none is missing.
func (f *followUp) judgeVersions(isComplete bool) {
	var names []string
	for _, m := range f.target.Cluster.Members {
		names = append(names, m.Name)
	}
	oldest, newest := f.history.Versions(names)
	f.judgeSkew(oldest, newest)
	f.judgeZombies(oldest, newest, isComplete)
}

func (f *followUp) judgeSkew(oldest, newest string) {
	f.history.NoticeSkew(oldest != newest, f.now)
	if oldest == newest {
		return
	}
	low, _ := etcddiag.ParseVersion(oldest)
	high, _ := etcddiag.ParseVersion(newest)
	skewed := f.now.Sub(*f.history.SkewSince)
	change := cmp.Or(f.history.Direction, "change of versions")
	switch {
	case high.Major != low.Major || high.Minor-low.Minor > 1:
		f.find(etcdv1beta1.OutcomeFailed, "Members run %s and %s, more than one minor version apart: go by way of each minor version.", oldest, newest)
	case skewed > f.parameter("skewFor"):
		f.find(etcdv1beta1.OutcomeWarning, "Members have run %s and %s since %s, longer than %s: finish the %s.",
			oldest, newest, memberchanges.Time(*f.history.SkewSince), quantity.Duration(f.parameter("skewFor")), change)
	}
}

// judgeZombies advises to take an upgrade back only where one was seen, and no member is missing: whoever stops one more
// member then might cost the quorum.
func (f *followUp) judgeZombies(oldest, newest string, isComplete bool) {
	if etcddiag.IsZombieStep(oldest, newest) {
		mixed := fmt.Sprintf("Members run %s and %s, and with a step from below 3.5.26 to 3.6 members that were removed may come back",
			oldest, newest)
		switch {
		case f.history.Direction == memberchanges.Rollback:
			f.find(etcdv1beta1.OutcomePassed, "The cluster goes back from %s to %s.", newest, oldest)
		case !isComplete:
			f.find(etcdv1beta1.OutcomeWarning, "%s: start the missing members before you change versions.", mixed)
		case f.history.Direction == memberchanges.Upgrade:
			f.find(etcdv1beta1.OutcomeWarning, "%s: take back the upgrade, and go by way of 3.5.26 or later.", mixed)
		default:
			f.find(etcdv1beta1.OutcomeWarning, "%s: go by way of 3.5.26 or later, and compare etcdctl member list with the EtcdCluster.", mixed)
		}
		return
	}
	for _, change := range f.history.Changes {
		if etcddiag.IsZombieStep(change.From, change.To) {
			f.find(etcdv1beta1.OutcomeWarning, "%s skipped 3.5.26, and members that were removed may have come back: "+
				"compare etcdctl member list with the EtcdCluster.", change.Member)
			return
		}
	}
}

// remarkMetrics says which members restart unnoticed.
func (f *followUp) remarkMetrics(started []*etcddiag.Started) {
	for _, m := range started {
		if m.NoStart != nil {
			f.find(etcdv1beta1.OutcomeWarning, "Restarts of %s are not seen, only other versions (its metrics: %s): "+
				"correct its metricsURL in the EtcdCluster.", m.Name, etcdclient.Reason(m.NoStart))
		}
	}
}

// result ends the follow-up of changes that are over, and keeps the others for the next run.
func (f *followUp) result(all etcddiag.Members) (Result, error) {
	message := f.message()
	if strays := all.RemarkStrays(); !strings.Contains(message, strays) { // a comparison of the data reports them too
		message += strays
	}
	result := Result{
		Outcome: f.worst(),
		Message: message,
		Values:  map[string]float64{"changes": float64(len(f.history.Changes))},
	}
	if len(f.history.Changes) > 0 {
		result.Values["unhealthyMembers"] = float64(f.unhealthy)
	}
	if f.unhealthy == 0 {
		f.history.End(f.now, f.parameter("follow"))
	}
	state, err := json.Marshal(f.history)
	result.State = string(state)
	return result, err
}
