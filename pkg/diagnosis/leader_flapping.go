package diagnosis

import "fmt"

// flapping is how many changes of the leader within 15 minutes are no single failover any more.
const flapping = 2.5 // increase() extrapolates: three changes are about three

func leaderFlapping(s *Snapshot) []Finding {
	changes, known := s.last(leaderChanges, "")
	if !known || changes < flapping {
		return nil
	}
	return []Finding{{
		Severity:  Degraded,
		Since:     s.since(leaderChanges, "", atLeast(flapping)),
		Statement: fmt.Sprintf("The leader of %s has changed %.0f times within 15 minutes; each time requests wait for an election.", s.Cluster, changes),
		Evidence:  []Evidence{s.evidence(leaderChanges, "", "leader changes within 15 min")},
		Action:    "Find what delays the heartbeats: disk, CPU and network of the members that led.",
		Check:     "health-after-change",
	}}
}
