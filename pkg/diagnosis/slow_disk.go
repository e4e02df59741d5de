package diagnosis

import (
	"fmt"
	"slices"
)

const (
	// slowFsync is, in seconds, etcd's default heartbeat interval: a leader that syncs for longer delays its heartbeats.
	// etcd recommends a p99 below 10 ms (https://etcd.io/docs/v3.6/faq/).
	slowFsync = 0.1
	// timesPeers is how many times slower than its peers on other hosts a member must be, for its host to be blamed.
	timesPeers = 4.0
)

// slowDisk compares how long a member's syncs of the write-ahead log take with its peers on other hosts, and with the
// other clusters on its host. etcd knows its own syncs only: that the disk of the host is slow is inferred.
func slowDisk(s *Snapshot) []Finding {
	slow := s.membersThat(func(m Member) bool { return s.lasts(walFsync, m.Name, atLeast(slowFsync)) })
	if len(slow) == 0 {
		return nil
	}
	if len(slow) == len(s.Members) && len(slow) > 1 {
		return []Finding{s.allDisksSlow(slow)}
	}
	var findings []Finding
	for _, m := range slow {
		own, _ := s.last(walFsync, m.Name)
		peers := s.fsyncOf(s.membersThat(func(other Member) bool { return other != m && !slices.Contains(slow, other) }))
		if len(peers) == 0 || own < timesPeers*slices.Max(peers) {
			continue
		}
		f := Finding{
			Severity:  Degraded,
			Members:   []Member{m},
			Since:     s.since(walFsync, m.Name, atLeast(slowFsync)),
			Statement: s.blameHost(m) + fmt.Sprintf(" Syncs of the write-ahead log of %s take %s (p99), those of its peers at most %s.", m.Name, seconds(own), seconds(slices.Max(peers))),
			Evidence:  []Evidence{s.evidence(walFsync, m.Name, "WAL fsync of "+m.Name)},
			Action:    "See which other clusters the host hurts, then move the members away from it, or have its disk replaced.",
			Check:     "request-latency",
		}
		findings = append(findings, f)
	}
	return findings
}

// blameHost says what is slow, and by how many clusters that is known.
func (s *Snapshot) blameHost(m Member) string {
	if m.Host == "" {
		return fmt.Sprintf("The disk of %s is slow.", m.Name)
	}
	isSlow := func(n Neighbour) (hurt, known bool) {
		return n.WALFsync != nil && *n.WALFsync >= slowFsync, n.WALFsync != nil
	}
	hurt, known := s.onHost(m, isSlow)
	hurtInZone, knownInZone := s.elsewhereInZone(m, isSlow)
	switch {
	case hurt == known && hurtInZone >= fewestNeighbours && 2*hurtInZone > knownInZone:
		return fmt.Sprintf("The disks of zone %s are slow: inferred from host %s and %d of %d members that were compared on its other hosts.", m.Zone, m.Host, hurtInZone, knownInZone)
	case known == 0:
		return fmt.Sprintf("The disk of %s on host %s is slow.", m.Name, m.Host)
	case hurt == 0:
		return fmt.Sprintf("The disk of %s is slow, while %d other %s on its host %s %s not hurt.", m.Name, known, plural(known, "cluster", "clusters"), m.Host, plural(known, "is", "are"))
	}
	return fmt.Sprintf("The disk of host %s is slow: inferred from %d of %d clusters that share it.", m.Host, hurt+1, known+1)
}

func (s *Snapshot) allDisksSlow(slow []Member) Finding {
	f := Finding{
		Severity:  Degraded,
		Members:   slow,
		Since:     s.sinceAny(walFsync, slow, atLeast(slowFsync)),
		Statement: fmt.Sprintf("The disks of all members of %s are slow: syncs of the write-ahead log take %s and more (p99). They share a storage that is slow, or there are more writes than it bears.", s.Cluster, seconds(slices.Min(s.fsyncOf(slow)))),
		Action:    "Compare the writes per second with an hour ago; ask who runs the storage.",
		Check:     "write-qps-outliers",
	}
	for _, m := range slow {
		f.Evidence = append(f.Evidence, s.evidence(walFsync, m.Name, "WAL fsync of "+m.Name))
	}
	return f
}

func (s *Snapshot) fsyncOf(members []Member) []float64 {
	var values []float64
	for _, m := range members {
		if value, known := s.last(walFsync, m.Name); known {
			values = append(values, value)
		}
	}
	return values
}
