package inventory

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

const (
	// fieldManager is the datasource's name in managed fields and events.
	fieldManager = "etcdfleet-slo-datasource"

	// maxActorLength is the length of a record's requestedBy, in bytes.
	maxActorLength = 253

	// patchAttempts bounds how often a request is repeated because the monitor changed meanwhile.
	patchAttempts = 5
)

// RunRequest is a request for a run of one inspection.
type RunRequest struct {
	Region, Cluster, Check string
}

// AcceptedRun says what answers a run request.
type AcceptedRun struct {
	// Namespace and Monitor name the EtcdMonitor.
	Namespace, Monitor string
	// Request identifies the request: it becomes the monitor's answered request when the run has ended.
	Request string
	// AlreadyRequested is true when the request was pending before.
	AlreadyRequested bool
}

// UnknownError says that a run request names something that does not exist.
type UnknownError struct {
	// Field is region, cluster or check.
	Field   string
	message string
}

// Error returns the message.
func (e *UnknownError) Error() string { return e.message }

// BlockedError says that no run of an inspection can be requested.
type BlockedError struct{ message string }

// Error returns the message.
func (e *BlockedError) Error() string { return e.message }

// StaleError says that a region's API server cannot be reached, or not yet.
type StaleError struct{ Status Status }

// Error says for how long.
func (e *StaleError) Error() string {
	switch e.Status.State {
	case Stale:
		return fmt.Sprintf("The API server of region %s has not been reachable for %s, so nothing can be requested there. %v", e.Status.Name, Age(e.Status.Since), e.Status.Err)
	case Failed:
		return fmt.Sprintf("Nothing can be requested in region %s, which could not be read yet. %v", e.Status.Name, e.Status.Err)
	}
	return fmt.Sprintf("Region %s is being read for the first time. Try again in a few seconds.", e.Status.Name)
}

// Age is the time since t for people: whole seconds below ten minutes, whole minutes from there on.
func Age(t time.Time) string {
	age := time.Since(t)
	if age < 10*time.Minute {
		return age.Round(time.Second).String()
	}
	return strings.TrimSuffix(age.Round(time.Minute).String(), "0s")
}

// RequestRun asks for a run in the name of actor, by annotations that the monitor's provider answers exactly once. Of
// requests at the same time all but one return the first one's. An Event at the monitor records it.
//
// Errors are *UnknownError, *BlockedError, *StaleError and *upstream.Error.
func (i *Inventory) RequestRun(ctx context.Context, request RunRequest, actor string) (AcceptedRun, error) {
	at := slices.IndexFunc(i.regions, func(r *region) bool { return r.config.Name == request.Region })
	if at < 0 {
		return AcceptedRun{}, &UnknownError{"region", fmt.Sprintf("There is no region %q. Configured are: %s.", request.Region, strings.Join(i.RegionNames(), ", "))}
	}
	return i.regions[at].requestRun(ctx, request, i.filter(Scope{Cluster: []string{request.Cluster}}), actor)
}

func (r *region) requestRun(ctx context.Context, request RunRequest, f filter, actor string) (AcceptedRun, error) {
	if status := r.fresh.current(); status.State != Live {
		return AcceptedRun{}, &StaleError{status}
	}
	monitor, clusterKnown := r.index.find(f, request.Check)
	switch {
	case !clusterKnown:
		return AcceptedRun{}, &UnknownError{"cluster", fmt.Sprintf("There is no cluster %q in region %s.", request.Cluster, request.Region)}
	case monitor == nil:
		return AcceptedRun{}, &UnknownError{"check", fmt.Sprintf("Cluster %s has no EtcdMonitor for the check %q. Create one to inspect it.", request.Cluster, request.Check)}
	case monitor.Blocked() != "":
		return AcceptedRun{}, &BlockedError{monitor.Blocked()}
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	accepted, err := r.annotate(ctx, monitor, limitBytes(actor, maxActorLength))
	if apierrors.IsNotFound(err) {
		return AcceptedRun{}, &UnknownError{"check", fmt.Sprintf("The EtcdMonitor %s was deleted a moment ago.", monitor.object)}
	}
	if err != nil {
		return AcceptedRun{}, r.server.Explain(err)
	}
	if !accepted.AlreadyRequested {
		r.recordEvent(ctx, monitor, accepted.Request, actor)
	}
	return accepted, nil
}

// annotate writes the request, unless one is pending. The resource version in the patch makes the API server refuse it
// when the monitor has changed since, which includes that somebody else was faster.
func (r *region) annotate(ctx context.Context, m *Monitor, actor string) (AcceptedRun, error) {
	accepted := AcceptedRun{Namespace: m.object.Namespace, Monitor: m.object.Name}
	for attempt := 1; ; attempt++ {
		if m.Pending != "" {
			accepted.Request, accepted.AlreadyRequested = m.Pending, true
			return accepted, nil
		}
		accepted.Request = time.Now().UTC().Format(time.RFC3339Nano)
		err := r.patch(ctx, m, map[string]string{
			v1beta1.AnnotationRunRequestedAt: accepted.Request,
			v1beta1.AnnotationRunRequestedBy: actor,
		})
		if !apierrors.IsConflict(err) || attempt == patchAttempts {
			return accepted, err
		}
		if m, err = r.fetch(ctx, m.object); err != nil {
			return accepted, err
		}
	}
}

func (r *region) patch(ctx context.Context, m *Monitor, annotations map[string]string) error {
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{"resourceVersion": m.resourceVersion, "annotations": annotations}})
	if err != nil {
		return err
	}
	return r.etcd.Patch(types.MergePatchType).Namespace(m.object.Namespace).Resource(monitorsResource).Name(m.object.Name).
		VersionedParams(&metav1.PatchOptions{FieldManager: fieldManager}, r.codec).Body(body).Do(ctx).Error()
}

func (r *region) fetch(ctx context.Context, name types.NamespacedName) (*Monitor, error) {
	var object v1beta1.EtcdMonitor
	if err := r.etcd.Get().Namespace(name.Namespace).Resource(monitorsResource).Name(name.Name).Do(ctx).Into(&object); err != nil {
		return nil, err
	}
	return newMonitor(r.config.Name, &object), nil
}

// recordEvent leaves the request in the cluster's own history. The request stands without it: a failure is logged.
func (r *region) recordEvent(ctx context.Context, m *Monitor, request, actor string) {
	now := metav1.Now()
	event := &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{GenerateName: m.object.Name + ".", Namespace: m.object.Namespace},
		InvolvedObject: corev1.ObjectReference{
			APIVersion: v1beta1.GroupVersion.String(), Kind: monitorKind,
			Namespace: m.object.Namespace, Name: m.object.Name, UID: m.uid, ResourceVersion: m.resourceVersion,
		},
		Reason:              "RunRequested",
		Message:             limitBytes(fmt.Sprintf("%s requested a run (%s)", actor, request), v1beta1.MaxMessageLength),
		Type:                corev1.EventTypeNormal,
		Source:              corev1.EventSource{Component: fieldManager},
		ReportingController: fieldManager,
		FirstTimestamp:      now,
		LastTimestamp:       now,
		Count:               1,
	}
	err := r.core.Post().Namespace(m.object.Namespace).Resource(eventsResource).Body(event).Do(ctx).Error()
	if err != nil {
		r.logger.FromContext(ctx).Warn("The event for a run request could not be created", "monitor", m.object.String(), "error", r.server.Explain(err))
	}
}

// limitBytes cuts text at a character boundary.
func limitBytes(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}
