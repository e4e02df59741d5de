// Command operator looks after the EtcdClusters of a region. It tells Prometheus which members to scrape and how many
// there should be, and gives each cluster the inspections that policies want: see the packages operator/targets,
// operator/inventory and operator/inspections.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/etcdfleet/etcd-fleet/internal/managerflags"
	"github.com/etcdfleet/etcd-fleet/operator/inspections"
	"github.com/etcdfleet/etcd-fleet/operator/inventory"
	"github.com/etcdfleet/etcd-fleet/operator/targets"
)

func main() {
	shared := managerflags.Bind(flag.CommandLine)
	options := targets.Options{Metrics: metrics.Registry}
	flag.StringVar(&options.BindAddress, "targets-bind-address", ":8082",
		"where "+targets.Path+" is served for Prometheus's HTTP service discovery")
	flag.Parse()
	shared.SetLogger()

	if err := run(ctrl.SetupSignalHandler(), shared, options); err != nil {
		fmt.Fprintln(os.Stderr, "operator:", err)
		os.Exit(1)
	}
}

// run operates until ctx ends.
func run(ctx context.Context, shared *managerflags.Flags, options targets.Options) error {
	mgr, err := shared.NewManager(func(options *ctrl.Options) { options.Cache.ByObject = inspections.CacheByObject() })
	if err != nil {
		return err
	}
	if err := targets.Setup(mgr, options); err != nil {
		return err
	}
	if err := inventory.Setup(mgr, options.Metrics); err != nil {
		return err
	}
	if err := inspections.Setup(mgr, options.Metrics); err != nil {
		return err
	}
	return mgr.Start(ctx)
}
