package inventory

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"

	"github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

// Monitor is what queries need of an EtcdMonitor. It is never changed after it was made.
type Monitor struct {
	// Region is the region's name in the configuration.
	Region string
	// ClusterID and Check say what is inspected for what; Product is that of the monitor itself.
	ClusterID, Check, Product string
	// Outcome and its neighbours describe the newest run; all are zero before the first.
	Outcome v1beta1.Outcome
	LastRun time.Time
	// Since is when the first of the latest runs with that outcome ended, as far back as the history reaches.
	Since    time.Time
	Duration time.Duration
	Message  string
	// NextRun is when the next scheduled run is due; zero when the provider does not say.
	NextRun time.Time
	// Running is true while a run is under way.
	Running bool
	// Kstone is true for an inspection of kstone, which can be read and not requested.
	Kstone bool
	// Pending is the request that is not answered yet, Answered the one that was answered last; "" for none.
	Pending, Answered string
	// RequestedBy is who made the pending request, else who made the answered one.
	RequestedBy string
	// History is the runs, oldest first.
	History History

	object          types.NamespacedName
	uid             types.UID
	resourceVersion string
}

// Request is the pending request, else the one that was answered last.
func (m *Monitor) Request() string {
	if m.Pending != "" {
		return m.Pending
	}
	return m.Answered
}

// Blocked says why no run can be requested; "" when one can.
func (m *Monitor) Blocked() string {
	if m.Kstone {
		return kstoneBlocked
	}
	return ""
}

func (m *Monitor) name() types.NamespacedName { return m.object }

func newMonitor(region string, o *v1beta1.EtcdMonitor) *Monitor {
	m := &Monitor{
		Region:          region,
		ClusterID:       o.Spec.ClusterID,
		Check:           o.Spec.MetricName,
		Product:         o.Spec.ProductName,
		Running:         meta.IsStatusConditionTrue(o.Status.Conditions, v1beta1.ConditionRunning),
		Pending:         o.PendingRequest(),
		Answered:        o.Status.AnsweredRequest,
		object:          types.NamespacedName{Namespace: o.Namespace, Name: o.Name},
		uid:             o.UID,
		resourceVersion: o.ResourceVersion,
	}
	if o.Status.NextRun != nil {
		m.NextRun = o.Status.NextRun.Time
	}
	m.RequestedBy = requester(o, m.Request())
	m.setRecords(slices.Clone(o.Status.Records))
	return m
}

// setRecords describes the newest run and keeps the history. It sorts the records, which may come in any order.
func (m *Monitor) setRecords(records []v1beta1.EtcdMonitorRecord) {
	slices.SortStableFunc(records, func(a, b v1beta1.EtcdMonitorRecord) int { return endOf(a).Compare(endOf(b)) })
	if len(records) > 0 {
		last := records[len(records)-1]
		m.Outcome = last.Outcome
		m.LastRun = endOf(last)
		m.Duration = durationOf(last)
		m.Message = last.Message
		for _, record := range slices.Backward(records) {
			if record.Outcome != m.Outcome {
				break
			}
			m.Since = endOf(record)
		}
	}
	m.History = NewHistory(records)
}

// endOf is when a run ended. Records of other writers may have an end before their start.
func endOf(r v1beta1.EtcdMonitorRecord) time.Time {
	if r.EndTime.Before(&r.StartTime) {
		return r.StartTime.Time
	}
	return r.EndTime.Time
}

func durationOf(r v1beta1.EtcdMonitorRecord) time.Duration {
	if r.Duration != nil {
		return r.Duration.Duration
	}
	return endOf(r).Sub(r.StartTime.Time)
}

// requester finds who made a request: in the annotations while they are about it, in its record afterwards.
func requester(o *v1beta1.EtcdMonitor, request string) string {
	if request == "" {
		return ""
	}
	if o.Annotations[v1beta1.AnnotationRunRequestedAt] == request {
		return o.Annotations[v1beta1.AnnotationRunRequestedBy]
	}
	for _, record := range o.Status.Records {
		if record.Request == request {
			return record.RequestedBy
		}
	}
	return ""
}
