package etcddiag

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"github.com/etcdfleet/etcd-fleet/internal/etcdclient"
	"github.com/etcdfleet/etcd-fleet/internal/foreign"
)

// ListMembers asks a member for the member list that it holds itself. The request is made without clientv3, which requires
// a linearizable answer since 3.5: that hides what a member itself believes. A learner refuses it.
func (m *Member) ListMembers(ctx context.Context) ([]*pb.Member, error) {
	ctx, cancel := context.WithTimeout(ctx, StatusTimeout)
	defer cancel()
	response, err := pb.NewClusterClient(m.Client.ActiveConnection()).MemberList(ctx, &pb.MemberListRequest{Linearizable: false})
	if err != nil {
		return nil, etcdclient.RequestError(ctx, err)
	}
	for _, entry := range response.Members { // they become parts of messages
		entry.Name = foreign.Quote(entry.Name)
		for i, url := range entry.PeerURLs {
			entry.PeerURLs[i] = foreign.Quote(url)
		}
	}
	return response.Members, nil
}

// AnyMemberList returns the member list of the first voting member that has one to give.
func (a Members) AnyMemberList(ctx context.Context) []*pb.Member {
	for _, m := range a.Voters() {
		if list, err := m.ListMembers(ctx); err == nil {
			return list
		}
	}
	return nil
}

// DescribeList writes a member list such that equal ones are equal texts: etcd-0, etcd-1, etcd-2 (learner).
func DescribeList(list []*pb.Member) string {
	var texts []string
	for _, entry := range list {
		text := NameOfEntry(entry)
		if entry.IsLearner {
			text += " (learner)"
		}
		texts = append(texts, text)
	}
	slices.Sort(texts)
	return strings.Join(texts, ", ")
}

// NameOfEntry names a member in a way that distinguishes it from another of the same name.
func NameOfEntry(entry *pb.Member) string {
	return fmt.Sprintf("%s %x", cmp.Or(entry.Name, "unstarted"), entry.ID)
}
