package checks_test

import (
	"context"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
	"github.com/etcdfleet/etcd-fleet/internal/etcdtest"
	"github.com/etcdfleet/etcd-fleet/internal/labbin"
)

// settled bounds the time until a check sees a change of a cluster: a compaction ends on one member after the other.
const settled = time.Minute

// patience bounds the time until a busy machine has done what an idle one does at once.
const patience = 5 * time.Minute

// A version may lack what a check needs, and then the check says so; otherwise nothing is wrong with a clean cluster.
func TestEachCheckPassesACleanClusterOfEachVersion(t *testing.T) {
	t.Parallel()
	for _, version := range labbin.EtcdVersions {
		for _, test := range []struct {
			name    string
			options etcdtest.Options
			learner bool
		}{
			{"with client certificates", etcdtest.Options{Version: version, TLS: true}, false},
			{"with passwords and a learner", etcdtest.Options{Version: version, Auth: true}, true},
		} {
			t.Run(version+" "+test.name, func(t *testing.T) {
				cluster := etcdtest.Start(t, test.options)
				cluster.Put(t, "/registry/pods/default/web-", 50)
				cluster.Compact(t)
				if test.learner {
					cluster.AddLearner(t)
				}
				parameters := parametersOf(t, cluster)
				for _, name := range slices.Sorted(maps.Keys(checks.All())) {
					t.Run(name, func(t *testing.T) {
						inspector := newInspector(t, cluster, cluster.Credentials(t))
						inspector.check = name
						for _, round := range []string{"first", "second"} { // checks that remember compare with their last run
							result, err := inspector.run(t, parameters[name])
							require.NoErrorf(t, err, "%s run", round)
							assertClean(t, version, result)
						}
					})
				}
			})
		}
	}
}

// A user who may read all keys suffices, but for hashes; and 3.6.5 tells its status to root only. A check that may not do
// its work says so, and says that nothing is wrong with the cluster.
func TestEachCheckOfEachVersionAsAUserWhoMayOnlyRead(t *testing.T) {
	t.Parallel()
	for _, version := range labbin.EtcdVersions {
		t.Run(version, func(t *testing.T) {
			cluster := etcdtest.Start(t, etcdtest.Options{Version: version, Auth: true})
			cluster.Put(t, "/registry/pods/default/web-", 50)
			parameters := parametersOf(t, cluster)
			secret := readerOf(t, cluster)
			for _, name := range slices.Sorted(maps.Keys(checks.All())) {
				t.Run(name, func(t *testing.T) {
					inspector := newInspector(t, cluster, secret)
					inspector.check = name
					result, err := inspector.run(t, parameters[name])
					if err != nil && (version == "3.6" || name == "data-consistency") {
						assert.ErrorContains(t, err, "root")
						return
					}
					require.NoError(t, err)
					assertClean(t, version, result)
				})
			}
		})
	}
}

// readerOf creates a user who may read all keys, and returns the Secret.
func readerOf(t *testing.T, cluster *etcdtest.Cluster) map[string][]byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), settled)
	defer cancel()
	client := cluster.Client(t)
	_, err := client.UserAdd(ctx, "reader", "reads")
	require.NoError(t, err)
	_, err = client.RoleAdd(ctx, "reader")
	require.NoError(t, err)
	_, err = client.RoleGrantPermission(ctx, "reader", "\x00", "\x00", clientv3.PermissionType(clientv3.PermRead))
	require.NoError(t, err)
	_, err = client.UserGrantRole(ctx, "reader", "reader")
	require.NoError(t, err)
	secret := cluster.Credentials(t)
	secret["username"], secret["password"] = []byte("reader"), []byte("reads")
	return secret
}

