// Package keyspace reads the keys of etcd clusters in bounded steps and at the pace of a budget: it walks, counts and watches them.
package keyspace

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/etcdfleet/etcd-fleet/internal/etcdclient"
)

const (
	// walkTimeout bounds one call of a walk; the first counts all keys, about 0.6 s a million.
	walkTimeout = 20 * time.Second

	// mostPageBytes bounds what one call makes the member hold in its memory, and its client, whatever the values are: a page
	// has no more keys than fit if each value is as large as etcd's default --max-request-bytes allows, or as the largest
	// that was read. Nothing shows how large values are before they are read, and large ones may follow any number of small
	// ones. Up to etcd 3.6 a member reads the values of a page without values as well.
	mostPageBytes = etcdclient.MaxAnswerBytes / 2
	largestValue  = 3 << 19
	keysPerPage   = mostPageBytes / largestValue

	// The first page with values has firstValues keys, and each holds about pageBytes.
	firstValues = 4
	pageBytes   = 1 << 20

	// countedPerCall is about how many keys a call may count: the member's writes wait for some 0.1 ms.
	countedPerCall = 8 * keysPerPage

	// fewKeys is up to how many keys make a prefix sparse.
	fewKeys = 16

	// allSiblings is more than a byte has values.
	allSiblings = 256

	// countedPerKey is how many keys are counted for the price of one that is read. Counting a key takes 0.6 µs and reading
	// it 24 µs, but writes wait for a count: in the default budget, 20,000 keys per second, they wait for 5 % of the time.
	countedPerKey = 4

	// longestClimb bounds how many bytes of empty prefixes are passed at once.
	longestClimb = 4
)

// Spender paces reads; checks.Budget is one.
type Spender interface {
	Spend(ctx context.Context, endpoint string, keys int, bytes int64) error
}

// WalkOptions say how keys are read. The zero value reads all keys, without values, as fast as the member answers.
type WalkOptions struct {
	// Endpoint is the member's clientURL; Budget wants to know it.
	Endpoint string

	// Budget is asked after each call; nil does not pace.
	Budget Spender

	// From is where to start; empty is the first key. End is the key before which to end; empty is behind the last.
	From, End []byte

	// Values says to read the values too.
	Values bool

	// FollowCompaction goes on at the member's newest revision when the walk's own has been compacted. Without it the walk
	// ends with an error, since what it visits would not be one state of the cluster any more.
	FollowCompaction bool
}

// WalkStats say what a walk did. They are right also when it ended with an error.
type WalkStats struct {
	// Total is how many keys there were between the start of the walk and its end, and Keys how many were visited.
	Total, Keys int64

	// Bytes is the size of the keys and values visited.
	Bytes int64

	// Revision is the one that was read, the last of them with FollowCompaction.
	Revision int64

	// Next is where to start in order to go on; empty at the end.
	Next []byte

	// Calls is how many ranges were asked for. Counted is how many keys the member counted for them under the lock of its
	// index, beyond the count of all keys with which a walk starts, and LargestCount the most for one call.
	Calls, Counted, LargestCount int64
}

// Walk visits the keys of the client's member in order, each once, at one revision: that which the member has at the
// beginning. Reads are serializable, so that only this member works for them.
//
// Up to etcd 3.6 a member counts all keys up to the end of the range that it is asked for, whatever the limit, and its
// writes wait meanwhile. Therefore only the first call goes to the end of the walk. Later ones end where a prefix of
// the last key ends: first a long one, then shorter ones as long as they hold few keys. Where a prefix turns out to hold
// many, its rest is known from then on, and is read by parts, one next byte after the other. What remains is that the
// first key beyond a gap is found only by counting the part that it is in.
//
// An error of visit ends the walk and is returned.
func Walk(ctx context.Context, client *clientv3.Client, options WalkOptions, visit func([]*mvccpb.KeyValue) error) (WalkStats, error) {
	w := newWalker(client, options, visit)
	err := w.walk(ctx)
	return w.stats, err
}

// walker is a walk under way.
type walker struct {
	client  *clientv3.Client
	options WalkOptions
	visit   func([]*mvccpb.KeyValue) error

	// group makes the walk skip: what follows a page in the group of its last key is only counted, for skipped.
	group   func(key []byte) (from, to []byte)
	skipped func(from []byte, keys int64)

	stats WalkStats

	// limit is how many keys the next page may have, and most how many any may.
	limit, most int64

	// pos is where the next call begins, and end where the walk ends; an empty end is that of the keyspace.
	pos, end []byte

	// spans are the ranges around pos whose remaining keys have been counted, the innermost last.
	spans []span

	// passed is how many keys lie behind pos, and before[i] how many lay there when the prefix pos[:i] began.
	passed int64
	before []int64

	// The next call covers width siblings, beginning with pos[:depth]. climb is by how many bytes depth fell because
	// nothing was found.
	depth, width, climb int
}

// span ends before a key, or with the keyspace where end is empty, and has rest keys from the walker's pos on.
type span struct {
	end  []byte
	rest int64
}

