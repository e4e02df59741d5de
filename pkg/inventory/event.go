package inventory

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/pkg/upstream"
)

const (
	eventsResource = "events"

	clusterKind = "EtcdCluster"
	monitorKind = "EtcdMonitor"
)

// Event is what queries need of a Kubernetes Event about an EtcdCluster or an EtcdMonitor. It is never changed after it was
// made.
type Event struct {
	// Region is the region's name in the configuration.
	Region string
	// Type is Normal or Warning. Reason is a word such as InspectionFailed, Component who reported it.
	Type, Reason, Component string
	// Message has at most v1beta1.MaxMessageLength bytes.
	Message string
	// FirstSeen and LastSeen are when it happened for the first and the last time, Count how often.
	FirstSeen, LastSeen time.Time
	Count               int64
	// Kind and About name the object that the Event is about.
	Kind  string
	About types.NamespacedName

	object types.NamespacedName
	// related is the EtcdCluster that an Event about an EtcdMonitor names beside it; zero for none.
	related types.NamespacedName
}

// Name is the Event's own namespace and name.
func (e *Event) Name() string { return e.object.String() }

func (e *Event) name() types.NamespacedName { return e.object }

// newEvent reads an Event of either API: those that were written as events.k8s.io have their times and their count in other
// fields.
func newEvent(region string, o *corev1.Event) *Event {
	e := &Event{
		Region:    region,
		Type:      o.Type,
		Reason:    o.Reason,
		Component: o.ReportingController,
		Message:   strings.Clone(limitBytes(o.Message, v1beta1.MaxMessageLength)), // not a part of a large text, which would stay in memory
		FirstSeen: firstOf(o.FirstTimestamp.Time, o.EventTime.Time, o.CreationTimestamp.Time).UTC(),
		Count:     max(1, int64(o.Count)),
		Kind:      o.InvolvedObject.Kind,
		About:     nameOf(&o.InvolvedObject),
		object:    types.NamespacedName{Namespace: o.Namespace, Name: o.Name},
	}
	if e.Component == "" {
		e.Component = o.Source.Component
	}
	e.LastSeen = o.LastTimestamp.Time
	if o.Series != nil {
		e.LastSeen, e.Count = o.Series.LastObservedTime.Time, max(1, int64(o.Series.Count))
	}
	if e.LastSeen = e.LastSeen.UTC(); e.LastSeen.Before(e.FirstSeen) {
		e.LastSeen = e.FirstSeen
	}
	if o.Related != nil && o.Related.Kind == clusterKind && o.Related.APIVersion == v1beta1.GroupVersion.String() {
		e.related = nameOf(o.Related)
	}
	return e
}

func nameOf(o *corev1.ObjectReference) types.NamespacedName {
	return types.NamespacedName{Namespace: o.Namespace, Name: o.Name}
}

// firstOf returns the first time that is set.
func firstOf(times ...time.Time) time.Time {
	for _, t := range times {
		if !t.IsZero() {
			return t
		}
	}
	return time.Time{}
}

// followEvents keeps the Events about our objects in memory until ctx ends. They have a freshness of their own: an account that
// may not read them sees everything else as before. After a refusal it is asked for them at growing intervals: client-go would
// ask every few seconds for ever, but an API server that has just started refuses what its roles allow.
func (r *region) followEvents(ctx context.Context) {
	pause := reprobeInterval
	for ctx.Err() == nil {
		if r.reflectEvents(ctx) {
			pause = reprobeInterval
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait.Jitter(min(pause, r.recheck), 0.2)):
		}
		pause = min(2*pause, r.recheck)
	}
}

// reflectEvents follows Events until ctx ends or the API server refuses them. It reports whether the server allowed them before.
func (r *region) reflectEvents(ctx context.Context) bool {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var allowed atomic.Bool // a list that is cut short may still report
	report := func(ctx context.Context, err error) {
		r.signalEvents(ctx, err)
		switch {
		case err == nil:
			allowed.Store(true)
		case apierrors.IsForbidden(err), apierrors.IsNotFound(err):
			cancel()
		}
	}
	// The API server selects: others' Events may be many times more.
	ours := fields.OneTermEqualSelector("involvedObject.apiVersion", v1beta1.GroupVersion.String()).String()
	source := r.listWatch(r.core, eventsResource, &corev1.EventList{}, report, func(options *metav1.ListOptions) { options.FieldSelector = ours })
	r.reflect(ctx, eventsResource, source, &corev1.Event{}, &feed[*corev1.Event, *Event]{
		convert:  func(o *corev1.Event) *Event { return newEvent(r.config.Name, o) },
		shelf:    r.index.events,
		onSynced: func() { r.eventsFresh.synced(eventsResource) },
	})
	return allowed.Load()
}

func (r *region) signalEvents(ctx context.Context, err error) {
	if errors.Is(ctx.Err(), context.Canceled) {
		return
	}
	if apierrors.IsForbidden(err) {
		err = r.mayNot("list and watch events", err)
	}
	if err != nil {
		explained := r.server.Explain(err)
		err = upstream.New(upstream.Failed, "Its Events cannot be read. "+explained.Error(), explained)
	}
	r.eventsFresh.signal(eventsResource, err)
}

// WaitFirstEvents waits until the Events of every region in scope have been read or refused once, at most for the given
// time. It does not wait for the Events of a region that cannot be read itself.
func (i *Inventory) WaitFirstEvents(ctx context.Context, scope Scope, limit time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	i.WaitFirstSync(ctx, scope, limit)
	for _, r := range i.in(scope) {
		if r.fresh.current().State != Live {
			continue
		}
		select {
		case <-r.eventsFresh.firstSync:
		case <-ctx.Done():
			return
		}
	}
}

// EventStatuses returns how current the Events of each region in scope are: at most as current as the region itself.
func (i *Inventory) EventStatuses(scope Scope) []Status {
	statuses := i.Statuses(scope) // the configured ones come first
	for n, r := range i.in(scope) {
		if statuses[n].State == Live {
			statuses[n] = i.shown(r.eventsFresh.current())
		}
		statuses[n].LeftOut = nil // the Events about them are not
	}
	return statuses
}

// EachEvent calls visit for every Event about a cluster in scope or one of its monitors, with the cluster's ID and, for a
// monitor, its check. Both are "" where the object does not exist any more.
func (i *Inventory) EachEvent(scope Scope, visit func(event *Event, clusterID, check string)) {
	f := i.filter(scope)
	for _, r := range i.in(scope) {
		r.index.eachEvent(f, visit)
	}
}

func (x *index) eachEvent(f filter, visit func(event *Event, clusterID, check string)) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, e := range x.events.objects {
		if e.Kind != clusterKind && e.Kind != monitorKind {
			continue
		}
		c, check := x.subjectOf(e)
		shown := holder(x.claims[c.ID])
		// Events say why a cluster is not shown: they are those of the one that is, too.
		if f.includes(c) || shown != nil && f.includes(shown) {
			visit(e, c.ID, check)
		}
	}
}

// subjectOf returns the cluster that an Event is about, and the check. What is not known of it is empty.
func (x *index) subjectOf(e *Event) (*Cluster, string) {
	name := e.About
	if e.Kind == monitorKind {
		if m, ok := x.monitors.objects[e.About]; ok {
			for _, c := range x.claims[m.ClusterID] {
				if c.key() == m.key() {
					return c, m.Check
				}
			}
			return &Cluster{ID: m.ClusterID, Product: m.Product}, m.Check
		}
		name = e.related
	}
	if c, ok := x.clusters.objects[name]; ok {
		return c, ""
	}
	return &Cluster{}, ""
}
