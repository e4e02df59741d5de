package checks_test

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
	"github.com/etcdfleet/etcd-fleet/internal/etcdclient"
	"github.com/etcdfleet/etcd-fleet/internal/etcdtest"
	"github.com/etcdfleet/etcd-fleet/internal/labbin"
)

// noScan allows no scan: a member's database is larger.
var noScan = checks.Parameters{"maxScanBytes": "1"}

func newConsistencyInspector(t *testing.T, cluster *etcdtest.Cluster, secret map[string][]byte) *inspector {
	t.Helper()
	inspector := newInspector(t, cluster, secret)
	inspector.check = "data-consistency"
	return inspector
}

// compactAll compacts at a revision that is then in the past, and waits until all members remember its hash.
func compactAll(t *testing.T, cluster *etcdtest.Cluster, inspector *inspector) {
	t.Helper()
	revision := cluster.Compact(t)
	cluster.Put(t, "/after", 1)
	var result checks.Result
	var err error
	require.Eventually(t, func() bool {
		result, err = inspector.run(t, noScan)
		return err == nil && int(result.Values["members"]) == len(cluster.Members) &&
			strings.Contains(result.Message, fmt.Sprintf("at revision %d", revision))
	}, time.Minute, 100*time.Millisecond, "%v", &result)
}

func TestDataConsistencyPassesEqualMembers(t *testing.T) {
	t.Parallel()
	for _, version := range labbin.EtcdVersions {
		t.Run(version, func(t *testing.T) {
			cluster := etcdtest.Start(t, etcdtest.Options{Version: version})
			inspector := newConsistencyInspector(t, cluster, nil)
			passes := func(t *testing.T) {
				t.Helper()
				var result checks.Result
				require.Eventually(t, func() bool {
					var err error
					result, err = inspector.run(t, nil)
					return err == nil && result.Outcome == etcdv1beta1.OutcomePassed
				}, time.Minute, 100*time.Millisecond, "%v", &result)
				assert.Regexp(t, `^The data of 3 voting members are equal at revision \d+\.$`, result.Message)
				assert.Equal(t, map[string]float64{"inconsistentMembers": 0, "members": 3}, result.Values)
			}
			t.Run("that are empty", passes)
			cluster.Put(t, "/key", 20)
			t.Run("that never compacted", passes)
			cluster.Compact(t)
			t.Run("at the compacted revision", passes)
			cluster.Put(t, "/more", 20)
			t.Run("after a compaction", passes)
			cluster.Members[1].Stop(t)
			cluster.Members[1].Restart(t)
			t.Run("of which one restarted", passes)
			cluster.Compact(t)
			cluster.Members[1].Stop(t)
			cluster.Members[1].Restart(t)
			t.Run("of which one restarted, and nothing was written since the compaction", passes)
		})
	}
}

func TestDataConsistencyFindsCorruptMembers(t *testing.T) {
	t.Parallel()
	for _, version := range labbin.EtcdVersions {
		for name, corrupt := range map[string]func(*etcdtest.Member, *testing.T){
			"lost keys":      func(m *etcdtest.Member, t *testing.T) { m.Corrupt(t, 3) },
			"changed values": func(m *etcdtest.Member, t *testing.T) { m.CorruptValues(t, 1) },
		} {
			t.Run(version+" with "+name, func(t *testing.T) {
				cluster := etcdtest.Start(t, etcdtest.Options{Version: version})
				cluster.Put(t, "/key", 20)
				corrupt(cluster.Members[1], t)
				inspector := newConsistencyInspector(t, cluster, nil)

				result, err := inspector.run(t, nil)
				require.NoError(t, err)
				assert.Equal(t, etcdv1beta1.OutcomeFailed, result.Outcome, "by a scan: %s", result.Message)
				assert.Regexp(t, `^The data of etcd-1 differ from the majority's at revision 21 `+
					`\(etcd-0 etcd-2 hash [0-9a-f]{8}, etcd-1 hash [0-9a-f]{8}\): keep its data until the next compaction confirms it`, result.Message)
				assert.Equal(t, map[string]float64{"inconsistentMembers": 1, "members": 3}, result.Values)
			})
		}
	}
}

