package onboarding

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

const (
	// fieldOwner and eventSource name the operator to the API server.
	fieldOwner  = "etcdfleet-operator"
	eventSource = "etcdfleet-operator"
	eventAction = "Onboard"

	// interval is the time between two looks at the fleet in the cache.
	interval = 3 * time.Second

	// slowInterval is the time between two queries of Prometheus while everything awaited has been for long.
	slowInterval = 30 * time.Second

	// unreachableAfter is for how long Prometheus may not answer before the conditions say so.
	unreachableAfter = time.Minute

	// concurrency is how many statuses are written at once, and writeTimeout bounds one.
	concurrency  = 8
	writeTimeout = 10 * time.Second

	// maxNote is how long an Event's note may be, in bytes.
	maxNote = 1024
)

// Options say which members are followed.
type Options struct {
	// Region is the API server's region; "" follows clusters of all regions.
	Region string

	// Prometheus is who is asked. Without a URL nothing is followed.
	Prometheus Prometheus

	// Metrics is where the metrics are registered.
	Metrics prometheus.Registerer
}

// Setup adds the watcher to the manager, if there is a Prometheus to ask.
func Setup(mgr ctrl.Manager, options Options) error {
	prometheus, err := newAsker(options.Prometheus)
	if err != nil || prometheus == nil {
		return err
	}
	queries := newQueries()
	if err := options.Metrics.Register(queries); err != nil {
		return fmt.Errorf("register the metrics of the onboarding: %w", err)
	}
	return mgr.Add(&watcher{
		client:     client.WithFieldOwner(mgr.GetClient(), fieldOwner),
		prometheus: prometheus, region: options.Region, queries: queries,
		events: mgr.GetEventRecorder(eventSource),
	})
}

func newQueries() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "etcdfleet_onboarding_queries_total",
		Help: "Questions to Prometheus which members are scraped, by result: answered or failed.",
	}, []string{"result"})
}

// Changed selects updates of EtcdClusters whose members were scraped for the first time.
var Changed = predicate.Funcs{
	UpdateFunc: func(e event.UpdateEvent) bool {
		return Seen(e.ObjectOld.(*cluster)).Members != Seen(e.ObjectNew.(*cluster)).Members
	},
}

// watcher looks for members that are awaited, and asks Prometheus for them alone. It is a manager.Runnable.
type watcher struct {
	client     client.Client
	prometheus *asker
	region     string
	queries    *prometheus.CounterVec
	events     events.EventRecorder

	// asked is when Prometheus was last asked, answered when it last answered.
	asked, answered time.Time
}

// Start looks until ctx ends.
func (w *watcher) Start(ctx context.Context) error {
	w.answered = time.Now()
	for {
		w.look(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(interval):
		}
	}
}

// look brings the statuses of all clusters up to date for which something is awaited.
func (w *watcher) look(ctx context.Context) {
	var all etcdv1beta1.EtcdClusterList
	// The list is only read, and copying the fleet at each look would cost more than anything else here.
	if err := w.client.List(ctx, &all, client.UnsafeDisableDeepCopy); err != nil {
		log.FromContext(ctx).Error(err, "list the EtcdClusters of the cache")
		return
	}
	var unfinished, waiting []*cluster
	for _, c := range etcdv1beta1.Holders(all.Items, w.region) {
		if c.DeletionTimestamp != nil || isDone(c) {
			continue
		}
		unfinished = append(unfinished, c)
		if waits(c) {
			waiting = append(waiting, c)
		}
	}
	up := w.ask(ctx, waiting)
	var group errgroup.Group
	group.SetLimit(concurrency)
	for _, c := range unfinished {
		group.Go(func() error { return w.update(ctx, c, up[c.Identity()]) })
	}
	if err := group.Wait(); err != nil && ctx.Err() == nil {
		log.FromContext(ctx).Error(err, "write how far the onboarding is")
	}
}

// ask returns nothing when Prometheus is not asked or does not answer: what is not known is not seen.
func (w *watcher) ask(ctx context.Context, waiting []*cluster) scraped {
	now := time.Now()
	if len(waiting) == 0 {
		w.answered = now // nobody is missed
		return nil
	}
	if now.Sub(w.asked) < slowInterval && !slices.ContainsFunc(waiting, func(c *cluster) bool { return isNew(c, now) }) {
		return nil
	}
	w.asked = now
	up, err := w.prometheus.ask(ctx, waiting)
	if err != nil {
		w.queries.WithLabelValues("failed").Inc()
		if ctx.Err() == nil {
			log.FromContext(ctx).Error(err, "ask Prometheus which members are scraped")
		}
		return nil
	}
	w.queries.WithLabelValues("answered").Inc()
	w.answered = time.Now()
	return up
}

// update writes what changed of one cluster.
func (w *watcher) update(ctx context.Context, before *cluster, up map[string]bool) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	now := metav1.Now()
	c := before.DeepCopy()
	advance(c, up, now)
	unreachable := now.Sub(w.answered) >= unreachableAfter
	meta.SetStatusCondition(&c.Status.Conditions, condition(c, unreachable, now.Time))
	if equality.Semantic.DeepEqual(before.Status, c.Status) {
		return nil
	}
	// Other parts of the operator write the same status: a write that is not based on the newest must fail.
	base := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	if err := w.client.Status().Patch(ctx, c, base); err != nil {
		if apierrors.IsConflict(err) {
			return nil // the next look starts from a newer version
		}
		return client.IgnoreNotFound(err)
	}
	w.report(before, c)
	return nil
}

// report writes an Event when the onboarding is found to be stuck, once.
func (w *watcher) report(before, after *cluster) {
	was, is := meta.FindStatusCondition(before.Status.Conditions, etcdv1beta1.ConditionOnboarded), meta.FindStatusCondition(after.Status.Conditions, etcdv1beta1.ConditionOnboarded)
	if is.Reason != reasonStuck || was != nil && was.Reason == reasonStuck {
		return
	}
	regarding := &corev1.ObjectReference{
		APIVersion: etcdv1beta1.GroupVersion.String(), Kind: "EtcdCluster",
		Namespace: after.Namespace, Name: after.Name, UID: after.UID, ResourceVersion: after.ResourceVersion,
	}
	note := fmt.Sprintf("For %s: %s", stuckAfter, is.Message)
	w.events.Eventf(regarding, nil, corev1.EventTypeWarning, reasonStuck, eventAction, "%s", note[:min(len(note), maxNote)])
}

// isNew reports whether the cluster has been awaited only for a short time.
func isNew(c *cluster, now time.Time) bool {
	_, since := awaited(c, now)
	return now.Sub(since) < stuckAfter
}
