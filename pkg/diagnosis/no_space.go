package diagnosis

import "fmt"

// noSpace is the alarm NOSPACE, or a backend that has reached its quota and raises it with the next write.
// https://etcd.io/docs/v3.6/op-guide/maintenance/#space-quota
func noSpace(s *Snapshot) []Finding {
	full := s.membersThat(func(m Member) bool { used, known := s.last(quotaUsed, m.Name); return known && used >= 1 })
	alarms, known := s.last(noSpaceAlarms, "")
	isRaised := known && alarms > 0
	if !isRaised && len(full) == 0 {
		return nil
	}
	f := Finding{
		Severity: Failing,
		Members:  full,
		Since:    earliest(s.sinceAny(quotaUsed, full, atLeast(1)), s.since(noSpaceAlarms, "", atLeast(1))),
		Action:   "Delete what is not needed, compact, defragment one member after the other, then disarm the alarm (etcdctl alarm disarm); or raise the quota.",
		Check:    "alarms",
	}
	if isRaised {
		f.Statement = fmt.Sprintf("%s refuses writes: the alarm NOSPACE is raised because the backend has reached its quota.", s.Cluster)
		f.Evidence = append(f.Evidence, s.evidence(noSpaceAlarms, "", "members with the alarm NOSPACE"))
	} else {
		f.Statement = fmt.Sprintf("%s refuses writes: the backend of %s has reached its quota.", s.Cluster, listed(full))
	}
	for _, m := range full {
		f.Evidence = append(f.Evidence, s.evidence(quotaUsed, m.Name, "share of the quota of "+m.Name))
	}
	return []Finding{f}
}

func atLeast(bound float64) func(float64) bool {
	return func(value float64) bool { return value >= bound }
}
