package checks

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
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

// alarms tells which alarms are raised in the cluster and for which members. It is Failed when there are any: with NOSPACE
// the cluster refuses writes, with CORRUPT all requests for keys. An alarm for a member that was removed works on, and the
// message says so. It is Warning when the answer may be old because the member that gave it knows no leader.
//
// The alarms come from the members' Status, which costs nothing. The request AlarmList would be a proposal to Raft, that is
// a write to the logs of all members, and fail where there is no quorum (EtcdServer.Alarm in
// server/etcdserver/v3_server.go). Alarms are replicated: of the members the one that has applied most knows best.
func alarms(ctx context.Context, target Target) (Result, error) {
	all := askMembers(ctx, target)
	if err := all.verifyIdentities(); err != nil {
		return Result{}, err
	}
	answered := all.filter(func(m *member) bool { return m.status != nil && !m.isStray })
	if len(answered) == 0 {
		return Result{}, fmt.Errorf("no member answered: %s", all.reasons())
	}
	source := slices.MaxFunc(answered, func(a, b *member) int {
		return cmp.Compare(a.status.RaftAppliedIndex, b.status.RaftAppliedIndex)
	})
	raised, err := parseAlarms(source.status.Errors)
	if err != nil {
		return Result{}, fmt.Errorf("%s: %w", source.name, err)
	}
	result := judgeAlarms(raised, nameAlarmed(ctx, all, raised))
	if source.status.Leader == 0 && result.Outcome == etcdv1beta1.OutcomePassed {
		result.Outcome = etcdv1beta1.OutcomeWarning
		result.Message += fmt.Sprintf(",member %s knows no leader: this may be old", source.name)
	}
	result.Message += all.remarkStrays()
	return result, nil
}

// alarm is one that is raised. etcd has one of a kind for a member.
type alarm struct {
	kind string

	// memberID is 0 where etcd cannot tell which member is corrupt.
	memberID uint64
}

// The text of an alarm in a Status, as etcd 3.4 to 3.7 write it: "memberID:10276657743932975437 alarm:NOSPACE ". Protocol
// buffers leave out zeros, and vary the spaces.
var (
	alarmKind     = regexp.MustCompile(`(?:^|\s)alarm:\s*(\w+)`)
	alarmMemberID = regexp.MustCompile(`(?:^|\s)memberID:\s*(\d+)`)
)

// parseAlarms finds the alarms among the errors of a Status.
func parseAlarms(statusErrors []string) ([]alarm, error) {
	var raised []alarm
	for _, text := range statusErrors {
		kind := alarmKind.FindStringSubmatch(text)
		if kind == nil {
			continue // "etcdserver: no leader"
		}
		one := alarm{kind: kind[1]}
		if id := alarmMemberID.FindStringSubmatch(text); id != nil {
			var err error
			if one.memberID, err = strconv.ParseUint(id[1], 10, 64); err != nil {
				return nil, fmt.Errorf("its alarm %q cannot be read: report it with the version of etcd: %w", text, err)
			}
		}
		raised = append(raised, one)
	}
	return raised, nil
}

// nameAlarmed names the members for which alarms are raised.
func nameAlarmed(ctx context.Context, all members, raised []alarm) map[uint64]string {
	names := map[uint64]string{0: "an unknown member"}
	for _, m := range all {
		if m.status != nil && !m.isStray {
			names[m.status.Header.MemberId] = m.name
		}
	}
	if !slices.ContainsFunc(raised, func(a alarm) bool { return names[a.memberID] == "" }) {
		return names
	}
	list := anyMemberList(ctx, all)
	for _, entry := range list {
		if names[entry.ID] == "" {
			names[entry.ID] = cmp.Or(entry.Name, fmt.Sprintf("%x (not started)", entry.ID))
		}
	}
	for _, a := range raised {
		if names[a.memberID] == "" && list == nil {
			names[a.memberID] = fmt.Sprintf("%x", a.memberID)
		} else if names[a.memberID] == "" {
			names[a.memberID] = fmt.Sprintf("%x (which is no member any more: disarm it)", a.memberID)
		}
	}
	return names
}

// anyMemberList returns the member list of the first voting member that tells it.
func anyMemberList(ctx context.Context, all members) []*pb.Member {
	for _, m := range all.voters() {
		if list, err := listMembers(ctx, m); err == nil {
			return list
		}
	}
	return nil
}

func judgeAlarms(raised []alarm, names map[uint64]string) Result {
	byKind := map[string][]string{}
	for _, a := range raised {
		byKind[a.kind] = append(byKind[a.kind], names[a.memberID])
	}
	result := Result{
		Outcome: etcdv1beta1.OutcomePassed,
		Message: "no alarm is raised",
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
		"NOSPACE": "the cluster refuses writes: free space (compact and defragment) or raise --quota-backend-bytes, then disarm the alarm",
		"CORRUPT": "the cluster refuses requests for keys: replace the member whose data differ, then disarm the alarm",
	}
	var clauses []string
	for _, kind := range slices.Sorted(maps.Keys(byKind)) {
		meaning := cmp.Or(meanings[kind], "look it up in the documentation of this version of etcd")
		clauses = append(clauses, fmt.Sprintf("alarm %s for %s: %s", kind, strings.Join(byKind[kind], ", "), meaning))
	}
	result.Message = strings.Join(clauses, "; ")
	return result
}
