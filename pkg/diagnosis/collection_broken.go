package diagnosis

import (
	"fmt"
	"time"

	"github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

// collectionBroken is a cluster of which no member is scraped while cruiser reads from it, or while nothing says that it
// does not work.
func collectionBroken(s *Snapshot) []Finding {
	if s.SeriesAway != "" || len(s.Members) == 0 || len(s.membersWith(scraped)) > 0 {
		return nil
	}
	read, isProbed := s.last(probe, "")
	if isProbed && read == 0 {
		return nil
	}
	failed := s.membersWith(scrapeFailed)
	f := Finding{
		Severity: Blind,
		Members:  failed,
		Since:    s.sinceAny(up, failed, isZero),
		Action:   "See Status, Target health of the region's Prometheus and whether it can reach the operator's targets.",
		Check:    "request-latency",
	}
	switch {
	case s.Onboarding != "":
		return nil // the cluster is not scraped yet
	case len(failed) == 0:
		f.Statement = fmt.Sprintf("Prometheus has no target of %s.", s.Cluster)
		f.Since = s.lastScrape()
	default:
		f.Statement = fmt.Sprintf("No member of %s can be scraped.", s.Cluster)
	}
	if isProbed {
		f.Statement += " The cluster itself answers: cruiser reads from it by quorum."
		f.Evidence = append(f.Evidence, s.evidence(probe, "", "quorum read of cruiser"))
	} else if answered := s.inspectionsWith([]v1beta1.Outcome{v1beta1.OutcomePassed}, "request-latency"); len(answered) > 0 {
		f.Statement += fmt.Sprintf(" The cluster answered at %s.", answered[0].Ran.UTC().Format("15:04:05 MST"))
		f.Evidence = append(f.Evidence, answered[0].evidence())
	} else {
		f.Statement += " Whether it works is not known."
	}
	for _, m := range failed {
		f.Evidence = append(f.Evidence, s.evidence(up, m.Name, "scrape of "+m.Name))
	}
	return []Finding{f}
}

// lastScrape is the time of the last scrape within the window, successful or not; zero without one.
func (s *Snapshot) lastScrape() time.Time {
	var last time.Time
	for _, points := range s.Series[up.Name] {
		if end := points[len(points)-1].Time; end.After(last) {
			last = end
		}
	}
	return last
}
