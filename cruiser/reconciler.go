package cruiser

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/retry"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

const (
	// cacheRetry is the wait before a monitor is reconciled again whose cached version is older than our last write.
	cacheRetry = 50 * time.Millisecond

	// refusedRetry is the wait before a monitor is reconciled again whose clusterId belongs to another cluster.
	refusedRetry = time.Minute

	// requestTimeout bounds one request to the API server.
	requestTimeout = 10 * time.Second

	// maxRequest is the longest request that status.answeredRequest can hold, in characters.
	maxRequest = 64
)

// The write of a result is retried, since a run is not cheap: the API server may be unavailable for about 10 s. A
// conflict, though, is best tried again before the other writer writes once more.
var (
	storeBackoff    = wait.Backoff{Steps: 10, Duration: 20 * time.Millisecond, Factor: 2, Jitter: 0.1}
	conflictBackoff = wait.Backoff{Steps: 10, Duration: time.Millisecond, Jitter: 1}
)

// reconciler runs monitors when they are due. controller-runtime calls Reconcile for one monitor at a time in each of
// its workers, and never twice at once for the same monitor.
type reconciler struct {
	client     client.Client // reads from the cache
	live       client.Reader // reads from the API server
	provider   string
	region     string
	schedule   schedule
	inspector  inspector
	reporter   reporter
	locks      *clusterLocks
	writes     *ownWrites
	replicas   *replicas
	priorities *priorities

	// expensive is true for the reconciler of expensive checks, and false for that of the others.
	expensive bool
}

// Reconcile runs the monitor's check if a run was requested or is due, and asks to be called again when the next is.
func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	monitor, err := r.monitor(ctx, request.NamespacedName)
	if err != nil {
		return ctrl.Result{}, err
	}
	if monitor == nil || !r.replicas.owns(clusterKeyOf(monitor)) {
		r.forget(request.NamespacedName)
		return ctrl.Result{}, nil
	}
	r.priorities.setRequested(request, monitor.PendingRequest() != "")
	if !r.writes.include(monitor) {
		return ctrl.Result{RequeueAfter: cacheRetry}, nil
	}
	subject := findSubject(ctx, r.client, monitor, r.region)
	r.reporter.restore(subject, r.schedule.freshFor(&monitor.Spec))
	if subject.refused && monitor.PendingRequest() == "" {
		return ctrl.Result{RequeueAfter: refusedRetry}, nil
	}

	now := time.Now()
	due := r.schedule.due(monitor, now)
	why := r.trigger(monitor)
	if why.request == "" && now.Before(due) {
		return r.await(ctx, monitor, due)
	}
	if wait := r.replicas.untilHandedOver(); wait > 0 {
		return ctrl.Result{RequeueAfter: wait}, nil
	}
	unlock, retry := r.locks.tryLock(clusterLock{subject.clusterKey(), r.expensive})
	r.priorities.setResumed(request, unlock == nil)
	if unlock == nil {
		return ctrl.Result{RequeueAfter: retry}, nil
	}
	defer unlock()
	return r.run(ctx, subject, why)
}

// monitor returns the monitor from the cache, or nil when it is not (or no longer) ours to run.
func (r *reconciler) monitor(ctx context.Context, name types.NamespacedName) (*etcdv1beta1.EtcdMonitor, error) {
	var monitor etcdv1beta1.EtcdMonitor
	if err := r.client.Get(ctx, name, &monitor); err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	if !r.runs(&monitor) {
		return nil, nil
	}
	return &monitor, nil
}

// runs reports whether the monitor is for cruisers of this provider to run.
func (r *reconciler) runs(monitor *etcdv1beta1.EtcdMonitor) bool {
	return monitor.DeletionTimestamp == nil && monitor.Spec.MetricProviderName == r.provider
}

// takeOver exposes what is known of a monitor that may have become ours. In a fleet that is busy it may take minutes until
// a worker looks at it, and its series would be missing until then.
func (r *reconciler) takeOver(ctx context.Context, monitor *etcdv1beta1.EtcdMonitor) {
	if r.runs(monitor) && r.replicas.owns(clusterKeyOf(monitor)) {
		r.reporter.restore(findSubject(ctx, r.client, monitor, r.region), r.schedule.freshFor(&monitor.Spec))
	}
}

func (r *reconciler) forget(monitor types.NamespacedName) {
	r.reporter.forget(monitor)
	r.writes.forget(monitor)
	r.priorities.forget(ctrl.Request{NamespacedName: monitor})
}

// trigger returns why the monitor would run now: because of a request, or on schedule.
func (r *reconciler) trigger(monitor *etcdv1beta1.EtcdMonitor) trigger {
	request := monitor.PendingRequest()
	if utf8.RuneCountInString(request) > maxRequest {
		r.reporter.ignoredRequest(monitor, fmt.Sprintf("the annotation %s has more than %d characters: set it to the time, as %s",
			etcdv1beta1.AnnotationRunRequestedAt, maxRequest, time.RFC3339Nano))
		request = ""
	}
	if request == "" {
		return trigger{due: monitor.Status.NextRun}
	}
	return trigger{request: request, requestedBy: monitor.Annotations[etcdv1beta1.AnnotationRunRequestedBy]}
}

