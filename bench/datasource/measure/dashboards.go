package main

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/etcdfleet/etcd-fleet/bench/inspect/command"
)

const (
	// Of the dashboards that are opened at once, one in five is of the whole fleet.
	openedTier1, openedTier3 = 10, 40

	// connections is how many requests a browser has under way for a host.
	connections = 6
)

// dashboardFigures are the times until the dashboards of one kind were complete, in seconds.
type dashboardFigures struct {
	Name     string  `json:"name"`
	Opened   int     `json:"opened"`
	Panels   int     `json:"panels"`
	P50      float64 `json:"p50"`
	Max      float64 `json:"max"`
	PanelP50 float64 `json:"panelP50"`
	PanelP99 float64 `json:"panelP99"`
	// Failed is the number of panels without an answer, FirstFailure why.
	Failed       int    `json:"failed"`
	FirstFailure string `json:"firstFailure,omitempty"`
}

// opening collects the times of the dashboards of one kind.
type opening struct {
	mu                 sync.Mutex
	dashboards, panels []float64
	failures           []string
}

// measureDashboards opens a tier-1 dashboard alone, then fifty dashboards at once, each with the requests that a browser sends.
func measureDashboards(ctx context.Context, d datasource, f *fleet, o options, result *figures) error {
	tier1, err := readPanels("tier1-overview")
	if err != nil {
		return err
	}
	tier3, err := readPanels("tier3-cluster")
	if err != nil {
		return err
	}
	all := variables{all: valuesOfVariables(f)}
	rotating := f.rotation()
	record := func(name string, of *opening, panels, opened int) {
		figures := dashboardFigures{
			Name: name, Opened: opened, Panels: panels, Failed: len(of.failures),
			P50: quantile(of.dashboards, 0.5), Max: quantile(of.dashboards, 1),
			PanelP50: quantile(of.panels, 0.5), PanelP99: quantile(of.panels, 0.99),
		}
		if figures.Failed > 0 {
			figures.FirstFailure = of.failures[0]
		}
		result.Dashboards = append(result.Dashboards, figures)
	}
	for _, alone := range []struct {
		name   string
		panels []panel
		values variables
	}{{"tier 1 alone", tier1, all}, {"tier 3 alone", tier3, ofCluster(rotating[0])}} {
		if err := command.Sleep(ctx, forgotten); err != nil {
			return err
		}
		command.Progress("Opening a dashboard: %s …", alone.name)
		of := &opening{}
		if err := of.open(ctx, d, alone.panels, alone.values); err != nil {
			return err
		}
		record(alone.name, of, len(alone.panels), 1)
	}
	command.Progress("Opening %d dashboards at once …", openedTier1+openedTier3)
	meter := startMeter(o.rootPID)
	overviews, clusters := &opening{}, &opening{}
	group, ctx := errgroup.WithContext(ctx)
	for range openedTier1 {
		group.Go(func() error { return overviews.open(ctx, d, tier1, all) })
	}
	for i := range openedTier3 {
		group.Go(func() error { return clusters.open(ctx, d, tier3, ofCluster(rotating[i%len(rotating)])) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	result.Others["50 dashboards"] = meter.others()
	record("tier 1 of 50", overviews, len(tier1), openedTier1)
	record("tier 3 of 50", clusters, len(tier3), openedTier3)
	return nil
}

// open requests all panels of a dashboard.
func (o *opening) open(ctx context.Context, d datasource, panels []panel, v variables) error {
	begin := time.Now()
	var group errgroup.Group
	group.SetLimit(connections)
	for _, p := range panels {
		queries, err := p.queries(v)
		if err != nil {
			return err
		}
		group.Go(func() error {
			asked := time.Now()
			_, err := ask(ctx, d, queries...)
			o.mu.Lock()
			defer o.mu.Unlock()
			o.panels = append(o.panels, time.Since(asked).Seconds())
			if err != nil {
				o.failures = append(o.failures, p.Title+": "+err.Error())
			}
			return nil
		})
	}
	_ = group.Wait() // failures are counted
	o.mu.Lock()
	defer o.mu.Unlock()
	o.dashboards = append(o.dashboards, time.Since(begin).Seconds())
	return ctx.Err()
}
