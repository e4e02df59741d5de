package diagnosis

import "fmt"

// defragmentation blocks reads and writes of the member until it is done.
// https://etcd.io/docs/v3.6/op-guide/maintenance/#defragmentation
func defragmentation(s *Snapshot) []Finding {
	var findings []Finding
	for _, m := range s.membersThat(func(m Member) bool { running, known := s.last(defragmenting, m.Name); return known && running == 1 }) {
		findings = append(findings, Finding{
			Severity:  Degraded,
			Members:   []Member{m},
			Since:     s.since(defragmenting, m.Name, isOne),
			Statement: fmt.Sprintf("Member %s is being defragmented and answers nobody until that is done.", m),
			Evidence:  []Evidence{s.evidence(defragmenting, m.Name, "defragmentation of "+m.Name)},
			Action:    "Wait. Defragment one member at a time, the leader last, when few requests come.",
		})
	}
	return findings
}
