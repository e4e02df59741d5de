package cruiser

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

// cached returns the monitor as the manager's cache holds it.
func cached(t *testing.T, monitor *etcdv1beta1.EtcdMonitor) *etcdv1beta1.EtcdMonitor {
	t.Helper()
	for kept, by := range Cached() {
		if _, isMonitor := kept.(*etcdv1beta1.EtcdMonitor); !isMonitor {
			continue
		}
		object, err := by.Transform(monitor)
		require.NoError(t, err)
		return object.(runtime.Object).DeepCopyObject().(*etcdv1beta1.EtcdMonitor)
	}
	require.FailNow(t, "monitors are not shortened")
	return nil
}

func withRecords(n int) *etcdv1beta1.EtcdMonitor {
	monitor := &etcdv1beta1.EtcdMonitor{}
	for i := range n {
		monitor.Status.Records = append(monitor.Status.Records, etcdv1beta1.EtcdMonitorRecord{
			Message: fmt.Sprintf("run %d", i), Outcome: etcdv1beta1.OutcomePassed,
		})
	}
	return monitor
}

func TestCacheCountsTheRecordsThatItLeavesOut(t *testing.T) {
	for _, records := range []int{0, 1, 2, 20} {
		monitor := cached(t, withRecords(records))
		assert.LessOrEqual(t, len(monitor.Status.Records), 1)
		assert.Equal(t, records, recordCount(monitor))
		assert.Equal(t, records, recordCount(cached(t, monitor)), "also when it comes through twice")
	}
}

func TestCacheKeepsLittleOfWhatAUserWrites(t *testing.T) {
	large := strings.Repeat("差", 80_000)
	monitor := withRecords(1)
	monitor.Labels = map[string]string{"team": "a"}
	monitor.Annotations = map[string]string{
		"note":                               large,
		etcdv1beta1.AnnotationRunRequestedAt: large,
		etcdv1beta1.AnnotationRunRequestedBy: large,
	}
	monitor = cached(t, monitor)
	encoded, err := json.Marshal(monitor)
	require.NoError(t, err)
	assert.Less(t, len(encoded), 3000)
	assert.Greater(t, utf8.RuneCountInString(monitor.PendingRequest()), maxRequest, "it is still refused")

	longest := strings.Repeat("差", maxRequest)
	monitor.Annotations[etcdv1beta1.AnnotationRunRequestedAt] = longest
	assert.Equal(t, longest, cached(t, monitor).PendingRequest())
}

// Whoever may write the object may write anything that is stored in it.
func TestNothingInTheObjectTellsTheCacheWhatItLeftOut(t *testing.T) {
	monitor := withRecords(3)
	monitor.Annotations = map[string]string{
		"cruiser.cache/records-left-out": "2000000000",
		"cruiser.cache/state-left-out":   "true",
	}
	monitor.Labels, monitor.Finalizers = monitor.Annotations, []string{"cruiser.cache/records-left-out"}
	monitor.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "cruiser.cache/records-left-out=2000000000"}}
	monitor = cached(t, monitor)
	assert.Equal(t, 3, recordCount(monitor))
	state, err := (&reconciler{live: noServer{}}).stateOf(t.Context(), monitor)
	require.NoError(t, err)
	assert.Empty(t, state)

	var decoded etcdv1beta1.EtcdMonitor
	for _, name := range []string{"-", "omitted", "Omitted"} {
		require.NoError(t, json.Unmarshal(fmt.Appendf(nil, `{%q:{"Records":2000000000,"State":true}}`, name), &decoded))
		assert.Zero(t, decoded.Omitted, name)
	}
	decoded.Omitted = etcdv1beta1.OmittedStatus{Records: 18, State: true}
	encoded, err := json.Marshal(decoded)
	require.NoError(t, err)
	assert.NotContains(t, string(encoded), "18")
}

// noServer is an API server that must not be asked.
type noServer struct{ client.Reader }
