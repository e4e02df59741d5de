package checks

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/etcd"
)

const (
	// longestSample and largestSample bound what a run watches: the events carry the values.
	longestSample = time.Minute
	largestSample = 64 << 20

	// catchUpTime is how long the watch may take to deliver what was written until the end of the sample, and
	// watchPause passes before a watch that broke is resumed.
	catchUpTime = 10 * time.Second
	watchPause  = 200 * time.Millisecond

	// countedKeys and countedPrefixes bound what is counted at once, rememberedPrefix a prefix in the state, in bytes.
	countedKeys      = 10_000
	countedPrefixes  = 1000
	rememberedPrefix = 256

	// rateSamples is how many samples are remembered, and enoughSamples how many tell what is usual.
	rateSamples   = 24
	enoughSamples = 6

	// An outlier's modified z-score is above outlierScore: 0.6745 × the distance from the median in median absolute
	// deviations (B. Iglewicz and D. C. Hoaglin, How to Detect and Handle Outliers, 1993). Where rates hardly vary, the
	// deviation is taken for steadyRatio of the median, and for steadyRate writes a second, at least.
	outlierScore = 3.5
	madToSigma   = 0.6745
	steadyRatio  = 0.1
	steadyRate   = 1
)

func init() {
	register(Check{
		Name: "write-qps-outliers",
		Parameters: Parameters{
			"sample": "10s", "hotKeyPerSecond": "10", "hotKeyShare": "0.5", "outlierPerSecond": "20",
		},
		Values: []Value{
			{
				Name:   "writesPerSecond",
				Metric: "etcd_inspection_writes_per_second",
				Help:   "Keys of a cluster that are written or deleted in a second.",
			},
			{
				Name:   "hottestKeyPerSecond",
				Metric: "etcd_inspection_hottest_key_writes_per_second",
				Help:   "Writes in a second to the key of a cluster that is written most.",
			},
			{
				Name:   "outliers",
				Metric: "etcd_inspection_write_outliers",
				Help:   "Prefixes of a cluster that are written far more than usual.",
			},
			{
				Name:   "missedRevisions",
				Metric: "etcd_inspection_missed_revisions",
				Help:   "Revisions of a cluster that were written while it was watched, and not seen.",
			},
		},
		Interval: 10 * time.Minute,
		Timeout:  2 * time.Minute,
		Run:      writeQPSOutliers,
	})
}

// writeQPSOutliers watches all writes for the time of the parameter sample. It is a Warning when one key has
// hotKeyPerSecond writes a second or more and at least the part hotKeyShare of all, and when a prefix,
// /registry/<resource>/ in a Kubernetes cluster, has outlierPerSecond or more and far more than in the samples before.
//
// It reads no key: a follower, where there is one, sends each write once more, 64 MiB at most. The difference of the
// member's revisions tells whether the watch has seen all of them.
func writeQPSOutliers(ctx context.Context, target Target) (Result, error) {
	j, err := newWriteJudge(target)
	if err != nil {
		return Result{}, err
	}
	all := askMembers(ctx, target)
	source, err := all.follower()
	if err != nil {
		return Result{}, err
	}
	s := &writeSample{
		source:   source,
		keys:     frequent{most: countedKeys},
		prefixes: frequent{most: countedPrefixes},
	}
	if err := s.take(ctx, j.sample); err != nil {
		return Result{}, fmt.Errorf("watch the writes of %s: %s", source.name, etcd.Reason(err))
	}
	if err := target.Budget.Spend(ctx, source.endpoint, int(s.events), s.bytes); err != nil {
		return Result{}, err
	}
	result := j.judge(s)
	all.judgeMissing(&result)
	return result, nil
}

// writeSample is what a watch has seen.
type writeSample struct {
	source *member

	// begin and end are the revisions between which writes are counted, and elapsed the time between them.
	begin, end int64
	began      time.Time
	elapsed    time.Duration

	// next is the revision that the watch shall deliver, events and revisions how many it has delivered.
	next              int64
	events, revisions int64
	bytes             int64
	keys, prefixes    frequent

	// created tells that a watch could be made, and broken why the last one broke.
	created bool
	broken  error
}

// take watches for the time of a sample, and until all that was written in it is seen.
func (s *writeSample) take(ctx context.Context, length time.Duration) error {
	watcher := clientv3.NewWatcher(s.source.client)
	defer func() { _ = watcher.Close() }()
	revision, err := s.askRevision(ctx)
	if err != nil {
		return err
	}
	s.begin, s.next, s.began = revision, revision+1, time.Now()
	responses := s.watch(ctx, watcher)
	over := time.NewTimer(length)
	defer over.Stop()
	var resume <-chan time.Time
	for s.end == 0 || s.next <= s.end {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-over.C:
			if s.end > 0 {
				return s.verify() // it did not catch up
			}
			if s.end, err = s.askRevision(ctx); err != nil {
				return err
			}
			s.elapsed = time.Since(s.began)
			over.Reset(catchUpTime)
		case <-resume:
			resume, responses = nil, s.watch(ctx, watcher)
		case response, open := <-responses:
			if err := s.see(response, open); err != nil {
				return err
			}
			if s.broken != nil && resume == nil {
				responses, resume = nil, time.After(watchPause)
			}
			if s.end == 0 && s.bytes > largestSample {
				over.Reset(0)
			}
		}
	}
	return s.verify()
}

