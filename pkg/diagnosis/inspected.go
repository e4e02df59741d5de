package diagnosis

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

// The suspects that a check of cruiser has judged already: what it says is the statement.

var (
	failed        = []v1beta1.Outcome{v1beta1.OutcomeFailed}
	failedOrWarns = []v1beta1.Outcome{v1beta1.OutcomeFailed, v1beta1.OutcomeWarning}
)

// dataDiffer needs no second fact: the checks ask for one themselves before they are Failed.
func dataDiffer(s *Snapshot) []Finding {
	return s.inspected(failed, Failing, "The data of the members differ, so that some clients read wrong data.",
		"Find the member that is wrong by the inspections' history. Take a snapshot of each member before you replace one.",
		"data-consistency", "etcd-node-key-diff")
}

func splitMembership(s *Snapshot) []Finding {
	return s.inspected(failed, Degraded, "Not all members are of one cluster.",
		"Remove the member from the cluster, wipe its data and add it again with --initial-cluster-state existing.", "membership")
}

func certificate(s *Snapshot) []Finding {
	return s.inspected(failedOrWarns, AtRisk, "A certificate expires soon.", "Renew it: etcd reads it anew without a restart.", "certificate-expiry")
}

func largeValues(s *Snapshot) []Finding {
	return s.inspected(failedOrWarns, AtRisk, "There are large values.", "Ask their owner to split or compress them.", "large-key-values")
}

func hotKeys(s *Snapshot) []Finding {
	return s.inspected(failedOrWarns, AtRisk, "A few keys get most of the writes.", "Ask who writes them for fewer writes.", "write-qps-outliers")
}

func keyGrowth(s *Snapshot) []Finding {
	return s.inspected(failedOrWarns, AtRisk, "The number of keys grows.", "Find who creates the keys under the prefix.", "key-count-growth")
}

// inspectionFailed is any other check that found a fault.
func inspectionFailed(s *Snapshot) []Finding {
	var others []string
	for _, i := range s.Inspections {
		if !slices.Contains(judged, i.Check) {
			others = append(others, i.Check)
		}
	}
	slices.Sort(others)
	return s.inspected(failed, AtRisk, "An inspection found a fault.", "Read the inspection's message, which says what to do.", others...)
}

// judged are the checks with a suspect of their own, and alarms, which noSpace knows sooner.
var judged = []string{
	"data-consistency", "etcd-node-key-diff", "membership", "certificate-expiry", "large-key-values", "write-qps-outliers",
	"key-count-growth", "quota-and-fragmentation",
}

// saysMissing reports whether an inspection ended while a member was not scraped: what it warns of then is that member.
func (s *Snapshot) saysMissing(i Inspection) bool {
	return i.Outcome == v1beta1.OutcomeWarning && slices.ContainsFunc(s.Members, func(m Member) bool {
		return slices.ContainsFunc(s.Series[up.Name][m.Name], func(p Point) bool {
			return p.Value == 0 && p.Time.Sub(i.Ran).Abs() <= aroundRun
		})
	})
}

// aroundRun is how far apart the end of a run and a failed scrape of the same outage may be.
const aroundRun = time.Minute

// inspected is one finding of all those of the checks that ended with one of the outcomes.
func (s *Snapshot) inspected(outcomes []v1beta1.Outcome, severity Severity, statement, action string, checks ...string) []Finding {
	found := slices.DeleteFunc(s.inspectionsWith(outcomes, checks...), s.saysMissing)
	if len(found) == 0 {
		return nil
	}
	f := Finding{Severity: severity, Action: action, Check: found[0].Check}
	texts := []string{statement}
	var named []Member
	var since []time.Time
	for _, i := range found {
		texts = append(texts, fmt.Sprintf("%s: %s", i.Check, i.Message))
		f.Evidence = append(f.Evidence, i.evidence())
		named = append(named, s.namedIn(i.Message)...)
		since = append(since, i.Since)
	}
	f.Statement = strings.Join(texts, " ")
	f.Since = earliest(since...)
	// A message that compares members names several: which of them is wrong, only its reader knows.
	if len(named) == 1 {
		f.Members = named
	}
	return []Finding{f}
}

// namedIn returns the members whose names a message has as whole words.
func (s *Snapshot) namedIn(message string) []Member {
	words := strings.FieldsFunc(message, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_.", r)
	})
	for i, word := range words {
		words[i] = strings.TrimRight(word, ".")
	}
	return s.membersThat(func(m Member) bool { return slices.Contains(words, m.Name) })
}
