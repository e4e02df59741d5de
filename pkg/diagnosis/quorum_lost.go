package diagnosis

import (
	"fmt"
	"time"
)

// quorumLost is proved by a member that is scraped and sees no leader, or by cruiser's own read that fails, while fewer
// members than a quorum see one. Members that cannot be scraped are down then: the proof is the second fact.
func quorumLost(s *Snapshot) []Finding {
	needed := s.quorum()
	led := s.membersThat(func(m Member) bool { has, known := s.last(hasLeader, m.Name); return known && has == 1 })
	leaderless := s.membersThat(func(m Member) bool { has, known := s.last(hasLeader, m.Name); return known && has == 0 })
	read, isProbed := s.last(probe, "")
	if needed == 0 || len(led) >= needed || len(leaderless) == 0 && !(isProbed && read == 0) {
		return nil
	}
	f := Finding{
		Severity: Failing,
		Members:  s.membersWith(scrapeFailed),
		Action:   "Start the members again, or bring back their hosts. Replace a member only when its data are lost, and never two at once.",
		Check:    "alarms",
	}
	f.Since = earliest(s.sinceAny(hasLeader, leaderless, isZero), s.since(probe, "", isZero))
	if len(f.Members) > 0 {
		f.Since = earliest(f.Since, s.sinceAny(up, f.Members, isZero))
		f.Statement = fmt.Sprintf("%s has no quorum: %d of %d members %s down: %s. Nothing can be written, and reads fail.",
			s.Cluster, len(f.Members), max(s.Size, len(s.Members)), plural(len(f.Members), "is", "are"), listed(f.Members)) + s.placesAway(f.Members)
	} else {
		f.Statement = fmt.Sprintf("%s has no leader, though its members run: they do not reach each other. Nothing can be written, and reads fail.", s.Cluster)
		f.Action = "Check the network between the members' hosts on the peer port, and the peer certificates in the members' logs."
	}
	for _, m := range leaderless {
		f.Evidence = append(f.Evidence, s.evidence(hasLeader, m.Name, m.Name+" sees a leader"))
	}
	if isProbed && read == 0 {
		f.Evidence = append(f.Evidence, s.evidence(probe, "", "quorum read of cruiser"))
	}
	for _, m := range f.Members {
		f.Evidence = append(f.Evidence, s.evidence(up, m.Name, "scrape of "+m.Name))
	}
	return []Finding{f}
}

func isZero(value float64) bool { return value == 0 }
func isOne(value float64) bool  { return value == 1 }

// sinceAny is the earliest beginning among members.
func (s *Snapshot) sinceAny(of Signal, members []Member, bad func(float64) bool) time.Time {
	var begins []time.Time
	for _, m := range members {
		begins = append(begins, s.since(of, m.Name, bad))
	}
	return earliest(begins...)
}
