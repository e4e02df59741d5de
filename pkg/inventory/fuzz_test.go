package inventory

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

var objectSeeds = []string{
	"", "null", "{}", "[]", `{"spec":{"region":"elsewhere"}}`, `{"metadata":null,"spec":null,"status":null}`, `{"spec":{"members":[null]},"status":{"records":[null]}}`,
	`{"metadata":{"namespace":"gz","name":"a"},"spec":{"clusterId":"gz-1","region":"gz","productName":"tke","scene":"business",
	"specification":"small","size":3,"members":[{"name":"etcd-0","clientURL":"https://10.0.0.1:2379"}]}}`,
	`{"metadata":{"namespace":"gz","name":"m","annotations":{"etcd.cloud.tencent.com/run-requested-at":"1","etcd.cloud.tencent.com/run-requested-by":"jane"}},
	"spec":{"clusterId":"gz-1","metricName":"alarms"},"status":{"nextRun":"2026-01-02T03:10:00Z","answeredRequest":"1","conditions":[{"type":"Running","status":"True"}],
	"records":[{"startTime":"2026-01-02T03:04:06Z","endTime":"2026-01-02T03:04:05Z","message":"a","outcome":"Passed","values":{"a":1e308},"duration":"-1s","request":"1"},
	{"startTime":"0001-01-01T00:00:00Z","endTime":"9999-12-31T23:59:59Z","message":"\u0000\ud800"}]}}`,
	`{"metadata":{"namespace":"gz","name":"e"},"involvedObject":{"apiVersion":"etcd.cloud.tencent.com/v1beta1","kind":"EtcdMonitor","namespace":"gz","name":"m"},
	"related":{"apiVersion":"etcd.cloud.tencent.com/v1beta1","kind":"EtcdCluster","namespace":"gz","name":"a"},"type":"Warning","reason":"InspectionFailed","message":"nodeKeyDiff is 7",
	"eventTime":"2026-01-02T03:04:05.000000Z","firstTimestamp":null,"lastTimestamp":null,"series":{"count":-3,"lastObservedTime":"2026-01-02T03:04:04.000000Z"}}`,
}

// addObjects adds seeds: those above, and what stands for kstone's objects.
func addObjects(f *testing.F) {
	f.Helper()
	for _, seed := range objectSeeds {
		f.Add([]byte(seed))
	}
	content, err := os.ReadFile("testdata/kstone/objects.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for document := range strings.SplitSeq(string(content), "\n---\n") {
		object, err := yaml.YAMLToJSON([]byte(document))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(object)
	}
}

// FuzzCluster reads EtcdClusters, ours and kstone's, as they come from an API server.
func FuzzCluster(f *testing.F) {
	addObjects(f)
	f.Fuzz(func(t *testing.T, content []byte) {
		var own v1beta1.EtcdCluster
		if json.Unmarshal(content, &own) == nil {
			c := newCluster("gz", &own)
			if c.Region != "gz" || c.kstone || len(c.Members) != len(own.Spec.Members) {
				t.Fatalf("%+v is read as %+v", own.Spec, c)
			}
			requireInIndex(t, c, nil)
		}
		var foreign kstoneCluster
		if json.Unmarshal(content, &foreign) == nil {
			c := newKstoneCluster("gz", foreign.DeepCopyObject().(*kstoneCluster))
			if c.Product == "" || c.Scene == "" || c.Spec == "" || !c.kstone || len(c.Members) != len(foreign.Status.Members) {
				t.Fatalf("%+v is read as %+v", foreign, c)
			}
			requireInIndex(t, c, nil)
		}
	})
}

