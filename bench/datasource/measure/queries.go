package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/etcdfleet/etcd-fleet/bench/inspect/command"
)

const (
	// forgotten is when the datasource reads the health of clusters anew (metricsLifetime in pkg/datasource).
	forgotten = 5200 * time.Millisecond

	// patience is how long a query is repeated, beyond leastRuns.
	patience  = 10 * time.Second
	leastRuns = 6
)

// group is a set of queries that one target applies to.
type group struct {
	name string
	// queries returns those of a round; their number and names are always the same.
	queries func(round int) ([]query, error)
}

// queryFigures are the times of one query, in seconds, and of its answers the rows of the largest.
type queryFigures struct {
	Group string  `json:"group"`
	Name  string  `json:"name"`
	Kind  string  `json:"kind"`
	Rows  int     `json:"rows"`
	Runs  int     `json:"runs"`
	P50   float64 `json:"p50"`
	P99   float64 `json:"p99"`
	// Again is the median of the same query within five seconds, of kinds that remember the clusters' health; else 0.
	Again float64 `json:"again"`

	seconds, again []float64
	spent          float64
}

func (q *queryFigures) summarise() {
	q.Runs, q.P50, q.P99, q.Again = len(q.seconds), quantile(q.seconds, 0.5), quantile(q.seconds, 0.99), quantile(q.again, 0.5)
}

// quantile is the value at which the share of the values has passed; 0 of none.
func quantile(values []float64, share float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))]
}

// measureQueries runs each query alone, in rounds.
func measureQueries(ctx context.Context, d datasource, f *fleet, o options, result *figures) error {
	groups, err := groupsOf(f)
	if err != nil {
		return err
	}
	var all []*queryFigures
	for _, g := range groups {
		command.Progress("Measuring: %s …", g.name)
		meter := startMeter(o.rootPID)
		found, err := measureGroup(ctx, d, g, o.runs)
		if err != nil {
			return fmt.Errorf("%s: %w", g.name, err)
		}
		result.Others[g.name] = meter.others()
		all = append(all, found...)
	}
	kinds := map[string]*queryFigures{}
	for _, q := range all {
		q.summarise()
		result.Queries = append(result.Queries, *q)
		key := q.Group + "/" + q.Kind
		if kinds[key] == nil {
			kinds[key] = &queryFigures{Group: q.Group, Name: q.Kind, Kind: q.Kind}
		}
		kind := kinds[key]
		kind.seconds, kind.again, kind.Rows = append(kind.seconds, q.seconds...), append(kind.again, q.again...), max(kind.Rows, q.Rows)
	}
	for _, q := range all {
		if kind, ok := kinds[q.Group+"/"+q.Kind]; ok {
			kind.summarise()
			result.Kinds = append(result.Kinds, *kind)
			delete(kinds, q.Group+"/"+q.Kind)
		}
	}
	return nil
}

func measureGroup(ctx context.Context, d datasource, g group, runs int) ([]*queryFigures, error) {
	var measured []*queryFigures
	read := map[string]time.Time{}
	for round := range runs {
		queries, err := g.queries(round)
		if err != nil {
			return nil, err
		}
		for i, q := range queries {
			if round == 0 {
				measured = append(measured, &queryFigures{Group: g.name, Name: q.name, Kind: q.kind})
			}
			of := measured[i]
			if round >= leastRuns && of.spent > patience.Seconds() {
				continue
			}
			scope, remembers := q.remembersHealth()
			if remembers {
				if err := command.Sleep(ctx, max(0, forgotten-time.Since(read[scope]))); err != nil {
					return nil, err
				}
			}
			got, err := ask(ctx, d, q)
			if err != nil {
				return nil, err
			}
			if text := complaint(got.frames); text != "" {
				return nil, fmt.Errorf("%s: %s", q.name, text)
			}
			of.seconds, of.spent, of.Rows = append(of.seconds, got.seconds), of.spent+got.seconds, max(of.Rows, got.rows)
			if remembers {
				if got, err = ask(ctx, d, q); err != nil {
					return nil, err
				}
				of.again, of.spent = append(of.again, got.seconds), of.spent+got.seconds
				read[scope] = time.Now()
			}
		}
	}
	for _, of := range measured {
		if of.Rows == 0 {
			return nil, fmt.Errorf("the query of %q has no result: seed the series that it reads", of.Name)
		}
	}
	return measured, nil
}

