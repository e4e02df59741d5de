package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/etcdfleet/etcd-fleet/internal/pluginhost"
)

// refID is the ID of the only query of a request.
const refID = "A"

// syncPoll is the time between two queries while regions are being read for the first time.
const syncPoll = 500 * time.Millisecond

// session is a running plugin with a datasource and a user.
type session struct {
	*pluginhost.Plugin
	datasource *backend.DataSourceInstanceSettings
	user       *backend.User
}

// openSession starts the plugin. Its log is shown only on demand, because errors and notices reach the user anyway.
func openSession(options *options) (*session, error) {
	datasource, unset, err := readDatasource(options.datasource, os.LookupEnv)
	if err != nil {
		return nil, err
	}
	if len(unset) > 0 {
		fmt.Fprintf(os.Stderr, "fleet: %s names variables that are not set: %s\n", options.datasource, strings.Join(unset, ", "))
	}
	if _, err := os.Stat(options.binary); err != nil {
		return nil, fmt.Errorf("find the plugin: %w: run npm run build:backend, or name the binary with --binary", err)
	}
	log := io.Discard
	if options.verbose {
		log = os.Stderr
	}
	plugin, err := pluginhost.Start(options.binary, log)
	if err != nil {
		return nil, err
	}
	return &session{Plugin: plugin, datasource: datasource, user: &backend.User{Login: options.user, Name: options.user, Role: options.role}}, nil
}

func (s *session) pluginContext(user *backend.User) backend.PluginContext {
	return backend.PluginContext{OrgID: 1, PluginID: pluginhost.PluginID, User: user, DataSourceInstanceSettings: s.datasource} //nolint:staticcheck // Grafana still sends it
}

// query runs one query and waits for regions that are being read for the first time, as long as ctx allows.
func (s *session) query(ctx context.Context, query any) (*data.Frame, error) {
	encoded, err := json.Marshal(query)
	if err != nil {
		return nil, err
	}
	for {
		now := time.Now()
		response, err := s.QueryData(ctx, &backend.QueryDataRequest{
			PluginContext: s.pluginContext(s.user),
			Queries: []backend.DataQuery{{
				RefID: refID, JSON: encoded, Interval: time.Minute, MaxDataPoints: 100, TimeRange: backend.TimeRange{From: now.Add(-time.Hour), To: now},
			}},
		})
		if err != nil {
			return nil, err
		}
		answer := response.Responses[refID]
		if answer.Error != nil {
			return nil, answer.Error
		}
		if len(answer.Frames) != 1 {
			return nil, errors.New("the answer is not a table: use an instant query")
		}
		if !isSyncing(answer.Frames[0]) {
			return answer.Frames[0], nil
		}
		select {
		case <-ctx.Done():
			return answer.Frames[0], nil // its notice names the missing regions
		case <-time.After(syncPoll):
		}
	}
}

// isSyncing reports whether a table lacks a region that is still being read.
func isSyncing(frame *data.Frame) bool {
	for _, region := range tableMeta(frame).Regions {
		if region.State == "syncing" {
			return true
		}
	}
	return false
}

// meta is meta.custom of the datasource's tables.
type meta struct {
	Total   int `json:"total"`
	Regions []struct {
		Name  string `json:"name"`
		State string `json:"state"`
	} `json:"regions"`
}

func tableMeta(frame *data.Frame) meta {
	var decoded meta
	if frame.Meta != nil && frame.Meta.Custom != nil {
		encoded, err := json.Marshal(frame.Meta.Custom)
		if err == nil {
			_ = json.Unmarshal(encoded, &decoded) // other formats have no regions
		}
	}
	return decoded
}
