// Package inspections gives each EtcdCluster the EtcdMonitors that the EtcdInspectionPolicies of its namespace want, so
// that creating an EtcdCluster is all that onboards it. docs/onboarding.md explains policies and their precedence.
package inspections

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

const (
	// fieldOwner is the name under which the API server notes what the operator has written.
	fieldOwner = "etcdfleet-operator"

	// clusterIDField is the index of EtcdClusters and EtcdMonitors by their spec.clusterId.
	clusterIDField = "spec.clusterId"

	// concurrency is how many clusters are looked at at once. It is the API server that takes the time.
	concurrency = 8

	// staleRetry is when a cluster is looked at again whose objects in the cache were not the newest.
	staleRetry = 100 * time.Millisecond

	// reconcileTimeout bounds the work at one cluster or namespace.
	reconcileTimeout = time.Minute

	// settleTime is how long changes are gathered before the policies' statuses are computed: the whole namespace is
	// looked at, and ten thousand clusters may be onboarded one after the other.
	settleTime = time.Second
)

// CacheByObject keeps the histories of EtcdMonitors out of the manager's cache: they are most of a fleet's memory and
// policies do not ask for them.
func CacheByObject() map[client.Object]cache.ByObject {
	return map[client.Object]cache.ByObject{
		&etcdv1beta1.EtcdMonitor{}: {Transform: func(object any) (any, error) {
			if monitor, ok := object.(*etcdv1beta1.EtcdMonitor); ok {
				monitor.ManagedFields = nil
				monitor.Status = etcdv1beta1.EtcdMonitorStatus{}
			}
			return object, nil
		}},
	}
}

// Setup adds the policies to the manager, whose scheme must know api/v1beta1, and registers their metrics. They are
// followed when the manager starts.
func Setup(mgr ctrl.Manager, metrics prometheus.Registerer) error {
	if err := metrics.Register(newCollector(mgr.GetClient())); err != nil {
		return fmt.Errorf("register the metrics of the inspections: %w", err)
	}
	c := client.WithFieldOwner(mgr.GetClient(), fieldOwner)
	if err := setupMonitors(mgr, c); err != nil {
		return err
	}
	return setupStatus(mgr, c)
}

// specOrLabels lets pass what may change the answer: not the statuses, which change all the time.
var specOrLabels = predicate.Or(predicate.GenerationChangedPredicate{}, predicate.LabelChangedPredicate{})

func setupMonitors(mgr ctrl.Manager, c client.Client) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("inspections").
		Watches(&etcdv1beta1.EtcdCluster{}, handler.EnqueueRequestsFromMapFunc(requestOf), builder.WithPredicates(specOrLabels)).
		Watches(&etcdv1beta1.EtcdMonitor{}, handler.EnqueueRequestsFromMapFunc(requestOf), builder.WithPredicates(specOrLabels)).
		Watches(&etcdv1beta1.EtcdInspectionPolicy{}, handler.EnqueueRequestsFromMapFunc(requestsOfNamespace(c)),
			builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WatchesRawSource(source.Func(func(ctx context.Context, _ requests) error { return index(ctx, mgr.GetFieldIndexer()) })).
		WithOptions(controller.Options{MaxConcurrentReconciles: concurrency, ReconciliationTimeout: reconcileTimeout}).
		Complete(&reconciler{client: c})
}

func setupStatus(mgr ctrl.Manager, c client.Client) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("inspection-policies").
		Watches(&etcdv1beta1.EtcdInspectionPolicy{}, settled, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&etcdv1beta1.EtcdCluster{}, settled, builder.WithPredicates(specOrLabels)).
		WithOptions(controller.Options{ReconciliationTimeout: reconcileTimeout}).
		Complete(&statusReconciler{client: c})
}

// index is called when the controller starts, before its workers. An index that exists before the manager starts would
// make the manager wait for its objects before it starts anything else, such as the targets, and be deaf to its end.
func index(ctx context.Context, indexer client.FieldIndexer) error {
	for _, object := range []client.Object{&etcdv1beta1.EtcdCluster{}, &etcdv1beta1.EtcdMonitor{}} {
		if err := indexer.IndexField(ctx, object, clusterIDField, clusterIDs); err != nil {
			return fmt.Errorf("index %T by %s: %w", object, clusterIDField, err)
		}
	}
	return nil
}

func clusterIDs(object client.Object) []string {
	return []string{clusterIDOf(object)}
}

func clusterIDOf(object client.Object) string {
	if monitor, ok := object.(*etcdv1beta1.EtcdMonitor); ok {
		return monitor.Spec.ClusterID
	}
	return object.(*etcdv1beta1.EtcdCluster).Spec.ClusterID
}

// requestOf asks for the cluster that an EtcdCluster or EtcdMonitor is about.
func requestOf(_ context.Context, object client.Object) []reconcile.Request {
	return []reconcile.Request{{NamespacedName: types.NamespacedName{
		Namespace: object.GetNamespace(), Name: clusterIDOf(object),
	}}}
}

// requestsOfNamespace asks for all clusters of a policy's namespace: also those that it has ceased to select, and those
// that an invalid policy has held up.
func requestsOfNamespace(reader client.Reader) handler.MapFunc {
	return func(ctx context.Context, policy client.Object) []reconcile.Request {
		var clusters etcdv1beta1.EtcdClusterList
		if err := reader.List(ctx, &clusters, client.InNamespace(policy.GetNamespace()), client.UnsafeDisableDeepCopy); err != nil {
			log.FromContext(ctx).Error(err, "list the EtcdClusters of the cache")
			return nil
		}
		var requests []reconcile.Request
		for i := range clusters.Items {
			requests = append(requests, requestOf(ctx, &clusters.Items[i])...)
		}
		return requests
	}
}

// settled asks for an object's namespace, a while later.
var settled = handler.Funcs{
	CreateFunc: func(_ context.Context, e event.CreateEvent, queue requests) { settle(e.Object, queue) },
	UpdateFunc: func(_ context.Context, e event.UpdateEvent, queue requests) { settle(e.ObjectNew, queue) },
	DeleteFunc: func(_ context.Context, e event.DeleteEvent, queue requests) { settle(e.Object, queue) },
}

type requests = workqueue.TypedRateLimitingInterface[reconcile.Request]

func settle(object client.Object, queue requests) {
	queue.AddAfter(reconcile.Request{NamespacedName: types.NamespacedName{Namespace: object.GetNamespace()}}, settleTime)
}
