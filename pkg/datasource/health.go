package datasource

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"

	"github.com/etcdfleet/etcd-fleet/pkg/inventory"
)

// healthTimeout bounds the check of each server.
const healthTimeout = 10 * time.Second

// healthEntry is the result for Thanos or one region.
type healthEntry struct {
	Name    string `json:"name"`
	OK      bool   `json:"ok"`
	Message string `json:"message"`
	Version string `json:"version,omitempty"`
}

// healthDetails are the result's JSON details. Grafana shows the verbose message under the result.
type healthDetails struct {
	Checks         []healthEntry `json:"checks"`
	VerboseMessage string        `json:"verboseMessage"`
}

// CheckHealth tests Thanos and every region at the same time and names what is wrong with which. Where internals are hidden,
// only administrators are told what.
func (d *Datasource) CheckHealth(ctx context.Context, request *backend.CheckHealthRequest) (*backend.CheckHealthResult, error) {
	thanosEntry := make(chan healthEntry, 1)
	go func() { thanosEntry <- d.checkThanos(ctx) }()
	regions := d.inventory.Check(ctx)
	entries := []healthEntry{<-thanosEntry}
	for _, region := range regions {
		entries = append(entries, regionEntry(region))
	}
	if len(regions) == 0 {
		entries = append(entries, healthEntry{Name: "Regions", OK: true, Message: "none is configured: add one to see clusters and inspections"})
	}
	if d.settings.view.hidesInternals && !isAdmin(request.PluginContext.User) {
		for i := range entries {
			entries[i] = d.withoutInternals(ctx, entries[i])
		}
	}
	return healthResult(entries)
}

func isAdmin(user *backend.User) bool { return user != nil && role(user.Role).atLeast(roleAdmin) }

// withoutInternals keeps whether something works, and leaves the rest to the log.
func (d *Datasource) withoutInternals(ctx context.Context, entry healthEntry) healthEntry {
	if entry.OK {
		return healthEntry{Name: entry.Name, OK: true, Message: "works"}
	}
	d.logger.FromContext(ctx).Warn("The check of a datasource that hides internals failed", "of", entry.Name, "message", entry.Message)
	return healthEntry{Name: entry.Name, Message: "does not work: an administrator who tests the datasource sees why."}
}

func (d *Datasource) checkThanos(ctx context.Context) healthEntry {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	entry := healthEntry{Name: "Thanos"}
	if _, err := d.thanos.client.Query(ctx, "vector(1)", time.Now()); err != nil {
		entry.Message = err.Error()
		return entry
	}
	entry.OK = true
	entry.Message = "works"
	// Not every server with the Prometheus API reports its version and stores: queries work without them.
	if version, err := d.thanos.Version(ctx); err == nil {
		entry.Version = version
	}
	if lost, _ := d.lost.get(ctx, ""); len(lost) > 0 { // as in lostStores
		var names []string
		for _, store := range lost[:min(len(lost), maxNotices)] {
			names = append(names, store.Name)
		}
		if more := len(lost) - len(names); more > 0 {
			names = append(names, fmt.Sprintf("and %s more", thousands(more)))
		}
		entry.Message = "works, but has lost the stores " + strings.Join(names, ", ") + ": answers are partial"
	}
	return entry
}

func regionEntry(result inventory.CheckResult) healthEntry {
	entry := healthEntry{Name: result.Region, Version: result.Version, OK: result.Err == nil, Message: "works"}
	switch {
	case result.Err != nil:
		entry.Message = result.Err.Error()
	case result.Note != "":
		entry.Message = "works; " + result.Note
	}
	return entry
}

func healthResult(entries []healthEntry) (*backend.CheckHealthResult, error) {
	var works, broken, lines []string
	for _, entry := range entries {
		line := fmt.Sprintf("%s: %s", entry.Name, entry.Message)
		lines = append(lines, line)
		if entry.OK {
			works = append(works, line)
		} else {
			broken = append(broken, line)
		}
	}
	details, err := json.Marshal(healthDetails{Checks: entries, VerboseMessage: strings.Join(lines, "\n")})
	if err != nil {
		return nil, err
	}
	if len(broken) > 0 {
		return &backend.CheckHealthResult{Status: backend.HealthStatusError, Message: strings.Join(broken, " "), JSONDetails: details}, nil
	}
	return &backend.CheckHealthResult{Status: backend.HealthStatusOk, Message: strings.Join(works, ", ") + ".", JSONDetails: details}, nil
}
