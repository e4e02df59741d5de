package datasource

import (
	"slices"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// everyColumn is for a kind whose columns depend on the query, and which hides internals itself.
const everyColumn = "*"

// clusterColumns say which cluster a row is about.
var clusterColumns = []string{"region", "cluster", "product", "scene", "spec"}

// hiddenScopeFields are the fields of a scope by which internals could be guessed.
var hiddenScopeFields = []string{"host", "zone"}

// refusal says why a kind is not answered where internals are hidden; nil when it is.
func (k kind) refusal() error {
	if len(k.shown) == 0 {
		return &fieldError{"kind", k.name + " is for those who run the clusters: this datasource hides hosts, members and other internals"}
	}
	return nil
}

// conceal takes away the columns that are internals.
func (k kind) conceal(frames data.Frames) {
	if slices.Contains(k.shown, everyColumn) {
		return
	}
	for _, frame := range frames {
		frame.Fields = slices.DeleteFunc(frame.Fields, func(field *data.Field) bool { return !slices.Contains(k.shown, field.Name) })
	}
}
