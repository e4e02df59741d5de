package keyspace_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/etcdfleet/etcd-fleet/cruiser/keyspace"
	"github.com/etcdfleet/etcd-fleet/internal/etcdclient"
	"github.com/etcdfleet/etcd-fleet/internal/etcdtest"
	"github.com/etcdfleet/etcd-fleet/internal/labbin"
)

const putsPerTxn = 128 // etcd's --max-txn-ops

// putAll writes the keys, of one value, some in each transaction.
func putAll(t *testing.T, client *clientv3.Client, value string, keys []string) {
	t.Helper()
	for part := range slices.Chunk(keys, putsPerTxn) {
		var puts []clientv3.Op
		for _, key := range part {
			puts = append(puts, clientv3.OpPut(key, value))
		}
		_, err := client.Txn(t.Context()).Then(puts...).Commit()
		require.NoError(t, err)
	}
}

func deleteAll(t *testing.T, client *clientv3.Client) {
	t.Helper()
	_, err := client.Delete(t.Context(), "\x00", clientv3.WithFromKey())
	require.NoError(t, err)
}

// walkKeys walks and returns the keys in the order of the visits.
func walkKeys(ctx context.Context, client *clientv3.Client, options keyspace.WalkOptions) ([]string, keyspace.WalkStats, error) {
	var keys []string
	stats, err := keyspace.Walk(ctx, client, options, func(page []*mvccpb.KeyValue) error {
		for _, kv := range page {
			keys = append(keys, string(kv.Key))
		}
		return nil
	})
	return keys, stats, err
}

// kubernetesKeys are n keys as an API server lays them out: few resources have most of them, in namespaces of all sizes.
func kubernetesKeys(n int) []string {
	keys := make([]string, 0, n)
	add := func(share float64, resource string, namespaces int) {
		for i := range int(share * float64(n)) {
			namespace := fmt.Sprintf("team-%02d", i*i%namespaces)
			keys = append(keys, fmt.Sprintf("/registry/%s/%s/app-%d-%05x", resource, namespace, i%97, i*7919%0xfffff))
		}
	}
	add(0.3, "pods", 40)
	add(0.2, "events", 40)
	add(0.1, "configmaps", 60)
	add(0.1, "secrets", 60)
	add(0.1, "replicasets", 30)
	add(0.05, "persistentvolumeclaims", 10)
	add(0.05, "services/endpoints", 50)
	add(0.05, "services/specs", 50)
	for i := range 30 {
		add(0.001, fmt.Sprintf("example%d.io/things", i), 3)
	}
	for i := len(keys); i < n; i++ {
		keys = append(keys, fmt.Sprintf("/registry/minions/node-%d", i))
	}
	return keys
}

func binaryKeys(n int) []string {
	source := rand.New(rand.NewPCG(1, 2))
	var keys []string
	for range n {
		key := make([]byte, 1+source.IntN(12))
		for i := range key {
			key[i] = byte(source.Uint32())
		}
		keys = append(keys, string(key))
	}
	return keys
}

func sequence(format string, n int) []string {
	var keys []string
	for i := range n {
		keys = append(keys, fmt.Sprintf(format, i))
	}
	return keys
}

func TestWalkVisitsEachKeyOnce(t *testing.T) {
	client := etcdtest.Start(t, etcdtest.Options{Size: 1}).Client(t)
	var repeated []string // "a", "aa", "aaa", …: each key is a prefix of all that follow
	for i := range 1500 {
		repeated = append(repeated, strings.Repeat("a", i+1))
	}
	for _, test := range []struct {
		name string
		keys []string

		// largest is the largest count that a walk without values may cause beyond the first, and counted all of them, in
		// parts of the keyspace.
		largest, counted float64
	}{
		{name: "no keys"},
		{name: "one key", keys: []string{"/registry/pods/a"}, largest: 1, counted: 1},
		{name: "the first key and the last", keys: []string{"\x00", "\xff\xff\xff"}, largest: 1, counted: 1},
		{name: "keys at 0xff", keys: sequence("\xff\xff%05d", 6000), largest: 0.7, counted: 6},
		{name: "keys of 0xff only", keys: []string{"\xff", "\xff\xff", "\xff\xff\xff"}, largest: 1, counted: 1},
		{name: "binary keys", keys: binaryKeys(20_000), largest: 0.3, counted: 3},
		{name: "numbers", keys: sequence("/key%d", 20_000), largest: 0.7, counted: 6},
		{name: "each a prefix of the next", keys: repeated, largest: 1, counted: 40},
		{name: "many small prefixes", keys: sequence("/prefix-%d/a", 20_000), largest: 1, counted: 6},
		{name: "a Kubernetes cluster", keys: kubernetesKeys(20_000), largest: 0.5, counted: 6},
	} {
		t.Run(test.name, func(t *testing.T) {
			deleteAll(t, client)
			want := slices.Compact(slices.Sorted(slices.Values(test.keys)))
			putAll(t, client, "value", want)

			for _, values := range []bool{false, true} {
				keys, stats, err := walkKeys(t.Context(), client, keyspace.WalkOptions{Values: values})
				require.NoError(t, err)
				require.Equal(t, len(want), len(keys))
				assert.True(t, slices.Equal(want, keys), "in order")
				total := float64(len(want))
				assert.InDelta(t, total, stats.Total, 0)
				assert.InDelta(t, total, stats.Keys, 0)
				assert.Empty(t, stats.Next)
				if !values {
					assert.LessOrEqual(t, float64(stats.LargestCount), test.largest*total)
					assert.LessOrEqual(t, float64(stats.Counted), test.counted*total)
				}
			}
		})
	}
}