func TestDataConsistencyComparesTheHashesOfCompactions(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{})
	cluster.Put(t, "/key", 20)
	inspector := newConsistencyInspector(t, cluster, nil)

	_, err := inspector.run(t, noScan)
	require.ErrorContains(t, err, "nothing has been compacted yet")
	assert.ErrorContains(t, err, "let etcd compact (--auto-compaction-retention), or set maxScanBytes above that")

	compactAll(t, cluster, inspector)
	cluster.Members[1].CorruptValues(t, 1)
	result, err := inspector.run(t, noScan)
	require.NoError(t, err)
	assert.Equal(t, etcdv1beta1.OutcomeWarning, result.Outcome)
	assert.Contains(t, result.Message, "The data of 2 voting members are equal at revision 21. "+
		"Member etcd-1 was not compared (it restarted after the last compaction, or is compacting).")

	compactAll(t, cluster, inspector)
	result, err = inspector.run(t, noScan)
	require.NoError(t, err)
	for _, member := range cluster.Members {
		assert.Zero(t, hashScans(t, member), "nothing was scanned")
	}
	assert.Equal(t, etcdv1beta1.OutcomeWarning, result.Outcome, "one compaction is no proof")
	assert.Contains(t, result.Message, "The hashes of the compaction at revision 22 differ (")
	assert.NotContains(t, result.Message, "remove")
	assert.NotContains(t, result.Values, "inconsistentMembers")

	compactAll(t, cluster, inspector)
	result, err = inspector.run(t, noScan)
	require.NoError(t, err)
	assert.Equal(t, etcdv1beta1.OutcomeFailed, result.Outcome)
	assert.Contains(t, result.Message, "The data of etcd-1 differ from the majority's at revision 23 (")
	assert.Contains(t, result.Message, ": remove the member, delete its data and add it again.")

	t.Run("which the key count does not find", func(t *testing.T) {
		result, err := newKeyDiffInspector(t, cluster, nil).run(t, nil)
		require.NoError(t, err)
		assert.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome, result.Message)
	})
	t.Run("and without a majority", func(t *testing.T) {
		cluster.Members[2].Kill(t)
		result, err := inspector.run(t, noScan)
		require.NoError(t, err)
		assert.Equal(t, etcdv1beta1.OutcomeFailed, result.Outcome)
		assert.Contains(t, result.Message, "The data of members differ at revision 23 and no majority of 3 agrees (etcd-0 hash ")
		assert.Contains(t, result.Message, " Member etcd-2 is missing")
		assert.InDelta(t, 2, result.Values["inconsistentMembers"], 0)
	})
}

// hashScans is how often the member has scanned its database for a hash since its start.
func hashScans(t *testing.T, member *etcdtest.Member) uint64 {
	t.Helper()
	return metric(t, member, "etcd_mvcc_hash_rev_duration_seconds").GetHistogram().GetSampleCount()
}

// metric is the only one of its name on the member's /metrics.
func metric(t *testing.T, member *etcdtest.Member, name string) *dto.Metric {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, member.ClientURL+"/metrics", nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(response.Body)
	require.NoError(t, err)
	metrics := families[name].GetMetric()
	require.Len(t, metrics, 1, name)
	return metrics[0]
}

