// Package cruiser runs the inspections that EtcdMonitors describe: on a schedule and on demand, with the results in
// their status, as metrics and as Kubernetes Events.
//
// Setup wires it into a controller manager. The way of one run: reconciler.Reconcile decides whether a monitor is due,
// inspector.inspect runs its check, result.store puts the result into the status, and reporter publishes it.
//
// Several cruisers of one provider are replicas: they divide the clusters among themselves, see replicas. Checks that a
// cluster feels have workers of their own, off-peak hours and a budget, see checks.Check.Expensive and package budget.
package cruiser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/util/rand"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/backups"
	"github.com/etcdfleet/etcd-fleet/cruiser/budget"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
	"github.com/etcdfleet/etcd-fleet/cruiser/probe"
	"github.com/etcdfleet/etcd-fleet/internal/etcdclient"
)

// The defaults of Options.
const (
	DefaultProvider    = etcdv1beta1.DefaultProvider
	DefaultInterval    = 5 * time.Minute
	DefaultRunTimeout  = 30 * time.Second
	DefaultConcurrency = 16

	DefaultExpensiveConcurrency = 4
)

const (
	// connectionIdleTimeout keeps connections for the checks of one cluster that follow each other, not until the next
	// round: tens of thousands of open ones would cost more memory than new ones cost time. Probes keep one per cluster.
	connectionIdleTimeout = 2 * time.Minute

	// replicaSuffix is how many random letters distinguish replicas on one host.
	replicaSuffix = 5

	// clusterIDField indexes EtcdClusters.
	clusterIDField = "spec.clusterId"
)

// Options say what is inspected and how. The zero value of a field means its default.
type Options struct {
	// Provider is the spec.metricProviderName of the monitors to run. Default: cruiser.
	Provider string

	// Region is the API server's region; "" inspects clusters of all regions.
	Region string

	// DefaultInterval is the time between two runs of a monitor that does not say. Default: 5 m.
	DefaultInterval time.Duration

	// RunTimeout bounds a run. Default: 30 s.
	RunTimeout time.Duration

	// Concurrency is how many monitors run at once, never two of one cluster. Default: 16.
	Concurrency int

	// ExpensiveConcurrency is how many monitors of expensive checks run at once beside them, never two of one cluster.
	// Default: 4.
	ExpensiveConcurrency int

	// OffPeak is when scheduled runs of expensive checks begin. Default: at any time.
	OffPeak OffPeak

	// ProbeInterval is the time between two probes of a cluster, see package probe; 0 means that there are none.
	ProbeInterval time.Duration

	// Budget bounds what checks read from one cluster.
	Budget budget.Limits

	// Backups is where backups may be. Default: nowhere.
	Backups *backups.Access

	// LeaseNamespace is where the replicas of one provider find each other.
	LeaseNamespace string

	// Replica is this process's name, unlike that of any other. Default: the host's name and random letters.
	Replica string

	// Checks are what monitors may name. Default: checks.All().
	Checks checks.Registry

	// Metrics is where the etcd_inspection_ metrics are registered.
	Metrics prometheus.Registerer
}

func (o *Options) setDefaults() {
	if o.Provider == "" {
		o.Provider = DefaultProvider
	}
	if o.DefaultInterval == 0 {
		o.DefaultInterval = DefaultInterval
	}
	if o.RunTimeout == 0 {
		o.RunTimeout = DefaultRunTimeout
	}
	if o.Concurrency == 0 {
		o.Concurrency = DefaultConcurrency
	}
	if o.ExpensiveConcurrency == 0 {
		o.ExpensiveConcurrency = DefaultExpensiveConcurrency
	}
	if o.Checks == nil {
		o.Checks = checks.All()
	}
	if o.Replica == "" {
		host, _ := os.Hostname() // without it the letters are enough
		o.Replica = strings.ToLower(host) + "-" + rand.String(replicaSuffix)
	}
}

