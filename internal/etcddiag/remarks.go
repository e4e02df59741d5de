package etcddiag

import (
	"fmt"

	"github.com/etcdfleet/etcd-fleet/internal/etcdclient"
)

// NothingToCompare is the message about a cluster of one voting member where members are compared.
const NothingToCompare = "There is one voting member and nothing to compare."

// Remarks are sentences for a message about the members that are not compared: " Member etcd-2 is missing (…)."
func (a Members) Remarks() string {
	remarks := a.RemarkMissing() + a.RemarkStrays()
	for _, m := range a.Learners() {
		remarks += fmt.Sprintf(" Learner %s is not compared.", m.Name)
	}
	return remarks
}

// RemarkMissing are sentences about the voting members that did not answer.
func (a Members) RemarkMissing() string {
	remarks := ""
	for _, m := range a.Missing() {
		remarks += fmt.Sprintf(" Member %s is missing (%s).", m.Name, etcdclient.Reason(m.Err))
	}
	return remarks
}

// RemarkStrays are sentences about the members that serve another etcd cluster.
func (a Members) RemarkStrays() string {
	remarks := ""
	for _, m := range a.Strays() {
		remarks += fmt.Sprintf(" Member %s is left out (it serves another etcd cluster, see the check membership).", m.Name)
	}
	return remarks
}
