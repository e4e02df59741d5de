package main

import (
	"context"
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/bench/inspect/command"
)

// listFigures compare an answer from the datasource's memory with what a datasource without one would wait for: a LIST of the
// objects for each query. Times are medians, in seconds.
type listFigures struct {
	Name    string  `json:"name"`
	Objects int     `json:"objects"`
	List    float64 `json:"list"`
	Query   float64 `json:"query"`
}

// measureLists asks the API server for the objects of one cluster and of a region, each time beside the query of kind
// inspections with the same scope. For all 120,000 objects of a fleet the API server takes more memory than the machine has, and
// the answer does not arrive.
func measureLists(ctx context.Context, d datasource, c client.Client, f *fleet, o options, result *figures) error {
	one := f.faulty()[0].Labels
	inRegion := client.InNamespace(one.Region)
	for _, scope := range []struct {
		name  string
		runs  int
		scope map[string]string
		list  []client.ListOption
	}{
		{"one cluster", 20, map[string]string{"region": one.Region, "cluster": one.Cluster}, []client.ListOption{inRegion, client.MatchingLabels{"clusterName": one.Cluster}}},
		{"a region", 5, map[string]string{"region": one.Region}, []client.ListOption{inRegion}},
	} {
		command.Progress("Comparing with LIST: %s …", scope.name)
		figures := listFigures{Name: scope.name}
		var lists, queries []float64
		for range min(o.runs, scope.runs) {
			begin := time.Now()
			var clusters v1beta1.EtcdClusterList
			var monitors v1beta1.EtcdMonitorList
			if err := c.List(ctx, &clusters, scope.list...); err != nil {
				return fmt.Errorf("list EtcdClusters of %s: %w", scope.name, err)
			}
			if err := c.List(ctx, &monitors, scope.list...); err != nil {
				return fmt.Errorf("list EtcdMonitors of %s: %w", scope.name, err)
			}
			lists = append(lists, time.Since(begin).Seconds())
			figures.Objects = len(clusters.Items) + len(monitors.Items)
			got, err := ask(ctx, d, ofScope("inspections", scope.scope, nil).as("inspections"))
			if err != nil {
				return err
			}
			queries = append(queries, got.seconds)
		}
		figures.List, figures.Query = quantile(lists, 0.5), quantile(queries, 0.5)
		result.Lists = append(result.Lists, figures)
	}
	return nil
}
