package diagnosis

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

const (
	minute = time.Minute
	moment = 2 * Step
)

// Each case is what one cause does to what is known of a cluster.
var causes = []struct {
	name  string
	do    func(*Snapshot)
	first string
	// severity, members, since and words are those of the first finding.
	severity Severity
	members  string
	since    time.Duration
	words    []string
}{
	{
		name: "two of three members killed",
		do: func(s *Snapshot) {
			s.kill(m1)
			s.kill(m2)
			s.set(hasLeader, m0.Name, 45*time.Second, 0)
			s.set(probe, "", 30*time.Second, 0)
			s.set(burnRate, "quorum", 30*time.Second, 900)
		},
		first: "quorum-lost", severity: Failing, members: "gz-1-1, gz-1-2", since: minute,
		words: []string{"2 of 3 members are down", "gz-1-1 on node-1 and gz-1-2 on node-2"},
	},
	{
		name: "all members killed",
		do: func(s *Snapshot) {
			for _, m := range s.Members {
				s.kill(m)
			}
			s.set(probe, "", 30*time.Second, 0)
		},
		first: "quorum-lost", severity: Failing, members: "gz-1-0, gz-1-1, gz-1-2", since: minute, words: []string{"3 of 3 members are down"},
	},
	{
		name: "members that do not reach each other",
		do: func(s *Snapshot) {
			for _, m := range s.Members {
				s.set(hasLeader, m.Name, minute, 0)
				s.set(activePeers, m.Name, minute, 0)
			}
			s.set(probe, "", minute, 0)
		},
		first: "quorum-lost", severity: Failing, since: minute, words: []string{"no leader, though its members run"},
	},
	{
		name:  "one member killed",
		do:    func(s *Snapshot) { s.kill(m1) },
		first: "member-down", severity: Degraded, members: "gz-1-1", since: minute, words: []string{"its peers have lost it", "next member that fails"},
	},
	{
		name: "a member killed while others on its host are scraped",
		do: func(s *Snapshot) {
			s.kill(m1)
			s.Neighbours = []Neighbour{neighbour("gz-2", "node-1", new(true), nil), neighbour("gz-3", "node-1", new(false), nil), neighbour("gz-4", "node-1", nil, nil)}
		},
		first: "member-down", severity: Degraded, members: "gz-1-1", since: minute, words: []string{"Its host answers: 1 of 2 other clusters"},
	},
	{
		name: "a host that is away with all members on it",
		do: func(s *Snapshot) {
			s.kill(m1)
			s.Neighbours = []Neighbour{neighbour("gz-2", "node-1", new(false), nil), neighbour("gz-3", "node-1", new(false), nil), neighbour("gz-4", "node-2", new(true), nil)}
		},
		first: "host-away", severity: Degraded, members: "gz-1-1", since: minute,
		words: []string{"Host node-1 is away: inferred from all 3 clusters compared on it", "Of gz-1, member gz-1-1 is down", "next member that fails"},
	},
	{
		name: "a member killed beside one other that is down too",
		do: func(s *Snapshot) {
			s.kill(m1)
			s.Neighbours = []Neighbour{neighbour("gz-2", "node-1", new(false), nil)}
		},
		first: "member-down", severity: Degraded, members: "gz-1-1", since: minute,
	},
	{
		name: "a zone that is away",
		do: func(s *Snapshot) {
			s.kill(m1)
			s.Neighbours = []Neighbour{neighbour("gz-2", "node-1", new(false), nil), neighbour("gz-3", "node-7", new(false), nil), neighbour("gz-4", "node-8", new(false), nil)}
			s.inZone("zone-b")
		},
		first: "host-away", severity: Degraded, members: "gz-1-1", since: minute,
		words: []string{"Zone zone-b is away: inferred from host node-1 and 2 of 2 members"},
	},
	{
		name: "two of three members killed with their host",
		do: func(s *Snapshot) {
			s.Members[2].Host = "node-1"
			s.kill(m1)
			s.kill(m2)
			s.set(hasLeader, m0.Name, 45*time.Second, 0)
			s.Neighbours = []Neighbour{neighbour("gz-2", "node-1", new(false), nil), neighbour("gz-3", "node-1", new(false), nil)}
		},
		first: "quorum-lost", severity: Failing, members: "gz-1-1, gz-1-2", since: minute,
		words: []string{"Nothing can be written, and reads fail. Host node-1 is away: inferred from all 3 clusters compared on it, whose members cannot be scraped."},
	},
	{
		name: "a member that hangs: its connections stay",
		do: func(s *Snapshot) {
			s.set(up, m1.Name, 2*minute, 0)
			s.set(answeringPeers, m0.Name, minute, 1)
			s.set(answeringPeers, m2.Name, minute, 1)
			s.set(activePeers, m1.Name, minute, 3) // etcd may count a connection twice
		},
		first: "member-down", severity: Degraded, members: "gz-1-1", since: 2 * minute,
	},
	{
		name:  "a member whose peers see it",
		do:    func(s *Snapshot) { s.set(up, m1.Name, minute, 0) },
		first: "member-not-scraped", severity: Blind, members: "gz-1-1", since: minute, words: []string{"Whether it runs is not known"},
	},
	{
		name: "no member scraped while the cluster answers",
		do: func(s *Snapshot) {
			for _, m := range s.Members {
				s.set(up, m.Name, minute, 0)
				s.end(hasLeader, m.Name, minute)
			}
		},
		first: "collection-broken", severity: Blind, members: "gz-1-0, gz-1-1, gz-1-2", since: minute, words: []string{"The cluster itself answers"},
	},
	{
		name: "no target",
		do: func(s *Snapshot) {
			s.Series = Series{}
			s.reinspect("request-latency", v1beta1.OutcomeError, "No member answered.")
		},
		first: "collection-broken", severity: Blind, words: []string{"no target of gz-1", "Whether it works is not known"},
	},
	{
		name: "a target that is gone",
		do: func(s *Snapshot) {
			for _, m := range s.Members {
				s.end(up, m.Name, 2*minute)
				s.end(hasLeader, m.Name, 2*minute)
			}
		},
		first: "collection-broken", severity: Blind, since: 2 * minute, words: []string{"no target of gz-1", "The cluster itself answers"},
	},
	{
		name: "a backend at its quota",
		do: func(s *Snapshot) {
			for _, m := range s.Members {
				s.set(quotaUsed, m.Name, 3*minute, 1.01)
			}
			s.set(noSpaceAlarms, "", minute, 3)
		},
		first: "no-space", severity: Failing, members: "gz-1-0, gz-1-1, gz-1-2", since: 3 * minute, words: []string{"NOSPACE"},
	},
	{
		name:  "a backend near its quota",
		do:    func(s *Snapshot) { s.set(quotaUsed, m2.Name, 5*minute, 0.9) },
		first: "quota-nearly-full", severity: AtRisk, members: "gz-1-2", since: 5 * minute,
	},
	{
		name: "data that differ",
		do: func(s *Snapshot) {
			s.reinspect("data-consistency", v1beta1.OutcomeFailed, "gz-1-2 has other data than gz-1-0 and gz-1-1.")
		},
		first: "data-differ", severity: Failing, since: minute, words: []string{"gz-1-2 has other data"},
	},
	{
		name: "a member of another cluster",
		do: func(s *Snapshot) {
			s.reinspect("membership", v1beta1.OutcomeFailed, "gz-1-2 belongs to another etcd cluster.")
		},
		first: "split-membership", severity: Degraded, members: "gz-1-2", since: minute,
	},
	{
		name:  "a slow disk",
		do:    func(s *Snapshot) { s.set(walFsync, m1.Name, 2*minute, 0.4) },
		first: "slow-disk", severity: Degraded, members: "gz-1-1", since: 2 * minute, words: []string{"on host node-1", "400 ms", "4 ms"},
	},
	{
		name: "a slow disk that other clusters feel",
		do: func(s *Snapshot) {
			s.set(walFsync, m1.Name, 2*minute, 0.4)
			slow, fast := 0.3, 0.005
			s.Neighbours = []Neighbour{neighbour("gz-2", "node-1", nil, &slow), neighbour("gz-3", "node-1", nil, &fast), neighbour("gz-4", "node-1", nil, nil)}
		},
		first: "slow-disk", severity: Degraded, members: "gz-1-1", since: 2 * minute, words: []string{"The disk of host node-1 is slow: inferred from 2 of 3 clusters"},
	},
	{
		name: "a slow disk that no other cluster on the host feels",
		do: func(s *Snapshot) {
			s.set(walFsync, m1.Name, 2*minute, 0.4)
			fast := 0.005
			s.Neighbours = []Neighbour{neighbour("gz-2", "node-1", nil, &fast)}
		},
		first: "slow-disk", severity: Degraded, members: "gz-1-1", since: 2 * minute, words: []string{"1 other cluster on its host node-1 is not hurt"},
	},
	{
		name: "a slow disk in a zone of slow disks",
		do: func(s *Snapshot) {
			s.set(walFsync, m1.Name, 2*minute, 0.4)
			s.Neighbours = []Neighbour{neighbour("gz-2", "node-1", nil, new(0.3)), neighbour("gz-3", "node-7", nil, new(0.3)), neighbour("gz-4", "node-8", nil, new(0.2)), neighbour("gz-5", "node-9", nil, new(0.01))}
			s.inZone("zone-b")
		},
		first: "slow-disk", severity: Degraded, members: "gz-1-1", since: 2 * minute,
		words: []string{"The disks of zone zone-b are slow: inferred from host node-1 and 2 of 3 members"},
	},
	{
		name: "slow disks of all members",
		do: func(s *Snapshot) {
			for _, m := range s.Members {
				s.set(walFsync, m.Name, 2*minute, 0.5)
			}
		},
		first: "slow-disk", severity: Degraded, members: "gz-1-0, gz-1-1, gz-1-2", since: 2 * minute, words: []string{"all members"},
	},
	{
		name:  "a slow network",
		do:    func(s *Snapshot) { s.set(peerRoundTrip, m2.Name, 2*minute, 0.3) },
		first: "slow-network", severity: Degraded, members: "gz-1-2", since: 2 * minute,
	},
	{
		name: "a process that does not get to run",
		do: func(s *Snapshot) {
			s.set(peerRoundTrip, m0.Name, 2*minute, 0.7)
			s.set(walFsync, m0.Name, 2*minute, 0.7)
		},
		first: "starved-member", severity: Degraded, members: "gz-1-0", since: 2 * minute,
	},
	{
		name:  "a member that uses all its CPUs",
		do:    func(s *Snapshot) { s.set(cpu, m0.Name, 2*minute, 0.97) },
		first: "starved-member", severity: Degraded, members: "gz-1-0", since: 2 * minute, words: []string{"97 %"},
	},
	{
		name:  "a defragmentation",
		do:    func(s *Snapshot) { s.set(defragmenting, m1.Name, 20*time.Second, 1) },
		first: "defragmentation", severity: Degraded, members: "gz-1-1", since: 20 * time.Second,
	},
	{
		name:  "a leader that changes",
		do:    func(s *Snapshot) { s.set(leaderChanges, "", 4*minute, 4) },
		first: "leader-flapping", severity: Degraded, since: 4 * minute, words: []string{"4 times"},
	},
	{
		name: "lists of an API server",
		do: func(s *Snapshot) {
			s.set(requests, "", 3*minute, 400)
			s.set(burnRate, "read-latency", 3*minute, 60)
			s.set(apiRequests, "list", 3*minute, 350)
			s.set(apiRequests, "get", 3*minute, 50)
		},
		first: "overload", severity: Degraded, since: 3 * minute, words: []string{"400 requests per second instead of 20", "88 % of the API servers' requests are list"},
	},
	{
		name:  "a client that reads everything",
		do:    func(s *Snapshot) { s.set(sentBytes, "", 3*minute, 40<<20) },
		first: "large-lists", severity: AtRisk, since: 3 * minute, words: []string{"send 40.0 MiB per second instead of 500.0 KiB"},
	},
	{
		name: "a client that reads everything, which users feel and members' CPUs too",
		do: func(s *Snapshot) {
			s.set(sentBytes, "", 3*minute, 90<<20)
			s.set(cpu, m0.Name, 2*minute, 0.97)
			s.set(burnRate, "read-latency", 2*minute, 60)
			s.set(apiRequests, "list", 3*minute, 350)
		},
		first: "large-lists", severity: Degraded, since: 3 * minute, words: []string{"of the API servers' requests are list"},
	},
	{
		name:  "an API server that waits for itself",
		do:    func(s *Snapshot) { s.set(burnRate, "client-read-latency", 3*minute, 60) },
		first: "api-server", severity: Degraded, since: 3 * minute, words: []string{"It is not etcd", "gz-tke-1"},
	},
	{
		name: "slow requests for no known reason",
		do: func(s *Snapshot) {
			s.set(burnRate, "txn-latency", 3*minute, 60)
			s.set(burnRate, "client-write-latency", 3*minute, 60)
		},
		first: "not-known", severity: Unexplained, since: 3 * minute, words: []string{"the cause is not known"},
	},
	{
		name: "a disk that is well again while the burn rate still shows it",
		do: func(s *Snapshot) {
			s.set(walFsync, m1.Name, 10*minute, 0.5)
			s.set(walFsync, m1.Name, 2*minute, 0.004)
			s.set(burnRate, seenByEtcd[0], 9*minute, 50)
		},
		first: "slow-disk", severity: Degraded, members: "gz-1-1", since: 10 * minute,
		words: []string{"last seen 2m ago", "The disk of gz-1-1 on host node-1 is slow."},
	},
	{
		name: "a disk that is well again for longer than the burn rate looks back",
		do: func(s *Snapshot) {
			s.set(walFsync, m1.Name, 20*minute, 0.5)
			s.set(walFsync, m1.Name, 6*minute, 0.004)
			s.set(burnRate, seenByEtcd[0], 3*minute, 50)
		},
		first: "not-known", severity: Unexplained, since: 3 * minute,
	},
	{
		name:  "a region whose API server is away",
		do:    func(s *Snapshot) { s.RegionAway = &Away{now.Add(-4 * minute), "It does not answer."} },
		first: "region-away", severity: Blind, since: 4 * minute, words: []string{"as of 02:56:00 UTC"},
	},
	{
		name: "inspections that nobody runs",
		do: func(s *Snapshot) {
			for i := range s.Inspections {
				s.Inspections[i].Ran, s.Inspections[i].Due = now.Add(-40*minute), now.Add(-30*minute)
			}
		},
		first: "inspections-stopped", severity: Blind, since: 40 * minute, words: []string{"the last one ended at 02:20:00 UTC"},
	},
	{
		name: "an onboarding that is not complete",
		do: func(s *Snapshot) {
			s.Series, s.Onboarding = Series{}, "Waiting for the first good scrape of member gz-1-0."
		},
		first: "onboarding-incomplete", severity: Blind, members: "gz-1-0", words: []string{"first good scrape of member gz-1-0"},
	},
	{
		name: "a member that waits for its first scrape while the others are scraped",
		do: func(s *Snapshot) {
			s.set(up, m1.Name, 20*minute, 0)
			s.Onboarding = "Waiting for the first good scrape of member gz-1-1."
		},
		first: "onboarding-incomplete", severity: Blind, members: "gz-1-1",
	},
	{
		name: "a certificate",
		do: func(s *Snapshot) {
			s.reinspect("certificate-expiry", v1beta1.OutcomeFailed, "The certificate of gz-1-1 expires in 2 days.")
		},
		first: "certificate", severity: AtRisk, members: "gz-1-1", since: minute,
	},
	{
		name:  "a clock that is ahead",
		do:    func(s *Snapshot) { s.set(clockOffset, m1.Name, 10*minute, 65) },
		first: "clock", severity: AtRisk, members: "gz-1-1", words: []string{"The clock of member gz-1-1 on node-1 is at least 1m ahead of that of Prometheus."},
	},
	{
		name:  "a clock that is behind",
		do:    func(s *Snapshot) { s.set(clockOffset, m1.Name, 10*minute, -600) },
		first: "clock", severity: AtRisk, members: "gz-1-1", words: []string{"is at least 10m behind that of Prometheus."},
	},
	{
		name: "the clock of Prometheus",
		do: func(s *Snapshot) {
			for _, m := range s.Members {
				s.set(clockOffset, m.Name, 10*minute, -600)
			}
		},
		first: "clock", severity: AtRisk, words: []string{"the clock of Prometheus may be the wrong one"},
	},
	{
		name: "a member that collects garbage seldom, and one that started just now",
		do: func(s *Snapshot) {
			s.set(clockOffset, m1.Name, 2*minute, -130)
			s.end(clockOffset, m2.Name, Window+Step)
			s.set(clockOffset, m2.Name, minute, -600)
		},
		first: "none", severity: Quiet,
	},
	{
		name:  "large values",
		do:    func(s *Snapshot) { s.reinspect("large-key-values", v1beta1.OutcomeWarning, "/big has 900 KiB.") },
		first: "large-values", severity: AtRisk, since: minute, words: []string{"/big"},
	},
	{
		name:  "a hot key",
		do:    func(s *Snapshot) { s.reinspect("write-qps-outliers", v1beta1.OutcomeWarning, "/hot is written often.") },
		first: "hot-keys", severity: AtRisk, since: minute, words: []string{"/hot"},
	},
	{
		name:  "many keys",
		do:    func(s *Snapshot) { s.reinspect("key-count-growth", v1beta1.OutcomeWarning, "/many/ grows.") },
		first: "key-growth", severity: AtRisk, since: minute, words: []string{"/many/"},
	},
	{
		name:  "another inspection",
		do:    func(s *Snapshot) { s.inspect("backup-age", v1beta1.OutcomeFailed, "The last backup is 3 days old.") },
		first: "inspection-failed", severity: AtRisk, since: minute, words: []string{"backup-age: The last backup"},
	},
	{
		name:  "nothing",
		do:    func(*Snapshot) {},
		first: "none", severity: Quiet,
	},
	{
		name:  "Thanos away",
		do:    func(s *Snapshot) { s.Series, s.SeriesAway = nil, "Thanos does not answer." },
		first: "series-away", severity: Blind, words: []string{"No series of gz-1 can be read: Thanos does not answer."},
	},
	{
		name:  "a cluster that nobody knows",
		do:    func(s *Snapshot) { *s = Snapshot{At: now, Region: "gz", Cluster: "gz-9"} },
		first: "none", severity: Blind, words: []string{"neither the inventory nor any series"},
	},
}

