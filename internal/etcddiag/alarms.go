package etcddiag

import (
	"fmt"
	"regexp"
	"strconv"
)

// Alarm is one that is raised. etcd has at most one of each kind per member.
type Alarm struct {
	// Kind is NOSPACE or CORRUPT.
	Kind string

	// MemberID is 0 if etcd does not know which member is corrupt.
	MemberID uint64
}

// The text of an alarm in a Status, as etcd 3.4 to 3.7 write it: "memberID:10276657743932975437 alarm:NOSPACE ". Protocol
// buffers leave out zeros, and vary the spaces.
var (
	alarmKind     = regexp.MustCompile(`(?:^|\s)alarm:\s*(\w+)`)
	alarmMemberID = regexp.MustCompile(`(?:^|\s)memberID:\s*(\d+)`)
)

// ParseAlarms finds the alarms among the errors of a Status. Status costs nothing, while the request AlarmList would be a
// proposal to Raft, that is a write to the logs of all members, and fail without a quorum (EtcdServer.Alarm in
// server/etcdserver/v3_server.go).
func ParseAlarms(statusErrors []string) ([]Alarm, error) {
	var raised []Alarm
	for _, text := range statusErrors {
		kind := alarmKind.FindStringSubmatch(text)
		if kind == nil {
			continue // "etcdserver: no leader"
		}
		one := Alarm{Kind: kind[1]}
		if id := alarmMemberID.FindStringSubmatch(text); id != nil {
			var err error
			if one.MemberID, err = strconv.ParseUint(id[1], 10, 64); err != nil {
				return nil, fmt.Errorf("its alarm %q cannot be read: report it with the version of etcd: %w", text, err)
			}
		}
		raised = append(raised, one)
	}
	return raised, nil
}

// AlarmKinds are the kinds of the alarms that are raised, in the order of their first, each once.
func (a Members) AlarmKinds() []string {
	var kinds []string
	seen := map[string]bool{}
	for _, m := range a {
		for _, text := range m.Status.Errors {
			if kind := alarmKind.FindStringSubmatch(text); kind != nil && !seen[kind[1]] {
				seen[kind[1]] = true
				kinds = append(kinds, kind[1])
			}
		}
	}
	return kinds
}