func (s *writeSample) askRevision(ctx context.Context) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	status, err := etcd.Status(ctx, s.source.client)
	if err != nil {
		return 0, err
	}
	return status.Header.Revision, nil
}

// watch delivers writes from the next revision on: a watch that is resumed loses nothing.
func (s *writeSample) watch(ctx context.Context, watcher clientv3.Watcher) clientv3.WatchChan {
	s.broken = nil
	return watcher.Watch(clientv3.WithRequireLeader(ctx), "\x00", clientv3.WithFromKey(), clientv3.WithRev(s.next),
		clientv3.WithFragment(), clientv3.WithCreatedNotify())
}

// see counts what a watch has delivered. The error is one that another watch would not cure.
func (s *writeSample) see(response clientv3.WatchResponse, open bool) error {
	err := response.Err()
	if !open {
		err = cmp.Or(err, errors.New("the watch was closed"))
	}
	if err != nil {
		s.broken = err
		s.next = max(s.next, response.CompactRevision)
		if strings.Contains(err.Error(), rpctypes.ErrPermissionDenied.Error()) {
			return rpctypes.ErrPermissionDenied
		}
		return nil
	}
	s.created = s.created || response.Created
	for _, event := range response.Events {
		s.count(event)
	}
	return nil
}

func (s *writeSample) count(event *clientv3.Event) {
	revision := event.Kv.ModRevision
	if s.end > 0 && revision > s.end {
		s.next = revision + 1
		return
	}
	if revision >= s.next {
		s.revisions++
		s.next = revision + 1
	}
	s.events++
	s.bytes += int64(len(event.Kv.Key) + len(event.Kv.Value))
	prefix, _ := groupOf(maxSegments)(event.Kv.Key)
	s.keys.add(event.Kv.Key[:min(len(event.Kv.Key), rememberedKey)])
	s.prefixes.add(prefix[:min(len(prefix), rememberedPrefix)])
}

// verify makes sure that there was a watch.
func (s *writeSample) verify() error {
	if s.created {
		return nil
	}
	return cmp.Or(s.broken, context.DeadlineExceeded)
}

func (s *writeSample) missed() int64 { return max(s.end-s.begin-s.revisions, 0) }

// perSecond is the rate of a count.
func (s *writeSample) perSecond(count int64) float64 { return float64(count) / s.elapsed.Seconds() }

// frequent counts the most frequent of any number of strings in bounded memory. A count is too small by at most the
// number of additions divided by most (J. Misra and D. Gries, Finding repeated elements, 1982).
type frequent struct {
	most   int
	counts map[string]int64
}

func (f *frequent) add(text []byte) {
	if f.counts == nil {
		f.counts = map[string]int64{}
	}
	if _, known := f.counts[string(text)]; known || len(f.counts) < f.most {
		f.counts[string(text)]++
		return
	}
	for other := range f.counts {
		if f.counts[other]--; f.counts[other] == 0 {
			delete(f.counts, other)
		}
	}
}

// first returns the most frequent string.
func (f *frequent) first() (text string, count int64) {
	for other, n := range f.counts {
		if n > count || n == count && other < text {
			text, count = other, n
		}
	}
	return text, count
}

// writeJudge judges a sample.
type writeJudge struct {
	sample           time.Duration
	hotKeyPerSecond  int64
	hotKeyShare      float64
	outlierPerSecond int64

	state writeState
}

// writeState is what the next run shall know.
type writeState struct {
	// Samples is how many there were, rateSamples at most.
	Samples int `json:"samples"`

	// Prefixes have been written in one of them.
	Prefixes []prefixRates `json:"prefixes"`
}

type prefixRates struct {
	Prefix []byte `json:"prefix"`

	// Rates are in writes a second, the newest last; those of samples before the first of them are 0.
	Rates []float64 `json:"rates"`
}

