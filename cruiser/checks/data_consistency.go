package checks

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"golang.org/x/sync/errgroup"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/etcd"
)

const (
	// compactionTimeout bounds the question for a member's last compaction, which it answers within about 100 ms.
	compactionTimeout = 5 * time.Second

	// hashTimeout bounds one hash. A scan takes 1 to 2 s a GiB on an idle machine.
	hashTimeout = 30 * time.Second

	// hashAttempts is how often hashes are asked for until all can be compared, and hashPause what a compaction that is
	// under way, or a lagging member, is given in between.
	hashAttempts = 3
	hashPause    = 2 * time.Second

	// neverWrittenKey is read where only the answer's circumstances matter.
	neverWrittenKey = "\x00etcd-fleet/compaction"

	// maxMetricsBytes bounds a member's /metrics, which is about 200 KB.
	maxMetricsBytes = 16 << 20
)

func init() {
	register(Check{
		Name:       "data-consistency",
		Parameters: Parameters{"maxScanBytes": "256Mi"},
		Values: []Value{
			{
				Name:   "inconsistentMembers",
				Metric: "etcd_inspection_inconsistent_members",
				Help:   "Voting members of a cluster whose data differ from the majority's; all that were compared where there is no majority.",
			},
			{
				Name:   "members",
				Metric: "etcd_inspection_compared_members",
				Help:   "Voting members that answered and were compared.",
			},
		},
		Expensive: true,
		Interval:  time.Hour,
		Timeout:   15 * time.Minute,
		Run:       dataConsistency,
	})
}

// dataConsistency compares a hash of keys, values and revisions of the voting members, all at one revision. It is Failed
// when members differ, naming those that differ from the majority, else Warning when a member is missing, lags or could
// not be compared. It finds what the key count cannot: changed values and lost revisions. What was written after the
// revision that is compared is seen by a later run.
//
// Since 3.5.5 etcd computes the hash while it compacts and remembers the last ten, so that the hash at the last compacted
// revision costs nothing; the check asks for that. After a restart a member remembers none, and older versions never do:
// a hash is then a scan of the whole database, about 1 s a GiB, while writes wait. Scans are made only where the member's
// database is no larger than the parameter maxScanBytes, one member at a time, and at the pace of the cluster's budget. Of
// a larger one the hash is asked for only when its metrics tell that it has it.
//
// Answers are compared as etcd's own checker does (server/etcdserver/corrupt.go): only those of equal compact_revision and
// revision; a member that lags, or that has compacted more, is not corrupt. With auth enabled HashKV needs the role root.
func dataConsistency(ctx context.Context, target Target) (Result, error) {
	maxScan, err := target.Parameters.Bytes("maxScanBytes")
	if err != nil {
		return Result{}, err
	}
	comparison := hashComparison{target: target, maxScan: maxScan}
	for attempt := 1; ; attempt++ {
		result, complete, err := comparison.try(ctx)
		if complete || attempt == hashAttempts {
			return result, err
		}
		select {
		case <-ctx.Done():
			return result, err
		case <-time.After(hashPause):
		}
	}
}

// hashComparison is a run of the check.
type hashComparison struct {
	target  Target
	maxScan int64
}

// memberHash is what a voting member said of its data.
type memberHash struct {
	*member

	// compaction is the member's last compacted revision, 0 before the first.
	compaction int64

	// answered tells that the rest is known.
	answered bool
	basis    hashBasis
	hash     uint32

	// current is the member's revision when it answered.
	current int64

	// reason says why there is no answer.
	reason string
}

// hashBasis is what a hash covers. Hashes with the same basis are equal where the data are.
type hashBasis struct {
	compaction, revision int64
}

