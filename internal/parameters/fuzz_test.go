package parameters

import (
	"math"
	"strings"
	"testing"
)

// FuzzParameters makes sure that a parameter is in its bounds or refused by name.
func FuzzParameters(f *testing.F) {
	for _, seed := range []string{"", "0", "1", "-1", "1e3", "0.5", "NaN", "Inf", "24h", "-1s", "1d", "512Ki", "8Gi", "-1Gi", "12345678901234567890e2000000000", "1e-1000000000", "9223372036854775808", "\n"} {
		f.Add(seed)
	}
	set := Set{
		{Name: "count", Kind: Count, Default: "5", Min: "1", Max: "50"}, {Name: "duration", Kind: Duration, Default: "1s"},
		{Name: "ratio", Kind: Ratio, Default: "0.5"}, {Name: "bytes", Kind: Bytes, Default: "1Mi"},
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, p := range set {
			values, problems := set.Read(map[string]string{p.Name: text})
			if len(problems) > 0 {
				requireNamed(t, problems[0], p.Name)
				continue
			}
			count, duration, ratio, size := values.Count("count"), values.Duration("duration"), values.Ratio("ratio"), values.Bytes("bytes")
			if count < 1 || count > 50 || duration < 0 || size < 0 || !(ratio >= 0 && ratio <= 1) || math.IsNaN(ratio) {
				t.Fatalf("%q is %d, %s, %f, %d", text, count, duration, ratio, size)
			}
		}
		if _, problems := set.Read(map[string]string{text: "1"}); len(problems) > 0 && len(problems[0].Error()) > 2000 {
			t.Fatalf("%d bytes are no message", len(problems[0].Error()))
		}
	})
}

func requireNamed(t *testing.T, problem Problem, name string) {
	t.Helper()
	if !strings.Contains(problem.Error(), "spec.parameters."+name) {
		t.Fatalf("%v does not name the parameter", problem)
	}
}