func newWriteJudge(target Target) (*writeJudge, error) {
	j := &writeJudge{}
	var err error
	if j.sample, err = target.Parameters.Duration("sample"); err != nil {
		return nil, err
	}
	if j.sample <= 0 || j.sample > longestSample {
		return nil, fmt.Errorf("parameter sample is %s: set spec.parameters.sample to a time up to %s", j.sample, longestSample)
	}
	if j.hotKeyPerSecond, err = target.Parameters.Count("hotKeyPerSecond"); err != nil {
		return nil, err
	}
	if j.hotKeyShare, err = target.Parameters.Ratio("hotKeyShare"); err != nil {
		return nil, err
	}
	if j.outlierPerSecond, err = target.Parameters.Count("outlierPerSecond"); err != nil {
		return nil, err
	}
	if json.Unmarshal([]byte(target.State), &j.state) != nil {
		j.state = writeState{} // of another version, or none
	}
	return j, nil
}

func (j *writeJudge) judge(s *writeSample) Result {
	total := s.perSecond(max(s.events, s.end-s.begin))
	key, writes := s.keys.first()
	hottest := s.perSecond(writes)
	result := Result{
		Outcome: etcdv1beta1.OutcomePassed,
		Message: fmt.Sprintf("%.1f writes/s in %s on %s", total, s.elapsed.Round(time.Millisecond), s.source.name),
	}
	if share := float64(writes) / float64(max(s.events, 1)); writes > 0 && hottest >= float64(j.hotKeyPerSecond) && share >= j.hotKeyShare {
		result.Outcome = etcdv1beta1.OutcomeWarning
		result.Message += fmt.Sprintf(",hot key %s has %.1f writes/s, %.0f %% of all", quoteKey(key), hottest, 100*share)
	}
	outliers := j.judgePrefixes(s, &result)
	if missed := s.missed(); missed > 0 {
		result.Message += fmt.Sprintf(",%d of %d revisions were not seen", missed, s.end-s.begin)
		if s.broken != nil {
			result.Message += fmt.Sprintf(" (%s)", etcd.Reason(s.broken))
		}
	}
	result.Values = map[string]float64{
		"writesPerSecond":     total,
		"hottestKeyPerSecond": hottest,
		"outliers":            float64(outliers),
		"missedRevisions":     float64(s.missed()),
	}
	result.State = j.encode()
	return result
}

// judgePrefixes compares the rates of prefixes with those of the samples before, and remembers them.
func (j *writeJudge) judgePrefixes(s *writeSample, result *Result) (outliers int) {
	for prefix := range s.prefixes.counts {
		known := func(p prefixRates) bool { return string(p.Prefix) == prefix }
		if !slices.ContainsFunc(j.state.Prefixes, known) {
			j.state.Prefixes = append(j.state.Prefixes, prefixRates{Prefix: []byte(prefix)})
		}
	}
	slices.SortFunc(j.state.Prefixes, func(a, b prefixRates) int { return slices.Compare(a.Prefix, b.Prefix) })
	for i := range j.state.Prefixes {
		p := &j.state.Prefixes[i]
		rate := s.perSecond(s.prefixes.counts[string(p.Prefix)])
		usual, isOutlier := p.judge(rate, j.state.Samples)
		if isOutlier && rate >= float64(j.outlierPerSecond) {
			outliers++
			result.Outcome = etcdv1beta1.OutcomeWarning
			result.Message += fmt.Sprintf(",%s has %.1f writes/s, usually %.1f", groupName(string(p.Prefix)), rate, usual)
		}
		p.Rates = append(p.Rates, math.Round(10*rate)/10)
		p.Rates = p.Rates[max(0, len(p.Rates)-rateSamples):]
	}
	j.state.Samples = min(j.state.Samples+1, rateSamples)
	return outliers
}

// judge tells what was usual in so many samples, and whether a rate is far above it.
func (p *prefixRates) judge(rate float64, samples int) (usual float64, isOutlier bool) {
	if samples < enoughSamples {
		return 0, false
	}
	rates := make([]float64, max(samples-len(p.Rates), 0), rateSamples)
	rates = append(rates, p.Rates...)
	usual = median(rates)
	for i := range rates {
		rates[i] = math.Abs(rates[i] - usual)
	}
	deviation := max(median(rates), steadyRatio*usual, steadyRate)
	return usual, madToSigma*(rate-usual)/deviation > outlierScore
}

// encode returns the state, with as many of the prefixes that are written most as fit. Those that have not been written
// in any sample are forgotten.
func (j *writeJudge) encode() string {
	highest := func(p prefixRates) float64 { return slices.Max(p.Rates) }
	prefixes := slices.DeleteFunc(j.state.Prefixes, func(p prefixRates) bool { return highest(p) == 0 })
	slices.SortStableFunc(prefixes, func(a, b prefixRates) int { return cmp.Compare(highest(b), highest(a)) })
	for {
		j.state.Prefixes = prefixes
		text, err := json.Marshal(j.state)
		if err == nil && len(text) <= etcdv1beta1.MaxStateLength || len(prefixes) == 0 {
			return string(text)
		}
		prefixes = prefixes[:len(prefixes)-1]
	}
}
