package cruiser

import (
	"context"
	"maps"

	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

// A free worker takes requested runs before scheduled ones.
const (
	priorityScheduled = 0
	priorityRequested = 100
)

// requestsFirst enqueues monitors. Changes of the status alone are ignored: they are mostly our own, and Reconcile has
// scheduled what follows from them.
type requestsFirst struct{}

type monitorQueue = workqueue.TypedRateLimitingInterface[ctrl.Request]

// Create implements handler.EventHandler.
func (h requestsFirst) Create(_ context.Context, e event.CreateEvent, queue monitorQueue) {
	h.enqueue(e.Object, queue)
}

// Update implements handler.EventHandler.
func (h requestsFirst) Update(_ context.Context, e event.UpdateEvent, queue monitorQueue) {
	if e.ObjectOld.GetGeneration() != e.ObjectNew.GetGeneration() ||
		!maps.Equal(e.ObjectOld.GetAnnotations(), e.ObjectNew.GetAnnotations()) {
		h.enqueue(e.ObjectNew, queue)
	}
}

// Delete implements handler.EventHandler.
func (h requestsFirst) Delete(_ context.Context, e event.DeleteEvent, queue monitorQueue) {
	h.enqueue(e.Object, queue)
}

// Generic implements handler.EventHandler; nothing sends such events.
func (h requestsFirst) Generic(context.Context, event.GenericEvent, monitorQueue) {}

func (h requestsFirst) enqueue(object client.Object, queue monitorQueue) {
	priority := priorityScheduled
	if object.(*etcdv1beta1.EtcdMonitor).PendingRequest() != "" {
		priority = priorityRequested
	}
	// Controllers have a priority queue unless it is switched off.
	queue.(priorityqueue.PriorityQueue[ctrl.Request]).AddWithOpts(
		priorityqueue.AddOpts{Priority: &priority},
		ctrl.Request{NamespacedName: client.ObjectKeyFromObject(object)})
}
