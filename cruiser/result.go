package cruiser

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
)

// The reasons of the condition Running.
const (
	reasonRequested = "Requested"
	reasonFinished  = "Finished"
)

const (
	// maxRequestedBy bounds a record's requestedBy.
	maxRequestedBy = 253

	// maxValueName bounds the name of a record's value.
	maxValueName = 253
)

// outcomes are those that a record may have.
var outcomes = []etcdv1beta1.Outcome{
	etcdv1beta1.OutcomePassed, etcdv1beta1.OutcomeWarning, etcdv1beta1.OutcomeFailed, etcdv1beta1.OutcomeError,
	etcdv1beta1.OutcomeNotSupported,
}

// trigger is why a run takes place.
type trigger struct {
	// request is the run-requested-at annotation that the run answers; empty for a scheduled run.
	request     string
	requestedBy string

	// due is the status.nextRun that a scheduled run answers.
	due *metav1.Time
}

// isOver reports whether the monitor needs no result for this trigger any more because another run answered it.
func (t trigger) isOver(monitor *etcdv1beta1.EtcdMonitor) bool {
	if t.request == "" {
		return !monitor.Status.NextRun.Equal(t.due)
	}
	for _, record := range monitor.Status.Records {
		if record.Request == t.request {
			return true
		}
	}
	// A later request that was answered answers the earlier ones as well.
	answered := monitor.Status.AnsweredRequest
	return answered != "" && (answered == t.request || answered == monitor.Annotations[etcdv1beta1.AnnotationRunRequestedAt])
}

// result is a finished run.
type result struct {
	checks.Result
	trigger

	// generation is that of the spec which the run used.
	generation int64
	start      time.Time
	duration   time.Duration
}

// record returns the result as it is stored, as an Event shows it and as metrics expose it: whatever the check, a program
// of somebody else, a member or a panic made of it, the API server accepts it and a terminal shows it. endTime is never
// before startTime.
func (r result) record() etcdv1beta1.EtcdMonitorRecord {
	outcome, message := r.Outcome, r.Message
	if !slices.Contains(outcomes, outcome) {
		outcome = etcdv1beta1.OutcomeError
		message = fmt.Sprintf("the check has a defect: its outcome %q is none of %v; it said: %s", r.Outcome, outcomes, r.Message)
	}
	return etcdv1beta1.EtcdMonitorRecord{
		StartTime:   metav1.NewTime(r.start),
		EndTime:     metav1.NewTime(r.start.Add(r.duration)),
		Message:     plain(message, etcdv1beta1.MaxMessageLength),
		Outcome:     outcome,
		Values:      storable(r.Values),
		Duration:    &metav1.Duration{Duration: r.duration},
		Request:     r.request,
		RequestedBy: plain(r.requestedBy, maxRequestedBy),
	}
}

// fields are those of the monitor's status that the result changes, besides its record.
func (r result) fields(monitor *etcdv1beta1.EtcdMonitor, nextRun, now time.Time) fields {
	record := r.record()
	changed := fields{
		"outcome":            record.Outcome,
		"nextRun":            metav1.NewTime(nextRun),
		"updatedAt":          metav1.NewTime(now),
		"observedGeneration": r.generation,
		"conditions":         r.conditions(monitor, record),
	}
	if r.State != "" && len(r.State) <= etcdv1beta1.MaxStateLength {
		changed["state"] = r.State
	}
	if r.request != "" {
		changed["answeredRequest"] = r.request
	}
	return changed
}

// conditions are those of the monitor's status after the result. Running is there once a run was requested: the scheduled
// ones, most of a fleet's writes, need not say each time that they are over.
func (r result) conditions(monitor *etcdv1beta1.EtcdMonitor, record etcdv1beta1.EtcdMonitorRecord) []metav1.Condition {
	changed := []metav1.Condition{{
		Type:               etcdv1beta1.ConditionPassed,
		Status:             passed(record.Outcome),
		Reason:             string(record.Outcome),
		Message:            record.Message,
		ObservedGeneration: r.generation,
	}}
	if meta.FindStatusCondition(monitor.Status.Conditions, etcdv1beta1.ConditionRunning) != nil {
		changed = append(changed, metav1.Condition{
			Type:               etcdv1beta1.ConditionRunning,
			Status:             metav1.ConditionFalse,
			Reason:             reasonFinished,
			ObservedGeneration: r.generation,
		})
	}
	return conditions(monitor, changed...)
}

// runningConditions say that a requested run began.
func runningConditions(monitor *etcdv1beta1.EtcdMonitor, t trigger) []metav1.Condition {
	return conditions(monitor, metav1.Condition{
		Type:               etcdv1beta1.ConditionRunning,
		Status:             metav1.ConditionTrue,
		Reason:             reasonRequested,
		Message:            plain("answers the request "+t.request, etcdv1beta1.MaxMessageLength),
		ObservedGeneration: monitor.Generation,
	})
}

// conditions returns the monitor's conditions with these in place of those of the same type.
func conditions(monitor *etcdv1beta1.EtcdMonitor, changed ...metav1.Condition) []metav1.Condition {
	all := slices.Clone(monitor.Status.Conditions)
	for _, condition := range changed {
		meta.SetStatusCondition(&all, condition)
	}
	return all
}

func passed(outcome etcdv1beta1.Outcome) metav1.ConditionStatus {
	switch outcome {
	case etcdv1beta1.OutcomePassed:
		return metav1.ConditionTrue
	case etcdv1beta1.OutcomeError, etcdv1beta1.OutcomeNotSupported:
		return metav1.ConditionUnknown
	default:
		return metav1.ConditionFalse
	}
}

// storable returns the values that a record can hold: no NaN and no infinities, which JSON cannot express, and of too many
// the first by name.
func storable(values map[string]float64) map[string]float64 {
	kept := make(map[string]float64, min(len(values), etcdv1beta1.MaxValues))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		value := values[name]
		if len(kept) < etcdv1beta1.MaxValues && len(name) <= maxValueName && !math.IsNaN(value) && !math.IsInf(value, 0) {
			kept[name] = value
		}
	}
	return kept
}
