package datasource

import "github.com/etcdfleet/etcd-fleet/pkg/inventory"

// health of a cluster, from what its members' metrics say.
type health string

const (
	healthy   health = "Healthy"
	degraded  health = "Degraded"
	unhealthy health = "Unhealthy"
	unknown   health = "Unknown"
)

// healthNumbers are for alert rules. That a cluster's health is not known is no number.
var healthNumbers = map[health]float64{healthy: 0, degraded: 1, unhealthy: 2}

// urgency orders by what to look at first. Not to know is worse than to know that all is well.
func (h health) urgency() int {
	switch h {
	case unhealthy:
		return 3
	case degraded:
		return 2
	case unknown:
		return 1
	}
	return 0
}

// clusterMetrics is what Thanos knows about one cluster.
type clusterMetrics struct {
	members map[string]memberMetrics
	// leader is the member that says it leads; during an election two may, or none.
	leader string
	// keys and dbSizeBytes are the largest of the members'; nil without a sample.
	keys, dbSizeBytes *float64
}

// memberMetrics is what Thanos knows about one member.
type memberMetrics struct {
	scraped, up bool
	// hasLeader is whether the member knows a leader; nil without a sample.
	hasLeader *bool
}

// assess judges a cluster and counts the members that are up; nil when nothing is known of them.
//
// Only the servers that the EtcdCluster lists count: a series of another one is a member that was replaced, or a wrong
// label. A member that is up but knows no leader is cut off from its peers: it counts as up, and the cluster as
// degraded. A leader is there when a quorum of the cluster's size knows one, because a member that was cut off may
// believe in its old leader for a moment.
func assess(cluster *inventory.Cluster, metrics *clusterMetrics) (health, *int64) {
	if metrics == nil {
		return unknown, nil
	}
	var scraped, up, led int64
	leaderKnown := metrics.leader != ""
	for _, listed := range cluster.Members {
		member := metrics.members[listed.Name]
		if !member.scraped {
			continue
		}
		scraped++
		if !member.up {
			continue
		}
		up++
		if member.hasLeader != nil {
			leaderKnown = true
		}
		if member.hasLeader == nil || *member.hasLeader {
			led++
		}
	}
	switch quorum := int64(cluster.Size/2 + 1); {
	case scraped == 0:
		return unknown, nil
	case up < quorum:
		return unhealthy, &up
	case !leaderKnown:
		return unknown, &up
	case led < quorum:
		return unhealthy, &up
	case led < int64(len(cluster.Members)) || up < int64(cluster.Size):
		return degraded, &up
	}
	return healthy, &up
}
