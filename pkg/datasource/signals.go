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

const (
	// signalsAtOnce is how many signals are asked for at the same time.
	signalsAtOnce = 6
	// maxNeighbours is how many clusters on the same hosts are compared: a hundred disks say what a thousand would.
	maxNeighbours = 100
)

// signalHistory is what Thanos knows of the signals of the chosen clusters, and of the disks of their hosts.
type signalHistory struct {
	at    time.Time
	known bool
	// lost is set if Thanos has no contact to a store: then it has no series for a cluster that may well have some.
	lost   bool
	series map[clusterKey]diagnosis.Series
	// fsync is the WAL fsync of the members of clusters on the same hosts.
	fsync map[memberKey]float64

	mu sync.Mutex
	// partial is what Thanos said of stores that did not answer.
	partial []string
}

type memberKey struct {
	clusterKey
	member string
}

// fetch asks for all signals at once; the error is that of the first that failed.
func (h *signalHistory) fetch(ctx context.Context, client *seriesReader, clusters []diagnosedCluster, hosts map[hostKey][]diagnosis.Neighbour) error {
	h.series, h.fsync = map[clusterKey]diagnosis.Series{}, map[memberKey]float64{}
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
	group.Go(func() error {
		neighbours := neighbourNames(hosts)
		if len(neighbours) == 0 {
			return nil
		}
		result, err := client.Query(ctx, diagnosis.WALFsync.PromQL(ofRegions+","+thanos.Matcher("cluster", neighbours)), h.at)
		if err != nil {
			return err
		}
		h.addFsync(result)
		return nil
	})
	if err := group.Wait(); err != nil {
		return err
	}
	h.known = true
	return nil
}

// neighbourNames are clusters on the hosts, about maxNeighbours: of each host as many, the first by name.
func neighbourNames(hosts map[hostKey][]diagnosis.Neighbour) []string {
	names := map[string]struct{}{}
	for _, onHost := range hosts {
		ofHost := make([]string, len(onHost))
		for i, n := range onHost {
			ofHost[i] = n.Cluster
		}
		slices.Sort(ofHost)
		for _, name := range ofHost[:min(len(ofHost), max(2, maxNeighbours/len(hosts)))] {
			names[name] = struct{}{}
		}
	}
	return slices.Sorted(maps.Keys(names))
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

func (h *signalHistory) addFsync(result *thanos.Result) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.partial = append(h.partial, result.Warnings.Partial...)
	for _, series := range result.Series {
		h.fsync[memberKey{keyOf(series.Labels), series.Labels["member"]}] = series.Points[0].Value
	}
}

// snapshot is all that is known of a cluster.
func (h *signalHistory) snapshot(c diagnosedCluster, hosts map[hostKey][]diagnosis.Neighbour, regions []inventory.Status) *diagnosis.Snapshot {
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
		s.Neighbours = append(s.Neighbours, h.neighbours(c.clusterKey, hosts[hostKey{c.region, m.Host}])...)
	}
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

// neighbours are the members of other clusters, with their disks' times.
func (h *signalHistory) neighbours(of clusterKey, onHost []diagnosis.Neighbour) []diagnosis.Neighbour {
	var found []diagnosis.Neighbour
	for _, n := range onHost {
		if n.Cluster == of.cluster {
			continue
		}
		if value, known := h.fsync[memberKey{clusterKey{of.region, n.Cluster}, n.Member.Name}]; known {
			n.WALFsync = &value
		}
		found = append(found, n)
	}
	return found
}
