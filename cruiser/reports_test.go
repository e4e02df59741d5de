package cruiser_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
)

func gather(t *testing.T, metrics prometheus.Gatherer) []*dto.MetricFamily {
	t.Helper()
	families, err := metrics.Gather()
	require.NoError(t, err)
	return families
}

// expose returns the series of the registry, one a line, without those whose value depends on the time.
func expose(t *testing.T, metrics prometheus.Gatherer) []string {
	t.Helper()
	var text strings.Builder
	encoder := expfmt.NewEncoder(&text, expfmt.NewFormat(expfmt.TypeTextPlain))
	for _, family := range gather(t, metrics) {
		require.NoError(t, encoder.Encode(family))
	}
	var series []string
	for line := range strings.Lines(text.String()) {
		if !strings.HasPrefix(line, "#") && !strings.Contains(line, "_seconds{") && !strings.Contains(line, "_fresh{") {
			series = append(series, strings.TrimSpace(line))
		}
	}
	return series
}

func awaitSeries(t *testing.T, metrics prometheus.Gatherer, want ...string) {
	t.Helper()
	assert.EventuallyWithT(t, func(c *assert.CollectT) {
		assert.ElementsMatch(c, want, expose(t, metrics))
	}, patience, poll)
}

func TestMetricsFollowTheLastRun(t *testing.T) {
	box := newSandbox(t)
	cluster := box.cluster("gz-a")
	check := newScriptedCheck()
	monitor := box.monitor("gz-a", "scripted", nil)
	metrics, stop := box.start(check.options(t))
	const labels = `check="scripted",cluster="gz-a",%sproduct="tke",region="gz",scene="business",spec="large"`
	line := func(metric, outcome string, value int) string {
		if outcome != "" {
			outcome = fmt.Sprintf("outcome=%q,", outcome)
		}
		return fmt.Sprintf("%s{"+labels+"} %d", metric, outcome, value)
	}

	before := float64(time.Now().Unix())
	box.request(monitor, "r1")
	awaitSeries(t, metrics,
		line("etcd_inspection_runs_total", "Passed", 1),
		line("etcd_inspection_outcome", "Passed", 1),
		line("etcd_inspection_keys", "", 42))
	for _, family := range gather(t, metrics) {
		switch family.GetName() {
		case "etcd_inspection_last_run_timestamp_seconds":
			assert.GreaterOrEqual(t, family.GetMetric()[0].GetGauge().GetValue(), before)
		case "etcd_inspection_duration_seconds":
			assert.Positive(t, family.GetMetric()[0].GetGauge().GetValue())
		}
	}

	check.then(checks.Result{
		Outcome: etcdv1beta1.OutcomeFailed, Message: "differs", Values: map[string]float64{"keys": 40, "undeclared": 1},
	}, nil)
	box.request(monitor, "r2")
	failed := []string{
		line("etcd_inspection_outcome", "Failed", 1),
		line("etcd_inspection_keys", "", 40),
	}
	awaitSeries(t, metrics, append(failed,
		line("etcd_inspection_runs_total", "Passed", 1),
		line("etcd_inspection_runs_total", "Failed", 1))...)

	// A restart shows the last run at once: no alert flaps.
	stop()
	check.then(checks.Result{}, errors.New("no answer"))
	metrics, _ = box.start(check.options(t))
	awaitSeries(t, metrics, failed...)

	// An error measured nothing, so no old value may stand.
	box.request(monitor, "r3")
	awaitSeries(t, metrics,
		line("etcd_inspection_runs_total", "Error", 1),
		line("etcd_inspection_outcome", "Error", 1))

	// Without its EtcdCluster the series have what the monitor says.
	require.NoError(t, box.Delete(context.Background(), cluster))
	box.request(monitor, "r4")
	const orphan = `{check="scripted",cluster="gz-a",outcome="Error",product="spec-product",region="spec-region",scene="",spec=""} 1`
	awaitSeries(t, metrics, "etcd_inspection_runs_total"+orphan, "etcd_inspection_outcome"+orphan)

	require.NoError(t, box.Delete(context.Background(), monitor.DeepCopy()))
	awaitSeries(t, metrics)
	assert.Empty(t, gather(t, metrics))
}

