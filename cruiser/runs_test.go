package cruiser_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
)

func TestNewMonitorRunsSoonAndAgainAtItsInterval(t *testing.T) {
	t.Parallel() // it mostly waits
	box := newSandbox(t)
	box.cluster("gz-a")
	monitor := box.monitor("gz-a", "scripted", every(10*time.Second))
	box.start(newScriptedCheck().options(t))

	scheduled := box.await(monitor, "nextRun of a new monitor", func(m *etcdv1beta1.EtcdMonitor) bool {
		return m.Status.NextRun != nil
	})
	assert.Less(t, time.Until(scheduled.Status.NextRun.Time), 30*time.Second)

	ran := box.await(monitor, "three runs", hasRecords(3))
	for i, record := range ran.Status.Records {
		assert.Equal(t, etcdv1beta1.OutcomePassed, record.Outcome)
		assert.Equal(t, "all is well", record.Message)
		assert.Empty(t, record.Request)
		assert.False(t, record.EndTime.Before(&record.StartTime))
		if i > 0 {
			// At least the interval less jitter and what whole seconds lose; at most what the machine makes of it.
			assert.GreaterOrEqual(t, record.StartTime.Sub(ran.Status.Records[i-1].EndTime.Time), 8*time.Second)
		}
	}
	gap := ran.Status.NextRun.Sub(ran.Status.LastRecord().EndTime.Time)
	assert.GreaterOrEqual(t, gap, 8*time.Second)
	assert.LessOrEqual(t, gap, 12*time.Second)
	assert.Equal(t, etcdv1beta1.OutcomePassed, ran.Status.Outcome)
	assert.Equal(t, ran.Generation, ran.Status.ObservedGeneration)
	assert.True(t, meta.IsStatusConditionTrue(ran.Status.Conditions, etcdv1beta1.ConditionPassed))
	assert.Nil(t, meta.FindStatusCondition(ran.Status.Conditions, etcdv1beta1.ConditionRunning), "nobody requested a run")
}

func TestScheduleSurvivesARestart(t *testing.T) {
	box := newSandbox(t)
	box.cluster("gz-later")
	box.cluster("gz-due")
	ended := metav1.NewTime(time.Now().Add(-time.Hour).Truncate(time.Second))
	later := metav1.NewTime(ended.Add(2 * time.Hour))
	due := metav1.NewTime(ended.Add(10 * time.Minute))
	past := []etcdv1beta1.EtcdMonitorRecord{{StartTime: ended, EndTime: ended, Outcome: etcdv1beta1.OutcomePassed}}
	laterMonitor := box.monitor("gz-later", "scripted", every(2*time.Hour))
	box.setStatus(laterMonitor, etcdv1beta1.EtcdMonitorStatus{Records: past, NextRun: &later})
	dueMonitor := box.monitor("gz-due", "scripted", every(10*time.Minute))
	box.setStatus(dueMonitor, etcdv1beta1.EtcdMonitorStatus{Records: past, NextRun: &due})

	box.start(newScriptedCheck().options(t))
	box.await(dueMonitor, "the run that was due", hasRecords(2))
	// Once more, so that what was queued before had its turn.
	box.request(dueMonitor, "r1")
	box.await(dueMonitor, "a requested run", answered("r1"))
	undisturbed := box.read(laterMonitor)
	assert.Len(t, undisturbed.Status.Records, 1)
	assert.True(t, later.Equal(undisturbed.Status.NextRun))
}

func TestChangedIntervalTakesEffectAtOnce(t *testing.T) {
	t.Parallel() // it mostly waits
	box := newSandbox(t)
	box.cluster("gz-a")
	monitor := box.monitor("gz-a", "scripted", every(24*time.Hour))
	box.start(newScriptedCheck().options(t))
	box.request(monitor, "r1")
	box.await(monitor, "a first run", answered("r1"))
	setInterval := func(interval string) {
		patch := client.RawPatch("application/merge-patch+json", []byte(fmt.Sprintf(`{"spec":{"interval":%q}}`, interval)))
		require.NoError(t, box.Patch(context.Background(), monitor.DeepCopy(), patch))
	}

	setInterval("10s")
	box.await(monitor, "runs at the shorter interval", hasRecords(3))

	setInterval("12h")
	box.await(monitor, "nextRun by the longer interval", func(m *etcdv1beta1.EtcdMonitor) bool {
		return time.Until(m.Status.NextRun.Time) > 10*time.Hour
	})
}

