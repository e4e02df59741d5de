package keyspace

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
)

// keyStore is a mock of a member that has these keys, in order: a real one answers too slowly for a fuzzer. walk_test.go and
// ranges_test.go show the same with real members.
type keyStore struct {
	pb.KVClient

	keys [][]byte
}

func newKeyStore(data []byte) *keyStore {
	var keys [][]byte
	for _, key := range bytes.Split(data, []byte("\n")) {
		if len(key) > 0 {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, bytes.Compare)
	return &keyStore{keys: slices.CompactFunc(keys, bytes.Equal)}
}

func (s *keyStore) client() *clientv3.Client {
	client := clientv3.NewCtxClient(context.Background())
	client.KV = clientv3.NewKVFromKVClient(s, client)
	return client
}

// Range implements pb.KVClient.
func (s *keyStore) Range(_ context.Context, in *pb.RangeRequest, _ ...grpc.CallOption) (*pb.RangeResponse, error) {
	response := &pb.RangeResponse{Header: &pb.ResponseHeader{Revision: 1}}
	for _, key := range s.keys {
		if bytes.Compare(key, in.Key) < 0 || !bytes.Equal(in.RangeEnd, []byte{0}) && bytes.Compare(key, in.RangeEnd) >= 0 {
			continue
		}
		response.Count++
		if !in.CountOnly && (in.Limit == 0 || int64(len(response.Kvs)) < in.Limit) {
			response.Kvs = append(response.Kvs, &mvccpb.KeyValue{Key: key})
		}
	}
	return response, nil
}

var keySeeds = []string{
	"", "a", "a\nb\nc", "/registry/pods/a/1\n/registry/pods/a/2\n/registry/pods/b/1\n/registry/secrets/a\n\x00\n\xff\xff",
	"\xff\n\xff\xff\n\xff\xff\xff\nz", strings.Repeat("/a\n/a/b\n/a/b/c\n/a/b/c/d", 3), "a\na\x00\na\x00\x00",
}

// FuzzWalk makes sure that a walk visits each key once and in order, and groups count each key once.
func FuzzWalk(f *testing.F) {
	for _, seed := range keySeeds {
		f.Add([]byte(seed), []byte(""), []byte(""), uint8(1), true)
		f.Add([]byte(seed), []byte("/a"), []byte("/b"), uint8(2), false)
	}
	f.Fuzz(func(t *testing.T, data, from, end []byte, depth uint8, values bool) {
		if bytes.Equal(end, []byte{0}) {
			end = nil // to etcd, too, it is the end of all keys
		}
		// Many copies of each key, told apart at their ends, make more than one page.
		store := newKeyStore(data)
		for _, key := range store.keys[:min(len(store.keys), 8)] {
			for i := range 40 {
				store.keys = append(store.keys, append(bytes.Clone(key), byte(i*7), depth))
			}
		}
		slices.SortFunc(store.keys, bytes.Compare)
		store.keys = slices.CompactFunc(store.keys, bytes.Equal)

		var visited [][]byte
		options := WalkOptions{From: from, End: end, Values: values}
		stats, err := Walk(t.Context(), store.client(), options, func(page []*mvccpb.KeyValue) error {
			for _, kv := range page {
				visited = append(visited, kv.Key)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		var want [][]byte
		for _, key := range store.keys {
			if bytes.Compare(key, from) >= 0 && (len(end) == 0 || bytes.Compare(key, end) < 0) {
				want = append(want, key)
			}
		}
		if !slices.EqualFunc(visited, want, bytes.Equal) || stats.Keys != int64(len(want)) || stats.Total != stats.Keys {
			t.Fatalf("%+v: visited %q of %q", stats, visited, want)
		}
		countGroups(t, store, int(depth%4)+1)
	})
}

func countGroups(t *testing.T, store *keyStore, length int) {
	t.Helper()
	grouping := Grouping{Of: func(key []byte) (from, to []byte) {
		prefix := key[:min(length, len(key))]
		if len(prefix) < length {
			return key, append(bytes.Clone(key), 0)
		}
		return prefix, Successor(prefix)
	}}
	for range 2 { // the second time with groups that are known
		groups, _, err := CountGroups(t.Context(), store.client(), WalkOptions{}, grouping)
		if err != nil {
			t.Fatal(err)
		}
		total := int64(0)
		grouping.Known = nil
		for i, group := range groups {
			if i > 0 && group.From <= groups[i-1].From || group.Keys < 1 {
				t.Fatalf("%+v are not in order", groups)
			}
			total += group.Keys
			grouping.Known = append(grouping.Known, group.From)
		}
		if total != int64(len(store.keys)) {
			t.Fatalf("%d of %d keys are counted: %+v", total, len(store.keys), groups)
		}
	}
}

// FuzzParseRanges makes sure that what a status holds becomes ranges that cover all keys, or is not taken at all.
func FuzzParseRanges(f *testing.F) {
	for _, seed := range []string{
		"", "null", "{}", `{"version":1,"size":1000,"splits":[]}`, `{"version":1,"size":1000,"splits":["YQ==","Yg=="]}`,
		`{"version":1,"size":1000,"splits":["Yg==","YQ=="]}`, `{"version":1,"size":1000,"splits":["AA=="]}`,
		`{"version":1,"size":1000,"splits":[""]}`, `{"version":2,"size":1000,"splits":["YQ=="]}`, `{"version":1,"size":9223372036854775807}`,
		`{"version":1,"size":1000,"splits":[null]}`,
	} {
		f.Add(seed, int64(1000))
	}
	f.Fuzz(func(t *testing.T, text string, keys int64) {
		ranges := ParseRanges(text, keys)
		requireCover(t, ranges.All())
		if again := ParseRanges(ranges.String(), keys); keys > 0 && keys <= largestSize && again.String() != ranges.String() {
			t.Fatalf("%s comes back as %s", ranges, again)
		}
	})
}

// FuzzDivide makes sure that ranges cover all keys whatever there are, and stay small enough to be remembered.
func FuzzDivide(f *testing.F) {
	for _, seed := range keySeeds {
		f.Add("", []byte(seed), uint8(1))
		f.Add(`{"version":1,"size":2,"splits":["YQ==","Yg=="]}`, []byte(seed), uint8(2))
	}
	f.Fuzz(func(t *testing.T, text string, data []byte, size uint8) {
		store := newKeyStore(data)
		ranges := ParseRanges(text, int64(size)+1)
		var all []Range
		var counts []int64
		for _, one := range ranges.All() {
			parts := []Range{one}
			count, err := CountRange(t.Context(), store.client(), one, 0)
			if err == nil && ranges.IsTooLarge(count) {
				parts, err = ranges.Divide(t.Context(), store.client(), WalkOptions{}, one, count)
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range parts {
				count, err := CountRange(t.Context(), store.client(), part, 0)
				if err != nil {
					t.Fatal(err)
				}
				counts = append(counts, count)
			}
			all = append(all, parts...)
		}
		requireCover(t, all)
		total := int64(0)
		for _, count := range counts {
			total += count
		}
		if total != int64(len(store.keys)) {
			t.Fatalf("%d keys are counted as %d", len(store.keys), total)
		}
		adjusted := ranges.Adjust(all, counts)
		requireCover(t, adjusted.All())
		if len(adjusted.splits) > mostSplits || splitBytes(adjusted.splits) > mostSplitBytes {
			t.Fatalf("%d splits of %d bytes are remembered", len(adjusted.splits), splitBytes(adjusted.splits))
		}
	})
}

// requireCover makes sure that ranges are sorted, do not overlap and leave no key out.
func requireCover(t *testing.T, all []Range) {
	t.Helper()
	if !bytes.Equal(all[0].From, []byte{0}) || len(all[len(all)-1].To) > 0 {
		t.Fatalf("%q do not cover all keys", all)
	}
	for i, one := range all[:len(all)-1] {
		if bytes.Compare(one.From, one.To) >= 0 || !bytes.Equal(one.To, all[i+1].From) {
			t.Fatalf("%q are not in order", all)
		}
	}
}

// FuzzSuccessor makes sure that no key lies between those with a prefix and its successor.
func FuzzSuccessor(f *testing.F) {
	for _, seed := range []string{"", "a", "a\xff", "\xff", "\xff\xff", "/registry/"} {
		f.Add([]byte(seed), []byte("b"))
	}
	f.Fuzz(func(t *testing.T, prefix, key []byte) {
		next := Successor(prefix)
		isBelow := bytes.Compare(key, prefix) >= 0 && (len(next) == 0 || bytes.Compare(key, next) < 0)
		if isBelow != bytes.HasPrefix(key, prefix) && (len(next) > 0 || bytes.HasPrefix(key, prefix)) {
			t.Fatalf("%q follows %q: %q", next, prefix, key)
		}
		if first := earlier(next, key); len(key) > 0 && len(first) > 0 && bytes.Compare(first, key) > 0 {
			t.Fatalf("%q is not the earlier of %q and %q", first, next, key)
		}
	})
}
