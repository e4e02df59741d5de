package main

import (
	"fmt"
	"math"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

const second = 1000

func TestAFaultChangesTheSeriesOfOneMember(t *testing.T) {
	whole := timeRange{From: 3600 * second, To: 7200 * second}
	const from = 5400 * second
	member := labelSet{"member": "m1"}
	p := &plan{
		Directory: t.TempDir(),
		Members:   []string{"m0", "m1"},
		Clusters:  []labelSet{{"cluster": "a", "region": "r"}, {"cluster": "b", "region": "r"}, {"cluster": "c", "region": "other"}},
		Families: []family{
			{
				Name: "syncs_bucket", Per: "member", Step: 15 * second, timeRange: whole, Only: labelSet{"region": "r"},
				Series:  []seriesPlan{{Labels: labelSet{"le": "0.1"}, Kind: "counter", PerSecond: 20}},
				Changes: []change{{Cluster: 1, Labels: member, From: from, To: &seriesPlan{Kind: "counter", PerSecond: 20, Without: 0.5}}},
			},
			{
				Name: "up", Per: "member", Step: 15 * second, timeRange: whole, Only: labelSet{"region": "r"},
				Series:  []seriesPlan{{Kind: "gauge", Value: 1}},
				Changes: []change{{Cluster: 1, Labels: member, From: from}},
			},
			{
				Name: "peers", Per: "cluster", Step: 15 * second, timeRange: whole, Only: labelSet{"region": "r"},
				Series: []seriesPlan{{Labels: labelSet{"To": "m0", "member": "m1"}, Kind: "gauge"}, {Labels: labelSet{"To": "m1", "member": "m0"}, Kind: "gauge"}},
			},
		},
	}
	p.sort()
	if _, err := writeBlock(t.Context(), p, whole); err != nil {
		t.Fatal(err)
	}
	got := read(t, p.Directory)
	if want := 3 * 2 * 2; len(got) != want {
		t.Errorf("%d series, want %d, without those of the other region", len(got), want)
	}
	seriesOf := func(name, cluster string, others ...string) []float64 {
		return got[labels.FromStrings(append([]string{"__name__", name, "cluster", cluster, "region", "r", "member", "m1", "instance", cluster + "-m1:2381"}, others...)...).String()]
	}
	bucket := seriesOf("syncs_bucket", "b", "le", "0.1")
	for i := range bucket[1:] {
		if bucket[i+1] < bucket[i] {
			t.Fatalf("the counter falls from %g to %g at sample %d", bucket[i], bucket[i+1], i+1)
		}
	}
	half := len(bucket) / 2
	if before, after := bucket[half]-bucket[0], bucket[len(bucket)-1]-bucket[half]; math.Abs(after/before-0.5) > 0.02 {
		t.Errorf("grows by %g after the fault and by %g before, want half as much", after, before)
	}
	if healthy, faulty := len(seriesOf("up", "a")), len(seriesOf("up", "b")); healthy != 240 || faulty != 121 {
		t.Errorf("%d samples of the healthy member, %d of the other: want 240, and 120 with the mark of the end", healthy, faulty)
	}
}

func TestPrometheusReadsWhatIsPlanned(t *testing.T) {
	p := &plan{
		Directory: t.TempDir(),
		Members:   []string{"m0", "m1"},
		Sampled:   1,
		Clusters:  []labelSet{{"cluster": "a", "region": "r"}, {"cluster": "b", "region": "r"}},
		Families: []family{
			{
				Name: "requests_total", Per: "member", Step: 15 * second,
				timeRange: timeRange{From: 3600 * second, To: 7200 * second}, SampledFrom: 1800 * second,
				Series: []seriesPlan{
					{Labels: labelSet{"method": "get"}, Kind: "counter", PerSecond: 20},
					{Labels: labelSet{"method": "get", "le": "1.0"}, Kind: "counter", PerSecond: 20, Without: 0.1},
				},
			},
			{
				Name: "checks", Per: "cluster", Step: 15 * second, timeRange: timeRange{From: 3600 * second, To: 7200 * second},
				Series: []seriesPlan{{Labels: labelSet{"check": "x"}, Kind: "gauge", Value: 3}, {Labels: labelSet{"check": "y"}, Kind: "gauge", Value: 3}},
			},
			{
				Name: "all:events", Per: "series", Step: 60 * second, timeRange: timeRange{From: 3600 * second, To: 7200 * second},
				Series: []seriesPlan{{Kind: "events", PerSecond: 5}},
			},
			{
				Name: "last_step", Per: "series", Step: 60 * second, timeRange: timeRange{From: 3600 * second, To: 7200 * second},
				Series: []seriesPlan{{Kind: "time"}},
			},
		},
	}
	p.sort()
	for _, span := range []timeRange{{From: 0, To: 3000 * second}, {From: 3000 * second, To: 7200 * second}} {
		if _, err := writeBlock(t.Context(), p, span); err != nil {
			t.Fatal(err)
		}
	}
	got := read(t, p.Directory)

	for _, c := range []struct {
		labels  labels.Labels
		samples int
		growth  float64
	}{
		{labels.FromStrings("__name__", "requests_total", "cluster", "a", "region", "r", "member", "m1", "instance", "a-m1:2381", "method", "get"), 360, 20 * 5385},
		{labels.FromStrings("__name__", "requests_total", "cluster", "b", "region", "r", "member", "m1", "instance", "b-m1:2381", "method", "get", "le", "1.0"), 240, 18 * 3585},
		{labels.FromStrings("__name__", "checks", "cluster", "b", "region", "r", "check", "x"), 240, 0},
	} {
		values := got[c.labels.String()]
		if len(values) != c.samples {
			t.Errorf("%s has %d samples, want %d", c.labels, len(values), c.samples)
			continue
		}
		if growth := values[len(values)-1] - values[0]; math.Abs(growth-c.growth) > 0.02*c.growth {
			t.Errorf("%s grows by %g, want %g", c.labels, growth, c.growth)
		}
	}
	var sum float64
	for _, value := range got[labels.FromStrings("__name__", "all:events").String()] {
		sum += value
	}
	if math.Abs(sum-5*3600) > 200 {
		t.Errorf("events sum up to %g, want those of an hour, 18000", sum)
	}
	if times := got[labels.FromStrings("__name__", "last_step").String()]; times[0] != 3600 || times[len(times)-1] != 7140 {
		t.Errorf("times are from %g to %g, want those of the samples, 3600 to 7140", times[0], times[len(times)-1])
	}
	if want := 2*2*2 + 2*2 + 2; len(got) != want {
		t.Errorf("%d series, want %d", len(got), want)
	}
}

// read returns all samples of a data folder by their labels as text.
func read(t *testing.T, directory string) map[string][]float64 {
	t.Helper()
	options := tsdb.DefaultOptions()
	options.RetentionDuration = 0 // the blocks are very old
	db, err := tsdb.Open(directory, nil, nil, options, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	querier, err := db.Querier(0, 7200*second)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = querier.Close() }()
	got := map[string][]float64{}
	set := querier.Select(t.Context(), true, nil, labels.MustNewMatcher(labels.MatchRegexp, "__name__", ".+"))
	for set.Next() {
		samples := set.At().Iterator(nil)
		for samples.Next() != chunkenc.ValNone {
			_, value := samples.At()
			got[fmt.Sprint(set.At().Labels())] = append(got[fmt.Sprint(set.At().Labels())], value)
		}
	}
	if err := set.Err(); err != nil {
		t.Fatal(err)
	}
	return got
}
