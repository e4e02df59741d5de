package main

import (
	"iter"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
)

// plan says which series there are. Times are milliseconds.
type plan struct {
	Directory string      `json:"directory"`
	Blocks    []timeRange `json:"blocks"`
	// Clusters are label sets, in the order of their label cluster.
	Clusters []labelSet `json:"clusters"`
	// Members are the values of the label member in every cluster.
	Members []string `json:"members"`
	// Sampled is the number of clusters, from the first on, whose series may begin earlier.
	Sampled  int      `json:"sampled"`
	Families []family `json:"families"`
}

type labelSet map[string]string

type timeRange struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

// family is all series of one name.
type family struct {
	Name string `json:"name"`
	// Per is cluster, member or series: how often each of Series is there. Members add the labels member and instance.
	Per    string       `json:"per"`
	Series []seriesPlan `json:"series"`
	Step   int64        `json:"step"`
	timeRange
	// SampledFrom is the From of the sampled clusters.
	SampledFrom int64 `json:"sampledFrom"`
}

// seriesPlan is a series of each cluster or member, or one alone.
type seriesPlan struct {
	Labels labelSet `json:"labels"`
	// Kind is counter, events (of one step) or gauge.
	Kind string `json:"kind"`
	// PerSecond is the rate of counters and events, Value what a gauge has.
	PerSecond float64 `json:"perSecond"`
	Value     float64 `json:"value"`
	// Without is the share of PerSecond that a bucket leaves to those above it.
	Without float64 `json:"without"`
}

// sort brings families into the order of the index: names first.
func (p *plan) sort() {
	slices.SortFunc(p.Families, func(a, b family) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
}

// rangeIn is the time that a family has in a block, for clusters that are sampled or not.
func (f *family) rangeIn(block timeRange, sampled bool) timeRange {
	from := f.From
	if sampled && f.SampledFrom != 0 {
		from = f.SampledFrom
	}
	return timeRange{From: max(from, block.From), To: min(f.To, block.To)}
}

// series is one of a family's.
type series struct {
	labels labels.Labels
	// plan is the index in family.Series, cluster that in plan.Clusters.
	plan, cluster int
	// pattern varies the values between clusters and members.
	pattern int
}

// patterns is how many different courses the same series of different clusters take.
const patterns = 16

// patternOf scatters the patterns: labels go round by the number of the cluster, too, and a region must not have but a few.
func patternOf(cluster, member int) int {
	return int(noise(uint64(cluster)*1000+uint64(member)) * patterns)
}

// ofClusters yields the series of all clusters, in the order of the index.
func (f *family) ofClusters(p *plan) iter.Seq[series] {
	return func(yield func(series) bool) {
		batch := make([]series, 0, len(f.Series)*len(p.Members))
		for cluster := range p.Clusters {
			batch = f.ofCluster(p, cluster, batch)
			// Series are ordered by the label cluster, unless they have a label before it.
			if f.orderedByCluster() || cluster == len(p.Clusters)-1 {
				for _, s := range sorted(batch) {
					if !yield(s) {
						return
					}
				}
				batch = batch[:0]
			}
		}
	}
}

func (f *family) orderedByCluster() bool {
	for name := range f.Series[0].Labels {
		if name < "cluster" {
			return false
		}
	}
	return true
}

// ofCluster appends the family's series of a cluster.
func (f *family) ofCluster(p *plan, cluster int, to []series) []series {
	members := p.Members
	if f.Per == "cluster" {
		members = []string{""}
	}
	builder := labels.NewBuilder(labels.EmptyLabels())
	for i := range f.Series {
		for m, member := range members {
			builder.Reset(labels.EmptyLabels())
			setAll(builder, p.Clusters[cluster])
			setAll(builder, f.Series[i].Labels)
			if member != "" {
				builder.Set("member", member)
				builder.Set("instance", p.Clusters[cluster]["cluster"]+"-"+member+":2381")
			}
			builder.Set(labels.MetricName, f.Name)
			to = append(to, series{labels: builder.Labels(), plan: i, cluster: cluster, pattern: patternOf(cluster, m)})
		}
	}
	return to
}

// alone returns the family's series that belong to no cluster, in the order of the index.
func (f *family) alone() []series {
	found := make([]series, 0, len(f.Series))
	for i := range f.Series {
		builder := labels.NewBuilder(labels.EmptyLabels())
		setAll(builder, f.Series[i].Labels)
		builder.Set(labels.MetricName, f.Name)
		found = append(found, series{labels: builder.Labels(), plan: i, pattern: i % patterns})
	}
	return sorted(found)
}

func setAll(builder *labels.Builder, set labelSet) {
	for name, value := range set {
		builder.Set(name, value)
	}
}

func sorted(found []series) []series {
	slices.SortFunc(found, func(a, b series) int { return labels.Compare(a.labels, b.labels) })
	return found
}

// symbols are all names and values of labels, sorted.
func (p *plan) symbols() []string {
	set := map[string]struct{}{"": {}, labels.MetricName: {}, "member": {}, "instance": {}}
	add := func(labels labelSet) {
		for name, value := range labels {
			set[name], set[value] = struct{}{}, struct{}{}
		}
	}
	for _, cluster := range p.Clusters {
		add(cluster)
		for _, member := range p.Members {
			set[member], set[cluster["cluster"]+"-"+member+":2381"] = struct{}{}, struct{}{}
		}
	}
	for _, f := range p.Families {
		set[f.Name] = struct{}{}
		for _, s := range f.Series {
			add(s.Labels)
		}
	}
	all := make([]string, 0, len(set))
	for symbol := range set {
		all = append(all, symbol)
	}
	slices.Sort(all)
	return all
}
