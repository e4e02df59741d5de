// Command cost measures how inspections affect the clients of an etcd cluster: the latency of puts with and without
// each check, compared with other ways to read a cluster. It prints its figures as JSON.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/types"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/bench/inspect/command"
	"github.com/etcdfleet/etcd-fleet/bench/inspect/servers"
	"github.com/etcdfleet/etcd-fleet/cruiser/budget"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
	"github.com/etcdfleet/etcd-fleet/internal/etcdclient"
)

const (
	// pause is the time between two runs of a scenario. It is far shorter than a check's interval, so that runs affect
	// the p99.
	pause = time.Second

	// A check that keeps state and takes longer than slowRun is measured a second time after settlingRuns more runs.
	slowRun      = time.Second
	settlingRuns = 6
)

type options struct {
	keys      int
	valueSize int
	rate      int
	window    time.Duration
	scenarios string
	dir       string
}

// scenario is an activity that runs while puts are measured.
type scenario struct {
	name string
	run  func(ctx context.Context) (remark string, err error)

	// state is the state that a check keeps between its runs.
	state *string
}

// remembers reports whether later runs have state that the first ones did not have.
func (s scenario) remembers() bool { return s.state != nil && *s.state != "" }

// figures are the results of one scenario. Latencies are those of puts, in seconds.
type figures struct {
	Name string `json:"name"`

	// Runs is the number of runs while puts were measured, and RunSeconds the median duration of a run.
	Runs       int     `json:"runs"`
	RunSeconds float64 `json:"runSeconds"`

	During latencies `json:"during"`
	Idle   latencies `json:"idle"`
	Remark string    `json:"remark"`
}

type latencies struct {
	Puts int     `json:"puts"`
	P50  float64 `json:"p50"`
	P99  float64 `json:"p99"`
	Max  float64 `json:"max"`
}

func main() {
	var o options
	flag.IntVar(&o.keys, "keys", 500_000, "how many keys the cluster holds")
	flag.IntVar(&o.valueSize, "value-size", 1024, "bytes of each value")
	flag.IntVar(&o.rate, "rate", 100, "puts a second while measuring, over all members")
	flag.DurationVar(&o.window, "window", 30*time.Second, "how long the idle cluster and each scenario are measured")
	flag.StringVar(&o.scenarios, "scenarios", "", "which to measure, with commas between their names; empty means all")
	flag.StringVar(&o.dir, "dir", "", "where to keep data and logs; emptied first")
	flag.Parse()
	command.Main(o.dir, func(ctx context.Context) error { return run(ctx, o) })
}

func run(ctx context.Context, o options) error {
	cluster, err := servers.Start(o.dir, "--quota-backend-bytes=8589934592") //nolint:contextcheck // a start has its own timeout
	if err != nil {
		return err
	}
	defer cluster.Stop()
	clients, err := connect(cluster)
	if err != nil {
		return err
	}
	command.Progress("Writing %d keys of %d bytes …", o.keys, o.valueSize)
	if err := fill(ctx, o, clients[0]); err != nil {
		return err
	}
	var results []figures
	add := func(s scenario) error {
		found, err := compare(ctx, o, clients, s)
		results = append(results, found)
		return err
	}
	for _, s := range append(others(clients), ours(cluster)...) {
		if o.scenarios != "" && !slices.Contains(strings.Split(o.scenarios, ","), s.name) {
			continue
		}
		if err := add(s); err != nil {
			return err
		}
		if last := results[len(results)-1]; !s.remembers() || last.RunSeconds < slowRun.Seconds() {
			continue
		}
		for range settlingRuns {
			if _, err := s.run(ctx); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
		}
		s.name += ", later runs"
		if err := add(s); err != nil {
			return err
		}
	}
	return json.NewEncoder(os.Stdout).Encode(results)
}

