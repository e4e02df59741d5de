package checks_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
	"github.com/etcdfleet/etcd-fleet/internal/parameters"
)

func run(context.Context, checks.Target) (checks.Result, error) { return checks.Result{}, nil }

func TestEveryCheckOfThePackageIsValid(t *testing.T) {
	t.Parallel()
	assert.NotPanics(t, func() { checks.All() })
	assert.Contains(t, checks.All(), "etcd-node-key-diff")
}

func TestNewRegistryRefusesContradictions(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		checks  []checks.Check
		message string
	}{
		{"no name", []checks.Check{{Run: run}}, "needs a Name and a Run"},
		{"no run", []checks.Check{{Name: "a"}}, "needs a Name and a Run"},
		{"one name twice", []checks.Check{{Name: "a", Run: run}, {Name: "a", Run: run}}, "two checks are named a"},
		{
			"a metric outside the namespace",
			[]checks.Check{{Name: "a", Run: run, Values: []checks.Value{{Name: "keys", Metric: "keys"}}}},
			`metric "keys" does not begin with etcd_inspection_`,
		},
		{
			"one metric with two meanings",
			[]checks.Check{
				{Name: "a", Run: run, Values: []checks.Value{{Name: "keys", Metric: "etcd_inspection_keys", Help: "Keys."}}},
				{Name: "b", Run: run, Values: []checks.Value{{Name: "k", Metric: "etcd_inspection_keys", Help: "Locks."}}},
			},
			"another help text",
		},
		{
			"parameters that contradict themselves",
			[]checks.Check{{Name: "a", Run: run, Parameters: parameters.Set{{Name: "top", Kind: parameters.Count, Default: "x"}}}},
			"check a: the defaults are not valid",
		},
		{"too many values", []checks.Check{{Name: "a", Run: run, Values: make([]checks.Value, 33)}}, "a record holds 32"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := checks.NewRegistry(test.checks...)
			assert.ErrorContains(t, err, test.message)
		})
	}
}

func TestLookup(t *testing.T) {
	t.Parallel()
	declared := parameters.Set{
		{Name: "top", Kind: parameters.Count, Default: "10", Max: "50"}, {Name: "bytes", Kind: parameters.Bytes, Default: "1000"},
	}
	registry, err := checks.NewRegistry(
		checks.Check{Name: "large-keys", Run: run, Parameters: declared},
		checks.Check{Name: "alarms", Run: run},
	)
	require.NoError(t, err)

	t.Run("fills in defaults", func(t *testing.T) {
		check, values, err := registry.Lookup("large-keys", checks.Parameters{"top": "5"})
		require.NoError(t, err)
		assert.Equal(t, "large-keys", check.Name)
		assert.Equal(t, map[string]string{"top": "5", "bytes": "1000"}, values.Texts())
		assert.Equal(t, int64(5), values.Count("top"))
	})
	t.Run("names the checks that there are", func(t *testing.T) {
		_, _, err := registry.Lookup("alarm", nil)
		assert.EqualError(t, err,
			`there is no check "alarm": create an EtcdMonitor whose spec.metricName is one of alarms, large-keys`)
	})
	t.Run("names a value that is not valid", func(t *testing.T) {
		_, _, err := registry.Lookup("large-keys", checks.Parameters{"top": "51"})
		assert.EqualError(t, err, `parameter top is "51": set spec.parameters.top to a whole number up to 50`)
	})
	t.Run("names the parameters that there are", func(t *testing.T) {
		_, _, err := registry.Lookup("large-keys", checks.Parameters{"to": "5"})
		assert.EqualError(t, err,
			`check large-keys has no parameter "to": remove it from spec.parameters (there are: bytes, top)`)
		_, _, err = registry.Lookup("alarms", checks.Parameters{"to": "5"})
		assert.ErrorContains(t, err, "there are: none")
	})
}
