package datasource

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/etcdfleet/etcd-fleet/pkg/diagnosis"
	"github.com/etcdfleet/etcd-fleet/pkg/inventory"
	"github.com/etcdfleet/etcd-fleet/pkg/thanos"
)

// signalsAtOnce is how many signals are asked for at the same time.
const signalsAtOnce = 6

// signalHistory is what Thanos knows of the signals of the chosen clusters, and of the members beside theirs.
type signalHistory struct {
	at    time.Time
	known bool
	// lost is set if Thanos has no contact to a store: then it has no series for a cluster that may well have some.
	lost   bool
	series map[clusterKey]diagnosis.Series
	// beside are the latest values of signals of neighbours, by the signal's name.
	beside map[string]map[memberKey]float64

	mu sync.Mutex
	// partial is what Thanos said of stores that did not answer.
	partial []string
}

type memberKey struct {
	clusterKey
	member string
}

// fetch asks for all signals at once; the error is that of the first that failed.
func (h *signalHistory) fetch(ctx context.Context, client *seriesReader, clusters []diagnosedCluster, around *neighbourhood) error {
	h.series, h.beside = map[clusterKey]diagnosis.Series{}, map[string]map[memberKey]float64{}
	if len(clusters) == 0 {
		h.known = true
		return nil
	}
	regions, names := map[string]struct{}{}, map[string]struct{}{}
	for _, c := range clusters {
		regions[c.region], names[c.cluster] = struct{}{}, struct{}{}
		h.series[c.clusterKey] = diagnosis.Series{}
	}
	ofRegions := thanos.Matcher("region", slices.Sorted(maps.Keys(regions)))
	matchers := ofRegions + "," + thanos.Matcher("cluster", slices.Sorted(maps.Keys(names)))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(signalsAtOnce)
	within := thanos.Range{Start: h.at.Add(-diagnosis.Window), End: h.at, Step: diagnosis.Step}
	for _, signal := range diagnosis.Signals() {
		group.Go(func() error {
			result, err := client.QueryRange(ctx, signal.PromQL(matchers), within)
			if err != nil {
				return err
			}
			h.add(signal, result)
			return nil
		})
	}
	if neighbours := around.clusters(); len(neighbours) > 0 {
		beside := ofRegions + "," + thanos.Matcher("cluster", neighbours)
		for _, signal := range []diagnosis.Signal{diagnosis.Up, diagnosis.WALFsync} {
			group.Go(func() error {
				result, err := client.Query(ctx, signal.PromQL(beside), h.at)
				if err != nil {
					return err
				}
				h.addBeside(signal, result)
				return nil
			})
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	h.known = true
	return nil
}

func keyOf(labels map[string]string) clusterKey {
	return clusterKey{labels["region"], labels["cluster"]}
}

func (h *signalHistory) add(signal diagnosis.Signal, result *thanos.Result) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.partial = append(h.partial, result.Warnings.Partial...)
	for _, series := range result.Series {
		of, wanted := h.series[keyOf(series.Labels)]
		if !wanted {
			continue // a cluster of the same name in another region
		}
		for _, p := range series.Points {
			of.Add(signal.Name, series.Labels[signal.Key], diagnosis.Point{Time: time.UnixMilli(p.Time), Value: p.Value})
		}
	}
}

func (h *signalHistory) addBeside(signal diagnosis.Signal, result *thanos.Result) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.partial = append(h.partial, result.Warnings.Partial...)
	values := map[memberKey]float64{}
	for _, series := range result.Series {
		values[memberKey{keyOf(series.Labels), series.Labels[signal.Key]}] = series.Points[0].Value
	}
	h.beside[signal.Name] = values
}

// snapshot is all that is known of a cluster.
func (h *signalHistory) snapshot(c diagnosedCluster, around *neighbourhood, regions []inventory.Status) *diagnosis.Snapshot {
	s := &diagnosis.Snapshot{
		At: h.at, Region: c.region, Cluster: c.cluster, SeriesAway: h.away(c.clusterKey), Series: h.series[c.clusterKey],
	}
	for _, region := range regions {
		if region.Name == c.region && (region.State == inventory.Stale || region.State == inventory.Failed) && region.Err != nil {
			s.RegionAway = &diagnosis.Away{Since: region.Since, Reason: region.Err.Error()}
		}
	}
	for _, m := range c.monitors {
		s.Inspections = append(s.Inspections, diagnosis.Inspection{
			Check: m.Check, Outcome: m.Outcome, Message: m.Message, Ran: m.LastRun, Since: m.Since, Due: m.NextRun,
		})
	}
	if c.known == nil {
		s.Members = s.Series.Members()
		return s
	}
	s.Size, s.KubernetesClusters, s.Onboarding = c.known.Size, c.known.KubernetesClusters, c.known.Onboarding
	for _, m := range c.known.Members {
		s.Members = append(s.Members, diagnosis.Member(m))
	}
	s.Neighbours = h.neighbours(c, around)
	return s
}

// away says why no series of the cluster can be read; "" when they can.
func (h *signalHistory) away(of clusterKey) string {
	switch {
	case !h.known:
		return "Thanos does not answer."
	case len(h.series[of]) == 0 && (h.lost || len(h.partial) > 0):
		return "Thanos answers without one of its stores, and no other store has them."
	}
	return ""
}
