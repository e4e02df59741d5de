// Package sidebyside runs a function for several things at once without the risk that a panic in one of the goroutines ends
// the process.
package sidebyside

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/log"
)

// Do calls do for each of the items, each in a goroutine of its own, and returns when all calls have. There is a goroutine
// per item, so the number of items must be bounded, as that of a cluster's members is.
//
// When calls panic, Do panics with the value of the first of them once all have ended: in the goroutine of the caller,
// which can recover it. Without that no one could, and the process would end. The stack of the call is logged.
func Do[T any](ctx context.Context, items []T, do func(item T)) {
	var running sync.WaitGroup
	causes := make([]any, len(items))
	for i, item := range items {
		running.Go(func() {
			defer func() {
				if causes[i] = recover(); causes[i] != nil {
					log.FromContext(ctx).Error(fmt.Errorf("%v", causes[i]), "goroutine panicked", "stack", string(debug.Stack()))
				}
			}()
			do(item)
		})
	}
	running.Wait()
	for _, cause := range causes {
		if cause != nil {
			panic(cause)
		}
	}
}
