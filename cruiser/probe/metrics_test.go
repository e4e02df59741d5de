package probe

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/types"
)

// A prober that cannot keep up must not report an old result forever.
func TestAnOldVerdictIsNone(t *testing.T) {
	p := New(Options{Interval: DefaultInterval, Owns: func(types.NamespacedName) bool { return true }})
	metrics := prometheus.NewPedanticRegistry()
	require.NoError(t, metrics.Register(p))
	for _, test := range []struct {
		target   target
		families int
	}{
		{target{verdict: alive, judged: time.Now()}, 2},
		{target{verdict: dead, judged: time.Now().Add(-2 * DefaultInterval)}, 2},
		{target{verdict: alive, judged: time.Now().Add(-time.Minute)}, 0},
		{target{verdict: dead, judged: time.Now().Add(-time.Minute)}, 0},
		{target{verdict: unknown, judged: time.Now()}, 0},
		{target{}, 0},
	} {
		p.targets = map[types.UID]*target{"a": &test.target}
		families, err := metrics.Gather()
		require.NoError(t, err)
		assert.Len(t, families, test.families, "%+v", test.target)
	}
}
