package diagnosis

import "fmt"

// saturated is the share of its CPUs from which on a member has none to spare.
const saturated = 0.9

// starvedMember is a process that does not get to run: all its links and its disk look slow at the same time, because it
// takes both times itself. Or it uses all CPUs that it may.
func starvedMember(s *Snapshot) []Finding {
	var findings []Finding
	for _, m := range s.slowLinks() {
		if fsync, known := s.last(walFsync, m.Name); !known || fsync < slowFsync {
			continue
		}
		findings = append(findings, Finding{
			Severity: Degraded,
			Members:  []Member{m},
			Since:    earliest(s.since(peerRoundTrip, m.Name, atLeast(slowRoundTrip)), s.since(walFsync, m.Name, atLeast(slowFsync))),
			Statement: fmt.Sprintf("Member %s does not get enough CPU: its disk and all its links look slow at the same time (WAL fsync %s, peer round trip %s, p99).",
				m, s.valueText(walFsync, m), s.valueText(peerRoundTrip, m)),
			Evidence: []Evidence{s.evidence(peerRoundTrip, m.Name, "round trip of "+m.Name), s.evidence(walFsync, m.Name, "WAL fsync of "+m.Name)},
			Action:   "See what else runs on the host, and the CPU limit and throttling of the member.",
			Check:    "request-latency",
		})
	}
	for _, m := range s.saturatedMembers() {
		findings = append(findings, Finding{
			Severity:  Degraded,
			Members:   []Member{m},
			Since:     s.since(cpu, m.Name, atLeast(saturated)),
			Statement: fmt.Sprintf("Member %s uses %s of the CPU that it may use.", m, s.valueText(cpu, m)),
			Evidence:  []Evidence{s.evidence(cpu, m.Name, "CPU of "+m.Name)},
			Action:    "See who loads the cluster; give the member more CPU.",
			Check:     "write-qps-outliers",
		})
	}
	return findings
}

func (s *Snapshot) saturatedMembers() []Member {
	return s.membersThat(func(m Member) bool { return s.lasts(cpu, m.Name, atLeast(saturated)) })
}