func TestDataConsistencyNeedsMetricsOfALargeMember(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{})
	cluster.Put(t, "/key", 5)
	inspector := newConsistencyInspector(t, cluster, nil)
	compactAll(t, cluster, inspector)
	forbidden := httptest.NewServer(http.NotFoundHandler())
	defer forbidden.Close()
	for i := range inspector.spec.Members {
		inspector.spec.Members[i].MetricsURL = forbidden.URL
	}

	_, err := inspector.run(t, noScan)
	require.ErrorContains(t, err, "its metrics do not show whether it remembers the hash of its last compaction (")
	assert.ErrorContains(t, err, "404 Not Found): correct its metricsURL in the EtcdCluster, or set maxScanBytes above")
}

func TestDataConsistencyScansNoLargeMemberOfAnOldVersion(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{Version: "3.4"})
	cluster.Put(t, "/key", 5)
	cluster.Compact(t)

	result, err := newConsistencyInspector(t, cluster, nil).run(t, noScan)
	require.NoError(t, err)
	assert.Equal(t, etcdv1beta1.OutcomeNotSupported, result.Outcome)
	assert.Regexp(t, `^Comparing data is not supported on 3\.4\.\d+ above maxScanBytes \(1 B\): the database of etcd-\d is \d+\.\d KiB`, result.Message)
}

func TestDataConsistencyWarnsOfAMissingMember(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{})
	cluster.Put(t, "/key", 20)
	inspector := newConsistencyInspector(t, cluster, nil)
	compactAll(t, cluster, inspector)
	cluster.Members[2].Pause(t)

	result, err := inspector.run(t, nil)
	require.NoError(t, err)
	assert.Equal(t, etcdv1beta1.OutcomeWarning, result.Outcome)
	assert.Equal(t, "The data of 2 voting members are equal at revision 21. Member etcd-2 is missing (no answer in time).", result.Message)

	cluster.Members[1].Pause(t)
	_, err = inspector.run(t, nil)
	assert.ErrorContains(t, err, "comparing needs 2 voting members and 1 of 3 answered: etcd-1: no answer in time")
}

func TestDataConsistencySkipsALearner(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]etcdtest.Options{"without auth": {}, "with auth": {Auth: true}} {
		t.Run(name, func(t *testing.T) {
			cluster := etcdtest.Start(t, options)
			cluster.Put(t, "/key", 20)
			cluster.AddLearner(t)
			var secret map[string][]byte
			if options.Auth {
				secret = cluster.Credentials(t)
			}
			result, err := newConsistencyInspector(t, cluster, secret).run(t, nil)
			require.NoError(t, err)
			assert.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome)
			assert.Contains(t, result.Message, "The data of 3 voting members are equal")
			assert.Contains(t, result.Message, " Learner etcd-3 is not compared.")
		})
	}
}

func TestDataConsistencyNeedsTheRoleRoot(t *testing.T) {
	t.Parallel()
	for _, version := range labbin.EtcdVersions {
		t.Run(version, func(t *testing.T) {
			cluster := etcdtest.Start(t, etcdtest.Options{Version: version, Auth: true})
			cluster.Put(t, "/key", 20)
			cluster.Compact(t)
			inspector := newConsistencyInspector(t, cluster, cluster.Credentials(t))
			require.Eventually(t, func() bool {
				result, err := inspector.run(t, nil)
				return err == nil && result.Outcome == etcdv1beta1.OutcomePassed
			}, time.Minute, 100*time.Millisecond)

			reader := newConsistencyInspector(t, cluster, readerCredentials(t, cluster))
			_, err := reader.run(t, nil)
			assert.ErrorContains(t, err, "hashing needs the role root: grant it to the user that the EtcdCluster's Secret names")
		})
	}
}

// readerCredentials are those of a user who may read all keys and no more.
func readerCredentials(t *testing.T, cluster *etcdtest.Cluster) map[string][]byte {
	t.Helper()
	auth := cluster.Client(t)
	ctx := context.Background()
	_, err := auth.UserAdd(ctx, "reader", "reading")
	require.NoError(t, err)
	_, err = auth.RoleAdd(ctx, "reader")
	require.NoError(t, err)
	_, err = auth.RoleGrantPermission(ctx, "reader", "\x00", "\x00", clientv3.PermissionType(clientv3.PermRead))
	require.NoError(t, err)
	_, err = auth.UserGrantRole(ctx, "reader", "reader")
	require.NoError(t, err)
	secret := cluster.Credentials(t)
	secret["username"], secret["password"] = []byte("reader"), []byte("reading")
	return secret
}

