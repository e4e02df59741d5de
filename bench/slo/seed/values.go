package main

import (
	"fmt"
	"math"

	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
)

// samplesPerChunk is the number of samples that Prometheus puts into a chunk.
const samplesPerChunk = 120

// encode returns the chunks of a series from its first sample at or after the start of the range. A change, if there is
// one, applies from its time on.
func encode(s seriesPlan, of *change, pattern int, step int64, span timeRange) ([]chunks.Meta, error) {
	var metas []chunks.Meta
	var chunk *chunkenc.XORChunk
	var appender chunkenc.Appender
	first := (span.From + step - 1) / step * step
	for t := first; t < span.To; t += step {
		if chunk == nil || chunk.NumSamples() == samplesPerChunk {
			chunk = chunkenc.NewXORChunk()
			var err error
			if appender, err = chunk.Appender(); err != nil {
				return nil, err
			}
			metas = append(metas, chunks.Meta{MinTime: t, Chunk: chunk})
		}
		sample, err := s.changedAt(of, t, pattern, step)
		if err != nil {
			return nil, err
		}
		appender.Append(t, sample)
		metas[len(metas)-1].MaxTime = t
		if value.IsStaleNaN(sample) {
			break
		}
	}
	return metas, nil
}

// changedAt returns the value at a time. Counters continue after a change, because a member that gets slow has not
// restarted; the last value of a series that ends is Prometheus' mark of that.
func (s seriesPlan) changedAt(of *change, t int64, pattern int, step int64) (float64, error) {
	if of == nil || t < of.From {
		return s.at(t, pattern, step)
	}
	if of.To == nil {
		return math.Float64frombits(value.StaleNaN), nil
	}
	changed, err := of.To.at(t, pattern, step)
	if err != nil || of.To.Kind != "counter" {
		return changed, err
	}
	return changed - of.To.counterAt(of.From, pattern, step) + s.counterAt(of.From, pattern, step), nil
}

// at returns the value at a time. Counters are whole numbers that vary a little, because the chunks of counters in
// production are not smaller.
func (s seriesPlan) at(t int64, pattern int, step int64) (float64, error) {
	switch s.Kind {
	case "gauge":
		// Without a spread the value is exact. With one it has as many digits as a computed ratio.
		return s.Value * (1 + s.Spread*(noise(uint64(t/step)*patterns+uint64(pattern))-0.5)), nil
	case "time":
		return float64(t) / 1000, nil
	case "counter":
		return s.counterAt(t, pattern, step), nil
	case "events":
		return s.counterAt(t, pattern, step) - s.counterAt(t-step, pattern, step), nil
	default:
		return 0, fmt.Errorf("no values of kind %q", s.Kind)
	}
}

// counterAt is the same in all families, so that recorded series match raw series. Patterns are spread evenly between
// two events, so that rare events do not happen in all clusters at once.
func (s seriesPlan) counterAt(t int64, pattern int, step int64) float64 {
	const origin = 1_700_000_000_000
	jitter := noise(uint64(t/step)*patterns+uint64(pattern)) * float64(step) / 2
	phase := float64(pattern) / patterns
	count := math.Floor(s.PerSecond*(float64(t-origin)+jitter)/1000 + phase)
	// Values are whole numbers, and no bucket grows by more than the count of its histogram.
	return count - math.Floor(count*s.Without+phase)
}

// noise returns a value from 0 to 1, computed by the finalizer of SplitMix64.
func noise(x uint64) float64 {
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb
	return float64((x^(x>>31))>>11) / (1 << 53)
}
