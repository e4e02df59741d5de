package etcd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

const (
	rangesVersion = 1

	// mostSplits and mostSplitBytes bound what is remembered: ranges become larger instead. longestSplit bounds one split.
	mostSplits     = 200
	mostSplitBytes = 10 << 10
	longestSplit   = 512

	// largestSize is more keys than a range ever has.
	largestSize = 1 << 40

	// readRanges is how many ranges' worth of keys are read at once in order to find splits.
	readRanges = 12
)

// Range is a part of the keyspace: from a key on, and up to another, or to the end of the keyspace where To is empty.
type Range struct {
	From, To []byte
}

// CountRange counts the keys in a range that the client's member has at a revision; 0 is its newest. Only this member works
// for it, about 0.6 µs a key, and its writes wait meanwhile.
func CountRange(ctx context.Context, client *clientv3.Client, r Range, revision int64) (int64, error) {
	w := newWalker(client, WalkOptions{}, nil)
	w.stats.Revision = revision
	response, err := w.ask(ctx, r.From, r.To, clientv3.WithCountOnly())
	if err != nil {
		return 0, err
	}
	return response.Count, nil
}

// Ranges divide the keyspace so that the keys of each range can be counted in a short time. They cover all of it, whatever
// was written since they were made: what goes out of date is only how many keys each has.
type Ranges struct {
	// least is how many keys a range shall have, size how many it has so that there are not too many ranges. One is too
	// large with more than twice that.
	least, size int64

	// splits are the keys where one range ends and the next begins, or as much of them as is needed to tell them from
	// those before.
	splits [][]byte
}

// storedRanges are Ranges as they are remembered.
type storedRanges struct {
	Version int      `json:"version"`
	Size    int64    `json:"size"`
	Splits  [][]byte `json:"splits"`
}

// ParseRanges returns the ranges that String has written, for ranges of about so many keys. Where the text is of another
// version, damaged or empty, the keyspace is one range.
func ParseRanges(text string, keys int64) Ranges {
	ranges := Ranges{least: keys, size: keys}
	var stored storedRanges
	if json.Unmarshal([]byte(text), &stored) != nil || stored.Version != rangesVersion ||
		stored.Size < keys || stored.Size > largestSize {
		return ranges
	}
	last := []byte{0}
	for _, split := range stored.Splits {
		if bytes.Compare(last, split) >= 0 {
			return ranges
		}
		last = split
	}
	ranges.size, ranges.splits = stored.Size, stored.Splits
	return ranges
}

// String writes the ranges as JSON of about mostSplitBytes at most.
func (r Ranges) String() string {
	stored := storedRanges{Version: rangesVersion, Size: r.size, Splits: r.splits}
	if len(r.splits) == 0 {
		stored.Splits = [][]byte{}
	}
	text, _ := json.Marshal(stored) // numbers and bytes never fail
	return string(text)
}

// All are the ranges in order.
func (r Ranges) All() []Range {
	all := []Range{{From: []byte{0}}}
	for _, split := range r.splits {
		all[len(all)-1].To = split
		all = append(all, Range{From: split})
	}
	return all
}

// Adjust returns ranges that fit the keys, given how many the client's member has in each: neighbours that became small are
// merged, and those that grew too large are split. It returns the same ranges when nothing has to change.
//
// Splits are found by reading keys without values from the member. As much is read as makes some ranges; the rest, and
// what could not be read because the budget, the member or ctx refused, is left to the next time.
func (r Ranges) Adjust(ctx context.Context, client *clientv3.Client, options WalkOptions, counts []int64) Ranges {
	parts := r.parts(counts)
	r.resize(parts)
	read := &splitReading{
		left: max(readRanges*r.least, r.size),
		walk: func(part Range, visit func([]*mvccpb.KeyValue) error) error {
			options := options
			options.From, options.End, options.FollowCompaction = part.From, part.To, true
			_, err := Walk(ctx, client, options, visit)
			return err
		},
	}
	return r.adjust(parts, read)
}

// rangePart is a range that begins where the one before ends, and how many keys it has.
type rangePart struct {
	from []byte
	keys int64
}

func (r Ranges) parts(counts []int64) []rangePart {
	var parts []rangePart
	for i, one := range r.All() {
		parts = append(parts, rangePart{from: one.From, keys: counts[i]})
	}
	return parts
}

