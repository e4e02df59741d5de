package checks_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
	"github.com/etcdfleet/etcd-fleet/cruiser/keyspace"
	"github.com/etcdfleet/etcd-fleet/internal/etcdclient"
	"github.com/etcdfleet/etcd-fleet/internal/etcdtest"
)

const nodeKeyDiff = "etcd-node-key-diff"

func newKeyDiffInspector(t *testing.T, cluster *etcdtest.Cluster, secret map[string][]byte) *inspector {
	t.Helper()
	inspector := newInspector(t, cluster, secret)
	inspector.check = nodeKeyDiff
	return inspector
}

func TestNodeKeyDiffPassesEqualMembers(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{})
	cluster.Put(t, "/key", 20)

	result, err := newKeyDiffInspector(t, cluster, nil).run(t, nil)
	require.NoError(t, err)
	assert.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome)
	assert.Equal(t, "collectEtcdnodeKeyDiff,etcd cluster gz-etcd,total key num is 20,nodeKeyDiff is 0", result.Message)
	assert.Equal(t, map[string]float64{"nodeKeyDiff": 0, "totalKeys": 20, "members": 3}, result.Values)
}

func TestNodeKeyDiffPassesAnEmptyCluster(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{})

	result, err := newKeyDiffInspector(t, cluster, nil).run(t, nil)
	require.NoError(t, err)
	assert.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome)
	assert.Equal(t, map[string]float64{"nodeKeyDiff": 0, "totalKeys": 0, "members": 3}, result.Values)
}

func TestNodeKeyDiffFailsWhenAMemberLostKeys(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{})
	cluster.Put(t, "/key", 20)
	cluster.Members[1].Corrupt(t, 3)
	inspector := newKeyDiffInspector(t, cluster, nil)

	result, err := inspector.run(t, nil)
	require.NoError(t, err)
	assert.Equal(t, etcdv1beta1.OutcomeFailed, result.Outcome)
	assert.Equal(t, "collectEtcdnodeKeyDiff,etcd cluster gz-etcd,total key num is 20,nodeKeyDiff is 3. "+
		"Keys at revision 21: etcd-0 has 20, etcd-1 has 17, etcd-2 has 20. Compare the data by the check data-consistency "+
		"before you replace a member.", result.Message)
	assert.Equal(t, map[string]float64{"nodeKeyDiff": 3, "totalKeys": 20, "members": 3}, result.Values)

	t.Run("also while another member is missing", func(t *testing.T) {
		cluster.Members[2].Pause(t)
		defer cluster.Members[2].Resume(t)
		result, err := inspector.run(t, nil)
		require.NoError(t, err)
		assert.Equal(t, etcdv1beta1.OutcomeFailed, result.Outcome)
		assert.Contains(t, result.Message, "etcd-0 has 20, etcd-1 has 17. Compare the data by the check data-consistency before you replace a member. Member etcd-2 is missing (no answer in time).")
	})
	t.Run("not within maxDifference", func(t *testing.T) {
		result, err := inspector.run(t, checks.Parameters{"maxDifference": "3"})
		require.NoError(t, err)
		assert.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome)
		assert.Contains(t, result.Message, "nodeKeyDiff is 3. Keys at revision 21: etcd-0 has 20, etcd-1 has 17, etcd-2 has 20.")
	})
}

func TestNodeKeyDiffWarnsOfAMissingMember(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{})
	cluster.Put(t, "/key", 20)
	inspector := newKeyDiffInspector(t, cluster, nil)
	_, err := inspector.run(t, nil)
	require.NoError(t, err, "connections exist before the fault")
	member := cluster.Members[2]

	for _, fault := range []struct {
		name          string
		begin, repair func(testing.TB)
		reason        string
	}{
		{"paused", member.Pause, member.Resume, "Member etcd-2 is missing (no answer in time)"},
		{"killed", member.Kill, member.Restart, "connection refused"},
	} {
		t.Run(fault.name, func(t *testing.T) {
			fault.begin(t)
			cluster.Put(t, "/more-"+fault.name, 5) // which the missing member does not have
			result, err := inspector.run(t, nil)
			require.NoError(t, err)
			assert.Equal(t, etcdv1beta1.OutcomeWarning, result.Outcome)
			assert.Contains(t, result.Message, "nodeKeyDiff is 0. Member etcd-2 is missing")
			assert.Contains(t, result.Message, fault.reason)
			assert.InDelta(t, 2, result.Values["members"], 0)
			assert.InDelta(t, 0, result.Values["nodeKeyDiff"], 0)

			fault.repair(t)
			assert.Eventually(t, func() bool {
				result, err = inspector.run(t, nil)
				return err == nil && result.Outcome == etcdv1beta1.OutcomePassed
			}, time.Minute, 100*time.Millisecond, "the member is back: %s", result.Message)
		})
	}
}