func TestWalkReadsEachVersion(t *testing.T) {
	want := slices.Sorted(slices.Values(kubernetesKeys(10_000)))
	for _, version := range labbin.EtcdVersions {
		t.Run(version, func(t *testing.T) {
			client := etcdtest.Start(t, etcdtest.Options{Size: 1, Version: version}).Client(t)
			putAll(t, client, "value", want)
			for _, values := range []bool{false, true} {
				keys, stats, err := walkKeys(t.Context(), client, keyspace.WalkOptions{Values: values})
				require.NoError(t, err)
				assert.True(t, slices.Equal(want, keys), "%d keys", len(keys))
				assert.LessOrEqual(t, stats.Counted, int64(6*len(want)))
			}
			groups, _, err := keyspace.CountGroups(t.Context(), client, keyspace.WalkOptions{}, keyspace.Grouping{Of: resource})
			require.NoError(t, err)
			assert.Equal(t, countsByResource(want), groups)
		})
	}
}

func TestWalkReadsOneRevision(t *testing.T) {
	client := etcdtest.Start(t, etcdtest.Options{Size: 1}).Client(t)
	want := sequence("/key%05d", 3000)
	putAll(t, client, "value", want)

	var keys []string
	stats, err := keyspace.Walk(t.Context(), client, keyspace.WalkOptions{}, func(page []*mvccpb.KeyValue) error {
		for _, kv := range page {
			keys = append(keys, string(kv.Key))
		}
		putAll(t, client, "value", []string{fmt.Sprintf("/key%05d-new", len(keys)+100), "/zzz"})
		_, err := client.Delete(t.Context(), "/key02999")
		return err
	})
	require.NoError(t, err)
	assert.Equal(t, want, keys)
	assert.InDelta(t, 3000, stats.Total, 0)
}

func TestWalkMeetsACompaction(t *testing.T) {
	client := etcdtest.Start(t, etcdtest.Options{Size: 1}).Client(t)
	want := sequence("/key%05d", 3000)
	putAll(t, client, "value", want)

	// compacting walks and lets the revision of the walk be compacted while the first page is visited.
	compacting := func(options keyspace.WalkOptions) ([]string, keyspace.WalkStats, error) {
		var keys []string
		stats, err := keyspace.Walk(t.Context(), client, options, func(page []*mvccpb.KeyValue) error {
			if len(keys) == 0 {
				put, err := client.Put(t.Context(), "/key02999", "newer")
				require.NoError(t, err)
				_, err = client.Compact(t.Context(), put.Header.Revision, clientv3.WithCompactPhysical())
				require.NoError(t, err)
			}
			for _, kv := range page {
				keys = append(keys, string(kv.Key))
			}
			return nil
		})
		return keys, stats, err
	}

	t.Run("and says so", func(t *testing.T) {
		keys, stats, err := compacting(keyspace.WalkOptions{})
		require.ErrorIs(t, err, rpctypes.ErrCompacted)
		require.ErrorContains(t, err, "let etcd keep more history")
		assert.NotEmpty(t, keys)
		assert.Greater(t, string(stats.Next), keys[len(keys)-1])
		assert.LessOrEqual(t, string(stats.Next), want[len(keys)])
	})
	t.Run("and follows it", func(t *testing.T) {
		keys, stats, err := compacting(keyspace.WalkOptions{FollowCompaction: true})
		require.NoError(t, err)
		assert.Equal(t, want, keys)
		assert.InDelta(t, 3000, stats.Total, 0)
	})
}

