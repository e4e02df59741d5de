package checks_test

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
	"github.com/etcdfleet/etcd-fleet/internal/etcdclient"
	"github.com/etcdfleet/etcd-fleet/internal/etcdtest"
)

// settledAtOnce leaves members no time to settle.
var settledAtOnce = checks.Parameters{"settle": "0s"}

func newChangeInspector(t *testing.T, cluster *etcdtest.Cluster, secret map[string][]byte) *inspector {
	t.Helper()
	inspector := newInspector(t, cluster, secret)
	inspector.check = "health-after-change"
	return inspector
}

// startAgain restarts a member, not before its next start can be told from the last: the kernel counts in seconds.
func startAgain(t *testing.T, member *etcdtest.Member) {
	t.Helper()
	member.Stop(t)
	begin := time.Now()
	require.Eventually(t, func() bool { return time.Since(begin) > 2*time.Second }, time.Minute, 100*time.Millisecond)
	member.Restart(t)
}

// runUntil runs the check until its message matches, and returns that result.
func runUntil(t *testing.T, inspector *inspector, parameters checks.Parameters, message string) checks.Result {
	t.Helper()
	var result checks.Result
	require.Eventually(t, func() bool {
		var err error
		result, err = inspector.run(t, parameters)
		return err == nil && assert.Regexp(discard{}, message, result.Message)
	}, time.Minute, 100*time.Millisecond, "%s", &result.Message)
	return result
}

// discard makes an assertion a question.
type discard struct{}

func (discard) Errorf(string, ...any) {}

func TestHealthAfterChangeFollowsUpARestart(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{})
	cluster.Put(t, "/key", 20)
	cluster.Compact(t)
	inspector := newChangeInspector(t, cluster, nil)
	for range 2 {
		result, err := inspector.run(t, nil)
		require.NoError(t, err)
		assert.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome)
		assert.Regexp(t, `^No member restarted or changed its version since \S+Z\.$`, result.Message)
		assert.Equal(t, map[string]float64{"changes": 0}, result.Values)
	}

	startAgain(t, cluster.Members[1])
	result := runUntil(t, inspector, nil, `^etcd-1 restarted at \S+Z\. All 3 voting members are healthy\. `+
		`The data are compared after the next compaction\.$`)
	assert.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome)
	assert.Equal(t, map[string]float64{"changes": 1, "unhealthyMembers": 0}, result.Values)

	cluster.Put(t, "/more", 20)
	cluster.Compact(t)
	cluster.Put(t, "/after", 1)
	result = runUntil(t, inspector, nil, ` The data of 3 voting members are equal at revision 41\.$`)
	assert.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome)
	result, err := inspector.run(t, nil)
	require.NoError(t, err)
	assert.Regexp(t, `^etcd-1 restarted at \S+Z\. All 3 voting members are healthy\.$`, result.Message, "compared once")

	over := checks.Parameters{"settle": "0s", "follow": "0s"}
	_, err = inspector.run(t, over)
	require.NoError(t, err)
	result, err = inspector.run(t, over)
	require.NoError(t, err)
	assert.Regexp(t, `^No member restarted or changed its version since \S+Z\.$`, result.Message)
}

func TestHealthAfterChangeJudgesWhatDoesNotSettle(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{})
	inspector := newChangeInspector(t, cluster, nil)
	_, err := inspector.run(t, nil)
	require.NoError(t, err)

	cluster.Members[2].Pause(t)
	result, err := inspector.run(t, settledAtOnce)
	require.NoError(t, err)
	assert.Equal(t, etcdv1beta1.OutcomeWarning, result.Outcome)
	assert.Regexp(t, `^No member restarted .*\. Member etcd-2 is missing \(no answer in time\)\.$`, result.Message)
	cluster.Members[2].Resume(t)

	startAgain(t, cluster.Members[1])
	runUntil(t, inspector, nil, "^etcd-1 restarted at .* All 3 voting members are healthy")

	cluster.Members[2].Pause(t)
	result = runUntil(t, inspector, nil, `^etcd-1 restarted at \S+Z\. The members have until \S+Z to settle\. etcd-2 is missing \(no answer in time\)\. The data`)
	assert.Equal(t, etcdv1beta1.OutcomeWarning, result.Outcome)
	assert.InDelta(t, 1, result.Values["unhealthyMembers"], 0)

	result = runUntil(t, inspector, settledAtOnce, `^etcd-1 restarted at \S+Z\. The members did not settle within 0s: see their logs\. etcd-2 is missing \(no answer in time\)\. The data`)
	assert.Equal(t, etcdv1beta1.OutcomeWarning, result.Outcome, "a quorum is healthy")

	over := checks.Parameters{"settle": "0s", "follow": "0s"}
	result = runUntil(t, inspector, over, `^etcd-1 restarted at`)
	require.Equal(t, etcdv1beta1.OutcomeWarning, result.Outcome)
	runUntil(t, inspector, over, `^etcd-1 restarted at`) // it is not over before all are healthy

	cluster.Members[1].Pause(t)
	result = runUntil(t, inspector, settledAtOnce, "etcd-0 (knows no leader|is not ready).* etcd-1 is missing .* etcd-2 is missing")
	assert.Equal(t, etcdv1beta1.OutcomeFailed, result.Outcome)
}

