package cruiser

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func at(offset time.Duration) *metav1.Time { return &metav1.Time{Time: now.Add(offset)} }

func monitorEvery(interval time.Duration) *etcdv1beta1.EtcdMonitor {
	monitor := &etcdv1beta1.EtcdMonitor{}
	if interval > 0 {
		monitor.Spec.Interval = &metav1.Duration{Duration: interval}
	}
	return monitor
}

func TestScheduleSpreadsRunsAroundTheInterval(t *testing.T) {
	s := schedule{defaultInterval: 5 * time.Minute}
	for _, interval := range []time.Duration{0, 10 * time.Second, 720 * time.Hour} {
		monitor := monitorEvery(interval)
		want := s.interval(&monitor.Spec)
		earliest, latest := want, want
		for range 1000 {
			gap := s.after(now, &monitor.Spec).Sub(now)
			earliest, latest = min(earliest, gap), max(latest, gap)
		}
		assert.GreaterOrEqual(t, earliest, want*9/10)
		assert.LessOrEqual(t, latest, want*11/10)
		assert.Less(t, earliest, want*93/100, "1000 draws come close to either end")
		assert.Greater(t, latest, want*107/100)
	}
}

func TestScheduleDue(t *testing.T) {
	s := schedule{defaultInterval: 5 * time.Minute}
	for _, test := range []struct {
		name             string
		interval         time.Duration
		lastEnd          *metav1.Time
		nextRun          *metav1.Time
		earliest, latest time.Duration
	}{
		{"a new monitor soon", 0, nil, nil, 0, 30 * time.Second},
		{"a new monitor with a short interval sooner", 10 * time.Second, nil, nil, 0, time.Second},
		{"an old monitor that another program ran soon", 0, at(-240 * time.Hour), nil, 0, 30 * time.Second},
		{"at the stored time", 0, at(-time.Minute), at(4 * time.Minute), 4 * time.Minute, 4 * time.Minute},
		{"at the stored time, jittered", 0, at(-time.Minute), at(4*time.Minute + 29*time.Second),
			4*time.Minute + 29*time.Second, 4*time.Minute + 29*time.Second},
		{"at the stored time before the first run", 0, nil, at(7 * time.Second), 7 * time.Second, 7 * time.Second},
		{"at the stored time although it is past", 0, at(-time.Hour), at(-55 * time.Minute), -55 * time.Minute, -55 * time.Minute},
		{"earlier when the interval became shorter", time.Minute, at(-30 * time.Second), at(5 * time.Minute),
			24 * time.Second, 36 * time.Second},
		{"later when the interval became longer", time.Hour, at(-time.Minute), at(4 * time.Minute),
			53 * time.Minute, 65 * time.Minute},
		{"soon when the stored time is out of reach", 0, nil, at(876_000 * time.Hour), 4 * time.Minute, 6 * time.Minute},
		{"soon when the last run ended in the future", 0, at(876_000 * time.Hour), at(time.Minute), 4 * time.Minute, 6 * time.Minute},
		{"within bounds when the interval is tiny", 1, at(-time.Hour), at(-time.Hour), -time.Hour, -59 * time.Minute},
		{"within bounds when the interval is endless", math.MaxInt64, at(0), at(time.Hour), 647 * time.Hour, 793 * time.Hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			monitor := monitorEvery(test.interval)
			monitor.Status.NextRun = test.nextRun
			if test.lastEnd != nil {
				monitor.Status.Records = []etcdv1beta1.EtcdMonitorRecord{{StartTime: *test.lastEnd, EndTime: *test.lastEnd}}
			}
			for range 100 {
				due := s.due(monitor, now).Sub(now)
				assert.GreaterOrEqual(t, due, test.earliest)
				assert.LessOrEqual(t, due, test.latest)
			}
		})
	}
}

// What is stored must be recognised as following from the interval, although an object holds whole seconds only.
func TestScheduleRecognisesItsOwnTimes(t *testing.T) {
	s := schedule{defaultInterval: 5 * time.Minute}
	for _, interval := range []time.Duration{10 * time.Second, 5 * time.Minute, 720 * time.Hour} {
		monitor := monitorEvery(interval)
		for i := range 1000 {
			end := now.Add(time.Duration(i) * time.Millisecond)
			next := metav1.NewTime(s.after(end, &monitor.Spec).Truncate(time.Second))
			monitor.Status.NextRun = &next
			monitor.Status.Records = []etcdv1beta1.EtcdMonitorRecord{{EndTime: metav1.NewTime(end.Truncate(time.Second))}}
			assert.Equal(t, next.Time, s.due(monitor, now))
		}
	}
}