// Members that lag, compact or restart must never look like corrupt ones.
func TestDataConsistencySeesNoFalseMismatchUnderLoad(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{})
	cluster.Put(t, "/key", 20)
	inspector := newConsistencyInspector(t, cluster, nil)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		writeAndCompact(ctx, cluster.Client(t))
	}()
	defer func() { stop(); <-done }()

	compared := 0
	for round := range 10 {
		cluster.Members[round%3].Pause(t)
		time.Sleep(20 * time.Millisecond)
		cluster.Members[round%3].Resume(t)
		result, err := inspector.run(t, nil)
		if err != nil {
			continue
		}
		compared++
		require.NotEqual(t, etcdv1beta1.OutcomeFailed, result.Outcome, result.Message)
	}
	assert.Positive(t, compared)
}

func TestDataConsistencyWarnsOfALaggingMember(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		members []*hashingMember
		message string
	}{
		{
			"whose last compaction the others remember",
			[]*hashingMember{
				{id: 1, revision: 120, compactions: []int64{20, 50, 100}},
				{id: 2, revision: 120, compactions: []int64{20, 50, 100}},
				{id: 3, revision: 60, compactions: []int64{20, 50}},
			},
			"The data of 3 voting members are equal at revision 50. Member etcd-2 lags: it is at revision 60 while others have compacted 100.",
		},
		{
			"whose last compaction the others have forgotten",
			[]*hashingMember{
				{id: 1, revision: 120, compactions: []int64{90, 100}},
				{id: 2, revision: 120, compactions: []int64{90, 100}},
				{id: 3, revision: 60, compactions: []int64{20, 50}},
			},
			"The data of 2 voting members are equal at revision 120. Member etcd-2 was not compared (it lags: it does not have revision 120 yet).",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			inspector := &inspector{check: "data-consistency", pool: etcdclient.NewPool(time.Minute)}
			for i, member := range test.members {
				inspector.spec.Members = append(inspector.spec.Members, etcdv1beta1.EtcdClusterMember{
					Name: fmt.Sprintf("etcd-%d", i), ClientURL: startHashingMember(t, member),
				})
			}
			result, err := inspector.run(t, nil)
			require.NoError(t, err)
			assert.Equal(t, etcdv1beta1.OutcomeWarning, result.Outcome)
			assert.Equal(t, test.message, result.Message)
		})
	}
}

// Whoever wants to see what etcd 3.5.9 makes of it lets ETCDFLEET_BIN name a folder where that is etcd-3.5.
func TestDataConsistencyBelievesNoHashOfAnInterruptedCompaction(t *testing.T) {
	t.Parallel()
	// Small batches make the compaction last for seconds.
	cluster := etcdtest.Start(t, etcdtest.Options{Version: "3.5", Args: []string{"--experimental-compaction-batch-limit=50"}})
	client := cluster.Client(t)
	putMany(t, client, "/key%06d", 10000)
	putMany(t, client, "/key%06d", 10000)
	inspector := newConsistencyInspector(t, cluster, nil)
	answer, err := client.Get(t.Context(), "/key000000")
	require.NoError(t, err)
	follower := cluster.Members[0]
	status, err := client.Status(t.Context(), follower.ClientURL)
	require.NoError(t, err)
	if status.Leader == status.Header.MemberId {
		follower = cluster.Members[1]
	}

	_, err = client.Compact(t.Context(), answer.Header.Revision)
	require.NoError(t, err)
	time.Sleep(500 * time.Millisecond)
	follower.Kill(t)
	follower.Restart(t) // it resumes the compaction
	for _, member := range cluster.Members {
		require.Eventually(t, func() bool {
			return metric(t, member, "etcd_debugging_mvcc_db_compaction_last").GetGauge().GetValue() > 0
		}, time.Minute, 100*time.Millisecond, "%s compacted", member.Name)
	}
	cluster.Put(t, "/after", 1)
	require.Eventually(t, func() bool { return sameHashes(t, cluster) }, time.Minute, 100*time.Millisecond)

	for _, parameters := range []checks.Parameters{noScan, nil} {
		result, err := inspector.run(t, parameters)
		require.NoError(t, err)
		assert.NotEqual(t, etcdv1beta1.OutcomeFailed, result.Outcome, result.Message)
		assert.NotContains(t, result.Message, "delete its data")
	}
}

