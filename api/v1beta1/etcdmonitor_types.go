package v1beta1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// AnnotationRunRequestedAt requests an immediate run. Its value identifies the request: an RFC 3339 time, with
	// nanoseconds so that no two requests are equal. The provider answers each value exactly once, by a record whose
	// request is that value.
	AnnotationRunRequestedAt = "etcd.cloud.tencent.com/run-requested-at"

	// AnnotationRunRequestedBy names the user who requested the run.
	AnnotationRunRequestedBy = "etcd.cloud.tencent.com/run-requested-by"

	// MaxRecords is the number of records that a status keeps. The oldest are removed first.
	MaxRecords = 20

	// MaxMessageLength bounds a record's message, in bytes.
	MaxMessageLength = 1024

	// MaxValues is the largest number of values in a record.
	MaxValues = 32

	// MaxStateLength bounds a status's state, in bytes.
	MaxStateLength = 16384
)

// The types of an EtcdMonitor's conditions.
const (
	// ConditionPassed is True after a run with the outcome Passed, False after Warning or Failed, and Unknown when the
	// last run ended in Error or NotSupported. Its reason is the outcome.
	ConditionPassed = "Passed"

	// ConditionRunning is True while a requested run is in progress. Scheduled runs do not set it: the write would double
	// the load that a fleet's inspections put on the API server.
	ConditionRunning = "Running"
)

// Outcome is how a run ended.
//
// +kubebuilder:validation:Enum=Passed;Warning;Failed;Error;NotSupported
type Outcome string

// The outcomes. Error means that the check could not run, NotSupported that the cluster's etcd version lacks a feature that
// the check needs. Both say nothing about the cluster's data, and only Error requires action.
const (
	OutcomePassed       Outcome = "Passed"
	OutcomeWarning      Outcome = "Warning"
	OutcomeFailed       Outcome = "Failed"
	OutcomeError        Outcome = "Error"
	OutcomeNotSupported Outcome = "NotSupported"
)

// EtcdMonitorSpec says which check inspects which cluster, and who runs it.
type EtcdMonitorSpec struct {
	// clusterId is the EtcdCluster's spec.clusterId, in the same namespace.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=200
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="clusterId is immutable: create another EtcdMonitor instead"
	ClusterID string `json:"clusterId"`

	// metricName names the check, for example etcd-node-key-diff.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=100
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="metricName is immutable: create another EtcdMonitor instead"
	MetricName string `json:"metricName"`

	// metricProviderName is the program that runs the check, for example cruiser.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	MetricProviderName string `json:"metricProviderName"`

	// name is a display name; by convention the clusterId.
	// +kubebuilder:validation:MaxLength=200
	// +optional
	Name string `json:"name,omitempty"`

	// productName is the product that the cluster serves.
	// +kubebuilder:validation:MaxLength=63
	// +optional
	ProductName string `json:"productName,omitempty"`

	// region is where the cluster runs.
	// +kubebuilder:validation:MaxLength=63
	// +optional
	Region string `json:"region,omitempty"`

	// interval is the time between two runs, for example 5m. The provider adds jitter. Default 5m.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('10s') && duration(self) <= duration('720h')",message="interval must lie between 10s and 720h"
	// +optional
	Interval *metav1.Duration `json:"interval,omitempty"`

	// parameters are the check's own settings, by name.
	// +kubebuilder:validation:MaxProperties=32
	// +optional
	Parameters map[string]string `json:"parameters,omitempty"`
}

// The API server's formats date-time and duration accept values that Go cannot decode, and one such object would keep every
// cache from syncing. The patterns accept only values that Go can decode.