func TestHealthAfterChangeFindsWhatARestartBroughtToLight(t *testing.T) {
	t.Parallel()
	t.Run("an alarm", func(t *testing.T) {
		cluster := etcdtest.Start(t, etcdtest.Options{})
		inspector := newChangeInspector(t, cluster, nil)
		_, err := inspector.run(t, nil)
		require.NoError(t, err)
		startAgain(t, cluster.Members[0])
		cluster.RaiseAlarm(t, cluster.Members[0].ID(t), pb.AlarmType_NOSPACE)
		result := runUntil(t, inspector, settledAtOnce, `^etcd-0 restarted at .* Alarm NOSPACE is raised\. `)
		assert.Equal(t, etcdv1beta1.OutcomeFailed, result.Outcome)
	})
	t.Run("other data", func(t *testing.T) {
		cluster := etcdtest.Start(t, etcdtest.Options{})
		cluster.Put(t, "/key", 20)
		inspector := newChangeInspector(t, cluster, nil)
		_, err := inspector.run(t, nil)
		require.NoError(t, err)
		startAgain(t, cluster.Members[1])
		cluster.Members[1].CorruptValues(t, 1)
		runUntil(t, inspector, nil, `^etcd-1 restarted at .*The data are compared after the next compaction\.$`)
		cluster.Put(t, "/more", 1)
		cluster.Compact(t)
		cluster.Put(t, "/after", 1)
		result := runUntil(t, inspector, nil, ` The hashes of the compaction at revision 22 differ`)
		assert.Equal(t, etcdv1beta1.OutcomeWarning, result.Outcome, "a restart within a compaction looks like this")
		cluster.Compact(t)
		cluster.Put(t, "/after", 1)
		result = runUntil(t, inspector, nil, ` The data of etcd-1 differ from the majority's at revision 23`)
		assert.Equal(t, etcdv1beta1.OutcomeFailed, result.Outcome, "at once: data do not settle")
		result = runUntil(t, inspector, nil, ` The data of etcd-1 differ`)
		assert.Equal(t, etcdv1beta1.OutcomeFailed, result.Outcome, "and as long as they differ")
	})
	t.Run("a crash loop", func(t *testing.T) {
		cluster := etcdtest.Start(t, etcdtest.Options{})
		inspector := newChangeInspector(t, cluster, nil)
		_, err := inspector.run(t, nil)
		require.NoError(t, err)
		for range 2 {
			startAgain(t, cluster.Members[1])
			result := runUntil(t, inspector, nil, `^etcd-1 restarted at .* All 3 voting members are healthy`)
			assert.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome)
		}
		startAgain(t, cluster.Members[1])
		result := runUntil(t, inspector, nil, ` etcd-1 restarted 3 times or more within 1h: see its log`)
		assert.Equal(t, etcdv1beta1.OutcomeWarning, result.Outcome)
	})
}

func TestHealthAfterChangeFollowsUpAnUpgrade(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{Version: "3.5"})
	inspector := newChangeInspector(t, cluster, nil)
	_, err := inspector.run(t, nil)
	require.NoError(t, err)

	cluster.Members[0].Upgrade(t, "3.6")
	result := runUntil(t, inspector, nil, `^etcd-0 went from 3\.5\.\d+ to 3\.6\.\d+ at \S+Z\. All 3 voting members are healthy\. `+
		`.*Members run 3\.5\.\d+ and 3\.6\.\d+, and with a step from below 3\.5\.26 to 3\.6 members that were removed may come back: take back the upgrade`)
	assert.Equal(t, etcdv1beta1.OutcomeWarning, result.Outcome)
	assert.NotContains(t, result.Message, "finish the upgrade")

	runUntil(t, inspector, checks.Parameters{"skewFor": "0s"}, ` Members have run 3\.5\.\d+ and 3\.6\.\d+ since \S+Z, longer than 0s: finish the upgrade`)

	cluster.Members[1].Upgrade(t, "3.6")
	cluster.Members[2].Upgrade(t, "3.6")
	result = runUntil(t, inspector, checks.Parameters{"skewFor": "0s"}, `All 3 voting members are healthy\. .* etcd-0 skipped 3\.5\.26, `+
		`and members that were removed may have come back: compare etcdctl member list with the EtcdCluster\.$`)
	assert.Equal(t, etcdv1beta1.OutcomeWarning, result.Outcome)
	assert.NotContains(t, result.Message, "finish the upgrade")
}

