package datasource

import (
	"errors"
	"flag"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/grafana/grafana-plugin-sdk-go/experimental"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/pkg/inventory"
	"github.com/etcdfleet/etcd-fleet/pkg/thanos"
)

var update = flag.Bool("update", false, "write the golden files of frames anew")

func checkGolden(t *testing.T, name string, frames ...*data.Frame) {
	t.Helper()
	for _, frame := range frames {
		encoded, err := frame.MarshalArrow()
		require.NoError(t, err, "Grafana receives frames as Arrow")
		decoded, err := data.UnmarshalArrowFrame(encoded)
		require.NoError(t, err)
		require.Equal(t, frame.Rows(), decoded.Rows())
		experimental.CheckGoldenJSONFrame(t, "testdata/frames", name, frame, *update)
	}
}

var seenAt = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// regionsOfEveryState has no stale one: its notice says so an age, which the clock changes.
func regionsOfEveryState() []inventory.Status {
	return []inventory.Status{
		{Name: "gz", State: inventory.Live, Since: seenAt},
		{Name: "bj", State: inventory.Syncing, Since: seenAt},
		{Name: "cd", State: inventory.Failed, Since: seenAt, Err: errors.New("Nothing listens at https://cd.")},
	}
}

func TestFrameOfClusters(t *testing.T) {
	number := func(v float64) *float64 { return &v }
	up := int64(3)
	rows := []clusterRow{
		{Cluster: &inventory.Cluster{Region: "gz", ID: "gz-2", Product: "tke", Scene: "business", Spec: "small", Size: 3}, metrics: &clusterMetrics{}, health: unknown},
		{
			Cluster:    &inventory.Cluster{Region: "gz", ID: "gz-1", Product: "tke", Scene: "big-customer", Spec: "large", Size: 3, Version: "3.6.5"},
			metrics:    &clusterMetrics{leader: "gz-1-0", keys: number(122143), dbSizeBytes: number(1 << 30)},
			health:     healthy,
			membersUp:  &up,
			inspection: v1beta1.OutcomeWarning,
			inspected:  seenAt,
		},
		{Cluster: &inventory.Cluster{Region: "gz", ID: "gz-3", Size: 3}, metrics: &clusterMetrics{}, health: unhealthy},
	}
	checkGolden(t, "clusters", (&clustersQuery{page: page{Limit: 2}}).frame(rows, regionsOfEveryState()))
}

func TestFrameOfInspections(t *testing.T) {
	cluster := &inventory.Cluster{Region: "gz", ID: "gz-1", Product: "tke", Scene: "business", Spec: "large"}
	rows := []inspectionRow{
		{&inventory.Monitor{Region: "gz", ClusterID: "gz-1", Check: "never-run", Pending: "2026-01-02T03:04:05.6Z", RequestedBy: "editor"}, cluster},
		{&inventory.Monitor{Region: "gz", ClusterID: "orphan", Check: "running", Product: "tcr", Running: true}, nil},
		{
			&inventory.Monitor{Region: "gz", ClusterID: "orders", Check: "healthy", Product: "kstone", Kstone: true, LastRun: seenAt, Message: "Timeout: no answer"},
			&inventory.Cluster{Region: "gz", ID: "orders", Product: "kstone", Scene: "default", Spec: "default"},
		},
		{&inventory.Monitor{
			Region: "gz", ClusterID: "gz-1", Check: "etcd-node-key-diff", Outcome: v1beta1.OutcomeFailed, LastRun: seenAt, Duration: 1500 * time.Millisecond,
			Message: "nodeKeyDiff is 7", NextRun: seenAt.Add(5 * time.Minute), Answered: "2026-01-02T03:04:04Z", RequestedBy: "admin",
			History: inventory.NewHistory([]v1beta1.EtcdMonitorRecord{{
				StartTime: metav1.NewTime(seenAt), EndTime: metav1.NewTime(seenAt), Outcome: v1beta1.OutcomeFailed,
				Message: "nodeKeyDiff is 7", Values: map[string]float64{"nodeKeyDiff": 7},
			}}),
		}, cluster},
	}
	checkGolden(t, "inspections", (&inspectionsQuery{page: page{Limit: 100}}).frame(rows, regionsOfEveryState()[:1]))
}

func TestFramesOfEvents(t *testing.T) {
	gone := types.NamespacedName{Namespace: "gz", Name: "gz-9-alarms"}
	rows := []eventRow{
		{&inventory.Event{
			Region: "gz", Type: "Normal", Reason: "RunRequested", Message: "jane requested a run", FirstSeen: seenAt, LastSeen: seenAt, Count: 1, Kind: "EtcdMonitor", About: gone,
		}, "", ""},
		{&inventory.Event{
			Region: "gz", Type: "Warning", Reason: "InspectionError", Message: "the answer is <nil> & late", Component: "cruiser",
			FirstSeen: seenAt.Add(-time.Minute), LastSeen: seenAt.Add(time.Minute), Count: 7,
			Kind: "EtcdMonitor", About: types.NamespacedName{Namespace: "gz", Name: "gz-1-alarms"},
		}, "gz-1", "alarms"},
		{&inventory.Event{Region: "gz", Type: "Normal", Reason: "Old", FirstSeen: seenAt.Add(-time.Hour), LastSeen: seenAt.Add(-time.Hour), Count: 1}, "gz-1", ""},
	}
	checkGolden(t, "events", (&eventsQuery{Format: formatTable, page: page{Limit: 2}}).frame(slices.Clone(rows), regionsOfEveryState()))
	checkGolden(t, "events-annotations", (&eventsQuery{Format: formatAnnotations, page: page{Limit: 100}}).frame(rows, regionsOfEveryState()[:1]))
}

