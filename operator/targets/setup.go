package targets

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/operator/identity"
	"github.com/etcdfleet/etcd-fleet/operator/onboarding"
)

// conflictRetry is the wait before a cluster is reconciled again whose cached version was not the newest.
const conflictRetry = 100 * time.Millisecond

// Options say where targets are served.
type Options struct {
	// BindAddress is where Path is served, for example :8082.
	BindAddress string

	// Region is the API server's region; "" publishes clusters of all regions.
	Region string

	// AwaitsScrapes says that the operator learns from Prometheus which members are scraped.
	AwaitsScrapes bool

	// Access says how and to whom.
	Access Access

	// Metrics is where the etcdfleet_targets metrics are registered.
	Metrics prometheus.Registerer
}

// Setup adds the targets to the manager, whose scheme must know api/v1beta1. They are served when the manager starts.
func Setup(mgr ctrl.Manager, options Options) error {
	certificates, err := options.Access.certificates(options.BindAddress)
	if err != nil {
		return err
	}
	handler, err := newHandler(mgr.GetClient(), options)
	if err != nil {
		return err
	}
	if err := mgr.Add(&server{address: options.BindAddress, handler: handler, certificates: certificates}); err != nil {
		return fmt.Errorf("add the server of targets: %w", err)
	}
	return ctrl.NewControllerManagedBy(mgr).
		Named("targets").
		For(&etcdv1beta1.EtcdCluster{}, builder.WithPredicates(
			predicate.Or(predicate.GenerationChangedPredicate{}, identity.Changed, onboarding.Changed))).
		Complete(&reconciler{client: mgr.GetClient(), region: options.Region, awaitsScrapes: options.AwaitsScrapes})
}
