package diagnosis

import (
	"fmt"
	"slices"
	"time"
)

const (
	// timesUsual is how many times more than usual of something that clients bring about is much.
	timesUsual = 3.0
	// manyRequests is, per second, what any cluster bears.
	manyRequests = 50.0
	// settled is the part of a history that is compared with: its older half.
	settled = 2
)

// overload compares the requests with the median of the older half of the window.
func overload(s *Snapshot) []Finding {
	now, usual, since := s.risen(requests, manyRequests)
	if _, rate, _ := s.worstBurn(); rate < feltFrom || since.IsZero() {
		return nil
	}
	f := Finding{
		Severity:  Degraded,
		Since:     since,
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

// risen returns a signal's present value, the median of the older half of the window, and since when the value has been at
// least bearable and timesUsual as high as that median; zero when it is not, or when too little is known.
func (s *Snapshot) risen(of Signal, bearable float64) (now, usual float64, since time.Time) {
	points := s.current(of, "")
	half := points[:len(points)/settled]
	now, known := s.last(of, "")
	if !known || len(half) < lastingPoints {
		return 0, 0, time.Time{}
	}
	usual = median(half)
	isMuch := atLeast(max(bearable, timesUsual*usual))
	if !s.lasts(of, "", isMuch) {
		return now, usual, time.Time{}
	}
	return now, usual, s.since(of, "", isMuch)
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