// try compares the members once. It is complete when another attempt would find nothing else.
func (c hashComparison) try(ctx context.Context) (result Result, complete bool, err error) {
	all := askMembers(ctx, c.target)
	if err := all.verifyIdentities(); err != nil {
		return Result{}, true, err
	}
	hashes := askCompactions(ctx, all.voters())
	if len(hashes) < 2 {
		return Result{}, true, explainPermission(all, all.tooFew())
	}
	newest := slices.MaxFunc(hashes, byCompaction).compaction
	remembered := newest > 0 && allRemember(hashes)
	large := slices.MaxFunc(hashes, bySize)
	if large.status.DbSize > c.maxScan && !remembered {
		result, err := c.tooLarge(large, hashes)
		return result, true, err
	}
	if remembered {
		if hashes, err = c.askRemembered(ctx, hashes); err != nil {
			return Result{}, true, err
		}
	}
	if large.status.DbSize <= c.maxScan && !decided(hashes) {
		if hashes, err = c.scan(ctx, hashes, newest); err != nil {
			return Result{}, true, err
		}
	}
	result, err = judgeHashes(all, hashes, newest)
	return result, decided(hashes) || errors.Is(err, rpctypes.ErrPermissionDenied), err
}

// askCompactions asks the members for their last compacted revisions. A member that fails keeps its error and is missing.
func askCompactions(ctx context.Context, voters members) []*memberHash {
	var hashes []*memberHash
	var group errgroup.Group
	for _, m := range voters {
		hash := &memberHash{member: m}
		hashes = append(hashes, hash)
		group.Go(func() error {
			hash.compaction, m.err = lastCompaction(ctx, m.client)
			return nil
		})
	}
	_ = group.Wait()
	return withoutMissing(hashes)
}

// lastCompaction returns the member's last compacted revision, 0 before the first. A read at revision 1 tells whether
// there was one; a watch from there is then refused with its revision, and reads nothing. (Without a compaction the watch
// would read the whole history.)
func lastCompaction(ctx context.Context, client *clientv3.Client) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, compactionTimeout)
	defer cancel()
	_, err := client.Get(ctx, neverWrittenKey, clientv3.WithSerializable(), clientv3.WithRev(1))
	if err == nil || !errors.Is(err, rpctypes.ErrCompacted) {
		return 0, err
	}
	for response := range client.Watch(ctx, neverWrittenKey, clientv3.WithRev(1)) {
		if response.CompactRevision > 0 {
			return response.CompactRevision, nil
		}
		if err := response.Err(); err != nil {
			return 0, err
		}
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	return 0, errors.New("it ended the watch that asks for its last compaction")
}

// allRemember tells whether all members run versions that remember the hashes of compactions.
func allRemember(hashes []*memberHash) bool {
	return !slices.ContainsFunc(hashes, func(h *memberHash) bool { return !remembersHashes(h.status.Version) })
}

// remembersHashes tells whether a version of etcd remembers the hashes of compactions, as 3.5.5 and later do.
func remembersHashes(version string) bool {
	var major, minor, patch int
	if n, _ := fmt.Sscanf(version, "%d.%d.%d", &major, &minor, &patch); n < 3 {
		return false
	}
	return slices.Compare([]int{major, minor, patch}, []int{3, 5, 5}) >= 0
}

// askRemembered asks for the hashes that the members remember, at the compaction at which most can be compared: a member
// that lags a little has compacted less, and the others remember that compaction as well.
func (c hashComparison) askRemembered(ctx context.Context, hashes []*memberHash) ([]*memberHash, error) {
	revisions := map[int64]bool{}
	for _, h := range hashes {
		if h.compaction > 0 {
			revisions[h.compaction] = true
		}
	}
	var best []*memberHash
	for _, revision := range slices.Sorted(maps.Keys(revisions)) {
		var answers []*memberHash
		for _, h := range hashes {
			answer, err := c.askRememberedHash(ctx, *h, revision)
			if err != nil {
				return nil, err
			}
			answers = append(answers, answer)
		}
		answers = withoutMissing(answers)
		if best == nil || len(largestGroup(answers)) > len(largestGroup(best)) {
			best = answers
		}
		if decided(answers) {
			break
		}
	}
	return best, nil
}

