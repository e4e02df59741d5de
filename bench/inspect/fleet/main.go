// Command fleet measures cruiser at the size of a fleet: tens of thousands of inspections on a real API server. Many
// clusters share a few real etcd servers. It prints its figures as JSON.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/etcdfleet/etcd-fleet/bench/inspect/command"
	"github.com/etcdfleet/etcd-fleet/bench/inspect/servers"
)

// options define what to measure.
type options struct {
	clusters int
	checks   []string
	interval time.Duration
	steady   time.Duration
	etcds    int
	workers  int
	dir      string
}

// figures are the results. Memory is resident bytes, CPU is cores.
type figures struct {
	Monitors int `json:"monitors"`

	// FillingSeconds is the time from cruiser's start until every monitor had its first record.
	FillingSeconds float64 `json:"fillingSeconds"`

	// FillingCPU is each program's CPU usage until then, and FillingMemory cruiser's peak memory.
	FillingCPU    map[string]float64 `json:"fillingCores"`
	FillingMemory float64            `json:"fillingBytes"`

	// SteadySeconds is the following period, in which all monitors run at their interval.
	SteadySeconds    float64            `json:"steadySeconds"`
	SteadyRuns       float64            `json:"steadyRuns"`
	Outcomes         map[string]int     `json:"outcomes"`
	LateSeconds      float64            `json:"lateSecondsP99"`
	SteadyCPU        map[string]float64 `json:"steadyCores"`
	CruiserMemory    float64            `json:"cruiserBytes"`
	CruiserHeap      []float64          `json:"cruiserBytesEachMinute"`
	APIServerMemory  float64            `json:"apiServerBytes"`
	ScrapeSeconds    float64            `json:"scrapeSeconds"`
	ScrapeBytes      int                `json:"scrapeBytes"`
	HandOverSeconds  float64            `json:"handOverSeconds"`
	HandOverClusters int                `json:"handOverClusters"`
}

func main() {
	o := options{checks: []string{
		"etcd-node-key-diff", "membership", "alarms", "quota-and-fragmentation", "request-latency", "certificate-expiry",
	}}
	flag.IntVar(&o.clusters, "clusters", 10_000, "how many EtcdClusters")
	flag.DurationVar(&o.interval, "interval", 5*time.Minute, "the monitors' interval")
	flag.DurationVar(&o.steady, "steady", 5*time.Minute, "how long to watch after every monitor has run once")
	flag.IntVar(&o.etcds, "etcds", 3, "how many real clusters of 3 members they share")
	flag.IntVar(&o.workers, "concurrency", 64, "cruiser's --concurrency")
	flag.StringVar(&o.dir, "dir", "", "where to keep data and logs; emptied first")
	flag.Parse()

	command.Main(o.dir, func(ctx context.Context) error { return run(ctx, o) })
}

func run(ctx context.Context, o options) error {
	restore := saveCores(runtime.NumCPU())
	api, err := servers.StartAPI(nil) //nolint:contextcheck // a start has its own timeout
	restore()
	if err != nil {
		return err
	}
	defer api.Stop()
	clusters, err := startClusters(o) //nolint:contextcheck // a start has its own timeout
	defer func() {
		for _, cluster := range clusters {
			cluster.Stop()
		}
	}()
	if err != nil {
		return err
	}
	command.Progress("Creating %d EtcdClusters and %d EtcdMonitors …", o.clusters, o.clusters*len(o.checks))
	if err := create(ctx, api.Client, o, clusters); err != nil {
		return err
	}
	result, err := measure(ctx, o, api)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}

// startClusters starts the real clusters. On an error it also returns those that already started.
func startClusters(o options) (clusters []*servers.Cluster, err error) {
	defer saveCores(1)()
	for i := range o.etcds {
		// Disk speed is not measured.
		cluster, err := servers.Start(filepath.Join(o.dir, fmt.Sprintf("etcd-%d", i)), "--unsafe-no-fsync")
		if err != nil {
			return clusters, err
		}
		clusters = append(clusters, cluster)
	}
	return clusters, nil
}
