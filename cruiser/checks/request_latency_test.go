package checks_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
	"github.com/etcdfleet/etcd-fleet/internal/etcdclient"
	"github.com/etcdfleet/etcd-fleet/internal/etcdtest"
)

// patientLatency suits a busy machine.
var patientLatency = checks.Parameters{"warnAfter": "10s", "failAfter": "10s"}

func newLatencyInspector(t *testing.T, cluster *etcdtest.Cluster, secret map[string][]byte) *inspector {
	t.Helper()
	inspector := newInspector(t, cluster, secret)
	inspector.check = "request-latency"
	return inspector
}

func TestRequestLatencyPassesPromptMembersAndWritesNothing(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{})
	before, err := cluster.Client(t).Get(context.Background(), "any")
	require.NoError(t, err)

	result, err := newLatencyInspector(t, cluster, nil).run(t, patientLatency)
	require.NoError(t, err)
	assert.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome)
	assert.Regexp(t, `^Linearizable reads take \S+s \(median, worst \S+s\), serializable ones \S+s \(worst \S+s\)\.$`, result.Message)
	for _, kind := range []string{"linearizableRead", "serializableRead"} {
		assert.Positive(t, result.Values[kind])
		assert.GreaterOrEqual(t, result.Values[kind+"Worst"], result.Values[kind])
	}
	after, err := cluster.Client(t).Get(context.Background(), "any")
	require.NoError(t, err)
	assert.Equal(t, before.Header.Revision, after.Header.Revision)
}

func TestRequestLatencyWarnsOfSlowMembers(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1})
	result, err := newLatencyInspector(t, cluster, nil).run(t, checks.Parameters{"warnAfter": "0s", "failAfter": "10s"})
	require.NoError(t, err)
	assert.Equal(t, etcdv1beta1.OutcomeWarning, result.Outcome)
	assert.Regexp(t, ` etcd-0 takes \S+s for linearizable reads, more than 0s: look at its disk`, result.Message)
	assert.Regexp(t, ` etcd-0 takes \S+s for serializable reads, more than 0s`, result.Message)
}

func TestRequestLatencyWarnsOfAMissingMemberAndFailsWithoutQuorum(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{})
	inspector := newLatencyInspector(t, cluster, nil)
	cluster.Members[2].Pause(t)
	// The member may have been the leader: until there is another, no linearizable read is answered.
	require.Eventually(t, func() bool {
		result, err := inspector.run(t, patientLatency)
		return err == nil && result.Outcome == etcdv1beta1.OutcomeWarning &&
			assert.ObjectsAreEqual("Member etcd-2 is missing (no answer in time).", lastSentence(result.Message))
	}, time.Minute, 100*time.Millisecond)

	cluster.Members[1].Pause(t)
	result, err := inspector.run(t, checks.Parameters{"probes": "2"})
	require.NoError(t, err)
	assert.Equal(t, etcdv1beta1.OutcomeFailed, result.Outcome)
	assert.Contains(t, result.Message, "No member answers linearizable reads within 1s: see whether a quorum is up. "+
		"etcd-0 did not answer 2 of 2 linearizable reads (no answer in time)")
	assert.NotContains(t, result.Message, "etcd-0 did not answer 2 of 2 serializable reads", "the member alone answers them")
	assert.InDelta(t, 1, result.Values["linearizableRead"], 0, "at least the time that was waited")

	cluster.Members[0].Kill(t)
	result, err = inspector.run(t, nil)
	require.NoError(t, err)
	assert.Equal(t, etcdv1beta1.OutcomeFailed, result.Outcome)
	// Of the connection to a killed member any step may fail first.
	assert.Regexp(t, `Member etcd-0 is missing \(.+\)\. Member etcd-1 is missing \(no answer in time\)`, result.Message)
	assert.Empty(t, result.Values, "nothing was measured")
}

// Real members hang up in the middle of a question only by chance.
func TestRequestLatencyFailsWhenMembersHangUp(t *testing.T) {
	t.Parallel()
	for reason, stub := range map[string]*stubMember{
		"EOF":                          {id: 1, revision: 40, hangsUp: true},
		"connection reset by peer: .*": {id: 1, revision: 40, hangsUp: true, resets: true},
	} {
		t.Run(reason, func(t *testing.T) {
			inspector := &inspector{check: "request-latency", pool: etcdclient.NewPool(time.Minute), spec: etcdv1beta1.EtcdClusterSpec{
				Members: []etcdv1beta1.EtcdClusterMember{{Name: "etcd-0", ClientURL: startStub(t, stub)}},
			}}
			result, err := inspector.run(t, nil)
			require.NoError(t, err)
			assert.Equal(t, etcdv1beta1.OutcomeFailed, result.Outcome)
			assert.Regexp(t, `Member etcd-0 is missing \(error reading from server: `+reason+`\)`, result.Message)
		})
	}
}

func TestRequestLatencyAuthenticates(t *testing.T) {
	t.Parallel()
	t.Run("by client certificate", func(t *testing.T) {
		cluster := etcdtest.Start(t, etcdtest.Options{Size: 1, TLS: true})
		result, err := newLatencyInspector(t, cluster, cluster.Credentials(t)).run(t, patientLatency)
		require.NoError(t, err)
		assert.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome)

		// A wrong Secret is no outage.
		requireRefusal(t, newLatencyInspector(t, cluster, nil), patientLatency, "certificate signed by unknown authority")
	})
	t.Run("by password, and without rights", func(t *testing.T) {
		cluster := etcdtest.Start(t, etcdtest.Options{Auth: true})
		cluster.AddLearner(t)
		_, err := cluster.Client(t).UserAdd(context.Background(), "nobody", "nothing")
		require.NoError(t, err)
		secret := cluster.Credentials(t)
		secret["username"], secret["password"] = []byte("nobody"), []byte("nothing")
		result, err := newLatencyInspector(t, cluster, secret).run(t, patientLatency)
		require.NoError(t, err)
		assert.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome, "the learner serves no clients: %s", result.Message)

		secret["password"] = []byte("wrong")
		_, err = newLatencyInspector(t, cluster, secret).run(t, patientLatency)
		assert.ErrorContains(t, err, "no member could be asked: etcd-0: wrong username or password")
	})
}

func TestRequestLatencyRefusesParameters(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1})
	for _, test := range []struct{ name, value, message string }{
		{"probes", "0", "set spec.parameters.probes to a whole number from 1 to 100"},
		{"probes", "many", "set spec.parameters.probes to a whole number"},
		{"warnAfter", "1", "set spec.parameters.warnAfter to a time"},
		{"failAfter", "-1s", "set spec.parameters.failAfter to a time"},
		{"failAfter", "50ms", "set spec.parameters.failAfter to a time that is not below warnAfter, 100ms"},
	} {
		_, err := newLatencyInspector(t, cluster, nil).run(t, checks.Parameters{test.name: test.value})
		assert.ErrorContains(t, err, test.message)
	}
}

// lastSentence is what follows the last blank between two sentences of a message.
func lastSentence(message string) string {
	return message[strings.LastIndex(message, ". ")+2:]
}
