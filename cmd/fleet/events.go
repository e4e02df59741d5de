package main

import (
	"context"
	"flag"
	"io"
)

func eventFlags(flags *flag.FlagSet, parsed *options) {
	tableFlags(flags, parsed)
	flags.StringVar(&parsed.types, "types", "All", "All, Normal or Warning")
	flags.StringVar(&parsed.reason, "reason", "", "only this `reason`, or several separated by commas")
}

// showEvents shows the Events of the last hour, which is as long as Kubernetes keeps them by default.
func showEvents(ctx context.Context, s *session, options *options, out io.Writer) error {
	frame, err := s.query(ctx, map[string]any{
		"kind": "events", "scope": options.wantedScope(), "types": options.types, "reasons": list(options.reason), "limit": options.limit,
	})
	if err != nil {
		return err
	}
	return show(out, options, frame, []column{
		{"LAST SEEN", func(r row) string { return ago(r["time"]) }},
		{"REGION", text("region")},
		{"CLUSTER", text("cluster")},
		{"OBJECT", text("object")},
		{"TYPE", text("type")},
		{"REASON", text("reason")},
		{"COUNT", text("count")},
		{"MESSAGE", text("message")},
	})
}
