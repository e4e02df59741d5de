// Package guard keeps a panic in the work for one object from ending the process, and so the work for all others.
package guard

import (
	"context"
	"fmt"
	"runtime/debug"

	"sigs.k8s.io/controller-runtime/pkg/log"
)

// Run returns what f returns. A panic of f becomes an error that names the part of the program, what, and its stack goes
// to the log. It does not reach goroutines that f starts: each needs a guard of its own.
func Run(ctx context.Context, what string, f func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			log.FromContext(ctx).Error(fmt.Errorf("%v", cause), "panic", "in", what, "stack", string(debug.Stack()))
			err = fmt.Errorf("%s has a defect, see the program's log: %v", what, cause)
		}
	}()
	return f()
}