func TestMetricsEndWhenAnotherProviderTakesOver(t *testing.T) {
	box := newSandbox(t)
	box.cluster("gz-a")
	monitor := box.monitor("gz-a", "scripted", nil)
	metrics, _ := box.start(newScriptedCheck().options(t))
	box.request(monitor, "r1")
	// The metrics follow the record, which is the first that others can see of a run.
	require.Eventually(t, func() bool { return len(expose(t, metrics)) > 0 }, patience, poll)

	patch := client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"metricProviderName":"another"}}`))
	require.NoError(t, box.Patch(context.Background(), monitor.DeepCopy(), patch))
	awaitSeries(t, metrics)
}

// Prometheus refuses a whole scrape in which a series occurs twice.
func TestMetricsOfTwoMonitorsOfOneCheckDoNotCollide(t *testing.T) {
	box := newSandbox(t)
	box.cluster("gz-a")
	check := newScriptedCheck()
	metrics, _ := box.start(check.options(t))
	first := box.monitor("gz-a", "scripted", nil)
	box.request(first, "r1")
	box.await(first, "a run", answered("r1"))
	check.then(checks.Result{Outcome: etcdv1beta1.OutcomeFailed, Values: map[string]float64{"keys": 7}}, nil)
	second := box.monitor("gz-a", "scripted", func(m *etcdv1beta1.EtcdMonitor) { m.Name = "twin" })
	box.request(second, "r1")
	box.await(second, "a run", answered("r1"))

	const newest = `etcd_inspection_keys{check="scripted",cluster="gz-a",product="tke",region="gz",scene="business",spec="large"} 7`
	assert.Eventually(t, func() bool { return slices.Contains(expose(t, metrics), newest) }, patience, poll)
}

func TestMetricsOfRecordsWithoutOutcome(t *testing.T) {
	box := newSandbox(t)
	box.cluster("gz-a")
	monitor := box.monitor("gz-a", "scripted", every(24*time.Hour))
	ended := metav1.NewTime(time.Now().Truncate(time.Second))
	next := metav1.NewTime(ended.Add(24 * time.Hour))
	box.setStatus(monitor, etcdv1beta1.EtcdMonitorStatus{
		Records: []etcdv1beta1.EtcdMonitorRecord{{StartTime: ended, EndTime: ended, Message: "nodeKeyDiff is 0"}},
		NextRun: &next,
	})
	metrics, _ := box.start(newScriptedCheck().options(t))
	assert.Eventually(t, func() bool {
		families := gather(t, metrics)
		return len(families) > 0 && families[len(families)-1].GetName() == "etcd_inspection_last_run_timestamp_seconds"
	}, patience, poll)
	assert.Empty(t, expose(t, metrics))
}

func TestEventsTellWhatAPersonWantsToKnow(t *testing.T) {
	t.Parallel() // it mostly waits
	box := newSandbox(t)
	box.cluster("gz-a")
	check := newScriptedCheck()
	monitor := box.monitor("gz-a", "scripted", every(10*time.Second))
	box.start(check.options(t))
	box.await(monitor, "two scheduled runs that pass", hasRecords(2))

	check.then(checks.Result{Outcome: etcdv1beta1.OutcomeFailed, Message: "100% of keys differ"}, nil)
	failed := box.awaitEvent(monitor, "100% of keys differ")
	assert.Equal(t, "InspectionFailed", failed.Reason)
	assert.Equal(t, corev1.EventTypeWarning, failed.Type)
	assert.Equal(t, "EtcdMonitor", failed.Regarding.Kind)
	assert.Equal(t, "EtcdCluster", failed.Related.Kind)
	assert.Equal(t, "gz-a", failed.Related.Name)
	assert.Equal(t, "cruiser", failed.ReportingController)

	check.then(passing, nil)
	assert.Equal(t, corev1.EventTypeNormal, box.awaitEvent(monitor, "all is well").Type)

	check.then(passing, errors.New("no answer"))
	box.request(monitor, "r1")
	requested := box.awaitEvent(monitor, "requested by someone: no answer")
	assert.Equal(t, "InspectionError", requested.Reason)
	check.then(passing, nil)
	box.request(monitor, "r2")
	box.awaitEvent(monitor, "requested by someone: all is well")

	records := len(box.read(monitor).Status.Records)
	box.await(monitor, "two more scheduled runs that pass", hasRecords(records+2))
	var notes []string
	for _, event := range box.events(monitor) {
		notes = append(notes, event.Note)
	}
	assert.ElementsMatch(t, []string{
		"100% of keys differ", "all is well", "requested by someone: no answer", "requested by someone: all is well",
	}, notes, "scheduled runs that pass are no news")
}

func TestEventsOfAnErrorThatGoesOnAreOneSeries(t *testing.T) {
	t.Parallel() // it mostly waits
	box := newSandbox(t)
	check := newScriptedCheck()
	monitor := box.monitor("gz-absent", "scripted", every(10*time.Second))
	box.start(check.options(t))
	box.await(monitor, "four errors", hasRecords(4))
	// The change to Error is one Event, its repetitions another.
	assert.Eventually(t, func() bool {
		events := box.events(monitor)
		return len(events) == 2 && (events[0].Series != nil) != (events[1].Series != nil)
	}, patience, poll)
}

func TestEventNoteIsBounded(t *testing.T) {
	box := newSandbox(t)
	box.cluster("gz-a")
	check := newScriptedCheck()
	check.then(checks.Result{Outcome: etcdv1beta1.OutcomeFailed, Message: strings.Repeat("差", 2000)}, nil)
	monitor := box.monitor("gz-a", "scripted", nil)
	box.start(check.options(t))
	box.request(monitor, "r1")
	event := box.awaitEvent(monitor, "requested by someone: 差")
	assert.LessOrEqual(t, len(event.Note), 1024)
}
