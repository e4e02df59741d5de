package checks_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
	"github.com/etcdfleet/etcd-fleet/internal/etcdtest"
)

// Scaled down by 128: a quota of 64 MiB (8 GiB), an assumed one of 16 MiB (2 GiB), and a database of 20 MiB (2.5 GiB).
func TestQuotaOfAnOldMemberIsItsOwn(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"3.4", "3.5"} {
		t.Run(version, func(t *testing.T) {
			cluster := etcdtest.Start(t, etcdtest.Options{Size: 1, Version: version, Args: []string{"--quota-backend-bytes=67108864"}})
			client := cluster.Client(t)
			for i := range 20 {
				_, err := client.Put(t.Context(), fmt.Sprintf("/registry/pods/%d", i), strings.Repeat("x", 1<<20))
				require.NoError(t, err)
			}
			require.Eventually(t, func() bool { // writes reach the file within a moment
				status, err := client.Status(t.Context(), cluster.Members[0].ClientURL)
				return err == nil && status.DbSize > 20<<20
			}, time.Minute, 100*time.Millisecond)
			assumed := checks.Parameters{"quotaBytes": "16Mi"}

			inspector := newQuotaInspector(t, cluster)
			result, err := inspector.run(t, assumed)
			require.NoError(t, err)
			assert.NotEqual(t, etcdv1beta1.OutcomeFailed, result.Outcome, result.Message)
			assert.InDelta(t, 64<<20, result.Values["quota"], 0)
			growth := newKeyspaceInspector(t, cluster, nil, keyCountGrowth)
			result, err = growth.run(t, assumed)
			require.NoError(t, err)
			assert.Contains(t, result.Message, " of its quota of 64.0 MiB are in use.")

			t.Run("and assumed where its metrics are not seen", func(t *testing.T) {
				inspector.spec.Members[0].MetricsURL = withoutMetrics(t)
				result, err := inspector.run(t, assumed)
				require.NoError(t, err)
				assert.Equal(t, etcdv1beta1.OutcomeFailed, result.Outcome, result.Message)
				assert.Contains(t, result.Message, " of its quota of 16.0 MiB.")
			})
			t.Run("and unknown where nothing is assumed", func(t *testing.T) {
				inspector.spec.Members[0].MetricsURL = withoutMetrics(t)
				result, err := inspector.run(t, nil)
				require.NoError(t, err)
				assert.Equal(t, etcdv1beta1.OutcomeWarning, result.Outcome, result.Message)
				assert.Contains(t, result.Message, " The quota of etcd-0 is not known (")
				assert.Contains(t, result.Message, "): correct its metricsURL in the EtcdCluster, or set spec.parameters.quotaBytes.")
				assert.NotContains(t, result.Values, "quota")
				assert.NotContains(t, result.Values, "quotaUsed")
			})
		})
	}
}

// withoutMetrics returns the URL of a server that has no metrics.
func withoutMetrics(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	return server.URL
}

func TestKeyCountGrowthWithoutAQuota(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"3.5", "3.6"} {
		t.Run(version, func(t *testing.T) {
			cluster := etcdtest.Start(t, etcdtest.Options{Size: 1, Version: version, Args: []string{"--quota-backend-bytes=-1"}})
			inspector := newKeyspaceInspector(t, cluster, nil, keyCountGrowth)
			result, err := inspector.run(t, nil)
			require.NoError(t, err)
			assert.NotContains(t, result.Message, "-1 B")
			assert.Contains(t, result.Message, "are in use without a quota.")

			age(t, inspector, 2*time.Hour)
			client := cluster.Client(t)
			status, err := client.Status(t.Context(), cluster.Members[0].ClientURL)
			require.NoError(t, err)
			putMany(t, client, "/key%05d", 5000)
			require.Eventually(t, func() bool { // the size of the file follows
				now, err := client.Status(t.Context(), cluster.Members[0].ClientURL)
				return err == nil && now.DbSizeInUse > status.DbSizeInUse
			}, time.Minute, 100*time.Millisecond)
			result, err = inspector.run(t, nil)
			require.NoError(t, err)
			require.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome, result.Message)
			require.NotContains(t, result.Values, "quotaForecast")
		})
	}
}
