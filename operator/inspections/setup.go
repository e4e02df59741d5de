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
	"github.com/etcdfleet/etcd-fleet/operator/identity"
)

const (
	// fieldOwner is the name under which the API server notes what the operator has written.
	fieldOwner = "etcdfleet-operator"

	// clusterIDField is the index of EtcdClusters and EtcdMonitors by their spec.clusterId.
	clusterIDField = "spec.clusterId"

	// concurrency is how many clusters are reconciled at once. Most of the time is spent waiting for the API server.
	concurrency = 8

	// staleRetry is the wait before a cluster is reconciled again whose objects in the cache were not the newest.
	staleRetry = 100 * time.Millisecond

	// reconcileTimeout bounds the work at one cluster or namespace.
	reconcileTimeout = time.Minute

	// quietTime is how long changes are gathered before the policies' statuses are computed: the whole namespace is
	// looked at, and ten thousand clusters may be onboarded one after the other.
	quietTime = time.Second
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

// Options say which inspections are managed.
type Options struct {
	// Region is the API server's region; "" means clusters of all regions.
	Region string

	// Parameters are those by which policies are validated.
	Parameters Declared

	// Metrics is where the metrics are registered.
	Metrics prometheus.Registerer
}

// Setup adds the policies to the manager, whose scheme must know api/v1beta1, and registers their metrics. They are
// followed when the manager starts.
func Setup(mgr ctrl.Manager, options Options) error {
	if err := options.Metrics.Register(newCollector(mgr.GetClient(), options.Region)); err != nil {
		return fmt.Errorf("register the metrics of the inspections: %w", err)
	}
	c := client.WithFieldOwner(mgr.GetClient(), fieldOwner)
	if err := setupMonitors(mgr, c, options); err != nil {
		return err
	}
	return setupStatus(mgr, c, options)
}

// specOrLabels selects changes that may change the result: not those of statuses, which change all the time.
var specOrLabels = predicate.Or(predicate.GenerationChangedPredicate{}, predicate.LabelChangedPredicate{})

// clusterChanged selects as well a change of whether the EtcdCluster may be inspected.
var clusterChanged = predicate.Or(specOrLabels, identity.Changed)

func setupMonitors(mgr ctrl.Manager, c client.Client, options Options) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("inspections").
		Watches(&etcdv1beta1.EtcdCluster{}, handler.EnqueueRequestsFromMapFunc(requestOf), builder.WithPredicates(clusterChanged)).
		Watches(&etcdv1beta1.EtcdMonitor{}, handler.EnqueueRequestsFromMapFunc(requestOf), builder.WithPredicates(specOrLabels)).
		Watches(&etcdv1beta1.EtcdInspectionPolicy{}, handler.EnqueueRequestsFromMapFunc(requestsOfNamespace(c)),
			builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WatchesRawSource(source.Func(func(ctx context.Context, _ requests) error { return index(ctx, mgr.GetFieldIndexer()) })).
		WithOptions(controller.Options{MaxConcurrentReconciles: concurrency, ReconciliationTimeout: reconcileTimeout}).
		Complete(&reconciler{client: c, region: options.Region, declared: options.Parameters})
}

func setupStatus(mgr ctrl.Manager, c client.Client, options Options) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("inspection-policies").
		Watches(&etcdv1beta1.EtcdInspectionPolicy{}, afterwards, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&etcdv1beta1.EtcdCluster{}, afterwards, builder.WithPredicates(clusterChanged)).
		WithOptions(controller.Options{ReconciliationTimeout: reconcileTimeout}).
		Complete(&statusReconciler{client: c, region: options.Region, declared: options.Parameters})
}

// index is called when the controller starts, before its workers. An index that exists before the manager starts would
// make the manager wait for its objects before it starts anything else, such as the targets, and not notice that it ends.
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

// afterwards asks for the namespace of a changed object, quietTime later.
var afterwards = handler.Funcs{
	CreateFunc: func(_ context.Context, e event.CreateEvent, queue requests) { askLater(e.Object, queue) },
	UpdateFunc: func(_ context.Context, e event.UpdateEvent, queue requests) { askLater(e.ObjectNew, queue) },
	DeleteFunc: func(_ context.Context, e event.DeleteEvent, queue requests) { askLater(e.Object, queue) },
}

type requests = workqueue.TypedRateLimitingInterface[reconcile.Request]

func askLater(object client.Object, queue requests) {
	queue.AddAfter(reconcile.Request{NamespacedName: types.NamespacedName{Namespace: object.GetNamespace()}}, quietTime)
}
