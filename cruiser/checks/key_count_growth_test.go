package checks_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
	"github.com/etcdfleet/etcd-fleet/internal/etcdtest"
)

// age makes the last run of the inspector one that was so long ago.
func age(t *testing.T, inspector *inspector, by time.Duration) {
	t.Helper()
	var state map[string]any
	require.NoError(t, json.Unmarshal([]byte(inspector.state), &state))
	state["begin"] = state["begin"].(float64) - by.Seconds()
	for _, sample := range state["sizes"].([]any) {
		sample.([]any)[0] = sample.([]any)[0].(float64) - by.Seconds()
	}
	text, err := json.Marshal(state)
	require.NoError(t, err)
	inspector.state = string(text)
}

func TestKeyCountGrowth(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{})
	client := cluster.Client(t)
	for _, resource := range []string{"pods", "configmaps", "events", "example.io/things"} {
		putMany(t, client, "/registry/"+resource+"/default/object-%04d", 1500)
	}
	inspector := newKeyspaceInspector(t, cluster, nil, keyCountGrowth)

	first, err := inspector.run(t, nil)
	require.NoError(t, err)
	assert.Equal(t, etcdv1beta1.OutcomePassed, first.Outcome)
	assert.Regexp(t, `^etcd-\d has 6000 keys, and \d+\.\d .iB of its quota of 2\.0 GiB are in use\. This is the first count: growth is known from the next run on\.$`, first.Message)
	assert.Equal(t, map[string]float64{"totalKeys": 6000}, first.Values)

	t.Run("passes a cluster that does not grow", func(t *testing.T) {
		result, err := inspector.run(t, nil)
		require.NoError(t, err)
		assert.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome)
		assert.Contains(t, result.Message, " That is +0 keys in ")
		assert.InDelta(t, 0, result.Values["newKeys"], 0)
	})

	putMany(t, client, "/registry/events/default/new-%05d", 50_000)
	putMany(t, client, "/registry/pods/default/new-%05d", 100)
	cluster.Compact(t) // the last write is on all members
	age(t, inspector, 30*time.Minute)

	t.Run("warns of the prefix that grew", func(t *testing.T) {
		result, err := inspector.run(t, nil)
		require.NoError(t, err)
		assert.Equal(t, etcdv1beta1.OutcomeWarning, result.Outcome)
		assert.Regexp(t, `^etcd-\d has 56100 keys, .* That is \+50100 keys in 3\dm \(\+\d+ an hour\)\. `+
			`/registry/events/ grew by 50000 keys from 1500 \(\+\d+ an hour\): find out what writes it\.$`, result.Message)
		assert.InDelta(t, 50_000, result.Values["newKeys"], 0)
		assert.InDelta(t, 100_000, result.Values["keysPerHour"], 20_000)
	})
	t.Run("until the window ends", func(t *testing.T) {
		age(t, inspector, 6*time.Hour)
		result, err := inspector.run(t, nil)
		require.NoError(t, err)
		assert.Equal(t, etcdv1beta1.OutcomeWarning, result.Outcome)
		result, err = inspector.run(t, nil)
		require.NoError(t, err)
		assert.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome, result.Message)
	})
	t.Run("passes growth that is small for its prefix", func(t *testing.T) {
		putMany(t, client, "/registry/events/default/newer-%05d", 300)
		cluster.Compact(t)
		result, err := inspector.run(t, checks.Parameters{"warnKeys": "100"})
		require.NoError(t, err)
		assert.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome, result.Message)
		assert.InDelta(t, 300, result.Values["newKeys"], 0)
	})
}

func TestKeyCountGrowthNamesAPrefixThatIsNew(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1})
	client := cluster.Client(t)
	inspector := newKeyspaceInspector(t, cluster, nil, keyCountGrowth)
	_, err := inspector.run(t, nil)
	require.NoError(t, err)

	for _, test := range []struct{ format, name string }{
		{"/growth/first/a-%05d", "/growth/first/"},
		{"/growth/key-%05d", "/growth/key-<n>"},
		{"flat%05d", "flat<n>"},
		{"/registry/storage.k8s.io/classes/%05d", "/registry/storage.k8s.io/"},
	} {
		putMany(t, client, test.format, 2500)
		result, err := inspector.run(t, checks.Parameters{"warnKeys": "2000", "window": "0s"})
		require.NoError(t, err)
		assert.Equal(t, etcdv1beta1.OutcomeWarning, result.Outcome)
		assert.Contains(t, result.Message, " "+test.name+" grew by 2500 keys from 0 (")
	}
}

// Keys that fall into more prefixes than a state can hold are counted by shorter ones.
func TestKeyCountGrowthKeepsItsStateSmall(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1})
	client := cluster.Client(t)
	for i := range 40 { // 1600 second segments
		for j := range 40 {
			putMany(t, client, fmt.Sprintf("/tenant%c%c/%c%c/key%%d", 'a'+i/8, 'a'+i%8, 'a'+j/8, 'a'+j%8), 2)
		}
	}
	inspector := newKeyspaceInspector(t, cluster, nil, keyCountGrowth)
	for range 2 {
		result, err := inspector.run(t, nil)
		require.NoError(t, err)
		assert.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome, result.Message)
		assert.InDelta(t, 3200, result.Values["totalKeys"], 0)
		assert.LessOrEqual(t, len(result.State), etcdv1beta1.MaxStateLength)
	}

	putMany(t, client, "/tenantaa/new/%d", 1000)
	result, err := inspector.run(t, checks.Parameters{"warnKeys": "900"})
	require.NoError(t, err)
	assert.Contains(t, result.Message, " /tenantaa/ grew by 1000 keys from 80 (")
}

func TestKeyCountGrowthForecastsTheQuota(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, version, quota, parameter string }{
		{"which the member knows", "3.6", "64000000", "2Gi"},
		{"which the parameter says where the member does not", "3.5", "0", "64000000"},
	} {
		t.Run(test.name, func(t *testing.T) {
			cluster := etcdtest.Start(t, etcdtest.Options{
				Size: 1, Version: test.version, Args: []string{"--quota-backend-bytes", test.quota},
			})
			parameters := checks.Parameters{"quotaBytes": test.parameter, "forecastWithin": "100000h"}
			inspector := newKeyspaceInspector(t, cluster, nil, keyCountGrowth)
			if test.quota == "0" {
				inspector.spec.Members[0].MetricsURL = withoutMetrics(t)
			}
			result, err := inspector.run(t, parameters)
			require.NoError(t, err)
			assert.Contains(t, result.Message, " of its quota of 61.0 MiB are in use.")

			age(t, inspector, 2*time.Hour)
			putMany(t, cluster.Client(t), "/key%05d", 5000)
			require.Eventually(t, func() bool { // sizes change when the backend commits
				state := inspector.state
				result, err = inspector.run(t, parameters)
				inspector.state = state
				return err == nil && result.Values["quotaForecast"] > 0
			}, settled, 200*time.Millisecond)
			assert.Equal(t, etcdv1beta1.OutcomeWarning, result.Outcome, result.Message)
			assert.Regexp(t, ` The quota is reached in \d+h(\d+m)? at \d+\.\d KiB an hour: find out what grows, compact and defragment`, result.Message)

			parameters["forecastWithin"] = "1h"
			result, err = inspector.run(t, parameters)
			require.NoError(t, err)
			assert.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome, result.Message)
			assert.Positive(t, result.Values["quotaForecast"])
		})
	}
}
