package keyspace_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/etcdfleet/etcd-fleet/cruiser/keyspace"
	"github.com/etcdfleet/etcd-fleet/internal/etcdtest"
)

const keysPerRange = 1000

// countRanges counts each range at the newest revision.
func countRanges(t *testing.T, client *clientv3.Client, ranges []keyspace.Range) []int64 {
	t.Helper()
	var counts []int64
	for _, one := range ranges {
		count, err := keyspace.CountRange(t.Context(), client, one, 0)
		require.NoError(t, err)
		counts = append(counts, count)
	}
	return counts
}

// adjust counts, divides and adjusts the ranges as a run does, by way of their text.
func adjust(t *testing.T, client *clientv3.Client, text string, keys int64) string {
	t.Helper()
	ranges := keyspace.ParseRanges(text, keys)
	var all []keyspace.Range
	for _, one := range ranges.All() {
		parts := []keyspace.Range{one}
		if count := countRanges(t, client, parts)[0]; ranges.IsTooLarge(count) {
			var err error
			parts, err = ranges.Divide(t.Context(), client, keyspace.WalkOptions{}, one, count)
			require.NoError(t, err)
		}
		all = append(all, parts...)
	}
	return ranges.Adjust(all, countRanges(t, client, all)).String()
}

// settle adjusts the ranges until nothing has to change.
func settle(t *testing.T, client *clientv3.Client, text string, keys int64) (settled keyspace.Ranges, rounds int) {
	t.Helper()
	for rounds = range 100 {
		next := adjust(t, client, text, keys)
		if next == text {
			return keyspace.ParseRanges(text, keys), rounds
		}
		text = next
	}
	require.Fail(t, "the ranges never settle", text)
	return settled, rounds
}

func sum(counts []int64) int {
	total := int64(0)
	for _, count := range counts {
		total += count
	}
	return int(total)
}

func TestRangesFollowTheKeys(t *testing.T) {
	client := etcdtest.Start(t, etcdtest.Options{Size: 1}).Client(t)
	keys := slices.Compact(slices.Sorted(slices.Values(kubernetesKeys(30_000))))
	putAll(t, client, "value", keys)

	ranges, rounds := settle(t, client, "", keysPerRange)
	assert.Equal(t, 1, rounds, "one is enough")
	counts := countRanges(t, client, ranges.All())
	assert.Len(t, keys, sum(counts), "each key is in one range")
	assert.LessOrEqual(t, slices.Max(counts), int64(2*keysPerRange))
	assert.LessOrEqual(t, len(counts), 2*len(keys)/keysPerRange)
	for _, one := range ranges.All()[1:] {
		assert.LessOrEqual(t, len(one.From), len("/registry/persistentvolumeclaims/team-00/app-0"), "a split is short: %q", one.From)
	}

	t.Run("that are written", func(t *testing.T) {
		putAll(t, client, "value", sequence("/registry/pods/team-07/new-%05d", 3*keysPerRange))
		grown := countRanges(t, client, ranges.All())
		assert.Len(t, keys, sum(grown)-3*keysPerRange, "counted right before the ranges know")
		require.Greater(t, slices.Max(grown), int64(2*keysPerRange))
		ranges, _ = settle(t, client, ranges.String(), keysPerRange)
		assert.LessOrEqual(t, slices.Max(countRanges(t, client, ranges.All())), int64(2*keysPerRange))
	})
	t.Run("that are deleted", func(t *testing.T) {
		before := len(ranges.All())
		_, err := client.Delete(t.Context(), "/registry/pods/", clientv3.WithPrefix())
		require.NoError(t, err)
		ranges, _ = settle(t, client, ranges.String(), keysPerRange)
		assert.LessOrEqual(t, len(ranges.All()), before-6, "9000 keys and more had as many ranges")
	})
	t.Run("until there are none", func(t *testing.T) {
		deleteAll(t, client)
		ranges, rounds = settle(t, client, ranges.String(), keysPerRange)
		assert.Equal(t, 1, rounds)
		assert.JSONEq(t, `{"version":1,"size":1000,"splits":[]}`, ranges.String())
	})
}

func TestRangesOfFewKeysAreOne(t *testing.T) {
	client := etcdtest.Start(t, etcdtest.Options{Size: 1}).Client(t)
	putAll(t, client, "value", sequence("/key%05d", 2*keysPerRange))
	assert.Len(t, keyspace.ParseRanges(adjust(t, client, "", keysPerRange), keysPerRange).All(), 1)
}