// askRememberedHash asks one member for its hash at a compaction. Only at its own last one it might have to scan: any
// other is remembered or refused. The error is that of spend.
func (c hashComparison) askRememberedHash(ctx context.Context, h memberHash, revision int64) (*memberHash, error) {
	if h.compaction < revision {
		h.reason = fmt.Sprintf("it lags: its last compaction is at revision %d, that of others at %d", h.compaction, revision)
		return &h, nil
	}
	if h.compaction == revision && h.status.DbSize > c.maxScan {
		if h.reason = c.whyNotRemembered(ctx, h.member); h.reason != "" {
			return &h, nil
		}
	}
	h.ask(ctx, revision)
	if h.answered && h.basis.compaction == revision { // of a remembered hash it is the compaction before
		return &h, c.spend(ctx, h)
	}
	return &h, nil
}

// scan hashes the members' databases at the newest revision that all have, one after the other. It returns hashes instead
// when more of them can be compared. The error is that of spend.
func (c hashComparison) scan(ctx context.Context, hashes []*memberHash, newest int64) ([]*memberHash, error) {
	revision := int64(0)
	for _, h := range hashes {
		if current := h.revision(); current >= newest && (revision == 0 || current < revision) {
			revision = current
		}
	}
	if revision == newest {
		// A member that remembers the hash of that compaction would answer with it, which cannot be compared. 0 means
		// the present revision, and is never remembered.
		revision = 0
	}
	var scanned []*memberHash
	for _, h := range hashes {
		answer := memberHash{member: h.member, compaction: h.compaction}
		answer.ask(ctx, revision)
		if err := c.spend(ctx, answer); err != nil {
			return nil, err
		}
		scanned = append(scanned, &answer)
	}
	if len(largestGroup(scanned)) < len(largestGroup(hashes)) {
		return withoutMissing(hashes), nil
	}
	return withoutMissing(scanned), nil
}

// spend waits for the cluster's budget after a scan of the member.
func (c hashComparison) spend(ctx context.Context, h memberHash) error {
	if err := c.target.Budget.Spend(ctx, h.endpoint, 0, h.status.DbSizeInUse); err != nil {
		return fmt.Errorf("wait after the scan of %s: run this check at a quieter time, or set maxScanBytes lower: %w", h.name, err)
	}
	return nil
}

// ask asks the member for its hash at the revision.
func (h *memberHash) ask(ctx context.Context, revision int64) {
	ctx, cancel := context.WithTimeout(ctx, hashTimeout)
	defer cancel()
	response, err := pb.NewMaintenanceClient(h.client.ActiveConnection()).HashKV(ctx, &pb.HashKVRequest{Revision: revision})
	err = etcd.RequestError(ctx, err)
	switch {
	case errors.Is(err, rpctypes.ErrFutureRev):
		h.reason = fmt.Sprintf("it lags: it does not have revision %d yet", revision)
	case errors.Is(err, rpctypes.ErrCompacted):
		h.reason = fmt.Sprintf("it does not remember the hash of revision %d", revision)
	case err != nil:
		h.err = err
	default:
		h.answered, h.hash, h.current = true, response.Hash, response.Header.Revision
		h.basis = hashBasis{compaction: response.CompactRevision, revision: revision}
		if revision == 0 {
			h.basis.revision = response.Header.Revision
		}
		if response.HashRevision > 0 { // 3.6 and later
			h.basis.revision = response.HashRevision
		}
	}
}

// whyNotRemembered returns "" when the member's metrics tell that it remembers the hash of its last compaction: it has
// finished as many as it began since its start, and one at least. They count them in histograms of their time.
func (c hashComparison) whyNotRemembered(ctx context.Context, m *member) string {
	families, err := c.metrics(ctx, m)
	if err != nil {
		return fmt.Sprintf("its metrics do not tell whether it remembers the hash of its last compaction (%s): correct its "+
			"metricsURL in the EtcdCluster, or set maxScanBytes above %s", etcd.Reason(err), quoteSize(float64(m.status.DbSize)))
	}
	begun := histogramCount(families["etcd_debugging_mvcc_index_compaction_pause_duration_milliseconds"])
	finished := histogramCount(families["etcd_debugging_mvcc_db_compaction_total_duration_milliseconds"])
	if finished == 0 || begun != finished {
		return "it restarted after the last compaction, or is compacting"
	}
	return ""
}

