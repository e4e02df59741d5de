package datasource

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/etcdfleet/etcd-fleet/pkg/inventory"
)

func TestAssessesTheHealthOfACluster(t *testing.T) {
	yes, no := true, false
	follower := memberMetrics{scraped: true, up: true, hasLeader: &yes}
	cutOff := memberMetrics{scraped: true, up: true, hasLeader: &no}
	silent := memberMetrics{scraped: true, up: true}
	down := memberMetrics{scraped: true}
	type members = map[string]memberMetrics

	for _, c := range []struct {
		name      string
		size      int
		listed    []string
		members   members
		leader    string
		health    health
		membersUp any
	}{
		{"all up", 3, []string{"a", "b", "c"}, members{"a": follower, "b": follower, "c": follower}, "a", healthy, 3},
		{"one member", 1, []string{"a"}, members{"a": follower}, "a", healthy, 1},
		{"one member down", 3, []string{"a", "b", "c"}, members{"a": follower, "b": follower, "c": down}, "a", degraded, 2},
		{"one member without series", 3, []string{"a", "b", "c"}, members{"a": follower, "b": follower}, "a", degraded, 2},
		{"no quorum", 3, []string{"a", "b", "c"}, members{"a": cutOff, "b": down, "c": down}, "", unhealthy, 1},
		{"half of four", 4, []string{"a", "b", "c", "d"}, members{"a": follower, "b": follower}, "a", unhealthy, 2},
		{"all down", 3, []string{"a", "b", "c"}, members{"a": down, "b": down, "c": down}, "", unhealthy, 0},
		{"no leader", 3, []string{"a", "b", "c"}, members{"a": cutOff, "b": cutOff, "c": cutOff}, "", unhealthy, 3},
		{"one member cut off from its peers", 3, []string{"a", "b", "c"}, members{"a": cutOff, "b": follower, "c": follower}, "b", degraded, 3},
		{"one member believes in its old leader", 3, []string{"a", "b", "c"}, members{"a": follower, "b": cutOff, "c": cutOff}, "a", unhealthy, 3},
		{"an election: all know a leader, none leads", 3, []string{"a", "b", "c"}, members{"a": follower, "b": follower, "c": follower}, "", healthy, 3},
		{"no metrics", 3, []string{"a", "b", "c"}, nil, "", unknown, nil},
		{"only series of servers that are not listed", 3, []string{"a", "b", "c"}, members{"x": follower, "y": follower, "z": follower}, "x", unknown, nil},
		{"a replaced member is not listed yet", 3, []string{"a", "b", "c"}, members{"a": follower, "b": follower, "d": follower}, "d", degraded, 2},
		{"a learner beside three voters", 3, []string{"a", "b", "c", "learner"}, members{"a": follower, "b": follower, "c": follower, "learner": follower}, "a", healthy, 4},
		{"a learner is down", 3, []string{"a", "b", "c", "learner"}, members{"a": follower, "b": follower, "c": follower, "learner": down}, "a", degraded, 3},
		{"fewer members listed than the size", 3, []string{"a", "b"}, members{"a": follower, "b": follower}, "a", degraded, 2},
		{"up, but nothing of etcd's own", 3, []string{"a", "b", "c"}, members{"a": silent, "b": silent, "c": silent}, "", unknown, 3},
		{"up and led, without has_leader", 3, []string{"a", "b", "c"}, members{"a": silent, "b": silent, "c": silent}, "a", healthy, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			cluster := &inventory.Cluster{Size: c.size, Members: membersNamed(c.listed)}
			var metrics *clusterMetrics
			if c.members != nil {
				metrics = &clusterMetrics{members: c.members, leader: c.leader}
			}
			got, up := assess(cluster, metrics)
			require.Equal(t, c.health, got)
			if c.membersUp == nil {
				require.Nil(t, up)
				return
			}
			require.EqualValues(t, c.membersUp, *up)
		})
	}
}

func membersNamed(names []string) []inventory.Member {
	list := make([]inventory.Member, len(names))
	for i, name := range names {
		list[i].Name = name
	}
	return list
}
