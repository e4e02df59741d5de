package datasource

import (
	"testing"

	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/stretchr/testify/require"

	"github.com/etcdfleet/etcd-fleet/pkg/diagnosis"
	"github.com/etcdfleet/etcd-fleet/pkg/inventory"
)

func impactOf(by string, scope map[string]any) map[string]any {
	return map[string]any{"kind": "impact", "by": by, "scope": scope}
}

func on(host string) map[string]any { return map[string]any{"host": []string{host}} }

func valueIs(column string, want any) func(*data.Frame) bool {
	return func(frame *data.Frame) bool { return frame.Rows() > 0 && columnOf(frame, column)[0] == want }
}

func TestImpactOfAHost(t *testing.T) {
	d := newFleet(t)
	healOnce(t, func() error {
		members["sh-1"][2].SetDown(false)
		members["sh-1"][0].Set("etcd_network_active_peers", 2)
		members["sh-1"][1].Set("etcd_network_active_peers", 2)
		return nil
	})
	members["sh-1"][0].Set("etcd_network_active_peers", 1)
	members["sh-1"][1].Set("etcd_network_active_peers", 1)
	members["sh-1"][2].SetDown(true)

	frame := eventually(t, d, impactOf("cluster", on("sh-node-2")), valueIs("where", "here"))
	row := rowsOf(frame)[0]
	require.Equal(t, "sh-1", row["cluster"])
	require.Equal(t, "Degraded", row["severity"])
	require.Equal(t, "sh-1-2", row["here"])
	require.Equal(t, "kept", row["quorum"], "the other two are up")
	require.Equal(t, "sh-1-tke", row["kubernetes"])
	require.Contains(t, row["statement"], "sh-1-2 on sh-node-2")

	// One more down, and two of three are.
	row = rowsOf(eventually(t, d, impactOf("cluster", on("sh-node-1")), valueIs("quorum", "at risk")))[0]
	require.Equal(t, "elsewhere", row["where"])

	frame = eventually(t, d, impactOf("host", map[string]any{"region": []string{"sh"}}), valueIs("host", "sh-node-2"))
	row = rowsOf(frame)[0]
	require.Equal(t, "Hurt: 1 of 1 cluster on it, 1 by a member on it.", row["statement"])
	require.Equal(t, "sh-zone-1", row["zone"])
	require.EqualValues(t, 1, row["blamed"])
	require.EqualValues(t, 1, row["kubernetes"])
	require.EqualValues(t, 0, rowsOf(frame)[1]["blamed"], "the hosts of the other members are not to blame")
}

func TestImpactOfAZoneNamesWhatIsNotHurtToo(t *testing.T) {
	d := newFleet(t)
	frame := eventually(t, d, impactOf("zone", map[string]any{"zone": []string{"gz-zone-0"}}), valueIs("hurt", int64(1)))
	row := rowsOf(frame)[0]
	require.Equal(t, "Hurt: 1 of 3 clusters on it; not known: 1.", row["statement"])
	require.EqualValues(t, 6, row["members"])

	frame = eventually(t, d, impactOf("cluster", map[string]any{"zone": []string{"gz-zone-0"}}), func(f *data.Frame) bool { return f.Rows() == 3 })
	require.Equal(t, []any{"gz-2", "gz-3", "gz-1"}, columnOf(frame, "cluster"))
	require.Equal(t, []any{"at risk", "at risk", "at risk"}, columnOf(frame, "quorum"), "two of three members stand in the zone")
}

func TestAScopeOfHostsAndKubernetesClusters(t *testing.T) {
	d := newFleet(t)
	names := func(scope map[string]any) []any {
		query := map[string]any{"kind": "clusters", "distinct": "cluster", "scope": scope}
		return columnOf(eventually(t, d, query, func(f *data.Frame) bool { return f.Rows() > 0 }), "cluster")
	}
	require.Equal(t, []any{"gz-1", "gz-2", "gz-3"}, names(on("gz-node-0")))
	require.Equal(t, []any{"gz-2"}, names(map[string]any{"kubernetes": []string{"gz-2-tke"}}))

	query := map[string]any{"kind": "clusters", "distinct": "cluster", "scope": map[string]any{"host": []string{"gz-node-0"}, "zone": []string{"gz-zone-1"}}}
	require.Zero(t, ask(t, d, query).Frames[0].Rows(), "host and zone are those of one member")
	query = map[string]any{"kind": "clusters", "distinct": "host", "scope": map[string]any{"region": []string{"sh"}}}
	require.Equal(t, []any{"sh-node-0", "sh-node-1", "sh-node-2"}, columnOf(ask(t, d, query).Frames[0], "host"))
}

