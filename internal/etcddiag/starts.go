package etcddiag

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/etcdfleet/etcd-fleet/internal/sidebyside"
)

const startTimeMetric = "process_start_time_seconds"

// Started is a member and when its process started.
type Started struct {
	*Member
	Start time.Time

	// NoStart says why Start is not known.
	NoStart error
}

// IsKnown reports whether the member says something of this cluster. A stray does not: it counts again, with its restart,
// when it is back.
func (m *Started) IsKnown() bool { return m.Err == nil && !m.IsStray }

// AskStartTimes asks the members that answered when they started. Each reads /metrics, about 200 KB.
func AskStartTimes(ctx context.Context, all Members) []*Started {
	var started []*Started
	for _, m := range all {
		started = append(started, &Started{Member: m})
	}
	sidebyside.Do(ctx, started, func(m *Started) {
		if m.IsKnown() {
			m.Start, m.NoStart = m.askStartTime(ctx)
		}
	})
	return started
}

// askStartTime reads when the member's process started from its metrics.
func (m *Member) askStartTime(ctx context.Context) (time.Time, error) {
	families, err := m.Metrics(ctx, startTimeMetric)
	if err != nil {
		return time.Time{}, err
	}
	gauge, found := GaugeOf(families[startTimeMetric])
	if !found {
		return time.Time{}, fmt.Errorf("%s/metrics has no %s", m.MetricsEndpoint, startTimeMetric)
	}
	seconds, fraction := math.Modf(gauge)
	return time.Unix(int64(seconds), int64(fraction*1e9)).UTC(), nil
}