func TestTheFirstFindingIsTheCause(t *testing.T) {
	for _, c := range causes {
		t.Run(c.name, func(t *testing.T) {
			s := wellCluster()
			c.do(s)
			first := Diagnose(s)[0]
			require.Equal(t, c.first, first.Suspect.Name, first.Statement)
			require.Equal(t, c.severity, first.Severity)
			require.Equal(t, c.members, first.MemberNames(), first.Statement)
			for _, words := range c.words {
				require.Contains(t, first.Statement, words)
			}
			if c.since == 0 {
				require.Zero(t, first.Since)
			} else {
				require.WithinDuration(t, now.Add(-c.since), first.Since, Step)
			}
		})
	}
}

// The same causes a moment ago: what does not last is not named.
func TestOneSlowSampleIsNoise(t *testing.T) {
	for _, of := range []Signal{walFsync, peerRoundTrip, cpu} {
		s := wellCluster()
		s.set(of, m1.Name, 0, 3)
		require.Equal(t, "none", Diagnose(s)[0].Suspect.Name, of.Name)
	}
}

func TestTwoFaultsAtOnceAreTwoFindings(t *testing.T) {
	s := wellCluster()
	s.kill(m1)
	s.set(walFsync, m2.Name, minute, 0.5)
	s.reinspect("large-key-values", v1beta1.OutcomeFailed, "/big has 900 KiB.")
	require.Equal(t, []string{"member-down", "slow-disk", "large-values"}, names(Diagnose(s)))
}