func TestQuorumWithoutMembers(t *testing.T) {
	const up, down, unknown, notScraped = "up", "down", "unknown", "not scraped"
	for name, c := range map[string]struct {
		members []string
		without int // the first of them
		size    int
		want    quorumWithout
	}{
		"all up":                         {[]string{up, up, up}, 1, 3, quorumKept},
		"two go":                         {[]string{up, up, up}, 2, 3, quorumAtRisk},
		"one down, another goes":         {[]string{up, up, down}, 1, 3, quorumAtRisk},
		"the one that is down goes":      {[]string{down, up, up}, 1, 3, quorumKept},
		"lost already":                   {[]string{down, down, up}, 1, 3, quorumLost},
		"one not known":                  {[]string{up, up, unknown}, 1, 3, quorumUnknown},
		"one not scraped":                {[]string{up, up, notScraped}, 1, 3, quorumUnknown},
		"none scraped":                   {[]string{notScraped, notScraped, notScraped}, 1, 3, quorumUnknown},
		"a single member":                {[]string{up}, 1, 1, quorumAtRisk},
		"five members, two go":           {[]string{up, up, up, up, up}, 2, 5, quorumKept},
		"five members, one down, two go": {[]string{up, up, up, up, down}, 2, 5, quorumAtRisk},
		"none named, one down":           {[]string{up, up, down}, 0, 3, quorumKept},
		"a member that is not listed":    {[]string{up, up}, 1, 3, quorumUnknown},
		"no member is listed":            {nil, 0, 0, quorumUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			known := &inventory.Cluster{Size: c.size}
			metrics := &clusterMetrics{members: map[string]memberMetrics{}}
			isDown := map[string]bool{}
			for i, state := range c.members {
				name := string(rune('a' + i))
				known.Members = append(known.Members, inventory.Member{Name: name})
				metrics.members[name] = memberMetrics{scraped: state != unknown, up: state == up}
				isDown[name] = state == down
			}
			require.Equal(t, c.want, diagnosedCluster{known: known}.quorumWithout(known.Members[:c.without], metrics, isDown))
		})
	}
}

func TestFramesOfImpact(t *testing.T) {
	cluster := func(name string, finding *diagnosis.Finding, quorum quorumWithout) touched {
		known := &inventory.Cluster{
			Region: "gz", ID: name, Product: "tke", Scene: "business", Spec: "small", Size: 3, KubernetesClusters: []string{name + "-tke"},
			Members: []inventory.Member{{Name: name + "-0", Host: "node-0", Zone: "a"}, {Name: name + "-1", Host: "node-1", Zone: "b"}},
		}
		return touched{diagnosedCluster: diagnosedCluster{clusterKey: clusterKey{"gz", name}, known: known}, finding: finding, here: known.Members[:1], quorum: quorum}
	}
	clusters := []touched{
		cluster("quiet", &diagnosis.Finding{Severity: diagnosis.Quiet, Statement: "Nothing is known to be wrong."}, quorumKept),
		cluster("elsewhere", &diagnosis.Finding{Severity: diagnosis.Degraded, Statement: "A disk is slow.", Members: []diagnosis.Member{{Name: "elsewhere-1"}}, Since: seenAt}, quorumKept),
		cluster("here", &diagnosis.Finding{Severity: diagnosis.Degraded, Statement: "A disk is slow.", Members: []diagnosis.Member{{Name: "here-0"}}, Since: seenAt}, quorumKept),
		cluster("lost", &diagnosis.Finding{Severity: diagnosis.Failing, Statement: "No quorum."}, quorumLost),
		cluster("blind", &diagnosis.Finding{Severity: diagnosis.Blind, Statement: "Not known."}, quorumUnknown),
	}
	scope := inventory.Scope{Host: []string{"node-0"}}
	checkGolden(t, "impact-clusters", (&impactQuery{Scope: scope, By: byCluster, page: page{Limit: 100}}).frame(clusters, regionsOfEveryState()))
	checkGolden(t, "impact-hosts", (&impactQuery{By: byHost, page: page{Limit: 100}}).frame(clusters, nil))
	checkGolden(t, "impact-zones", (&impactQuery{Scope: scope, By: byZone, page: page{Limit: 100}}).frame(clusters, nil))
}

// Two regions may have a host of one name, and a cluster of one name.
func TestPlacesOfTwoRegionsAreApart(t *testing.T) {
	in := func(region string, severity diagnosis.Severity) touched {
		known := &inventory.Cluster{Region: region, ID: "a", Size: 1, Members: []inventory.Member{{Name: "a-0", Host: "node & 0"}}}
		finding := &diagnosis.Finding{Severity: severity, Members: []diagnosis.Member{{Name: "a-0"}}}
		return touched{diagnosedCluster: diagnosedCluster{clusterKey: clusterKey{region, "a"}, known: known}, finding: finding, quorum: quorumKept}
	}
	clusters := []touched{in("gz", diagnosis.Degraded), in("sh", diagnosis.Quiet)}
	query := &impactQuery{By: byHost, page: page{Limit: 10}}
	require.Equal(t, []any{"gz"}, columnOf(query.frame(clusters, nil), "region"))
	query.Scope = inventory.Scope{Host: []string{"node & 0"}}
	rows := rowsOf(query.frame(clusters, nil))
	require.Len(t, rows, 2)
	require.Equal(t, "Hurt: 1 of 1 cluster on it, 1 by a member on it.", rows[0]["statement"])
	require.Equal(t, "None of 1 cluster on it is hurt.", rows[1]["statement"])
}
