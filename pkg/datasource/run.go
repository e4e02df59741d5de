package datasource

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

	"github.com/grafana/grafana-plugin-sdk-go/backend"

	"github.com/etcdfleet/etcd-fleet/pkg/inventory"
	"github.com/etcdfleet/etcd-fleet/pkg/upstream"
)

const maxRunBodyBytes = 4 << 10

// runBody is the body of a run request.
type runBody struct {
	Region  string `json:"region"`
	Cluster string `json:"cluster"`
	Check   string `json:"check"`
}

// acceptedBody is the answer to an accepted run request.
type acceptedBody struct {
	runBody
	Namespace        string `json:"namespace"`
	Monitor          string `json:"monitor"`
	Request          string `json:"request"`
	AlreadyRequested bool   `json:"alreadyRequested"`
}

// handleRun asks for a run of one inspection. The actor is the user whom Grafana vouches for, never one from the body.
func (d *Datasource) handleRun(w http.ResponseWriter, r *http.Request) {
	user := backend.PluginConfigFromContext(r.Context()).User
	body, bodyProblem := readRunBody(r)
	accepted, refusal := d.requestRun(w, r, user, body, bodyProblem)
	d.audit(r, user, body, accepted, refusal)
	if refusal != nil {
		d.refuse(w, r, refusal)
		return
	}
	d.respond(w, r, http.StatusAccepted, acceptedBody{body, accepted.Namespace, accepted.Monitor, accepted.Request, accepted.AlreadyRequested})
}

// requestRun checks the method, the user and the body, in this order, before it asks the region.
func (d *Datasource) requestRun(w http.ResponseWriter, r *http.Request, user *backend.User, body runBody, bodyProblem *problem) (inventory.AcceptedRun, *problem) {
	if r.Method != http.MethodPost {
		return inventory.AcceptedRun{}, wrongMethod(w, http.MethodPost)
	}
	if user == nil {
		return inventory.AcceptedRun{}, &problem{status: http.StatusUnauthorized, Message: "Sign in to run inspections."}
	}
	if reason := d.whyNot(role(user.Role)); reason != "" {
		return inventory.AcceptedRun{}, &problem{status: http.StatusForbidden, Message: reason}
	}
	if bodyProblem != nil {
		return inventory.AcceptedRun{}, bodyProblem
	}
	accepted, err := d.inventory.RequestRun(r.Context(), inventory.RunRequest(body), actorOf(user))
	if err != nil {
		return accepted, runProblem(err)
	}
	return accepted, nil
}

// readRunBody returns as much of the body as it could read, for the audit line, and what is wrong with it.
func readRunBody(r *http.Request) (runBody, *problem) {
	var body runBody
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != "application/json" {
		return body, &problem{status: http.StatusUnsupportedMediaType, Message: "Send the body as application/json."}
	}
	var raw []byte
	if r.Body != nil {
		var err error
		raw, err = io.ReadAll(io.LimitReader(r.Body, maxRunBodyBytes+1))
		if err != nil {
			return body, &problem{status: http.StatusBadRequest, Message: "The body could not be read."}
		}
	}
	if len(raw) > maxRunBodyBytes {
		return body, &problem{status: http.StatusRequestEntityTooLarge, Message: fmt.Sprintf("The body must not be larger than %d bytes.", maxRunBodyBytes)}
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field != "" {
			return body, &problem{status: http.StatusBadRequest, Field: wrong.Field, Message: wrong.Field + " must be a text."}
		}
		return body, &problem{status: http.StatusBadRequest, Message: `The body must be a JSON object: {"region": "…", "cluster": "…", "check": "…"}.`}
	}
	for _, field := range []struct{ name, value string }{{"region", body.Region}, {"cluster", body.Cluster}, {"check", body.Check}} {
		if field.value == "" {
			return body, &problem{status: http.StatusBadRequest, Field: field.name, Message: field.name + " is missing."}
		}
	}
	return body, nil
}

// runProblem words why a valid request could not be made.
func runProblem(err error) *problem {
	p := &problem{status: http.StatusInternalServerError, Message: err.Error()}
	if unknown, ok := errors.AsType[*inventory.UnknownError](err); ok {
		p.status, p.Field = http.StatusNotFound, unknown.Field
	} else if _, ok := errors.AsType[*inventory.BlockedError](err); ok {
		p.status, p.Field = http.StatusConflict, "check"
	} else if _, ok := errors.AsType[*inventory.StaleError](err); ok {
		p.status = http.StatusServiceUnavailable
	} else if explained, ok := errors.AsType[*upstream.Error](err); ok {
		p.status = http.StatusBadGateway
		if explained.Reason == upstream.Unreachable || explained.Reason == upstream.Timeout {
			p.status = http.StatusServiceUnavailable
		}
	}
	return p
}

// audit leaves one line for every call, also the refused ones.
func (d *Datasource) audit(r *http.Request, user *backend.User, body runBody, accepted inventory.AcceptedRun, refusal *problem) {
	actor, actorRole := "", ""
	if user != nil {
		actor, actorRole = actorOf(user), user.Role
	}
	logger := d.logger.FromContext(r.Context()).With(
		"audit", "inspections/run", "actor", actor, "role", actorRole,
		"region", body.Region, "cluster", body.Cluster, "check", body.Check,
	)
	if refusal != nil {
		logger.Warn("A run was refused", "result", refusal.status, "reason", refusal.Message)
		return
	}
	logger.Info("A run was requested", "result", http.StatusAccepted, "request", accepted.Request, "alreadyRequested", accepted.AlreadyRequested)
}

// permission is whether the asking user may run inspections.
type permission struct {
	Allowed      bool   `json:"allowed"`
	Role         string `json:"role"`
	RequiredRole role   `json:"requiredRole"`
	// Reason is a sentence for the user, empty when allowed.
	Reason string `json:"reason"`
}

func (d *Datasource) handlePermission(w http.ResponseWriter, r *http.Request) {
	answer := permission{RequiredRole: d.settings.minRoleToRun, Reason: "Sign in to run inspections."}
	if user := backend.PluginConfigFromContext(r.Context()).User; user != nil {
		answer.Role = user.Role
		answer.Reason = d.whyNot(role(user.Role))
	}
	answer.Allowed = answer.Reason == ""
	d.respond(w, r, http.StatusOK, answer)
}

// whyNot says why a role may not run inspections; "" when it may. Nobody may where internals are hidden: a run loads the
// cluster, and what it is answered with names objects.
func (d *Datasource) whyNot(r role) string {
	if d.settings.view.hidesInternals {
		return "Inspections are run by those who run the clusters: this datasource shows their outcomes."
	}
	if r.atLeast(d.settings.minRoleToRun) {
		return ""
	}
	return fmt.Sprintf("Running inspections needs the role %s; you have %s. Ask an administrator for it.", d.settings.minRoleToRun, cmp.Or(r, "none"))
}