func TestASymptomIsNotNamedBesideItsCause(t *testing.T) {
	s := wellCluster()
	s.kill(m1)
	s.kill(m2)
	s.set(hasLeader, m0.Name, minute, 0)
	s.set(leaderChanges, "", minute, 5)
	s.set(peerRoundTrip, m0.Name, minute, 2)
	s.set(quotaUsed, m0.Name, minute, 0.9)
	require.Equal(t, []string{"quorum-lost", "quota-nearly-full"}, names(Diagnose(s)))
}

// A check that compares members warns of one that is missing: that is no large value and no hot key.
func TestAWarningOfAMissingMemberIsNoCauseOfItsOwn(t *testing.T) {
	s := wellCluster()
	s.inspect("write-qps-outliers", v1beta1.OutcomeWarning, "Member gz-1-1 is missing (no answer in time).")
	require.Equal(t, []string{"hot-keys"}, names(Diagnose(s)))
	s.set(up, m1.Name, 2*minute, 0)
	require.Equal(t, []string{"member-not-scraped"}, names(Diagnose(s)))
	s.set(up, m1.Name, moment, 1)
	require.Equal(t, []string{"none"}, names(Diagnose(s)), "until the check has run again")
}

// A member that waits says nothing about another one that was scraped.
func TestAWaitingMemberDoesNotHideAnother(t *testing.T) {
	s := wellCluster()
	s.Onboarding = "Waiting for the first good scrape of member gz-1-1."
	s.set(up, m1.Name, 20*minute, 0)
	s.set(up, m2.Name, minute, 0)
	require.Equal(t, []string{"member-not-scraped", "onboarding-incomplete"}, names(Diagnose(s)))
	require.Equal(t, "gz-1-2", Diagnose(s)[0].MemberNames())
}