// sameHashes says whether all members have the same data at the newest revision.
func sameHashes(t *testing.T, cluster *etcdtest.Cluster) bool {
	t.Helper()
	client := cluster.Client(t)
	hashes := map[uint32]bool{}
	for _, member := range cluster.Members {
		hash, err := client.HashKV(t.Context(), member.ClientURL, 0)
		require.NoError(t, err)
		hashes[hash.Hash] = true
	}
	return len(hashes) == 1
}

// A member that is killed while it compacts, and goes on with that after its restart, may remember another hash of that
// compaction though its data are equal: etcd 3.5.9 does.
func TestDataConsistencyNeedsASecondFactOfADifference(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name       string
		third      hashingMember
		parameters checks.Parameters
		outcome    etcdv1beta1.Outcome
		message    string
	}{
		{
			"which a scan refutes",
			hashingMember{compactions: []int64{50, 90, 100}, others: map[int64]uint32{100: 8}}, nil,
			etcdv1beta1.OutcomePassed, "The data of 3 voting members are equal at revision 120.",
		},
		{
			"which nothing confirms where scans are not allowed",
			hashingMember{compactions: []int64{90, 100}, others: map[int64]uint32{100: 8}}, noScan,
			etcdv1beta1.OutcomeWarning, "The hashes of the compaction at revision 100 differ (etcd-0 etcd-1 hash 00000007, etcd-2 hash 00000008)",
		},
		{
			"which the compaction before refutes",
			hashingMember{compactions: []int64{50, 90, 100}, others: map[int64]uint32{100: 8}}, noScan,
			etcdv1beta1.OutcomeWarning, "The hashes of the compaction at revision 100 differ (",
		},
		{
			"which the compaction before confirms",
			hashingMember{compactions: []int64{50, 90, 100}, others: map[int64]uint32{90: 9, 100: 8}}, noScan,
			etcdv1beta1.OutcomeFailed, "The data of etcd-2 differ from the majority's at revision 100 (",
		},
		{
			"which a scan confirms",
			hashingMember{compactions: []int64{50, 90, 100}, others: map[int64]uint32{100: 8, 120: 9}}, nil,
			etcdv1beta1.OutcomeFailed, "The data of etcd-2 differ from the majority's at revision 120 (",
		},
		{
			"of another version",
			hashingMember{compactions: []int64{50, 90, 100}, others: map[int64]uint32{90: 9, 100: 8, 120: 9}, version: "3.5.21"}, nil,
			etcdv1beta1.OutcomeWarning, "Hashes differ at revision 120 as the versions of the members do (",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			inspector := &inspector{check: "data-consistency", pool: etcdclient.NewPool(time.Minute)}
			metrics := startIdleMetrics(t)
			sound := []int64{50, 90, 100}
			test.third.id, test.third.revision = 3, 120
			for i, member := range []*hashingMember{
				{id: 1, revision: 120, compactions: sound}, {id: 2, revision: 120, compactions: sound}, &test.third,
			} {
				inspector.spec.Members = append(inspector.spec.Members, etcdv1beta1.EtcdClusterMember{
					Name: fmt.Sprintf("etcd-%d", i), ClientURL: startHashingMember(t, member), MetricsURL: metrics,
				})
			}
			result, err := inspector.run(t, test.parameters)
			require.NoError(t, err)
			assert.Equal(t, test.outcome, result.Outcome, result.Message)
			assert.Contains(t, result.Message, test.message)
			advised := strings.Contains(result.Message, "delete its data")
			assert.Equal(t, test.outcome == etcdv1beta1.OutcomeFailed, advised, result.Message)
		})
	}
}

