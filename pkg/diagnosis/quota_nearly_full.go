package diagnosis

import "fmt"

// nearlyFull is the share of the quota from which on the inspection quota-and-fragmentation warns by default, too.
const nearlyFull = 0.85

func quotaNearlyFull(s *Snapshot) []Finding {
	near := s.membersThat(func(m Member) bool { used, known := s.last(quotaUsed, m.Name); return known && used >= nearlyFull })
	if len(near) == 0 {
		return nil
	}
	f := Finding{
		Severity:  AtRisk,
		Members:   near,
		Since:     s.sinceAny(quotaUsed, near, atLeast(nearlyFull)),
		Statement: fmt.Sprintf("The backend of %s is nearly as large as its quota allows; at the quota %s refuses writes.", listed(near), s.Cluster),
		Action:    "Find what grows (key-count-growth, large-key-values), compact and defragment, or raise the quota.",
		Check:     "quota-and-fragmentation",
	}
	for _, m := range near {
		f.Evidence = append(f.Evidence, s.evidence(quotaUsed, m.Name, "share of the quota of "+m.Name))
	}
	return []Finding{f}
}