func (c hashComparison) metrics(ctx context.Context, m *member) (map[string]*dto.MetricFamily, error) {
	ctx, cancel := context.WithTimeout(ctx, compactionTimeout)
	defer cancel()
	endpoint := m.endpoint
	for _, spec := range c.target.Cluster.Members {
		if spec.Name == m.name {
			endpoint = spec.MetricsEndpoint()
		}
	}
	url := endpoint + "/metrics"
	var text bytes.Buffer
	status, err := readHTTP(ctx, c.target, url, func(body io.Reader) error {
		_, err := text.ReadFrom(io.LimitReader(body, maxMetricsBytes))
		return err
	})
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("%s answers %d %s", url, status, http.StatusText(status))
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	return parser.TextToMetricFamilies(&text)
}

func histogramCount(family *dto.MetricFamily) uint64 {
	if metrics := family.GetMetric(); len(metrics) > 0 {
		return metrics[0].GetHistogram().GetSampleCount()
	}
	return 0
}

// tooLarge says why a cluster without remembered hashes is not compared.
func (c hashComparison) tooLarge(large *memberHash, hashes []*memberHash) (Result, error) {
	size := fmt.Sprintf("the database of %s is %s", large.name, quoteSize(float64(large.status.DbSize)))
	for _, h := range hashes {
		if !remembersHashes(h.status.Version) {
			return Result{
				Outcome: etcdv1beta1.OutcomeNotSupported,
				Message: fmt.Sprintf("not supported on %s above maxScanBytes (%s): %s, and etcd before 3.5.5 remembers no hashes "+
					"of compactions, so that it would have to be scanned", h.status.Version, quoteSize(float64(c.maxScan)), size),
			}, nil
		}
	}
	return Result{}, fmt.Errorf("nothing has been compacted yet, so that only a scan could tell, and %s: "+
		"let etcd compact (--auto-compaction-retention), or set maxScanBytes above that", size)
}

// judge compares the hashes of the members that answered on the same basis.
func judgeHashes(all members, hashes []*memberHash, newest int64) (Result, error) {
	compared := largestGroup(hashes)
	if len(compared) < 2 {
		return Result{}, explainPermission(all, notComparable(all, hashes))
	}
	var remarks strings.Builder
	for _, h := range hashes {
		switch {
		case !slices.Contains(compared, h):
			fmt.Fprintf(&remarks, ",member %s was not compared (%s)", h.name, h.whyNotCompared())
		case h.current < newest:
			fmt.Fprintf(&remarks, ",member %s lags: it is at revision %d while others have compacted %d", h.name, h.current, newest)
		}
	}
	revision := compared[0].basis.revision
	result := Result{
		Outcome: etcdv1beta1.OutcomePassed,
		Message: fmt.Sprintf("the data of %d voting members are equal at revision %d", len(compared), revision),
		Values:  map[string]float64{"inconsistentMembers": 0, "members": float64(len(compared))},
	}
	if remarks.Len() > 0 || len(all.missing()) > 0 {
		result.Outcome = etcdv1beta1.OutcomeWarning
	}
	if byHash := groupByHash(compared); len(byHash) > 1 {
		result.Outcome = etcdv1beta1.OutcomeFailed
		var inconsistent int
		result.Message, inconsistent = describeMismatch(byHash, len(all.voters())+len(all.missing()), revision)
		result.Values["inconsistentMembers"] = float64(inconsistent)
	}
	result.Message += remarks.String() + all.remarks()
	return result, nil
}

