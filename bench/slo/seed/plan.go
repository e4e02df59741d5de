package main

import (
	"cmp"
	"iter"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
)

// plan describes the series to write. Times are in milliseconds.
type plan struct {
	Directory string      `json:"directory"`
	Blocks    []timeRange `json:"blocks"`
	// Clusters are label sets, sorted by the label cluster.
	Clusters []labelSet `json:"clusters"`
	// Members are the values of the label member in every cluster.
	Members []string `json:"members"`
	// Sampled is the number of clusters, from the first on, whose series may start earlier.
	Sampled  int      `json:"sampled"`
	Families []family `json:"families"`
}

type labelSet map[string]string

type timeRange struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

// family is all series with one name.
type family struct {
	Name string `json:"name"`
	// Per is cluster, member or series: the unit for which each of Series exists. Members add the labels member and
	// instance.
	Per    string       `json:"per"`
	Series []seriesPlan `json:"series"`
	Step   int64        `json:"step"`
	timeRange
	// SampledFrom is the From of the sampled clusters.
	SampledFrom int64 `json:"sampledFrom"`
	// Only restricts the family to the clusters with these labels.
	Only labelSet `json:"only"`
	// Changes are faults of single clusters.
	Changes []change `json:"changes"`
}

// change is what becomes of the series of a cluster that have these labels.
type change struct {
	// Cluster is the index in plan.Clusters.
	Cluster int      `json:"cluster"`
	Labels  labelSet `json:"labels"`
	From    int64    `json:"from"`
	// To describes the values after From; without it the series ends there.
	To *seriesPlan `json:"to"`
}

// seriesPlan is a series per cluster or member, or a single one.
type seriesPlan struct {
	Labels labelSet `json:"labels"`
	// Kind is counter, events (of one step), gauge, or time: the timestamp of each sample, in seconds.
	Kind string `json:"kind"`
	// PerSecond is the rate of counters and events, Value the value of a gauge, and Spread the share by which it varies.
	PerSecond float64 `json:"perSecond"`
	Value     float64 `json:"value"`
	Spread    float64 `json:"spread"`
	// Without is the share of PerSecond that falls into higher buckets.
	Without float64 `json:"without"`
}

// sort sorts the families in the order of the index: by name, after those with a label that sorts before __name__, such as
// the To of etcd's peers.
func (p *plan) sort() {
	slices.SortFunc(p.Families, func(a, b family) int {
		return cmp.Or(cmp.Compare(a.firstLabel(), b.firstLabel()), cmp.Compare(a.Name, b.Name))
	})
}

func (f *family) firstLabel() string {
	first := labels.MetricName
	for name := range f.Series[0].Labels {
		first = min(first, name)
	}
	return first
}

// rangeIn returns the time range of a family in a block, for sampled or other clusters.
func (f *family) rangeIn(block timeRange, sampled bool) timeRange {
	from := f.From
	if sampled && f.SampledFrom != 0 {
		from = f.SampledFrom
	}
	return timeRange{From: max(from, block.From), To: min(f.To, block.To)}
}

// series is a single series of a family.
type series struct {
	labels labels.Labels
	// plan is the index in family.Series, cluster the index in plan.Clusters.
	plan, cluster int
	// pattern varies the values between clusters and members.
	pattern int
	// change is nil for a series without a fault.
	change *change
}

// patterns is the number of different value patterns of the same series in different clusters.
const patterns = 16

// patternOf spreads the patterns pseudo-randomly: labels also cycle with the cluster's number, and a region must not
// have only a few patterns.
func patternOf(cluster, member int) int {
	return int(noise(uint64(cluster)*1000+uint64(member)) * patterns)
}

// ofClusters yields the series of all clusters, in the order of the index.
func (f *family) ofClusters(p *plan) iter.Seq[series] {
	return func(yield func(series) bool) {
		batch := make([]series, 0, len(f.Series)*len(p.Members))
		changes := f.changesByCluster()
		for cluster := range p.Clusters {
			if f.includes(p.Clusters[cluster]) {
				batch = f.ofCluster(p, cluster, changes[cluster], batch)
			}
			// Series are sorted by the label cluster, unless they have a label that sorts before it.
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

func (f *family) includes(cluster labelSet) bool {
	for name, value := range f.Only {
		if cluster[name] != value {
			return false
		}
	}
	return true
}

func (f *family) changesByCluster() map[int][]*change {
	changes := map[int][]*change{}
	for i := range f.Changes {
		c := &f.Changes[i]
		changes[c.Cluster] = append(changes[c.Cluster], c)
	}
	return changes
}

// changeOf returns the first change that the labels match.
func changeOf(changes []*change, of labels.Labels) *change {
	for _, c := range changes {
		matches := true
		for name, value := range c.Labels {
			matches = matches && of.Get(name) == value
		}
		if matches {
			return c
		}
	}
	return nil
}

// ofCluster appends the family's series of a cluster.
func (f *family) ofCluster(p *plan, cluster int, changes []*change, to []series) []series {
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
			of := builder.Labels()
			to = append(to, series{labels: of, plan: i, cluster: cluster, pattern: patternOf(cluster, m), change: changeOf(changes, of)})
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

// symbols returns all names and values of labels, sorted.
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
