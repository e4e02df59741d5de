package sidebyside_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-logr/logr/funcr"
	"github.com/stretchr/testify/assert"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/etcdfleet/etcd-fleet/internal/sidebyside"
)

func TestDoCallsForAllItemsAtOnce(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{}, 3)
	var sum atomic.Int64
	sidebyside.Do(t.Context(), []int64{1, 2, 3}, func(item int64) {
		arrived <- struct{}{}
		for len(arrived) < cap(arrived) { // ends only when all three run
			select {
			case <-t.Context().Done():
				return
			default:
			}
		}
		sum.Add(item)
	})
	assert.EqualValues(t, 6, sum.Load())
	sidebyside.Do(t.Context(), nil, func(int) { t.Error("there is no item") })
}

func TestDoPanicsInTheGoroutineOfItsCaller(t *testing.T) {
	t.Parallel()
	var logged strings.Builder
	logger := funcr.New(func(_, line string) { logged.WriteString(line) }, funcr.Options{})
	ctx := log.IntoContext(context.Background(), logger)
	var finished atomic.Int64
	assert.PanicsWithValue(t, "no such member", func() {
		sidebyside.Do(ctx, []int{0, 1, 2}, func(item int) {
			if item == 1 {
				panicForTest()
			}
			finished.Add(1)
		})
	})
	assert.EqualValues(t, 2, finished.Load(), "the others end first")
	assert.Contains(t, logged.String(), "no such member")
	assert.Contains(t, logged.String(), "panicForTest", "the stack of the goroutine")
}

func panicForTest() { panic("no such member") }
