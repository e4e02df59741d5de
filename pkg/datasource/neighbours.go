package datasource

import (
	"cmp"
	"maps"
	"slices"

	"github.com/etcdfleet/etcd-fleet/pkg/diagnosis"
	"github.com/etcdfleet/etcd-fleet/pkg/inventory"
)

const (
	// maxNeighbours is how many clusters on the same hosts are compared: a hundred disks say what a thousand would.
	maxNeighbours = 100
	// maxHostsOfZone is how many other hosts of a zone are compared, by one member each.
	maxHostsOfZone = 20
)

// placeKey is a host or a zone of a region: regions may use a name twice.
type placeKey struct{ region, name string }

// neighbourhood has the members that other clusters have beside those of some clusters.
type neighbourhood struct {
	// onHosts are all members on the hosts.
	onHosts map[placeKey][]diagnosis.Neighbour
	// inZones is one member on each of some hosts of the zones.
	inZones map[placeKey][]diagnosis.Neighbour
}

func neighbourhoodOf(inv *inventory.Inventory, clusters []diagnosedCluster) *neighbourhood {
	around := &neighbourhood{onHosts: map[placeKey][]diagnosis.Neighbour{}, inZones: map[placeKey][]diagnosis.Neighbour{}}
	zones := map[placeKey]map[string]diagnosis.Neighbour{}
	regions := map[string]struct{}{}
	for _, c := range clusters {
		if c.known == nil {
			continue
		}
		for _, m := range c.known.Members {
			if m.Host != "" {
				around.onHosts[placeKey{c.region, m.Host}] = nil
				regions[c.region] = struct{}{}
			}
			if m.Host != "" && m.Zone != "" {
				zones[placeKey{c.region, m.Zone}] = map[string]diagnosis.Neighbour{}
			}
		}
	}
	if len(regions) == 0 {
		return around
	}
	inv.EachCluster(inventory.Scope{Region: slices.Sorted(maps.Keys(regions))}, func(c *inventory.Cluster, _ []*inventory.Monitor) {
		for _, m := range c.Members {
			neighbour := diagnosis.Neighbour{Cluster: c.ID, Member: diagnosis.Member(m)}
			if host := (placeKey{c.Region, m.Host}); m.Host != "" {
				if onHost, wanted := around.onHosts[host]; wanted {
					around.onHosts[host] = append(onHost, neighbour)
				}
				// The first by name, so that the next question compares the same.
				if byHost, wanted := zones[placeKey{c.Region, m.Zone}]; wanted && (byHost[m.Host].Cluster == "" || c.ID < byHost[m.Host].Cluster) {
					byHost[m.Host] = neighbour
				}
			}
		}
	})
	for zone, byHost := range zones {
		hosts := slices.Sorted(maps.Keys(byHost))
		for _, host := range hosts[:min(len(hosts), maxHostsOfZone)] {
			around.inZones[zone] = append(around.inZones[zone], byHost[host])
		}
	}
	around.cutHosts()
	return around
}

// cutHosts leaves about maxNeighbours members on the hosts: on each as many, the first by cluster.
func (n *neighbourhood) cutHosts() {
	for host, on := range n.onHosts {
		slices.SortFunc(on, func(a, b diagnosis.Neighbour) int { return cmp.Compare(a.Cluster, b.Cluster) })
		n.onHosts[host] = on[:min(len(on), max(3, maxNeighbours/len(n.onHosts)))]
	}
}

// clusters are the names of those that the neighbours belong to.
func (n *neighbourhood) clusters() []string {
	names := map[string]struct{}{}
	for _, places := range []map[placeKey][]diagnosis.Neighbour{n.onHosts, n.inZones} {
		for _, neighbours := range places {
			for _, neighbour := range neighbours {
				names[neighbour.Cluster] = struct{}{}
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// of are the members of other clusters beside those of one, each once.
func (n *neighbourhood) of(c diagnosedCluster) []diagnosis.Neighbour {
	var found []diagnosis.Neighbour
	for _, m := range c.known.Members {
		for _, neighbour := range slices.Concat(n.onHosts[placeKey{c.region, m.Host}], n.inZones[placeKey{c.region, m.Zone}]) {
			if neighbour.Cluster != c.cluster && !slices.Contains(found, neighbour) {
				found = append(found, neighbour)
			}
		}
	}
	return found
}

// neighbours are those of a cluster with what Thanos knows of them.
func (h *signalHistory) neighbours(c diagnosedCluster, around *neighbourhood) []diagnosis.Neighbour {
	found := around.of(c)
	for i, n := range found {
		key := memberKey{clusterKey{c.region, n.Cluster}, n.Member.Name}
		if value, known := h.beside[diagnosis.Up.Name][key]; known {
			isUp := value == 1
			found[i].Up = &isUp
		}
		if value, known := h.beside[diagnosis.WALFsync.Name][key]; known {
			found[i].WALFsync = &value
		}
	}
	return found
}
