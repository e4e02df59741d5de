package datasource

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/etcdfleet/etcd-fleet/pkg/inventory"
)

// kinds are the query kinds, in the order of the table in src/datasource/kinds/index.ts. To add one, write a file of its
// name and a line here.
var kinds = []kind{
	{"promql", func(f *fields) query { return parsePromql(f) }, []string{everyColumn}},
	{"clusters", func(f *fields) query { return parseClusters(f) }, append(slices.Clone(clusterColumns),
		"health", "membersUp", "members", "keys", "dbSizeBytes", "version", "inspection", "lastInspection", "kubernetes")},
	{"inspections", func(f *fields) query { return parseInspections(f) }, append(slices.Clone(clusterColumns),
		"check", "outcome", "lastRun", "duration", "nextRun", "inspections")},
	{"slo", func(f *fields) query { return parseSLO(f) }, append(slices.Clone(clusterColumns),
		"objective", "sli", "budgetLeft", "history", "burnRate", "ratio", "target", "bad", "all")},
	{"diagnosis", func(f *fields) query { return parseDiagnosis(f) }, append(slices.Clone(clusterColumns),
		"rank", "severity", "since", "kubernetes")},
	{"impact", func(f *fields) query { return parseImpact(f) }, nil},
	{"topology", func(f *fields) query { return parseTopology(f) }, nil},
	{"events", func(f *fields) query { return parseEvents(f) }, nil},
}

type kind struct {
	name  string
	parse func(*fields) query
	// shown are the columns that remain where internals are hidden; docs/security.md has the same. Without any, the kind is
	// refused there.
	shown []string
}

// query is a query of any kind with its defaults filled in. Its JSON form is the one in
// src/datasource/kinds/<kind>/query.ts.
type query interface {
	run(context.Context, *Datasource, backend.DataQuery) (data.Frames, error)
}

const (
	defaultLimit = 100
	maxLimit     = 1000
	// maxValues bounds each list of a query.
	maxValues = 10000
	// maxValueLength bounds each of them, in bytes: no name of Kubernetes and no label of a series is as long.
	maxValueLength = 1024
)

// dimensions are the labels of every etcd series, and inventoryFields what the inventory alone knows of clusters.
var (
	dimensions      = []string{"region", "product", "scene", "spec", "cluster"}
	inventoryFields = []string{"host", "zone", "kubernetes"}
	scopeFields     = slices.Concat(dimensions, inventoryFields)
)

// fieldError says which field of a query is wrong.
type fieldError struct {
	field   string
	message string
}

// Error returns a sentence that begins with the field.
func (e *fieldError) Error() string { return e.field + " " + e.message }

// parseQuery reads a query of any kind, for those to whom the view shows its answer. Its error is a *fieldError.
func (v view) parseQuery(raw []byte) (query, kind, error) {
	f := &fields{hidesInternals: v.hidesInternals}
	if json.Unmarshal(raw, &f.values) != nil || f.values == nil {
		return nil, kind{}, &fieldError{"query", "must be an object"}
	}
	f.migrate(migrations)
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.name
	}
	name := f.enum("kind", "", names...)
	for _, k := range kinds {
		if k.name == name && f.err == nil {
			if refusal := k.refusal(); refusal != nil && v.hidesInternals {
				return nil, kind{}, refusal
			}
			parsed := k.parse(f)
			return parsed, k, f.failure()
		}
	}
	return nil, kind{}, f.failure()
}

// fields reads a query's fields by name. An absent field and null give the default; the first wrong one is remembered.
type fields struct {
	values map[string]json.RawMessage
	err    *fieldError
	// hidesInternals refuses fields that are about internals.
	hidesInternals bool
}

func (f *fields) failure() error {
	if f.err == nil {
		return nil
	}
	return f.err
}

func (f *fields) fail(field, message string, args ...any) {
	if f.err == nil {
		f.err = &fieldError{field, fmt.Sprintf(message, args...)}
	}
}

// read decodes a field into target and reports whether there was one.
func (f *fields) read(field string, target any, expected string) bool {
	raw, ok := f.values[field]
	if !ok || string(raw) == "null" {
		return false
	}
	if json.Unmarshal(raw, target) != nil {
		f.fail(field, "must be %s", expected)
		return false
	}
	return true
}

