package keyspace

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
	// least is how many keys a range shall have, size how many it has so that there are not too many ranges.
	least, size int64

	// splits are the keys where one range ends and the next begins, or as much of them as is needed to distinguish them from
	// those before.
	splits [][]byte
}

// storedRanges are Ranges as they are remembered.
type storedRanges struct {
	Version int      `json:"version"`
	Size    int64    `json:"size"`
	Splits  [][]byte `json:"splits"`
}

// ParseRanges returns the ranges that String has written, for ranges of about the given number of keys. Where the text is of another
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
func (r Ranges) All() []Range { return between([]byte{0}, r.splits, nil) }

// between are the ranges from a key on and up to another, divided at the splits.
func between(from []byte, splits [][]byte, to []byte) []Range {
	all := []Range{{From: from}}
	for _, split := range splits {
		all[len(all)-1].To = split
		all = append(all, Range{From: split})
	}
	all[len(all)-1].To = to
	return all
}

// IsTooLarge reports whether a range with the given number of keys should be divided.
func (r Ranges) IsTooLarge(keys int64) bool { return keys > 2*r.size }

// Divide returns the parts of a range that has the given number of keys, in order, each about the size of a range. It finds
// where they end by reading keys without values from the client's member. An error of it, of the budget or of ctx ends
// the reading: the last part is larger then.
func (r Ranges) Divide(ctx context.Context, client *clientv3.Client, options WalkOptions, whole Range, keys int64) ([]Range, error) {
	options.From, options.End, options.FollowCompaction = whole.From, whole.To, true
	divider := keyDivider{ranges: r, rest: keys}
	_, err := Walk(ctx, client, options, func(page []*mvccpb.KeyValue) error {
		for _, kv := range page {
			divider.add(kv.Key)
		}
		if divider.done() {
			return errDone
		}
		return nil
	})
	if errors.Is(err, errDone) {
		err = nil
	}
	return between(whole.From, divider.splits, whole.To), err
}

// errDone ends a walk whose keys are divided.
var errDone = errors.New("the keys are divided")

// rangePart is a range that begins where the one before ends, and how many keys it has.
type rangePart struct {
	from []byte
	keys int64
}

// Adjust returns the ranges to remember, given what the keyspace was divided into and how many keys each part has:
// neighbours that became small are merged, and what is too much to remember becomes fewer and larger ranges.
func (r Ranges) Adjust(all []Range, counts []int64) Ranges {
	parts := make([]rangePart, 0, len(all))
	for i, one := range all {
		parts = append(parts, rangePart{from: one.From, keys: counts[i]})
	}
	r.resize(parts)
	for {
		parts = mergeParts(parts, r.size)
		r.splits = nil
		for _, part := range parts[1:] {
			r.splits = append(r.splits, part.from)
		}
		if len(r.splits) <= mostSplits && splitBytes(r.splits) <= mostSplitBytes {
			return r
		}
		r.size *= 2
	}
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

// keyDivider finds where to divide the keys that it sees.
type keyDivider struct {
	ranges Ranges
	splits [][]byte

	// rest is how many keys follow the last split. Of them seen were seen, the last one last.
	rest, seen int64
	last       []byte

	// best is the shortest split found behind nearly so many keys as a part shall have, and bestAt how many.
	best   []byte
	bestAt int64
}

// done reports whether the rest is not too large.
func (d *keyDivider) done() bool { return !d.ranges.IsTooLarge(d.rest) }

// add sees the next key. A part ends not always behind exactly so many keys but where, among the last of them, the shortest
// split is: that is what keeps the splits short, as in prefix B-trees (R. Bayer and K. Unterauer, ACM Transactions on
// Database Systems 2, 1977).
func (d *keyDivider) add(key []byte) {
	if d.done() {
		return
	}
	size := d.ranges.size
	if d.seen >= size-size/8 {
		split := key[:commonLength(d.last, key)+1]
		if len(split) <= longestSplit && (d.best == nil || len(split) <= len(d.best)) {
			d.best, d.bestAt = bytes.Clone(split), d.seen
		}
	}
	if d.best != nil && d.seen >= size {
		d.splits = append(d.splits, d.best)
		d.rest -= d.bestAt
		d.seen -= d.bestAt
		d.best = nil
	}
	d.seen++
	d.last = slices.Clone(key)
}
