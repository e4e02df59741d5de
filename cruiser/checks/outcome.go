package checks

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/etcdclient"
	"github.com/etcdfleet/etcd-fleet/internal/etcddiag"
)

// findings are the sentences of a message, each with the outcome that it stands for.
type findings []finding

type finding struct {
	outcome  etcdv1beta1.Outcome
	sentence string
}

func (f *findings) find(outcome etcdv1beta1.Outcome, format string, args ...any) {
	*f = append(*f, finding{outcome, fmt.Sprintf(format, args...)})
}

// worst is the worst outcome of all.
func (f findings) worst() etcdv1beta1.Outcome {
	var worst etcdv1beta1.Outcome
	for _, finding := range f {
		worst = etcdv1beta1.Worse(worst, finding.outcome)
	}
	return worst
}

// worstFirst returns the findings with the worst first, and otherwise in their order.
func (f findings) worstFirst() findings {
	sorted := slices.Clone(f)
	slices.SortStableFunc(sorted, func(a, b finding) int { return cmp.Compare(b.outcome.Severity(), a.outcome.Severity()) })
	return sorted
}

// message joins the sentences.
func (f findings) message() string {
	var sentences []string
	for _, finding := range f {
		sentences = append(sentences, finding.sentence)
	}
	return strings.Join(sentences, " ")
}

// find adds a sentence to the message, and makes the outcome as bad as it if it is not worse already.
func (r *Result) find(outcome etcdv1beta1.Outcome, format string, args ...any) {
	r.worsen(outcome)
	r.Message += " " + fmt.Sprintf(format, args...)
}

// worsen makes the outcome as bad as this one if it is not worse already.
func (r *Result) worsen(outcome etcdv1beta1.Outcome) {
	r.Outcome = etcdv1beta1.Worse(r.Outcome, outcome)
}

// judgeMissing makes a check for which one member is enough warn of members that are missing, and reports strays.
func (r *Result) judgeMissing(all etcddiag.Members) {
	if len(all.Missing()) > 0 {
		r.worsen(etcdv1beta1.OutcomeWarning)
	}
	r.Message += all.RemarkMissing() + all.RemarkStrays()
}

// cannotRead says why a member's keys could not be read.
func cannotRead(m *etcddiag.Member, err error) error {
	return fmt.Errorf("read the keys of %s: %s", m.Name, etcdclient.Reason(err))
}

// remarkQuota is a sentence about a quota that is not known, or empty.
func remarkQuota(m *etcddiag.Member, q etcddiag.Quota) string {
	if q.Unknown == nil {
		return ""
	}
	return fmt.Sprintf(" The quota of %s is not known (%s): correct its metricsURL in the EtcdCluster, or set spec.parameters.quotaBytes.",
		m.Name, etcdclient.Reason(q.Unknown))
}