func TestWalkGoesOnWhereItEnded(t *testing.T) {
	client := etcdtest.Start(t, etcdtest.Options{Size: 1}).Client(t)
	want := slices.Sorted(slices.Values(kubernetesKeys(5000)))
	putAll(t, client, "value", want)

	enough := errors.New("enough")
	var keys []string
	stats, err := keyspace.Walk(t.Context(), client, keyspace.WalkOptions{}, func(page []*mvccpb.KeyValue) error {
		if len(keys) > 1500 {
			return enough
		}
		for _, kv := range page {
			keys = append(keys, string(kv.Key))
		}
		return nil
	})
	require.ErrorIs(t, err, enough)
	require.NotEmpty(t, stats.Next)

	rest, stats, err := walkKeys(t.Context(), client, keyspace.WalkOptions{From: stats.Next})
	require.NoError(t, err)
	assert.Equal(t, want, append(keys, rest...))
	assert.InDelta(t, len(rest), stats.Total, 0)
}

// recorder is a budget that never waits.
type recorder struct {
	keys  []int
	bytes []int64
	err   error
}

func (r *recorder) Spend(_ context.Context, _ string, keys int, bytes int64) error {
	r.keys, r.bytes = append(r.keys, keys), append(r.bytes, bytes)
	return r.err
}

func TestWalkSpendsABudget(t *testing.T) {
	client := etcdtest.Start(t, etcdtest.Options{Size: 1}).Client(t)
	large := strings.Repeat("v", 1<<20)
	for i := range 20 {
		putAll(t, client, strings.Repeat("s", 1000), sequence(fmt.Sprintf("/small-%02d/%%03d", i), 128))
	}
	for i := range 20 {
		_, err := client.Put(t.Context(), fmt.Sprintf("/big/%02d", i), large)
		require.NoError(t, err)
	}

	t.Run("of bytes by small pages where values are large", func(t *testing.T) {
		var spent recorder
		_, stats, err := walkKeys(t.Context(), client, keyspace.WalkOptions{Budget: &spent, Values: true})
		require.NoError(t, err)
		assert.InDelta(t, 20*(1<<20)+20*128*1000, stats.Bytes, 100_000)
		total, pages := int64(0), 0
		for _, size := range spent.bytes {
			if total += size; size > 3<<20 {
				pages++
			}
		}
		assert.InDelta(t, stats.Bytes, total, 1000)
		assert.LessOrEqual(t, pages, 1, "one page finds out: %v", spent.bytes)
	})
	t.Run("until it refuses", func(t *testing.T) {
		spent := recorder{err: errors.New("too slow")}
		_, stats, err := walkKeys(t.Context(), client, keyspace.WalkOptions{Budget: &spent})
		require.ErrorIs(t, err, spent.err)
		assert.Equal(t, "/big/00", string(stats.Next))
	})
	t.Run("within its context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := keyspace.Walk(ctx, client, keyspace.WalkOptions{}, func([]*mvccpb.KeyValue) error {
			cancel()
			return nil
		})
		assert.ErrorIs(t, err, context.Canceled)
	})
}

// mostAnswer is what one answer may have, whatever the values are.
const mostAnswer = 33 << 20

func TestWalkBoundsAnAnswerWhereLargeValuesFollowSmallOnes(t *testing.T) {
	client := etcdtest.Start(t, etcdtest.Options{Size: 1}).Client(t)
	putAll(t, client, "small", sequence("/a/%05d", 10_000))
	large := strings.Repeat("v", 1<<20)
	for i := range 300 {
		_, err := client.Put(t.Context(), fmt.Sprintf("/b/%03d", i), large)
		require.NoError(t, err)
	}

	var spent recorder
	_, stats, err := walkKeys(t.Context(), client, keyspace.WalkOptions{Budget: &spent, Values: true})
	require.NoError(t, err)
	assert.EqualValues(t, 10_300, stats.Keys)
	assert.LessOrEqual(t, slices.Max(spent.bytes), int64(mostAnswer))

	// Up to etcd 3.6 a member reads the values of what it answers without them.
	most := 0
	_, err = keyspace.Walk(t.Context(), client, keyspace.WalkOptions{}, func(page []*mvccpb.KeyValue) error {
		most = max(most, len(page))
		return nil
	})
	require.NoError(t, err)
	assert.LessOrEqual(t, most*(3<<19), mostAnswer)
}