func TestRequestIsAnsweredAtOnceByOneRecord(t *testing.T) {
	box := newSandbox(t)
	box.cluster("gz-a")
	check := newScriptedCheck()
	begun, release := check.block()
	monitor := box.monitor("gz-a", "scripted", nil)
	box.start(check.options(t))

	box.request(monitor, "2026-03-01T12:00:00.000000001Z")
	assert.Equal(t, "gz-a", receive(t, begun))
	running := box.await(monitor, "the condition Running", isRunning)
	assert.Empty(t, running.Status.AnsweredRequest, "it is not answered before it ended")

	release()
	done := box.await(monitor, "the answer", answered("2026-03-01T12:00:00.000000001Z"))
	assert.False(t, isRunning(done))
	require.Len(t, done.Status.Records, 1)
	assert.Equal(t, "2026-03-01T12:00:00.000000001Z", done.Status.Records[0].Request)
	assert.Equal(t, "someone", done.Status.Records[0].RequestedBy)
	assert.Greater(t, time.Until(done.Status.NextRun.Time), 50*time.Minute, "a requested run moves the schedule")
	assert.Empty(t, done.PendingRequest())
	assert.Equal(t, 1, check.count())
}

func TestRequestsThatFollowEachOtherGetOneRecordEach(t *testing.T) {
	box := newSandbox(t)
	box.cluster("gz-a")
	check := newScriptedCheck()
	begun, release := check.block()
	monitor := box.monitor("gz-a", "scripted", nil)
	box.start(check.options(t))

	box.request(monitor, "r1")
	receive(t, begun)
	box.request(monitor, "r2") // while r1 runs
	release()
	box.await(monitor, "the second answer", answered("r2"))

	for i := range 10 {
		request := fmt.Sprintf("later-%d", i)
		box.request(monitor, request)
		box.await(monitor, request, answered(request))
	}
	for request, count := range recordsOf(box.read(monitor)) {
		assert.Equal(t, 1, count, "records of %s", request)
	}
	assert.Len(t, recordsOf(box.read(monitor)), 12)
	assert.Equal(t, 12, check.count())
}

func TestRequestSurvivesARestartInTheMiddle(t *testing.T) {
	box := newSandbox(t)
	box.cluster("gz-a")
	check := newScriptedCheck()
	begun, _ := check.block()
	monitor := box.monitor("gz-a", "scripted", nil)
	_, stop := box.start(check.options(t))
	box.request(monitor, "r1")
	receive(t, begun)
	box.await(monitor, "the condition Running", isRunning)

	stop()
	interrupted := box.read(monitor)
	assert.Empty(t, interrupted.Status.Records, "an interrupted run is not the cluster's fault")

	check.then(passing, nil)
	box.start(check.options(t))
	done := box.await(monitor, "the answer of the next process", answered("r1"))
	assert.Equal(t, map[string]int{"r1": 1}, recordsOf(done))
	assert.False(t, isRunning(done))
}

// Two processes run at once while a new version is rolled out, and clients write whenever they like.
func TestRequestIsAnsweredOnceWhateverElseWrites(t *testing.T) {
	box := newSandbox(t)
	const clusters = 5
	var monitors []*etcdv1beta1.EtcdMonitor
	for i := range clusters {
		id := fmt.Sprintf("gz-%d", i)
		box.cluster(id)
		monitors = append(monitors, box.monitor(id, "scripted", nil))
	}
	check := newScriptedCheck()
	check.do(func(context.Context, checks.Target) (checks.Result, error) {
		time.Sleep(10 * time.Millisecond) // so that the two overlap
		return passing, nil
	})
	box.start(check.options(t))
	box.start(check.options(t))

	ctx, stopWriting := context.WithCancel(context.Background())
	var writers sync.WaitGroup
	defer writers.Wait()
	defer stopWriting()
	for _, monitor := range monitors {
		writers.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				label := fmt.Sprintf(`{"metadata":{"labels":{"writer":"%d"}}}`, i)
				_ = box.Patch(ctx, monitor.DeepCopy(), client.RawPatch("application/merge-patch+json", []byte(label)))
				time.Sleep(20 * time.Millisecond)
			}
		})
	}
	for round := range 5 {
		request := fmt.Sprintf("r%d", round)
		for _, monitor := range monitors {
			box.request(monitor, request)
		}
		for _, monitor := range monitors {
			box.await(monitor, request, answered(request))
		}
	}
	want := map[string]int{"r0": 1, "r1": 1, "r2": 1, "r3": 1, "r4": 1}
	for _, monitor := range monitors {
		requested := recordsOf(box.read(monitor))
		delete(requested, "")
		assert.Equal(t, want, requested)
	}
}

