// Package cruiser runs the inspections that EtcdMonitors describe: on a schedule and on demand, with the results in
// their status, as metrics and as Kubernetes Events.
//
// Setup wires it into a controller manager. The way of one run: reconciler.Reconcile decides whether a monitor is due,
// inspector.inspect runs its check, result.store puts the result into the status, and reporter tells of it.
//
// Should several cruisers run for one provider, they repeat each other's work, but each result is stored once.
package cruiser

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
	"github.com/etcdfleet/etcd-fleet/cruiser/etcd"
)

// The defaults of Options.
const (
	DefaultProvider    = "cruiser"
	DefaultInterval    = 5 * time.Minute
	DefaultRunTimeout  = 30 * time.Second
	DefaultConcurrency = 16
)

const (
	// connectionIdleTimeout keeps connections for the checks of one cluster that follow each other, not until the next
	// round: tens of thousands of open ones would cost more memory than new ones cost time.
	connectionIdleTimeout = 2 * time.Minute

	// Failures of the API server are retried after 0.5 s, 1 s, … 30 s.
	firstRetry = 500 * time.Millisecond
	lastRetry  = 30 * time.Second

	// clusterIDField indexes EtcdClusters.
	clusterIDField = "spec.clusterId"
)

// Options say what is inspected and how. The zero value of a field means its default.
type Options struct {
	// Provider is the spec.metricProviderName of the monitors to run. Default: cruiser.
	Provider string

	// DefaultInterval is the time between two runs of a monitor that does not say. Default: 5 m.
	DefaultInterval time.Duration

	// RunTimeout bounds a run. Default: 30 s.
	RunTimeout time.Duration

	// Concurrency is how many monitors run at once, never two of one cluster. Default: 16.
	Concurrency int

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
	if o.Checks == nil {
		o.Checks = checks.All()
	}
}

func (o *Options) validate() error {
	if o.DefaultInterval < 0 || o.RunTimeout < 0 || o.Concurrency < 0 {
		return errors.New("the default interval, the run time-out and the concurrency must be positive")
	}
	return nil
}

// Setup adds the inspections to the manager, whose scheme must know api/v1beta1 and Kubernetes' own types. They run
// when the manager starts.
func Setup(ctx context.Context, mgr ctrl.Manager, options Options) error {
	options.setDefaults()
	if err := options.validate(); err != nil {
		return err
	}
	metrics := newMetrics(options.Checks)
	if err := options.Metrics.Register(metrics); err != nil {
		return fmt.Errorf("register the inspection metrics: %w", err)
	}
	pool := etcd.NewPool(connectionIdleTimeout)
	if err := mgr.Add(pool); err != nil {
		return fmt.Errorf("add the connection pool: %w", err)
	}
	if err := mgr.GetFieldIndexer().IndexField(ctx, &etcdv1beta1.EtcdCluster{}, clusterIDField, clusterID); err != nil {
		return fmt.Errorf("index EtcdClusters: %w", err)
	}
	r := &reconciler{
		client:   mgr.GetClient(),
		live:     mgr.GetAPIReader(),
		provider: options.Provider,
		schedule: schedule{defaultInterval: options.DefaultInterval},
		inspector: inspector{
			secrets: mgr.GetClient(),
			pool:    pool,
			checks:  options.Checks,
			timeout: options.RunTimeout,
		},
		reporter: reporter{metrics: metrics, events: mgr.GetEventRecorder(eventSource)},
		locks:    newClusterLocks(),
		writes:   newOwnWrites(),
	}
	return ctrl.NewControllerManagedBy(mgr).
		Named("etcdmonitor").
		Watches(&etcdv1beta1.EtcdMonitor{}, requestsFirst{}).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: options.Concurrency,
			RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](firstRetry, lastRetry),
		}).
		Complete(r)
}

func clusterID(cluster client.Object) []string {
	return []string{cluster.(*etcdv1beta1.EtcdCluster).Spec.ClusterID}
}