// All members ran 3.6.5. Two are back at 3.5, and the third is stopped to be the next.
func TestHealthAfterChangeAdvisesNoUpgradeWithinARollback(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{Version: "3.5"})
	inspector := newChangeInspector(t, cluster, nil)
	inspector.state = `{"since":"2026-07-01T00:00:00Z","members":{
		"etcd-0":{"start":"2026-07-01T00:00:00Z","version":"3.6.5"},
		"etcd-1":{"start":"2026-07-01T00:00:00Z","version":"3.6.5"},
		"etcd-2":{"start":"2026-07-01T00:00:00Z","version":"3.6.5"}}}`
	cluster.Members[2].Stop(t)
	result, err := inspector.run(t, nil)
	require.NoError(t, err)
	assert.Contains(t, result.Message, "etcd-0 went from 3.6.5 to 3.5.")
	assert.NotContains(t, result.Message, "take back the upgrade")
	assert.NotContains(t, result.Message, "3.5.26")

	result, err = inspector.run(t, checks.Parameters{"skewFor": "0s", "settle": "0s", "follow": "0s"})
	require.NoError(t, err)
	assert.Contains(t, result.Message, "finish the rollback.", "it is remembered while versions differ")
}

// Whoever takes an upgrade back stops one more member, which costs the quorum when one is missing.
func TestHealthAfterChangeAdvisesToStartMissingMembersFirst(t *testing.T) {
	t.Parallel()
	metrics := etcdtest.Start(t, etcdtest.Options{Size: 1}).Members[0].ClientURL
	inspector := &inspector{check: "health-after-change", pool: etcdclient.NewPool(time.Minute)}
	for i, version := range []string{"3.6.0", "3.5.21", "3.5.21"} {
		clientURL := startVersioned(t, &versionedMember{id: uint64(i + 1), version: version})
		inspector.spec.Members = append(inspector.spec.Members,
			etcdv1beta1.EtcdClusterMember{Name: fmt.Sprintf("etcd-%d", i), ClientURL: clientURL, MetricsURL: metrics})
	}
	inspector.state = `{"since":"2026-07-01T00:00:00Z","members":{"etcd-0":{"version":"3.5.21"},"etcd-1":{"version":"3.5.21"},
		"etcd-2":{"version":"3.5.21"}}}`
	running := inspector.state
	result, err := inspector.run(t, nil)
	require.NoError(t, err)
	assert.Contains(t, result.Message, ": take back the upgrade, and go by way of 3.5.26 or later.")

	inspector.state = running
	inspector.spec.Members[2].ClientURL = "http://127.0.0.1:1"
	result, err = inspector.run(t, nil)
	require.NoError(t, err)
	assert.Contains(t, result.Message, ": start the missing members before you change versions.")
	assert.NotContains(t, result.Message, "take back")
}

// 3.4.23, of Debian 12, has no /readyz and remembers no hashes.
func TestHealthAfterChangeAsksOldVersionsForTheirHealth(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{Version: "3.4"})
	inspector := newChangeInspector(t, cluster, nil)
	_, err := inspector.run(t, nil)
	require.NoError(t, err)
	startAgain(t, cluster.Members[1])
	result := runUntil(t, inspector, nil, `^etcd-1 restarted at \S+Z\. All 3 voting members are healthy\. `+
		`The data are not compared, because 3\.4\.\d+ remembers no hashes of compactions\.$`)
	assert.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome)
}

// versionedMember stands for versions that etcd does not let into one cluster.
type versionedMember struct {
	pb.UnimplementedMaintenanceServer

	id      uint64
	version string
}

func (m *versionedMember) Status(context.Context, *pb.StatusRequest) (*pb.StatusResponse, error) {
	return &pb.StatusResponse{
		Header:  &pb.ResponseHeader{ClusterId: 1, MemberId: m.id, Revision: 1},
		Version: m.version,
		Leader:  1,
	}, nil
}

func startVersioned(t *testing.T, member *versionedMember) (clientURL string) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := grpc.NewServer()
	pb.RegisterMaintenanceServer(server, member)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return "http://" + listener.Addr().String()
}

