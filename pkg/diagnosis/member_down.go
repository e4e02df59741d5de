package diagnosis

import "fmt"

// memberDown needs two facts: the member cannot be scraped, and a peer has lost the connection to it or gets no answer.
func memberDown(s *Snapshot) []Finding {
	if !s.isMissedByPeers() {
		return nil
	}
	var findings []Finding
	for _, m := range s.membersWith(scrapeFailed) {
		findings = append(findings, Finding{
			Severity:  Degraded,
			Members:   []Member{m},
			Since:     s.since(up, m.Name, isZero),
			Statement: fmt.Sprintf("Member %s is down: it cannot be scraped and its peers have lost it.%s %s", m, s.hostAnswers(m), s.remaining()),
			Evidence:  append([]Evidence{s.evidence(up, m.Name, "scrape of "+m.Name)}, s.peersEvidence()...),
			Action:    "Look at the member's process and its host: start the one, or bring back the other.",
			Check:     "health-after-change",
		})
	}
	return findings
}

// remaining says how many members more may fail.
func (s *Snapshot) remaining() string {
	left := len(s.membersWith(scraped)) - s.quorum()
	if left <= 0 {
		return "The next member that fails takes the quorum with it."
	}
	return fmt.Sprintf("The cluster survives the loss of %d more.", left)
}

func (s *Snapshot) peersEvidence() []Evidence {
	var evidence []Evidence
	for _, m := range s.membersWith(scraped) {
		for _, of := range []Signal{activePeers, answeringPeers} {
			if s.isBelow(of, m, len(s.Members)-1) {
				evidence = append(evidence, s.evidence(of, m.Name, of.Title+" of "+m.Name))
			}
		}
	}
	return evidence
}
