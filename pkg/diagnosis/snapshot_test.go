package diagnosis

import (
	"time"

	"github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

// The pretended cluster of the tests: three members on hosts of their own, all well for the whole window.
var (
	now = time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	m0  = Member{Name: "gz-1-0", Host: "node-0"}
	m1  = Member{Name: "gz-1-1", Host: "node-1"}
	m2  = Member{Name: "gz-1-2", Host: "node-2"}
)

func wellCluster() *Snapshot {
	s := &Snapshot{
		At: now, Region: "gz", Cluster: "gz-1", Size: 3, Members: []Member{m0, m1, m2},
		KubernetesClusters: []string{"gz-tke-1"}, Series: Series{},
	}
	for _, m := range s.Members {
		for _, steady := range []struct {
			of    Signal
			value float64
		}{{up, 1}, {hasLeader, 1}, {activePeers, 2}, {answeringPeers, 2}, {walFsync, 0.004}, {peerRoundTrip, 0.002}, {quotaUsed, 0.2}, {defragmenting, 0}, {cpu, 0.1}, {clockOffset, -12}} {
			s.set(steady.of, m.Name, Window, steady.value)
		}
	}
	s.set(probe, "", Window, 1)
	s.set(leaderChanges, "", Window, 0)
	s.set(noSpaceAlarms, "", Window, 0)
	s.set(requests, "", Window, 20)
	s.set(sentBytes, "", Window, 500<<10)
	for _, sli := range append(append([]string{"scrapes"}, seenByEtcd...), seenByAPIServer...) {
		s.set(burnRate, sli, Window, 0)
	}
	for _, check := range []string{"alarms", "data-consistency", "membership", "request-latency"} {
		s.inspect(check, v1beta1.OutcomePassed, "All is well.")
	}
	return s
}

// set gives a signal a value for the last part of the window; what was before stays.
func (s *Snapshot) set(of Signal, key string, last time.Duration, value float64) {
	begin := now.Add(-last)
	before := s.Series[of.Name][key]
	delete(s.Series[of.Name], key)
	for _, p := range before {
		if p.Time.Before(begin) {
			s.Series.Add(of.Name, key, p)
		}
	}
	for at := begin; !at.After(now); at = at.Add(Step) {
		s.Series.Add(of.Name, key, Point{at, value})
	}
}

// end lets a signal have no samples for the last part of the window.
func (s *Snapshot) end(of Signal, key string, last time.Duration) {
	before := s.Series[of.Name][key]
	delete(s.Series[of.Name], key)
	for _, p := range before {
		if p.Time.Before(now.Add(-last)) {
			s.Series.Add(of.Name, key, p)
		}
	}
}

// kill takes a member away a minute ago: its scrape fails, and its peers lose it unless they are dead too.
func (s *Snapshot) kill(m Member) {
	const last = minute
	s.set(up, m.Name, last, 0)
	for _, of := range []Signal{hasLeader, activePeers, answeringPeers, walFsync, peerRoundTrip, quotaUsed, defragmenting, cpu, clockOffset} {
		s.end(of, m.Name, last)
	}
	for _, other := range s.Members {
		if peers, known := s.last(activePeers, other.Name); known && other != m {
			s.set(activePeers, other.Name, last, peers-1)
		}
	}
}

// neighbour is a member of another cluster on a host.
func neighbour(cluster, host string, isUp *bool, walFsync *float64) Neighbour {
	return Neighbour{Cluster: cluster, Member: Member{Name: cluster + "-0", Host: host}, Up: isUp, WALFsync: walFsync}
}

// inZone stands m1 and the neighbours in a zone.
func (s *Snapshot) inZone(zone string) {
	s.Members[1].Zone = zone
	for i := range s.Neighbours {
		s.Neighbours[i].Member.Zone = zone
	}
}

func (s *Snapshot) inspect(check string, outcome v1beta1.Outcome, message string) {
	at := now.Add(-time.Minute)
	s.Inspections = append(s.Inspections, Inspection{Check: check, Outcome: outcome, Message: message, Ran: at, Since: at, Due: now.Add(time.Minute)})
}

func (s *Snapshot) reinspect(check string, outcome v1beta1.Outcome, message string) {
	for i := range s.Inspections {
		if s.Inspections[i].Check == check {
			s.Inspections[i].Outcome, s.Inspections[i].Message = outcome, message
			return
		}
	}
	s.inspect(check, outcome, message)
}
