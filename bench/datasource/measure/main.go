// Command measure asks the datasource, in its own process, for what dashboards and pages ask of a fleet whose objects are in a
// real API server and whose series are in a real Thanos. It prints its figures as JSON.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/pprof"
	"time"

	"github.com/go-logr/logr"
	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/log"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/etcdfleet/etcd-fleet/bench/inspect/command"
	"github.com/etcdfleet/etcd-fleet/bench/inspect/servers"
)

// options define what to measure.
type options struct {
	fleet, thanos, cpuProfile string
	records, events, runs     int
	rootPID                   int
}

// figures are the results. Times are in seconds, memory in bytes.
type figures struct {
	Clusters int `json:"clusters"`
	Monitors int `json:"monitors"`
	Records  int `json:"records"`
	Events   int `json:"events"`
	Burning  int `json:"burning"`

	CreateSeconds float64 `json:"createSeconds"`

	// FirstAnswerSeconds is the time from the start of the datasource to the first answer, which had FirstAnswerRows of the
	// clusters; SyncedSeconds the time to the first complete answer.
	FirstAnswerSeconds float64 `json:"firstAnswerSeconds"`
	FirstAnswerRows    int     `json:"firstAnswerRows"`
	SyncedSeconds      float64 `json:"syncedSeconds"`

	// HeapBytes is what the datasource holds, and the others are resident.
	HeapBytes     float64            `json:"heapBytes"`
	ResidentBytes float64            `json:"residentBytes"`
	PeakBytes     float64            `json:"peakBytes"`
	OtherBytes    map[string]float64 `json:"otherBytes"`

	Queries    []queryFigures     `json:"queries"`
	Kinds      []queryFigures     `json:"kinds"`
	Dashboards []dashboardFigures `json:"dashboards"`
	Lists      []listFigures      `json:"lists"`

	// Others is the share of the cores that other programs had during the queries, by the part of the run.
	Others map[string]float64 `json:"others"`
}

func main() {
	var o options
	flag.StringVar(&o.fleet, "fleet", "", "the file with the clusters")
	flag.StringVar(&o.thanos, "thanos", "", "the address of Thanos query")
	flag.StringVar(&o.cpuProfile, "cpuprofile", "", "where to write a CPU profile of the datasource; none by default")
	flag.IntVar(&o.records, "records", 20, "records of each EtcdMonitor")
	flag.IntVar(&o.events, "events", 2000, "Events")
	flag.IntVar(&o.runs, "runs", 20, "how often each query runs")
	flag.IntVar(&o.rootPID, "root-pid", os.Getpid(), "the process whose descendants are the benchmark")
	flag.Parse()
	ctrl.SetLogger(logr.Discard())
	// Grafana drops what the plugin logs at this level.
	log.DefaultLogger = log.NewNullLogger()
	backend.Logger = log.DefaultLogger

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	f, err := readFleet(o.fleet)
	if err != nil {
		return err
	}
	// A fleet's histories take more than etcd's default of 2 GiB.
	api, err := servers.StartAPI(map[string]string{"quota-backend-bytes": "8589934592"}) //nolint:contextcheck // a start has its own timeout
	if err != nil {
		return err
	}
	defer api.Stop()
	result := &figures{Clusters: len(f.Clusters), Monitors: f.monitors(), Records: o.records, Events: o.events, Others: map[string]float64{}}
	begin := time.Now()
	command.Progress("Creating %d EtcdClusters, %d EtcdMonitors and %d Events …", result.Clusters, result.Monitors, o.events)
	if err := create(ctx, api, f, o); err != nil {
		return fmt.Errorf("create the objects: %w", err)
	}
	result.CreateSeconds = time.Since(begin).Seconds()
	if err := measure(ctx, o, f, api, result); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}

func measure(ctx context.Context, o options, f *fleet, api *servers.API, result *figures) error {
	stopProfile, err := startProfile(o.cpuProfile)
	if err != nil {
		return err
	}
	defer stopProfile()
	command.Progress("Starting the datasource …")
	d, err := startDatasource(ctx, f, api, o.thanos, result)
	if err != nil {
		return err
	}
	defer d.Dispose()
	command.Progress("Synchronised after %.1f s; checking the answers …", result.SyncedSeconds)
	if err := check(ctx, d, f); err != nil {
		return fmt.Errorf("the answers are not those of the seeded fleet: %w", err)
	}
	result.Burning = len(f.faulty())

	if err := measureQueries(ctx, d, f, o, result); err != nil {
		return err
	}
	if err := measureDashboards(ctx, d, f, o, result); err != nil {
		return err
	}
	result.ResidentBytes, result.PeakBytes = memory()
	result.OtherBytes = otherMemory(o.rootPID)
	// Last, because an answer of this size takes more memory than the datasource.
	return measureLists(ctx, d, api.Client, f, o, result)
}

func startProfile(path string) (stop func(), err error) {
	if path == "" {
		return func() {}, nil
	}
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return func() {
		pprof.StopCPUProfile()
		_ = file.Close()
	}, nil
}
