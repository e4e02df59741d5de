package datasource

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"

	"github.com/etcdfleet/etcd-fleet/pkg/inventory"
)

// problem is the body of every answer that is an error.
type problem struct {
	Message string `json:"message"`
	// Field is the field of the request that is to blame, if one is.
	Field string `json:"field,omitempty"`

	status int
}

// resources are the routes under /api/datasources/uid/<uid>/resources/. Grafana lets everybody who may query the
// datasource call them with any method: each checks all by itself.
func (d *Datasource) resources() http.Handler {
	routes := http.NewServeMux()
	routes.HandleFunc("/inspections/run", d.handleRun)
	routes.HandleFunc("/inspections/permission", d.onlyGet(d.handlePermission))
	routes.HandleFunc("/checks", d.onlyGet(d.handleChecks))
	routes.HandleFunc("/reasons", d.onlyGet(d.handleReasons))
	routes.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		d.refuse(w, r, &problem{status: http.StatusNotFound, Message: "There is no resource " + r.URL.Path + "."})
	})
	return routes
}

func (d *Datasource) onlyGet(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			d.refuse(w, r, wrongMethod(w, http.MethodGet))
			return
		}
		next(w, r)
	}
}

func wrongMethod(w http.ResponseWriter, allowed string) *problem {
	w.Header().Set("Allow", allowed)
	return &problem{status: http.StatusMethodNotAllowed, Message: "Use the method " + allowed + "."}
}

// handleChecks lists the checks that any EtcdMonitor names.
func (d *Datasource) handleChecks(w http.ResponseWriter, r *http.Request) {
	d.inventory.WaitFirstSync(r.Context(), inventory.Scope{}, firstSyncPatience)
	checks := map[string]struct{}{}
	d.inventory.EachMonitor(inventory.Scope{}, func(_ *inventory.Cluster, m *inventory.Monitor) {
		checks[m.Check] = struct{}{}
	})
	d.respond(w, r, http.StatusOK, sortedList(checks))
}

// handleReasons lists the reasons of all Events.
func (d *Datasource) handleReasons(w http.ResponseWriter, r *http.Request) {
	d.inventory.WaitFirstEvents(r.Context(), inventory.Scope{}, firstSyncPatience)
	reasons := map[string]struct{}{}
	d.inventory.EachEvent(inventory.Scope{}, func(event *inventory.Event, _, _ string) {
		reasons[event.Reason] = struct{}{}
	})
	d.respond(w, r, http.StatusOK, sortedList(reasons))
}

// sortedList is never nil: the answer is a list even without values.
func sortedList(set map[string]struct{}) []string {
	values := slices.AppendSeq([]string{}, maps.Keys(set))
	slices.Sort(values)
	return values
}

func (d *Datasource) refuse(w http.ResponseWriter, r *http.Request, p *problem) {
	d.respond(w, r, p.status, p)
}

func (d *Datasource) respond(w http.ResponseWriter, r *http.Request, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		d.logger.FromContext(r.Context()).Warn("An answer could not be sent", "error", err)
	}
}
