package targets

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"sigs.k8s.io/controller-runtime/pkg/certwatcher"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

// Path is where the targets are served.
const Path = "/v1/targets/etcd"

const (
	// syncTimeout is how long a request waits for the first synchronisation with the API server.
	syncTimeout = 5 * time.Second

	readTimeout     = 5 * time.Second
	writeTimeout    = 30 * time.Second
	idleTimeout     = 2 * time.Minute
	shutdownTimeout = 5 * time.Second
)

// server answers Prometheus from the informer cache. It is a manager.Runnable.
type server struct {
	address string
	handler http.Handler

	// certificates is nil for plain text.
	certificates *certwatcher.CertWatcher
}

// Start serves until ctx ends.
func (s *server) Start(ctx context.Context) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.address)
	if err != nil {
		return fmt.Errorf("serve targets: %w: choose another --targets-bind-address", err)
	}
	log.FromContext(ctx).Info("serving targets", "address", listener.Addr().String(), "path", Path, "tls", s.certificates != nil)
	if s.certificates != nil {
		listener = tls.NewListener(listener, tlsConfig(s.certificates))
		go func() {
			if err := s.certificates.Start(ctx); err != nil {
				log.FromContext(ctx).Error(err, "a new certificate of --targets-tls-cert-file is noticed at the next start only")
			}
		}()
	}
	server := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: readTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve targets: %w", err)
	case <-ctx.Done():
		// ctx has ended, so the requests under way get a time of their own.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		return server.Shutdown(ctx)
	}
}

// newHandler returns the handler of Path, for those whom the options let through. clusters is the informer cache, which
// answers only once it knows the fleet.
func newHandler(clusters client.Reader, options Options) (http.Handler, error) {
	h := &handler{
		clusters: clusters,
		region:   options.Region,
		served: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "etcdfleet_targets",
			Help: "Members in the last answer to Prometheus.",
		}),
	}
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "etcdfleet_targets_requests_total",
		Help: "Requests for the targets by HTTP status code.",
	}, []string{"code"})
	duration := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "etcdfleet_targets_request_duration_seconds",
		Help:    "How long it took to answer requests for the targets.",
		Buckets: prometheus.ExponentialBuckets(0.001, 4, 7),
	}, nil)
	if err := errors.Join(options.Metrics.Register(h.served), options.Metrics.Register(requests), options.Metrics.Register(duration)); err != nil {
		return nil, fmt.Errorf("register the metrics of the targets: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+Path, promhttp.InstrumentHandlerCounter(requests, promhttp.InstrumentHandlerDuration(duration, options.Access.authorize(h))))
	return mux, nil
}

type handler struct {
	clusters client.Reader
	region   string
	served   prometheus.Gauge
}

// ServeHTTP answers with the targets of the fleet. Prometheus keeps what it knows when the answer is not 200, so an
// incomplete list, which would end the scrape of whatever is missing, is never sent.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), syncTimeout)
	defer cancel()
	var clusters etcdv1beta1.EtcdClusterList
	// The list is only read, and copying the fleet at each request would cost more than anything else here.
	if err := h.clusters.List(ctx, &clusters, client.UnsafeDisableDeepCopy); err != nil {
		http.Error(w, "the EtcdClusters are not known yet, check that the API server can be reached: "+err.Error(),
			http.StatusServiceUnavailable)
		return
	}
	fleet := Fleet(clusters.Items, h.region)
	body, err := json.Marshal(fleet)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	h.served.Set(float64(len(fleet)))
	w.Header().Set("Content-Type", "application/json")
	if _, err := w.Write(body); err != nil {
		log.FromContext(r.Context()).V(1).Info("a client went away", "error", err.Error())
	}
}