// compare measures puts on the idle cluster, and then while the scenario runs repeatedly.
func compare(ctx context.Context, o options, clients []*clientv3.Client, s scenario) (figures, error) {
	idle, err := measure(ctx, o, clients, func() error { return command.Sleep(ctx, o.window) })
	if err != nil {
		return figures{}, err
	}
	found := figures{Name: s.name, Idle: *idle}
	var took []float64
	during, err := measure(ctx, o, clients, func() error {
		for begin := time.Now(); time.Since(begin) < o.window; {
			started := time.Now()
			remark, err := s.run(ctx)
			took = append(took, time.Since(started).Seconds())
			if found.Remark = remark; err != nil {
				found.Remark = "error: " + err.Error()
			}
			if err := command.Sleep(ctx, pause); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return figures{}, err
	}
	slices.Sort(took)
	found.During, found.Runs, found.RunSeconds = *during, len(took), took[len(took)/2]
	command.Progress("%s: %d runs of %.2f s, p99 %.1f ms against %.1f ms: %s",
		s.name, found.Runs, found.RunSeconds, 1000*found.During.P99, 1000*found.Idle.P99, found.Remark)
	return found, nil
}

// connect returns a client for each member.
func connect(cluster *servers.Cluster) (clients []*clientv3.Client, err error) {
	for _, m := range cluster.Members {
		client, err := clientv3.New(clientv3.Config{Endpoints: []string{m.ClientURL}, Logger: zap.NewNop(), MaxCallRecvMsgSize: 4 << 30})
		if err != nil {
			return nil, err
		}
		clients = append(clients, client)
	}
	return clients, nil
}

// fill writes keys named like Kubernetes objects, and compacts the history.
func fill(ctx context.Context, o options, client *clientv3.Client) error {
	const perTxn = 100
	value := strings.Repeat("v", o.valueSize)
	group, filling := errgroup.WithContext(ctx)
	group.SetLimit(8)
	resources := []string{"pods", "secrets", "configmaps", "events", "leases", "endpointslices"}
	for begin := 0; begin < o.keys; begin += perTxn {
		group.Go(func() error {
			var puts []clientv3.Op
			for i := begin; i < min(begin+perTxn, o.keys); i++ {
				key := fmt.Sprintf("/registry/%s/namespace-%03d/object-%07d", resources[i%len(resources)], i%211, i)
				puts = append(puts, clientv3.OpPut(key, value))
			}
			_, err := client.Txn(filling).Then(puts...).Commit()
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	status, err := client.Status(ctx, client.Endpoints()[0])
	if err != nil {
		return err
	}
	_, err = client.Compact(ctx, status.Header.Revision, clientv3.WithCompactPhysical())
	return err
}

// measure sends puts at a steady rate through all members while work runs.
func measure(ctx context.Context, o options, clients []*clientv3.Client, work func() error) (*latencies, error) {
	putting, stop := context.WithCancel(ctx)
	defer stop()
	measured := make([][]time.Duration, len(clients))
	var writers errgroup.Group
	for i, client := range clients {
		writers.Go(func() error {
			measured[i] = putSteadily(putting, client, i, time.Second*time.Duration(len(clients))/time.Duration(o.rate))
			return nil
		})
	}
	err := work()
	stop()
	_ = writers.Wait()
	if err != nil {
		return nil, err
	}
	all := slices.Concat(measured...)
	if len(all) == 0 {
		return nil, errors.New("no put succeeded")
	}
	slices.Sort(all)
	return &latencies{
		Puts: len(all), P50: all[len(all)/2].Seconds(), P99: all[len(all)*99/100].Seconds(), Max: all[len(all)-1].Seconds(),
	}, nil
}

// putSteadily sends a put at each interval, even if the previous one has not finished, and returns the latencies. A
// stall therefore counts for all puts of its time.
func putSteadily(ctx context.Context, client *clientv3.Client, writer int, interval time.Duration) []time.Duration {
	var group errgroup.Group
	results := make(chan time.Duration, 1024)
	var measured []time.Duration
	collected := make(chan struct{})
	go func() {
		defer close(collected)
		for latency := range results {
			measured = append(measured, latency)
		}
	}()
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			_ = group.Wait()
			close(results)
			<-collected
			return measured
		case <-ticker.C:
		}
		group.Go(func() error {
			begin := time.Now()
			_, err := client.Put(context.WithoutCancel(ctx), fmt.Sprintf("/probe/%d/%d", writer, i%100), "value")
			if err == nil {
				results <- time.Since(begin)
			}
			return err
		})
	}
}

// others are other ways to read a cluster, without a budget.
func others(clients []*clientv3.Client) []scenario {
	everyMember := func(do func(*clientv3.Client) error) error {
		var group errgroup.Group
		for _, client := range clients {
			group.Go(func() error { return do(client) })
		}
		return group.Wait()
	}
	return []scenario{
		{name: "one Get of all keys, without pages", run: func(ctx context.Context) (string, error) {
			answer, err := clients[0].Get(ctx, "", clientv3.WithPrefix(), clientv3.WithKeysOnly())
			if err != nil {
				return "", err
			}
			return fmt.Sprintf("%d keys", len(answer.Kvs)), nil
		}},
		{name: "HashKV of all members at their newest revision", run: func(ctx context.Context) (string, error) {
			return "", everyMember(func(client *clientv3.Client) error {
				_, err := client.HashKV(ctx, client.Endpoints()[0], 0)
				return err
			})
		}},
	}
}

// ours are all checks as cruiser runs them, with their default parameters and budget.
func ours(cluster *servers.Cluster) (scenarios []scenario) {
	all := checks.All()
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	spec := etcdv1beta1.EtcdClusterSpec{ClusterID: "gz-etcd", Region: "gz", Size: 3, Members: cluster.Members}
	pool := etcdclient.NewPool(time.Minute)
	budgets := budget.New(budget.Limits{})
	for _, name := range names {
		state := ""
		scenarios = append(scenarios, scenario{name: name, state: &state, run: func(ctx context.Context) (string, error) {
			check, parameters, err := all.Lookup(name, nil)
			if err != nil {
				return "", err
			}
			ctx, cancel := context.WithTimeout(ctx, cmp.Or(check.Timeout, time.Minute))
			defer cancel()
			lease := pool.Lease(etcdclient.Credentials{})
			defer lease.Release()
			found, err := check.Run(ctx, checks.Target{
				Cluster: spec, Parameters: parameters, Members: lease, State: state,
				Budget: budgets.Pacer(types.NamespacedName{Name: "gz-etcd"}, lease),
			})
			state = cmp.Or(found.State, state)
			return string(found.Outcome) + ": " + found.Message, err
		}})
	}
	return scenarios
}
