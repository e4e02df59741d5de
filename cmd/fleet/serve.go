package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
)

const (
	// roleHeader sets the user's role for one request.
	roleHeader = "X-Fleet-Role"

	maxBodyBytes  = 1 << 20
	headerTimeout = 10 * time.Second
	drainTimeout  = 5 * time.Second
)

// serve serves the part of Grafana's API that the plugin's front end uses, until it is interrupted. There are no
// passwords, so it listens on loopback only and refuses requests that another web page makes a browser send.
func serve(ctx context.Context, s *session, options *options, out io.Writer) error {
	listener, err := listenOnLoopback(ctx, options.address)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: api(s, options), ReadHeaderTimeout: headerTimeout}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	if _, err := fmt.Fprintf(out, "The datasource %s is served at http://%s for a user with the role %s.\n", s.datasource.UID, listener.Addr(), options.role); err != nil {
		return err
	}
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
		defer cancel()
		return server.Shutdown(drain)
	}
}

func listenOnLoopback(ctx context.Context, address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("--addr must be an address such as 127.0.0.1:3001: %w", err)
	}
	if !isLoopback(host) {
		return nil, fmt.Errorf("--addr must be a loopback address: there are no passwords here, and %q can be reached from other machines", host)
	}
	return (&net.ListenConfig{}).Listen(ctx, "tcp", address)
}

func isLoopback(host string) bool {
	address := net.ParseIP(host)
	return host == "localhost" || address != nil && address.IsLoopback()
}

func api(s *session, options *options) http.Handler {
	h := &handler{s, options}
	base := "/api/datasources/uid/" + s.datasource.UID
	routes := http.NewServeMux()
	routes.HandleFunc("POST /api/ds/query", h.query)
	routes.HandleFunc("GET "+base+"/health", h.health)
	routes.HandleFunc(base+"/resources/", h.resource)
	routes.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, http.StatusNotFound, fmt.Sprintf("Nothing is served at %s %s: this is a small part of Grafana's API.", r.Method, r.URL.Path))
	})
	if options.static != "" {
		routes.Handle("/", http.FileServer(http.Dir(options.static)))
	}
	return onlyThisMachine(http.MaxBytesHandler(routes, maxBodyBytes))
}

// onlyThisMachine refuses requests that another web page makes the browser send: to a host name of that page that
// resolves to this machine, or across origins.
func onlyThisMachine(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil || !isLoopback(strings.Trim(host, "[]")) {
			refuse(w, http.StatusForbidden, "Use a loopback address.")
			return
		}
		if origin := r.Header.Get("Origin"); origin != "" && !isSameOrigin(origin, r.Host) {
			refuse(w, http.StatusForbidden, "Requests from other origins are refused.")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func isSameOrigin(origin, host string) bool {
	parsed, err := url.Parse(origin)
	return err == nil && parsed.Scheme == "http" && parsed.Host == host
}

// handler serves one datasource.
type handler struct {
	session *session
	options *options
}

// pluginContext returns the plugin context of the request's user. A header or the flag sets the user's role.
func (h *handler) pluginContext(w http.ResponseWriter, r *http.Request) (backend.PluginContext, bool) {
	role := cmp.Or(r.Header.Get(roleHeader), h.options.role)
	if !slices.Contains(roles, role) {
		refuse(w, http.StatusBadRequest, fmt.Sprintf("The role in %s must be one of %s.", roleHeader, strings.Join(roles, ", ")))
		return backend.PluginContext{}, false
	}
	user := *h.session.user
	user.Role = role
	return h.session.pluginContext(&user), true
}

// query serves POST /api/ds/query.
func (h *handler) query(w http.ResponseWriter, r *http.Request) {
	pluginContext, ok := h.pluginContext(w, r)
	if !ok {
		return
	}
	request, err := readQueries(r)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	request.PluginContext = pluginContext
	response, err := h.session.QueryData(r.Context(), request)
	if err != nil {
		refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	status := http.StatusOK
	for _, answer := range response.Responses {
		if answer.Error != nil {
			status = http.StatusBadRequest // as Grafana does for any error
		}
	}
	respond(w, status, response)
}

// readQueries parses the body of a query request of Grafana's front end.
func readQueries(r *http.Request) (*backend.QueryDataRequest, error) {
	var body struct {
		From    string            `json:"from"`
		To      string            `json:"to"`
		Queries []json.RawMessage `json:"queries"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return nil, fmt.Errorf("the body is not a query request: %w", err)
	}
	from, fromErr := strconv.ParseInt(body.From, 10, 64)
	to, toErr := strconv.ParseInt(body.To, 10, 64)
	if err := errors.Join(fromErr, toErr); err != nil {
		return nil, errors.New("from and to must be milliseconds since 1970, as strings")
	}
	request := &backend.QueryDataRequest{}
	for _, raw := range body.Queries {
		var query struct {
			RefID         string  `json:"refId"`
			IntervalMS    float64 `json:"intervalMs"`
			MaxDataPoints float64 `json:"maxDataPoints"`
		}
		if err := json.Unmarshal(raw, &query); err != nil {
			return nil, fmt.Errorf("a query is not an object: %w", err)
		}
		request.Queries = append(request.Queries, backend.DataQuery{
			RefID: query.RefID, JSON: raw, MaxDataPoints: int64(query.MaxDataPoints), Interval: time.Duration(query.IntervalMS) * time.Millisecond,
			TimeRange: backend.TimeRange{From: time.UnixMilli(from), To: time.UnixMilli(to)},
		})
	}
	return request, nil
}

// health serves GET /api/datasources/uid/<uid>/health.
func (h *handler) health(w http.ResponseWriter, r *http.Request) {
	pluginContext, ok := h.pluginContext(w, r)
	if !ok {
		return
	}
	result, err := h.session.CheckHealth(r.Context(), &backend.CheckHealthRequest{PluginContext: pluginContext})
	if err != nil {
		refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	status := http.StatusOK
	if result.Status != backend.HealthStatusOk {
		status = http.StatusBadRequest
	}
	body := map[string]any{"status": result.Status.String(), "message": result.Message}
	if len(result.JSONDetails) > 0 {
		body["details"] = json.RawMessage(result.JSONDetails)
	}
	respond(w, status, body)
}

// resource serves all paths under /api/datasources/uid/<uid>/resources/.
func (h *handler) resource(w http.ResponseWriter, r *http.Request) {
	pluginContext, ok := h.pluginContext(w, r)
	if !ok {
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		refuse(w, http.StatusRequestEntityTooLarge, "The body is too large.")
		return
	}
	_, path, _ := strings.Cut(r.URL.Path, "/resources/")
	started := false
	err = h.session.CallResource(r.Context(), &backend.CallResourceRequest{
		PluginContext: pluginContext, Method: r.Method, Path: path, URL: (&url.URL{Path: path, RawQuery: r.URL.RawQuery}).String(), Headers: r.Header, Body: body,
	}, backend.CallResourceResponseSenderFunc(func(response *backend.CallResourceResponse) error {
		if !started {
			started = true
			for name, values := range response.Headers {
				w.Header()[http.CanonicalHeaderKey(name)] = values
			}
			w.WriteHeader(response.Status)
		}
		_, err := w.Write(response.Body)
		return err
	}))
	if err != nil && !started {
		refuse(w, http.StatusInternalServerError, err.Error())
	}
}

func refuse(w http.ResponseWriter, status int, message string) {
	respond(w, status, map[string]string{"message": message})
}

func respond(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // an error means that the client has disconnected
}