// What is remembered has room in a monitor's status whatever the keys are: there are fewer ranges, and larger ones.
func TestRangesAreBounded(t *testing.T) {
	const most = 12 << 10
	client := etcdtest.Start(t, etcdtest.Options{Size: 1}).Client(t)
	for _, test := range []struct {
		name string
		keys []string
		size int64
	}{
		{"by number", sequence("/registry/pods/%05d", 20_000), 60},
		{"by length", sequence("/"+strings.Repeat("long", 100)+"%05d", 20_000), 200},
	} {
		t.Run(test.name, func(t *testing.T) {
			deleteAll(t, client)
			putAll(t, client, "v", test.keys)
			ranges, _ := settle(t, client, "", test.size)
			assert.LessOrEqual(t, len(ranges.String()), most)
			counts := countRanges(t, client, ranges.All())
			assert.Len(t, test.keys, sum(counts))
			assert.LessOrEqual(t, len(counts), 201)
			assert.LessOrEqual(t, slices.Max(counts), int64(4*len(test.keys)/len(counts)), "of like size: %v", counts)

			_, err := client.Delete(t.Context(), test.keys[500], clientv3.WithFromKey())
			require.NoError(t, err)
			ranges, _ = settle(t, client, ranges.String(), test.size)
			assert.LessOrEqual(t, slices.Max(countRanges(t, client, ranges.All())), 2*test.size, "small again where there are few keys")
		})
	}
	t.Run("even where keys cannot be told apart by a short split", func(t *testing.T) {
		deleteAll(t, client)
		putAll(t, client, "v", sequence("/"+strings.Repeat("long", 200)+"%05d", 5000))
		ranges, _ := settle(t, client, "", keysPerRange)
		assert.Len(t, ranges.All(), 1)
	})
}

func TestRangesIgnoreWhatTheyDoNotKnow(t *testing.T) {
	split := func(keys ...string) string {
		var quoted []string
		for _, key := range keys {
			quoted = append(quoted, fmt.Sprintf("%q", base64.StdEncoding.EncodeToString([]byte(key))))
		}
		return "[" + strings.Join(quoted, ",") + "]"
	}
	assert.Len(t, keyspace.ParseRanges(`{"version":1,"size":1000,"splits":`+split("a", "b")+`}`, keysPerRange).All(), 3)
	for name, text := range map[string]string{
		"nothing":         "",
		"no JSON":         "{",
		"another kind":    `{"begin":1,"total":5}`,
		"another version": `{"version":2,"size":1000,"splits":` + split("a", "b") + `}`,
		"a wrong order":   `{"version":1,"size":1000,"splits":` + split("b", "a") + `}`,
		"a split twice":   `{"version":1,"size":1000,"splits":` + split("a", "a") + `}`,
		"an empty split":  `{"version":1,"size":1000,"splits":` + split("") + `}`,
		"no base64":       `{"version":1,"size":1000,"splits":["?"]}`,
		"a small size":    `{"version":1,"size":0,"splits":` + split("a") + `}`,
		"a huge size":     `{"version":1,"size":9000000000000000000,"splits":` + split("a") + `}`,
	} {
		assert.Equal(t, []keyspace.Range{{From: []byte{0}}}, keyspace.ParseRanges(text, keysPerRange).All(), name)
	}
}

func TestRangesKeepWhatCouldNotBeRead(t *testing.T) {
	const keys = 8 * keysPerRange
	client := etcdtest.Start(t, etcdtest.Options{Size: 1}).Client(t)
	putAll(t, client, "value", sequence("/key%05d", keys))
	ranges := keyspace.ParseRanges("", keysPerRange)
	whole := ranges.All()[0]

	t.Run("without time", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		parts, err := ranges.Divide(ctx, client, keyspace.WalkOptions{}, whole, keys)
		require.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, []keyspace.Range{whole}, parts)
	})
	t.Run("without a budget, which is asked", func(t *testing.T) {
		spent := recorder{err: context.DeadlineExceeded}
		parts, err := ranges.Divide(t.Context(), client, keyspace.WalkOptions{Budget: &spent}, whole, keys)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, []keyspace.Range{whole}, parts)
		assert.Len(t, spent.keys, 1)
	})
	t.Run("behind what could", func(t *testing.T) {
		left := keys
		budget := spender(func(keys int) error {
			if left -= keys; left > 0 {
				return nil
			}
			return context.DeadlineExceeded
		})
		parts, err := ranges.Divide(t.Context(), client, keyspace.WalkOptions{Budget: budget}, whole, keys)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		counts := countRanges(t, client, parts)
		assert.Equal(t, keys, sum(counts))
		require.Greater(t, len(counts), 2)
		assert.Less(t, slices.Max(counts[:len(counts)-1]), int64(2*keysPerRange))
		assert.Greater(t, counts[len(counts)-1], int64(2*keysPerRange))
	})
}

// spender is asked for keys.
type spender func(keys int) error

func (s spender) Spend(_ context.Context, _ string, keys int, _ int64) error { return s(keys) }

func TestWalkEndsBeforeAKey(t *testing.T) {
	client := etcdtest.Start(t, etcdtest.Options{Size: 1}).Client(t)
	keys := slices.Compact(slices.Sorted(slices.Values(kubernetesKeys(5000))))
	putAll(t, client, "value", keys)
	for _, test := range []struct{ from, to int }{{0, 1}, {0, 4000}, {700, 3000}, {1200, 1200}, {100, len(keys) - 1}} {
		walked, stats, err := walkKeys(t.Context(), client, keyspace.WalkOptions{From: []byte(keys[test.from]), End: []byte(keys[test.to])})
		require.NoError(t, err)
		assert.Len(t, walked, test.to-test.from)
		assert.True(t, slices.Equal(keys[test.from:test.to], walked), "in order")
		assert.InDelta(t, test.to-test.from, stats.Total, 0)
		assert.LessOrEqual(t, stats.LargestCount, int64(test.to-test.from))
	}
}
