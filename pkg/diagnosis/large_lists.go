package diagnosis

import "fmt"

// manyBytes is, per second, what any cluster bears to send: a tenth of a network link of 1 Gbit/s.
const manyBytes = 12 << 20

// largeLists compares the bytes that the members send to their clients with the median of the older half of the window. A
// client that reads everything at once sends few requests: their number does not show it.
func largeLists(s *Snapshot) []Finding {
	now, usual, since := s.risen(sentBytes, manyBytes)
	if since.IsZero() {
		return nil
	}
	f := Finding{
		Severity:  AtRisk,
		Since:     since,
		Statement: fmt.Sprintf("Clients read large lists of %s: its members send %s per second instead of %s.", s.Cluster, sentBytes.text(now), sentBytes.text(usual)),
		Evidence:  []Evidence{s.evidence(sentBytes, "", "sent to clients per second")},
		Action:    "Find the client: compare the API servers' fetched objects by resource, and read etcd's log for range requests that take too long.",
		Check:     "request-latency",
	}
	// Another operation says nothing: lists are few, and the client may be none of the API servers.
	if operation, share := s.busiestOperation(); operation == "list" && share > 0.5 {
		f.Statement += fmt.Sprintf(" %.0f %% of the API servers' requests are %s.", 100*share, operation)
		f.Evidence = append(f.Evidence, s.evidence(apiRequests, operation, operation+" of the API servers per second"))
	}
	if sli, rate, _ := s.worstBurn(); rate >= feltFrom {
		f.Severity = Degraded
		f.Evidence = append(f.Evidence, s.evidence(burnRate, sli, "burn rate of "+sli))
	}
	for _, m := range s.saturatedMembers() {
		f.Severity = Degraded
		f.Evidence = append(f.Evidence, s.evidence(cpu, m.Name, "CPU of "+m.Name))
	}
	return []Finding{f}
}