// A member may allow larger requests than etcd does by default, and say so to nobody.
func TestWalkBoundsAnAnswerOfAMemberThatAllowsLargeRequests(t *testing.T) {
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1, Args: []string{"--max-request-bytes=16777216"}})
	writer, err := clientv3.New(clientv3.Config{
		Endpoints: []string{cluster.Members[0].ClientURL}, MaxCallSendMsgSize: 16 << 20, Logger: zap.NewNop(),
	})
	require.NoError(t, err)
	defer func() { _ = writer.Close() }()
	putAll(t, writer, "small", sequence("/a/%05d", 1000))
	large := strings.Repeat("v", 6<<20)
	for i := range 20 {
		_, err := writer.Put(t.Context(), fmt.Sprintf("/b/%03d", i), large)
		require.NoError(t, err)
	}
	lease := etcdclient.NewPool(time.Minute).Lease(etcdclient.Credentials{})
	defer lease.Release()
	client, err := lease.Client(cluster.Members[0].ClientURL)
	require.NoError(t, err)

	var spent recorder
	_, stats, err := walkKeys(t.Context(), client, keyspace.WalkOptions{Budget: &spent, Values: true})
	require.NoError(t, err)
	assert.EqualValues(t, 1020, stats.Keys)
	assert.LessOrEqual(t, slices.Max(spent.bytes), int64(2*mostAnswer))
}

func TestWalkReadsALearner(t *testing.T) {
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1})
	cluster.Put(t, "/key", 20)
	learner := cluster.AddLearner(t)
	client, err := etcdclient.NewPool(time.Minute).Lease(etcdclient.Credentials{}).Client(learner.ClientURL)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		keys, _, err := walkKeys(t.Context(), client, keyspace.WalkOptions{})
		return err == nil && len(keys) == 20
	}, time.Minute, 100*time.Millisecond)
}

// resource is /registry/<resource>/ of a key, or the key where it has fewer slashes.
func resource(key []byte) (from, to []byte) {
	for i, slashes := 0, 0; i < len(key); i++ {
		if key[i] == '/' {
			if slashes++; slashes == 3 {
				return key[:i+1], keyspace.Successor(key[:i+1])
			}
		}
	}
	return oneByOne(key)
}

func oneByOne(key []byte) (from, to []byte) {
	return key, append(bytes.Clone(key), 0)
}

func countsByResource(keys []string) []keyspace.Group {
	var groups []keyspace.Group
	for _, key := range slices.Sorted(slices.Values(keys)) {
		from, _ := resource([]byte(key))
		if len(groups) == 0 || groups[len(groups)-1].From != string(from) {
			groups = append(groups, keyspace.Group{From: string(from)})
		}
		groups[len(groups)-1].Keys++
	}
	return groups
}

func TestCountGroups(t *testing.T) {
	client := etcdtest.Start(t, etcdtest.Options{Size: 1}).Client(t)
	keys := append(kubernetesKeys(20_000), "/a", "/registry", "/registry/pods", "/registry/podz", "zz")
	keys = slices.Compact(slices.Sorted(slices.Values(keys)))
	putAll(t, client, "value", keys)
	want := countsByResource(keys)
	var known []string
	for _, group := range want {
		known = append(known, group.From)
	}
	count := func(t *testing.T, grouping keyspace.Grouping) ([]keyspace.Group, keyspace.WalkStats) {
		t.Helper()
		grouping.Of = resource
		groups, stats, err := keyspace.CountGroups(t.Context(), client, keyspace.WalkOptions{}, grouping)
		require.NoError(t, err)
		return groups, stats
	}

	t.Run("that are not known", func(t *testing.T) {
		groups, stats := count(t, keyspace.Grouping{})
		assert.Equal(t, want, groups)
		assert.Less(t, stats.Keys, int64(len(keys)/2), "large groups are counted only")
	})
	t.Run("that are known", func(t *testing.T) {
		groups, stats := count(t, keyspace.Grouping{Known: known})
		assert.Equal(t, want, groups)
		assert.Zero(t, stats.Keys)
		assert.InDelta(t, len(keys), stats.Counted, 0, "each key once")
		assert.InDelta(t, len(known)+1, stats.Calls, 0)
	})
	t.Run("of which some are known, and some are gone", func(t *testing.T) {
		groups, _ := count(t, keyspace.Grouping{Known: []string{"/gone/", known[3], "/registry/pods/", "/z/", "\xff\xff"}})
		assert.Equal(t, want, groups)
	})
	t.Run("up to a number", func(t *testing.T) {
		_, _, err := keyspace.CountGroups(t.Context(), client, keyspace.WalkOptions{}, keyspace.Grouping{Of: oneByOne, Most: 100})
		assert.ErrorIs(t, err, keyspace.ErrTooManyGroups)
	})
	t.Run("of nothing", func(t *testing.T) {
		deleteAll(t, client)
		groups, _ := count(t, keyspace.Grouping{})
		assert.Empty(t, groups)
		groups, _ = count(t, keyspace.Grouping{Known: known})
		assert.Empty(t, groups)
	})
}
