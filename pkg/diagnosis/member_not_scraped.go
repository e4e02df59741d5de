package diagnosis

import "fmt"

// memberNotScraped is a member of which only the scrape fails: whether it runs is not known.
func memberNotScraped(s *Snapshot) []Finding {
	var findings []Finding
	for _, m := range s.membersWith(scrapeFailed) {
		findings = append(findings, Finding{
			Severity:  Blind,
			Members:   []Member{m},
			Since:     s.since(up, m.Name, isZero),
			Statement: fmt.Sprintf("Member %s cannot be scraped. Whether it runs is not known.", m),
			Evidence:  []Evidence{s.evidence(up, m.Name, "scrape of "+m.Name)},
			Action:    "See the error of the target under Status, Target health of the region's Prometheus; check address, certificate and network.",
			Check:     "request-latency",
		})
	}
	return findings
}
