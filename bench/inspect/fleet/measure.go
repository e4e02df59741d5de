package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/procfs"
	"sigs.k8s.io/controller-runtime/pkg/client"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/bench/inspect/command"
	"github.com/etcdfleet/etcd-fleet/bench/inspect/servers"
	"github.com/etcdfleet/etcd-fleet/internal/labbin"
	"github.com/etcdfleet/etcd-fleet/internal/testproc"
)

const (
	readyTimeout  = 2 * time.Minute
	scrapeTimeout = time.Minute

	// look is the scrape interval while monitors run for the first time, as in Prometheus for a large target.
	look = time.Minute
)

// replica is a running cruiser.
type replica struct {
	process *exec.Cmd
	metrics string
}

// measure runs cruiser on the fleet, then starts a second replica and kills the first.
func measure(ctx context.Context, o options, a *servers.API) (*figures, error) {
	program, err := buildCruiser(ctx, o.dir)
	if err != nil {
		return nil, err
	}
	first, err := startReplica(ctx, o, a, program, "first")
	if err != nil {
		return nil, err
	}
	defer first.kill()
	begin, filling := time.Now(), startMeter()
	result := &figures{Monitors: o.clusters * len(o.checks)}
	command.Progress("Waiting until each of %d monitors has run …", result.Monitors)
	if err := first.awaitAllRan(ctx, result.Monitors); err != nil {
		return nil, err
	}
	result.FillingCPU = filling.cores()
	_, result.FillingMemory = memory(first.pid())
	if result.FillingSeconds, err = lastFirstRun(ctx, a, begin); err != nil {
		return nil, err
	}
	command.Progress("All have run after %.0f s; watching for %s …", result.FillingSeconds, o.steady)
	if err := watch(ctx, o, a, first, result); err != nil {
		return nil, err
	}
	command.Progress("Starting a second cruiser and killing the first …")
	return result, handOver(ctx, o, a, first, program, result)
}

// lastFirstRun returns the time, in seconds since begin, at which the last monitor finished its first run.
func lastFirstRun(ctx context.Context, a *servers.API, begin time.Time) (seconds float64, err error) {
	var monitors etcdv1beta1.EtcdMonitorList
	err = a.Client.List(ctx, &monitors, client.InNamespace(namespace))
	for _, monitor := range monitors.Items {
		if records := monitor.Status.Records; len(records) > 0 {
			seconds = max(seconds, records[0].EndTime.Sub(begin).Seconds())
		}
	}
	return seconds, err
}

func watch(ctx context.Context, o options, a *servers.API, r *replica, result *figures) error {
	apiServer, err := findProcess("kube-apiserver")
	if err != nil {
		return err
	}
	// A scrape takes time and counts the runs up to its start.
	begin, steady := time.Now(), startMeter()
	before, err := r.scrape(ctx)
	if err != nil {
		return err
	}
	for time.Since(begin) < o.steady {
		if err := command.Sleep(ctx, min(time.Minute, o.steady-time.Since(begin))); err != nil {
			return err
		}
		resident, _ := memory(r.pid())
		result.CruiserHeap = append(result.CruiserHeap, resident)
	}
	result.SteadySeconds = time.Since(begin).Seconds()
	result.SteadyCPU = steady.cores()
	result.APIServerMemory, _ = memory(apiServer)
	scraping := time.Now()
	after, err := r.scrape(ctx)
	if err != nil {
		return err
	}
	result.ScrapeSeconds, result.ScrapeBytes = time.Since(scraping).Seconds(), len(after)
	resident, _ := memory(r.pid())
	result.CruiserMemory = slices.Max(append(result.CruiserHeap, resident))
	result.SteadyRuns = sum(after, "etcd_inspection_runs_total{") - sum(before, "etcd_inspection_runs_total{")
	var monitors etcdv1beta1.EtcdMonitorList
	if err := a.Client.List(ctx, &monitors, client.InNamespace(namespace)); err != nil {
		return err
	}
	result.Outcomes = map[string]int{}
	var late []float64
	for _, monitor := range monitors.Items {
		result.Outcomes[string(monitor.Status.Outcome)]++
		if records := monitor.Status.Records; len(records) > 1 {
			gap := records[len(records)-1].StartTime.Sub(records[len(records)-2].EndTime.Time)
			late = append(late, max(0, (gap-o.interval*11/10).Seconds()))
		}
	}
	if len(late) > 0 {
		slices.Sort(late)
		result.LateSeconds = late[len(late)*99/100]
	}
	return nil
}

// handOver measures the time from killing one of two replicas until the other runs all of its inspections.
func handOver(ctx context.Context, o options, a *servers.API, first *replica, program string, result *figures) error {
	second, err := startReplica(ctx, o, a, program, "second")
	if err != nil {
		return err
	}
	defer second.kill()
	if err := command.Sleep(ctx, 20*time.Second); err != nil { // until each replica knows the other
		return err
	}
	text, err := second.scrape(ctx)
	if err != nil {
		return err
	}
	share := strings.Count(text, "\netcd_inspection_fresh{")
	result.HandOverClusters = (result.Monitors - share) / len(o.checks)
	first.kill()
	killed := time.Now()
	for {
		text, err := second.scrape(ctx)
		if err != nil {
			return err
		}
		if strings.Count(text, "\netcd_inspection_fresh{") == result.Monitors {
			result.HandOverSeconds = time.Since(killed).Seconds()
			return nil
		}
		if time.Since(killed) > readyTimeout {
			return errors.New("the second cruiser did not take over")
		}
		if err := command.Sleep(ctx, time.Second); err != nil {
			return err
		}
	}
}

