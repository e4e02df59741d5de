package datasource

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMigrationsBringAQueryToTheCurrentVersionInTheirOrder(t *testing.T) {
	renamed := func(from, to string) migration {
		return func(fields map[string]json.RawMessage) {
			fields[to] = fields[from]
			delete(fields, from)
		}
	}
	steps := []migration{renamed("query", "expression"), renamed("expression", "expr")}
	for raw, want := range map[string]string{
		`{"query": "up"}`:                    "up",
		`{"query": "up", "version": null}`:   "up",
		`{"query": "up", "version": 1}`:      "up",
		`{"expression": "up", "version": 2}`: "up",
		`{"expr": "up", "version": 3}`:       "up",
	} {
		f := &fields{}
		require.NoError(t, json.Unmarshal([]byte(raw), &f.values))
		f.migrate(steps)
		require.NoError(t, f.failure())
		require.Equal(t, want, f.text("expr"), raw)
	}
	f := &fields{values: map[string]json.RawMessage{"expr": []byte(`"up"`), "version": []byte(`4`)}}
	f.migrate(steps)
	require.EqualError(t, f.failure(), "version is 4, and this plugin reads queries up to version 3: update the app etcd Fleet to the release that wrote the query")
	require.Equal(t, "up", f.text("expr"), "nothing is changed")
}