// EtcdMonitorRecord is one run and its result.
type EtcdMonitorRecord struct {
	// startTime is when the run began. Readers accept an endTime before it, as other writers have produced.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Format=date-time
	// +kubebuilder:validation:Pattern=`^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$`
	StartTime metav1.Time `json:"startTime"`

	// endTime is when the run ended.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Format=date-time
	// +kubebuilder:validation:Pattern=`^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$`
	EndTime metav1.Time `json:"endTime"`

	// message describes the result in a sentence.
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	Message string `json:"message,omitempty"`

	// outcome is how the run ended; records of other writers may lack it.
	// +optional
	Outcome Outcome `json:"outcome,omitempty"`

	// values are the check's measurements by name, in base units. Floating point is deliberate: these are readings to
	// plot, never compared for equality.
	// +kubebuilder:validation:MaxProperties=32
	// +optional
	Values map[string]float64 `json:"values,omitempty"`

	// duration is the time that the run took, more precise than endTime − startTime.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:Pattern=`^-?([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,9}(\.[0-9]{1,9})?(s|ms|us|µs|ns))?$`
	// +optional
	Duration *metav1.Duration `json:"duration,omitempty"`

	// request is the value of the run-requested-at annotation that this run answers; empty for a scheduled run.
	// +kubebuilder:validation:MaxLength=64
	// +optional
	Request string `json:"request,omitempty"`

	// requestedBy is the user who requested the run; empty for a scheduled run.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	RequestedBy string `json:"requestedBy,omitempty"`
}

// EtcdMonitorStatus is the history of a monitor's runs.
type EtcdMonitorStatus struct {
	// records are the last runs, oldest first, at most 20.
	// +kubebuilder:validation:MaxItems=20
	// +listType=atomic
	// +optional
	Records []EtcdMonitorRecord `json:"records,omitempty"`

	// updatedAt is when the status was last written.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Format=date-time
	// +kubebuilder:validation:Pattern=`^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$`
	// +optional
	UpdatedAt *metav1.Time `json:"updatedAt,omitempty"`

	// outcome is that of the last record.
	// +optional
	Outcome Outcome `json:"outcome,omitempty"`

	// nextRun is when the next scheduled run is due.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Format=date-time
	// +kubebuilder:validation:Pattern=`^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$`
	// +optional
	NextRun *metav1.Time `json:"nextRun,omitempty"`

	// answeredRequest is the value of the run-requested-at annotation that was answered last.
	// +kubebuilder:validation:MaxLength=64
	// +optional
	AnsweredRequest string `json:"answeredRequest,omitempty"`

	// observedGeneration is the generation of the spec that the last run used.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// state is the data that the check passes from one run to the next, in its own format.
	// +kubebuilder:validation:MaxLength=16384
	// +optional
	State string `json:"state,omitempty"`

	// conditions are Passed and Running.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// LastRecord returns the newest record, or nil when there was no run yet.
func (s *EtcdMonitorStatus) LastRecord() *EtcdMonitorRecord {
	if len(s.Records) == 0 {
		return nil
	}
	return &s.Records[len(s.Records)-1]
}

// EtcdMonitor is one inspection of one cluster, repeated at an interval and on demand.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=em,categories=etcd
// +kubebuilder:printcolumn:name="Cluster",type=string,JSONPath=`.spec.clusterId`
// +kubebuilder:printcolumn:name="Check",type=string,JSONPath=`.spec.metricName`
// +kubebuilder:printcolumn:name="Outcome",type=string,JSONPath=`.status.outcome`
// +kubebuilder:printcolumn:name="Updated",type=date,JSONPath=`.status.updatedAt`
// +kubebuilder:printcolumn:name="Next",type=string,JSONPath=`.status.nextRun`,priority=1
// +kubebuilder:printcolumn:name="Provider",type=string,JSONPath=`.spec.metricProviderName`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type EtcdMonitor struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   EtcdMonitorSpec   `json:"spec"`
	Status EtcdMonitorStatus `json:"status,omitempty"`

	// Omitted lists the parts that the holder of this copy left out to save memory. It is never read from the API server or
	// written to it, so only the holder can set it.
	Omitted OmittedStatus `json:"-"`
}

// OmittedStatus lists the parts that a copy of an EtcdMonitor in memory lacks.
type OmittedStatus struct {
	// Records is the number of records that were left out.
	Records int

	// State is true when the state was left out.
	State bool
}

// PendingRequest returns the run request that is not answered yet, or "".
func (m *EtcdMonitor) PendingRequest() string {
	if requested := m.Annotations[AnnotationRunRequestedAt]; requested != m.Status.AnsweredRequest {
		return requested
	}
	return ""
}

// EtcdMonitorList is a list of monitors.
//
// +kubebuilder:object:root=true
type EtcdMonitorList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []EtcdMonitor `json:"items"`
}