func (f *fields) text(field string) string {
	var value string
	f.read(field, &value, "a text")
	return value
}

func (f *fields) flag(field string) bool {
	var value bool
	f.read(field, &value, "true or false")
	return value
}

func (f *fields) enum(field, fallback string, allowed ...string) string {
	value := fallback
	f.read(field, &value, "a text")
	f.check(field, value, allowed)
	return value
}

func (f *fields) enumList(field string, allowed ...string) []string {
	values := f.list(field)
	for _, value := range values {
		f.check(field, value, allowed)
	}
	return values
}

func (f *fields) check(field, value string, allowed []string) {
	if !slices.Contains(allowed, value) {
		f.fail(field, "must be one of %s", strings.TrimPrefix(strings.Join(allowed, ", "), ", "))
	}
}

func (f *fields) integer(field string, fallback, lowest, highest int) int {
	value := float64(fallback)
	f.read(field, &value, fmt.Sprintf("a whole number from %d to %d", lowest, highest))
	if value != math.Trunc(value) || value < float64(lowest) || value > float64(highest) {
		f.fail(field, "must be a whole number from %d to %d", lowest, highest)
		return fallback
	}
	return int(value)
}

func (f *fields) list(field string) []string {
	const expected = "a list of texts"
	var entries []*string
	f.read(field, &entries, expected)
	if len(entries) > maxValues {
		f.fail(field, "must have at most %d values", maxValues)
	}
	values := make([]string, 0, len(entries))
	for _, entry := range entries {
		if entry == nil {
			f.fail(field, "must be %s", expected)
			break
		}
		if len(*entry) > maxValueLength {
			f.fail(field, "must have values of at most %d bytes", maxValueLength)
		}
		values = append(values, *entry)
	}
	return values
}

var prometheusDuration = regexp.MustCompile(`^([0-9]+(ms|[smhdwy]))+$`)

// duration reads a Prometheus duration; empty and macros such as $__interval pass.
func (f *fields) duration(field string) string {
	value := f.text(field)
	if value != "" && !strings.Contains(value, "$") && !prometheusDuration.MatchString(value) {
		f.fail(field, "must be a duration such as 15s or 1m")
	}
	return value
}

func (f *fields) scope() inventory.Scope { return f.scopeOf(f.scopeFields()) }

// scopeFields are the fields of a cluster that this query may name.
func (f *fields) scopeFields() []string {
	if f.hidesInternals {
		return slices.DeleteFunc(slices.Clone(scopeFields), func(name string) bool { return slices.Contains(hiddenScopeFields, name) })
	}
	return scopeFields
}

// seriesScope is a scope that Thanos can answer alone.
func (f *fields) seriesScope() inventory.Scope { return f.scopeOf(dimensions) }

func (f *fields) scopeOf(allowed []string) inventory.Scope {
	inner := &fields{}
	if !f.read("scope", &inner.values, "an object") {
		return inventory.Scope{}
	}
	for _, name := range slices.Sorted(maps.Keys(inner.values)) {
		if !slices.Contains(allowed, name) {
			f.fail("scope."+name, "is not a field of this scope: use %s", strings.Join(allowed, ", "))
		}
	}
	scope := inventory.Scope{
		Region:  inner.list("region"),
		Product: inner.list("product"),
		Scene:   inner.list("scene"),
		Spec:    inner.list("spec"),
		Cluster: inner.list("cluster"),

		Host:       inner.list("host"),
		Zone:       inner.list("zone"),
		Kubernetes: inner.list("kubernetes"),
	}
	if inner.err != nil {
		f.fail("scope."+inner.err.field, "%s", inner.err.message)
	}
	return scope
}

// page is the part of a table that a query asks for.
type page struct {
	Limit  int `json:"limit"`
	Offset int `json:"offset"`
}

func (f *fields) page() page {
	return page{Limit: f.integer("limit", defaultLimit, 1, maxLimit), Offset: f.integer("offset", 0, 0, 1<<53-1)}
}