func TestNodeKeyDiffNeedsTwoMembers(t *testing.T) {
	t.Parallel()
	t.Run("of which one answers", func(t *testing.T) {
		cluster := etcdtest.Start(t, etcdtest.Options{})
		cluster.Members[0].Kill(t)
		cluster.Members[2].Kill(t)
		_, err := newKeyDiffInspector(t, cluster, nil).run(t, nil)
		require.ErrorContains(t, err, "comparing needs 2 voting members and 1 of 3 answered: etcd-0: ")
		assert.ErrorContains(t, err, "connection refused, etcd-2: ")
	})
}

func TestNodeKeyDiffSkipsALearner(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		options etcdtest.Options
	}{
		{"without auth", etcdtest.Options{}},
		{"which refuses the login where auth is enabled", etcdtest.Options{Auth: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			cluster := etcdtest.Start(t, test.options)
			cluster.Put(t, "/key", 20)
			cluster.AddLearner(t)
			var secret map[string][]byte
			if test.options.Auth {
				secret = cluster.Credentials(t)
			}

			result, err := newKeyDiffInspector(t, cluster, secret).run(t, nil)
			require.NoError(t, err)
			assert.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome)
			assert.Equal(t, "collectEtcdnodeKeyDiff,etcd cluster gz-etcd,total key num is 20,nodeKeyDiff is 0. "+
				"Learner etcd-3 is not compared.", result.Message)
			assert.InDelta(t, 3, result.Values["members"], 0)
		})
	}
}

// requireRefusal runs the check until it fails with the reason: on a busy machine a member may first give no answer in time.
func requireRefusal(t *testing.T, inspect *inspector, parameters map[string]string, reason string) {
	t.Helper()
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		_, err := inspect.run(t, parameters)
		assert.ErrorContains(c, err, reason)
	}, patience, time.Second)
}

func TestNodeKeyDiffAuthenticates(t *testing.T) {
	t.Parallel()
	t.Run("by client certificate", func(t *testing.T) {
		cluster := etcdtest.Start(t, etcdtest.Options{TLS: true})
		cluster.Put(t, "/key", 20)
		result, err := newKeyDiffInspector(t, cluster, cluster.Credentials(t)).run(t, nil)
		require.NoError(t, err)
		assert.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome)

		anonymous := map[string][]byte{"ca.crt": cluster.Credentials(t)["ca.crt"]}
		requireRefusal(t, newKeyDiffInspector(t, cluster, anonymous), nil, "if the member demands a client certificate, add tls.crt and tls.key to the Secret")
		requireRefusal(t, newKeyDiffInspector(t, cluster, nil), nil, "certificate signed by unknown authority")
	})
	t.Run("by password", func(t *testing.T) {
		cluster := etcdtest.Start(t, etcdtest.Options{Auth: true})
		cluster.Put(t, "/key", 20)
		secret := cluster.Credentials(t)
		result, err := newKeyDiffInspector(t, cluster, secret).run(t, nil)
		require.NoError(t, err)
		assert.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome)

		requireRefusal(t, newKeyDiffInspector(t, cluster, map[string][]byte{"ca.crt": secret["ca.crt"]}), nil, "it demands a password")

		secret["password"] = []byte("wrong")
		requireRefusal(t, newKeyDiffInspector(t, cluster, secret), nil, "wrong username or password")
	})
	t.Run("as a user without rights", func(t *testing.T) {
		cluster := etcdtest.Start(t, etcdtest.Options{Auth: true})
		_, err := cluster.Client(t).UserAdd(context.Background(), "nobody", "nothing")
		require.NoError(t, err)
		secret := cluster.Credentials(t)
		secret["username"], secret["password"] = []byte("nobody"), []byte("nothing")
		requireRefusal(t, newKeyDiffInspector(t, cluster, secret), nil, "grant the Secret's user a role that may read all keys")
	})
}