// await sleeps until the next scheduled run, and makes status.nextRun say when that is unless it is the first.
func (r *reconciler) await(ctx context.Context, monitor *etcdv1beta1.EtcdMonitor, due time.Time) (ctrl.Result, error) {
	next := monitor.Status.NextRun
	if next == nil && time.Until(due) > firstRunWithin || next != nil && !next.Time.Equal(due) {
		changed := fields{"nextRun": metav1.NewTime(due), "updatedAt": metav1.Now()}
		if _, err := r.writeFields(ctx, monitor, changed); err != nil {
			return r.retryWithNewer(err)
		}
	}
	return sleepUntil(due), nil
}

// run inspects the cluster and writes what was found. Without a written result the monitor stays due.
func (r *reconciler) run(ctx context.Context, subject subject, why trigger) (ctrl.Result, error) {
	state, err := r.stateOf(ctx, subject.monitor)
	if err != nil {
		return r.retryWithNewer(err)
	}
	if why.request != "" {
		if subject.monitor, err = r.writeRunning(ctx, subject.monitor, why); err != nil {
			return r.retryWithNewer(err)
		}
	}
	monitor := subject.monitor
	held, release := r.replicas.hold(ctx, subject.clusterKey())
	run := r.inspector.inspect(held, subject, state, why)
	ended := context.Cause(held)
	release()
	if ended != nil { // the result does not describe the cluster
		log.FromContext(ctx).Info("a run was given up", "cluster", monitor.Spec.ClusterID, "check", monitor.Spec.MetricName,
			"request", why.request, "why", ended.Error())
		return ctrl.Result{RequeueAfter: renewInterval}, nil // to forget the monitor, or to run it if it stayed ours
	}
	before := monitor.Status.Outcome
	nextRun := r.schedule.after(time.Now(), &monitor.Spec)
	version, err := r.storeResult(ctx, monitor, run, nextRun)
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("write the result of a run: %w", err)
	}
	if version != "" {
		log.FromContext(ctx).V(1).Info("inspected", "cluster", monitor.Spec.ClusterID, "check", monitor.Spec.MetricName,
			"outcome", run.Outcome, "duration", run.duration.String(), "request", run.request)
		r.reporter.report(subject, version, before, run.record())
	}
	return sleepUntil(nextRun), nil
}

// writeRunning makes the status say that a requested run began, and returns the monitor that says so.
func (r *reconciler) writeRunning(ctx context.Context, monitor *etcdv1beta1.EtcdMonitor, why trigger) (*etcdv1beta1.EtcdMonitor, error) {
	running := *monitor
	running.Status.Conditions = runningConditions(monitor, why)
	changed := fields{"updatedAt": metav1.Now(), "conditions": running.Status.Conditions}
	var err error
	running.ResourceVersion, err = r.writeFields(ctx, monitor, changed)
	return &running, err
}

// storeResult writes the result into the status and returns the monitor's new version, or nil if nothing needs to be
// written any more: the monitor is gone, or another run answered the trigger. The API server refuses a write that is not
// based on the newest version, so the decision is never based on stale data.
func (r *reconciler) storeResult(
	ctx context.Context, monitor *etcdv1beta1.EtcdMonitor, run result, nextRun time.Time,
) (version string, err error) {
	base := monitor
	store := func() (err error) {
		version, err = r.appendRecord(ctx, base, run.record(), run.fields(base, nextRun, time.Now()))
		if !apierrors.IsConflict(err) {
			return err
		}
		newest, readErr := r.readNewest(ctx, keyOf(monitor))
		if readErr != nil {
			return readErr
		}
		if newest.UID != monitor.UID || run.isOver(newest) {
			return nil
		}
		base = newest
		return err
	}
	mayPass := func(err error) bool {
		return ctx.Err() == nil && !apierrors.IsNotFound(err) && !apierrors.IsInvalid(err) && !apierrors.IsForbidden(err)
	}
	err = retry.OnError(storeBackoff, mayPass, func() error { return retry.RetryOnConflict(conflictBackoff, store) })
	return version, client.IgnoreNotFound(err)
}

// readNewest reads the monitor from the API server, not from the cache.
func (r *reconciler) readNewest(ctx context.Context, name types.NamespacedName) (*etcdv1beta1.EtcdMonitor, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	var monitor etcdv1beta1.EtcdMonitor
	err := r.live.Get(ctx, name, &monitor)
	return &monitor, err
}

// retryWithNewer answers a failed write before a run: a conflict only means that the cache will soon show more.
func (r *reconciler) retryWithNewer(err error) (ctrl.Result, error) {
	if apierrors.IsConflict(err) {
		return ctrl.Result{RequeueAfter: cacheRetry}, nil
	}
	return ctrl.Result{}, client.IgnoreNotFound(err)
}

func sleepUntil(due time.Time) ctrl.Result {
	// A zero RequeueAfter would mean never.
	return ctrl.Result{RequeueAfter: max(time.Until(due), time.Millisecond)}
}
