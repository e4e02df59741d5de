package main

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"golang.org/x/time/rate"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	requestTimeout    = 5 * time.Second
	keepAliveInterval = 5 * time.Second
	keepAliveTimeout  = 3 * time.Second

	// workers is more than one so that a paused member does not stop the requests to the others.
	workers = 4

	seedBatch    = 50
	seedPause    = 100 * time.Millisecond
	retryPause   = time.Second
	compactEvery = time.Minute
	eventTTL     = 10 * time.Minute
)

var requests = promauto.NewCounterVec(prometheus.CounterOpts{
	Name: "etcdfleet_traffic_requests_total",
	Help: "Requests that the traffic generator made, by cluster, kind of request and gRPC code.",
}, []string{"cluster", "request", "code"})

// load is the traffic of one cluster.
type load struct {
	config  clusterConfig
	keys    keySpace
	client  *clientv3.Client
	limiter *rate.Limiter
	mix     []request

	// eventLease is shared by events and replaced after half of its time, as API servers do.
	eventLease eventLease
}

// request is a kind of request and its share of all requests.
type request struct {
	name   string
	weight int
	send   func(context.Context) error
}

func newLoad(config clusterConfig) (*load, error) {
	clientConfig := clientv3.Config{
		Endpoints:            config.Endpoints,
		DialKeepAliveTime:    keepAliveInterval,
		DialKeepAliveTimeout: keepAliveTimeout,
		PermitWithoutStream:  true,
		Logger:               zap.NewNop(),
	}
	if config.TLS != nil {
		tlsConfig, err := config.TLS.load()
		if err != nil {
			return nil, err
		}
		clientConfig.TLS = tlsConfig
	}
	client, err := clientv3.New(clientConfig)
	if err != nil {
		return nil, err
	}
	l := &load{
		config:  config,
		keys:    keySpace{objects: config.Objects},
		client:  client,
		limiter: rate.NewLimiter(rate.Limit(config.RequestsPerSecond), workers),
	}
	if config.HotKey != "" {
		l.mix = []request{{"hot-key", 1, l.writeHotKey}}
		return l, nil
	}
	if config.ListsEverything {
		l.mix = []request{{"list-all", 1, l.listAll}}
		return l, nil
	}
	l.mix = []request{
		{"get", 30, l.get},
		{"list", 10, l.list},
		{"update", 30, l.update},
		{"renew", 15, l.renew},
		{"recreate", 5, l.recreate},
		{"event", 10, l.event},
	}
	return l, nil
}

func (l *load) close() {
	_ = l.client.Close()
}

// run sends requests until ctx ends, whatever happens to the cluster.
func (l *load) run(ctx context.Context) {
	var running sync.WaitGroup
	if l.config.keepsObjects() {
		running.Go(func() { l.watch(ctx) })
		running.Go(func() { l.compact(ctx) })
		l.seed(ctx)
	}
	for range workers {
		running.Go(func() { l.work(ctx) })
	}
	running.Wait()
}

// work sends requests at random. The weight of a kind determines how often it is sent.
func (l *load) work(ctx context.Context) {
	for l.limiter.Wait(ctx) == nil {
		l.do(ctx, pick(l.mix, rand.IntN))
	}
}

// do sends one request, counts its result, and waits a little after a failure.
func (l *load) do(ctx context.Context, r request) {
	timed, cancel := context.WithTimeout(ctx, requestTimeout)
	err := r.send(timed)
	cancel()
	if ctx.Err() != nil {
		return
	}
	requests.WithLabelValues(l.config.Name, r.name, codeOf(err).String()).Inc()
	if err != nil {
		slog.Warn("request failed", "cluster", l.config.Name, "request", r.name, "error", err)
		pause(ctx, retryPause)
	}
}

// pick chooses one of the requests. randomBelow returns a number from 0 to below its argument.
func pick(mix []request, randomBelow func(int) int) request {
	total := 0
	for _, r := range mix {
		total += r.weight
	}
	at := randomBelow(total)
	for _, r := range mix {
		if at < r.weight {
			return r
		}
		at -= r.weight
	}
	panic("randomBelow returned more than it was asked for")
}

// codeOf returns OK for no error, and Unknown for an error without a code, such as one of the client itself.
func codeOf(err error) codes.Code {
	if fromContext := status.FromContextError(err); fromContext.Code() != codes.Unknown {
		return fromContext.Code()
	}
	return status.Code(err)
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
