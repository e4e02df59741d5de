package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/etcdfleet/etcd-fleet/pkg/slorules"
)

// showSLO shows the labels of the level, followed by the figures of its objectives.
func showSLO(ctx context.Context, s *session, options *options, out io.Writer) error {
	frame, err := s.query(ctx, map[string]any{
		"kind": "slo", "scope": options.wantedScope(), "level": options.level, "by": options.by, "window": options.window,
		"objectives": list(options.objective), "limit": options.limit,
	})
	if err != nil {
		return err
	}
	columns := labelColumns(frame, "region", "cluster", "product", "scene", "spec", "objective", "sli")
	return show(out, options, frame, append(columns,
		column{"BUDGET LEFT", func(r row) string { return budgetText(r["budgetLeft"]) }},
		column{"HISTORY", func(r row) string { return percent(r["history"], 1) }},
		column{"BURN RATE", func(r row) string { return decimals(r["burnRate"], 2) }},
		column{"GOOD", func(r row) string { return percent(r["ratio"], 3) }},
		column{"TARGET", func(r row) string { return percent(r["target"], 2) }},
		column{"BAD", func(r row) string { return decimals(r["bad"], 0) }},
		column{"ALL", func(r row) string { return decimals(r["all"], 0) }},
	))
}

// labelColumns returns a column for each of the names that the frame has.
func labelColumns(frame *data.Frame, names ...string) []column {
	var columns []column
	for _, name := range names {
		if slices.ContainsFunc(frame.Fields, func(field *data.Field) bool { return field.Name == name }) {
			columns = append(columns, column{strings.ToUpper(name), text(name)})
		}
	}
	return columns
}

func budgetText(value any) string {
	left, ok := value.(float64)
	if !ok {
		return ""
	}
	return slorules.BudgetText(left)
}

// percent formats a ratio as a percentage.
func percent(value any, places int) string {
	ratio, ok := value.(float64)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%.*f%%", places, 100*ratio)
}

// decimals formats a number with the given number of decimal places.
func decimals(value any, places int) string {
	number, ok := value.(float64)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%.*f", places, number)
}
