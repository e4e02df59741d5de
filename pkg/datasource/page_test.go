package datasource

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCutsThePageOutOfTheSortedRows(t *testing.T) {
	sorted := make([]int, 1000)
	for i := range sorted {
		sorted[i] = i / 2 // with repeats
	}
	random := rand.New(rand.NewPCG(1, 2))
	for _, p := range []page{{100, 0}, {100, 50}, {1, 999}, {10, 995}, {1000, 0}, {1000, 500}, {5, 1000}, {5, 5000}} {
		rows := slices.Clone(sorted)
		random.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		start, end := min(p.Offset, len(sorted)), min(p.Offset+p.Limit, len(sorted))
		require.Equal(t, sorted[start:end], cut(rows, p, cmp.Compare[int]), "%+v", p)
	}
	require.Empty(t, cut(nil, page{Limit: 10}, cmp.Compare[int]))
}