// FuzzMonitor reads EtcdMonitors and kstone's EtcdInspections as they come from an API server.
func FuzzMonitor(f *testing.F) {
	addObjects(f)
	f.Fuzz(func(t *testing.T, content []byte) {
		var own v1beta1.EtcdMonitor
		if json.Unmarshal(content, &own) == nil {
			m := newMonitor("gz", &own)
			if m.Kstone || m.Pending != "" && m.Request() != m.Pending {
				t.Fatalf("%+v is read as %+v", own, m)
			}
			requireHistory(t, m, len(own.Status.Records))
		}
		var foreign kstoneInspection
		if json.Unmarshal(content, &foreign) == nil {
			m := newKstoneMonitor("gz", foreign.DeepCopyObject().(*kstoneInspection))
			if !m.Kstone || m.Blocked() == "" {
				t.Fatalf("%+v is read as %+v", foreign, m)
			}
			requireHistory(t, m, len(foreign.Status.Records))
		}
	})
}

// FuzzEvent reads Events as they come from an API server.
func FuzzEvent(f *testing.F) {
	addObjects(f)
	f.Fuzz(func(t *testing.T, content []byte) {
		var object corev1.Event
		if json.Unmarshal(content, &object) != nil {
			return
		}
		e := newEvent("gz", &object)
		if e.Count < 1 || e.LastSeen.Before(e.FirstSeen) || len(e.Message) > v1beta1.MaxMessageLength || !strings.HasPrefix(object.Message, e.Message) {
			t.Fatalf("%+v is read as %+v", object, e)
		}
		x := newIndex()
		x.events.put(e)
		x.events.put(e) // an update
		found := 0
		x.eachEvent(newFilter(Scope{}), func(*Event, string, string) { found++ })
		if isOurs := e.Kind == clusterKind || e.Kind == monitorKind; found != map[bool]int{true: 1, false: 0}[isOurs] {
			t.Fatalf("%+v is found %d times", e, found)
		}
		x.events.delete(e.name())
		if !x.events.isEmpty() {
			t.Fatalf("%+v stays behind", e)
		}
	})
}

// requireHistory makes sure that a monitor's history is JSON, in order and bounded, and ends with the newest run.
func requireHistory(t *testing.T, m *Monitor, records int) {
	t.Helper()
	var entries []historyEntry
	if err := json.Unmarshal(m.History.JSON(), &entries); err != nil {
		t.Fatalf("%s: %v", m.History.JSON(), err)
	}
	if len(entries) != min(records, v1beta1.MaxRecords) {
		t.Fatalf("%d of %d records are kept", len(entries), records)
	}
	for i, entry := range entries {
		if i > 0 && entry.Time < entries[i-1].Time || entry.Values == nil {
			t.Fatalf("%+v are not in order", entries)
		}
	}
	if len(entries) > 0 && entries[len(entries)-1].Time != m.LastRun.UnixMilli() {
		t.Fatalf("%+v do not end with the run of %s", entries, m.LastRun)
	}
	requireInIndex(t, nil, m)
}

// requireInIndex puts an object into an index and takes it out again.
func requireInIndex(t *testing.T, c *Cluster, m *Monitor) {
	t.Helper()
	x := newIndex()
	switch {
	case c != nil && c.kstone:
		putAndDelete(t, x, c.ID, c, x.kstoneClusters, true)
	case c != nil:
		putAndDelete(t, x, c.ID, c, x.clusters, c.refusal == "")
	case m.Kstone:
		putAndDelete(t, x, m.ClusterID, m, x.kstoneMonitors, true)
	default:
		putAndDelete(t, x, m.ClusterID, m, x.monitors, true)
	}
	if len(x.claims) != 0 || len(x.inspections) != 0 {
		t.Fatalf("%+v and %+v stay behind", x.claims, x.inspections)
	}
}

func putAndDelete[E interface{ name() types.NamespacedName }](t *testing.T, x *index, clusterID string, object E, s *shelf[E], shown bool) {
	t.Helper()
	s.put(object)
	s.put(object) // an update
	if _, known := x.find(ofCluster(clusterID), "alarms"); known != shown {
		t.Fatalf("%+v: it is found: %t", object, known)
	}
	s.delete(object.name())
}