// A member that is behind, or whose revision is being compacted away, must never look like one that lost keys.
func TestNodeKeyDiffSeesNoFalseDifferenceUnderLoad(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{})
	cluster.Put(t, "/key", 20)
	inspector := newKeyDiffInspector(t, cluster, nil)
	ctx, stop := context.WithCancel(context.Background())
	var load sync.WaitGroup
	defer load.Wait()
	defer stop()
	load.Go(func() { writeAndCompact(ctx, cluster.Client(t)) })

	compared := 0
	for round := range 20 {
		// The member lags right after its pause: it has all that was written meanwhile before it.
		cluster.Members[round%3].Pause(t)
		time.Sleep(20 * time.Millisecond)
		cluster.Members[round%3].Resume(t)
		result, err := inspector.run(t, nil)
		if err != nil {
			require.ErrorContains(t, err, "no revision could be read on all members")
			continue
		}
		compared++
		require.InDelta(t, 0, result.Values["nodeKeyDiff"], 0, result.Message)
		require.NotEqual(t, etcdv1beta1.OutcomeFailed, result.Outcome, result.Message)
	}
	assert.Positive(t, compared)
}

// writeAndCompact writes as fast as it can and keeps no history.
func writeAndCompact(ctx context.Context, kv *clientv3.Client) {
	for i := 0; ctx.Err() == nil; i++ {
		put, err := kv.Put(ctx, fmt.Sprintf("/load%d", i), "value")
		if err == nil && i%5 == 0 {
			_, _ = kv.Compact(ctx, put.Header.Revision)
		}
	}
}

func TestNodeKeyDiffChoosesAnotherRevisionWhenOneIsOutOfReach(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		failures int
		err      error
		message  string
	}{
		{"compacted meanwhile", 1, rpctypes.ErrGRPCCompacted, ""},
		{"not there yet", 2, rpctypes.ErrGRPCFutureRev, ""},
		{
			"compacted time and again", 100, rpctypes.ErrGRPCCompacted,
			"no revision could be read on all members (etcd-1 at revision 40: etcdserver: mvcc: required revision has " +
				"been compacted), and etcd-0 is 60 revisions behind etcd-1: look at its disk and its network",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			slow := startStub(t, &stubMember{id: 1, revision: 40})
			fast := startStub(t, &stubMember{id: 2, revision: 100, rangeFailures: test.failures, rangeErr: test.err})
			inspector := &inspector{check: nodeKeyDiff, pool: etcdclient.NewPool(time.Minute), spec: etcdv1beta1.EtcdClusterSpec{
				Members: []etcdv1beta1.EtcdClusterMember{{Name: "etcd-0", ClientURL: slow}, {Name: "etcd-1", ClientURL: fast}},
			}}
			result, err := inspector.run(t, nil)
			if test.message != "" {
				require.ErrorContains(t, err, test.message)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome)
		})
	}
}

func TestNodeKeyDiffRefusesOneMemberTwice(t *testing.T) {
	t.Parallel()
	inspector := newKeyDiffInspector(t, etcdtest.Start(t, etcdtest.Options{}), nil)
	inspector.spec.Members[2].ClientURL = inspector.spec.Members[0].ClientURL
	_, err := inspector.run(t, nil)
	assert.ErrorContains(t, err, "etcd-0 and etcd-2 are the same etcd member")
}

func TestNodeKeyDiffRefusesParameters(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1})
	for _, value := range []string{"", "some", "-1", "0.5"} {
		_, err := newKeyDiffInspector(t, cluster, nil).run(t, checks.Parameters{"maxDifference": value})
		assert.ErrorContains(t, err, "set spec.parameters.maxDifference to a whole number, 0 or more")
	}
}

