package inventory

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/grafana/grafana-plugin-sdk-go/backend/httpclient"
	"github.com/grafana/grafana-plugin-sdk-go/backend/log"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/pkg/upstream"
)

const (
	clustersResource = "etcdclusters"
	monitorsResource = "etcdmonitors"
	probeSignal      = "probe"

	// A server that hangs is noticed after probeInterval + probeTimeout at the latest, one that came back after
	// reprobeInterval and a watch's back-off.
	probeInterval   = 10 * time.Second
	reprobeInterval = 3 * time.Second
	probeTimeout    = 5 * time.Second

	// recheckInterval is how often an API server is asked again for what it does not serve, or does not let be read.
	recheckInterval = time.Minute
	// refusalGrace is how long what was read stays although the API server refuses it.
	refusalGrace = 10 * time.Second

	listTimeout    = time.Minute
	requestTimeout = 10 * time.Second
)

// watchBackoff keeps the pause between two attempts to watch below 5 s: client-go's own grows to a minute, which would
// show a region as stale long after it came back.
var watchBackoff = wait.Backoff{Duration: 500 * time.Millisecond, Factor: 2, Jitter: 0.5, Steps: 10, Cap: 3 * time.Second}

// region watches one API server and asks it for runs.
type region struct {
	config RegionConfig
	server upstream.Server
	http   *http.Client
	// transport is what http uses in the end; the SDK hides it, so that idle connections have to be closed by hand.
	transport *http.Transport
	etcd      rest.Interface
	core      rest.Interface
	scheme    *runtime.Scheme
	codec     runtime.ParameterCodec
	index     *index
	fresh     *freshness
	logger    log.Logger
	// eventsFresh is how current the Events are. Without them everything else works.
	eventsFresh *freshness
	// misconfigured is why the region cannot be asked for anything; nil when it can.
	misconfigured error

	recheck time.Duration
	// kstoneReadable is whether kstone's clusters could be read when they were last asked for.
	kstoneReadable atomic.Bool
}

// newRegion returns a region that is ready to run, or one whose settings cannot work: that one has failed from the
// beginning and says why.
func newRegion(config RegionConfig, base httpclient.Options, logger log.Logger) *region {
	setting := func(name string) string { return fmt.Sprintf("%s of region %s", name, config.Name) }
	r := &region{
		config: config,
		server: upstream.Server{
			Name:               fmt.Sprintf("the API server of region %s", config.Name),
			URL:                config.URL,
			URLSetting:         setting("the URL"),
			CASetting:          setting("the CA certificate"),
			ServerNameSetting:  setting("the server name"),
			CredentialsSetting: setting("the token or client certificate"),
			ClientCertSetting:  setting("the client certificate and key"),
		},
		scheme:  runtime.NewScheme(),
		index:   newIndex(),
		logger:  logger.With("region", config.Name),
		recheck: recheckInterval,
	}
	r.eventsFresh = newFreshness(config.Name, time.Now, r.logState("The list of Events"), eventsResource)
	r.fresh = newFreshness(config.Name, time.Now, r.logState("The inventory"),
		clustersResource, monitorsResource, kstoneStreamName(kstoneClustersResource), kstoneStreamName(kstoneInspectionsResource))
	problem := config.Problem
	if problem == nil {
		problem = r.connect(base)
	}
	if problem != nil {
		r.misconfigured = upstream.New(upstream.Unexpected, "Its settings are wrong. "+strings.ReplaceAll(problem.Error(), "\n", "; ")+".", problem)
		r.fresh.signal("settings", r.misconfigured)
	}
	return r
}

// connect makes the clients. It asks the server for nothing.
func (r *region) connect(base httpclient.Options) error {
	addKstoneToScheme(r.scheme)
	if err := errors.Join(v1beta1.AddToScheme(r.scheme), corev1.AddToScheme(r.scheme)); err != nil {
		return err
	}
	r.codec = runtime.NewParameterCodec(r.scheme)
	var err error
	if r.http, r.transport, err = newHTTPClient(r.config, base); err != nil {
		return err
	}
	if r.etcd, err = newRESTClient(r.config.URL, "/apis", v1beta1.GroupVersion, r.scheme, r.http); err != nil {
		return err
	}
	r.core, err = newRESTClient(r.config.URL, "/api", corev1.SchemeGroupVersion, r.scheme, r.http)
	return err
}