// remembersHealth reports whether the query may be answered by what another one of the same dimensions has just read.
func (q query) remembersHealth() (scope string, remembers bool) {
	var of struct {
		Distinct string
		Scope    struct{ Region, Product, Scene, Spec, Cluster []string }
	}
	if err := json.Unmarshal(q.text, &of); err != nil {
		return "", false // the datasource will say so
	}
	switch q.kind {
	case "clusters":
		remembers = of.Distinct == ""
	case "diagnosis":
		remembers = len(of.Scope.Cluster) == 0
	case "impact", "topology":
		remembers = true
	}
	return fmt.Sprint(of.Scope), remembers
}

func groupsOf(f *fleet) ([]group, error) {
	tier1, err := readPanels("tier1-overview")
	if err != nil {
		return nil, err
	}
	tier3, err := readPanels("tier3-cluster")
	if err != nil {
		return nil, err
	}
	hosts, err := readPanels("trouble-hosts")
	if err != nil {
		return nil, err
	}
	kubernetes, err := readPanels("trouble-to-kubernetes")
	if err != nil {
		return nil, err
	}
	// As src/app/fleet/panels.ts and src/app/cluster/panels.ts.
	fleetPage, err := named(tier1, "Clusters burning", "Pages firing", "Kubernetes behind", "Clusters not seen", "Worst now", "Error budget left by region")
	if err != nil {
		return nil, err
	}
	clusterPage, err := named(slices.Concat(tier3, kubernetes), "Diagnosis", "Inspections", "Alerts", "Objectives", "Members", "Kubernetes clusters on it")
	if err != nil {
		return nil, err
	}
	impact := slices.DeleteFunc(hosts, func(p panel) bool { return p.Type == "timeseries" })
	region := faultyRegion(f)
	rotating := f.rotation()
	onCluster := func(panels []panel) func(int) ([]query, error) {
		return func(round int) ([]query, error) { return queriesOf(panels, ofCluster(rotating[round%len(rotating)])) }
	}
	always := func(queries []query, err error) func(int) ([]query, error) {
		return func(int) ([]query, error) { return queries, err }
	}
	all := variables{all: valuesOfVariables(f)}
	ofRegion := variables{chosen: map[string]string{"region": region}, all: all.all}
	faulty := f.faulty()
	return []group{
		{"tier 1", always(queriesOf(tier1, all))},
		{"tier 3", onCluster(tier3)},
		{"diagnosis of one cluster", func(round int) ([]query, error) {
			c := faulty[round*7%len(faulty)]
			return []query{ofScope("diagnosis", map[string]string{"region": c.Labels.Region, "cluster": c.Labels.Cluster}, nil).as("all findings")}, nil
		}},
		{"diagnosis of a region", always([]query{
			ofScope("diagnosis", map[string]string{"region": region}, map[string]any{"findings": "first"}).as("first findings"),
			ofScope("diagnosis", map[string]string{"region": region}, map[string]any{"limit": 1000}).as("all findings"),
		}, nil)},
		{"Fleet page", always(queriesOf(fleetPage, variables{}))},
		{"Cluster page", onCluster(clusterPage)},
		{"hosts of a region", always(queriesOf(impact, ofRegion))},
		{"slow host", always(queriesOf(impact, variables{chosen: map[string]string{"region": region, "host": f.SlowHost}, all: all.all}))},
		{"others", always([]query{
			ofScope("clusters", map[string]string{"region": region}, nil).as("clusters of a region"),
			ofScope("clusters", map[string]string{"region": region}, map[string]any{"distinct": "cluster", "limit": 1000}).as("variable cluster of a region"),
			ofScope("clusters", nil, map[string]any{"distinct": "region"}).as("variable region"),
			ofScope("inspections", nil, nil).as("inspections of the fleet"),
			ofScope("inspections", map[string]string{"region": region}, nil).as("inspections of a region"),
			ofScope("events", nil, nil).as("events of the fleet"),
			ofScope("slo", nil, map[string]any{"level": "cluster", "window": "1h", "limit": 100}).as("clusters by objective"),
			ofScope("slo", map[string]string{"region": region}, map[string]any{"level": "cluster", "window": "1h", "limit": 100}).as("clusters of a region by objective"),
		}, nil)},
	}, nil
}

func (q query) as(name string) query {
	q.name = name
	return q
}

// rotation are clusters of the faulty region that take turns, so that nothing is remembered of the one before: half of them
// with faults.
func (f *fleet) rotation() (clusters []cluster) {
	const each = 8
	faulty := f.faulty()
	for i := range each {
		clusters = append(clusters, faulty[i*len(faulty)/each])
	}
	region := faultyRegion(f)
	for i := len(f.Clusters) - 1; i >= 0 && len(clusters) < 2*each; i-- {
		if c := f.Clusters[i]; c.Fault == "" && c.Labels.Region == region {
			clusters = append(clusters, c)
		}
	}
	return clusters
}