// startIdleMetrics returns the metricsURL of a member that has finished the compactions that it began.
func startIdleMetrics(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for _, name := range []string{"index_compaction_pause", "db_compaction_total"} {
			_, _ = fmt.Fprintf(w, "# TYPE etcd_debugging_mvcc_%[1]s_duration_milliseconds histogram\n"+
				"etcd_debugging_mvcc_%[1]s_duration_milliseconds_bucket{le=\"+Inf\"} 3\n"+
				"etcd_debugging_mvcc_%[1]s_duration_milliseconds_sum 5\netcd_debugging_mvcc_%[1]s_duration_milliseconds_count 3\n", name)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// hashingMember is a member that stands still while others go on: a real one is never still for as long as a test needs.
// Its data are sound, and it remembers the hashes of all its compactions but the first.
type hashingMember struct {
	pb.UnimplementedKVServer
	pb.UnimplementedWatchServer
	pb.UnimplementedMaintenanceServer

	id          uint64
	revision    int64
	compactions []int64

	// version is 3.6.5 where none is given.
	version string

	// others are hashes at revisions that differ from those of the other members.
	others map[int64]uint32
}

func startHashingMember(t *testing.T, member *hashingMember) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := grpc.NewServer()
	pb.RegisterKVServer(server, member)
	pb.RegisterWatchServer(server, member)
	pb.RegisterMaintenanceServer(server, member)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return "http://" + listener.Addr().String()
}

func (m *hashingMember) header() *pb.ResponseHeader {
	return &pb.ResponseHeader{ClusterId: 1, MemberId: m.id, Revision: m.revision}
}

func (m *hashingMember) lastCompaction() int64 { return m.compactions[len(m.compactions)-1] }

func (m *hashingMember) Status(context.Context, *pb.StatusRequest) (*pb.StatusResponse, error) {
	return &pb.StatusResponse{Header: m.header(), Version: cmp.Or(m.version, "3.6.5"), DbSize: 4096}, nil
}

func (m *hashingMember) Range(context.Context, *pb.RangeRequest) (*pb.RangeResponse, error) {
	return nil, rpctypes.ErrGRPCCompacted
}

func (m *hashingMember) Watch(stream pb.Watch_WatchServer) error {
	if _, err := stream.Recv(); err != nil {
		return err
	}
	for _, response := range []*pb.WatchResponse{
		{Header: m.header(), Created: true},
		{Header: m.header(), Canceled: true, CompactRevision: m.lastCompaction()},
	} {
		if err := stream.Send(response); err != nil {
			return err
		}
	}
	<-stream.Context().Done()
	return nil
}

func (m *hashingMember) HashKV(_ context.Context, request *pb.HashKVRequest) (*pb.HashKVResponse, error) {
	response := &pb.HashKVResponse{Header: m.header(), Hash: cmp.Or(m.others[request.Revision], 7), HashRevision: request.Revision}
	i := slices.Index(m.compactions, request.Revision)
	switch {
	case i > 0:
		response.CompactRevision = m.compactions[i-1]
	case request.Revision > m.revision:
		return nil, rpctypes.ErrGRPCFutureRev
	case request.Revision < m.lastCompaction():
		return nil, rpctypes.ErrGRPCCompacted
	default:
		response.CompactRevision = m.lastCompaction()
	}
	return response, nil
}
