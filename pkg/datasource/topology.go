package datasource

import (
	"context"
	"fmt"
	"slices"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/etcdfleet/etcd-fleet/pkg/inventory"
)

// maxNodes is how many nodes a person can still tell apart.
const maxNodes = 150

// topologyQuery draws what depends on what, as the frames of a node graph: Kubernetes clusters on etcd clusters, these on
// members, and members on hosts.
type topologyQuery struct {
	Scope inventory.Scope `json:"scope"`
}

func parseTopology(f *fields) *topologyQuery { return &topologyQuery{Scope: f.scope()} }

// node is a row of the frame nodes; its fields are those that Grafana's node graph reads.
type node struct {
	id, title, subtitle, state, color string
	region, cluster, host             string
}

type edge struct{ source, target string }

// graph holds each node once, in the order in which they were met.
type graph struct {
	nodes []node
	edges []edge
	known map[string]bool
}

func (g *graph) add(n node) {
	if !g.known[n.id] {
		g.known[n.id] = true
		g.nodes = append(g.nodes, n)
	}
}

func (g *graph) connect(source, target string) {
	id := source + " " + target
	if !g.known[id] {
		g.known[id] = true
		g.edges = append(g.edges, edge{source, target})
	}
}

func (q *topologyQuery) run(ctx context.Context, d *Datasource, _ backend.DataQuery) (data.Frames, error) {
	d.inventory.WaitFirstSync(ctx, q.Scope, firstSyncPatience)
	metrics, failure := d.metrics.get(ctx, scopeMatchers(q.Scope))
	if failure != nil {
		metrics = &fleetMetrics{}
	}
	frames := q.frames(clusterRows(d.inventory, q.Scope, metrics), d.inventory.Statuses(q.Scope))
	if failure != nil {
		frames[0].AppendNotices(notice(data.NoticeSeverityError, "Which members are up is not known. %v", failure))
	} else {
		frames[0].AppendNotices(partialNotices(metrics.partial, d.lostStores(ctx))...)
	}
	return frames, nil
}

// frames draws the clusters, the worst first, as long as there is room for the next one.
func (q *topologyQuery) frames(rows []clusterRow, regions []inventory.Status) data.Frames {
	slices.SortFunc(rows, (&clustersQuery{Sort: "health"}).order())
	drawn := &graph{known: map[string]bool{}}
	var notices []data.Notice
	if len(rows) == 0 {
		notices = append(notices, notice(data.NoticeSeverityInfo, "The inventory has no cluster of this scope."))
	}
	for i, r := range rows {
		next := &graph{known: map[string]bool{}}
		next.draw(r)
		if len(drawn.nodes)+len(next.nodes) > maxNodes && i > 0 {
			left := len(rows) - i
			drawn.add(node{id: "more", title: fmt.Sprintf("+%s more", thousands(left)), subtitle: "clusters", color: grey})
			notices = append(notices, notice(data.NoticeSeverityInfo, "The %s worst of %s clusters are drawn: narrow the scope for others.", thousands(i), thousands(len(rows))))
			break
		}
		drawn.draw(r)
	}
	nodes := data.NewFrame("nodes",
		column("id", drawn.nodes, func(n node) string { return n.id }),
		column("title", drawn.nodes, func(n node) string { return n.title }),
		column("subtitle", drawn.nodes, func(n node) string { return n.subtitle }),
		column("mainstat", drawn.nodes, func(n node) string { return n.state }),
		column("color", drawn.nodes, func(n node) string { return n.color }),
		column("detail__region", drawn.nodes, func(n node) string { return n.region }),
		column("detail__cluster", drawn.nodes, func(n node) string { return n.cluster }),
		column("detail__host", drawn.nodes, func(n node) string { return n.host }),
	)
	edges := data.NewFrame("edges",
		column("id", drawn.edges, func(e edge) string { return e.source + " " + e.target }),
		column("source", drawn.edges, func(e edge) string { return e.source }),
		column("target", drawn.edges, func(e edge) string { return e.target }),
	)
	for _, frame := range []*data.Frame{nodes, edges} {
		frame.SetMeta(&data.FrameMeta{PreferredVisualization: data.VisTypeNodeGraph})
	}
	nodes.AppendNotices(append(notices, regionNotices(regions)...)...)
	return data.Frames{nodes, edges}
}

const (
	green  = "green"
	orange = "orange"
	red    = "red"
	// grey is what is not known: neither good nor bad.
	grey = "gray"
)

var healthColors = map[health]string{healthy: green, degraded: orange, unhealthy: red, unknown: grey}

// draw adds a cluster with the Kubernetes clusters on it, its members and their hosts.
func (g *graph) draw(r clusterRow) {
	cluster := "cluster/" + r.Region + "/" + r.ID
	g.add(node{id: cluster, title: r.ID, subtitle: r.Region, state: string(r.health), color: healthColors[r.health], region: r.Region, cluster: r.ID})
	for _, name := range r.KubernetesClusters {
		id := "kubernetes/" + r.Region + "/" + name
		g.add(node{id: id, title: name, subtitle: "Kubernetes", color: grey, region: r.Region})
		g.connect(id, cluster)
	}
	for _, m := range r.Members {
		id := "member/" + r.Region + "/" + r.ID + "/" + m.Name
		state, color := r.memberState(m.Name)
		g.add(node{id: id, title: m.Name, subtitle: "member", state: state, color: color, region: r.Region, cluster: r.ID, host: m.Host})
		g.connect(cluster, id)
		if m.Host == "" {
			continue
		}
		host := "host/" + r.Region + "/" + m.Host
		g.add(node{id: host, title: m.Host, subtitle: "host", state: m.Zone, color: grey, region: r.Region, host: m.Host})
		g.connect(id, host)
	}
}

func (r clusterRow) memberState(name string) (state, color string) {
	switch m := r.metrics.members[name]; {
	case !m.scraped:
		return "not known", grey
	case !m.up:
		return "not scraped", orange
	case r.metrics.leader == name:
		return "leader", green
	}
	return "up", green
}
