package cruiser

import (
	"context"
	"sync/atomic"
	"time"

	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/guard"
)

// Failures of the API server are retried after 0.5 s, 1 s, … 30 s.
const (
	firstRetry = 500 * time.Millisecond
	lastRetry  = 30 * time.Second
)

// monitorController runs the monitors of one kind of checks.
type monitorController struct {
	client     client.Client
	reconciler *reconciler
	enqueue    enqueueMonitors
	// queue is nil until the controller starts.
	queue atomic.Pointer[monitorQueue]
}

// setup adds to the manager a controller with workers of its own for the monitors of expensive checks, or of the others.
// It calls index when it starts.
func (r reconciler) setup(mgr ctrl.Manager, index func(context.Context) error, name string, expensive bool, workers int) (*monitorController, error) {
	r.expensive = expensive
	c := &monitorController{client: mgr.GetClient(), reconciler: &r, enqueue: enqueueMonitors{r.priorities}}
	return c, ctrl.NewControllerManagedBy(mgr).
		Named(name).
		Watches(&etcdv1beta1.EtcdMonitor{}, c.enqueue, builder.WithPredicates(predicate.NewPredicateFuncs(c.runs))).
		Watches(&etcdv1beta1.EtcdCluster{}, handler.EnqueueRequestsFromMapFunc(c.monitorsOf), builder.WithPredicates(admissionChanged(r.region))).
		WatchesRawSource(source.Func(func(ctx context.Context, queue monitorQueue) error {
			c.queue.Store(&queue)
			return index(ctx)
		})).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: workers,
			RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](firstRetry, lastRetry),
			NewQueue:                newQueue(r.priorities),
		}).
		Complete(&r)
}

// admissionChanged selects updates after which a cluster may be inspected that might not be before, or the reverse.
func admissionChanged(region string) predicate.Predicate {
	return predicate.Funcs{
		CreateFunc: func(event.CreateEvent) bool { return false },
		DeleteFunc: func(event.DeleteEvent) bool { return false },
		UpdateFunc: func(e event.UpdateEvent) bool {
			return e.ObjectOld.(*etcdv1beta1.EtcdCluster).Refusal(region) != e.ObjectNew.(*etcdv1beta1.EtcdCluster).Refusal(region)
		},
	}
}

// monitorsOf returns the monitors of a cluster that are this controller's.
func (c *monitorController) monitorsOf(ctx context.Context, cluster client.Object) []reconcile.Request {
	var monitors etcdv1beta1.EtcdMonitorList
	err := c.client.List(ctx, &monitors, client.InNamespace(cluster.GetNamespace()), client.UnsafeDisableDeepCopy)
	if err != nil {
		log.FromContext(ctx).Error(err, "list the EtcdMonitors of the cache")
		return nil
	}
	var requests []reconcile.Request
	for i := range monitors.Items {
		monitor := &monitors.Items[i]
		if monitor.Spec.ClusterID == cluster.(*etcdv1beta1.EtcdCluster).Spec.ClusterID && c.runs(monitor) {
			requests = append(requests, reconcile.Request{NamespacedName: keyOf(monitor)})
		}
	}
	return requests
}

// runs reports whether the monitor is one of this controller's.
func (c *monitorController) runs(monitor client.Object) bool {
	check := c.reconciler.inspector.checks[monitor.(*etcdv1beta1.EtcdMonitor).Spec.MetricName]
	return check.Expensive == c.reconciler.expensive
}

// enqueueAll makes the controller look at all its monitors again, after the division of clusters changed. Before it starts
// there is nothing to do: the controller starts with all of them.
func (c *monitorController) enqueueAll(ctx context.Context) {
	queue := c.queue.Load()
	if queue == nil {
		return
	}
	var monitors etcdv1beta1.EtcdMonitorList
	err := c.client.List(ctx, &monitors, client.UnsafeDisableDeepCopy)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		log.FromContext(ctx).Error(err, "list the EtcdMonitors of the cache")
		return
	}
	for i := range monitors.Items {
		monitor := &monitors.Items[i]
		if !c.runs(monitor) {
			continue
		}
		_ = guard.Run(ctx, "the restoring of "+monitor.Name, func() error { // it logs; a worker meets the monitor as well
			c.reconciler.takeOver(ctx, monitor)
			return nil
		})
		c.enqueue.enqueue(monitor, *queue)
	}
}