// resize chooses how many keys a range shall have. It becomes smaller again only where there is much room, so that it does
// not go to and fro.
func (r *Ranges) resize(parts []rangePart) {
	total := int64(0)
	for _, part := range parts {
		total += part.keys
	}
	for total > mostSplits*r.size {
		r.size *= 2
	}
	for r.size > r.least && 4*total <= mostSplits*r.size &&
		4*len(r.splits) <= mostSplits && 4*splitBytes(r.splits) <= mostSplitBytes {
		r.size = max(r.size/2, r.least)
	}
}

// adjust merges and splits.
func (r Ranges) adjust(parts []rangePart, read *splitReading) Ranges {
	var adjusted []rangePart
	merged := mergeParts(parts, r.size)
	for i, part := range merged {
		var to []byte
		if i+1 < len(merged) {
			to = merged[i+1].from
		}
		adjusted = append(adjusted, read.split(part, to, r.size)...)
	}
	for {
		r.splits = nil
		for _, part := range adjusted[1:] {
			r.splits = append(r.splits, part.from)
		}
		if len(r.splits) <= mostSplits && splitBytes(r.splits) <= mostSplitBytes {
			return r
		}
		r.size *= 2
		adjusted = mergeParts(adjusted, r.size)
	}
}

// mergeParts merges neighbours that have together not more keys than one range shall have.
func mergeParts(parts []rangePart, size int64) []rangePart {
	merged := []rangePart{parts[0]}
	for _, part := range parts[1:] {
		if last := &merged[len(merged)-1]; last.keys+part.keys <= size {
			last.keys += part.keys
			continue
		}
		merged = append(merged, part)
	}
	return merged
}

// splitBytes is how much the splits take as JSON, as base64 in quotes.
func splitBytes(splits [][]byte) int {
	size := 0
	for _, split := range splits {
		size += (len(split)+2)/3*4 + len(`"",`)
	}
	return size
}

// errEnough ends a walk that has read what was wanted of it.
var errEnough = errors.New("enough keys")

// splitReading reads keys until there are none left to be read.
type splitReading struct {
	left int64
	walk func(part Range, visit func([]*mvccpb.KeyValue) error) error
}

// split divides a range that is too large into parts as large as they shall be. The last one is larger where the reading
// ends before.
func (s *splitReading) split(part rangePart, to []byte, size int64) []rangePart {
	divider := partDivider{size: size, rest: part}
	if divider.done() || s.left <= 0 {
		return []rangePart{part}
	}
	// An error leaves the rest to the next time.
	_ = s.walk(Range{From: part.from, To: to}, func(page []*mvccpb.KeyValue) error {
		for _, kv := range page {
			divider.add(kv.Key)
		}
		if s.left -= int64(len(page)); s.left <= 0 || divider.done() {
			return errEnough
		}
		return nil
	})
	return append(divider.parts, divider.rest)
}

// partDivider divides the keys that it sees into parts.
type partDivider struct {
	size  int64
	parts []rangePart

	// rest is what follows the parts. Of its keys seen were seen, the last one last.
	rest rangePart
	seen int64
	last []byte

	// best is the shortest split found behind nearly so many keys as a part shall have, and bestAt how many.
	best   []byte
	bestAt int64
}

// done tells whether the rest is not too large.
func (d *partDivider) done() bool { return d.rest.keys <= 2*d.size }

// add sees the next key. A part ends not always behind exactly so many keys but where, among the last of them, the shortest
// split is: that is what keeps the splits short, as in prefix B-trees (R. Bayer and K. Unterauer, ACM Transactions on
// Database Systems 2, 1977).
func (d *partDivider) add(key []byte) {
	if d.done() {
		return
	}
	if d.seen >= d.size-d.size/8 {
		split := key[:commonLength(d.last, key)+1]
		if len(split) <= longestSplit && (d.best == nil || len(split) <= len(d.best)) {
			d.best, d.bestAt = bytes.Clone(split), d.seen
		}
	}
	if d.best != nil && d.seen >= d.size {
		d.parts = append(d.parts, rangePart{from: d.rest.from, keys: d.bestAt})
		d.rest = rangePart{from: d.best, keys: d.rest.keys - d.bestAt}
		d.seen -= d.bestAt
		d.best = nil
	}
	d.seen++
	d.last = slices.Clone(key)
}
