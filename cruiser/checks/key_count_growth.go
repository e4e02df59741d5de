package checks

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/etcd"
)

const (
	// mostGroups is how many groups of keys are told apart; where there would be more, shorter prefixes are counted.
	mostGroups = 1000

	// sizeSamples is how many sizes the forecast is made from, and forecastSpan how far the first and the last must lie
	// apart: within minutes a compaction hides growth, or looks like it.
	sizeSamples  = 48
	forecastSpan = time.Hour

	// longestForecast is where time.Duration can hold a forecast, and longer than anybody needs it.
	longestForecast = 10 * 365 * 24 * time.Hour

	// namedGroups is how many prefixes a message names.
	namedGroups = 5
)

func init() {
	register(Check{
		Name: "key-count-growth",
		Parameters: Parameters{
			"warnKeys": "20000", "warnRatio": "0.2", "window": "6h", "quotaBytes": "2Gi", "forecastWithin": "168h",
		},
		Values: []Value{
			{Name: "totalKeys", Metric: "etcd_inspection_counted_keys", Help: "Keys of a cluster, counted on one member."},
			{
				Name:   "newKeys",
				Metric: "etcd_inspection_new_keys",
				Help:   "Keys by which the fastest growing prefix of a cluster grew in the check's window.",
			},
			{
				Name:   "keysPerHour",
				Metric: "etcd_inspection_key_growth_per_hour",
				Help:   "Keys by which a cluster grows in an hour; negative while it shrinks.",
			},
			{
				Name:   "quotaForecast",
				Metric: "etcd_inspection_quota_forecast_seconds",
				Help:   "Time until a cluster's data reach the quota if they go on growing; absent while they do not grow.",
			},
		},
		Interval: 30 * time.Minute,
		Timeout:  5 * time.Minute,
		Run:      keyCountGrowth,
	})
}

// keyCountGrowth counts the keys of each prefix, /registry/<resource>/ in a Kubernetes cluster, and compares them with the
// counts at the beginning of the window. It is a Warning when a prefix has grown by warnKeys or more and by more than the
// part warnRatio of what it had, or when the data in use will reach the quota within forecastWithin. The quota is what
// the member says, before etcd 3.6 the parameter quotaBytes; growth is the median slope of the recorded sizes (Theil and
// Sen: P. K. Sen, Journal of the American Statistical Association 63, 1968), which compactions do not disturb.
//
// It counts each key once, from a follower where there is one, in a call a prefix: about 0.6 s a million keys. The first
// run finds the prefixes: it counts keys about four times and reads some of them, without values.
func keyCountGrowth(ctx context.Context, target Target) (Result, error) {
	g, err := newGrowth(target)
	if err != nil {
		return Result{}, err
	}
	all := askMembers(ctx, target)
	source, err := all.follower()
	if err != nil {
		return Result{}, err
	}
	groups, stats, err := g.count(ctx, target, source)
	if err != nil {
		return Result{}, source.cannotRead(err)
	}
	result := g.judge(time.Now(), groups, stats.Total, source)
	all.judgeMissing(&result)
	return result, nil
}

// growth is a run of keyCountGrowth.
type growth struct {
	warnKeys               int64
	warnRatio              float64
	window, forecastWithin time.Duration
	quotaBytes             int64

	state growthState
}

// growthState is what the next run shall know.
type growthState struct {
	// Begin is when the window began, in Unix seconds, Total how many keys there were, and Keys how many in each of the
	// largest groups, by their first key; Segments says how they are grouped. Groups that are not there had at most Rest
	// keys.
	Begin    int64      `json:"begin"`
	Total    int64      `json:"total"`
	Segments int        `json:"segments"`
	Keys     []keyGroup `json:"keys"`
	Rest     int64      `json:"rest,omitempty"`

	// Sizes are the times and the data in use of the last runs.
	Sizes []sizeSample `json:"sizes"`
}

type keyGroup struct {
	From []byte `json:"from"`
	Keys int64  `json:"keys"`
}