func TestHealthAfterChangeFailsOfVersionsThatAreTooFarApart(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		versions [2]string
		outcome  etcdv1beta1.Outcome
	}{
		{[2]string{"3.5.26", "3.6.0"}, etcdv1beta1.OutcomePassed},
		{[2]string{"3.5.25", "3.6.0"}, etcdv1beta1.OutcomeWarning},
		{[2]string{"3.4.40", "3.5.21"}, etcdv1beta1.OutcomePassed},
		{[2]string{"3.4.40", "3.6.0"}, etcdv1beta1.OutcomeFailed},
		{[2]string{"3.7.0", "3.5.26"}, etcdv1beta1.OutcomeFailed},
	} {
		metrics := etcdtest.Start(t, etcdtest.Options{Size: 1}).Members[0].ClientURL
		inspector := &inspector{check: "health-after-change", pool: etcdclient.NewPool(time.Minute)}
		for i, version := range test.versions {
			clientURL := startVersioned(t, &versionedMember{id: uint64(i + 1), version: version})
			inspector.spec.Members = append(inspector.spec.Members,
				etcdv1beta1.EtcdClusterMember{Name: version, ClientURL: clientURL, MetricsURL: metrics})
		}
		result, err := inspector.run(t, nil)
		require.NoError(t, err)
		assert.Equal(t, test.outcome, result.Outcome, result.Message)
		if test.outcome == etcdv1beta1.OutcomeFailed {
			assert.Contains(t, result.Message, "more than one minor version apart: go by way of each minor version.")
		}
	}
}

func TestHealthAfterChangeSaysThatItSeesNoMetrics(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{})
	inspector := newChangeInspector(t, cluster, nil)
	inspector.spec.Members[1].MetricsURL = "http://127.0.0.1:1"
	result, err := inspector.run(t, nil)
	require.NoError(t, err)
	assert.Equal(t, etcdv1beta1.OutcomeWarning, result.Outcome)
	assert.Regexp(t, `^No member restarted .*\. Restarts of etcd-1 are not seen, only other versions \(its metrics: `+
		`.*connection refused\): correct its metricsURL in the EtcdCluster\.$`, result.Message)

	startAgain(t, cluster.Members[0])
	result = runUntil(t, inspector, nil, `^etcd-0 restarted at \S+Z\. All 3 voting members are healthy`)
	assert.Contains(t, result.Message, " Restarts of etcd-1 are not seen", "its status tells that it is healthy")
}

func TestHealthAfterChangeAuthenticates(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]etcdtest.Options{
		"by client certificate": {TLS: true},
		"by password":           {Auth: true},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := etcdtest.Start(t, options)
			cluster.Put(t, "/key", 20)
			cluster.AddLearner(t)
			inspector := newChangeInspector(t, cluster, cluster.Credentials(t))
			_, err := inspector.run(t, nil)
			require.NoError(t, err)
			startAgain(t, cluster.Members[1])
			runUntil(t, inspector, nil, `^etcd-1 restarted at \S+Z\. All 3 voting members are healthy\. The data are compared after`)
			cluster.Put(t, "/more", 1)
			cluster.Compact(t)
			cluster.Put(t, "/after", 1)
			result := runUntil(t, inspector, nil, ` The data of 3 voting members are equal at revision`)
			assert.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome, result.Message)
		})
	}
	t.Run("not without credentials", func(t *testing.T) {
		cluster := etcdtest.Start(t, etcdtest.Options{Size: 1, TLS: true})
		_, err := newChangeInspector(t, cluster, nil).run(t, nil)
		assert.ErrorContains(t, err, "no member answered: etcd-0: ")
	})
}

func TestHealthAfterChangeStartsAnewWithAStateThatIsNotItsOwn(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1})
	inspector := newChangeInspector(t, cluster, nil)
	inspector.state = `{"since": 7}`
	result, err := inspector.run(t, nil)
	require.NoError(t, err)
	assert.Regexp(t, "^No member restarted", result.Message)
}

func TestHealthAfterChangeRefusesParameters(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1})
	for _, test := range []struct{ name, value, message string }{
		{"settle", "5", "set spec.parameters.settle to a time"},
		{"follow", "", "set spec.parameters.follow to a time"},
		{"follow", "1m", "set spec.parameters.follow to a time that is not below settle, 5m"},
		{"skewFor", "-1h", "set spec.parameters.skewFor to a time"},
	} {
		_, err := newChangeInspector(t, cluster, nil).run(t, checks.Parameters{test.name: test.value})
		assert.ErrorContains(t, err, test.message)
	}
}
