// Package budget paces what checks read from the members of clusters, so that the clusters' clients do not feel it.
package budget

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/types"

	"github.com/etcdfleet/etcd-fleet/internal/etcddiag"
)

// Limits bound what all checks together read from one cluster. The zero value of a field means its default.
type Limits struct {
	// KeysPerSecond is how many keys are read. Default: 20,000.
	KeysPerSecond int

	// BytesPerSecond is how much data is read. Default: 8 MiB.
	BytesPerSecond int64

	// Latency is how long a member may take for a trivial read before checks back off from it. Default: 100 ms.
	Latency time.Duration

	// Growth is by how many bytes a member's database may grow while a run reads from it: a long read keeps the pages that
	// writes replace from being used again, and the file never becomes smaller. Default: 256 MiB.
	Growth int64
}

// The defaults of Limits. An etcd member reads keys and values of 1 KiB about ten times as fast.
const (
	DefaultKeysPerSecond  = 20_000
	DefaultBytesPerSecond = 8 << 20
	DefaultLatency        = 100 * time.Millisecond
	DefaultGrowth         = 256 << 20
)

const (
	// probeInterval is how often a member's latency is measured while a check reads from it.
	probeInterval = time.Second

	// A check pauses firstPause, twice as long, … up to lastPause while a member is slow, and gives up after patience.
	firstPause = 250 * time.Millisecond
	lastPause  = 10 * time.Second
	patience   = 2 * time.Minute

	probeTimeout = 5 * time.Second

	// forgetAfter is when a budget that nobody used is certainly full again.
	forgetAfter = 10 * time.Minute
)

// Budgets holds the budget of each cluster that is being read.
type Budgets struct {
	limits Limits

	mu       sync.Mutex
	clusters map[types.NamespacedName]*clusterBudget
	swept    time.Time
}

// clusterBudget is shared by the checks that read one cluster at a time.
type clusterBudget struct {
	keys, bytes *rate.Limiter
	lastUsed    atomic.Value // of time.Time
}

// Clients gives clients of members, as checks.Connector does.
type Clients interface {
	Client(endpoint string) (*clientv3.Client, error)
}

// Pacer is the use of a cluster's budget by one run. It implements checks.Budget.
type Pacer struct {
	budget  *clusterBudget
	limits  Limits
	clients Clients

	mu sync.Mutex
	// probed is when each endpoint's latency was measured last, and sizes how large its database was at first, in bytes.
	probed map[string]time.Time
	sizes  map[string]int64
}

// New returns budgets that nobody has used yet.
func New(limits Limits) *Budgets {
	limits.KeysPerSecond = cmp.Or(limits.KeysPerSecond, DefaultKeysPerSecond)
	limits.BytesPerSecond = cmp.Or(limits.BytesPerSecond, DefaultBytesPerSecond)
	limits.Latency = cmp.Or(limits.Latency, DefaultLatency)
	limits.Growth = cmp.Or(limits.Growth, DefaultGrowth)
	return &Budgets{limits: limits, clusters: map[types.NamespacedName]*clusterBudget{}}
}

// Pacer returns the pacer of one run against the cluster.
func (b *Budgets) Pacer(cluster types.NamespacedName, clients Clients) *Pacer {
	return &Pacer{budget: b.of(cluster), limits: b.limits, clients: clients, probed: map[string]time.Time{}, sizes: map[string]int64{}}
}

// of returns the cluster's budget, and forgets those that are full again: they equal new ones.
func (b *Budgets) of(cluster types.NamespacedName) *clusterBudget {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if now.Sub(b.swept) > forgetAfter {
		maps.DeleteFunc(b.clusters, func(_ types.NamespacedName, c *clusterBudget) bool {
			return now.Sub(c.lastUsed.Load().(time.Time)) > forgetAfter
		})
		b.swept = now
	}
	c, found := b.clusters[cluster]
	if !found {
		c = &clusterBudget{
			keys:  rate.NewLimiter(rate.Limit(b.limits.KeysPerSecond), b.limits.KeysPerSecond),
			bytes: rate.NewLimiter(rate.Limit(b.limits.BytesPerSecond), int(b.limits.BytesPerSecond)),
		}
		b.clusters[cluster] = c
	}
	c.lastUsed.Store(now)
	return c
}

// Spend implements checks.Budget.
func (p *Pacer) Spend(ctx context.Context, endpoint string, keys int, bytes int64) error {
	p.budget.lastUsed.Store(time.Now())
	if err := wait(ctx, p.budget.keys, int64(keys)); err != nil {
		return err
	}
	if err := wait(ctx, p.budget.bytes, bytes); err != nil {
		return err
	}
	return p.backOff(ctx, endpoint)
}

// wait takes n tokens, a bucketful at most at once: a limiter never gives more.
func wait(ctx context.Context, limiter *rate.Limiter, n int64) error {
	for n > 0 {
		part := min(n, int64(limiter.Burst()))
		if err := limiter.WaitN(ctx, int(part)); err != nil {
			if ctx.Err() == nil {
				return context.DeadlineExceeded // the limiter sees beforehand that the wait would last too long
			}
			return err
		}
		n -= part
	}
	return nil
}

// backOff pauses while the member at the endpoint is slow.
func (p *Pacer) backOff(ctx context.Context, endpoint string) error {
	if !p.mayProbe(endpoint) {
		return nil
	}
	client, err := p.clients.Client(endpoint)
	if err != nil {
		return err
	}
	begin := time.Now()
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		took, err := latency(ctx, client)
		if err != nil {
			return err
		}
		if took <= p.limits.Latency {
			return p.limitGrowth(ctx, endpoint, client)
		}
		if time.Since(begin) > patience {
			return fmt.Errorf("%s took %s for a trivial read and has been slow for %s: run this check at a quieter time, "+
				"or allow it more by --budget-latency", endpoint, took.Round(time.Millisecond), patience)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// limitGrowth ends the reading when the member's database has grown much meanwhile. If the member does not report its
// size, for lack of rights, nothing is known.
func (p *Pacer) limitGrowth(ctx context.Context, endpoint string, client *clientv3.Client) error {
	probe, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	status, err := etcddiag.Status(probe, client)
	if err != nil {
		return ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	first, known := p.sizes[endpoint]
	if !known {
		p.sizes[endpoint], first = status.DbSize, status.DbSize
	}
	if grown := status.DbSize - first; grown > p.limits.Growth {
		return fmt.Errorf("the database of %s grew by %d MiB while it was read: run this check at a quieter time, "+
			"or allow it more by --budget-growth", endpoint, grown>>20)
	}
	return nil
}

func (p *Pacer) mayProbe(endpoint string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.probed[endpoint]) < probeInterval {
		return false
	}
	p.probed[endpoint] = time.Now()
	return true
}

// latency measures a linearizable read of nothing: like a write it waits for the leader and for what the member has not
// applied yet, and it writes nothing. An answer that refuses the read took its time as well.
func latency(ctx context.Context, client *clientv3.Client) (time.Duration, error) {
	probe, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	begin := time.Now()
	_, _ = client.Get(probe, etcddiag.ProbeKey, clientv3.WithCountOnly())
	return time.Since(begin), ctx.Err()
}
