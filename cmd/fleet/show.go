package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
)

func showClusters(ctx context.Context, s *session, options *options, out io.Writer) error {
	frame, err := s.query(ctx, map[string]any{"kind": "clusters", "scope": options.wantedScope(), "limit": options.limit})
	if err != nil {
		return err
	}
	return show(out, options, frame, []column{
		{"REGION", text("region")},
		{"CLUSTER", text("cluster")},
		{"HEALTH", text("health")},
		{"MEMBERS", func(r row) string { return fmt.Sprintf("%s/%s", cmp.Or(r.text("membersUp"), "?"), r.text("members")) }},
		{"LEADER", text("leader")},
		{"KEYS", text("keys")},
		{"DB SIZE", func(r row) string { return binarySize(r["dbSizeBytes"]) }},
		{"LAST INSPECTION", func(r row) string { return strings.TrimSpace(r.text("inspection") + " " + ago(r["lastInspection"])) }},
	})
}

func showInspections(ctx context.Context, s *session, options *options, out io.Writer) error {
	frame, err := s.query(ctx, map[string]any{"kind": "inspections", "scope": options.wantedScope(), "limit": options.limit})
	if err != nil {
		return err
	}
	return show(out, options, frame, []column{
		{"REGION", text("region")},
		{"CLUSTER", text("cluster")},
		{"CHECK", text("check")},
		{"OUTCOME", text("outcome")},
		{"STATE", text("state")},
		{"LAST RUN", func(r row) string { return ago(r["lastRun"]) }},
		{"MESSAGE", text("message")},
	})
}

// showQuery evaluates a PromQL expression, or any query of the datasource in JSON.
func showQuery(ctx context.Context, s *session, options *options, out io.Writer) error {
	if len(options.arguments) != 1 {
		return errors.New("give one expression, in quotes, after the flags")
	}
	var query any = map[string]any{"kind": "promql", "mode": "instant", "expr": options.arguments[0]}
	if strings.HasPrefix(options.arguments[0], `{"`) {
		query = json.RawMessage(options.arguments[0])
	}
	frame, err := s.query(ctx, query)
	if err != nil {
		return err
	}
	columns := make([]column, len(frame.Fields))
	for i, field := range frame.Fields {
		columns[i] = column{strings.ToUpper(field.Name), text(field.Name)}
	}
	return show(out, options, frame, columns)
}

func showHealth(ctx context.Context, s *session, options *options, out io.Writer) error {
	result, err := s.CheckHealth(ctx, &backend.CheckHealthRequest{PluginContext: s.pluginContext(s.user)})
	if err != nil {
		return err
	}
	var details struct {
		Checks []struct {
			Name    string `json:"name"`
			OK      bool   `json:"ok"`
			Version string `json:"version"`
			Message string `json:"message"`
		} `json:"checks"`
	}
	if len(result.JSONDetails) > 0 {
		if err := json.Unmarshal(result.JSONDetails, &details); err != nil {
			return err
		}
	}
	if options.output == "json" {
		err = writeJSON(out, map[string]any{"status": result.Status.String(), "message": result.Message, "checks": details.Checks})
	} else {
		var lines [][]string
		for _, check := range details.Checks {
			lines = append(lines, []string{check.Name, map[bool]string{true: "OK", false: "ERROR"}[check.OK], check.Version, check.Message})
		}
		err = writeTable(out, []string{"SERVER", "STATUS", "VERSION", "MESSAGE"}, lines)
	}
	if err == nil && result.Status != backend.HealthStatusOk {
		return errors.New(result.Message)
	}
	return err
}

func runInspection(ctx context.Context, s *session, options *options, out io.Writer) error {
	body, err := json.Marshal(map[string]string{"region": *options.scope["region"], "cluster": *options.scope["cluster"], "check": options.check})
	if err != nil {
		return err
	}
	// The plugin must have read the region before a run can be requested there.
	if _, err := s.query(ctx, map[string]any{"kind": "inspections", "limit": 1}); err != nil {
		return err
	}
	var status int
	var answer []byte
	err = s.CallResource(ctx, &backend.CallResourceRequest{
		PluginContext: s.pluginContext(s.user), Method: http.MethodPost, Path: "inspections/run", URL: "inspections/run",
		Headers: map[string][]string{"Content-Type": {"application/json"}}, Body: body,
	}, backend.CallResourceResponseSenderFunc(func(response *backend.CallResourceResponse) error {
		status = cmp.Or(status, response.Status)
		answer = append(answer, response.Body...)
		return nil
	}))
	if err != nil {
		return err
	}
	var decoded struct {
		Message, Namespace, Monitor, Request string
		AlreadyRequested                     bool
	}
	if err := json.Unmarshal(answer, &decoded); err != nil {
		return err
	}
	if status != http.StatusAccepted {
		return errors.New(decoded.Message)
	}
	if options.output == "json" {
		return writeJSON(out, json.RawMessage(answer))
	}
	word := map[bool]string{true: "was requested before", false: "is requested"}[decoded.AlreadyRequested]
	_, err = fmt.Fprintf(out, "A run of %s/%s %s (%s).\n", decoded.Namespace, decoded.Monitor, word, decoded.Request)
	return err
}

// row is a row of a frame by column. Columns without a value are absent.
type row map[string]any

func (r row) text(name string) string {
	switch value := r[name].(type) {
	case nil:
		return ""
	case float64:
		return number(value)
	case json.RawMessage:
		return string(value)
	case time.Time:
		return value.Format(time.RFC3339)
	default:
		return fmt.Sprint(value)
	}
}

func text(name string) func(row) string { return func(r row) string { return r.text(name) } }

// rowsOf returns the rows of a frame.
func rowsOf(frame *data.Frame) []row {
	rows := make([]row, frame.Rows())
	for i := range rows {
		rows[i] = row{}
		for _, field := range frame.Fields {
			if value, ok := field.ConcreteAt(i); ok {
				rows[i][field.Name] = value
			}
		}
	}
	return rows
}
