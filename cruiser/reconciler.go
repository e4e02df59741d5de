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
	// cacheRetry is when a monitor is looked at again whose cached version is older than our last write.
	cacheRetry = 50 * time.Millisecond

	// busyRetry is when a monitor is looked at again whose cluster another run has.
	busyRetry = 250 * time.Millisecond

	// requestTimeout bounds one request to the API server.
	requestTimeout = 10 * time.Second

	// maxRequest is the longest request that status.answeredRequest can hold, in characters.
	maxRequest = 64
)

// The write of a result is worth some patience, since a run is not cheap: the API server may be away for about 10 s. A
// conflict, though, is best tried again before the other writer writes once more.
var (
	storeBackoff    = wait.Backoff{Steps: 10, Duration: 20 * time.Millisecond, Factor: 2, Jitter: 0.1}
	conflictBackoff = wait.Backoff{Steps: 10, Duration: time.Millisecond, Jitter: 1}
)

// reconciler runs monitors when they are due. controller-runtime calls Reconcile for one monitor at a time in each of
// its workers, and never twice at once for the same monitor.
type reconciler struct {
	client    client.Client // reads from the cache
	live      client.Reader // reads from the API server
	provider  string
	schedule  schedule
	inspector inspector
	reporter  reporter
	locks     *clusterLocks
	writes    *ownWrites
	replicas  *replicas
	urgent    *urgent

	// expensive tells which checks' monitors this one runs: those that clusters feel, or the others.
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
	r.urgent.setRequested(request, monitor.PendingRequest() != "")
	if !r.writes.include(monitor) {
		return ctrl.Result{RequeueAfter: cacheRetry}, nil
	}
	subject := findSubject(ctx, r.client, monitor)
	r.reporter.restore(subject, r.schedule.freshFor(&monitor.Spec))

	now := time.Now()
	due := r.schedule.due(monitor, now)
	why := r.occasion(monitor)
	if why.request == "" && now.Before(due) {
		return r.await(ctx, monitor, due)
	}
	unlock, free := r.locks.tryLock(clusterLock{subject.clusterKey(), r.expensive})
	r.urgent.setResumed(request, !free)
	if !free {
		return ctrl.Result{RequeueAfter: busyRetry}, nil
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

// adopt exposes what is known of a monitor that may have become ours. In a fleet that is busy it may take minutes until
// a worker looks at it, and its series would be missing until then.
func (r *reconciler) adopt(ctx context.Context, monitor *etcdv1beta1.EtcdMonitor) {
	if r.runs(monitor) && r.replicas.owns(clusterKeyOf(monitor)) {
		r.reporter.restore(findSubject(ctx, r.client, monitor), r.schedule.freshFor(&monitor.Spec))
	}
}

func (r *reconciler) forget(monitor types.NamespacedName) {
	r.reporter.forget(monitor)
	r.writes.forget(monitor)
	r.urgent.forget(ctrl.Request{NamespacedName: monitor})
}

// occasion tells why the monitor would run now: because of a request, or on schedule.
func (r *reconciler) occasion(monitor *etcdv1beta1.EtcdMonitor) occasion {
	request := monitor.PendingRequest()
	if utf8.RuneCountInString(request) > maxRequest {
		r.reporter.ignoredRequest(monitor, fmt.Sprintf("the annotation %s has more than %d characters: set it to the time, as %s",
			etcdv1beta1.AnnotationRunRequestedAt, maxRequest, time.RFC3339Nano))
		request = ""
	}
	if request == "" {
		return occasion{due: monitor.Status.NextRun}
	}
	return occasion{request: request, requestedBy: monitor.Annotations[etcdv1beta1.AnnotationRunRequestedBy]}
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
func (r *reconciler) run(ctx context.Context, subject subject, why occasion) (ctrl.Result, error) {
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
	run := r.inspector.inspect(ctx, subject, state, why)
	if ctx.Err() != nil {
		return ctrl.Result{}, nil //nolint:nilerr // cruiser stops: what the run says is not the cluster's doing
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
		r.reporter.report(subject, version, before, run)
	}
	return sleepUntil(nextRun), nil
}

// writeRunning makes the status say that a requested run began, and returns the monitor that says so.
func (r *reconciler) writeRunning(ctx context.Context, monitor *etcdv1beta1.EtcdMonitor, why occasion) (*etcdv1beta1.EtcdMonitor, error) {
	running := *monitor
	running.Status.Conditions = runningConditions(monitor, why)
	changed := fields{"updatedAt": metav1.Now(), "conditions": running.Status.Conditions}
	var err error
	running.ResourceVersion, err = r.writeFields(ctx, monitor, changed)
	return &running, err
}

// storeResult writes the result into the status and returns the monitor's new version, or none when there was nothing to
// write any more: the monitor is gone, or another run answered the occasion. The API server refuses a write that is not
// based on the newest version, so that is never decided on stale knowledge.
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

// readNewest reads the monitor past the cache.
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
