package cruiser

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

const (
	// eventSource is the reporting controller of all Events.
	eventSource = "cruiser"

	// eventAction is the action of all Events, eventReason precedes the outcome in their reason: InspectionFailed.
	eventAction = "Inspect"
	eventReason = "Inspection"

	// reasonRequestIgnored is the reason of the Event about a request that cannot be answered.
	reasonRequestIgnored = "RequestIgnored"

	// maxNote is how long an Event's note may be, in bytes.
	maxNote = 1024
)

// reporter publishes results: all of them by metrics, and by Events those that a person wants to know.
type reporter struct {
	metrics *metrics
	events  events.EventRecorder
}

// restore exposes what is known of a monitor from before; its results count for freshFor. Nothing is exposed under the name
// of a cluster that the monitor is not about.
func (r *reporter) restore(subject subject, freshFor time.Duration) {
	if subject.refused {
		r.metrics.forget(subject.key())
		return
	}
	r.metrics.restore(subject.key(), subject.labels(), subject.monitor.Status.Records, freshFor)
}

// forget ends the metrics of a monitor.
func (r *reporter) forget(monitor types.NamespacedName) {
	r.metrics.forget(monitor)
}

// report exposes a run's result, which made the monitor have this version. An Event follows when the run was requested,
// the outcome changed, or it is Error: a scheduled run that finds the same as before needs no Event.
func (r *reporter) report(subject subject, version string, before etcdv1beta1.Outcome, run etcdv1beta1.EtcdMonitorRecord) {
	if !subject.refused {
		r.metrics.record(subject.key(), subject.labels(), run)
	}
	requested := run.Request != ""
	changed := run.Outcome != before && (before != "" || run.Outcome != etcdv1beta1.OutcomePassed)
	if !requested && !changed && run.Outcome != etcdv1beta1.OutcomeError {
		return
	}
	regarding := reference("EtcdMonitor", subject.monitor)
	if requested || changed {
		// Events that regard the same version are merged into a series, and only the first one's note is kept. That is
		// right only for an error that continues.
		regarding.ResourceVersion = version
	}
	note := run.Message
	if run.RequestedBy != "" {
		note = "requested by " + run.RequestedBy + ": " + note
	}
	var related runtime.Object
	if subject.cluster != nil {
		related = reference("EtcdCluster", subject.cluster)
	}
	r.events.Eventf(regarding, related, eventType(run.Outcome), eventReason+string(run.Outcome), eventAction,
		"%s", plain(note, maxNote))
}

// ignoredRequest reports that a requested run will not take place.
func (r *reporter) ignoredRequest(monitor *etcdv1beta1.EtcdMonitor, why string) {
	r.events.Eventf(reference("EtcdMonitor", monitor), nil, corev1.EventTypeWarning, reasonRequestIgnored, eventAction,
		"%s", why)
}

func eventType(outcome etcdv1beta1.Outcome) string {
	if outcome == etcdv1beta1.OutcomePassed {
		return corev1.EventTypeNormal
	}
	return corev1.EventTypeWarning
}

func reference(kind string, object metav1.Object) *corev1.ObjectReference {
	return &corev1.ObjectReference{
		APIVersion: etcdv1beta1.GroupVersion.String(),
		Kind:       kind,
		Namespace:  object.GetNamespace(),
		Name:       object.GetName(),
		UID:        object.GetUID(),
	}
}
