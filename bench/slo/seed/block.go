package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/oklog/ulid/v2"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/index"
)

// writeBlock writes the series of a time range as a block.
func writeBlock(ctx context.Context, p *plan, span timeRange) (tsdb.BlockStats, error) {
	id, err := ulid.New(uint64(span.To), rand.Reader)
	if err != nil {
		return tsdb.BlockStats{}, err
	}
	directory := filepath.Join(p.Directory, id.String())
	w, err := newWriter(ctx, p, directory)
	if err != nil {
		return tsdb.BlockStats{}, err
	}
	for i := range p.Families {
		if err := w.addFamily(ctx, p, &p.Families[i], span); err != nil {
			return w.stats, fmt.Errorf("%s: %w", p.Families[i].Name, err)
		}
	}
	if err := w.close(); err != nil {
		return w.stats, err
	}
	return w.stats, writeMeta(directory, id, span, w.stats)
}

type writer struct {
	chunks *chunks.Writer
	index  *index.Writer
	stats  tsdb.BlockStats
}

func newWriter(ctx context.Context, p *plan, directory string) (*writer, error) {
	chunkWriter, err := chunks.NewWriter(filepath.Join(directory, "chunks"))
	if err != nil {
		return nil, err
	}
	indexWriter, err := index.NewWriter(ctx, filepath.Join(directory, "index"))
	if err != nil {
		return nil, err
	}
	for _, symbol := range p.symbols() {
		if err := indexWriter.AddSymbol(symbol); err != nil {
			return nil, err
		}
	}
	return &writer{chunks: chunkWriter, index: indexWriter}, nil
}

// course identifies series with the same values.
type course struct{ plan, pattern int }

func (w *writer) addFamily(ctx context.Context, p *plan, f *family, block timeRange) error {
	if f.Per == "series" {
		known := map[course][]chunks.Meta{}
		for _, s := range f.alone() {
			if err := w.add(f, s, f.rangeIn(block, false), known); err != nil {
				return err
			}
		}
		return nil
	}
	// There are two caches because the series of sampled clusters may start earlier.
	known := map[bool]map[course][]chunks.Meta{true: {}, false: {}}
	for s := range f.ofClusters(p) {
		if err := ctx.Err(); err != nil {
			return err
		}
		sampled := s.cluster < p.Sampled
		if err := w.add(f, s, f.rangeIn(block, sampled), known[sampled]); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) add(f *family, s series, span timeRange, known map[course][]chunks.Meta) error {
	if span.From >= span.To {
		return nil
	}
	key := course{s.plan, s.pattern}
	encoded, found := known[key]
	if !found || s.change != nil {
		var err error
		if encoded, err = encode(f.Series[s.plan], s.change, s.pattern, f.Step, span); err != nil {
			return err
		}
	}
	if s.change == nil {
		known[key] = encoded
	}
	// Equal chunks are written once per series, so that reading them costs as much as in production.
	if err := w.chunks.WriteChunks(encoded...); err != nil {
		return err
	}
	if err := w.index.AddSeries(storage.SeriesRef(w.stats.NumSeries), s.labels, encoded...); err != nil {
		return err
	}
	w.stats.NumSeries++
	w.stats.NumChunks += uint64(len(encoded))
	for _, chunk := range encoded {
		w.stats.NumSamples += uint64(chunk.Chunk.NumSamples())
	}
	return nil
}

func (w *writer) close() error {
	if err := w.chunks.Close(); err != nil {
		return err
	}
	return w.index.Close()
}

func writeMeta(directory string, id ulid.ULID, span timeRange, stats tsdb.BlockStats) error {
	meta := tsdb.BlockMeta{
		ULID:       id,
		MinTime:    span.From,
		MaxTime:    span.To,
		Stats:      stats,
		Version:    1,
		Compaction: tsdb.BlockMetaCompaction{Level: 1, Sources: []ulid.ULID{id}},
	}
	// Rules record samples in the time range of the last block. Prometheus refuses such samples unless the block is
	// marked as out of order.
	meta.Compaction.SetOutOfOrder()
	text, err := json.Marshal(meta)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(directory, "meta.json"), text, 0o600)
}
