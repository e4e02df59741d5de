// Package thanos asks a Thanos query, or any server with the Prometheus HTTP API, and says when an answer is partial.
package thanos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend/httpclient"

	"github.com/etcdfleet/etcd-fleet/pkg/upstream"
)

// maxAnswerBytes bounds the memory that one answer may take; a fleet-wide instant query is about 4 MB.
const maxAnswerBytes = 64 << 20

// Client asks one Thanos query. Its errors are *upstream.Error, except for cancelled contexts.
type Client struct {
	http   *http.Client
	base   *url.URL
	server upstream.Server
}

// New returns a client for the server at base. httpClient brings authentication and TLS.
func New(httpClient *http.Client, base *url.URL) *Client {
	return &Client{
		http: httpClient,
		base: base,
		server: upstream.Server{
			Name:               "Thanos",
			URL:                base.Redacted(),
			URLSetting:         "the datasource's URL",
			CASetting:          "the datasource's CA certificate (TLS settings)",
			ServerNameSetting:  "the datasource's TLS server name",
			CredentialsSetting: "the datasource's authentication",
			ClientCertSetting:  "the datasource's TLS client certificate and key",
		},
	}
}

// Query evaluates expr at one time.
func (c *Client) Query(ctx context.Context, expr string, at time.Time) (*Result, error) {
	return c.evaluate(ctx, "query", url.Values{"query": {expr}, "time": {timestamp(at)}})
}

// Range is the time range of a query, both ends included, and the distance between its points.
type Range struct {
	Start, End time.Time
	Step       time.Duration
}

// QueryRange evaluates expr at every step of r.
func (c *Client) QueryRange(ctx context.Context, expr string, r Range) (*Result, error) {
	return c.evaluate(ctx, "query_range", url.Values{
		"query": {expr},
		"start": {timestamp(r.Start)},
		"end":   {timestamp(r.End)},
		"step":  {strconv.FormatFloat(r.Step.Seconds(), 'f', -1, 64)},
	})
}

func (c *Client) evaluate(ctx context.Context, endpoint string, form url.Values) (*Result, error) {
	form.Set("dedup", "true")
	form.Set("partial_response", "true")
	if deadline, ok := ctx.Deadline(); ok {
		form.Set("timeout", strconv.FormatFloat(time.Until(deadline).Seconds(), 'f', 3, 64))
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint(endpoint), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	// Without being sent, it lets net/http repeat the request when it took a connection that the server had closed.
	request.Header["Idempotency-Key"] = nil
	body, err := c.do(request)
	if err != nil {
		return nil, err
	}
	result, err := decodeResult(body)
	if err != nil {
		return nil, c.otherJSON()
	}
	return result, nil
}

// otherJSON is the error for JSON that no Prometheus API answers with.
func (c *Client) otherJSON() error {
	return c.server.Explain(&upstream.Answer{Status: http.StatusOK, ContentType: "JSON of another kind"})
}

// get fetches one of the status endpoints.
func (c *Client) get(ctx context.Context, endpoint string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.endpoint(endpoint), nil)
	if err != nil {
		return nil, err
	}
	return c.do(request)
}

func (c *Client) endpoint(name string) string {
	return c.base.JoinPath("api/v1", name).String()
}

// do returns the body of a successful JSON answer.
func (c *Client) do(request *http.Request) ([]byte, error) {
	response, err := c.http.Do(request)
	if err != nil {
		return nil, c.server.Explain(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(httpclient.MaxBytesReader(response.Body, maxAnswerBytes))
	switch {
	case errors.Is(err, httpclient.ErrResponseBodyTooLarge):
		return nil, upstream.New(upstream.BadQuery, fmt.Sprintf("The answer of Thanos is larger than %d MiB. Ask for less: aggregate, use topk, or narrow the scope or the time range.", maxAnswerBytes>>20), err)
	case err != nil:
		return nil, c.server.Explain(err)
	}
	isJSON := bytes.HasPrefix(bytes.TrimSpace(body), []byte("{"))
	if response.StatusCode == http.StatusOK && isJSON {
		return body, nil
	}
	if isJSON {
		if failure := explainAPIError(body); failure != nil {
			return nil, failure
		}
	}
	return nil, c.server.Explain(&upstream.Answer{
		Status:      response.StatusCode,
		Location:    response.Header.Get("Location"),
		ContentType: response.Header.Get("Content-Type"),
		Body:        string(body[:min(len(body), 512)]),
	})
}

func timestamp(t time.Time) string {
	return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64)
}