func newWalker(client *clientv3.Client, options WalkOptions, visit func([]*mvccpb.KeyValue) error) *walker {
	w := &walker{
		client: client, options: options, visit: visit, limit: keysPerPage, most: keysPerPage, pos: options.From, end: options.End,
	}
	if options.Values {
		w.limit = firstValues
	}
	return w
}

func (w *walker) walk(ctx context.Context) error {
	err := w.begin(ctx)
	for err == nil && len(w.spans) > 0 {
		err = w.step(ctx)
		if errors.Is(err, rpctypes.ErrCompacted) && w.options.FollowCompaction {
			w.stats.Revision = 0
			err = w.begin(ctx)
		}
	}
	w.stats.Next = nil
	if err != nil {
		w.stats.Next = w.pos
	}
	if errors.Is(err, rpctypes.ErrCompacted) {
		return fmt.Errorf("revision %d was compacted before all its keys were read: let checks read faster by a larger "+
			"budget, or let etcd keep more history: %w", w.stats.Revision, err)
	}
	return err
}

// begin counts the keys from pos on and finds the first.
func (w *walker) begin(ctx context.Context) error {
	w.spans = nil
	if len(w.pos) == 0 {
		w.pos = []byte{0}
	}
	response, err := w.ask(ctx, w.pos, w.end, clientv3.WithKeysOnly(), clientv3.WithLimit(1))
	if err != nil {
		return err
	}
	w.stats.Revision = cmp.Or(w.stats.Revision, response.Header.Revision)
	w.stats.Total = w.passed + response.Count
	if response.Count > 0 {
		w.spans = []span{{end: w.end, rest: response.Count}}
		w.moveTo(response.Kvs[0].Key)
	}
	return w.spend(ctx, response)
}

// step makes one call and visits what it returns.
func (w *walker) step(ctx context.Context) error {
	end := w.chooseEnd()
	options := []clientv3.OpOption{clientv3.WithLimit(w.limit)}
	if !w.options.Values {
		options = append(options, clientv3.WithKeysOnly())
	}
	response, err := w.count(w.ask(ctx, w.pos, end, options...))
	if isTooLarge(err) && w.limit > 1 {
		w.most = max(w.limit/4, 1)
		w.limit = w.most
		return nil
	}
	if err != nil {
		return err
	}
	if err := w.read(response.Kvs); err != nil {
		return err
	}
	if rest := response.Count - int64(len(response.Kvs)); rest > 0 {
		w.goOn(end, rest)
		if w.group != nil {
			err = w.skip(ctx)
		}
	} else {
		w.goBeyond(end, response.Count)
	}
	w.closeSpans()
	if err != nil {
		return err
	}
	if err = w.spend(ctx, response); len(w.spans) == 0 {
		return nil // there is nothing to wait for
	}
	return err
}

// chooseEnd says how far the next call goes: through the innermost span if that is small.
func (w *walker) chooseEnd() []byte {
	inner := w.spans[len(w.spans)-1]
	if inner.rest <= countedPerCall {
		return inner.end
	}
	return earlier(advance(w.pos[:w.depth], w.width), inner.end)
}

// read visits a page and takes note of what it shows about sizes and prefixes.
func (w *walker) read(page []*mvccpb.KeyValue) error {
	if len(page) == 0 {
		return nil
	}
	if err := w.visit(page); err != nil {
		return err
	}
	size := int64(0)
	for _, kv := range page {
		w.enter(kv.Key)
		w.passed++
		size += int64(len(kv.Key) + len(kv.Value))
		w.most = max(min(w.most, mostPageBytes/max(int64(len(kv.Value)), 1)), 1)
	}
	w.pos = append(bytes.Clone(page[len(page)-1].Key), 0)
	w.subtract(int64(len(page)))
	w.stats.Keys += int64(len(page))
	w.stats.Bytes += size
	if w.options.Values {
		fit := pageBytes / max(size/int64(len(page)), 1)
		w.limit = max(min(fit, 2*w.limit, w.most), 1)
	}
	return nil
}

// goOn stays in a range that has more keys: it becomes a span, and is read from the longest prefix upwards if it is large.
func (w *walker) goOn(end []byte, rest int64) {
	if inner := w.spans[len(w.spans)-1]; !bytes.Equal(end, inner.end) {
		w.spans = append(w.spans, span{end: end, rest: rest})
	}
	w.moveTo(w.pos)
}

// goBeyond leaves a range that has no more keys.
func (w *walker) goBeyond(end []byte, count int64) {
	if len(end) == 0 {
		return // the outermost span closes
	}
	level, width, climb := w.depth, w.width, w.climb
	w.moveTo(end)
	switch {
	case len(end) == level: // siblings are left
		w.width = wider(width, count)
	case count == 0:
		w.climbOn(climb)
	}
}

// wider says how many siblings to cover after width ones that had count keys together.
func wider(width int, count int64) int {
	switch {
	case count == 0:
		width *= 4
	case count <= keysPerPage/4:
		width *= 2
	case count > keysPerPage:
		width = 1
	}
	return min(width, allSiblings)
}

