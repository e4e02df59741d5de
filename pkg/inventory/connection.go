package inventory

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend/httpclient"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"

	"github.com/etcdfleet/etcd-fleet/pkg/upstream"
)

// idleTimeout outlives the pause between two probes, and little more: a disposed datasource's connections end soon.
const idleTimeout = 15 * time.Second

// RegionConfig says how to reach one region's API server.
type RegionConfig struct {
	// Name is the label region of the region's series.
	Name string
	// URL is the API server's, https or, on a loopback host, http.
	URL string
	// Namespace is what to watch; empty means all.
	Namespace string
	// ServerName is verified against the certificate instead of the URL's host.
	ServerName string
	// Token, or ClientCert and ClientKey (PEM), authenticate. CACert (PEM) replaces the system's authorities.
	Token, CACert, ClientCert, ClientKey string
	// Problem is what is wrong with these settings; nil when they can work. Such a region is never asked for anything:
	// it has failed, for this reason.
	Problem error
}

// newHTTPClient takes the proxy and TLS versions that Grafana prescribes from base, and nothing of the credentials,
// which are for Thanos.
func newHTTPClient(config RegionConfig, base httpclient.Options) (*http.Client, *http.Transport, error) {
	var used *http.Transport
	options := httpclient.Options{
		ProxyOptions: base.ProxyOptions,
		Labels:       base.Labels,
		Header:       http.Header{},
		Timeouts:     &httpclient.TimeoutOptions{DialTimeout: probeTimeout, KeepAlive: 30 * time.Second, TLSHandshakeTimeout: probeTimeout, IdleConnTimeout: idleTimeout},
		TLS: &httpclient.TLSOptions{
			CACertificate:     config.CACert,
			ClientCertificate: config.ClientCert,
			ClientKey:         config.ClientKey,
			ServerName:        config.ServerName,
		},
		// Not the SDK's limit on the length of an answer, as a watch has no end; nor its metrics, whose counter of an
		// answer's bytes races with client-go, which closes answers while it reads them.
		Middlewares: []httpclient.Middleware{
			httpclient.TracingMiddleware(nil),
			httpclient.CustomHeadersMiddleware(),
			httpclient.UserAgentMiddleware(),
			httpclient.ErrorSourceMiddleware(),
		},
		ConfigureTransport: func(_ httpclient.Options, transport *http.Transport) {
			used = transport
			transport.ForceAttemptHTTP2 = true
			transport.ResponseHeaderTimeout = listTimeout
			// Pings find a dead connection under a silent watch.
			transport.HTTP2 = &http.HTTP2Config{SendPingTimeout: probeInterval, PingTimeout: probeTimeout}
		},
		ConfigureClient: func(_ httpclient.Options, client *http.Client) {
			// The token must not follow a redirect to another host.
			client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		},
	}
	if base.TLS != nil {
		options.TLS.MinVersion, options.TLS.MaxVersion = base.TLS.MinVersion, base.TLS.MaxVersion
	}
	if config.Token != "" {
		options.Header.Set("Authorization", "Bearer "+config.Token)
	}
	client, err := httpclient.New(options)
	return client, used, err
}

func newRESTClient(url, path string, version schema.GroupVersion, scheme *runtime.Scheme, client *http.Client) (rest.Interface, error) {
	return rest.RESTClientForConfigAndClient(&rest.Config{
		Host:           url,
		APIPath:        path,
		QPS:            50,
		Burst:          100,
		WarningHandler: rest.NoWarnings{},
		ContentConfig: rest.ContentConfig{
			GroupVersion:         &version,
			NegotiatedSerializer: serializer.NewCodecFactory(scheme).WithoutConversion(),
		},
	}, client)
}

// probe asks whether the API server is ready and still accepts the credentials. Being forbidden or not found counts as
// ready: it says only that /readyz is hidden from the account.
func (r *region) probe(ctx context.Context) error {
	answer, _, err := r.get(ctx, "readyz", probeTimeout)
	if err != nil {
		return err
	}
	if answer.Status == http.StatusUnauthorized || answer.Status >= http.StatusInternalServerError {
		return answer
	}
	return nil
}

// get fetches a path of the API server outside its resources; the body is cut at 64 KiB.
func (r *region) get(ctx context.Context, path string, timeout time.Duration) (*upstream.Answer, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.etcd.Get().AbsPath(path).URL().String(), nil)
	if err != nil {
		return nil, nil, err
	}
	response, err := r.http.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err != nil {
		return nil, nil, err
	}
	return &upstream.Answer{
		Status: response.StatusCode, Location: response.Header.Get("Location"), ContentType: response.Header.Get("Content-Type"), Body: string(body[:min(len(body), 512)]),
	}, body, nil
}
