package checks

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/etcddiag"
)

func init() {
	register(Check{
		Name: "alarms",
		Values: []Value{
			{
				Name:   "nospaceAlarms",
				Metric: "etcd_inspection_nospace_alarms",
				Help:   "Members of a cluster for which the alarm NOSPACE is raised. One is enough for the cluster to refuse writes.",
			},
			{
				Name:   "corruptAlarms",
				Metric: "etcd_inspection_corrupt_alarms",
				Help:   "Members of a cluster for which the alarm CORRUPT is raised; the cluster as a whole counts as one.",
			},
		},
		Run: alarms,
	})
}

// alarms reports which alarms are raised in the cluster and for which members. It is Failed when there are any: with NOSPACE
// the cluster refuses writes, with CORRUPT all requests for keys. An alarm for a member that was removed stays in force, and
// the message says so. It is Warning when the answer may be old because the member that gave it knows no leader.
//
// The alarms come from the members' Status, which costs nothing. They are replicated: the member that has applied most
// knows best.
func alarms(ctx context.Context, target Target) (Result, error) {
	all := etcddiag.AskMembers(ctx, target.Members, target.Cluster)
	if err := all.VerifyIdentities(); err != nil {
		return Result{}, err
	}
	answered := all.WithStatus()
	if len(answered) == 0 {
		return Result{}, all.NoAnswer()
	}
	source := slices.MaxFunc(answered, func(a, b *etcddiag.Member) int {
		return cmp.Compare(a.Status.RaftAppliedIndex, b.Status.RaftAppliedIndex)
	})
	raised, err := etcddiag.ParseAlarms(source.Status.Errors)
	if err != nil {
		return Result{}, fmt.Errorf("%s: %w", source.Name, err)
	}
	result := judgeAlarms(raised, nameAlarmed(ctx, all, raised))
	if source.Status.Leader == 0 && len(raised) == 0 {
		result.find(etcdv1beta1.OutcomeWarning, "Member %s knows no leader, so that this may be old: restore the quorum.", source.Name)
	}
	result.Message += all.RemarkStrays()
	return result, nil
}

// nameAlarmed names the members for which alarms are raised.
func nameAlarmed(ctx context.Context, all etcddiag.Members, raised []etcddiag.Alarm) map[uint64]string {
	names := map[uint64]string{0: "an unknown member"}
	for _, m := range all.WithStatus() {
		names[m.Status.Header.MemberId] = m.Name
	}
	if !slices.ContainsFunc(raised, func(a etcddiag.Alarm) bool { return names[a.MemberID] == "" }) {
		return names
	}
	list := all.AnyMemberList(ctx)
	for _, entry := range list {
		if names[entry.ID] == "" {
			names[entry.ID] = cmp.Or(entry.Name, fmt.Sprintf("%x (not started)", entry.ID))
		}
	}
	for _, a := range raised {
		if names[a.MemberID] == "" && list == nil {
			names[a.MemberID] = fmt.Sprintf("%x", a.MemberID)
		} else if names[a.MemberID] == "" {
			names[a.MemberID] = fmt.Sprintf("%x (which is not a member any more: disarm it)", a.MemberID)
		}
	}
	return names
}

func judgeAlarms(raised []etcddiag.Alarm, names map[uint64]string) Result {
	byKind := map[string][]string{}
	for _, a := range raised {
		byKind[a.Kind] = append(byKind[a.Kind], names[a.MemberID])
	}
	result := Result{
		Outcome: etcdv1beta1.OutcomePassed,
		Message: "No alarm is raised.",
		Values: map[string]float64{
			"nospaceAlarms": float64(len(byKind["NOSPACE"])),
			"corruptAlarms": float64(len(byKind["CORRUPT"])),
		},
	}
	if len(raised) == 0 {
		return result
	}
	result.Outcome = etcdv1beta1.OutcomeFailed
	meanings := map[string]string{
		"NOSPACE": "the cluster refuses writes: free space (compact and defragment) or raise --quota-backend-bytes, then disarm the alarm.",
		"CORRUPT": "the cluster refuses requests for keys: let the checks data-consistency and etcd-node-key-diff name the member " +
			"whose data differ before you replace any, then disarm the alarm.",
	}
	var clauses []string
	for _, kind := range slices.Sorted(maps.Keys(byKind)) {
		meaning := cmp.Or(meanings[kind], "look it up in the documentation of this version of etcd.")
		clauses = append(clauses, fmt.Sprintf("Alarm %s is raised for %s, and %s", kind, strings.Join(byKind[kind], ", "), meaning))
	}
	result.Message = strings.Join(clauses, " ")
	return result
}