// run watches and probes until ctx ends.
func (r *region) run(ctx context.Context) {
	if r.misconfigured != nil {
		return
	}
	var group sync.WaitGroup
	group.Go(func() {
		r.reflectOwn(ctx, clustersResource, &v1beta1.EtcdCluster{}, &v1beta1.EtcdClusterList{}, &feed[*v1beta1.EtcdCluster, *Cluster]{
			convert:  func(o *v1beta1.EtcdCluster) *Cluster { return newCluster(r.config.Name, o) },
			shelf:    r.index.clusters,
			onSynced: func() { r.fresh.synced(clustersResource) },
		})
	})
	group.Go(func() {
		r.reflectOwn(ctx, monitorsResource, &v1beta1.EtcdMonitor{}, &v1beta1.EtcdMonitorList{}, &feed[*v1beta1.EtcdMonitor, *Monitor]{
			convert:  func(o *v1beta1.EtcdMonitor) *Monitor { return newMonitor(r.config.Name, o) },
			shelf:    r.index.monitors,
			onSynced: func() { r.fresh.synced(monitorsResource) },
		})
	})
	for _, stream := range r.kstoneStreams() {
		group.Go(func() { r.followKstone(ctx, stream) })
	}
	group.Go(func() { r.followEvents(ctx) })
	group.Go(func() { r.probeForever(ctx) })
	group.Wait()
	r.transport.CloseIdleConnections()
}

// reflectOwn keeps a store equal to one of our resources until ctx ends.
func (r *region) reflectOwn(ctx context.Context, resource string, object, list runtime.Object, store cache.ReflectorStore) {
	report := func(ctx context.Context, err error) {
		// Where kstone alone manages clusters our resources are not missed, unless they were there before.
		if apierrors.IsNotFound(err) && r.kstoneReadable.Load() && r.index.clusters.isEmpty() {
			r.fresh.synced(resource)
			err = nil
		}
		r.signal(ctx, resource, err)
	}
	r.reflect(ctx, resource, r.listWatch(r.etcd, resource, list, report, everything), object, store)
}

// reflect keeps a store equal to what source lists and watches until ctx ends.
func (r *region) reflect(ctx context.Context, name string, source cache.ListerWatcher, object runtime.Object, store cache.ReflectorStore) {
	// client-go would log to standard error what freshness reports once for each change of state.
	silent := logr.Discard()
	reflector := cache.NewReflectorWithOptions(source, object, store, cache.ReflectorOptions{
		Name: r.config.Name + "/" + name, Logger: &silent, Backoff: &watchBackoff,
	})
	reflector.RunWithContext(klog.NewContext(ctx, silent))
}

// everything leaves the options of a list or watch as they are.
func everything(*metav1.ListOptions) {}

// listWatch lists and watches what narrow leaves of a resource, and reports how each request fared.
func (r *region) listWatch(
	client rest.Interface, resource string, list runtime.Object, report func(context.Context, error), narrow func(*metav1.ListOptions),
) cache.ListerWatcher {
	request := func(options metav1.ListOptions) *rest.Request {
		narrow(&options)
		return client.Get().NamespaceIfScoped(r.config.Namespace, r.config.Namespace != "").Resource(resource).VersionedParams(&options, r.codec)
	}
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			ctx, cancel := context.WithTimeout(ctx, listTimeout)
			defer cancel()
			into := list.DeepCopyObject()
			err := request(options).Do(ctx).Into(into)
			report(ctx, err)
			return into, err
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.Watch = true
			watcher, err := request(options).Watch(ctx)
			// A server without streaming lists refuses one as invalid; client-go then lists the old way.
			if !apierrors.IsInvalid(err) {
				report(ctx, err)
			}
			return watcher, err
		},
	}
}

// signal passes on how a request fared, except when it was cut short because the instance ends.
func (r *region) signal(ctx context.Context, source string, err error) {
	if !errors.Is(ctx.Err(), context.Canceled) {
		r.fresh.signal(source, r.server.Explain(err))
	}
}

func (r *region) probeForever(ctx context.Context) {
	for {
		err := r.probe(ctx)
		r.signal(ctx, probeSignal, err)
		if err == nil {
			r.eventsFresh.signal(probeSignal, nil) // their watch is silent for long
		}
		pause := probeInterval
		if r.fresh.current().State != Live {
			pause = reprobeInterval
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

func (r *region) logState(what string) func(Status) {
	return func(s Status) {
		if s.Err != nil {
			r.logger.Warn(what+" of a region is not current", "state", s.State, "since", s.Since, "error", s.Err)
			return
		}
		r.logger.Info(what+" of a region changed its state", "state", s.State)
	}
}