func TestRequestThatCannotBeAnsweredIsIgnored(t *testing.T) {
	box := newSandbox(t)
	box.cluster("gz-a")
	check := newScriptedCheck()
	monitor := box.monitor("gz-a", "scripted", nil)
	box.start(check.options(t))

	box.request(monitor, strings.Repeat("x", 65))
	event := box.awaitEvent(monitor, "has more than 64 characters")
	assert.Equal(t, "RequestIgnored", event.Reason)
	assert.Equal(t, "Warning", event.Type)

	box.request(monitor, strings.Repeat("差", 64))
	done := box.await(monitor, "the answer to the longest request", answered(strings.Repeat("差", 64)))
	requested := recordsOf(done)
	delete(requested, "")
	assert.Equal(t, map[string]int{strings.Repeat("差", 64): 1}, requested)
}

func TestRequestOvertakesWhatIsQueued(t *testing.T) {
	box := newSandbox(t)
	check := newScriptedCheck()
	begun, release := check.block()
	options := check.options(t)
	options.Concurrency = 1
	first := box.monitor("gz-first", "scripted", nil)
	box.cluster("gz-first")
	box.start(options)
	box.request(first, "r1")
	require.Equal(t, "gz-first", receive(t, begun)) // the only worker is busy now

	past := metav1.NewTime(time.Now().Add(-time.Minute))
	for i := range 5 {
		id := fmt.Sprintf("gz-queued-%d", i)
		box.cluster(id)
		queued := box.monitor(id, "scripted", nil)
		box.setStatus(queued, etcdv1beta1.EtcdMonitorStatus{NextRun: &past})
	}
	box.cluster("gz-urgent")
	urgent := box.monitor("gz-urgent", "scripted", nil)
	box.request(urgent, "r1")
	require.Eventually(t, func() bool { return waiting(t) == 6 }, patience, poll)
	release()
	assert.Equal(t, "gz-urgent", receive(t, begun))
}

// waiting is how many monitors wait for a worker.
func waiting(t *testing.T) (depth float64) {
	t.Helper()
	families, err := ctrlmetrics.Registry.Gather()
	require.NoError(t, err)
	for _, family := range families {
		if family.GetName() == "workqueue_depth" {
			for _, metric := range family.GetMetric() {
				depth += metric.GetGauge().GetValue()
			}
		}
	}
	return depth
}

func TestOneRunAtATimeForEachCluster(t *testing.T) {
	box := newSandbox(t)
	box.cluster("gz-a")
	check := newScriptedCheck()
	var mu sync.Mutex
	active, most := 0, 0
	check.do(func(context.Context, checks.Target) (checks.Result, error) {
		mu.Lock()
		active++
		most = max(most, active)
		mu.Unlock()
		time.Sleep(100 * time.Millisecond)
		mu.Lock()
		active--
		mu.Unlock()
		return passing, nil
	})
	box.start(check.options(t))
	var monitors []*etcdv1beta1.EtcdMonitor
	for _, name := range []string{"scripted", "other"} {
		monitors = append(monitors, box.monitor("gz-a", name, nil))
	}
	for round := range 3 {
		request := fmt.Sprintf("r%d", round)
		for _, monitor := range monitors {
			box.request(monitor, request)
		}
		for _, monitor := range monitors {
			box.await(monitor, request, answered(request))
		}
	}
	assert.Equal(t, 1, most)
}

