package backups

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/log"
)

// readsAtOnce bounds the reads of one volume. A read that the file system does not answer cannot be ended and keeps a
// thread of the operating system, so this is also how many threads a volume that hangs can cost.
const readsAtOnce = 4

// volume is a folder on a file system that may stop answering, as those of networks do.
type volume struct {
	root  string
	turns chan struct{}

	mu    sync.Mutex
	reads []*reading
}

// reading is a read under way.
type reading struct {
	folder string
	begin  time.Time

	// isLate says that nobody waits for it any longer.
	isLate bool
}

func newVolume(root string) *volume {
	return &volume{root: root, turns: make(chan struct{}, readsAtOnce)}
}

// read calls do with the volume's root and ends with ctx, whatever do does: then do goes on in the background until its
// file system answers. Meanwhile reads of the same folder fail at once, and all reads of the volume when every turn is
// taken that way.
func (v *volume) read(ctx context.Context, folder string, do func(*os.Root) error) error {
	if err := v.refuse(folder); err != nil {
		return err
	}
	select {
	case v.turns <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("%s was not read, because %d other reads of the volume %s go on: %w", folder, readsAtOnce, v.root, ctx.Err())
	}
	r, err := v.start(folder)
	if err != nil {
		<-v.turns
		return err
	}
	result := make(chan error, 1)
	go func() {
		err := v.guarded(ctx, do)
		v.end(r)
		result <- err
	}()
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
	}
	if errors.Is(ctx.Err(), context.Canceled) { // that says nothing about the volume
		return ctx.Err()
	}
	v.giveUp(r)
	return fmt.Errorf("the volume %s does not answer a read of %s: look at its mount and its server: %w", v.root, folder, ctx.Err())
}

// guarded opens the root, so that no path and no link leads out of it, and turns a panic into an error: nobody else would
// recover it in this goroutine.
func (v *volume) guarded(ctx context.Context, do func(*os.Root) error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			log.FromContext(ctx).Error(fmt.Errorf("%v", cause), "reading backups panicked", "stack", string(debug.Stack()))
			err = fmt.Errorf("reading backups has a defect, see cruiser's log: %v", cause)
		}
	}()
	root, err := os.OpenRoot(v.root)
	if err != nil {
		return fmt.Errorf("open --%s: %w", RootFlag, err)
	}
	defer func() { _ = root.Close() }()
	return do(root)
}

// refuse says that a read would hang.
func (v *volume) refuse(folder string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.hanging(folder)
}

func (v *volume) hanging(folder string) error {
	late := 0
	for _, r := range v.reads {
		if !r.isLate {
			continue
		}
		if late++; r.folder == folder || late == readsAtOnce {
			return fmt.Errorf("the volume %s does not answer: a read of %s has been waiting for %s, so no other is begun: look at its "+
				"mount and its server", v.root, r.folder, time.Since(r.begin).Round(time.Second))
		}
	}
	return nil
}

// start takes note of a read, if it would not hang by now.
func (v *volume) start(folder string) (*reading, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.hanging(folder); err != nil {
		return nil, err
	}
	r := &reading{folder: folder, begin: time.Now()}
	v.reads = append(v.reads, r)
	return r, nil
}

func (v *volume) giveUp(r *reading) {
	v.mu.Lock()
	defer v.mu.Unlock()
	r.isLate = true
}

func (v *volume) end(r *reading) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.reads = slices.DeleteFunc(v.reads, func(other *reading) bool { return other == r })
	<-v.turns
}
