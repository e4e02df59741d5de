package diagnosis

import (
	"fmt"
	"time"
)

// lateBy is how late a run may begin.
const lateBy = 30 * time.Second

// inspectionsStopped is a cluster none of whose inspections runs any more: for twice the shortest interval no run has ended.
func inspectionsStopped(s *Snapshot) []Finding {
	if s.RegionAway != nil {
		return nil
	}
	var newest Inspection
	var shortest time.Duration
	for _, i := range s.Inspections {
		interval := i.Due.Sub(i.Ran)
		if i.Ran.IsZero() || interval <= 0 {
			continue
		}
		if shortest == 0 || interval < shortest {
			shortest = interval
		}
		if i.Ran.After(newest.Ran) {
			newest = i
		}
	}
	if shortest == 0 || s.At.Sub(newest.Ran) < 2*shortest+lateBy {
		return nil
	}
	return []Finding{{
		Severity:  Blind,
		Since:     newest.Ran,
		Statement: fmt.Sprintf("No inspection of %s runs any more: the last one ended at %s.", s.Cluster, newest.Ran.UTC().Format("15:04:05 MST")),
		Evidence:  []Evidence{newest.evidence()},
		Action:    "See whether cruiser runs in the region, and its log.",
	}}
}