// buildCruiser builds the program from the current source.
func buildCruiser(ctx context.Context, dir string) (string, error) {
	root, err := labbin.RepositoryPath()
	if err != nil {
		return "", err
	}
	program := filepath.Join(dir, "cruiser")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "./cmd/cruiser")
	build.Dir, build.Stderr = root, os.Stderr
	return program, build.Run()
}

func startReplica(ctx context.Context, o options, a *servers.API, program, name string) (*replica, error) {
	kubeconfig := filepath.Join(o.dir, "kubeconfig")
	if err := os.WriteFile(kubeconfig, a.Kubeconfig, 0o600); err != nil {
		return nil, err
	}
	addresses, err := testproc.FreeAddresses(3)
	if err != nil {
		return nil, err
	}
	metrics, health, pprof := addresses[0], addresses[1], addresses[2]
	log, err := os.Create(filepath.Join(o.dir, name+".log"))
	if err != nil {
		return nil, err
	}
	r := &replica{metrics: "http://" + metrics + "/metrics"}
	r.process = exec.CommandContext(ctx, program, "--kubeconfig="+kubeconfig, "--namespaces="+namespace, "--lease-namespace="+namespace,
		"--metrics-bind-address="+metrics, "--health-probe-bind-address="+health,
		"--pprof-bind-address="+pprof, "--concurrency="+strconv.Itoa(o.workers))
	r.process.Stdout, r.process.Stderr = log, log
	if err := r.process.Start(); err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(readyTimeout); ; {
		err := testproc.GetOK(ctx, http.DefaultClient, "http://"+health+"/readyz")
		if err == nil {
			return r, nil
		}
		if time.Now().After(deadline) {
			r.kill()
			return nil, fmt.Errorf("cruiser did not start: %w: see %s", err, log.Name())
		}
		if err := command.Sleep(ctx, 100*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

func (r *replica) pid() int { return r.process.Process.Pid }

func (r *replica) kill() {
	_ = r.process.Process.Kill()
	_ = r.process.Wait()
}

func (r *replica) awaitAllRan(ctx context.Context, monitors int) error {
	for {
		text, err := r.scrape(ctx)
		if err != nil {
			return err
		}
		if strings.Count(text, "\netcd_inspection_outcome{") >= monitors {
			return nil
		}
		if err := command.Sleep(ctx, look); err != nil {
			return err
		}
	}
}

func (r *replica) scrape(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, scrapeTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.metrics, nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	return string(text), err
}

// sum returns the sum of the values of all lines that start with prefix.
func sum(text, prefix string) (total float64) {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, prefix) {
			value, _ := strconv.ParseFloat(strings.TrimSpace(line[strings.LastIndex(strings.TrimSpace(line), " ")+1:]), 64)
			total += value
		}
	}
	return total
}

// meter measures the CPU usage of programs.
type meter struct {
	begin  time.Time
	before map[string]float64
}

// metered are the programs that share the cores. etcd covers the inspected members and the API server's storage.
var metered = []string{"cruiser", "kube-apiserver", "etcd"}

func startMeter() meter { return meter{begin: time.Now(), before: cpuSeconds()} }

// cores returns each program's CPU usage, in cores, since the meter started.
func (m meter) cores() map[string]float64 {
	used := cpuSeconds()
	for name := range used {
		used[name] = (used[name] - m.before[name]) / time.Since(m.begin).Seconds()
	}
	return used
}

func cpuSeconds() map[string]float64 {
	total := map[string]float64{}
	processes, _ := procfs.AllProcs() // none where there is no /proc
	for _, process := range processes {
		if stat, err := process.Stat(); err == nil && slices.Contains(metered, stat.Comm) {
			total[stat.Comm] += stat.CPUTime()
		}
	}
	return total
}

func findProcess(name string) (int, error) {
	processes, err := procfs.AllProcs()
	if err != nil {
		return 0, err
	}
	newest := 0
	for _, process := range processes {
		if comm, err := process.Comm(); err == nil && comm == name {
			newest = max(newest, process.PID)
		}
	}
	if newest == 0 {
		return 0, fmt.Errorf("no process %s is running", name)
	}
	return newest, nil
}

// memory returns the current and the peak resident memory of the process in bytes, or 0 if it has exited.
func memory(pid int) (now, peak float64) {
	process, err := procfs.NewProc(pid)
	if err != nil {
		return 0, 0
	}
	status, err := process.NewStatus()
	if err != nil {
		return 0, 0
	}
	return float64(status.VmRSS), float64(status.VmHWM)
}