// sizeSample is a time in Unix seconds and a size in bytes.
type sizeSample [2]int64

func newGrowth(target Target) (*growth, error) {
	g := &growth{}
	var err error
	if g.warnKeys, err = target.Parameters.Count("warnKeys"); err != nil {
		return nil, err
	}
	if g.warnRatio, err = target.Parameters.Ratio("warnRatio"); err != nil {
		return nil, err
	}
	if g.window, err = target.Parameters.Duration("window"); err != nil {
		return nil, err
	}
	if g.quotaBytes, err = target.Parameters.Bytes("quotaBytes"); err != nil {
		return nil, err
	}
	if g.forecastWithin, err = target.Parameters.Duration("forecastWithin"); err != nil {
		return nil, err
	}
	if json.Unmarshal([]byte(target.State), &g.state) != nil || g.state.Segments > maxSegments || g.state.Segments < 0 {
		g.state = growthState{} // of another version, or none
	}
	if g.state.Begin == 0 {
		g.state.Segments = maxSegments
	}
	return g, nil
}

// count counts the keys in groups of as many segments as keep their number small.
func (g *growth) count(ctx context.Context, target Target, source *member) ([]etcd.Group, etcd.WalkStats, error) {
	var known []string
	for _, group := range g.state.Keys {
		known = append(known, string(group.From))
	}
	slices.Sort(known)
	for {
		groups, stats, err := etcd.CountGroups(ctx, source.client,
			etcd.WalkOptions{Endpoint: source.endpoint, Budget: target.Budget, FollowCompaction: true},
			etcd.Grouping{Of: groupOf(g.state.Segments), Known: known, Most: mostGroups})
		if !errors.Is(err, etcd.ErrTooManyGroups) || g.state.Segments == 0 {
			return groups, stats, err
		}
		known, g.state = nil, growthState{Segments: g.state.Segments - 1, Sizes: g.state.Sizes}
	}
}

// grown is by how many keys a group has grown.
type grown struct {
	from           string
	before, growth int64
}

// judge compares the counts with those of the state, and makes the next run's.
func (g *growth) judge(now time.Time, groups []etcd.Group, total int64, source *member) Result {
	quota := cmp.Or(source.status.DbSizeQuota, g.quotaBytes)
	result := Result{
		Outcome: etcdv1beta1.OutcomePassed,
		Message: fmt.Sprintf("%d keys,%s of %s in use", total, quoteSize(float64(source.status.DbSizeInUse)), quoteSize(float64(quota))),
		Values:  map[string]float64{"totalKeys": float64(total)},
	}
	if g.state.Begin == 0 {
		result.Message += ",first count: growth is known from the next run on"
	} else {
		g.judgeGroups(now, groups, total, &result)
	}
	g.state.Sizes = append(g.state.Sizes, sizeSample{now.Unix(), source.status.DbSizeInUse})
	g.state.Sizes = g.state.Sizes[max(0, len(g.state.Sizes)-sizeSamples):]
	g.judgeForecast(quota, &result)
	if now.Sub(time.Unix(g.state.Begin, 0)) >= g.window {
		g.restart(now, groups, total)
	}
	result.State = g.encode()
	return result
}

func (g *growth) judgeGroups(now time.Time, groups []etcd.Group, total int64, result *Result) {
	elapsed := max(now.Sub(time.Unix(g.state.Begin, 0)), time.Second)
	result.Values["keysPerHour"] = float64(total-g.state.Total) / elapsed.Hours()
	result.Message += fmt.Sprintf(",%+d keys in %s (%+.0f an hour)", total-g.state.Total, quoteDuration(elapsed),
		result.Values["keysPerHour"])

	grown := g.compare(groups)
	result.Values["newKeys"] = float64(grown[0].growth)
	named := 0
	for _, group := range grown {
		if group.growth < max(g.warnKeys, 1) || float64(group.growth) <= g.warnRatio*float64(group.before) {
			continue
		}
		result.Outcome = etcdv1beta1.OutcomeWarning
		if named++; named <= namedGroups {
			result.Message += fmt.Sprintf(",%s grew by %d keys from %d (%+.0f an hour)", groupName(group.from),
				group.growth, group.before, float64(group.growth)/elapsed.Hours())
		}
	}
	if more := named - namedGroups; more > 0 {
		result.Message += fmt.Sprintf(" and %d more prefixes", more)
	}
}

