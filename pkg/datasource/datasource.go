// Package datasource is the backend of the Grafana datasource etcdfleet-slo-datasource: it answers queries, runs
// inspections and checks its own configuration. docs/datasource.md is its contract.
package datasource

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/httpclient"
	"github.com/grafana/grafana-plugin-sdk-go/backend/instancemgmt"
	"github.com/grafana/grafana-plugin-sdk-go/backend/log"
	"github.com/grafana/grafana-plugin-sdk-go/backend/resource/httpadapter"
	"github.com/grafana/grafana-plugin-sdk-go/experimental/concurrent"

	"github.com/etcdfleet/etcd-fleet/pkg/inventory"
	"github.com/etcdfleet/etcd-fleet/pkg/thanos"
	"github.com/etcdfleet/etcd-fleet/pkg/upstream"
)

const (
	// firstSyncPatience is how long a query waits for regions that are being read for the first time.
	firstSyncPatience = 3 * time.Second

	// storesLifetime and storesTimeout bound how often and how long Thanos is asked for its stores.
	storesLifetime = 10 * time.Second
	storesTimeout  = 3 * time.Second

	// maxQueriesAtOnce is how many queries of one request run at the same time.
	maxQueriesAtOnce = 10

	statusClientClosedRequest backend.Status = 499
)

// Datasource is one configured datasource. It is safe for concurrent use.
type Datasource struct {
	backend.CallResourceHandler

	settings  settings
	inventory *inventory.Inventory
	thanos    *seriesReader
	metrics   *memo[*fleetMetrics]
	lost      *memo[[]thanos.Store]
	logger    log.Logger
	// transport is what asks Thanos in the end; the SDK hides it, so that idle connections have to be closed by hand.
	transport *http.Transport
}

var (
	_ backend.QueryDataHandler      = (*Datasource)(nil)
	_ backend.CheckHealthHandler    = (*Datasource)(nil)
	_ instancemgmt.InstanceDisposer = (*Datasource)(nil)
)

// New returns a datasource that watches its regions in the background until it is disposed of. With a configuration
// that cannot work it returns an instance that answers everything with what is wrong: an error here would reach users
// as "an error occurred in the plugin".
func New(ctx context.Context, instance backend.DataSourceInstanceSettings) (instancemgmt.Instance, error) {
	d, err := newDatasource(ctx, instance)
	if err != nil {
		return &misconfigured{err}, nil //nolint:nilerr // the instance reports it
	}
	return d, nil
}

func newDatasource(ctx context.Context, instance backend.DataSourceInstanceSettings) (*Datasource, error) {
	parsed, err := parseSettings(instance)
	if err != nil {
		return nil, err
	}
	options, err := instance.HTTPClientOptions(ctx)
	if err != nil {
		return nil, err
	}
	d := &Datasource{settings: parsed, logger: backend.Logger.With("datasource", instance.UID)}
	client, err := d.newHTTPClient(options)
	if err != nil {
		return nil, fmt.Errorf("the datasource's HTTP settings: %w", err)
	}
	d.thanos, err = newSeriesReader(thanos.New(client, parsed.thanosURL), parsed.view, func() log.Logger { return d.logger })
	if err != nil {
		return nil, err
	}
	d.inventory = inventory.New(parsed.regions, parsed.view.ofInventory(), options, d.logger) //nolint:contextcheck // it outlives ctx
	d.metrics = newMemo(metricsLifetime, parsed.queryTimeout, func(ctx context.Context, matchers string) (*fleetMetrics, error) {
		return fetchClusterMetrics(ctx, d.thanos, matchers)
	})
	d.lost = newMemo(storesLifetime, storesTimeout, func(ctx context.Context, _ string) ([]thanos.Store, error) {
		return d.fetchLostStores(ctx), nil
	})
	d.CallResourceHandler = httpadapter.New(d.resources())
	return d, nil
}

// newHTTPClient returns the client for Thanos, with the authentication, TLS and proxy of Grafana's HTTP settings.
func (d *Datasource) newHTTPClient(options httpclient.Options) (*http.Client, error) {
	options.Timeouts.Timeout = d.settings.queryTimeout
	options.ConfigureTransport = func(_ httpclient.Options, transport *http.Transport) { d.transport = transport }
	options.ConfigureClient = func(_ httpclient.Options, client *http.Client) {
		// Credentials must not follow a redirect to another host.
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	return httpclient.New(options)
}

// Dispose stops all that runs in the background.
func (d *Datasource) Dispose() {
	d.inventory.Close()
	d.transport.CloseIdleConnections()
}

// QueryData answers each query by itself: one that fails does not hide the others.
func (d *Datasource) QueryData(ctx context.Context, request *backend.QueryDataRequest) (*backend.QueryDataResponse, error) {
	answer := func(ctx context.Context, q concurrent.Query) backend.DataResponse {
		return d.answer(ctx, q.DataQuery, isFromAlert(request))
	}
	return concurrent.QueryData(ctx, request, answer, maxQueriesAtOnce)
}

func (d *Datasource) answer(ctx context.Context, request backend.DataQuery, fromAlert bool) backend.DataResponse {
	ctx, cancel := context.WithTimeout(ctx, d.settings.queryTimeout)
	defer cancel()
	parsed, asked, err := d.settings.view.parseQuery(request.JSON)
	if err != nil {
		return d.failure(ctx, err)
	}
	if fromAlert {
		parsed = ruleQuery{parsed}
	}
	frames, err := parsed.run(ctx, d, request)
	if err != nil {
		return d.failure(ctx, err)
	}
	if d.settings.view.hidesInternals {
		asked.conceal(frames)
	}
	return backend.DataResponse{Frames: frames, Status: backend.StatusOK}
}

// failure is the answer to a query that failed. All but our own mistakes are the fault of something downstream of the
// plugin, as Grafana counts: the user's query or another server.
func (d *Datasource) failure(ctx context.Context, err error) backend.DataResponse {
	downstream := func(status backend.Status) backend.DataResponse {
		return backend.ErrDataResponseWithSource(status, backend.ErrorSourceDownstream, err.Error())
	}
	if _, ok := errors.AsType[*fieldError](err); ok {
		return downstream(backend.StatusBadRequest)
	}
	if explained, ok := errors.AsType[*upstream.Error](err); ok {
		switch explained.Reason {
		case upstream.BadQuery:
			return downstream(backend.StatusBadRequest)
		case upstream.Timeout:
			return downstream(backend.StatusTimeout)
		}
		return downstream(backend.StatusBadGateway)
	}
	if errors.Is(err, context.Canceled) {
		return downstream(statusClientClosedRequest)
	}
	d.logger.FromContext(ctx).Error("A query failed in the plugin", "error", err)
	return backend.ErrDataResponseWithSource(backend.StatusInternal, backend.ErrorSourcePlugin, err.Error())
}

// lostStores says which series are missing because Thanos has no contact to their stores.
func (d *Datasource) lostStores(ctx context.Context) []string {
	lost, _ := d.lost.get(ctx, "") // The only error is that nobody waits for the answer any more.
	return d.thanos.lost(lost)
}

// fetchLostStores returns none when Thanos does not answer, so that queries do not suffer from it.
func (d *Datasource) fetchLostStores(ctx context.Context) []thanos.Store {
	stores, err := d.thanos.Stores(ctx)
	if err != nil {
		d.logger.FromContext(ctx).Warn("Thanos does not tell its stores: partial answers may go unnoticed", "error", err)
	}
	return slices.DeleteFunc(stores, func(store thanos.Store) bool { return store.Error == "" })
}
