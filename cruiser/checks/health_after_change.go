package checks

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"golang.org/x/sync/errgroup"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/etcd"
)

const (
	startTimeMetric = "process_start_time_seconds"

	// startTolerance is by how much a start time may move without a restart: the kernel knows the time of its boot in
	// whole seconds, and derives it from a clock that is adjusted.
	startTolerance = 1500 * time.Millisecond

	// healthTimeout bounds a question to a member's HTTP server. etcd itself gives a read about 7 s.
	healthTimeout = 8 * time.Second

	// healthAttempts is how often members that look unhealthy are asked, and healthPause what an election is given in
	// between.
	healthAttempts = 3
	healthPause    = time.Second

	// maxRaftLag is by how many entries a member may lag. Beyond that etcd itself refuses writes (server/etcdserver,
	// maxGapBetweenApplyAndCommitIndex).
	maxRaftLag = 5000

	// crashLoop is how many restarts of one member within the parameter follow are too many.
	crashLoop = 3

	// maxChanges bounds the state: one takes up to 250 bytes.
	maxChanges = 40

	maxHealthBytes = 16 << 10
)

func init() {
	register(Check{
		Name:       "health-after-change",
		Parameters: Parameters{"settle": "5m", "follow": "1h", "skewFor": "24h"},
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
// times within follow, when versions differ for longer than skewFor, or when a cluster goes to 3.6 from below 3.5.26, where
// members that were removed may come back.
//
// Each run costs a Status and a read of /metrics (about 200 KB) of each member. Only after a change it also reads
// /readyz?verbose (3.4.29, 3.5.11 and later) or else /health twice, which make the member read a key by itself and by
// quorum; and once after the next compaction the hashes that members remember of it (3.5.5 and later, with the role root
// where auth is enabled). Nothing is scanned. Restarts are seen by process_start_time_seconds. Lag is in entries of the
// Raft log.
func healthAfterChange(ctx context.Context, target Target) (Result, error) {
	limits, err := readFollowLimits(target.Parameters)
	if err != nil {
		return Result{}, err
	}
	all := askMembers(ctx, target)
	if _, err := all.follower(); err != nil {
		return Result{}, err
	}
	followUp := followUp{
		target:  target,
		limits:  limits,
		now:     time.Now(),
		history: readChangeHistory(target.State),
		silent:  map[string]bool{},
	}
	started := askStartTimes(ctx, target, all)
	followUp.history.notice(started, followUp.now)
	followUp.judgeChanges(ctx, all, started)
	followUp.judgeVersions()
	followUp.remarkMetrics(started)
	return followUp.result(all)
}

// followLimits are the check's parameters.
type followLimits struct {
	settle, follow, skewFor time.Duration
}

func readFollowLimits(parameters Parameters) (limits followLimits, err error) {
	if limits.settle, err = parameters.Duration("settle"); err != nil {
		return limits, err
	}
	if limits.follow, err = parameters.Duration("follow"); err != nil {
		return limits, err
	}
	if limits.follow < limits.settle {
		return limits, fmt.Errorf("parameter follow is %s: set spec.parameters.follow to a time that is not below settle, %s",
			quoteDuration(limits.follow), quoteDuration(limits.settle))
	}
	limits.skewFor, err = parameters.Duration("skewFor")
	return limits, err
}

// changeHistory is what a run leaves to the next one.
type changeHistory struct {
	// Since is when the members were seen first, or when the last change was made whose follow-up is over.
	Since time.Time `json:"since"`

	// Members are how each was seen last.
	Members map[string]seenMember `json:"members"`

	// Changes are those that are followed up.
	Changes []memberChange `json:"changes,omitempty"`

	// SkewSince is since when versions differ; nil when they do not.
	SkewSince *time.Time `json:"skewSince,omitempty"`
}

// seenMember is a member as it was seen last. Start is zero when its metrics were never read.
type seenMember struct {
	Start   time.Time `json:"start,omitzero"`
	Version string    `json:"version"`
}

// memberChange is a restart, an upgrade or both.
type memberChange struct {
	Member  string    `json:"member"`
	At      time.Time `json:"at"`
	Noticed time.Time `json:"noticed"`

	// From and To are versions where they changed.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`

	// Revision is the cluster's when the change was noticed. A later compaction tells whether the data are equal, and
	// Compared that it did.
	Revision int64 `json:"revision"`
	Compared bool  `json:"compared,omitempty"`
}

// readChangeHistory starts anew with a state that it does not understand.
func readChangeHistory(state string) changeHistory {
	var history changeHistory
	if err := json.Unmarshal([]byte(state), &history); err != nil {
		return changeHistory{}
	}
	return history
}

// notice compares the members with how they were seen last.
func (h *changeHistory) notice(started []startedMember, now time.Time) {
	if h.Since.IsZero() {
		h.Since = now.UTC().Truncate(time.Second)
	}
	revision := int64(0)
	for _, m := range started {
		if m.tells() {
			revision = max(revision, m.revision())
		}
	}
	seen := map[string]seenMember{}
	for _, m := range started {
		before, known := h.Members[m.name]
		after := m.seen(before)
		if known && m.tells() {
			h.compare(m.name, before, after, revision, now)
		}
		if known || m.tells() {
			seen[m.name] = after
		}
	}
	h.Members = seen
	h.Changes = h.Changes[max(0, len(h.Changes)-maxChanges):]
}

// compare keeps a change of one member.
func (h *changeHistory) compare(name string, before, after seenMember, revision int64, now time.Time) {
	restarted := !before.Start.IsZero() && after.Start.Sub(before.Start) > startTolerance
	if !restarted && before.Version == after.Version {
		return
	}
	change := memberChange{Member: name, At: now, Noticed: now.UTC(), Revision: revision}
	if restarted && after.Start.Before(now) {
		change.At = after.Start
	}
	change.At = change.At.UTC().Truncate(time.Second)
	if before.Version != after.Version {
		change.From, change.To = before.Version, after.Version
	}
	h.Changes = append(h.Changes, change)
}

// startedMember is a member and when its process started.
type startedMember struct {
	*member
	start time.Time

	// noStart says why start is not known.
	noStart error
}

// tells is whether the member says something of this cluster. What a stray does is not told: it counts again, with its
// restart, when it is back.
func (m startedMember) tells() bool { return m.err == nil && !m.isStray }

// seen is how the member is seen now. What it does not tell is as before.
func (m startedMember) seen(before seenMember) seenMember {
	after := before
	if m.tells() {
		after.Version = m.status.Version
	}
	if m.tells() && m.noStart == nil {
		after.Start = m.start
	}
	return after
}

// askStartTimes asks the members that answered when they started.
func askStartTimes(ctx context.Context, target Target, all members) []startedMember {
	started := make([]startedMember, len(all))
	var group errgroup.Group
	for i, m := range all {
		started[i].member = m
		if !started[i].tells() {
			continue
		}
		group.Go(func() error {
			started[i].start, started[i].noStart = askStartTime(ctx, target, target.Cluster.Members[i])
			return nil
		})
	}
	_ = group.Wait()
	return started
}

// askStartTime reads when the member's process started from its metrics, of which it parses nothing else.
func askStartTime(ctx context.Context, target Target, member etcdv1beta1.EtcdClusterMember) (time.Time, error) {
	var lines bytes.Buffer
	status, err := readHTTP(ctx, target, member.MetricsEndpoint()+"/metrics", func(body io.Reader) error {
		return copyFamily(&lines, io.LimitReader(body, maxMetricsBytes), startTimeMetric)
	})
	if err != nil {
		return time.Time{}, err
	}
	if status != http.StatusOK {
		return time.Time{}, fmt.Errorf("%s/metrics answers %d", member.MetricsEndpoint(), status)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(&lines)
	if err != nil {
		return time.Time{}, err
	}
	metrics := families[startTimeMetric].GetMetric()
	if len(metrics) == 0 {
		return time.Time{}, fmt.Errorf("%s/metrics has no %s", member.MetricsEndpoint(), startTimeMetric)
	}
	seconds, fraction := math.Modf(metrics[0].GetGauge().GetValue())
	return time.Unix(int64(seconds), int64(fraction*1e9)).UTC(), nil
}

// copyFamily copies the lines of one metric without labels.
func copyFamily(to *bytes.Buffer, from io.Reader, name string) error {
	kind, value := []byte("# TYPE "+name+" "), []byte(name+" ")
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		if line := lines.Bytes(); bytes.HasPrefix(line, kind) || bytes.HasPrefix(line, value) {
			to.Write(line)
			to.WriteByte('\n')
		}
	}
	return lines.Err()
}

// readHTTP asks a member and hands over the body of its answer.
func readHTTP(ctx context.Context, target Target, url string, read func(io.Reader) error) (status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	client, err := target.Members.HTTP()
	if err != nil {
		return 0, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	return response.StatusCode, read(response.Body)
}

// followUp is a run of the check.
type followUp struct {
	target  Target
	limits  followLimits
	now     time.Time
	history changeHistory

	// silent are the members whose HTTP server does not answer while they do.
	silent map[string]bool

	// unhealthy is how many voting members are so; it is not known without changes.
	unhealthy int

	outcome etcdv1beta1.Outcome
	clauses []string
}

// find adds a clause to the message and makes the outcome as bad as it, if it is not worse already.
func (f *followUp) find(outcome etcdv1beta1.Outcome, format string, args ...any) {
	if outcome == etcdv1beta1.OutcomeFailed || f.outcome == "" || f.outcome == etcdv1beta1.OutcomePassed {
		f.outcome = outcome
	}
	f.clauses = append(f.clauses, fmt.Sprintf(format, args...))
}

// judgeChanges says what changed and whether the members are healthy since.
func (f *followUp) judgeChanges(ctx context.Context, all members, started []startedMember) {
	if len(f.history.Changes) == 0 {
		f.find(etcdv1beta1.OutcomePassed, "no member restarted or changed its version since %s", written(f.history.Since))
		for _, m := range all.missing() {
			f.find(etcdv1beta1.OutcomeWarning, "member %s is missing (%s)", m.name, etcd.Reason(m.err))
		}
		return
	}
	for _, m := range started {
		f.silent[m.name] = m.noStart != nil
	}
	health := f.askHealth(ctx, all)
	f.describeChanges()
	f.judgeHealth(health)
	f.judgeCrashLoops()
	f.compareData(ctx, health.all)
}

// describeChanges lists the last change of each member.
func (f *followUp) describeChanges() {
	last := map[string]int{}
	for i, change := range f.history.Changes {
		last[change.Member] = i
	}
	for i, change := range f.history.Changes {
		if last[change.Member] == i {
			f.find(etcdv1beta1.OutcomePassed, "%s", change)
		}
	}
}

func (c memberChange) String() string {
	if c.From != "" {
		return fmt.Sprintf("%s went from %s to %s at %s", c.Member, c.From, c.To, written(c.At))
	}
	return fmt.Sprintf("%s restarted at %s", c.Member, written(c.At))
}

func written(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// clusterHealth is what the voting members say of themselves.
type clusterHealth struct {
	all members

	// voters is how many there are; problems are those of each unhealthy one.
	voters   int
	problems map[string]string

	alarms []string
}

// hasQuorum tells whether a majority of the voting members is healthy. A stray does not vote, and its vote is missed.
func (h clusterHealth) hasQuorum() bool {
	votes := h.voters + len(h.all.strays())
	return h.voters-len(h.problems) > votes/2
}

func (h clusterHealth) good() bool { return len(h.problems) == 0 && len(h.alarms) == 0 }

// mayRecover tells whether a member that answers is unhealthy. Those that do not were waited for.
func (h clusterHealth) mayRecover() bool { return len(h.problems) > len(h.all.missing()) }

// askHealth asks the voting members a few times: an election, or an answer that came in between, is no illness.
func (f *followUp) askHealth(ctx context.Context, all members) clusterHealth {
	for attempt := 1; ; attempt++ {
		health := f.tryHealth(ctx, all)
		if !health.mayRecover() || attempt == healthAttempts {
			return health
		}
		select {
		case <-ctx.Done():
			return health
		case <-time.After(healthPause):
		}
		all = askMembers(ctx, f.target)
	}
}

func (f *followUp) tryHealth(ctx context.Context, all members) clusterHealth {
	voters, missing := all.voters(), all.missing()
	health := clusterHealth{all: all, voters: len(voters) + len(missing), problems: map[string]string{}}
	unready := f.askReadiness(ctx, all)
	newest, leader := uint64(0), commonLeader(voters)
	for _, m := range voters {
		newest = max(newest, m.status.RaftIndex)
		for _, alarm := range alarmsOf(m) {
			if !slices.Contains(health.alarms, alarm) {
				health.alarms = append(health.alarms, alarm)
			}
		}
	}
	for _, m := range missing {
		health.problems[m.name] = fmt.Sprintf("is missing (%s)", etcd.Reason(m.err))
	}
	for _, m := range voters {
		switch lag := newest - min(newest, m.status.RaftAppliedIndex); {
		case m.status.Leader == 0:
			health.problems[m.name] = "knows no leader"
		case m.status.Leader != leader:
			health.problems[m.name] = fmt.Sprintf("follows %x while others follow %x", m.status.Leader, leader)
		case unready[m.name] != "":
			health.problems[m.name] = unready[m.name]
		case lag > maxRaftLag:
			health.problems[m.name] = fmt.Sprintf("lags %d entries, more than %d", lag, maxRaftLag)
		}
	}
	return health
}

// commonLeader is the leader that most members follow.
func commonLeader(voters members) uint64 {
	followers := map[uint64]int{}
	common := uint64(0)
	for _, m := range voters {
		if leader := m.status.Leader; leader != 0 {
			followers[leader]++
			if followers[leader] > followers[common] {
				common = leader
			}
		}
	}
	return common
}

// alarmsOf are the kinds of alarms that the member's status names among its errors, as in "memberID:1 alarm:NOSPACE".
func alarmsOf(m *member) []string {
	var alarms []string
	for _, text := range m.status.Errors {
		if _, alarm, found := strings.Cut(text, "alarm:"); found {
			alarms = append(alarms, strings.TrimSpace(alarm))
		}
	}
	return alarms
}

// askReadiness asks the voting members whether they are ready, and returns why not. One without a leader cannot be, and
// would take its time to say so.
func (f *followUp) askReadiness(ctx context.Context, all members) map[string]string {
	reasons := make([]string, len(all))
	var group errgroup.Group
	for i, m := range all {
		if m.err != nil || m.isStray || m.isLearner() || m.status.Leader == 0 || f.silent[m.name] {
			continue
		}
		group.Go(func() error {
			reasons[i] = f.whyUnready(ctx, f.target.Cluster.Members[i].MetricsEndpoint())
			return nil
		})
	}
	_ = group.Wait()
	unready := map[string]string{}
	for i, m := range all {
		unready[m.name] = reasons[i]
	}
	return unready
}

// whyUnready is empty when the member at the endpoint is ready.
func (f *followUp) whyUnready(ctx context.Context, endpoint string) string {
	status, answer := f.ask(ctx, endpoint+"/readyz?verbose")
	switch status {
	case http.StatusOK:
		return ""
	case http.StatusNotFound: // an older version
		return f.whyUnhealthy(ctx, endpoint)
	default:
		return fmt.Sprintf("is not ready (%s)", failedReadiness(answer))
	}
}

// whyUnhealthy is whyUnready of versions without /readyz.
func (f *followUp) whyUnhealthy(ctx context.Context, endpoint string) string {
	if status, answer := f.ask(ctx, endpoint+"/health?serializable=true"); status != http.StatusOK {
		return fmt.Sprintf("does not answer reads by itself (/health?serializable=true: %s)", answer)
	}
	if status, answer := f.ask(ctx, endpoint+"/health"); status != http.StatusOK {
		return fmt.Sprintf("answers reads by itself but not by quorum (/health: %s)", answer)
	}
	return ""
}

// ask returns the status and the text of an answer, or 0 and why there is none.
func (f *followUp) ask(ctx context.Context, url string) (status int, answer string) {
	status, err := readHTTP(ctx, f.target, url, func(body io.Reader) error {
		content, err := io.ReadAll(io.LimitReader(body, maxHealthBytes))
		answer = strings.TrimSpace(string(content))
		return err
	})
	if err != nil {
		return 0, etcd.Reason(err)
	}
	return status, answer
}

// failedReadiness are the lines of /readyz?verbose that begin with "[-]": what failed.
func failedReadiness(answer string) string {
	var failed []string
	for line := range strings.Lines(answer) {
		if what, found := strings.CutPrefix(line, "[-]"); found {
			failed = append(failed, strings.TrimSpace(what))
		}
	}
	if len(failed) == 0 {
		return "/readyz: " + answer
	}
	return strings.Join(failed, "; ")
}

// judgeHealth compares what is wrong with the time that members have to settle.
func (f *followUp) judgeHealth(health clusterHealth) {
	f.unhealthy = len(health.problems)
	if health.good() {
		f.find(etcdv1beta1.OutcomePassed, "all %d voting members are healthy", health.voters)
		return
	}
	last := slices.MaxFunc(f.history.Changes, func(a, b memberChange) int { return a.At.Compare(b.At) })
	settledAt := last.At.Add(f.limits.settle)
	outcome := etcdv1beta1.OutcomeWarning
	if f.now.Before(settledAt) {
		f.find(outcome, "the members have until %s to settle", written(settledAt))
	} else {
		if !health.hasQuorum() || len(health.alarms) > 0 {
			outcome = etcdv1beta1.OutcomeFailed
		}
		f.find(outcome, "the members did not settle within %s: see their logs", quoteDuration(f.limits.settle))
	}
	for _, m := range health.all {
		if problem := health.problems[m.name]; problem != "" {
			f.find(outcome, "%s %s", m.name, problem)
		}
	}
	for _, alarm := range health.alarms {
		f.find(outcome, "there is an alarm %s", alarm)
	}
}

// judgeCrashLoops finds members that restart again and again.
func (f *followUp) judgeCrashLoops() {
	restarts := map[string]int{}
	for _, change := range f.history.Changes {
		if f.now.Sub(change.Noticed) >= f.limits.follow {
			continue
		}
		if restarts[change.Member]++; restarts[change.Member] == crashLoop {
			f.find(etcdv1beta1.OutcomeWarning, "%s restarted %d times or more within %s: see its log",
				change.Member, crashLoop, quoteDuration(f.limits.follow))
		}
	}
}

// compareData compares the members' data once after the next compaction that follows a change, as data-consistency does
// where it scans nothing.
func (f *followUp) compareData(ctx context.Context, all members) {
	var pending []*memberChange
	for i := range f.history.Changes {
		if change := &f.history.Changes[i]; !change.Compared {
			pending = append(pending, change)
		}
	}
	if len(pending) == 0 {
		return
	}
	compacted := int64(math.MaxInt64)
	voters := all.voters()
	for _, hash := range askCompactions(ctx, voters) {
		compacted = min(compacted, hash.compaction)
		if !remembersHashes(hash.status.Version) {
			f.find(etcdv1beta1.OutcomePassed, "the data are not compared: %s remembers no hashes of compactions", hash.status.Version)
			return
		}
	}
	pending = slices.DeleteFunc(pending, func(change *memberChange) bool { return change.Revision >= compacted })
	switch {
	case len(voters) < 2:
		return
	case len(pending) == 0 || compacted == math.MaxInt64:
		f.find(etcdv1beta1.OutcomePassed, "the data are compared after the next compaction")
		return
	}
	result, _, err := hashComparison{target: f.target}.try(ctx)
	switch {
	case err != nil:
		f.find(etcdv1beta1.OutcomePassed, "the data could not be compared: %s", err)
	case result.Outcome == etcdv1beta1.OutcomeFailed:
		f.find(etcdv1beta1.OutcomeFailed, "%s", result.Message)
	case result.Outcome == etcdv1beta1.OutcomePassed:
		f.find(etcdv1beta1.OutcomePassed, "%s", result.Message)
		for _, change := range pending {
			change.Compared = true
		}
	default:
		f.find(etcdv1beta1.OutcomePassed, "the data were not compared on all members: %s", result.Message)
	}
}

// etcdVersion is major, minor and patch.
type etcdVersion [3]int

func (v etcdVersion) below(other etcdVersion) bool { return slices.Compare(v[:], other[:]) < 0 }

func parseVersion(text string) (version etcdVersion, known bool) {
	n, _ := fmt.Sscanf(text, "%d.%d.%d", &version[0], &version[1], &version[2])
	return version, n == len(version)
}

// zombieFixed and zombieReads are the versions between which a cluster must not go in one step: before 3.5.26 the two stores of the membership
// may differ, and 3.6 reads the other one (https://etcd.io/blog/2025/zombie_members_upgrade/).
var zombieFixed, zombieReads = etcdVersion{3, 5, 26}, etcdVersion{3, 6, 0}

// judgeVersions compares the members' versions, also that which a missing one had.
func (f *followUp) judgeVersions() {
	var oldest, newest string
	for _, m := range f.target.Cluster.Members {
		version, known := parseVersion(f.history.Members[m.Name].Version)
		if !known {
			continue
		}
		if lowest, found := parseVersion(oldest); !found || version.below(lowest) {
			oldest = f.history.Members[m.Name].Version
		}
		if highest, found := parseVersion(newest); !found || highest.below(version) {
			newest = f.history.Members[m.Name].Version
		}
	}
	f.judgeSkew(oldest, newest)
	f.judgeZombies(oldest, newest)
}

func (f *followUp) judgeSkew(oldest, newest string) {
	if oldest == newest {
		f.history.SkewSince = nil
		return
	}
	if f.history.SkewSince == nil {
		since := f.now.UTC().Truncate(time.Second)
		f.history.SkewSince = &since
	}
	low, _ := parseVersion(oldest)
	high, _ := parseVersion(newest)
	skewed := f.now.Sub(*f.history.SkewSince)
	switch {
	case high[0] != low[0] || high[1]-low[1] > 1:
		f.find(etcdv1beta1.OutcomeFailed, "members run %s and %s, more than one minor version apart: go by way of each one", oldest, newest)
	case skewed > f.limits.skewFor:
		f.find(etcdv1beta1.OutcomeWarning, "members have run %s and %s since %s, longer than %s: finish the upgrade",
			oldest, newest, written(*f.history.SkewSince), quoteDuration(f.limits.skewFor))
	}
}

func (f *followUp) judgeZombies(oldest, newest string) {
	if isZombieStep(oldest, newest) {
		f.find(etcdv1beta1.OutcomeWarning, "the cluster goes from %s to %s, where members that were removed may come back: "+
			"take back the upgrade, and go by way of 3.5.26 or later", oldest, newest)
		return
	}
	for _, change := range f.history.Changes {
		if isZombieStep(change.From, change.To) {
			f.find(etcdv1beta1.OutcomeWarning, "%s skipped 3.5.26, and members that were removed may have come back: "+
				"compare etcdctl member list with the EtcdCluster", change.Member)
			return
		}
	}
}

func isZombieStep(from, to string) bool {
	old, knowsOld := parseVersion(from)
	young, knowsYoung := parseVersion(to)
	return knowsOld && knowsYoung && old[0] == 3 && old[1] == 5 && old.below(zombieFixed) && !young.below(zombieReads)
}

// remarkMetrics says which members restart unnoticed.
func (f *followUp) remarkMetrics(started []startedMember) {
	for _, m := range started {
		if m.noStart != nil {
			f.find(etcdv1beta1.OutcomeWarning, "restarts of %s are not seen, only other versions (its metrics: %s): "+
				"correct its metricsURL in the EtcdCluster", m.name, etcd.Reason(m.noStart))
		}
	}
}

// result ends the follow-up of changes that are over, and keeps the others for the next run.
func (f *followUp) result(all members) (Result, error) {
	message := strings.Join(f.clauses, ",")
	if strays := all.remarkStrays(); !strings.Contains(message, strays) { // who compares data tells of them too
		message += strays
	}
	result := Result{
		Outcome: f.outcome,
		Message: message,
		Values:  map[string]float64{"changes": float64(len(f.history.Changes))},
	}
	if len(f.history.Changes) > 0 {
		result.Values["unhealthyMembers"] = float64(f.unhealthy)
	}
	if f.unhealthy == 0 {
		f.history.Changes = slices.DeleteFunc(f.history.Changes, func(change memberChange) bool {
			over := f.now.Sub(change.Noticed) >= f.limits.follow
			if over && change.At.After(f.history.Since) {
				f.history.Since = change.At
			}
			return over
		})
	}
	state, err := json.Marshal(f.history)
	result.State = string(state)
	return result, err
}