// describeMismatch says which members differ from the majority of the voters, and how many differ.
func describeMismatch(byHash [][]*memberHash, voters int, revision int64) (message string, inconsistent int) {
	majority := slices.MaxFunc(byHash, func(a, b []*memberHash) int { return len(a) - len(b) })
	found := len(majority) > voters/2
	var differ, groups []string
	for _, group := range byHash {
		groups = append(groups, fmt.Sprintf("%s hash %08x", namesOf(group), group[0].hash))
		if !found || group[0].hash != majority[0].hash {
			differ = append(differ, namesOf(group))
			inconsistent += len(group)
		}
	}
	hashes := strings.Join(groups, ", ")
	if !found {
		return fmt.Sprintf("the data of members differ at revision %d and no majority of %d agrees (%s): stop writing, "+
			"and compare them with a backup", revision, voters, hashes), inconsistent
	}
	return fmt.Sprintf("the data of %s differ from the majority's at revision %d (%s): remove the member, delete its data "+
		"and add it anew", strings.Join(differ, " and "), revision, hashes), inconsistent
}

// notComparable says why fewer than two members could be compared.
func notComparable(all members, hashes []*memberHash) error {
	var reasons []string
	for _, h := range hashes {
		reasons = append(reasons, h.name+": "+h.whyNotCompared())
	}
	if len(reasons) < 2 {
		return all.tooFew()
	}
	return fmt.Errorf("no two members' hashes can be compared (%s): run this check again after the next compaction, or set "+
		"maxScanBytes above the size of the database, %s", strings.Join(reasons, "; "), quoteSize(float64(slices.MaxFunc(hashes, bySize).status.DbSize)))
}

func (h *memberHash) whyNotCompared() string {
	if h.reason != "" {
		return h.reason
	}
	return fmt.Sprintf("its hash is of revisions %d to %d, as after a restart or while it compacts", h.basis.compaction, h.basis.revision)
}

// explainPermission returns err, or what to do when a member refused for want of rights.
func explainPermission(all members, err error) error {
	for _, m := range all.missing() {
		if errors.Is(m.err, rpctypes.ErrPermissionDenied) {
			return fmt.Errorf("hashing needs the role root: grant it to the user of the Secret that spec.tls of the "+
				"EtcdCluster names: %s: %w", m.name, m.err)
		}
	}
	return err
}

// decided tells whether another attempt would find nothing else: all members were compared, or some differ.
func decided(hashes []*memberHash) bool {
	group := largestGroup(hashes)
	return len(group) > 1 && (len(group) == len(hashes) || len(groupByHash(group)) > 1)
}

// withoutMissing leaves out members that did not answer: they keep their errors and are missing.
func withoutMissing(hashes []*memberHash) []*memberHash {
	return slices.DeleteFunc(hashes, func(h *memberHash) bool { return h.err != nil })
}

// largestGroup returns the members that answered on the same basis as most; where that does not decide, those that differ.
func largestGroup(hashes []*memberHash) []*memberHash {
	var largest []*memberHash
	for _, first := range hashes {
		var group []*memberHash
		for _, h := range hashes {
			if h.answered && first.answered && h.basis == first.basis {
				group = append(group, h)
			}
		}
		if len(group) > len(largest) || len(group) == len(largest) && len(groupByHash(group)) > len(groupByHash(largest)) {
			largest = group
		}
	}
	return largest
}

// groupByHash returns the members in groups of equal hashes, in the order of the first of each.
func groupByHash(hashes []*memberHash) [][]*memberHash {
	var groups [][]*memberHash
	for _, h := range hashes {
		i := slices.IndexFunc(groups, func(group []*memberHash) bool { return group[0].hash == h.hash })
		if i < 0 {
			groups = append(groups, []*memberHash{h})
			continue
		}
		groups[i] = append(groups[i], h)
	}
	return groups
}

func namesOf(hashes []*memberHash) string {
	var names []string
	for _, h := range hashes {
		names = append(names, h.name)
	}
	return strings.Join(names, " ")
}

func byCompaction(a, b *memberHash) int { return cmp.Compare(a.compaction, b.compaction) }

func bySize(a, b *memberHash) int { return cmp.Compare(a.status.DbSize, b.status.DbSize) }
