// Package probe reads once from each cluster by a quorum, every few seconds. The answer shows without Prometheus whether a
// cluster is alive, also one whose members cannot be scraped.
//
// What it costs: a cluster serves one read of a key that does not exist each interval, and keeps one connection to one
// member open. This side has a goroutine for each probe under way, not for each cluster; see docs/inspections.md for what
// a fleet adds up to. Probes use no worker and no lock of the checks.
package probe

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/etcdclient"
	"github.com/etcdfleet/etcd-fleet/internal/guard"
)

// DefaultInterval is the time between two probes of a cluster: short enough for an alert within a minute.
const DefaultInterval = 15 * time.Second

const (
	// The largest number of probes at the same time: of clusters that answered last, which takes milliseconds, and of the
	// others, which take a time-out each. A region that is down delays no probe of the other clusters.
	answeringAtOnce = 256
	silentAtOnce    = 256

	// looksPerInterval is how often it is looked which clusters are due, and lookAtLeast how often at least.
	looksPerInterval = 10
	lookAtLeast      = time.Second

	// jitter is the part of the interval by which two probes may be closer or further apart.
	jitter = 0.1
)

// Options say what is probed.
type Options struct {
	// Interval is the time between two probes of one cluster.
	Interval time.Duration

	// Region is the API server's region; "" probes clusters of all regions.
	Region string

	// Objects reads EtcdClusters, from a cache.
	Objects client.Reader

	// Secrets reads the credentials.
	Secrets etcdclient.Secrets

	// Pool has the connections.
	Pool *etcdclient.Pool

	// Owns reports whether the cluster of that namespace and spec.clusterId is this replica's.
	Owns func(cluster types.NamespacedName) bool
}

// Prober probes clusters. It is a manager.Runnable, and a prometheus.Collector of what it found.
type Prober struct {
	options           Options
	answering, silent slots

	mu      sync.Mutex
	targets map[types.UID]*target
}

// target is a cluster that is probed. All but key and labels is guarded by the prober's mu.
type target struct {
	key    types.NamespacedName
	labels labels

	due     time.Time
	asking  bool
	verdict verdict
	seen    sighting
	// judged is when verdict was found.
	judged time.Time
}

// slots bound what happens at once.
type slots chan struct{}

func (s slots) tryTake() bool {
	select {
	case s <- struct{}{}:
		return true
	default:
		return false
	}
}

func (s slots) giveBack() { <-s }

// New returns a prober without verdicts.
func New(options Options) *Prober {
	return &Prober{
		options: options, answering: make(slots, answeringAtOnce), silent: make(slots, silentAtOnce),
		targets: map[types.UID]*target{},
	}
}

// Start implements manager.Runnable: it probes until ctx ends.
func (p *Prober) Start(ctx context.Context) error {
	ticker := time.NewTicker(min(lookAtLeast, p.options.Interval/looksPerInterval))
	defer ticker.Stop()
	var probes sync.WaitGroup
	defer probes.Wait()
	for {
		_ = guard.Run(ctx, "the choice of clusters to probe", func() error { // it logs, and the next look may be better
			p.look(ctx, &probes)
			return nil
		})
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// look starts the probes that are due, and forgets clusters that are not this replica's, or are gone.
func (p *Prober) look(ctx context.Context, probes *sync.WaitGroup) {
	var clusters etcdv1beta1.EtcdClusterList
	if err := p.options.Objects.List(ctx, &clusters, client.UnsafeDisableDeepCopy); err != nil {
		if ctx.Err() == nil {
			log.FromContext(ctx).Error(err, "list the EtcdClusters of the cache")
		}
		return
	}
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.targets
	p.targets = make(map[types.UID]*target, len(known))
	for _, cluster := range etcdv1beta1.Holders(clusters.Items, p.options.Region) {
		if cluster.DeletionTimestamp != nil {
			continue
		}
		key := types.NamespacedName{Namespace: cluster.Namespace, Name: cluster.Spec.ClusterID}
		if !p.options.Owns(key) {
			continue
		}
		t := known[cluster.UID]
		if t == nil || t.labels != labelsOf(cluster) {
			t = &target{key: key, labels: labelsOf(cluster), due: now.Add(rand.N(p.options.Interval))}
		}
		p.targets[cluster.UID] = t
		if t.asking || now.Before(t.due) {
			continue
		}
		lane := p.silent
		if t.verdict == alive || t.verdict == unknown && t.judged.IsZero() {
			lane = p.answering
		}
		if !lane.tryTake() {
			continue // at the next look
		}
		t.asking = true
		t.due = now.Add(p.options.Interval + time.Duration((2*rand.Float64()-1)*jitter*float64(p.options.Interval)))
		asked := cluster.DeepCopy()
		probes.Go(func() {
			defer lane.giveBack()
			p.probe(ctx, asked, t)
		})
	}
}

// probe asks the cluster and notes what follows.
func (p *Prober) probe(ctx context.Context, cluster *etcdv1beta1.EtcdCluster, t *target) {
	p.mu.Lock()
	before := t.seen
	p.mu.Unlock()
	var found verdict
	after := before
	// A defect proves nothing about the cluster.
	err := guard.Run(ctx, "the probe of "+cluster.Name, func() (err error) {
		found, after, err = p.ask(ctx, cluster, before)
		return err
	})
	if err != nil {
		found = unknown
		log.FromContext(ctx).V(1).Info("a cluster cannot be probed", "cluster", cluster.Spec.ClusterID, "why", err.Error())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	t.asking = false
	if ctx.Err() == nil {
		t.verdict, t.judged, t.seen = found, time.Now(), after
	}
}