func TestRunThatCannotBeDoneIsARecordThatSaysWhatToDo(t *testing.T) {
	secretName := "absent"
	for _, test := range []struct {
		name    string
		prepare func(*sandbox) *etcdv1beta1.EtcdMonitor
		script  func(context.Context, checks.Target) (checks.Result, error)
		message string
	}{
		{
			name:    "an unknown check",
			prepare: func(l *sandbox) *etcdv1beta1.EtcdMonitor { l.cluster("gz-a"); return l.monitor("gz-a", "unknown", nil) },
			message: `there is no check "unknown": create an EtcdMonitor whose spec.metricName is one of other, scripted`,
		},
		{
			name: "an unknown parameter",
			prepare: func(l *sandbox) *etcdv1beta1.EtcdMonitor {
				l.cluster("gz-a")
				return l.monitor("gz-a", "scripted", func(m *etcdv1beta1.EtcdMonitor) {
					m.Spec.Parameters = map[string]string{"dept": "2"}
				})
			},
			message: `check scripted has no parameter "dept": remove it from spec.parameters (there are: depth)`,
		},
		{
			name:    "no EtcdCluster",
			prepare: func(l *sandbox) *etcdv1beta1.EtcdMonitor { return l.monitor("gz-a", "scripted", nil) },
			message: "there is no EtcdCluster with the spec.clusterId gz-a in the namespace",
		},
		{
			name: "two EtcdClusters of different regions",
			prepare: func(l *sandbox) *etcdv1beta1.EtcdMonitor {
				twin := l.cluster("gz-a").DeepCopy()
				twin.ObjectMeta = metav1.ObjectMeta{Namespace: l.namespace, Name: "twin"}
				twin.Spec.Region = "sh"
				require.NoError(l.t, l.Create(context.Background(), twin))
				return l.monitor("gz-a", "scripted", nil)
			},
			message: "of different regions have the spec.clusterId gz-a",
		},
		{
			name: "no Secret",
			prepare: func(l *sandbox) *etcdv1beta1.EtcdMonitor {
				cluster := l.cluster("gz-a")
				cluster.Spec.Members[0].ClientURL = "https://127.0.0.1:1"
				cluster.Spec.TLS = &etcdv1beta1.EtcdClusterTLS{SecretName: secretName}
				require.NoError(l.t, l.Update(context.Background(), cluster))
				return l.monitor("gz-a", "scripted", nil)
			},
			message: "/absent, or correct spec.tls.secretName",
		},
		{
			name: "an error of the check",
			script: func(context.Context, checks.Target) (checks.Result, error) {
				return checks.Result{}, errors.New("the member is on fire: fetch water")
			},
			message: "the member is on fire: fetch water",
		},
		{
			name:    "a panic of the check",
			script:  func(context.Context, checks.Target) (checks.Result, error) { panic("index out of range") },
			message: "the check scripted has a defect, see the program's log: index out of range",
		},
		{
			name: "a check that does not end in time",
			script: func(ctx context.Context, _ checks.Target) (checks.Result, error) {
				<-ctx.Done()
				return checks.Result{}, ctx.Err()
			},
			message: "the run did not end within 1s: look at the cluster's load, or raise --run-timeout",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			box := newSandbox(t)
			check := newScriptedCheck()
			if test.script != nil {
				check.do(test.script)
			}
			if test.prepare == nil {
				test.prepare = func(l *sandbox) *etcdv1beta1.EtcdMonitor {
					l.cluster("gz-a")
					return l.monitor("gz-a", "scripted", nil)
				}
			}
			monitor := test.prepare(box)
			options := check.options(t)
			options.RunTimeout = time.Second
			box.start(options)

			box.request(monitor, "r1")
			done := box.await(monitor, "the record of an error", answered("r1"))
			record := done.Status.LastRecord()
			assert.Equal(t, etcdv1beta1.OutcomeError, record.Outcome)
			assert.Contains(t, record.Message, test.message)
			assert.Equal(t, etcdv1beta1.OutcomeError, done.Status.Outcome)
			assert.True(t, meta.IsStatusConditionPresentAndEqual(
				done.Status.Conditions, etcdv1beta1.ConditionPassed, metav1.ConditionUnknown))
		})
	}
}

func TestTimeoutOfACheckThatReadsByBudgetNamesTheBudget(t *testing.T) {
	box := newSandbox(t)
	box.cluster("gz-a")
	check := newScriptedCheck()
	check.do(func(ctx context.Context, _ checks.Target) (checks.Result, error) {
		<-ctx.Done()
		return checks.Result{}, ctx.Err()
	})
	options := check.options(t)
	scripted := options.Checks["scripted"]
	scripted.Timeout = time.Second
	options.Checks["scripted"] = scripted
	box.start(options)

	monitor := box.monitor("gz-a", "scripted", nil)
	box.request(monitor, "r1")
	record := box.await(monitor, "the record of an error", answered("r1")).Status.LastRecord()
	assert.Contains(t, record.Message, "the run did not end within 1s: look at the cluster's load, or let checks read more by --budget-keys")
}