// recordedBudget never waits.
type recordedBudget struct {
	calls int
	err   error

	// most is how many keys were asked for at once, by endpoint.
	most map[string]int
}

func newRecordedBudget() *recordedBudget { return &recordedBudget{most: map[string]int{}} }

func (b *recordedBudget) Spend(_ context.Context, endpoint string, keys int, _ int64) error {
	b.calls++
	b.most[endpoint] = max(b.most[endpoint], keys)
	return b.err
}

// largeCounts are the endpoints of the members that counted more than the given number of keys at once.
func (b *recordedBudget) largeCounts(keys int) (endpoints []string) {
	for endpoint, most := range b.most {
		if most*4 > keys { // four are counted for the price of one
			endpoints = append(endpoints, endpoint)
		}
	}
	return endpoints
}

// leaderURL is the leader's clientURL.
func leaderURL(t *testing.T, cluster *etcdtest.Cluster, members []etcdv1beta1.EtcdClusterMember) string {
	t.Helper()
	client := cluster.Client(t)
	for _, member := range members {
		status, err := client.Status(t.Context(), member.ClientURL)
		require.NoError(t, err)
		if status.Leader == status.Header.MemberId {
			return member.ClientURL
		}
	}
	require.Fail(t, "there is no leader")
	return ""
}

// The writes of a member wait as long as it counts, so that a large cluster is counted by parts.
func TestNodeKeyDiffCountsALargeClusterInRanges(t *testing.T) {
	t.Parallel()
	const (
		keys      = 40_000
		rangeKeys = 8192 // about
		ranges    = 4    // the last one larger, but not twice as large
		noRanges  = `{"version":1,"size":8192,"splits":[]}`
	)
	cluster := etcdtest.Start(t, etcdtest.Options{})
	putMany(t, cluster.Client(t), "/registry/pods/team-%05d", keys)
	inspector := newKeyDiffInspector(t, cluster, nil)
	run := func(t *testing.T) (checks.Result, *recordedBudget) {
		t.Helper()
		spent := newRecordedBudget()
		inspector.budget = spent
		result, err := inspector.run(t, nil)
		require.NoError(t, err)
		assert.LessOrEqual(t, len(result.State), etcdv1beta1.MaxStateLength)
		return result, spent
	}
	failing := func(err error) *recordedBudget {
		failing := newRecordedBudget()
		failing.err = err
		return failing
	}

	var result checks.Result
	isDivided := func() bool { return len(keyspace.ParseRanges(result.State, rangeKeys).All()) == ranges }
	require.Eventually(t, func() bool { // a member may be behind, and a busy machine may need a second run to divide them all
		result, _ = run(t)
		return result.Values["totalKeys"] == keys && isDivided()
	}, patience, 100*time.Millisecond)

	t.Run("once their ends are known", func(t *testing.T) {
		before := inspector.state
		result, spent := run(t)
		assert.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome)
		assert.Equal(t, "collectEtcdnodeKeyDiff,etcd cluster gz-etcd,total key num is 40000,nodeKeyDiff is 0", result.Message)
		assert.Equal(t, before, result.State, "nothing to change")
		assert.Empty(t, spent.largeCounts(2*rangeKeys))
		assert.Equal(t, 3*(ranges-1), spent.calls, "it is asked on each member before the next range")
	})
	t.Run("of members that are not too slow", func(t *testing.T) {
		inspector.budget = failing(errors.New("it stayed too slow"))
		_, err := inspector.run(t, nil)
		assert.ErrorContains(t, err, "0 of 3 answered: etcd-0: it stayed too slow, etcd-1: it stayed too slow")
	})
	t.Run("as long as there is time", func(t *testing.T) {
		inspector.budget = failing(context.DeadlineExceeded)
		_, err := inspector.run(t, nil)
		require.Error(t, err)
		assert.Regexp(t, `^8000 keys of etcd-\d were counted: let checks read faster by a larger --budget-keys`, err.Error())
	})
	t.Run("of which a member lost keys", func(t *testing.T) {
		cluster.Members[1].Corrupt(t, 3)
		result, _ := run(t)
		assert.Equal(t, etcdv1beta1.OutcomeFailed, result.Outcome)
		assert.Regexp(t, `total key num is 40000,nodeKeyDiff is 3\. Keys at revision \d+: etcd-0 has 40000, etcd-1 has 39997, etcd-2 has 40000\. Compare the data by the check data-consistency before you replace a member\.$`, result.Message)
	})
	t.Run("whatever the state", func(t *testing.T) {
		settled := inspector.state
		for _, state := range []string{"", "damaged", `{"version":9}`, noRanges} {
			var spent *recordedBudget
			require.Eventually(t, func() bool { // one run divides them all, unless the machine is too busy
				inspector.state = state
				result, spent = run(t)
				return isDivided()
			}, patience, 100*time.Millisecond)
			assert.InDelta(t, 3, result.Values["nodeKeyDiff"], 0)
			assert.InDelta(t, keys, result.Values["totalKeys"], 0)
			large := spent.largeCounts(2 * rangeKeys)
			require.Len(t, large, 1, "where to divide is found on one member")
			assert.NotEqual(t, leaderURL(t, cluster, inspector.spec.Members), large[0])
		}
		inspector.state = settled
	})
	t.Run("unless they cannot be divided", func(t *testing.T) {
		settled := inspector.state
		inspector.state, inspector.budget = "", failing(errors.New("it stayed too slow"))
		result, err := inspector.run(t, nil)
		require.NoError(t, err)
		assert.InDelta(t, 3, result.Values["nodeKeyDiff"], 0)
		assert.InDelta(t, keys, result.Values["totalKeys"], 0)
		assert.Empty(t, result.State, "the next run tries again")
		inspector.state = settled
	})
	t.Run("until it is small", func(t *testing.T) {
		_, err := cluster.Client(t).Delete(t.Context(), "/registry/pods/team-01000", clientv3.WithFromKey())
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			result, _ = run(t)
			return result.State == noRanges
		}, settled, 100*time.Millisecond)
		result, spent := run(t)
		assert.InDelta(t, 1000, result.Values["totalKeys"], 3)
		assert.Equal(t, noRanges, result.State)
		assert.Zero(t, spent.calls, "it waits for nothing")
	})
}