// Half way through an upgrade members differ in what they can, not in what they hold: that may be worth a warning, never an
// alarm.
func TestNoCheckFailsWithinARollingUpgrade(t *testing.T) {
	t.Parallel()
	for i, next := range labbin.EtcdVersions[1:] {
		version := labbin.EtcdVersions[i]
		t.Run(version+" to "+next, func(t *testing.T) {
			cluster := etcdtest.Start(t, etcdtest.Options{Version: version, TLS: true})
			cluster.Put(t, "/registry/pods/default/web-", 50)
			cluster.Compact(t)
			parameters := parametersOf(t, cluster)
			inspectors := map[string]*inspector{}
			for name := range checks.All() {
				inspectors[name] = newInspector(t, cluster, cluster.Credentials(t))
				inspectors[name].check = name
				_, err := inspectors[name].run(t, parameters[name])
				require.NoError(t, err)
			}
			for _, m := range cluster.Members[:2] {
				m.Upgrade(t, next)
				cluster.Put(t, "/registry/pods/default/"+m.Name, 5)
				for name, inspector := range inspectors {
					result, err := inspector.run(t, parameters[name])
					if assert.NoErrorf(t, err, "%s after %s", name, m.Name) {
						assert.NotEqualf(t, etcdv1beta1.OutcomeFailed, result.Outcome, "%s after %s: %s", name, m.Name, result.Message)
					}
				}
			}
		})
	}
}

// parametersOf are those of the checks that need some, or whose defaults take time.
func parametersOf(t *testing.T, cluster *etcdtest.Cluster) map[string]checks.Parameters {
	t.Helper()
	return map[string]checks.Parameters{
		"backup-age":         {"location": "file://" + backUp(t, cluster)},
		"request-latency":    {"warnAfter": "10s", "failAfter": "20s"}, // the machine is not what is tested
		"write-qps-outliers": {"sample": "1s"},
	}
}

// backUp saves a snapshot as etcdctl does, and returns the folder.
func backUp(t *testing.T, cluster *etcdtest.Cluster) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), settled)
	defer cancel()
	client := cluster.Client(t)
	var content []byte
	// The member asked may not know yet that another one has let the client in.
	require.Eventually(t, func() bool {
		snapshot, err := client.Snapshot(ctx)
		if err != nil {
			return false
		}
		defer func() { _ = snapshot.Close() }()
		content, err = io.ReadAll(snapshot)
		return err == nil
	}, settled, 100*time.Millisecond)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "snapshot.db"), content, 0o600))
	return dir
}

func assertClean(t *testing.T, version string, result checks.Result) {
	t.Helper()
	if result.Outcome == etcdv1beta1.OutcomeNotSupported {
		assert.Contains(t, result.Message, "not supported on "+version)
		return
	}
	assert.Equalf(t, etcdv1beta1.OutcomePassed, result.Outcome, "%s", result.Message)
}

// The damage of one member is found whatever the version, by each check that the version supports.
func TestACorruptedMemberOfEachVersionIsFound(t *testing.T) {
	t.Parallel()
	for _, version := range labbin.EtcdVersions {
		for _, test := range []struct {
			check   string
			corrupt func(*etcdtest.Member, *testing.T)
		}{
			{nodeKeyDiff, func(m *etcdtest.Member, t *testing.T) { m.Corrupt(t, 3) }},
			{"data-consistency", func(m *etcdtest.Member, t *testing.T) { m.CorruptValues(t, 3) }},
		} {
			t.Run(version+" "+test.check, func(t *testing.T) {
				cluster := etcdtest.Start(t, etcdtest.Options{Version: version})
				cluster.Put(t, "/key", 20)
				test.corrupt(cluster.Members[1], t)
				cluster.Compact(t)
				inspector := newInspector(t, cluster, nil)
				inspector.check = test.check

				var result checks.Result
				require.Eventually(t, func() bool {
					var err error
					result, err = inspector.run(t, nil)
					return err == nil && result.Outcome != etcdv1beta1.OutcomePassed
				}, settled, 100*time.Millisecond)
				if result.Outcome == etcdv1beta1.OutcomeNotSupported {
					assert.Contains(t, result.Message, "not supported on "+version)
					return
				}
				assert.Equalf(t, etcdv1beta1.OutcomeFailed, result.Outcome, "%s", result.Message)
				assert.Contains(t, result.Message, "etcd-1", "the message names the member")
			})
		}
	}
}