func TestFramesOfPromql(t *testing.T) {
	at := seenAt.UnixMilli()
	series := []thanos.Series{
		{Labels: map[string]string{"__name__": "up", "cluster": "gz-1"}, Points: []thanos.Point{{Time: at, Value: 1}, {Time: at + 15000, Value: math.NaN()}}},
		{Labels: map[string]string{"__name__": "up", "cluster": "gz-2"}, Points: []thanos.Point{{Time: at, Value: math.Inf(1)}, {Time: at + 30000, Value: math.Inf(-1)}}},
	}
	frames := (&promqlQuery{Legend: "cluster {{ cluster }}{{missing}}"}).rangeFrames(&thanos.Result{Type: "matrix", Series: series}, "up", 15*time.Second)
	require.Len(t, frames, 2)
	checkGolden(t, "promql-range-nan", frames[0])
	checkGolden(t, "promql-range-infinite", frames[1])

	instant, err := (&promqlQuery{}).instantFrame(&thanos.Result{Type: "vector", Series: append(series, thanos.Series{
		Labels: map[string]string{"region": "gz"}, Points: []thanos.Point{{Time: at, Value: 3}},
	})}, "up")
	require.NoError(t, err)
	checkGolden(t, "promql-instant", instant)

	scalar, err := (&promqlQuery{}).instantFrame(&thanos.Result{Type: "scalar", Series: []thanos.Series{{Points: []thanos.Point{{Time: at, Value: 2}}}}}, "2")
	require.NoError(t, err)
	checkGolden(t, "promql-scalar", scalar)

	nothing := (&promqlQuery{}).rangeFrames(&thanos.Result{Type: "matrix"}, "nothing", time.Minute)
	require.Len(t, nothing, 1, "a frame to carry the notices")
	checkGolden(t, "promql-range-empty", nothing[0])

	_, err = (&promqlQuery{}).instantFrame(&thanos.Result{Type: "matrix"}, "up[5m]")
	require.EqualError(t, err, "expr is a matrix: an instant query needs one number a series, for example rate(…[5m])")
}

func TestTheLegendNamesTheValuesOfATable(t *testing.T) {
	row := func(member string) thanos.Series {
		return thanos.Series{Labels: map[string]string{"member": member}, Points: []thanos.Point{{Value: 1}}}
	}
	for _, c := range []struct {
		legend string
		rows   []thanos.Series
		want   string
	}{
		{"", []thanos.Series{row("a")}, "Value"},
		{"db size", []thanos.Series{row("a"), row("b")}, "db size"},
		{"size of {{member}}", []thanos.Series{row("a")}, "size of a"},
		{"size of {{member}}", []thanos.Series{row("a"), row("b")}, "Value"},
		{"db size", nil, "db size"},
	} {
		frame, err := (&promqlQuery{Legend: c.legend}).instantFrame(&thanos.Result{Type: "vector", Series: c.rows}, "up")
		require.NoError(t, err)
		require.Equal(t, c.want, frame.Fields[len(frame.Fields)-1].Name, "%q for %d rows", c.legend, len(c.rows))
	}
}

func TestMoreSeriesThanAPanelShowsAreCut(t *testing.T) {
	result := &thanos.Result{Type: "matrix", Series: make([]thanos.Series, maxSeries+1345), SkippedHistograms: 2}
	for i := range result.Series {
		result.Series[i].Points = []thanos.Point{{}}
	}
	require.Len(t, (&promqlQuery{}).rangeFrames(result, "up", time.Second), maxSeries)
	instant, err := (&promqlQuery{}).instantFrame(&thanos.Result{Type: "vector", Series: result.Series}, "up")
	require.NoError(t, err)
	require.Equal(t, maxSeries, instant.Rows())

	notices := resultNotices(result, nil)
	require.Len(t, notices, 2)
	require.Contains(t, notices[0].Text, "1,000 of 2,345 series")
	require.Contains(t, notices[0].Text, "topk")
	require.Contains(t, notices[1].Text, "2 native histograms are left out")
}

func TestNoticesTellWhatIsMissing(t *testing.T) {
	result := &thanos.Result{Warnings: thanos.Warnings{Partial: []string{"no store"}, PromQL: []string{"PromQL info: a gauge"}}}
	lost := []thanos.Store{{Name: "10.0.0.1:10901", Labels: `{prometheus="sh"}`, Error: "EOF"}}
	require.Equal(t, []data.Notice{
		{Severity: data.NoticeSeverityWarning, Text: "Thanos answered in part: no store"},
		{Severity: data.NoticeSeverityInfo, Text: "PromQL info: a gauge"},
	}, resultNotices(result, (&seriesReader{}).lost(lost)), "Thanos's own words are enough")
	require.Equal(t, []data.Notice{
		{Severity: data.NoticeSeverityWarning, Text: `Thanos answered in part: the series of its store 10.0.0.1:10901 {prometheus="sh"} are missing: EOF`},
	}, resultNotices(&thanos.Result{}, (&seriesReader{}).lost(lost)))

	stale := regionNotices([]inventory.Status{{Name: "sh", State: inventory.Stale, Since: time.Now().Add(-90 * time.Second), Err: errors.New("Nothing listens.")}})
	require.Len(t, stale, 1)
	require.Regexp(t, `^Region sh: this is what was seen 1m3\ds ago\. Nothing listens\.$`, stale[0].Text)

	require.Empty(t, cutNotices(5, 0, 5, "clusters"))
	require.Equal(t, "100 of 2,345 clusters.", cutNotices(100, 0, 2345, "clusters")[0].Text)
	require.Equal(t, "100 of 1,002,345 clusters, from number 2,001 on.", cutNotices(100, 2000, 1002345, "clusters")[0].Text)
}