// climbOn passes more of the levels that hold few keys the longer nothing is found on them.
func (w *walker) climbOn(climb int) {
	climb = min(max(2*climb, 1), longestClimb, w.depth)
	for climb > 1 && !w.isSparse(w.depth-climb) {
		climb--
	}
	w.depth -= climb - 1
	if w.isSparse(w.depth - 1) {
		w.climb, w.width = climb, allSiblings
	}
}

// skip counts what follows in the group of the last key, and goes beyond.
func (w *walker) skip(ctx context.Context) error {
	from, end := w.group(w.pos[:len(w.pos)-1])
	if end = earlier(end, w.end); !isBefore(w.pos, end) {
		return nil
	}
	response, err := w.count(w.ask(ctx, w.pos, end, clientv3.WithCountOnly()))
	if err != nil {
		return err
	}
	w.skipped(from, response.Count)
	w.passed += response.Count
	w.subtract(response.Count)
	for i := range w.spans {
		if !isBefore(end, w.spans[i].end) {
			w.spans[i].rest = 0
		}
	}
	if len(end) > 0 {
		w.moveTo(end)
	}
	return w.spend(ctx, response)
}

// closeSpans leaves the spans that have no more keys.
func (w *walker) closeSpans() {
	for len(w.spans) > 0 {
		inner := w.spans[len(w.spans)-1]
		if inner.rest > 0 && isBefore(w.pos, inner.end) {
			return
		}
		w.spans = w.spans[:len(w.spans)-1]
		if len(inner.end) > 0 && isBefore(w.pos, inner.end) {
			w.moveTo(inner.end)
		}
	}
}

func (w *walker) subtract(keys int64) {
	for i := range w.spans {
		w.spans[i].rest -= keys
	}
}

// moveTo makes pos the next key to look at, beginning with the keys of which all of it is a prefix.
func (w *walker) moveTo(pos []byte) {
	w.enter(pos)
	w.depth, w.width, w.climb = len(pos), 1, 0
}

// isSparse reports whether few keys were seen with the prefix pos[:depth].
func (w *walker) isSparse(depth int) bool {
	return w.passed-w.before[depth] <= fewKeys
}

// enter notes where the prefixes of a key, the next one after pos, begin.
func (w *walker) enter(key []byte) {
	common := commonLength(w.pos, key)
	w.before = w.before[:min(common+1, len(w.before))]
	for len(w.before) <= len(key) {
		w.before = append(w.before, w.passed)
	}
	w.pos = key
}

// ask makes a call. An empty end is that of the keyspace.
func (w *walker) ask(ctx context.Context, from, end []byte, options ...clientv3.OpOption) (*clientv3.GetResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, walkTimeout)
	defer cancel()
	if len(end) == 0 {
		end = []byte{0}
	}
	w.stats.Calls++
	options = append(options, clientv3.WithRange(string(end)), clientv3.WithSerializable(), clientv3.WithRev(w.stats.Revision))
	return w.client.Get(ctx, string(from), options...)
}

// count notes what a call counted.
func (w *walker) count(response *clientv3.GetResponse, err error) (*clientv3.GetResponse, error) {
	if err == nil {
		w.stats.Counted += response.Count
		w.stats.LargestCount = max(w.stats.LargestCount, response.Count)
	}
	return response, err
}

// isTooLarge reports whether an answer was refused because it has more than etcdclient.MaxAnswerBytes.
func isTooLarge(err error) bool {
	s, ok := status.FromError(err)
	return ok && s.Code() == codes.ResourceExhausted && strings.Contains(s.Message(), "received message larger than max")
}

func (w *walker) spend(ctx context.Context, response *clientv3.GetResponse) error {
	if w.options.Budget == nil {
		return ctx.Err()
	}
	keys, size := PriceOfCounting(response.Count)+len(response.Kvs), int64(0)
	for _, kv := range response.Kvs {
		size += int64(len(kv.Key) + len(kv.Value))
	}
	return w.options.Budget.Spend(ctx, w.options.Endpoint, keys, size)
}

// PriceOfCounting is how many keys of a budget it costs to have a member count that many.
func PriceOfCounting(keys int64) int {
	return int(keys / countedPerKey)
}

// Successor is the first key after all those with the prefix; empty if there is none.
func Successor(prefix []byte) []byte {
	return advance(prefix, 1)
}

// advance adds n to the prefix's last byte. Beyond 0xff it is the successor of what precedes that byte.
func advance(prefix []byte, n int) []byte {
	for length := len(prefix); length > 0; length-- {
		if last := int(prefix[length-1]) + n; last <= 0xff {
			next := bytes.Clone(prefix[:length])
			next[length-1] = byte(last)
			return next
		}
		n = 1
	}
	return nil
}

// earlier returns the end that comes first; an empty one is that of the keyspace.
func earlier(a, b []byte) []byte {
	if len(a) == 0 || len(b) > 0 && bytes.Compare(b, a) < 0 {
		return b
	}
	return a
}

// isBefore reports whether a position or an end comes before an end.
func isBefore(pos, end []byte) bool {
	return len(pos) > 0 && (len(end) == 0 || bytes.Compare(pos, end) < 0)
}

func commonLength(a, b []byte) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
