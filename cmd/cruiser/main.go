// Command cruiser runs the inspections that EtcdMonitors describe. See the package cruiser.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/etcdfleet/etcd-fleet/cruiser"
	"github.com/etcdfleet/etcd-fleet/internal/managerflags"
)

func main() {
	shared := managerflags.Bind(flag.CommandLine)
	options := cruiser.Options{Metrics: metrics.Registry}
	flag.StringVar(&options.Provider, "provider", cruiser.DefaultProvider,
		"the spec.metricProviderName of the EtcdMonitors to run")
	flag.IntVar(&options.Concurrency, "concurrency", cruiser.DefaultConcurrency,
		"how many inspections run at once, never two of one cluster")
	flag.DurationVar(&options.DefaultInterval, "default-interval", cruiser.DefaultInterval,
		"the time between two runs of an EtcdMonitor without spec.interval")
	flag.DurationVar(&options.RunTimeout, "run-timeout", cruiser.DefaultRunTimeout, "how long a run may take")
	flag.Parse()
	shared.SetLogger()

	if err := run(ctrl.SetupSignalHandler(), shared, options); err != nil {
		fmt.Fprintln(os.Stderr, "cruiser:", err)
		os.Exit(1)
	}
}

// run inspects until ctx ends. Runs under way end without a record then, and take place at the next start.
func run(ctx context.Context, shared *managerflags.Flags, options cruiser.Options) error {
	mgr, err := shared.NewManager()
	if err != nil {
		return err
	}
	if err := cruiser.Setup(ctx, mgr, options); err != nil {
		return err
	}
	return mgr.Start(ctx)
}
