package cruiser

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
)

func TestResultStoresEverythingAtOnce(t *testing.T) {
	monitor := &etcdv1beta1.EtcdMonitor{}
	run := result{
		Result: checks.Result{
			Outcome: etcdv1beta1.OutcomeFailed, Message: "differs", Values: map[string]float64{"nodeKeyDiff": 3},
			State: "what to remember",
		},
		trigger:    trigger{request: "r1", requestedBy: "someone"},
		generation: 7,
		start:      now,
		duration:   1500 * time.Millisecond,
	}
	monitor.Status.Conditions = runningConditions(monitor, run.trigger)
	assert.True(t, meta.IsStatusConditionTrue(monitor.Status.Conditions, etcdv1beta1.ConditionRunning))

	assert.Equal(t, etcdv1beta1.EtcdMonitorRecord{
		StartTime:   *at(0),
		EndTime:     *at(1500 * time.Millisecond),
		Message:     "differs",
		Outcome:     etcdv1beta1.OutcomeFailed,
		Values:      map[string]float64{"nodeKeyDiff": 3},
		Duration:    &metav1.Duration{Duration: 1500 * time.Millisecond},
		Request:     "r1",
		RequestedBy: "someone",
	}, run.record())
	changed := run.fields(monitor, now.Add(5*time.Minute), now.Add(2*time.Second))
	conditions := changed["conditions"].([]metav1.Condition)
	delete(changed, "conditions")
	assert.Equal(t, fields{
		"outcome":            etcdv1beta1.OutcomeFailed,
		"answeredRequest":    "r1",
		"nextRun":            *at(5 * time.Minute),
		"updatedAt":          *at(2 * time.Second),
		"observedGeneration": int64(7),
		"state":              "what to remember",
	}, changed)
	assert.True(t, meta.IsStatusConditionFalse(conditions, etcdv1beta1.ConditionRunning))
	passed := meta.FindStatusCondition(conditions, etcdv1beta1.ConditionPassed)
	assert.Equal(t, "Failed", passed.Reason)
	assert.Equal(t, "differs", passed.Message)
}

func TestResultConditionPassed(t *testing.T) {
	for outcome, status := range map[etcdv1beta1.Outcome]metav1.ConditionStatus{
		etcdv1beta1.OutcomePassed:       metav1.ConditionTrue,
		etcdv1beta1.OutcomeWarning:      metav1.ConditionFalse,
		etcdv1beta1.OutcomeFailed:       metav1.ConditionFalse,
		etcdv1beta1.OutcomeError:        metav1.ConditionUnknown,
		etcdv1beta1.OutcomeNotSupported: metav1.ConditionUnknown,
	} {
		changed := result{Result: checks.Result{Outcome: outcome}}.fields(&etcdv1beta1.EtcdMonitor{}, now, now)
		conditions := changed["conditions"].([]metav1.Condition)
		assert.True(t, meta.IsStatusConditionPresentAndEqual(conditions, etcdv1beta1.ConditionPassed, status), outcome)
	}
}

func TestResultLeavesAloneWhatItDoesNotChange(t *testing.T) {
	changed := result{Result: checks.Result{Outcome: etcdv1beta1.OutcomePassed}}.fields(&etcdv1beta1.EtcdMonitor{}, now, now)
	assert.NotContains(t, changed, "answeredRequest", "a scheduled run answers no request")
	assert.NotContains(t, changed, "state")
	tooLong := result{Result: checks.Result{State: strings.Repeat("x", etcdv1beta1.MaxStateLength+1)}}
	assert.NotContains(t, tooLong.fields(&etcdv1beta1.EtcdMonitor{}, now, now), "state", "the API server would refuse all")
}

func TestResultBoundsTheRecord(t *testing.T) {
	record := result{
		Result: checks.Result{
			Outcome: etcdv1beta1.OutcomePassed,
			Message: strings.Repeat("差", 1000), // 3 bytes each
			Values:  map[string]float64{"a": 1, "b": math.NaN(), "c": math.Inf(1), "d": math.Inf(-1)},
		},
		trigger: trigger{request: "r1", requestedBy: strings.Repeat("x", 300)},
	}.record()
	assert.True(t, utf8.ValidString(record.Message))
	assert.Equal(t, 1023, len(record.Message), "341 whole characters")
	assert.Len(t, record.RequestedBy, 253)
	assert.Equal(t, map[string]float64{"a": 1}, record.Values)
	_, err := json.Marshal(record)
	assert.NoError(t, err)
}

func TestOccasionIsOver(t *testing.T) {
	record := func(request string) etcdv1beta1.EtcdMonitorRecord {
		return etcdv1beta1.EtcdMonitorRecord{Request: request}
	}
	for _, test := range []struct {
		name       string
		trigger    trigger
		annotation string
		status     etcdv1beta1.EtcdMonitorStatus
		over       bool
	}{
		{"a pending request", trigger{request: "r1"}, "r1", etcdv1beta1.EtcdMonitorStatus{}, false},
		{"a pending request after others", trigger{request: "r1"}, "r1",
			etcdv1beta1.EtcdMonitorStatus{AnsweredRequest: "r0", Records: []etcdv1beta1.EtcdMonitorRecord{record("r0")}}, false},
		{"an answered request", trigger{request: "r1"}, "r1",
			etcdv1beta1.EtcdMonitorStatus{AnsweredRequest: "r1", Records: []etcdv1beta1.EtcdMonitorRecord{record("r1")}}, true},
		{"an answered request whose record is gone", trigger{request: "r1"}, "r1",
			etcdv1beta1.EtcdMonitorStatus{AnsweredRequest: "r1"}, true},
		{"a request that a later one replaced", trigger{request: "r1"}, "r2", etcdv1beta1.EtcdMonitorStatus{}, false},
		{"a request that a later one replaced and was answered", trigger{request: "r1"}, "r2",
			etcdv1beta1.EtcdMonitorStatus{AnsweredRequest: "r2"}, true},
		{"an answered request before a pending one", trigger{request: "r1"}, "r2",
			etcdv1beta1.EtcdMonitorStatus{AnsweredRequest: "r0", Records: []etcdv1beta1.EtcdMonitorRecord{record("r1")}}, true},
		{"a request that was withdrawn", trigger{request: "r1"}, "", etcdv1beta1.EtcdMonitorStatus{}, false},
		{"a scheduled run", trigger{due: at(0)}, "", etcdv1beta1.EtcdMonitorStatus{NextRun: at(0)}, false},
		{"a scheduled run that another took", trigger{due: at(0)}, "",
			etcdv1beta1.EtcdMonitorStatus{NextRun: at(time.Minute)}, true},
		{"a scheduled run beside a new request", trigger{due: at(0)}, "r1",
			etcdv1beta1.EtcdMonitorStatus{NextRun: at(0)}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			monitor := &etcdv1beta1.EtcdMonitor{Status: test.status}
			if test.annotation != "" {
				monitor.Annotations = map[string]string{etcdv1beta1.AnnotationRunRequestedAt: test.annotation}
			}
			assert.Equal(t, test.over, test.trigger.isOver(monitor))
		})
	}
}
