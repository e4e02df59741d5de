package diagnosis

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

// Snapshot is what is known of one cluster at one time. It is never changed by a suspect.
type Snapshot struct {
	// At is the time that it is about.
	At time.Time
	// Region and Cluster are the labels of the cluster's series.
	Region, Cluster string
	// Size is the number of voting members that the cluster should have; 0 when the inventory does not know the cluster.
	Size int
	// Members are those of the inventory, else those that have series.
	Members []Member
	// KubernetesClusters store their objects in the cluster.
	KubernetesClusters []string
	// Onboarding says why the onboarding is not complete; "" when it is, or when nothing is known of it.
	Onboarding string
	// Inspections are the last runs of the cluster's checks.
	Inspections []Inspection
	// RegionAway says since when and why the API server of the region cannot be asked; nil when it can.
	RegionAway *Away
	// SeriesAway says in a sentence why no series of the cluster can be read; "" when they can. Then no series says nothing.
	SeriesAway string
	// Series are the signals by signal and key.
	Series Series
	// Neighbours are members of other clusters: those on the hosts of this one, and one on each of other hosts of its zones.
	Neighbours []Neighbour
}

// Member is an etcd server. Host and Zone are "" when the inventory does not name them.
type Member struct{ Name, Host, Zone string }

func (m Member) String() string {
	if m.Host == "" {
		return m.Name
	}
	return fmt.Sprintf("%s on %s", m.Name, m.Host)
}

// Away is the reason why something cannot be reached, and the last time that it could.
type Away struct {
	Since  time.Time
	Reason string
}

// Inspection is the last run of a check.
type Inspection struct {
	Check   string
	Outcome v1beta1.Outcome
	Message string
	// Ran is when it ended, zero before the first run; Since when the first of the latest runs with the same outcome did.
	Ran, Since time.Time
	// Due is when the next one begins; zero when nobody says.
	Due time.Time
}

// Neighbour is a member of another cluster that shares a host or zone. Up is whether it can be scraped, WALFsync its p99 of
// WAL fsyncs in seconds; nil when that is not known.
type Neighbour struct {
	Cluster  string
	Member   Member
	Up       *bool
	WALFsync *float64
}

// scrape of a member.
type scrape int

const (
	scrapeUnknown scrape = iota
	scrapeFailed
	scraped
)

func (s *Snapshot) scrapeOf(m Member) scrape {
	switch value, known := s.last(up, m.Name); {
	case !known:
		return scrapeUnknown
	case value == 0:
		return scrapeFailed
	}
	return scraped
}

func (s *Snapshot) membersWith(state scrape) []Member {
	return s.membersThat(func(m Member) bool { return s.scrapeOf(m) == state })
}

func (s *Snapshot) membersThat(are func(Member) bool) []Member {
	var found []Member
	for _, m := range s.Members {
		if are(m) {
			found = append(found, m)
		}
	}
	return found
}

// quorum is how many members must agree; 0 when the size is not known.
func (s *Snapshot) quorum() int {
	size := s.Size
	if size == 0 {
		size = len(s.Members)
	}
	if size == 0 {
		return 0
	}
	return size/2 + 1
}

// isMissedByPeers reports whether a member that is scraped has lost one of its peers, or gets no answer from it. It is the
// second fact that makes a member that cannot be scraped one that is down.
func (s *Snapshot) isMissedByPeers() bool {
	return slices.ContainsFunc(s.membersWith(scraped), func(m Member) bool {
		return s.isBelow(activePeers, m, len(s.Members)-1) || s.isBelow(answeringPeers, m, len(s.Members)-1)
	})
}

func (s *Snapshot) isBelow(of Signal, m Member, bound int) bool {
	value, known := s.last(of, m.Name)
	return known && int(value) < bound
}

func (s *Snapshot) inspection(check string) (Inspection, bool) {
	i := slices.IndexFunc(s.Inspections, func(i Inspection) bool { return i.Check == check })
	if i < 0 {
		return Inspection{}, false
	}
	return s.Inspections[i], true
}

// inspectionsWith returns those of the checks whose last run ended with one of the outcomes.
func (s *Snapshot) inspectionsWith(outcomes []v1beta1.Outcome, checks ...string) []Inspection {
	var found []Inspection
	for _, check := range checks {
		if i, ok := s.inspection(check); ok && slices.Contains(outcomes, i.Outcome) {
			found = append(found, i)
		}
	}
	return found
}

func (i Inspection) evidence() Evidence {
	return Evidence{Text: fmt.Sprintf("inspection %s: %s", i.Check, i.Outcome), Check: i.Check}
}

// listed writes members as "a on h1 and b on h2".
func listed(members []Member) string {
	texts := make([]string, len(members))
	for i, m := range members {
		texts[i] = m.String()
	}
	if len(texts) < 2 {
		return strings.Join(texts, "")
	}
	return strings.Join(texts[:len(texts)-1], ", ") + " and " + texts[len(texts)-1]
}

// plural returns the noun for a number of things.
func plural(count int, one, many string) string {
	if count == 1 {
		return one
	}
	return many
}

// earliest is the first of the times that are known; zero without one.
func earliest(times ...time.Time) time.Time {
	var first time.Time
	for _, t := range times {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}
