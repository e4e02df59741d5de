package main

import (
	"context"
	"encoding/json"
	"io"
	"strings"
)

// showDiagnosis shows the findings of the named clusters, else of those that are hurt.
func showDiagnosis(ctx context.Context, s *session, options *options, out io.Writer) error {
	frame, err := s.query(ctx, map[string]any{"kind": "diagnosis", "scope": options.wantedScope(), "limit": options.limit})
	if err != nil {
		return err
	}
	if frame.Rows() == 0 && options.output == "table" {
		_, err := io.WriteString(out, "No cluster of this scope is hurt.\n")
		return err
	}
	return show(out, options, frame, []column{
		{"REGION", text("region")},
		{"CLUSTER", text("cluster")},
		{"SEVERITY", text("severity")},
		{"SUSPECT", text("suspect")},
		{"SINCE", func(r row) string { return ago(r["since"]) }},
		{"STATEMENT", text("statement")},
		{"EVIDENCE", func(r row) string { return evidence(r["evidence"]) }},
		{"NEXT", text("action")},
	})
}

// evidence joins the texts of a finding's evidence.
func evidence(value any) string {
	encoded, ok := value.(json.RawMessage)
	if !ok {
		return ""
	}
	var facts []struct{ Text string }
	if json.Unmarshal(encoded, &facts) != nil {
		return ""
	}
	texts := make([]string, len(facts))
	for i, fact := range facts {
		texts[i] = fact.Text
	}
	return strings.Join(texts, "; ")
}
