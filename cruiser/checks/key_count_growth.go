package checks

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/keyspace"
	"github.com/etcdfleet/etcd-fleet/cruiser/statistics"
	"github.com/etcdfleet/etcd-fleet/internal/etcddiag"
	"github.com/etcdfleet/etcd-fleet/internal/parameters"
	"github.com/etcdfleet/etcd-fleet/internal/quantity"
)

const (
	// mostGroups is how many groups of keys are counted separately; if there were more, shorter prefixes are counted.
	mostGroups = 1000

	// sizeSamples is how many sizes the forecast is made from, and forecastSpan how far the first and the last must lie
	// apart: within minutes a compaction hides growth, or looks like it.
	sizeSamples  = 48
	forecastSpan = time.Hour

	// longestForecast keeps a forecast within what time.Duration can hold; nobody needs a longer one.
	longestForecast = 10 * 365 * 24 * time.Hour

	// namedGroups is how many prefixes a message names.
	namedGroups = 5
)

func init() {
	register(Check{
		Name: "key-count-growth",
		Parameters: parameters.Set{
			{Name: "warnKeys", Kind: parameters.Count, Default: "20000", Help: "Keys by which a prefix must grow within `window` for a Warning."},
			{
				Name: "warnRatio", Kind: parameters.Ratio, Default: "0.2",
				Help: "Part of its keys by which a prefix must grow as well for a Warning.",
			},
			{Name: "window", Kind: parameters.Duration, Default: "6h", Help: "Time over which growth is measured."},
			{
				Name: "quotaBytes", Kind: parameters.Bytes, Default: "0",
				Help: "Quota of a member that reports none, as before 3.6 without metrics; 0 makes no forecast for it.",
			},
			{Name: "forecastWithin", Kind: parameters.Duration, Default: "168h", Help: "Time within which reaching the quota is a Warning."},
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
// counts at the start of the window. It is a Warning when a prefix has grown by warnKeys or more and by more than the
// part warnRatio of what it had, or when the data in use will reach the quota within forecastWithin. The quota is the
// member's own, or the parameter quotaBytes of a member that does not report it; without one there is no forecast. Growth
// is the median slope of the recorded sizes, which compactions do not disturb.
//
// It counts each key once, from a follower if there is one, in one call per prefix: about 0.6 s a million keys. The first
// run finds the prefixes: it counts keys about four times and reads some of them, without values.
func keyCountGrowth(ctx context.Context, target Target) (Result, error) {
	g := newGrowth(target)
	all := etcddiag.AskMembers(ctx, target.Members, target.Cluster)
	source, err := all.Follower()
	if err != nil {
		return Result{}, err
	}
	groups, stats, err := g.count(ctx, target, source)
	if err != nil {
		return Result{}, cannotRead(source, err)
	}
	quota := source.AskQuota(ctx, target.Parameters.Bytes("quotaBytes"))
	result := g.judge(time.Now(), groups, stats.Total, source, quota)
	result.judgeMissing(all)
	return result, nil
}

// growth is a run of keyCountGrowth.
type growth struct {
	warnKeys               int64
	warnRatio              float64
	window, forecastWithin time.Duration

	state growthState
}

// growthState is what the next run needs to know.
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
	Sizes []statistics.Point `json:"sizes"`
}

type keyGroup struct {
	From []byte `json:"from"`
	Keys int64  `json:"keys"`
}

func newGrowth(target Target) *growth {
	g := &growth{
		warnKeys:       target.Parameters.Count("warnKeys"),
		warnRatio:      target.Parameters.Ratio("warnRatio"),
		window:         target.Parameters.Duration("window"),
		forecastWithin: target.Parameters.Duration("forecastWithin"),
	}
	if json.Unmarshal([]byte(target.State), &g.state) != nil || g.state.Segments > keyspace.MaxSegments || g.state.Segments < 0 {
		g.state = growthState{} // of another version, or none
	}
	if g.state.Begin == 0 {
		g.state.Segments = keyspace.MaxSegments
	}
	return g
}

// count counts the keys in groups of as many segments as keep their number small.
func (g *growth) count(ctx context.Context, target Target, source *etcddiag.Member) ([]keyspace.Group, keyspace.WalkStats, error) {
	var known []string
	for _, group := range g.state.Keys {
		known = append(known, string(group.From))
	}
	slices.Sort(known)
	for {
		groups, stats, err := keyspace.CountGroups(ctx, source.Client,
			keyspace.WalkOptions{Endpoint: source.Endpoint, Budget: target.Budget, FollowCompaction: true},
			keyspace.Grouping{Of: keyspace.GroupOf(g.state.Segments), Known: known, Most: mostGroups})
		if !errors.Is(err, keyspace.ErrTooManyGroups) || g.state.Segments == 0 {
			return groups, stats, err
		}
		known, g.state = nil, growthState{Segments: g.state.Segments - 1, Sizes: g.state.Sizes}
	}
}

// describeUse says how much of the quota the member uses: "24.1 MiB of its quota of 64.0 MiB are in use."
func describeUse(m *etcddiag.Member, quota etcddiag.Quota) string {
	used := quantity.Size(float64(m.Status.DbSizeInUse))
	switch {
	case quota.Bytes > 0:
		return fmt.Sprintf("%s of its quota of %s are in use.", used, quantity.Size(float64(quota.Bytes)))
	case quota.Unknown == nil:
		return used + " are in use without a quota."
	default:
		return used + " are in use."
	}
}

// grown is by how many keys a group has grown.
type grown struct {
	from           string
	before, growth int64
}

// judge compares the counts with those of the state, and makes the next run's.
func (g *growth) judge(now time.Time, groups []keyspace.Group, total int64, source *etcddiag.Member, quota etcddiag.Quota) Result {
	result := Result{
		Outcome: etcdv1beta1.OutcomePassed,
		Message: fmt.Sprintf("%s has %d keys, and %s", source.Name, total, describeUse(source, quota)),
		Values:  map[string]float64{"totalKeys": float64(total)},
	}
	if g.state.Begin == 0 {
		result.Message += " This is the first count: growth is known from the next run on."
	} else {
		g.judgeGroups(now, groups, total, &result)
	}
	g.state.Sizes = append(g.state.Sizes, statistics.Point{now.Unix(), source.Status.DbSizeInUse})
	g.state.Sizes = g.state.Sizes[max(0, len(g.state.Sizes)-sizeSamples):]
	if quota.Bytes > 0 {
		g.judgeForecast(quota.Bytes, &result)
	}
	result.Message += remarkQuota(source, quota)
	if now.Sub(time.Unix(g.state.Begin, 0)) >= g.window {
		g.restart(now, groups, total)
	}
	result.State = g.encode()
	return result
}

func (g *growth) judgeGroups(now time.Time, groups []keyspace.Group, total int64, result *Result) {
	elapsed := max(now.Sub(time.Unix(g.state.Begin, 0)), time.Second)
	result.Values["keysPerHour"] = float64(total-g.state.Total) / elapsed.Hours()
	result.Message += fmt.Sprintf(" That is %+d keys in %s (%+.0f an hour).", total-g.state.Total, quantity.Duration(elapsed),
		result.Values["keysPerHour"])

	grown := g.compare(groups)
	result.Values["newKeys"] = float64(grown[0].growth)
	named := 0
	for _, group := range grown {
		if group.growth < max(g.warnKeys, 1) || float64(group.growth) <= g.warnRatio*float64(group.before) {
			continue
		}
		result.worsen(etcdv1beta1.OutcomeWarning)
		if named++; named <= namedGroups {
			result.Message += fmt.Sprintf(" %s grew by %d keys from %d (%+.0f an hour): find out what writes it.", keyspace.GroupName(group.from),
				group.growth, group.before, float64(group.growth)/elapsed.Hours())
		}
	}
	if more := named - namedGroups; more > 0 {
		result.Message += fmt.Sprintf(" So did %d more prefixes.", more)
	}
}

// compare returns the groups, those that grew most first; there is at least one.
func (g *growth) compare(groups []keyspace.Group) []grown {
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
	first, last := g.state.Sizes[0], g.state.Sizes[len(g.state.Sizes)-1]
	if last[0]-first[0] < int64(forecastSpan.Seconds()) {
		return
	}
	slope := statistics.MedianSlope(g.state.Sizes)
	if slope <= 0 {
		return
	}
	left := min(float64(max(quota-last[1], 0))/slope, longestForecast.Seconds())
	result.Values["quotaForecast"] = left
	if left > g.forecastWithin.Seconds() {
		return
	}
	result.find(etcdv1beta1.OutcomeWarning, "The quota is reached in %s at %s an hour: find out what grows, compact and defragment, "+
		"or raise --quota-backend-bytes.", quantity.Duration(time.Duration(left)*time.Second), quantity.Size(slope*3600))
}

// restart starts a new window with these counts.
func (g *growth) restart(now time.Time, groups []keyspace.Group, total int64) {
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
