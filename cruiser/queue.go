package cruiser

import (
	"context"
	"sync"

	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

type monitorQueue = workqueue.TypedRateLimitingInterface[ctrl.Request]

// requests are the monitors whose run somebody asked for and waits for.
type requests struct {
	mu      sync.Mutex
	pending map[ctrl.Request]bool
}

func newRequests() *requests { return &requests{pending: map[ctrl.Request]bool{}} }

func (r *requests) set(monitor ctrl.Request, pending bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if pending {
		r.pending[monitor] = true
	} else {
		delete(r.pending, monitor)
	}
}

func (r *requests) has(monitor ctrl.Request) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.pending[monitor]
}

// newQueue returns a controller's queue: a free worker takes requested runs first, and from the namespaces, which are
// regions, in turn, so that the backlog of one does not hold up the others.
func newQueue(requests *requests) func(string, workqueue.TypedRateLimiter[ctrl.Request]) monitorQueue {
	return func(name string, limiter workqueue.TypedRateLimiter[ctrl.Request]) monitorQueue {
		waiting := workqueue.NewTypedWithConfig(workqueue.TypedQueueConfig[ctrl.Request]{
			Name:  name,
			Queue: &fairQueue{requests: requests, lanes: map[ctrl.Request]*lane{}},
		})
		delayed := workqueue.NewTypedDelayingQueueWithConfig(workqueue.TypedDelayingQueueConfig[ctrl.Request]{
			Name: name, Queue: waiting,
		})
		return workqueue.NewTypedRateLimitingQueueWithConfig(limiter,
			workqueue.TypedRateLimitingQueueConfig[ctrl.Request]{Name: name, DelayingQueue: delayed})
	}
}

// fairQueue orders the monitors that wait for a worker. The work queue that holds it guards it by a lock.
type fairQueue struct {
	requests             *requests
	requested, scheduled lane

	// lanes tells where each monitor waits. One that moved is still in its old lane as well, which passes over it.
	lanes map[ctrl.Request]*lane
}

// lane holds monitors by namespace, and the namespaces in the order of their turns.
type lane struct {
	turns   []string
	waiting map[string][]ctrl.Request
}

// Push implements workqueue.Queue.
func (q *fairQueue) Push(monitor ctrl.Request) {
	lane := &q.scheduled
	if q.requests.has(monitor) {
		lane = &q.requested
	}
	q.lanes[monitor] = lane
	lane.push(monitor)
}

// Touch implements workqueue.Queue: the monitor waits already, and may have become more urgent.
func (q *fairQueue) Touch(monitor ctrl.Request) {
	if q.lanes[monitor] == &q.scheduled && q.requests.has(monitor) {
		q.Push(monitor)
	}
}

// Len implements workqueue.Queue.
func (q *fairQueue) Len() int { return len(q.lanes) }

// Pop implements workqueue.Queue.
func (q *fairQueue) Pop() ctrl.Request {
	for _, lane := range []*lane{&q.requested, &q.scheduled} {
		for len(lane.turns) > 0 {
			if monitor := lane.pop(); q.lanes[monitor] == lane {
				delete(q.lanes, monitor)
				return monitor
			}
		}
	}
	return ctrl.Request{}
}

func (l *lane) push(monitor ctrl.Request) {
	if l.waiting == nil {
		l.waiting = map[string][]ctrl.Request{}
	}
	if len(l.waiting[monitor.Namespace]) == 0 {
		l.turns = append(l.turns, monitor.Namespace)
	}
	l.waiting[monitor.Namespace] = append(l.waiting[monitor.Namespace], monitor)
}

// pop takes the first monitor of the namespace whose turn it is.
func (l *lane) pop() ctrl.Request {
	namespace := l.turns[0]
	l.turns = l.turns[1:]
	monitor := l.waiting[namespace][0]
	if rest := l.waiting[namespace][1:]; len(rest) > 0 {
		l.waiting[namespace] = rest
		l.turns = append(l.turns, namespace)
	} else {
		delete(l.waiting, namespace)
	}
	return monitor
}

// enqueueMonitors enqueues monitors whose spec or requested run changed. Other changes are ignored: they are mostly our
// own of the status, and Reconcile has scheduled what follows from them.
type enqueueMonitors struct {
	requests *requests
}

// Create implements handler.EventHandler.
func (h enqueueMonitors) Create(_ context.Context, e event.CreateEvent, queue monitorQueue) {
	h.enqueue(e.Object, queue)
}

// Update implements handler.EventHandler.
func (h enqueueMonitors) Update(_ context.Context, e event.UpdateEvent, queue monitorQueue) {
	if e.ObjectOld.GetGeneration() != e.ObjectNew.GetGeneration() ||
		requestOf(e.ObjectOld) != requestOf(e.ObjectNew) {
		h.enqueue(e.ObjectNew, queue)
	}
}

// Delete implements handler.EventHandler.
func (h enqueueMonitors) Delete(_ context.Context, e event.DeleteEvent, queue monitorQueue) {
	h.enqueue(e.Object, queue)
}

// Generic implements handler.EventHandler: the monitor may have become another replica's, or ours.
func (h enqueueMonitors) Generic(_ context.Context, e event.GenericEvent, queue monitorQueue) {
	h.enqueue(e.Object, queue)
}

func requestOf(monitor client.Object) string {
	return monitor.GetAnnotations()[etcdv1beta1.AnnotationRunRequestedAt]
}

func (h enqueueMonitors) enqueue(object client.Object, queue monitorQueue) {
	request := ctrl.Request{NamespacedName: client.ObjectKeyFromObject(object)}
	h.requests.set(request, object.(*etcdv1beta1.EtcdMonitor).PendingRequest() != "")
	queue.Add(request)
}
