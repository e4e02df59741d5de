package pluginhost_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/stretchr/testify/require"

	"github.com/etcdfleet/etcd-fleet/internal/pluginhost"
	"github.com/etcdfleet/etcd-fleet/internal/plugintest"
)

// A datasource without URL answers everything with what is wrong, which needs no other servers.
var withoutURL = backend.PluginContext{
	PluginID:                   pluginhost.PluginID,
	DataSourceInstanceSettings: &backend.DataSourceInstanceSettings{UID: "fleet", JSONData: []byte("{}")},
}

const problem = "url: it is empty: enter it"

func TestSpeaksToTheBinaryAsGrafanaDoes(t *testing.T) {
	binary, err := plugintest.Build(t.TempDir())
	require.NoError(t, err)
	var log bytes.Buffer
	plugin, err := pluginhost.Start(binary, &log)
	require.NoError(t, err)
	defer plugin.Close()

	response, err := plugin.QueryData(t.Context(), &backend.QueryDataRequest{PluginContext: withoutURL, Queries: []backend.DataQuery{{RefID: "A", JSON: []byte("{}")}}})
	require.NoError(t, err)
	require.ErrorContains(t, response.Responses["A"].Error, problem)
	require.Equal(t, backend.ErrorSourceDownstream, response.Responses["A"].ErrorSource)

	health, err := plugin.CheckHealth(t.Context(), &backend.CheckHealthRequest{PluginContext: withoutURL})
	require.NoError(t, err)
	require.Equal(t, backend.HealthStatusError, health.Status)
	require.Contains(t, health.Message, problem)

	var answers []*backend.CallResourceResponse
	require.NoError(t, plugin.CallResource(t.Context(), &backend.CallResourceRequest{PluginContext: withoutURL, Path: "checks", Method: http.MethodGet},
		backend.CallResourceResponseSenderFunc(func(response *backend.CallResourceResponse) error {
			answers = append(answers, response)
			return nil
		})))
	require.Len(t, answers, 1)
	require.Equal(t, http.StatusInternalServerError, answers[0].Status)
	require.Contains(t, string(answers[0].Body), problem)

	plugin.Close()
	_, err = plugin.CheckHealth(t.Context(), &backend.CheckHealthRequest{PluginContext: withoutURL})
	require.Error(t, err, "the process has ended")
}

func TestSaysWhenTheBinaryIsNoPlugin(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "script")
	require.NoError(t, os.WriteFile(script, []byte("#!/bin/sh\necho hello\n"), 0o700)) //nolint:gosec // it is to be run
	for _, binary := range []string{filepath.Join(dir, "missing"), script} {
		_, err := pluginhost.Start(binary, &bytes.Buffer{})
		require.ErrorContains(t, err, "start "+binary)
	}
}
