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

// turn says how soon a monitor gets a worker among those that wait.
type turn int

const (
	// requestedTurn is for runs that somebody asked for and waits for.
	requestedTurn turn = iota

	// resumedTurn is for runs that had a worker, but whose cluster another run had: in a long queue the six monitors of
	// a cluster, created one after the other, would all but one go to its end again and again.
	resumedTurn

	scheduledTurn
	turns
)

// priorities are which monitors are run before the others.
type priorities struct {
	mu                 sync.Mutex
	requested, resumed map[ctrl.Request]bool
}

func newPriorities() *priorities {
	return &priorities{requested: map[ctrl.Request]bool{}, resumed: map[ctrl.Request]bool{}}
}

// setRequested says whether somebody waits for the monitor's run.
func (p *priorities) setRequested(monitor ctrl.Request, is bool) { p.set(p.requested, monitor, is) }

// setResumed says whether the monitor's run could not begin because another had its cluster.
func (p *priorities) setResumed(monitor ctrl.Request, is bool) { p.set(p.resumed, monitor, is) }

func (p *priorities) forget(monitor ctrl.Request) {
	p.setRequested(monitor, false)
	p.setResumed(monitor, false)
}

func (p *priorities) set(which map[ctrl.Request]bool, monitor ctrl.Request, is bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if is {
		which[monitor] = true
	} else {
		delete(which, monitor)
	}
}

func (p *priorities) turnOf(monitor ctrl.Request) turn {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.requested[monitor]:
		return requestedTurn
	case p.resumed[monitor]:
		return resumedTurn
	default:
		return scheduledTurn
	}
}

// newQueue returns a controller's queue: a free worker takes runs of high priority first, and from the namespaces, which are
// regions, in turn, so that the backlog of one does not hold up the others.
func newQueue(priorities *priorities) func(string, workqueue.TypedRateLimiter[ctrl.Request]) monitorQueue {
	return func(name string, limiter workqueue.TypedRateLimiter[ctrl.Request]) monitorQueue {
		waiting := workqueue.NewTypedWithConfig(workqueue.TypedQueueConfig[ctrl.Request]{
			Name:  name,
			Queue: newFairQueue(priorities),
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
	priorities *priorities
	lanes      [turns]lane

	// waiting is the lane in which each monitor waits. One that moved is still in its old lane as well, which passes over it.
	waiting map[ctrl.Request]turn
}

func newFairQueue(priorities *priorities) *fairQueue {
	return &fairQueue{priorities: priorities, waiting: map[ctrl.Request]turn{}}
}

// lane holds monitors by namespace, and the namespaces in the order of their turns.
type lane struct {
	turns   []string
	waiting map[string][]ctrl.Request
}

// Push implements workqueue.Queue.
func (q *fairQueue) Push(monitor ctrl.Request) {
	turn := q.priorities.turnOf(monitor)
	q.waiting[monitor] = turn
	q.lanes[turn].push(monitor)
}

// Touch implements workqueue.Queue: the monitor waits already, and may have got a higher priority.
func (q *fairQueue) Touch(monitor ctrl.Request) {
	if turn, waits := q.waiting[monitor]; waits && q.priorities.turnOf(monitor) < turn {
		q.Push(monitor)
	}
}

// Len implements workqueue.Queue.
func (q *fairQueue) Len() int { return len(q.waiting) }

// Pop implements workqueue.Queue.
func (q *fairQueue) Pop() ctrl.Request {
	for turn := range turns {
		for lane := &q.lanes[turn]; len(lane.turns) > 0; {
			monitor := lane.pop()
			if current, waits := q.waiting[monitor]; waits && current == turn {
				delete(q.waiting, monitor)
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
	priorities *priorities
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
	h.priorities.setRequested(request, object.(*etcdv1beta1.EtcdMonitor).PendingRequest() != "")
	queue.Add(request)
}
