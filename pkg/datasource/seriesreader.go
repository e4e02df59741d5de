package datasource

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend/log"

	"github.com/etcdfleet/etcd-fleet/pkg/confine"
	"github.com/etcdfleet/etcd-fleet/pkg/inventory"
	"github.com/etcdfleet/etcd-fleet/pkg/thanos"
	"github.com/etcdfleet/etcd-fleet/pkg/upstream"
)

// targetsMetric has what is promised to groups of clusters, and no label cluster.
const targetsMetric = "spec:etcd_slo_target:ratio"

// someSeriesMissing stands for what Thanos says of stores, whose names and addresses are internals.
const someSeriesMissing = "some series are missing"

// seriesReader asks Thanos. It is the only way to series, so that no query of any kind reads those out of a fixed scope.
type seriesReader struct {
	client *thanos.Client
	// fence is nil for an instance that shows everything.
	fence *confine.Fence
	// hidesInternals replaces what servers say by sentences of our own; the log keeps it.
	hidesInternals bool
	// showsSeries is set where series are shown as they are, so that their hidden labels must go.
	showsSeries bool
	logger      func() log.Logger
}

func newSeriesReader(client *thanos.Client, v view, logger func() log.Logger) (*seriesReader, error) {
	r := &seriesReader{client: client, hidesInternals: v.hidesInternals, logger: logger}
	if !v.isLimited() {
		return r, nil
	}
	var limits []confine.Limit
	for _, dimension := range dimensions {
		limits = append(limits, confine.Limit{Label: dimension, Values: valuesIn(v.scope, dimension)})
	}
	var err error
	r.fence, err = confine.New(limits...)
	if err != nil {
		return nil, fmt.Errorf("jsonData.fixedScope.%w", err)
	}
	return r, nil
}

// valuesIn are the wanted values of one of the dimensions.
func valuesIn(scope inventory.Scope, dimension string) []string {
	switch dimension {
	case "region":
		return scope.Region
	case "product":
		return scope.Product
	case "scene":
		return scope.Scene
	case "spec":
		return scope.Spec
	}
	return scope.Cluster
}

// forUsers returns the reader for expressions that users write, and series that they see as they are.
func (r *seriesReader) forUsers() *seriesReader {
	if !r.hidesInternals {
		return r
	}
	reader := *r
	reader.showsSeries = true
	reader.fence = r.fence.Hiding(isHiddenLabel)
	return &reader
}

// forTargets returns the reader that also reads the targets of the clusters' groups. They must not be shown as they are.
func (r *seriesReader) forTargets() *seriesReader {
	if r.fence == nil {
		return r
	}
	reader := *r
	reader.fence = r.fence.Lacking(targetsMetric, "cluster")
	return &reader
}

// Query evaluates expr at one time.
func (r *seriesReader) Query(ctx context.Context, expr string, at time.Time) (*thanos.Result, error) {
	return r.read(ctx, expr, func(confined string) (*thanos.Result, error) { return r.client.Query(ctx, confined, at) })
}

// QueryRange evaluates expr at every step of a range.
func (r *seriesReader) QueryRange(ctx context.Context, expr string, over thanos.Range) (*thanos.Result, error) {
	return r.read(ctx, expr, func(confined string) (*thanos.Result, error) { return r.client.QueryRange(ctx, confined, over) })
}

func (r *seriesReader) read(ctx context.Context, expr string, ask func(string) (*thanos.Result, error)) (*thanos.Result, error) {
	if r.fence != nil {
		confined, err := r.fence.Confine(expr)
		if err != nil {
			return nil, upstream.New(upstream.BadQuery, "The query "+err.Error()+".", err)
		}
		expr = confined
	}
	result, err := ask(expr)
	if !r.hidesInternals {
		return result, err
	}
	if err != nil {
		return nil, r.withoutInternals(ctx, err)
	}
	if len(result.Warnings.Partial) > 0 {
		r.logger().FromContext(ctx).Warn("Thanos answered in part", "warnings", result.Warnings.Partial)
		result.Warnings.Partial = []string{someSeriesMissing}
	}
	result.Warnings.PromQL = nil // they quote series
	if r.showsSeries {
		for _, series := range result.Series {
			maps.DeleteFunc(series.Labels, func(label, _ string) bool { return isHiddenLabel(label) })
		}
	}
	return result, nil
}

// withoutInternals returns the error in words that name no server and quote no series.
func (r *seriesReader) withoutInternals(ctx context.Context, err error) error {
	explained, ok := errors.AsType[*upstream.Error](err)
	if !ok {
		return err // the context's
	}
	r.logger().FromContext(ctx).Warn("Thanos did not answer a query", "error", err)
	switch explained.Reason {
	case upstream.BadQuery:
		return upstream.New(explained.Reason, "The query could not be evaluated: simplify it, or ask for fewer series.", nil)
	case upstream.Timeout:
		return upstream.New(explained.Reason, "The query took too long: narrow the scope or the time range.", nil)
	}
	return upstream.New(explained.Reason, "The metrics cannot be read at the moment.", nil)
}

// lost says which stores' series are missing from answers, as far as users may know.
func (r *seriesReader) lost(stores []thanos.Store) []string {
	if r.hidesInternals && len(stores) > 0 {
		return []string{someSeriesMissing}
	}
	texts := make([]string, len(stores))
	for i, store := range stores {
		texts[i] = fmt.Sprintf("the series of its store %s %s are missing: %s", store.Name, store.Labels, store.Error)
	}
	return texts
}

// Stores returns what Thanos reads from, for the logs and those who run it.
func (r *seriesReader) Stores(ctx context.Context) ([]thanos.Store, error) {
	return r.client.Stores(ctx)
}

// Version returns the version of Thanos, for those who run it.
func (r *seriesReader) Version(ctx context.Context) (string, error) { return r.client.Version(ctx) }

// shownLabels are the labels of series that remain where internals are hidden. Others, which may be new, are internals:
// hosts, zones, members, addresses.
var shownLabels = slices.Concat(dimensions, []string{
	"__name__", "job", "kubernetes_cluster", "le", "quantile", "type",
	"objective", "sli", "events", "check", "outcome",
	"alertname", "alertstate", "severity", "urgency",
	"grpc_service", "grpc_method", "grpc_type", "grpc_code", "operation", "resource", "verb", "code",
	"server_version", "cluster_version",
})

func isHiddenLabel(label string) bool { return !slices.Contains(shownLabels, label) }
