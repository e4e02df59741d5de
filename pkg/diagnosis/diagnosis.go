// Package diagnosis says what is wrong with a cluster. A suspect is one possible cause: a file <name>.go, with underscores
// for the name's dashes, whose function judges a Snapshot and asks nobody, and a line in suspects. What it reads of
// Prometheus is in signals.yaml.
package diagnosis

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/etcdfleet/etcd-fleet/pkg/slorules"
)

// suspects are all possible causes, each before the symptoms that it brings about: of two findings of the same severity
// the one whose suspect comes first is the first answer.
var suspects = []Suspect{
	{"quorum-lost", "Quorum lost", quorumLost},
	{"no-space", "Quota exceeded", noSpace},
	{"data-differ", "Data differ", dataDiffer},
	{"collection-broken", "Collection broken", collectionBroken},
	{"split-membership", "Split membership", splitMembership},
	{"host-away", "Host or zone away", hostAway},
	{"member-down", "Member down", memberDown},
	{"defragmentation", "Defragmentation", defragmentation},
	{"large-lists", "Large lists", largeLists},
	{"starved-member", "Starved member", starvedMember},
	{"slow-disk", "Slow disk", slowDisk},
	{"slow-network", "Slow peer network", slowNetwork},
	{"overload", "Overload", overload},
	{"leader-flapping", "Leader flapping", leaderFlapping},
	{"api-server", "Not etcd: the API server", apiServer},
	{"member-not-scraped", "Member not scraped", memberNotScraped},
	{"series-away", "Series away", seriesAway},
	{"region-away", "Region away", regionAway},
	{"inspections-stopped", "Inspections stopped", inspectionsStopped},
	{"onboarding-incomplete", "Onboarding incomplete", onboardingIncomplete},
	{"quota-nearly-full", "Quota nearly full", quotaNearlyFull},
	{"certificate", "Certificate expires", certificate},
	{"clock", "Clock is wrong", clock},
	{"large-values", "Large values", largeValues},
	{"hot-keys", "Hot keys", hotKeys},
	{"key-growth", "Key growth", keyGrowth},
	{"inspection-failed", "Inspection failed", inspectionFailed},
}

// Suspect is one possible cause.
type Suspect struct {
	// Name identifies it, for example quorum-lost; Title is its name for people.
	Name, Title string
	// find returns what the snapshot says against it, nil for nothing. It must not guess: a value that is not known is no
	// evidence.
	find func(*Snapshot) []Finding
}

// HasNoQuorum reports whether the findings say that the cluster has no quorum.
func HasNoQuorum(findings []Finding) bool {
	return slices.ContainsFunc(findings, func(f Finding) bool { return f.Suspect.Name == "quorum-lost" && !f.Over })
}

// DownMembers are those that the findings say are down, and not only not scraped.
func DownMembers(findings []Finding) []Member {
	var down []Member
	for _, f := range findings {
		if !f.Over && slices.Contains([]string{"quorum-lost", "host-away", "member-down"}, f.Suspect.Name) {
			down = append(down, f.Members...)
		}
	}
	return down
}

// Severity is how much a finding hurts, the worst first.
type Severity string

// The severities. A finding that says that something cannot be seen ranks before one about the future.
const (
	// Failing: users cannot read or write, or read wrong data.
	Failing Severity = "Failing"
	// Degraded: users wait, or one more failure makes the cluster fail.
	Degraded Severity = "Degraded"
	// Blind: a part of the cluster's state is not known.
	Blind Severity = "Blind"
	// AtRisk: users feel nothing yet.
	AtRisk Severity = "AtRisk"
	// Unexplained: users are hurt and no suspect says why.
	Unexplained Severity = "Unexplained"
	// Quiet: nothing is known to be wrong.
	Quiet Severity = "Quiet"
)

// Severities are all severities, the worst first.
var Severities = []Severity{Failing, Degraded, Unexplained, Blind, AtRisk, Quiet}

// Finding is a suspect with what speaks against it.
type Finding struct {
	Suspect  Suspect
	Severity Severity
	// Over is set of a cause that was seen some minutes ago and is no more.
	Over bool
	// Statement says in sentences what is wrong.
	Statement string
	// Members are those that it is about; none for the whole cluster.
	Members []Member
	// Since is the beginning as far as the snapshot reaches back; zero when it is not known.
	Since time.Time
	// Evidence are the figures and inspections that the statement follows from, the strongest first.
	Evidence []Evidence
	// Action says what to do next.
	Action string
	// Check is the inspection whose run tells more, "" for none.
	Check string
}

// Evidence is one fact. Expr is the PromQL expression that shows it, or else Check the inspection.
type Evidence struct {
	Text  string `json:"text"`
	Expr  string `json:"expr,omitempty"`
	Check string `json:"check,omitempty"`
}

