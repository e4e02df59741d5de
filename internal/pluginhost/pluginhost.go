// Package pluginhost runs the datasource's binary the way Grafana does, over the plugin protocol: a process of its own
// that is spoken to over gRPC.
package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/grpcplugin"
	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
)

// PluginID is that of the datasource, as in its plugin.json.
const PluginID = "etcdfleet-slo-datasource"

// Binary is the path of the binary for this machine, within the folder of the built plugin.
func Binary(dist string) string {
	return filepath.Join(dist, "datasource", fmt.Sprintf("gpx_etcdfleet_datasource_%s_%s", runtime.GOOS, runtime.GOARCH))
}

// Plugin is a running binary.
type Plugin struct {
	client      *plugin.Client
	data        pluginv2.DataClient
	resource    pluginv2.ResourceClient
	diagnostics pluginv2.DiagnosticsClient
}

// Start starts the binary and waits for its handshake. What it logs goes to log.
func Start(binary string, log io.Writer) (*Plugin, error) {
	client := plugin.NewClient(&plugin.ClientConfig{
		Cmd: exec.Command(binary), //nolint:noctx // it lives until Close
		HandshakeConfig: plugin.HandshakeConfig{
			ProtocolVersion: grpcplugin.ProtocolVersion, MagicCookieKey: grpcplugin.MagicCookieKey, MagicCookieValue: grpcplugin.MagicCookieValue,
		},
		VersionedPlugins: map[int]plugin.PluginSet{grpcplugin.ProtocolVersion: {
			"data":        &grpcplugin.DataGRPCPlugin{},
			"resource":    &grpcplugin.ResourceGRPCPlugin{},
			"diagnostics": &grpcplugin.DiagnosticsGRPCPlugin{},
		}},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		// The binary's own lines go to log as they are; go-plugin would repeat them in its words.
		Logger: hclog.NewNullLogger(),
		Stderr: log,
		// As Grafana does since 12.4: nothing of this process's environment reaches the plugin.
		SkipHostEnv: true,
	})
	p := &Plugin{client: client}
	if err := p.connect(); err != nil {
		client.Kill()
		return nil, fmt.Errorf("start %s: %w", binary, err)
	}
	return p, nil
}

func (p *Plugin) connect() error {
	protocol, err := p.client.Client()
	if err != nil {
		return err
	}
	for name, assign := range map[string]func(any) bool{
		"data":        func(raw any) (ok bool) { p.data, ok = raw.(pluginv2.DataClient); return ok },
		"resource":    func(raw any) (ok bool) { p.resource, ok = raw.(pluginv2.ResourceClient); return ok },
		"diagnostics": func(raw any) (ok bool) { p.diagnostics, ok = raw.(pluginv2.DiagnosticsClient); return ok },
	} {
		raw, err := protocol.Dispense(name)
		if err != nil {
			return err
		}
		if !assign(raw) {
			return fmt.Errorf("it does not offer %s", name)
		}
	}
	return nil
}

// Close ends the process.
func (p *Plugin) Close() { p.client.Kill() }

// QueryData implements backend.QueryDataHandler.
func (p *Plugin) QueryData(ctx context.Context, request *backend.QueryDataRequest) (*backend.QueryDataResponse, error) {
	response, err := p.data.QueryData(ctx, backend.ToProto().QueryDataRequest(request))
	if err != nil {
		return nil, err
	}
	return backend.FromProto().QueryDataResponse(response)
}

// CheckHealth implements backend.CheckHealthHandler.
func (p *Plugin) CheckHealth(ctx context.Context, request *backend.CheckHealthRequest) (*backend.CheckHealthResult, error) {
	response, err := p.diagnostics.CheckHealth(ctx, &pluginv2.CheckHealthRequest{
		PluginContext: backend.ToProto().PluginContext(request.PluginContext), Headers: request.Headers,
	})
	if err != nil {
		return nil, err
	}
	return backend.FromProto().CheckHealthResponse(response), nil
}

// CallResource implements backend.CallResourceHandler.
func (p *Plugin) CallResource(ctx context.Context, request *backend.CallResourceRequest, sender backend.CallResourceResponseSender) error {
	stream, err := p.resource.CallResource(ctx, backend.ToProto().CallResourceRequest(request))
	if err != nil {
		return err
	}
	for {
		response, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := sender.Send(backend.FromProto().CallResourceResponse(response)); err != nil {
			return err
		}
	}
}
