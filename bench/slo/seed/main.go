// Command seed writes the blocks of a Prometheus that has monitored a fleet for a month. It reads a plan (JSON) from
// standard input. It writes one block at a time and one series at a time, so that its memory does not depend on the
// size of the fleet.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "seed:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var p plan
	if err := json.NewDecoder(os.Stdin).Decode(&p); err != nil {
		return fmt.Errorf("the plan on standard input: %w", err)
	}
	p.sort()
	for _, span := range p.Blocks {
		stats, err := writeBlock(ctx, &p, span)
		if err != nil {
			return err
		}
		fmt.Printf("%d series, %d samples\n", stats.NumSeries, stats.NumSamples)
	}
	return nil
}