func (o *Options) validate() error {
	if o.ProbeInterval < 0 || o.ProbeInterval > 0 && o.ProbeInterval < time.Second {
		return errors.New("the probe interval must be a second or more, or 0 for no probes")
	}
	if o.DefaultInterval < 0 || o.RunTimeout < 0 || o.Concurrency < 0 || o.ExpensiveConcurrency < 0 {
		return errors.New("the default interval, the run time-out and the concurrencies must be positive")
	}
	if o.LeaseNamespace == "" {
		return errors.New("name the namespace in which replicas find each other")
	}
	return nil
}

// Setup adds the inspections to the manager, whose scheme must know api/v1beta1 and Kubernetes' own types. They run
// when the manager starts.
func Setup(mgr ctrl.Manager, options Options) error {
	options.setDefaults()
	if err := options.validate(); err != nil {
		return err
	}
	metrics := newMetrics(options.Checks)
	if err := options.Metrics.Register(metrics); err != nil {
		return fmt.Errorf("register the inspection metrics: %w", err)
	}
	pool := etcdclient.NewPool(connectionIdleTimeout)
	if err := mgr.Add(pool); err != nil {
		return fmt.Errorf("add the connection pool: %w", err)
	}
	division := &replicas{
		client: mgr.GetClient(), live: mgr.GetAPIReader(),
		namespace: options.LeaseNamespace, provider: options.Provider, self: options.Replica,
	}
	shared := reconciler{
		client:   mgr.GetClient(),
		live:     mgr.GetAPIReader(),
		provider: options.Provider,
		region:   options.Region,
		schedule: schedule{defaultInterval: options.DefaultInterval, checks: options.Checks, offPeak: options.OffPeak},
		inspector: inspector{
			secrets: etcdclient.Secrets{Cached: mgr.GetClient(), Live: mgr.GetAPIReader()},
			pool:    pool,
			checks:  options.Checks,
			timeout: options.RunTimeout,
			budgets: budget.New(options.Budget),
			backups: options.Backups,
		},
		reporter:   reporter{metrics: metrics, events: mgr.GetEventRecorder(eventSource)},
		locks:      newClusterLocks(),
		writes:     newOwnWrites(),
		replicas:   division,
		priorities: newPriorities(),
	}
	// Not before the manager starts: it would wait for the objects before it starts anything else, and not notice that it ends.
	var once sync.Once
	var unindexed error
	index := func(ctx context.Context) error {
		once.Do(func() {
			unindexed = mgr.GetFieldIndexer().IndexField(ctx, &etcdv1beta1.EtcdCluster{}, clusterIDField, clusterID)
		})
		return unindexed
	}
	cheap, err := shared.setup(mgr, index, "etcdmonitor", false, options.Concurrency)
	if err != nil {
		return err
	}
	expensive, err := shared.setup(mgr, index, "etcdmonitor-expensive", true, options.ExpensiveConcurrency)
	if err != nil {
		return err
	}
	division.changed = func(ctx context.Context) {
		go func() { // the monitors of a fleet are many, and the next renewal of the Lease must not wait for them
			cheap.enqueueAll(ctx)
			expensive.enqueueAll(ctx)
		}()
	}
	if err := setupProbes(mgr, options, pool, division); err != nil {
		return err
	}
	if err := mgr.AddReadyzCheck("replica", division.ready); err != nil {
		return err
	}
	return mgr.Add(division)
}

func setupProbes(mgr ctrl.Manager, options Options, pool *etcdclient.Pool, division *replicas) error {
	if options.ProbeInterval == 0 {
		return nil
	}
	prober := probe.New(probe.Options{
		Interval: options.ProbeInterval,
		Region:   options.Region,
		Objects:  mgr.GetClient(),
		Secrets:  etcdclient.Secrets{Cached: mgr.GetClient(), Live: mgr.GetAPIReader()},
		Pool:     pool,
		Owns:     division.owns,
	})
	if err := options.Metrics.Register(prober); err != nil {
		return fmt.Errorf("register the probe metrics: %w", err)
	}
	return mgr.Add(prober)
}

func clusterID(cluster client.Object) []string {
	return []string{cluster.(*etcdv1beta1.EtcdCluster).Spec.ClusterID}
}
