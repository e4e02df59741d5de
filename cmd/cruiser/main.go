// Command cruiser runs the inspections that EtcdMonitors describe. See the package cruiser.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/etcdfleet/etcd-fleet/cruiser"
	"github.com/etcdfleet/etcd-fleet/cruiser/budget"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
	"github.com/etcdfleet/etcd-fleet/cruiser/external"
	"github.com/etcdfleet/etcd-fleet/internal/managerflags"
)

// defaultLeaseNamespace is where deploy/ runs cruiser.
const defaultLeaseNamespace = "etcd-fleet"

func main() {
	shared := managerflags.Bind(flag.CommandLine)
	options := cruiser.Options{Metrics: metrics.Registry}
	flag.StringVar(&options.Provider, "provider", cruiser.DefaultProvider,
		"the spec.metricProviderName of the EtcdMonitors to run")
	flag.IntVar(&options.Concurrency, "concurrency", cruiser.DefaultConcurrency,
		"how many inspections run at once, never two of one cluster")
	flag.IntVar(&options.ExpensiveConcurrency, "expensive-concurrency", cruiser.DefaultExpensiveConcurrency,
		"how many inspections that clusters feel run at once beside those, never two of one cluster")
	flag.TextVar(&options.OffPeak, "off-peak", cruiser.OffPeak{},
		"the part of the day in which scheduled inspections that clusters feel begin, for example 01:00-05:30; empty means any time")
	flag.IntVar(&options.Budget.KeysPerSecond, "budget-keys", budget.DefaultKeysPerSecond,
		"how many keys a second inspections read from one cluster")
	flag.Int64Var(&options.Budget.BytesPerSecond, "budget-bytes", budget.DefaultBytesPerSecond,
		"how many bytes a second inspections read from one cluster")
	flag.DurationVar(&options.Budget.Latency, "budget-latency", budget.DefaultLatency,
		"how long a member may take for a trivial read before inspections back off from it")
	flag.Int64Var(&options.Budget.Growth, "budget-growth", budget.DefaultGrowth,
		"by how many bytes a member's database may grow while an inspection reads from it")
	flag.StringVar(&options.LeaseNamespace, "lease-namespace", "",
		"the namespace of the Leases by which replicas divide the clusters; empty means --namespace, or else etcd-fleet")
	flag.DurationVar(&options.DefaultInterval, "default-interval", cruiser.DefaultInterval,
		"the time between two runs of an EtcdMonitor without spec.interval")
	flag.DurationVar(&options.RunTimeout, "run-timeout", cruiser.DefaultRunTimeout, "how long a run may take")
	externalChecks := flag.String("external-checks", "",
		"a YAML file that declares checks which are programs or services of others, see docs/external-checks.md")
	flag.Parse()
	shared.SetLogger()
	options.LeaseNamespace = cmp.Or(options.LeaseNamespace, shared.Namespace(), defaultLeaseNamespace)

	err := addExternal(&options, *externalChecks)
	if err == nil {
		err = run(ctrl.SetupSignalHandler(), shared, options)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "cruiser:", err)
		os.Exit(1)
	}
}

// addExternal adds the checks that the file declares, if there is one, to those of package checks.
func addExternal(options *cruiser.Options, path string) (err error) {
	if path != "" {
		options.Checks, err = external.Add(checks.All(), path)
	}
	return err
}

// run inspects until ctx ends. Runs under way end without a record then, and take place at the next start.
func run(ctx context.Context, shared *managerflags.Flags, options cruiser.Options) error {
	mgr, err := shared.NewManager(func(options *ctrl.Options) { options.Cache.ByObject = cruiser.Cached() })
	if err != nil {
		return err
	}
	if err := cruiser.Setup(mgr, options); err != nil {
		return err
	}
	return mgr.Start(ctx)
}
