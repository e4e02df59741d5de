package diagnosis

import (
	"fmt"
	"slices"
)

// hostAway is a member that is down together with all others on its host, or in its zone. Nobody scrapes the host itself:
// that it is away is inferred.
func hostAway(s *Snapshot) []Finding {
	var findings []Finding
	for _, f := range memberDown(s) {
		if away := s.placeAway(f.Members[0]); away != "" {
			f.Statement = fmt.Sprintf("%s Of %s, member %s is down. %s", away, s.Cluster, f.Members[0].Name, s.remaining())
			f.Action = "See which other clusters it hurts, those whose quorum is at risk first; bring it back, or move the members away."
			findings = append(findings, f)
		}
	}
	return findings
}

// placeAway says that the zone or the host of a member that is down is away; "" when that does not follow.
func (s *Snapshot) placeAway(m Member) string {
	onHost, known := s.onHost(m, isDown)
	if onHost < known {
		return ""
	}
	inZone, knownInZone := s.elsewhereInZone(m, isDown)
	switch {
	case inZone >= fewestNeighbours && 10*inZone >= 9*knownInZone:
		return fmt.Sprintf("Zone %s is away: inferred from host %s and %d of %d members that were compared on its other hosts and cannot be scraped.", m.Zone, m.Host, inZone, knownInZone)
	case onHost >= fewestNeighbours:
		return fmt.Sprintf("Host %s is away: inferred from all %d clusters compared on it, whose members cannot be scraped.", m.Host, onHost+1)
	}
	return ""
}

// placesAway says it of several members, each place once, behind another sentence.
func (s *Snapshot) placesAway(members []Member) string {
	var places []string
	text := ""
	for _, m := range members {
		if away := s.placeAway(m); away != "" && !slices.Contains(places, away) {
			places = append(places, away)
			text += " " + away
		}
	}
	return text
}

// hostAnswers says, behind another sentence, that other members on the host of one that is down can be scraped.
func (s *Snapshot) hostAnswers(m Member) string {
	down, known := s.onHost(m, isDown)
	if down == known {
		return ""
	}
	return fmt.Sprintf(" Its host answers: %d of %d other clusters compared on it can be scraped.", known-down, known)
}

func isDown(n Neighbour) (hurt, known bool) { return n.Up != nil && !*n.Up, n.Up != nil }