// MemberNames joins the names of the finding's members.
func (f *Finding) MemberNames() string {
	names := make([]string, len(f.Members))
	for i, m := range f.Members {
		names[i] = m.Name
	}
	return strings.Join(names, ", ")
}

// Hosts are those of the finding's members that are known, each once.
func (f *Finding) Hosts() []string {
	var hosts []string
	for _, m := range f.Members {
		if m.Host != "" && !slices.Contains(hosts, m.Host) {
			hosts = append(hosts, m.Host)
		}
	}
	return hosts
}

// Suspects returns all possible causes, each before the symptoms that it brings about.
func Suspects() []Suspect { return slices.Clone(suspects) }

// Diagnose returns what is wrong with the snapshot's cluster, the worst first: at least one finding, which may say that
// nothing is known to be wrong, or that no suspect explains what users feel.
func Diagnose(s *Snapshot) []Finding {
	findings := suspected(s)
	if len(findings) == 0 || compareSeverity(findings[0].Severity, Unexplained) > 0 {
		if felt := unexplained(s); felt != nil {
			if past := over(s, felt); past != nil {
				felt = past
			}
			findings = slices.Insert(findings, 0, *felt)
		}
	}
	if len(findings) == 0 {
		findings = append(findings, quiet(s))
	}
	return findings
}

// suspected are what the suspects find, the worst first, without what is explained by another finding.
func suspected(s *Snapshot) []Finding {
	var findings []Finding
	for _, suspect := range suspects {
		for _, finding := range suspect.find(s) {
			finding.Suspect = suspect
			findings = append(findings, finding)
		}
	}
	findings = slices.DeleteFunc(findings, func(f Finding) bool { return isSymptom(f, findings) })
	slices.SortStableFunc(findings, func(a, b Finding) int { return compareSeverity(a.Severity, b.Severity) })
	return findings
}

func compareSeverity(a, b Severity) int {
	return cmp.Compare(slices.Index(Severities, a), slices.Index(Severities, b))
}

// symptoms names the suspects that say nothing beside others, because those bring them about.
var symptoms = map[string][]string{
	"host-away":          {"quorum-lost"},
	"member-down":        {"quorum-lost", "host-away"},
	"split-membership":   {"quorum-lost"},
	"member-not-scraped": {"quorum-lost", "collection-broken", "host-away", "member-down", "onboarding-incomplete"},
	"starved-member":     {"large-lists"},
	"slow-disk":          {"quorum-lost", "starved-member"},
	"slow-network":       {"quorum-lost", "starved-member"},
	"overload":           {"quorum-lost"},
	"leader-flapping":    {"quorum-lost"},
	"quota-nearly-full":  {"no-space"},
	"inspection-failed":  {"quorum-lost", "no-space"},
}

// isSymptom reports whether another finding explains f. Where both name members, they must be the same ones: a second
// slow disk is a second fault.
func isSymptom(f Finding, all []Finding) bool {
	return slices.ContainsFunc(all, func(cause Finding) bool {
		if !slices.Contains(symptoms[f.Suspect.Name], cause.Suspect.Name) {
			return false
		}
		return cause.Suspect.Name == "quorum-lost" || len(f.Members) == 0 || len(cause.Members) == 0 ||
			slices.ContainsFunc(f.Members, func(m Member) bool { return slices.Contains(cause.Members, m) })
	})
}

// feltFrom is the burn rate, over five minutes, from which on users are taken to feel something: that of the fast page.
var feltFrom = slorules.Pages[0].Factor

// unexplained is the finding of a cluster whose users are hurt for no known reason; nil when they are not.
func unexplained(s *Snapshot) *Finding {
	sli, rate, since := s.worstBurn()
	if rate < feltFrom {
		return nil
	}
	return &Finding{
		Suspect:   Suspect{Name: "not-known", Title: "Not known"},
		Severity:  Unexplained,
		Statement: fmt.Sprintf("%s burns its error budget %.0f times too fast by the SLI %s, and the cause is not known: no suspect explains it.", s.Cluster, rate, sli),
		Since:     since,
		Evidence:  []Evidence{s.evidence(burnRate, sli, "burn rate of "+sli)},
		Action:    "Compare the members' disk, network and CPU at the time of the beginning; run the inspections of the cluster.",
		Check:     "request-latency",
	}
}

func quiet(s *Snapshot) Finding {
	statement, severity := fmt.Sprintf("Nothing is known to be wrong with %s.", s.Cluster), Quiet
	if len(s.Members) == 0 {
		statement, severity = fmt.Sprintf("Not known: neither the inventory nor any series knows a member of %s.", s.Cluster), Blind
	}
	return Finding{Suspect: Suspect{Name: "none", Title: "None"}, Severity: severity, Statement: statement}
}
