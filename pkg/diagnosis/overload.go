package diagnosis

import (
	"fmt"
	"slices"
)

const (
	// timesUsual is how many times more requests than usual are an overload, if users feel something at the same time.
	timesUsual = 3.0
	// manyRequests is, per second, what any cluster bears.
	manyRequests = 50.0
	// settled is the part of a history that is compared with: its older half.
	settled = 2
)

// overload compares the requests with the median of the older half of the window.
func overload(s *Snapshot) []Finding {
	points := s.current(requests, "")
	half := points[:len(points)/settled]
	now, known := s.last(requests, "")
	if !known || len(half) < lastingPoints || now < manyRequests {
		return nil
	}
	usual := median(half)
	isMuch := atLeast(max(manyRequests, timesUsual*usual))
	if _, rate, _ := s.worstBurn(); rate < feltFrom || !s.lasts(requests, "", isMuch) {
		return nil
	}
	f := Finding{
		Severity:  Degraded,
		Since:     s.since(requests, "", isMuch),
		Statement: fmt.Sprintf("%s gets %.0f requests per second instead of %.0f, and users wait.", s.Cluster, now, usual),
		Evidence:  []Evidence{s.evidence(requests, "", "requests per second")},
		Action:    "Find who sends them and have them slowed down: API Priority and Fairness, or the client itself.",
		Check:     "write-qps-outliers",
	}
	if operation, share := s.busiestOperation(); share > 0.5 {
		f.Statement += fmt.Sprintf(" %.0f %% of the API servers' requests are %s.", 100*share, operation)
		f.Evidence = append(f.Evidence, s.evidence(apiRequests, operation, operation+" of the API servers per second"))
	}
	return []Finding{f}
}

// busiestOperation is the one that API servers send most of, and its share of all.
func (s *Snapshot) busiestOperation() (operation string, share float64) {
	var most, all float64
	for _, name := range s.keys(apiRequests) {
		rate, _ := s.last(apiRequests, name)
		all += rate
		if rate > most {
			operation, most = name, rate
		}
	}
	if all == 0 {
		return "", 0
	}
	return operation, most / all
}

func median(points History) float64 {
	values := make([]float64, len(points))
	for i, p := range points {
		values[i] = p.Value
	}
	slices.Sort(values)
	return values[len(values)/2]
}
