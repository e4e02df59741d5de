package cruiser

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
)

func monitorNamed(name string) ctrl.Request {
	namespace, name, _ := strings.Cut(name, "/")
	return ctrl.Request{NamespacedName: types.NamespacedName{Namespace: namespace, Name: name}}
}

func popAll(q *fairQueue) (order []string) {
	for q.Len() > 0 {
		order = append(order, q.Pop().String())
	}
	return order
}

func TestFairQueue(t *testing.T) {
	for _, test := range []struct {
		name      string
		requested []string
		pushed    []string
		touched   []string
		want      []string
	}{
		{"is first in, first out", nil, []string{"gz/a", "gz/b", "gz/c"}, nil, []string{"gz/a", "gz/b", "gz/c"}},
		{
			"takes regions in turn", nil,
			[]string{"gz/a", "gz/b", "gz/c", "sh/a", "sh/b", "bj/a"}, nil,
			[]string{"gz/a", "sh/a", "bj/a", "gz/b", "sh/b", "gz/c"},
		},
		{
			"takes requested runs first, regions in turn as well",
			[]string{"gz/c", "gz/d", "sh/b"},
			[]string{"gz/a", "gz/c", "gz/d", "sh/a", "sh/b"}, nil,
			[]string{"gz/c", "sh/b", "gz/d", "gz/a", "sh/a"},
		},
		{
			"moves a monitor that waits and is requested now",
			[]string{"gz/c"},
			[]string{"gz/a", "gz/b"}, []string{"gz/b"},
			[]string{"gz/a", "gz/b"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			priorities := newPriorities()
			q := newFairQueue(priorities)
			for _, name := range test.requested {
				priorities.setRequested(monitorNamed(name), true)
			}
			for _, name := range test.pushed {
				q.Push(monitorNamed(name))
			}
			for _, name := range test.touched {
				q.Touch(monitorNamed(name))
			}
			assert.Equal(t, test.want, popAll(q))
		})
	}
}

func TestFairQueueMovesWhatGetsAHigherPriorityOnce(t *testing.T) {
	priorities := newPriorities()
	q := newFairQueue(priorities)
	for _, name := range []string{"gz/a", "gz/b", "sh/a"} {
		q.Push(monitorNamed(name))
	}
	priorities.setRequested(monitorNamed("sh/a"), true)
	q.Touch(monitorNamed("sh/a"))
	q.Touch(monitorNamed("sh/a"))
	assert.Equal(t, 3, q.Len())
	assert.Equal(t, []string{"sh/a", "gz/a", "gz/b"}, popAll(q))

	priorities.setRequested(monitorNamed("sh/a"), false)
	q.Push(monitorNamed("gz/a"))
	q.Push(monitorNamed("sh/a"))
	assert.Equal(t, []string{"gz/a", "sh/a"}, popAll(q), "after the request was answered it waits like the others")
}

func TestFairQueueResumesWhatWaitedForItsCluster(t *testing.T) {
	priorities := newPriorities()
	q := newFairQueue(priorities)
	priorities.setResumed(monitorNamed("gz/b"), true)
	priorities.setResumed(monitorNamed("gz/c"), true)
	priorities.setRequested(monitorNamed("gz/c"), true)
	for _, name := range []string{"gz/a", "gz/b", "gz/c"} {
		q.Push(monitorNamed(name))
	}
	assert.Equal(t, []string{"gz/c", "gz/b", "gz/a"}, popAll(q), "after requested ones, before those that have waited less")
}
