package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// column is a column of a table in the terminal: its heading, and its text for a row.
type column struct {
	head string
	text func(row) string
}

// show writes a frame, followed by its notices.
func show(out io.Writer, options *options, frame *data.Frame, columns []column) error {
	var notices []data.Notice
	if frame.Meta != nil {
		notices = frame.Meta.Notices
	}
	rows := rowsOf(frame)
	if options.output == "json" {
		for _, row := range rows {
			row.encodeSpecialNumbers()
		}
		return writeJSON(out, map[string]any{"rows": rows, "notices": notices})
	}
	head := make([]string, len(columns))
	for i, column := range columns {
		head[i] = column.head
	}
	lines := make([][]string, len(rows))
	for i, row := range rows {
		for _, column := range columns {
			lines[i] = append(lines[i], column.text(row))
		}
	}
	if err := writeTable(out, head, lines); err != nil {
		return err
	}
	for _, notice := range notices {
		if _, err := fmt.Fprintf(out, "\n%s: %s", notice.Severity, notice.Text); err != nil {
			return err
		}
	}
	if len(notices) > 0 {
		_, err := fmt.Fprintln(out)
		return err
	}
	return nil
}

func writeTable(out io.Writer, head []string, lines [][]string) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, line := range append([][]string{head}, lines...) {
		for i, cell := range line {
			if cell == "" {
				line[i] = "-"
			}
		}
		if _, err := fmt.Fprintln(table, strings.Join(line, "\t")); err != nil {
			return err
		}
	}
	return table.Flush()
}

func writeJSON(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// encodeSpecialNumbers replaces NaN and the infinities, which JSON does not support, by strings.
func (r row) encodeSpecialNumbers() {
	for name, value := range r {
		if special, ok := value.(float64); ok && (math.IsNaN(special) || math.IsInf(special, 0)) {
			r[name] = number(special)
		}
	}
}

func number(value float64) string {
	if value == math.Trunc(value) && math.Abs(value) < 1e15 {
		return strconv.FormatFloat(value, 'f', 0, 64)
	}
	return strconv.FormatFloat(value, 'g', 6, 64)
}

// binarySize formats a size in binary units.
func binarySize(value any) string {
	size, ok := value.(float64)
	if !ok {
		return ""
	}
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	unit := 0
	for size >= 1024 && unit < len(units)-1 {
		size /= 1024
		unit++
	}
	return strconv.FormatFloat(size, 'f', min(unit, 1), 64) + " " + units[unit]
}

// ago formats the time since value in one unit.
func ago(value any) string {
	at, ok := value.(time.Time)
	if !ok {
		return ""
	}
	elapsed := time.Since(at)
	for _, unit := range []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}} {
		if elapsed >= 2*unit.size {
			return fmt.Sprintf("%d%s ago", elapsed/unit.size, unit.name)
		}
	}
	return fmt.Sprintf("%ds ago", max(0, elapsed/time.Second))
}