func TestNodeKeyDiffKeepsNoStateOfASmallCluster(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{})
	putMany(t, cluster.Client(t), "/key-%05d", 10_000)
	result, err := newKeyDiffInspector(t, cluster, nil).run(t, nil)
	require.NoError(t, err)
	assert.Empty(t, result.State)
}

// A member that fails in the middle of a count is missing, and is not asked for the rest. Real ones do not fail on demand.
func TestNodeKeyDiffLeavesAMemberThatFails(t *testing.T) {
	t.Parallel()
	failing := &stubMember{id: 3, revision: 40, rangeFailures: 1, rangeErr: status.Error(codes.Internal, "disk on fire")}
	good := []*stubMember{{id: 1, revision: 40}, {id: 2, revision: 40}}
	inspector := &inspector{
		check: nodeKeyDiff,
		pool:  etcdclient.NewPool(time.Minute),
		spec: etcdv1beta1.EtcdClusterSpec{Members: []etcdv1beta1.EtcdClusterMember{
			{Name: "etcd-0", ClientURL: startStub(t, good[0])},
			{Name: "etcd-1", ClientURL: startStub(t, failing)},
			{Name: "etcd-2", ClientURL: startStub(t, good[1])},
		}},
		state: `{"version":1,"size":8192,"splits":["Yg==","Yw=="]}`,
	}
	result, err := inspector.run(t, nil)
	require.NoError(t, err)
	assert.Equal(t, etcdv1beta1.OutcomeWarning, result.Outcome)
	assert.Contains(t, result.Message, "total key num is 21,nodeKeyDiff is 0. Member etcd-1 is missing (disk on fire).")
	assert.EqualValues(t, 1, failing.ranges.Load())
	for _, member := range good {
		assert.EqualValues(t, 3+1, member.ranges.Load(), "3 ranges, and what the budget reads")
	}
}
