package thanos

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Matcher returns a PromQL label matcher for any of the values; "" for no values, which matches everything.
func Matcher(label string, values []string) string {
	switch len(values) {
	case 0:
		return ""
	case 1:
		return label + "=" + strconv.Quote(values[0])
	}
	quoted := make([]string, len(values))
	for i, value := range values {
		quoted[i] = regexp.QuoteMeta(value)
	}
	return label + "=~" + strconv.Quote(strings.Join(quoted, "|"))
}

// FormatLabels writes labels the way PromQL does, sorted: {a="b", c="d"}, with a metric name before it.
func FormatLabels(labels map[string]string) string {
	pairs := make([]string, 0, len(labels))
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		if name != "__name__" {
			pairs = append(pairs, name+"="+strconv.Quote(labels[name]))
		}
	}
	name := labels["__name__"]
	if len(pairs) == 0 && name != "" {
		return name
	}
	return name + "{" + strings.Join(pairs, ", ") + "}"
}