// compare returns the groups, those that grew most first; there is at least one.
func (g *growth) compare(groups []etcd.Group) []grown {
	before := map[string]int64{}
	for _, group := range g.state.Keys {
		before[string(group.From)] = group.Keys
	}
	all := []grown{}
	for _, group := range groups {
		known, found := before[group.From]
		if !found {
			known = min(g.state.Rest, group.Keys)
		}
		all = append(all, grown{from: group.From, before: known, growth: group.Keys - known})
	}
	if len(all) == 0 {
		all = append(all, grown{})
	}
	slices.SortStableFunc(all, func(a, b grown) int { return cmp.Compare(b.growth, a.growth) })
	return all
}

// judgeForecast says when the data in use reach the quota. Space that is free in the file is used before it grows, so that
// the size in use is what counts.
func (g *growth) judgeForecast(quota int64, result *Result) {
	slope, known := theilSen(g.state.Sizes)
	if !known || slope <= 0 {
		return
	}
	last := g.state.Sizes[len(g.state.Sizes)-1]
	left := min(float64(max(quota-last[1], 0))/slope, longestForecast.Seconds())
	result.Values["quotaForecast"] = left
	if left > g.forecastWithin.Seconds() {
		return
	}
	result.Outcome = etcdv1beta1.OutcomeWarning
	result.Message += fmt.Sprintf(",the quota is reached in %s at %s an hour: find out what grows, compact and defragment, "+
		"or raise --quota-backend-bytes", quoteDuration(time.Duration(left)*time.Second), quoteSize(slope*3600))
}

// theilSen returns the median of the slopes between each two samples, in bytes a second.
func theilSen(samples []sizeSample) (slope float64, known bool) {
	if len(samples) < 2 || samples[len(samples)-1][0]-samples[0][0] < int64(forecastSpan.Seconds()) {
		return 0, false
	}
	var slopes []float64
	for i, a := range samples {
		for _, b := range samples[i+1:] {
			if b[0] > a[0] {
				slopes = append(slopes, float64(b[1]-a[1])/float64(b[0]-a[0]))
			}
		}
	}
	return median(slopes), true
}

// restart begins a new window with these counts.
func (g *growth) restart(now time.Time, groups []etcd.Group, total int64) {
	g.state.Begin, g.state.Total, g.state.Keys, g.state.Rest = now.Unix(), total, nil, 0
	for _, group := range groups {
		g.state.Keys = append(g.state.Keys, keyGroup{From: []byte(group.From), Keys: group.Keys})
	}
	slices.SortStableFunc(g.state.Keys, func(a, b keyGroup) int { return cmp.Compare(b.Keys, a.Keys) })
}

// encode returns the state, with as many of the largest groups as fit.
func (g *growth) encode() string {
	for {
		text, err := json.Marshal(g.state)
		surplus := len(text) - etcdv1beta1.MaxStateLength
		if err == nil && surplus <= 0 || len(g.state.Keys) == 0 {
			return string(text)
		}
		// A group takes less than a hundred bytes, unless its name is long.
		keep := max(len(g.state.Keys)-1-surplus/100, 0)
		g.state.Rest = max(g.state.Rest, g.state.Keys[keep].Keys)
		g.state.Keys = g.state.Keys[:keep]
	}
}

// median returns the middle of the numbers, which it sorts; NaN of none.
func median(numbers []float64) float64 {
	if len(numbers) == 0 {
		return math.NaN()
	}
	slices.Sort(numbers)
	middle := len(numbers) / 2
	if len(numbers)%2 == 1 {
		return numbers[middle]
	}
	return (numbers[middle-1] + numbers[middle]) / 2
}
