// Command cruiser runs the inspections that EtcdMonitors define. See package cruiser.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/etcdfleet/etcd-fleet/cruiser"
	"github.com/etcdfleet/etcd-fleet/cruiser/backups"
	"github.com/etcdfleet/etcd-fleet/cruiser/budget"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
	"github.com/etcdfleet/etcd-fleet/cruiser/external"
	"github.com/etcdfleet/etcd-fleet/cruiser/probe"
	"github.com/etcdfleet/etcd-fleet/internal/managerflags"
)

// defaultLeaseNamespace is the namespace in deploy/rbac/leases.yaml.
const defaultLeaseNamespace = "etcd-fleet"

func main() {
	shared := managerflags.Bind(flag.CommandLine)
	options := cruiser.Options{Metrics: metrics.Registry}
	flag.StringVar(&options.Provider, "provider", cruiser.DefaultProvider,
		"the spec.metricProviderName of the EtcdMonitors to run")
	flag.IntVar(&options.Concurrency, "concurrency", cruiser.DefaultConcurrency,
		"the number of inspections that run at the same time; never two of one cluster")
	flag.IntVar(&options.ExpensiveConcurrency, "expensive-concurrency", cruiser.DefaultExpensiveConcurrency,
		"the number of expensive inspections that run at the same time in addition; never two of one cluster")
	flag.TextVar(&options.OffPeak, "off-peak", cruiser.OffPeak{},
		"the part of the day in which scheduled expensive inspections start, for example 01:00-05:30; empty means any time")
	flag.IntVar(&options.Budget.KeysPerSecond, "budget-keys", budget.DefaultKeysPerSecond,
		"the number of keys per second that inspections read from one cluster")
	flag.Int64Var(&options.Budget.BytesPerSecond, "budget-bytes", budget.DefaultBytesPerSecond,
		"the number of bytes per second that inspections read from one cluster")
	flag.DurationVar(&options.Budget.Latency, "budget-latency", budget.DefaultLatency,
		"the duration of a trivial read above which inspections back off from a member")
	flag.Int64Var(&options.Budget.Growth, "budget-growth", budget.DefaultGrowth,
		"the number of bytes by which a member's database may grow while an inspection reads from it")
	flag.DurationVar(&options.ProbeInterval, "probe-interval", probe.DefaultInterval,
		"the time between two quorum reads that probe a cluster, see the metric etcdfleet_probe_success; 0 disables the probe")
	flag.StringVar(&options.LeaseNamespace, "lease-namespace", defaultLeaseNamespace,
		"the namespace of the Leases with which replicas divide the clusters, and of the role in deploy/rbac/leases.yaml")
	flag.DurationVar(&options.DefaultInterval, "default-interval", cruiser.DefaultInterval,
		"the time between two runs of an EtcdMonitor without spec.interval")
	flag.DurationVar(&options.RunTimeout, "run-timeout", cruiser.DefaultRunTimeout, "the maximum duration of a run")
	backupRoots := flag.String(backups.RootFlag, "",
		"the folder, or comma-separated folders, that contain the file:// locations of backups, such as the mount point of "+
			"their volume; empty refuses file:// locations")
	backupEndpoints := flag.String(backups.EndpointsFlag, strings.Join(backups.DefaultEndpoints, ","),
		"the allowed S3 servers for backups, as comma-separated [http://]host[:port]; * matches a part of a name between dots")
	externalChecks := flag.String("external-checks", "",
		"a YAML file that declares checks in external programs or services, see docs/external-checks.md")
	flag.Parse()
	shared.SetLogger()
	options.Region = shared.Region()

	err := addExternal(&options, *externalChecks)
	if err == nil {
		options.Backups, err = backups.NewAccess(split(*backupRoots), split(*backupEndpoints))
	}
	if err == nil {
		err = run(ctrl.SetupSignalHandler(), shared, options)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "cruiser:", err)
		os.Exit(1)
	}
}

// split returns the elements of a comma-separated flag.
func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' })
}

// addExternal adds the checks that the file declares to those of package checks. An empty path adds none.
func addExternal(options *cruiser.Options, path string) (err error) {
	if path != "" {
		options.Checks, err = external.Add(checks.All(), path)
	}
	return err
}

// run inspects until ctx ends. Runs that are then in progress end without a record, and are repeated at the next start.
func run(ctx context.Context, shared *managerflags.Flags, options cruiser.Options) error {
	mgr, err := shared.NewManager(cruiser.Rights(), func(options *ctrl.Options) { options.Cache.ByObject = cruiser.Cached() })
	if err != nil {
		return err
	}
	if err := cruiser.Setup(mgr, options); err != nil {
		return err
	}
	return mgr.Start(ctx)
}
