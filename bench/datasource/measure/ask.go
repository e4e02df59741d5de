package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/etcdfleet/etcd-fleet/bench/inspect/command"
	"github.com/etcdfleet/etcd-fleet/bench/inspect/servers"
	plugin "github.com/etcdfleet/etcd-fleet/pkg/datasource"
)

const (
	syncTimeout = 10 * time.Minute

	// What Grafana sends for a panel of the last hour, about 500 pixels wide, with the datasource's scrape interval.
	shownRange    = time.Hour
	panelInterval = 15 * time.Second
	panelPoints   = 500
)

// datasource is the real one, without Grafana in front.
type datasource interface {
	backend.QueryDataHandler
	Dispose()
}

// query is one query of a panel, with its variables filled in.
type query struct {
	name, kind string
	text       json.RawMessage
}

// answer is what a request brought. Rows are those of all its frames.
type answer struct {
	seconds float64
	rows    int
	frames  data.Frames
}

// startDatasource starts the datasource as a Grafana would that has the fleet's regions configured, and measures how long it
// takes until it answers.
func startDatasource(ctx context.Context, f *fleet, api *servers.API, thanos string, result *figures) (datasource, error) {
	before := heapBytes()
	resetPeak()
	settings, err := settingsOf(f, api, thanos)
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	instance, err := plugin.New(ctx, settings)
	if err != nil {
		return nil, err
	}
	d, ok := instance.(datasource)
	if !ok {
		return nil, fmt.Errorf("the datasource does not accept its settings: %v", instance)
	}
	distinct := query{"clusters", "clusters", json.RawMessage(`{"kind": "clusters", "distinct": "cluster", "limit": 1}`)}
	checks := query{"inspections", "inspections", json.RawMessage(`{"kind": "inspections", "limit": 1}`)}
	for {
		got, err := ask(ctx, d, distinct)
		if err != nil {
			d.Dispose()
			return nil, err
		}
		if result.FirstAnswerSeconds == 0 {
			result.FirstAnswerSeconds, result.FirstAnswerRows = time.Since(begin).Seconds(), totalOf(got)
		}
		inspected, err := ask(ctx, d, checks)
		if err != nil {
			d.Dispose()
			return nil, err
		}
		if totalOf(got) == result.Clusters && totalOf(inspected) == result.Monitors && complaint(got.frames) == "" {
			result.SyncedSeconds = time.Since(begin).Seconds()
			break
		}
		if time.Since(begin) > syncTimeout {
			d.Dispose()
			return nil, fmt.Errorf("after %s the datasource has %d clusters and %d inspections: %s", syncTimeout, totalOf(got), totalOf(inspected), complaint(got.frames))
		}
		if err := command.Sleep(ctx, 50*time.Millisecond); err != nil {
			return nil, err
		}
	}
	result.HeapBytes = heapBytes() - before
	return d, nil
}

func settingsOf(f *fleet, api *servers.API, thanos string) (backend.DataSourceInstanceSettings, error) {
	type region struct {
		Name      string `json:"name"`
		URL       string `json:"url"`
		Namespace string `json:"namespace"`
	}
	host := api.Config.Host
	if !strings.Contains(host, "://") {
		host = "https://" + host
	}
	var regions []region
	secrets := map[string]string{}
	for _, name := range f.regions() {
		regions = append(regions, region{name, host, name})
		secrets[name+".caCert"] = string(api.Config.CAData)
		secrets[name+".clientCert"] = string(api.Config.CertData)
		secrets[name+".clientKey"] = string(api.Config.KeyData)
	}
	text, err := json.Marshal(map[string]any{"regions": regions})
	return backend.DataSourceInstanceSettings{
		UID: "bench", Type: "etcdfleet-slo-datasource", URL: thanos, JSONData: text, DecryptedSecureJSONData: secrets,
	}, err
}

// ask sends the queries of a panel in one request, as of now. The time includes the encoding for Grafana.
func ask(ctx context.Context, d datasource, queries ...query) (answer, error) {
	now := time.Now()
	request := &backend.QueryDataRequest{}
	for i, q := range queries {
		request.Queries = append(request.Queries, backend.DataQuery{
			RefID: refID(i), JSON: q.text, Interval: panelInterval, MaxDataPoints: panelPoints,
			TimeRange: backend.TimeRange{From: now.Add(-shownRange), To: now},
		})
	}
	response, err := d.QueryData(ctx, request)
	if err != nil {
		return answer{}, err
	}
	if _, err := backend.ToProto().QueryDataResponse(backend.DataFrameFormat_ARROW, response); err != nil {
		return answer{}, err
	}
	got := answer{seconds: time.Since(now).Seconds()}
	for i, q := range queries {
		of := response.Responses[refID(i)]
		if of.Error != nil {
			return got, fmt.Errorf("%s: %w", q.name, of.Error)
		}
		got.frames = append(got.frames, of.Frames...)
	}
	for _, frame := range got.frames {
		if len(frame.Fields) > 0 {
			got.rows += frame.Rows()
		}
	}
	return got, nil
}

func refID(i int) string { return string(rune('A' + i)) }

// totalOf returns the number of rows from which the page of a table was cut.
func totalOf(of answer) int {
	if len(of.frames) == 0 || of.frames[0].Meta == nil {
		return 0
	}
	text, err := json.Marshal(of.frames[0].Meta.Custom)
	var meta struct{ Total int }
	if err = errors.Join(err, json.Unmarshal(text, &meta)); err != nil {
		return 0
	}
	return meta.Total
}

// complaint returns the first notice that says that something is missing; "" without one.
func complaint(frames data.Frames) string {
	for _, frame := range frames {
		if frame.Meta == nil {
			continue
		}
		for _, notice := range frame.Meta.Notices {
			if notice.Severity != data.NoticeSeverityInfo {
				return notice.Text
			}
		}
	}
	return ""
}

func heapBytes() float64 {
	debug.FreeOSMemory()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return float64(stats.HeapAlloc)
}
