package diagnosis

import "fmt"

// slowRoundTrip is, in seconds, what etcd's heartbeats bear: the default heartbeat interval. etcd recommends a round trip
// of less than 50 ms (p99, in a region).
const slowRoundTrip = 0.1

// slowNetwork is a member all of whose links to its peers are slow, while its disk is not.
func slowNetwork(s *Snapshot) []Finding {
	var findings []Finding
	for _, m := range s.slowLinks() {
		findings = append(findings, Finding{
			Severity:  Degraded,
			Members:   []Member{m},
			Since:     s.since(peerRoundTrip, m.Name, atLeast(slowRoundTrip)),
			Statement: fmt.Sprintf("The network of %s is slow: even its fastest peer answers within %s only (p99).", m, s.valueText(peerRoundTrip, m)),
			Evidence:  []Evidence{s.evidence(peerRoundTrip, m.Name, "round trip of "+m.Name)},
			Action:    "Check the network of the host: loss, bandwidth, and which other hosts of its zone are slow.",
			Check:     "request-latency",
		})
	}
	return findings
}

// slowLinks are the members without one fast link; none when that is true of all, as between regions far apart.
func (s *Snapshot) slowLinks() []Member {
	slow := s.membersThat(func(m Member) bool { return s.lasts(peerRoundTrip, m.Name, atLeast(slowRoundTrip)) })
	if len(slow) == len(s.Members) {
		return nil
	}
	return slow
}

func (s *Snapshot) valueText(of Signal, m Member) string {
	value, _ := s.last(of, m.Name)
	return of.text(value)
}