func TestAShortGapDoesNotMoveTheBeginning(t *testing.T) {
	s := wellCluster()
	s.set(walFsync, m1.Name, 10*minute, 0.4)
	s.set(walFsync, m1.Name, 5*minute, 0.004)
	s.set(walFsync, m1.Name, 5*minute-moment, 0.4)
	require.Equal(t, now.Add(-10*minute), Diagnose(s)[0].Since)
}

func TestEachSuspectIsTheFirstOfACause(t *testing.T) {
	var named []string
	for _, c := range causes {
		named = append(named, c.first)
	}
	for _, suspect := range Suspects() {
		require.Contains(t, named, suspect.Name)
	}
}

// Any part of what is known may be missing: then less is said, and nothing is guessed.
func TestNothingIsNamedThatTheRestOfTheFactsDoNotSay(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test's random numbers
	for _, c := range causes {
		for range 10 {
			s := wellCluster()
			c.do(s)
			whole := names(Diagnose(s))
			for _, histories := range s.Series {
				for key := range histories {
					if random.IntN(2) == 0 {
						delete(histories, key)
					}
				}
			}
			for _, f := range Diagnose(s) {
				require.NotEmpty(t, f.Statement)
				require.NotContains(t, f.Statement, "NaN")
				if f.Severity == Failing {
					require.Contains(t, whole, f.Suspect.Name, "%s: %s", c.name, f.Statement)
				}
			}
		}
	}
}

