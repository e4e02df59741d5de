// Package command has the functions that the programs of bench/inspect share: start, wait and report progress.
package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"time"
)

// Main runs a measurement until it finishes or is interrupted. It empties dir, the folder for data and logs, first.
func Main(dir string, measure func(context.Context) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := emptyFolder(dir)
	if err == nil {
		err = measure(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:gocritic // the process exits, so stop has nothing to release
	}
}

func emptyFolder(dir string) error {
	if dir == "" {
		return errors.New("--dir is missing: name a folder for data and logs")
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.MkdirAll(dir, 0o700)
}

// Sleep waits for the duration. It returns an error if ctx ends before.
func Sleep(ctx context.Context, duration time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(duration):
		return nil
	}
}

// Progress writes a line to standard error. Standard output is for figures.
func Progress(format string, values ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format("15:04:05 ")+format+"\n", values...)
}
