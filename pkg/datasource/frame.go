package datasource

import (
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/etcdfleet/etcd-fleet/pkg/inventory"
)

// column returns a field with one value a row.
func column[R, V any](name string, rows []R, value func(R) V) *data.Field {
	values := make([]V, len(rows))
	for i, row := range rows {
		values[i] = value(row)
	}
	return data.NewField(name, nil, values)
}

func withUnit(field *data.Field, unit string) *data.Field {
	return field.SetConfig(&data.FieldConfig{Unit: unit})
}

// orNil makes a zero value a missing one.
func orNil[V comparable](value V) *V {
	var zero V
	if value == zero {
		return nil
	}
	return &value
}

// tableMeta is meta.custom of the tables; docs/datasource.md describes it.
type tableMeta struct {
	Total   int          `json:"total"`
	Offset  int          `json:"offset"`
	Regions []regionMeta `json:"regions"`
}

type regionMeta struct {
	Name  string          `json:"name"`
	State inventory.State `json:"state"`
	Since time.Time       `json:"since"`
	Error string          `json:"error,omitempty"`
}

// tableFrame returns a table with what it was cut from and how current its regions are.
func tableFrame(name, rowNoun string, cut page, total int, regions []inventory.Status, fields ...*data.Field) *data.Frame {
	meta := tableMeta{Total: total, Offset: cut.Offset, Regions: make([]regionMeta, len(regions))}
	for i, region := range regions {
		meta.Regions[i] = regionMeta{Name: region.Name, State: region.State, Since: region.Since.UTC()}
		if region.Err != nil {
			meta.Regions[i].Error = region.Err.Error()
		}
	}
	frame := data.NewFrame(name, fields...).SetMeta(&data.FrameMeta{
		Type: data.FrameTypeTable, TypeVersion: dataPlane, Custom: meta, PreferredVisualization: data.VisTypeTable,
	})
	shown, _ := frame.RowLen() // The columns are made from the same rows.
	frame.AppendNotices(cutNotices(shown, cut.Offset, total, rowNoun)...)
	frame.AppendNotices(regionNotices(regions)...)
	return frame
}
