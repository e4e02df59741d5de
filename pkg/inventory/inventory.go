// Package inventory holds the EtcdClusters and EtcdMonitors of every region, and the Events about them, in memory, kept current
// by watches in the background, and knows how current they are. No query makes a request to an API server.
package inventory

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend/httpclient"
	"github.com/grafana/grafana-plugin-sdk-go/backend/log"

	"github.com/etcdfleet/etcd-fleet/pkg/upstream"
)

// Inventory watches a number of regions. It is safe for concurrent use.
type Inventory struct {
	view    View
	within  *filter
	regions []*region
	started time.Time
	cancel  context.CancelFunc
	done    chan struct{}
}

// View is the part of the regions that an Inventory shows.
type View struct {
	// Scope has the clusters that there are: all others are as if nobody had created them. It names no hosts, zones or
	// Kubernetes clusters.
	Scope Scope
	// WithoutReasons leaves out why a region or a cluster cannot be shown, because reasons name servers and objects.
	WithoutReasons bool
}

var (
	// errCannotBeRead stands for the reasons that a View leaves out.
	errCannotBeRead = upstream.New(upstream.Unreachable, "Its objects cannot be read at the moment.", nil)

	errNotConfigured = upstream.New(upstream.Unexpected, "The datasource's settings have no such region.", nil)
)

// New starts to watch the regions of the view. Of base, only the proxy, the TLS versions and the labels are used. A region
// that cannot be watched has failed and leaves the others alone.
func New(configs []RegionConfig, view View, base httpclient.Options, logger log.Logger) *Inventory {
	isShown := Wanted(view.Scope.Region)
	var regions []*region
	for _, config := range configs {
		if isShown(config.Name) {
			regions = append(regions, newRegion(config, base, logger))
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	inventory := &Inventory{view: view, within: newWithin(view.Scope), regions: regions, started: time.Now(), cancel: cancel, done: make(chan struct{})}
	var group sync.WaitGroup
	for _, r := range regions {
		group.Go(func() { r.run(ctx) })
	}
	go func() {
		group.Wait()
		close(inventory.done)
	}()
	return inventory
}

// Close stops all watches. It does not wait; Done does.
func (i *Inventory) Close() { i.cancel() }

// Done is closed when everything that New started has ended.
func (i *Inventory) Done() <-chan struct{} { return i.done }

// WaitFirstSync waits until every region in scope has synced or failed once, at most for the given time.
func (i *Inventory) WaitFirstSync(ctx context.Context, scope Scope, limit time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for _, r := range i.in(scope) {
		select {
		case <-r.fresh.firstSync:
		case <-ctx.Done():
			return
		}
	}
}

// Statuses returns how current each region in scope is. A region that is not configured is one that was never reached.
func (i *Inventory) Statuses(scope Scope) []Status {
	statuses := []Status{}
	f := i.filter(scope)
	for _, r := range i.in(scope) {
		status := i.shown(r.fresh.current())
		if !i.view.WithoutReasons {
			status.LeftOut = r.index.leftOut(f)
		}
		statuses = append(statuses, status)
	}
	configured := i.RegionNames()
	for _, name := range scope.Region {
		if !slices.Contains(configured, name) {
			statuses = append(statuses, Status{Name: name, State: Failed, Since: i.started, Err: errNotConfigured})
		}
	}
	return statuses
}

// shown returns a status without its reason where the view leaves out reasons.
func (i *Inventory) shown(status Status) Status {
	if i.view.WithoutReasons && status.Err != nil {
		status.Err = errCannotBeRead
	}
	return status
}

// RegionNames returns the regions in the order of the configuration.
func (i *Inventory) RegionNames() []string {
	names := make([]string, len(i.regions))
	for n, r := range i.regions {
		names[n] = r.config.Name
	}
	return names
}

// EachCluster calls visit for every cluster in scope, with its monitors. visit must not keep the slice.
func (i *Inventory) EachCluster(scope Scope, visit func(*Cluster, []*Monitor)) {
	f := i.filter(scope)
	for _, r := range i.in(scope) {
		r.index.eachCluster(f, visit)
	}
}

// EachMonitor calls visit for every monitor in scope, with its cluster, or nil for a monitor whose cluster does not
// exist.
func (i *Inventory) EachMonitor(scope Scope, visit func(*Cluster, *Monitor)) {
	f := i.filter(scope)
	for _, r := range i.in(scope) {
		r.index.eachMonitor(f, visit)
	}
}

// filter is the only way to the objects: it has the fixed scope.
func (i *Inventory) filter(scope Scope) filter {
	f := newFilter(scope)
	f.within = i.within
	return f
}

func newWithin(fixed Scope) *filter {
	if fixed.IsEverything() {
		return nil
	}
	within := newFilter(fixed)
	return &within
}

func (i *Inventory) in(scope Scope) []*region {
	if len(scope.Region) == 0 {
		return i.regions
	}
	wanted := Wanted(scope.Region)
	return slices.DeleteFunc(slices.Clone(i.regions), func(r *region) bool { return !wanted(r.config.Name) })
}
