package diagnosis

import (
	"fmt"
	"slices"
	"time"
)

const (
	// clockWindow has two garbage collections at least, which Go's runtime forces every two minutes, and scrapes after them.
	clockWindow = 5 * time.Minute
	// ahead is, in seconds, more than a scrape takes during which a collection may happen; behind is more than lies between a
	// collection and the next scrape, at the longest usual interval.
	ahead  = 30.0
	behind = -120.0
)

// clock compares a member's clock with that of Prometheus by the times at which it says that it last collected garbage.
// Seconds are not seen so: etcd's leases and elections need no clock, certificates and tokens bear seconds.
func clock(s *Snapshot) []Finding {
	wrong := s.membersThat(func(m Member) bool { return s.clockError(m) != "" })
	if len(wrong) == 0 {
		return nil
	}
	f := Finding{
		Severity: AtRisk,
		Members:  wrong,
		Action:   "Check the time synchronisation of the host, for example with chronyc tracking. Certificates and tokens are judged by this clock.",
		Check:    "certificate-expiry",
	}
	for _, m := range wrong {
		f.Statement += fmt.Sprintf("The clock of member %s %s that of Prometheus. ", m, s.clockError(m))
		f.Evidence = append(f.Evidence, s.evidence(clockOffset, m.Name, clockOffset.Title+" of "+m.Name))
	}
	if len(wrong) == len(s.Members) && len(wrong) > 1 {
		f.Members = nil
		f.Statement += "All members differ, so that the clock of Prometheus may be the wrong one."
		f.Action = "Check the time synchronisation of Prometheus' host first, then of the members' hosts."
	}
	return []Finding{f}
}

// clockError says how a member's clock differs; "" when it does not, or when it has not been seen for long enough.
func (s *Snapshot) clockError(m Member) string {
	points := s.current(clockOffset, m.Name)
	begin := s.At.Add(-clockWindow)
	first := slices.IndexFunc(points, func(p Point) bool { return p.Time.After(begin) })
	if first < 1 {
		return ""
	}
	latest := points[first].Value
	for _, p := range points[first:] {
		latest = max(latest, p.Value)
	}
	switch {
	case latest >= ahead:
		return "is at least " + seconds(latest) + " ahead of"
	case latest <= behind:
		return "is at least " + seconds(-latest) + " behind"
	}
	return ""
}
