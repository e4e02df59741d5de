// Package identity decides which EtcdCluster holds a region and clusterId, the name of a cluster's series, so that one
// object is one cluster. Who holds an identity is recorded in a ConfigMap, which outlives the object and is restored with
// it: neither a restart nor a restore of the API server in another order changes the holder. The others, and objects of a
// foreign region, are neither scraped nor inspected; their condition IdentityHeld says why.
package identity

import (
	"context"
	"fmt"
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
	"sigs.k8s.io/controller-runtime/pkg/source"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/etcdclient"
)

const (
	// fieldOwner is the name under which the API server notes what the operator has written.
	fieldOwner = "etcdfleet-operator"

	// eventSource is the reporting controller of the Events.
	eventSource = "etcdfleet-operator"

	// identityField is the index of EtcdClusters by their identity.
	identityField = "identity"

	// concurrency is how many identities are reconciled at once.
	concurrency = 8

	// reconcileTimeout bounds the work at one identity.
	reconcileTimeout = time.Minute

	// staleRetry is the wait before an identity is reconciled again whose objects in the cache were not the newest.
	staleRetry = 100 * time.Millisecond

	// askAgain is the wait before members that did not answer are asked again.
	askAgain = 30 * time.Second

	// connectionIdleTimeout closes connections to members soon: a cluster is asked once in its life.
	connectionIdleTimeout = 30 * time.Second
)

// Options say what is decided and where it is recorded.
type Options struct {
	// Region is the API server's region; "" admits objects of all regions.
	Region string

	// Namespaces are those whose EtcdClusters the manager sees; none means all.
	Namespaces []string

	// RecordNamespace is where the ConfigMaps of the holders are.
	RecordNamespace string
}

type (
	id       = etcdv1beta1.ClusterIdentity
	requests = workqueue.TypedRateLimitingInterface[id]
)

// Setup adds the decisions to the manager, whose scheme must know api/v1beta1 and Kubernetes' own types.
func Setup(mgr ctrl.Manager, options Options) error {
	pool := etcdclient.NewPool(connectionIdleTimeout)
	if err := mgr.Add(pool); err != nil {
		return fmt.Errorf("add the connections to members: %w", err)
	}
	c := client.WithFieldOwner(mgr.GetClient(), fieldOwner)
	// Secrets are read when a cluster is asked, which is once in its life, and not cached.
	live, err := client.New(mgr.GetConfig(), client.Options{Scheme: mgr.GetScheme(), HTTPClient: mgr.GetHTTPClient()})
	if err != nil {
		return fmt.Errorf("make a client that reads Secrets: %w", err)
	}
	members := &asker{secrets: etcdclient.Secrets{Cached: live, Live: live}, pool: pool}
	records := &records{client: c, live: mgr.GetAPIReader(), namespace: options.RecordNamespace}
	decisions := &reconciler{
		client: c, records: records, members: members, options: options, events: mgr.GetEventRecorder(eventSource),
	}
	err = builder.TypedControllerManagedBy[id](mgr).
		Named("identity").
		Watches(&etcdv1beta1.EtcdCluster{}, handler.TypedEnqueueRequestsFromMapFunc(identityOf), builder.WithPredicates(claimChanged)).
		WatchesRawSource(source.TypedFunc[id](func(ctx context.Context, queue requests) error {
			return prepare(ctx, mgr.GetFieldIndexer(), records, queue)
		})).
		WithOptions(controller.TypedOptions[id]{MaxConcurrentReconciles: concurrency, ReconciliationTimeout: reconcileTimeout}).
		Complete(decisions)
	if err != nil {
		return err
	}
	return ctrl.NewControllerManagedBy(mgr).
		Named("etcd-cluster-id").
		For(&etcdv1beta1.EtcdCluster{}, builder.WithPredicates(predicate.NewPredicateFuncs(lacksEtcdClusterID))).
		WithOptions(controller.Options{MaxConcurrentReconciles: concurrency, ReconciliationTimeout: reconcileTimeout}).
		Complete(&recorder{client: c, records: records, members: members, region: options.Region})
}

// prepare indexes the EtcdClusters and asks for all recorded identities: a holder may have gone while no operator ran. It
// is called when the controller starts, since an index that exists before makes the manager wait for its objects before
// it starts anything else.
func prepare(ctx context.Context, indexer client.FieldIndexer, records *records, queue requests) error {
	err := indexer.IndexField(ctx, &etcdv1beta1.EtcdCluster{}, identityField, func(object client.Object) []string {
		return []string{indexKey(object.(*etcdv1beta1.EtcdCluster).Identity())}
	})
	if err != nil {
		return fmt.Errorf("index EtcdClusters by their identity: %w", err)
	}
	recorded, err := records.list(ctx)
	if err != nil {
		log.FromContext(ctx).Error(err, "list the records of holders: apply deploy/rbac/identities.yaml")
	}
	for _, identity := range recorded {
		queue.Add(identity)
	}
	return nil
}

// indexKey cannot be ambiguous: a clusterId holds no slash.
func indexKey(identity id) string { return identity.ClusterID + "/" + identity.Region }

func identityOf(_ context.Context, object client.Object) []id {
	return []id{object.(*etcdv1beta1.EtcdCluster).Identity()}
}

// claimChanged selects changes that may change who holds an identity.
var claimChanged = predicate.Or(predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{}, Changed)

// Changed selects updates of EtcdClusters that change whether, or why not, they hold their identity.
var Changed = predicate.Funcs{
	UpdateFunc: func(e event.UpdateEvent) bool {
		before, after := e.ObjectOld.(*etcdv1beta1.EtcdCluster), e.ObjectNew.(*etcdv1beta1.EtcdCluster)
		return stateOf(before) != stateOf(after)
	},
}

func lacksEtcdClusterID(object client.Object) bool {
	cluster := object.(*etcdv1beta1.EtcdCluster)
	return cluster.Status.EtcdClusterID == "" && stateOf(cluster).status == "True"
}
