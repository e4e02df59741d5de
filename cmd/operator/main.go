// Command operator manages the EtcdClusters of a region. It serves Prometheus the members to scrape and their expected
// number, ensures that each cluster has a single object, follows new members until they are scraped, and creates the
// inspections that policies require. See the packages in operator/.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
	"github.com/etcdfleet/etcd-fleet/internal/managerflags"
	"github.com/etcdfleet/etcd-fleet/internal/rights"
	"github.com/etcdfleet/etcd-fleet/operator/identity"
	"github.com/etcdfleet/etcd-fleet/operator/inspections"
	"github.com/etcdfleet/etcd-fleet/operator/inventory"
	"github.com/etcdfleet/etcd-fleet/operator/onboarding"
	"github.com/etcdfleet/etcd-fleet/operator/targets"
)

// defaultRecordNamespace is the namespace in deploy/rbac/identities.yaml.
const defaultRecordNamespace = "etcd-fleet"

// flags are the flags of the operator only.
type flags struct {
	targetsAddr     string
	access          targets.Access
	recordNamespace string
	prometheus      onboarding.Prometheus
}

func main() {
	shared := managerflags.Bind(flag.CommandLine)
	var own flags
	flag.StringVar(&own.targetsAddr, "targets-bind-address", ":8082",
		"the address that serves "+targets.Path+" for Prometheus' HTTP service discovery")
	flag.StringVar(&own.recordNamespace, "identity-namespace", defaultRecordNamespace,
		"the namespace of the ConfigMaps that record which EtcdCluster holds a clusterId, and of the role in deploy/rbac/identities.yaml")
	flag.StringVar(&own.prometheus.URL, "prometheus-url", "",
		"the region's Prometheus, which is queried for the first successful scrape of each member: a member counts from then on; "+
			"empty means that all members count immediately")
	flag.StringVar(&own.prometheus.CAFile, "prometheus-ca-file", "",
		"the authorities (PEM) of Prometheus' certificate; empty means those of the system")
	flag.StringVar(&own.prometheus.CertFile, "prometheus-cert-file", "", "the client certificate (PEM) for Prometheus")
	flag.StringVar(&own.prometheus.KeyFile, "prometheus-key-file", "", "the key (PEM) of the client certificate for Prometheus")
	flag.StringVar(&own.prometheus.TokenFile, "prometheus-token-file", "", "a file with the bearer token for Prometheus")
	flag.StringVar(&own.access.TLSCertFile, "targets-tls-cert-file", "",
		"the certificate (PEM) with which the targets are served over https, reloaded when it changes; empty means http")
	flag.StringVar(&own.access.TLSKeyFile, "targets-tls-key-file", "", "the key (PEM) of that certificate")
	flag.StringVar(&own.access.BearerTokenFile, "targets-bearer-token-file", "",
		"a file with the bearer token that Prometheus must present, read for each request; empty means that no token is required")
	flag.Parse()
	shared.SetLogger()

	if err := run(ctrl.SetupSignalHandler(), shared, own); err != nil {
		fmt.Fprintln(os.Stderr, "operator:", err)
		os.Exit(1)
	}
}

// run runs the controllers until ctx ends.
func run(ctx context.Context, shared *managerflags.Flags, own flags) error {
	mgr, err := shared.NewManager(neededRights(), func(options *ctrl.Options) { options.Cache.ByObject = inspections.CacheByObject() })
	if err != nil {
		return err
	}
	region, awaitsScrapes := shared.Region(), own.prometheus.URL != ""
	err = errors.Join(
		identity.Setup(mgr, identity.Options{
			Region: region, Namespaces: shared.Namespaces(), RecordNamespace: own.recordNamespace,
		}),
		targets.Setup(mgr, targets.Options{
			BindAddress: own.targetsAddr, Access: own.access, Region: region, AwaitsScrapes: awaitsScrapes, Metrics: metrics.Registry,
		}),
		onboarding.Setup(mgr, onboarding.Options{Region: region, Prometheus: own.prometheus, Metrics: metrics.Registry}),
		inventory.Setup(mgr, inventory.Options{Region: region, AwaitsScrapes: awaitsScrapes, Metrics: metrics.Registry}),
		inspections.Setup(mgr, inspections.Options{
			Region: region, Parameters: checks.All().Parameters(), Metrics: metrics.Registry,
		}),
	)
	if err != nil {
		return err
	}
	return mgr.Start(ctx)
}

// neededRights are the rights that are required in each served namespace: see deploy/rbac/namespace/operator.yaml.
func neededRights() []rights.Right {
	follow := []string{"get", "list", "watch"}
	group := etcdv1beta1.GroupVersion.Group
	return []rights.Right{
		{Group: group, Resource: "etcdclusters", Verbs: follow},
		{Group: group, Resource: "etcdinspectionpolicies", Verbs: follow},
		{Group: group, Resource: "etcdmonitors", Verbs: append(follow, "create", "patch", "delete")},
	}
}
