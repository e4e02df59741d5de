package cruiser

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
)

func offPeak(t *testing.T, text string) OffPeak {
	t.Helper()
	var window OffPeak
	require.NoError(t, window.UnmarshalText([]byte(text)))
	return window
}

func TestOffPeakIsWrittenAsItIsRead(t *testing.T) {
	for _, text := range []string{"", "01:00-05:30", "22:00-04:00"} {
		written, err := offPeak(t, text).MarshalText()
		require.NoError(t, err)
		assert.Equal(t, text, string(written))
	}
	for _, text := range []string{"1-5", "01:00", "01:00-25:00", "01:00-01:00", "night"} {
		var window OffPeak
		assert.ErrorContains(t, window.UnmarshalText([]byte(text)), "give two times of a day, for example 01:00-05:30", text)
	}
}

func TestOffPeakShift(t *testing.T) {
	clockTime := func(hour, minute int) time.Time { return time.Date(2026, 3, 1, hour, minute, 0, 0, time.UTC) }
	for _, test := range []struct {
		window           string
		at               time.Time
		earliest, latest time.Time
	}{
		{"", clockTime(12, 0), clockTime(12, 0), clockTime(12, 0)},
		{"01:00-05:00", clockTime(3, 0), clockTime(3, 0), clockTime(3, 0)},
		{"01:00-05:00", clockTime(0, 30), clockTime(1, 0), clockTime(5, 0)},
		{"01:00-05:00", clockTime(5, 0), clockTime(25, 0), clockTime(29, 0)},
		{"22:00-04:00", clockTime(23, 0), clockTime(23, 0), clockTime(23, 0)},
		{"22:00-04:00", clockTime(2, 0), clockTime(2, 0), clockTime(2, 0)},
		{"22:00-04:00", clockTime(12, 0), clockTime(22, 0), clockTime(28, 0)},
	} {
		window := offPeak(t, test.window)
		for range 50 {
			shifted := window.shift(test.at)
			assert.False(t, shifted.Before(test.earliest) || shifted.After(test.latest), "%s at %s: %s", test.window, test.at, shifted)
			assert.True(t, window.contains(shifted))
		}
	}
}

func TestScheduleKeepsExpensiveChecksToOffPeakHours(t *testing.T) {
	window := offPeak(t, "01:00-05:00")
	s := schedule{
		defaultInterval: 5 * time.Minute,
		offPeak:         window,
		checks: checks.Registry{
			"scan":  {Name: "scan", Expensive: true, Interval: 24 * time.Hour},
			"alarm": {Name: "alarm", Interval: time.Minute},
		},
	}
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.Local)
	monitor := monitorEvery(0)

	monitor.Spec.MetricName = "alarm"
	assert.WithinDuration(t, noon.Add(time.Minute), s.after(noon, &monitor.Spec), 6*time.Second, "the check's own interval")
	assert.Equal(t, 2*time.Minute, s.freshFor(&monitor.Spec))

	monitor.Spec.MetricName = "scan"
	assert.Equal(t, 72*time.Hour, s.freshFor(&monitor.Spec))
	first := s.due(monitor, noon)
	assert.True(t, window.contains(first), "the first run waits too: %s", first)
	for range 50 {
		next := s.after(noon, &monitor.Spec)
		assert.True(t, window.contains(next), next)
		assert.Greater(t, next.Sub(noon), 21*time.Hour)
		assert.Less(t, next.Sub(noon), 51*time.Hour)

		due := metav1.NewTime(next)
		monitor.Status.Records = []etcdv1beta1.EtcdMonitorRecord{{EndTime: metav1.NewTime(noon)}}
		monitor.Status.NextRun = &due
		assert.True(t, s.due(monitor, noon.Add(time.Hour)).Equal(due.Time), "what was shifted stays where it is")
	}
}
