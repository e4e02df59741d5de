// Package managerflags holds the command-line flags that all programs built on a controller manager share, and builds
// the manager from them.
package managerflags

import (
	"errors"
	"flag"
	"fmt"
	"net/http"
	"time"

	"go.uber.org/zap/zapcore"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/rights"
)

const (
	// shutdownTimeout is what work under way gets when the program is asked to stop.
	shutdownTimeout = 20 * time.Second

	// qps and burst keep a defect from flooding the API server. 60,000 inspections in 5 minutes write 200 times per second.
	qps   = 400
	burst = 800
)

// Flags are the values of the shared flags. controller-runtime adds --kubeconfig by itself.
type Flags struct {
	namespaces  namespaces
	region      string
	metricsAddr string
	healthAddr  string
	pprofAddr   string
	logLevel    zapcore.Level
}

// Bind declares the flags.
func Bind(flags *flag.FlagSet) *Flags {
	f := &Flags{logLevel: zapcore.InfoLevel}
	flags.Var(&f.namespaces, "namespaces", "the namespaces to serve, for example gz,sh, each with the roles of deploy/rbac/namespace; "+
		"* means all, which takes those of deploy/rbac/all-namespaces")
	flags.Var(&f.namespaces, "namespace", "deprecated: use --namespaces")
	flags.StringVar(&f.region, "region", "",
		"the region of the API server: objects of another spec.region are neither scraped nor inspected; empty means any region")
	flags.StringVar(&f.metricsAddr, "metrics-bind-address", ":8080", "where /metrics is served; 0 means nowhere")
	flags.StringVar(&f.healthAddr, "health-probe-bind-address", ":8081",
		"where /healthz and /readyz are served; 0 means nowhere")
	flags.StringVar(&f.pprofAddr, "pprof-bind-address", "0",
		"where Go's profiles are served, for whoever can reach it; 0 means nowhere")
	flags.TextVar(&f.logLevel, "log-level", f.logLevel, "debug, info, warn or error")
	return f
}

// Region is the API server's region; empty means any.
func (f *Flags) Region() string { return f.region }

// Namespaces are those that are served; none means all.
func (f *Flags) Namespaces() []string {
	if f.namespaces.all() {
		return nil
	}
	return f.namespaces
}

// SetLogger makes all logs of the process go to standard error as JSON.
func (f *Flags) SetLogger() {
	logger := zap.New(zap.Level(f.logLevel))
	ctrl.SetLogger(logger)
	klog.SetLogger(logger)
}

// NewManager returns a manager for the API server that --kubeconfig, or else the Pod's service account, names. needed is
// what the program must be allowed in each namespace that it serves; adapt changes the options for it.
func (f *Flags) NewManager(needed []rights.Right, adapt ...func(*ctrl.Options)) (ctrl.Manager, error) {
	if len(f.namespaces) == 0 {
		return nil, errors.New("the namespaces to serve are not known: set --namespaces, for example to gz,sh, or to * for all")
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return nil, fmt.Errorf("find the API server: %w: set --kubeconfig", err)
	}
	config.QPS, config.Burst = qps, burst

	shutdown := shutdownTimeout
	options := ctrl.Options{
		Scheme:                  newScheme(),
		Cache:                   f.cacheOptions(),
		Metrics:                 metricsserver.Options{BindAddress: f.metricsAddr},
		HealthProbeBindAddress:  f.healthAddr,
		PprofBindAddress:        f.pprofAddr,
		GracefulShutdownTimeout: &shutdown,
	}
	for _, change := range adapt {
		change(&options)
	}
	mgr, err := ctrl.NewManager(config, options)
	if err != nil {
		return nil, fmt.Errorf("set up the manager: %w", err)
	}
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return nil, err
	}
	synced := cacheSync{informers: mgr.GetCache(), client: mgr.GetClient(), needed: needed, namespaces: f.namespaces}
	if err := mgr.Add(&synced); err != nil {
		return nil, err
	}
	return mgr, mgr.AddReadyzCheck("cache", func(request *http.Request) error { return synced.err(request.Context()) })
}

func (f *Flags) cacheOptions() cache.Options {
	options := cache.Options{DefaultTransform: cache.TransformStripManagedFields()}
	if !f.namespaces.all() {
		options.DefaultNamespaces = map[string]cache.Config{}
		for _, namespace := range f.namespaces {
			options.DefaultNamespaces[namespace] = cache.Config{}
		}
	}
	return options
}

func newScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(etcdv1beta1.AddToScheme(scheme))
	return scheme
}
