package cruiser

import (
	"cmp"
	"math/rand/v2"
	"time"

	"github.com/cespare/xxhash/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
)

const (
	// jitter is the part of the interval by which two runs may be closer or further apart, so that monitors created
	// together drift apart.
	jitter = 0.1

	// firstRunWithin spreads the first runs of monitors created together; short intervals spread them over a tenth.
	firstRunWithin = 30 * time.Second

	// The CRD refuses an interval outside of these bounds; an older one is taken as the nearest bound.
	shortestInterval = 10 * time.Second
	longestInterval  = 720 * time.Hour

	// timePrecision is the precision with which an object stores a time.
	timePrecision = time.Second
)

// schedule says when monitors are due.
type schedule struct {
	defaultInterval time.Duration
	checks          checks.Registry
	offPeak         OffPeak
}

// after returns when a run that ended at end is followed by a scheduled one: after the interval ± 10 %, and of an
// expensive check off-peak.
func (s schedule) after(end time.Time, spec *etcdv1beta1.EtcdMonitorSpec) time.Time {
	interval := s.interval(spec)
	return s.allowed(end.Add(interval+time.Duration((2*rand.Float64()-1)*jitter*float64(interval))), spec)
}

// due returns when the monitor's next scheduled run is due: its status.nextRun, unless there is none yet or it was
// computed with another interval. The answer may be random then, so the caller stores it in status.nextRun, unless it is
// the first run of a new monitor, which is soon and always at the same time: to store that would double the writes of a
// fleet that is onboarded. Times in the status that are further away than a run can be are ignored: a wrong
// clock or another program wrote them.
func (s schedule) due(monitor *etcdv1beta1.EtcdMonitor, now time.Time) time.Time {
	due := s.stored(monitor, now)
	if due.After(now.Add(s.freshFor(&monitor.Spec))) {
		return s.after(now, &monitor.Spec)
	}
	return due
}

// stored returns when the monitor is due according to its status.
func (s schedule) stored(monitor *etcdv1beta1.EtcdMonitor, now time.Time) time.Time {
	next, last := monitor.Status.NextRun, monitor.Status.LastRecord()
	switch {
	case next == nil:
		return s.allowed(s.first(monitor, now), &monitor.Spec)
	case last != nil && !s.follows(next, last, &monitor.Spec):
		return s.after(last.EndTime.Time, &monitor.Spec)
	default:
		return next.Time
	}
}

// first returns when a monitor runs for the first time: within a tenth of its interval, 30 s at most, of its creation.
func (s schedule) first(monitor *etcdv1beta1.EtcdMonitor, now time.Time) time.Time {
	within := min(s.interval(&monitor.Spec)/10, firstRunWithin)
	first := monitor.CreationTimestamp.Add(time.Duration(xxhash.Sum64String(string(monitor.UID)) % uint64(within)))
	if first.Before(now) {
		return now
	}
	return first
}

// allowed returns t, or for an expensive check a time off-peak after it.
func (s schedule) allowed(t time.Time, spec *etcdv1beta1.EtcdMonitorSpec) time.Time {
	if !s.checks[spec.MetricName].Expensive {
		return t
	}
	return s.offPeak.shift(t.In(time.Local))
}

// follows reports whether next can be when the run after last is due at the present interval.
func (s schedule) follows(next *metav1.Time, last *etcdv1beta1.EtcdMonitorRecord, spec *etcdv1beta1.EtcdMonitorSpec) bool {
	interval := s.interval(spec)
	deviation := next.Sub(last.EndTime.Time) - interval
	tolerance := time.Duration(jitter*float64(interval)) + timePrecision
	if s.checks[spec.MetricName].Expensive && s.offPeak != (OffPeak{}) {
		// The wait for the off-peak hours comes on top.
		return s.offPeak.contains(next.In(time.Local)) && deviation >= -tolerance && deviation <= tolerance+day
	}
	return deviation.Abs() <= tolerance
}

// freshFor is how long a result counts: until one more run is missing than may happen, when the next is a little late.
func (s schedule) freshFor(spec *etcdv1beta1.EtcdMonitorSpec) time.Duration {
	fresh := 2 * s.interval(spec)
	if s.checks[spec.MetricName].Expensive && s.offPeak != (OffPeak{}) {
		fresh += day
	}
	return fresh
}

// interval is what the monitor says, else what suits its check.
func (s schedule) interval(spec *etcdv1beta1.EtcdMonitorSpec) time.Duration {
	if spec.Interval != nil {
		return min(max(spec.Interval.Duration, shortestInterval), longestInterval)
	}
	return cmp.Or(s.checks[spec.MetricName].Interval, s.defaultInterval)
}