func TestMonitorsOfOthersAreLeftAlone(t *testing.T) {
	box := newSandbox(t)
	box.cluster("gz-a")
	check := newScriptedCheck()
	theirs := box.monitor("gz-a", "other", func(m *etcdv1beta1.EtcdMonitor) { m.Spec.MetricProviderName = "another" })
	deleted := box.monitor("gz-a", "deleted", func(m *etcdv1beta1.EtcdMonitor) {
		m.Spec.MetricName = "scripted"
		m.Finalizers = []string{"etcd.cloud.tencent.com/test"}
	})
	require.NoError(t, box.Delete(context.Background(), deleted.DeepCopy()))
	box.request(theirs, "r1")
	box.request(deleted, "r1")
	ours := box.monitor("gz-a", "scripted", nil)
	box.request(ours, "r1")
	box.start(check.options(t))

	box.await(ours, "the answer", answered("r1"))
	box.request(ours, "r2")
	box.await(ours, "another answer", answered("r2"))
	assert.Equal(t, 2, check.count())
	assert.Empty(t, box.read(theirs).Status)
	assert.Empty(t, box.read(deleted).Status)

	patch := client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`))
	require.NoError(t, box.Patch(context.Background(), deleted.DeepCopy(), patch))
}

func TestRecordsOfOtherProgramsAreKept(t *testing.T) {
	box := newSandbox(t)
	box.cluster("gz-a")
	monitor := box.monitor("gz-a", "scripted", nil)
	start := metav1.NewTime(time.Date(2021, 4, 1, 12, 0, 0, 0, time.UTC))
	end := metav1.NewTime(start.Add(-time.Minute))
	foreign := etcdv1beta1.EtcdMonitorRecord{StartTime: start, EndTime: end, Message: "nodeKeyDiff is 0"}
	box.setStatus(monitor, etcdv1beta1.EtcdMonitorStatus{
		Records: []etcdv1beta1.EtcdMonitorRecord{foreign}, UpdatedAt: &start,
	})
	box.start(newScriptedCheck().options(t))

	box.request(monitor, "r1")
	done := box.await(monitor, "the answer", answered("r1"))
	kept := done.Status.Records[0]
	assert.True(t, kept.StartTime.Equal(&start))
	assert.True(t, kept.EndTime.Equal(&end))
	assert.Equal(t, "nodeKeyDiff is 0", kept.Message)
	assert.Empty(t, kept.Outcome)
}

func TestTheNewestRecordsAreKept(t *testing.T) {
	box := newSandbox(t)
	box.cluster("gz-a")
	monitor := box.monitor("gz-a", "scripted", nil)
	box.start(newScriptedCheck().options(t))
	for i := range etcdv1beta1.MaxRecords + 2 {
		request := fmt.Sprintf("r%d", i)
		box.request(monitor, request)
		box.await(monitor, "the answer", answered(request))
	}
	records := box.read(monitor).Status.Records
	require.Len(t, records, etcdv1beta1.MaxRecords)
	for i, record := range slices.Backward(records) {
		if record.Request != "" { // a scheduled run may come in between
			assert.Equal(t, "r21", record.Request)
			assert.GreaterOrEqual(t, i, etcdv1beta1.MaxRecords-2)
			break
		}
	}
}

func TestACheckRemembersItsState(t *testing.T) {
	box := newSandbox(t)
	box.cluster("gz-a")
	monitor := box.monitor("gz-a", "scripted", nil)
	later := metav1.NewTime(time.Now().Add(time.Hour))
	box.setStatus(monitor, etcdv1beta1.EtcdMonitorStatus{NextRun: &later}) // none but the requested runs
	check := newScriptedCheck()
	var mu sync.Mutex
	var seen []string
	long := strings.Repeat("x", 10_000) // more than the cache keeps
	states := []string{"short", long, "", "last"}
	check.do(func(_ context.Context, target checks.Target) (checks.Result, error) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, target.State)
		result := passing
		result.State = states[len(seen)-1]
		return result, nil
	})
	_, stop := box.start(check.options(t))
	for i := range states {
		if i == 2 {
			stop() // another replica knows it too
			box.start(check.options(t))
		}
		request := fmt.Sprintf("r%d", i)
		box.request(monitor, request)
		box.await(monitor, "the answer", answered(request))
	}
	assert.Equal(t, []string{"", "short", long, long}, seen)
	assert.Equal(t, "last", box.read(monitor).Status.State)
}

func TestSetupRefusesNegativeOptions(t *testing.T) {
	for _, options := range []cruiser.Options{{Concurrency: -1}, {RunTimeout: -1}, {DefaultInterval: -1}} {
		assert.ErrorContains(t, cruiser.Setup(nil, options), "must be positive")
	}
}

func TestAnAnnotationOfAUserCostsNothing(t *testing.T) {
	box := newSandbox(t)
	box.cluster("gz-a")
	monitor := box.monitor("gz-a", "scripted", func(m *etcdv1beta1.EtcdMonitor) {
		m.Annotations = map[string]string{
			"cruiser.cache/records-left-out": "200000", // 20 million and more took gigabytes
			"cruiser.cache/state-left-out":   "true",
		}
	})
	box.start(newScriptedCheck().options(t))
	for _, request := range []string{"r1", "r2"} {
		box.request(monitor, request)
		box.await(monitor, "the answer", answered(request))
	}
	requested := recordsOf(box.read(monitor))
	delete(requested, "")
	assert.Equal(t, map[string]int{"r1": 1, "r2": 1}, requested)
}