func TestSpecialNumbersAreNoSamples(t *testing.T) {
	s := Series{}
	s.Add("up", "", Point{now, math.NaN()})
	require.Empty(t, s)
	latencies := map[float64]string{0.0042: "4.2 ms", 0.25: "250 ms", 3.2768: "3.3 s", 120: "2m", math.Inf(1): "more than measured"}
	for value, text := range latencies {
		require.Equal(t, text, seconds(value))
	}
}

func TestOldSamplesSayNothing(t *testing.T) {
	s := wellCluster()
	s.kill(m1)
	s.At = now.Add(5 * minute)
	require.NotContains(t, names(Diagnose(s)), "member-down")
}

func names(findings []Finding) []string {
	list := make([]string, len(findings))
	for i, f := range findings {
		list[i] = f.Suspect.Name
	}
	return list
}

func TestSuspectsAreDistinct(t *testing.T) {
	var seen []string
	for _, s := range Suspects() {
		require.False(t, slices.Contains(seen, s.Name) || slices.Contains(seen, s.Title), fmt.Sprint(s.Name, " is there twice"))
		seen = append(seen, s.Name, s.Title)
	}
}

func TestWhatIsOverIsNotDown(t *testing.T) {
	s := wellCluster()
	for _, change := range []struct {
		of        Signal
		key       string
		bad, well float64
	}{{up, m1.Name, 0, 1}, {up, m2.Name, 0, 1}, {activePeers, m0.Name, 0, 2}, {hasLeader, m0.Name, 0, 1}, {hasLeader, m1.Name, 0, 1}, {hasLeader, m2.Name, 0, 1}, {probe, "", 0, 1}} {
		s.set(change.of, change.key, 3*minute, change.bad)
		s.set(change.of, change.key, minute, change.well)
	}
	s.set(burnRate, seenByEtcd[0], 3*minute, 50)

	during := Diagnose(s.before(90 * time.Second))
	require.True(t, HasNoQuorum(during))
	require.Equal(t, []Member{m1, m2}, DownMembers(during))

	after := Diagnose(s)
	require.Equal(t, "quorum-lost", after[0].Suspect.Name)
	require.True(t, after[0].Over)
	require.False(t, HasNoQuorum(after))
	require.Empty(t, DownMembers(after))
}
