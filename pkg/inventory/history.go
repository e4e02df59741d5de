package inventory

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"io"
	"sync"

	"github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

// History is a monitor's runs as a compressed JSON array. Runs resemble each other: at tens of thousands of monitors
// that saves most of the inventory's memory, and a query unpacks no more than a page.
type History []byte

type historyEntry struct {
	Time    int64              `json:"time"`
	Outcome v1beta1.Outcome    `json:"outcome"`
	Message string             `json:"message"`
	Values  map[string]float64 `json:"values"`
}

// Both are reused: a compressor takes hundreds of kilobytes, a decompressor tens.
var (
	compressors = sync.Pool{New: func() any {
		compressor, err := flate.NewWriter(nil, flate.BestSpeed)
		if err != nil {
			panic(err) // the level is a constant
		}
		return compressor
	}}
	decompressors = sync.Pool{New: func() any { return flate.NewReader(nil) }}
)

// NewHistory packs records, oldest first; of more than 20 the newest stay.
func NewHistory(records []v1beta1.EtcdMonitorRecord) History {
	records = records[max(0, len(records)-v1beta1.MaxRecords):]
	entries := make([]historyEntry, len(records))
	for i, record := range records {
		values := record.Values
		if values == nil {
			values = map[string]float64{}
		}
		entries[i] = historyEntry{Time: endOf(record).UnixMilli(), Outcome: record.Outcome, Message: record.Message, Values: values}
	}
	var packed bytes.Buffer
	compressor := compressors.Get().(*flate.Writer)
	defer compressors.Put(compressor)
	compressor.Reset(&packed)
	// Neither can fail: the values come from JSON, and a buffer takes everything.
	_ = json.NewEncoder(compressor).Encode(entries)
	_ = compressor.Close()
	return bytes.Clone(packed.Bytes())
}

// JSON returns the array as docs/datasource.md has it.
func (h History) JSON() json.RawMessage {
	decompressor := decompressors.Get().(io.ReadCloser)
	defer decompressors.Put(decompressor)
	err := decompressor.(flate.Resetter).Reset(bytes.NewReader(h), nil)
	unpacked, readErr := io.ReadAll(decompressor)
	if err != nil || readErr != nil { // the zero History
		return json.RawMessage("[]")
	}
	return bytes.TrimSpace(unpacked)
}
