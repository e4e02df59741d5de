package main

import (
	"os"
	"time"

	"github.com/prometheus/procfs"
)

// meter measures which share of the cores other programs had.
type meter struct {
	root      int
	begin     time.Time
	all, ours float64
}

func startMeter(root int) meter {
	m := meter{root: root, begin: time.Now()}
	m.all, m.ours = cpuSeconds(root)
	return m
}

// others returns the share of all cores since the start of the meter; 0 where there is no /proc.
func (m meter) others() float64 {
	all, ours := cpuSeconds(m.root)
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return 0
	}
	stat, err := fs.Stat()
	if err != nil || len(stat.CPU) == 0 {
		return 0
	}
	return max(0, (all-m.all)-(ours-m.ours)) / (time.Since(m.begin).Seconds() * float64(len(stat.CPU)))
}

// cpuSeconds returns the time that the cores were busy, and that of root and its descendants.
func cpuSeconds(root int) (all, ours float64) {
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return 0, 0
	}
	stat, err := fs.Stat()
	if err != nil {
		return 0, 0
	}
	t := stat.CPUTotal
	all = t.User + t.Nice + t.System + t.IRQ + t.SoftIRQ + t.Steal
	for _, process := range family(root) {
		ours += process.CPUTime()
	}
	return all, ours
}

// family returns a process and its descendants.
func family(root int) []procfs.ProcStat {
	processes, err := procfs.AllProcs()
	if err != nil {
		return nil
	}
	children := map[int][]procfs.ProcStat{}
	var found []procfs.ProcStat
	for _, process := range processes {
		if stat, err := process.Stat(); err == nil {
			children[stat.PPID] = append(children[stat.PPID], stat)
			if stat.PID == root {
				found = append(found, stat)
			}
		}
	}
	for i := 0; i < len(found); i++ {
		found = append(found, children[found[i].PID]...)
	}
	return found
}

// memory returns the current and the peak resident memory of this process, in bytes.
func memory() (now, peak float64) {
	process, err := procfs.Self()
	if err != nil {
		return 0, 0
	}
	status, err := process.NewStatus()
	if err != nil {
		return 0, 0
	}
	return float64(status.VmRSS), float64(status.VmHWM)
}

// resetPeak makes the peak resident memory begin now.
func resetPeak() {
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // best effort: without it the peak includes the preparation
}

// otherMemory returns the resident memory of the servers, in bytes, by program.
func otherMemory(root int) map[string]float64 {
	total := map[string]float64{}
	for _, process := range family(root) {
		if process.PID != os.Getpid() && process.PID != root {
			total[process.Comm] += float64(process.ResidentMemory())
		}
	}
	return total
}
