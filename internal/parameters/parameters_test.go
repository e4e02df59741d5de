package parameters_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/etcdfleet/etcd-fleet/internal/parameters"
)

func TestSizesThatCannotBeAreRefused(t *testing.T) {
	set := parameters.Set{{Name: "maxBytes", Kind: parameters.Bytes, Default: "0"}}
	for text, want := range map[string]int64{"0": 0, "524288": 524288, "512Ki": 512 << 10, "1.5Gi": 3 << 29, "1e3": 1000, "8E": 8e18} {
		values, problems := set.Read(map[string]string{"maxBytes": text})
		require.Empty(t, problems, text)
		assert.Equal(t, want, values.Bytes("maxBytes"), text)
	}
	// The longer ones would be computed for hours.
	for _, text := range []string{"", "-1", "1d", "9223372036854775808", "12345678901234567890e2000000000", "1e1000000", "0x10"} {
		_, problems := set.Read(map[string]string{"maxBytes": text})
		require.Len(t, problems, 1, text)
		assert.ErrorContains(t, problems[0], "set spec.parameters.maxBytes to a size in bytes", text)
	}
}

var set = parameters.Set{
	{Name: "top", Kind: parameters.Count, Default: "10", Min: "1", Max: "50"},
	{Name: "warnBytes", Kind: parameters.Bytes, Default: "512Ki", NotAbove: "failBytes"},
	{Name: "failBytes", Kind: parameters.Bytes, Default: "1536Ki"},
	{Name: "sample", Kind: parameters.Duration, Default: "10s", Min: "1ms", Max: "1m"},
	{Name: "follow", Kind: parameters.Duration, Default: "1h", NotBelow: "sample"},
	{Name: "share", Kind: parameters.Ratio, Default: "0.5"},
	{Name: "location", Kind: parameters.Text},
}

func TestReadFillsInDefaults(t *testing.T) {
	require.NoError(t, set.Validate())
	values, problems := set.Read(map[string]string{"top": "3", "location": "file:///backups"})
	require.Empty(t, problems)
	assert.Equal(t, int64(3), values.Count("top"))
	assert.Equal(t, int64(512<<10), values.Bytes("warnBytes"))
	assert.Equal(t, 10*time.Second, values.Duration("sample"))
	assert.InDelta(t, 0.5, values.Ratio("share"), 0)
	assert.Equal(t, "file:///backups", values.Text("location"))
	assert.Panics(t, func() { values.Count("share") }, "of another kind")
	assert.Panics(t, func() { values.Count("bottom") }, "not declared")
}

func TestAProblemNamesTheParameterItsValueAndTheRemedy(t *testing.T) {
	for _, test := range []struct {
		given   map[string]string
		message string
	}{
		{map[string]string{"top": "0"}, `parameter top is "0": set spec.parameters.top to a whole number from 1 to 50`},
		{map[string]string{"top": "some"}, `parameter top is "some": set spec.parameters.top to a whole number from 1 to 50`},
		{map[string]string{"sample": "10"}, `parameter sample is "10": set spec.parameters.sample to a time from 1ms to 1m, for example 30s, 5m or 720h`},
		{map[string]string{"share": "50"}, `parameter share is "50": set spec.parameters.share to a part from 0 to 1, for example 0.8`},
		{
			map[string]string{"warnBytes": "2Mi"},
			`parameter warnBytes is "2Mi": set spec.parameters.warnBytes to a size in bytes that is not above failBytes, 1536Ki`,
		},
		{
			map[string]string{"follow": "1s"},
			`parameter follow is "1s": set spec.parameters.follow to a time that is not below sample, 10s`,
		},
		{
			map[string]string{"warnByte": "1"},
			"parameter warnByte is unknown: rename spec.parameters.warnByte to warnBytes, or remove it " +
				"(there are: failBytes, follow, location, sample, share, top, warnBytes)",
		},
		{
			map[string]string{"something": "1"},
			"parameter something is unknown: remove spec.parameters.something " +
				"(there are: failBytes, follow, location, sample, share, top, warnBytes)",
		},
	} {
		_, problems := set.Read(test.given)
		if assert.Len(t, problems, 1, test.message) {
			assert.EqualError(t, problems[0], test.message)
		}
	}
	_, problems := set.Read(map[string]string{"top": "0", "share": "2", "bottom": "1"})
	assert.Len(t, problems, 3, "each is reported")
	_, problems = parameters.Set(nil).Read(map[string]string{"a": "1"})
	assert.EqualError(t, problems[0], "parameter a is unknown: remove spec.parameters.a (there are: none)")
}

func TestNearestNames(t *testing.T) {
	for name, nearest := range map[string][]string{
		"tpo": {"top"}, "TOP": {"top"}, "warnbytes": {"warnBytes"}, "failByte": {"failBytes"}, "sampel": {"sample"}, "x": nil, "": nil, strings.Repeat("top", 1<<20): nil,
	} {
		_, problems := set.Read(map[string]string{name: "1"})
		if assert.Len(t, problems, 1) {
			assert.Equal(t, nearest, problems[0].Nearest)
			assert.Less(t, len(problems[0].Error()), 1000)
		}
	}
}

func TestADeclarationThatContradictsItselfIsRefused(t *testing.T) {
	for message, set := range map[string]parameters.Set{
		"needs a Name and a known Kind":     {{Name: "a", Kind: "number"}},
		"two parameters are named a":        {{Name: "a", Kind: parameters.Text}, {Name: "a", Kind: parameters.Text}},
		`Min "x" is not a whole number`:     {{Name: "a", Kind: parameters.Count, Default: "1", Min: "x"}},
		"the defaults are not valid":        {{Name: "a", Kind: parameters.Count, Default: "3", Max: "2"}},
		`NotBelow names "b", which is not`:  {{Name: "a", Kind: parameters.Count, Default: "1", NotBelow: "b"}},
		`NotAbove names "b", which is not `: {{Name: "a", Kind: parameters.Count, Default: "1", NotAbove: "b"}, {Name: "b", Kind: parameters.Text}},
	} {
		assert.ErrorContains(t, set.Validate(), message)
	}
}
