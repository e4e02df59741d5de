package checks

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/keyspace"
	"github.com/etcdfleet/etcd-fleet/cruiser/statistics"
	"github.com/etcdfleet/etcd-fleet/internal/etcdclient"
	"github.com/etcdfleet/etcd-fleet/internal/etcddiag"
	"github.com/etcdfleet/etcd-fleet/internal/parameters"
)

const (
	// rateSamples is how many samples are remembered, and enoughSamples how many it takes to know what is usual.
	rateSamples   = 24
	enoughSamples = 6

	// An outlier's modified z-score is above outlierScore: 0.6745 × the distance from the median in median absolute
	// deviations (B. Iglewicz and D. C. Hoaglin, How to Detect and Handle Outliers, 1993). If rates hardly vary, the
	// deviation counts as at least steadyRatio of the median and steadyRate writes per second.
	outlierScore = 3.5
	madToSigma   = 0.6745
	steadyRatio  = 0.1
	steadyRate   = 1
)

func init() {
	register(Check{
		Name: "write-qps-outliers",
		Parameters: parameters.Set{
			{
				Name: "sample", Kind: parameters.Duration, Default: "10s", Min: "1ms", Max: "1m", // the events carry the values
				Help: "How long writes are watched.",
			},
			{
				Name: "hotKeyPerSecond", Kind: parameters.Count, Default: "10",
				Help: "Writes per second to one key that make it a hot key.",
			},
			{
				Name: "hotKeyShare", Kind: parameters.Ratio, Default: "0.5",
				Help: "Part of all writes that a hot key has at least.",
			},
			{
				Name: "outlierPerSecond", Kind: parameters.Count, Default: "20",
				Help: "Writes per second to a prefix below which it is no outlier.",
			},
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
// hotKeyPerSecond writes per second or more and at least the part hotKeyShare of all, and when a prefix,
// /registry/<resource>/ in a Kubernetes cluster, has outlierPerSecond or more and far more than in the samples before.
//
// It reads no key: a follower, if there is one, sends each write once more, 64 MiB at most. The difference of the
// member's revisions shows whether the watch has seen all of them.
func writeQPSOutliers(ctx context.Context, target Target) (Result, error) {
	all := etcddiag.AskMembers(ctx, target.Members, target.Cluster)
	source, err := all.Follower()
	if err != nil {
		return Result{}, err
	}
	s, err := keyspace.SampleWrites(ctx, source.Client, target.Parameters.Duration("sample"))
	if err != nil {
		return Result{}, fmt.Errorf("watch the writes of %s: %s", source.Name, etcdclient.Reason(err))
	}
	if err := target.Budget.Spend(ctx, source.Endpoint, int(s.Events), s.Bytes); err != nil {
		return Result{}, err
	}
	result := newWriteJudge(target).judge(source.Name, s)
	result.judgeMissing(all)
	return result, nil
}

// writeJudge judges a sample.
type writeJudge struct {
	hotKeyPerSecond  int64
	hotKeyShare      float64
	outlierPerSecond int64

	state writeState
}

// writeState is what the next run needs to know.
type writeState struct {
	// Samples is how many there were, rateSamples at most.
	Samples int `json:"samples"`

	// Prefixes have been written in one of them.
	Prefixes []prefixRates `json:"prefixes"`
}

type prefixRates struct {
	Prefix []byte `json:"prefix"`

	// Rates are in writes per second, the newest last; those of samples before the first of them are 0.
	Rates []float64 `json:"rates"`
}

func newWriteJudge(target Target) *writeJudge {
	j := &writeJudge{
		hotKeyPerSecond:  target.Parameters.Count("hotKeyPerSecond"),
		hotKeyShare:      target.Parameters.Ratio("hotKeyShare"),
		outlierPerSecond: target.Parameters.Count("outlierPerSecond"),
	}
	if json.Unmarshal([]byte(target.State), &j.state) != nil {
		j.state = writeState{} // of another version, or none
	}
	return j
}

func (j *writeJudge) judge(source string, s *keyspace.WriteSample) Result {
	total := s.PerSecond(max(s.Events, s.End-s.Begin))
	key, writes := s.Hottest()
	hottest := s.PerSecond(writes)
	result := Result{
		Outcome: etcdv1beta1.OutcomePassed,
		Message: fmt.Sprintf("%s had %.1f writes/s in %s.", source, total, s.Elapsed.Round(time.Millisecond)),
	}
	if share := float64(writes) / float64(max(s.Events, 1)); writes > 0 && hottest >= float64(j.hotKeyPerSecond) && share >= j.hotKeyShare {
		result.find(etcdv1beta1.OutcomeWarning, "Hot key %s has %.1f writes/s, %.0f %% of all: find out what writes it.", keyspace.Quote(key), hottest, 100*share)
	}
	outliers := j.judgePrefixes(s, &result)
	if missed := s.Missed(); missed > 0 {
		reason := ""
		if s.Broken != nil {
			reason = fmt.Sprintf(" (%s)", etcdclient.Reason(s.Broken))
		}
		result.Message += fmt.Sprintf(" %d of %d revisions were not seen%s.", missed, s.End-s.Begin, reason)
	}
	result.Values = map[string]float64{
		"writesPerSecond":     total,
		"hottestKeyPerSecond": hottest,
		"outliers":            float64(outliers),
		"missedRevisions":     float64(s.Missed()),
	}
	result.State = j.encode()
	return result
}

// judgePrefixes compares the rates of prefixes with those of the samples before, and remembers them.
func (j *writeJudge) judgePrefixes(s *keyspace.WriteSample, result *Result) (outliers int) {
	for prefix := range s.Prefixes() {
		known := func(p prefixRates) bool { return string(p.Prefix) == prefix }
		if !slices.ContainsFunc(j.state.Prefixes, known) {
			j.state.Prefixes = append(j.state.Prefixes, prefixRates{Prefix: []byte(prefix)})
		}
	}
	slices.SortFunc(j.state.Prefixes, func(a, b prefixRates) int { return slices.Compare(a.Prefix, b.Prefix) })
	for i := range j.state.Prefixes {
		p := &j.state.Prefixes[i]
		rate := s.PerSecond(s.Prefixes()[string(p.Prefix)])
		usual, isOutlier := p.judge(rate, j.state.Samples)
		if isOutlier && rate >= float64(j.outlierPerSecond) {
			outliers++
			result.find(etcdv1beta1.OutcomeWarning, "%s has %.1f writes/s, and usually %.1f: find out what writes it.", keyspace.GroupName(string(p.Prefix)), rate, usual)
		}
		p.Rates = append(p.Rates, math.Round(10*rate)/10)
		p.Rates = p.Rates[max(0, len(p.Rates)-rateSamples):]
	}
	j.state.Samples = min(j.state.Samples+1, rateSamples)
	return outliers
}

// judge returns the usual rate in the given samples, and whether a rate is far above it.
func (p *prefixRates) judge(rate float64, samples int) (usual float64, isOutlier bool) {
	if samples < enoughSamples {
		return 0, false
	}
	rates := make([]float64, min(max(samples-len(p.Rates), 0), rateSamples), rateSamples)
	rates = append(rates, p.Rates...)
	usual = statistics.Median(rates)
	for i := range rates {
		rates[i] = math.Abs(rates[i] - usual)
	}
	deviation := max(statistics.Median(rates), steadyRatio*usual, steadyRate)
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
