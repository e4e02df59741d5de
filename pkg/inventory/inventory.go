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
	regions []*region
	started time.Time
	cancel  context.CancelFunc
	done    chan struct{}
}

var errNotConfigured = upstream.New(upstream.Unexpected, "The datasource's settings have no such region.", nil)

// New starts to watch the regions. Of base, only the proxy, the TLS versions and the labels are used. A region that
// cannot be watched has failed and leaves the others alone.
func New(configs []RegionConfig, base httpclient.Options, logger log.Logger) *Inventory {
	regions := make([]*region, len(configs))
	for i, config := range configs {
		regions[i] = newRegion(config, base, logger)
	}
	ctx, cancel := context.WithCancel(context.Background())
	inventory := &Inventory{regions: regions, started: time.Now(), cancel: cancel, done: make(chan struct{})}
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
	f := newFilter(scope)
	for _, r := range i.in(scope) {
		status := r.fresh.current()
		status.LeftOut = r.index.leftOut(f)
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
	f := newFilter(scope)
	for _, r := range i.in(scope) {
		r.index.eachCluster(f, visit)
	}
}

// EachMonitor calls visit for every monitor in scope, with its cluster, or nil for a monitor whose cluster does not
// exist.
func (i *Inventory) EachMonitor(scope Scope, visit func(*Cluster, *Monitor)) {
	f := newFilter(scope)
	for _, r := range i.in(scope) {
		r.index.eachMonitor(f, visit)
	}
}

func (i *Inventory) in(scope Scope) []*region {
	if len(scope.Region) == 0 {
		return i.regions
	}
	wanted := Wanted(scope.Region)
	return slices.DeleteFunc(slices.Clone(i.regions), func(r *region) bool { return !wanted(r.config.Name) })
}
