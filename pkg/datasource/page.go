package datasource

import (
	"cmp"
	"container/heap"
	"slices"
)

// cut reorders rows and returns the part that a page shows, sorted. It sorts no more rows than up to the page's end:
// the fleet has tens of thousands, a page a hundred.
func cut[R any](rows []R, p page, compare func(a, b R) int) []R {
	end := p.Offset + p.Limit
	if end < len(rows) {
		first := &worstOut[R]{rows: rows[:end], compare: compare}
		heap.Init(first)
		for _, row := range rows[end:] {
			if compare(row, first.rows[0]) < 0 {
				first.rows[0] = row
				heap.Fix(first, 0)
			}
		}
		rows = first.rows
	}
	slices.SortFunc(rows, compare)
	return rows[min(p.Offset, len(rows)):]
}

// worstOut is a heap with the row that sorts last at its top.
type worstOut[R any] struct {
	rows    []R
	compare func(a, b R) int
}

func (h *worstOut[R]) Len() int           { return len(h.rows) }
func (h *worstOut[R]) Less(i, j int) bool { return h.compare(h.rows[i], h.rows[j]) > 0 }
func (h *worstOut[R]) Swap(i, j int)      { h.rows[i], h.rows[j] = h.rows[j], h.rows[i] }

// Push and Pop complete heap.Interface; the heap never changes its length.
func (h *worstOut[R]) Push(any) {}
func (h *worstOut[R]) Pop() any { return nil }

// inOrder chains comparisons: the first that distinguishes two rows decides.
func inOrder[R any](comparisons ...func(a, b R) int) func(a, b R) int {
	return func(a, b R) int {
		for _, compare := range comparisons {
			if order := compare(a, b); order != 0 {
				return order
			}
		}
		return 0
	}
}

// by compares rows by one value, ascending.
func by[R any, V cmp.Ordered](value func(R) V) func(a, b R) int {
	return func(a, b R) int { return cmp.Compare(value(a), value(b)) }
}

func reversed[R any](compare func(a, b R) int) func(a, b R) int {
	return func(a, b R) int { return compare(b, a) }
}

// lastIf puts the rows without a value last.
func lastIf[R any](missing func(R) bool) func(a, b R) int {
	return by(func(row R) int {
		if missing(row) {
			return 1
		}
		return 0
	})
}
