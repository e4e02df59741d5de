package datasource

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/etcdfleet/etcd-fleet/pkg/diagnosis"
	"github.com/etcdfleet/etcd-fleet/pkg/inventory"
)

const (
	byCluster = "cluster"
	byHost    = "host"
	byZone    = "zone"
)

// impactQuery says what a disturbance of the infrastructure touches. By cluster, a row is a cluster with a member on one of
// the scope's hosts or zones, or a cluster that is hurt when the scope names none. By host or zone, a row is one of these
// with the clusters on it: those named, or those that a hurt cluster has a member on.
type impactQuery struct {
	Scope inventory.Scope `json:"scope"`
	By    string          `json:"by"`
	page
}

func parseImpact(f *fields) *impactQuery {
	return &impactQuery{
		Scope: f.scope(),
		By:    f.enum("by", byCluster, byCluster, byHost, byZone),
		page:  f.page(),
	}
}

// touched is a cluster, what is wrong with it, and how much of it depends on the places that the scope names.
type touched struct {
	diagnosedCluster
	// finding is the worst one; nil for a cluster that was not diagnosed, because nothing made it look hurt.
	finding *diagnosis.Finding
	// urgency is that by which clusters are chosen to be diagnosed.
	urgency int
	here    []inventory.Member
	quorum  quorumWithout
}

// quorumWithout says whether a cluster has a quorum, and would have one without some members.
type quorumWithout string

const (
	quorumLost    quorumWithout = "lost"
	quorumAtRisk  quorumWithout = "at risk"
	quorumUnknown quorumWithout = "not known"
	quorumKept    quorumWithout = "kept"
)

var quorumsByUrgency = []quorumWithout{quorumLost, quorumAtRisk, quorumUnknown, quorumKept}

func (q *impactQuery) run(ctx context.Context, d *Datasource, request backend.DataQuery) (data.Frames, error) {
	d.inventory.WaitFirstSync(ctx, q.Scope, firstSyncPatience)
	regions := d.inventory.Statuses(q.Scope)
	history := &signalHistory{at: endOf(request)}
	population := d.clustersOf(q.Scope.AnyPlace())
	sortClusters(population)
	urgency, metrics, err := d.urgencies(ctx, q.Scope, population, history)
	if err != nil {
		return nil, err
	}
	diagnosed, notices := q.toDiagnose(population, urgency)
	findings, remarks, err := d.diagnose(ctx, diagnosed, history, regions)
	if err != nil {
		return nil, err
	}
	clusters := make([]touched, len(population))
	for i, c := range population {
		clusters[i] = q.touch(c, findings[c.clusterKey], urgency[c.clusterKey], metrics.clusters[c.clusterKey])
	}
	frame := q.frame(clusters, regions)
	frame.AppendNotices(append(notices, remarks...)...)
	return data.Frames{frame}, nil
}

// toDiagnose are the clusters on the named places if there are few, else those that look hurt.
func (q *impactQuery) toDiagnose(population []diagnosedCluster, urgency map[clusterKey]int) ([]diagnosedCluster, []data.Notice) {
	hasPlace := q.Scope.HasPlace()
	onPlaces := slices.DeleteFunc(slices.Clone(population), func(c diagnosedCluster) bool {
		return q.Scope.NamesPlaces() && !slices.ContainsFunc(c.known.Members, hasPlace)
	})
	if len(onPlaces) <= maxDiagnosed {
		return onPlaces, nil
	}
	return mostUrgent(onPlaces, urgency)
}

func (q *impactQuery) touch(c diagnosedCluster, findings []diagnosis.Finding, urgency int, metrics *clusterMetrics) touched {
	t := touched{diagnosedCluster: c, urgency: urgency}
	if len(findings) > 0 {
		t.finding = &findings[0]
	}
	hasPlace := q.Scope.HasPlace()
	for _, m := range c.known.Members {
		if q.Scope.NamesPlaces() && hasPlace(m) {
			t.here = append(t.here, m)
		}
	}
	down := map[string]bool{}
	for _, m := range diagnosis.DownMembers(findings) {
		down[m.Name] = true
	}
	t.quorum = c.quorumWithout(t.here, metrics, down)
	if diagnosis.HasNoQuorum(findings) {
		t.quorum = quorumLost
	}
	return t
}

// quorumWithout judges by the members that are known to be up or down. A scrape that failed says neither, nor does a member that
// the inventory does not name.
func (c diagnosedCluster) quorumWithout(members []inventory.Member, metrics *clusterMetrics, down map[string]bool) quorumWithout {
	quorum := c.known.Size/2 + 1
	possible := max(0, c.known.Size-len(c.known.Members))
	possibleElsewhere, upElsewhere := possible, 0
	for _, m := range c.known.Members {
		if down[m.Name] {
			continue
		}
		possible++
		if slices.Contains(members, m) {
			continue
		}
		possibleElsewhere++
		if metrics != nil && metrics.members[m.Name].up {
			upElsewhere++
		}
	}
	switch {
	case len(c.known.Members) == 0:
		return quorumUnknown
	case possible < quorum:
		return quorumLost
	case possibleElsewhere < quorum:
		return quorumAtRisk
	case upElsewhere < quorum:
		return quorumUnknown
	}
	return quorumKept
}

// hurt reports whether users feel something, or one more failure makes them.
func (t touched) hurt() bool {
	return t.severityRank() <= slices.Index(diagnosis.Severities, diagnosis.Unexplained)
}

// blind reports whether it is not known.
func (t touched) blind() bool { return t.severity() == string(diagnosis.Blind) }

func (t touched) severity() string {
	switch {
	case t.finding != nil:
		return string(t.finding.Severity)
	case t.urgency > unknown.urgency():
		return string(diagnosis.Unexplained)
	case t.urgency > 0:
		return string(diagnosis.Blind)
	}
	return string(diagnosis.Quiet)
}

func (t touched) severityRank() int {
	return slices.Index(diagnosis.Severities, diagnosis.Severity(t.severity()))
}

func (t touched) since() time.Time {
	if t.finding == nil {
		return time.Time{}
	}
	return t.finding.Since
}

func (t touched) statement() string {
	switch {
	case t.finding != nil:
		return t.finding.Statement
	case t.urgency > 0:
		return "Not diagnosed: there are more urgent clusters."
	}
	return ""
}

// blames reports whether the worst finding names a member for which are is true.
func (t touched) blames(are func(inventory.Member) bool) bool {
	return t.finding != nil && t.hurt() && slices.ContainsFunc(t.finding.Members, func(m diagnosis.Member) bool {
		return slices.ContainsFunc(t.known.Members, func(of inventory.Member) bool { return of.Name == m.Name && are(of) })
	})
}

// where says where what hurts the cluster is: on a named place, elsewhere, or "" when the finding names no member.
func (t touched) where(isHere func(inventory.Member) bool) string {
	anywhere := func(inventory.Member) bool { return true }
	switch {
	case len(t.here) == 0 || !t.blames(anywhere):
		return ""
	case t.blames(isHere):
		return "here"
	}
	return "elsewhere"
}

func (q *impactQuery) frame(clusters []touched, regions []inventory.Status) *data.Frame {
	if q.By == byCluster {
		return q.clustersFrame(clusters, regions)
	}
	return q.placesFrame(clusters, regions)
}

// clustersFrame has those at risk first, then what hurts most, in the order of the onset.
func (q *impactQuery) clustersFrame(clusters []touched, regions []inventory.Status) *data.Frame {
	rows := slices.DeleteFunc(slices.Clone(clusters), func(t touched) bool {
		if q.Scope.NamesPlaces() {
			return len(t.here) == 0
		}
		return !t.hurt()
	})
	isHere := q.Scope.HasPlace()
	total := len(rows)
	shown := cut(rows, q.page, inOrder(
		by(func(t touched) int { return slices.Index(quorumsByUrgency, t.quorum) }),
		by(touched.severityRank),
		lastIf(func(t touched) bool { return t.where(isHere) == "elsewhere" }),
		lastIf(func(t touched) bool { return t.since().IsZero() }),
		func(a, b touched) int { return a.since().Compare(b.since()) },
		by(func(t touched) string { return t.region }),
		by(func(t touched) string { return t.cluster }),
	))
	return tableFrame("impact", "clusters", q.page, total, regions,
		column("region", shown, func(t touched) string { return t.region }),
		column("cluster", shown, func(t touched) string { return t.cluster }),
		column("product", shown, func(t touched) string { return t.of("product") }),
		column("scene", shown, func(t touched) string { return t.of("scene") }),
		column("spec", shown, func(t touched) string { return t.of("spec") }),
		column("severity", shown, touched.severity),
		column("where", shown, func(t touched) string { return t.where(isHere) }),
		column("quorum", shown, func(t touched) string { return string(t.quorum) }),
		column("here", shown, func(t touched) string { return namesOf(t.here) }),
		column("members", shown, func(t touched) int64 { return int64(t.known.Size) }),
		column("since", shown, func(t touched) *time.Time { return orNil(t.since().UTC()) }),
		column("statement", shown, touched.statement),
		column("kubernetes", shown, func(t touched) string { return t.kubernetes() }),
	)
}

func namesOf(members []inventory.Member) string {
	names := make([]string, len(members))
	for i, m := range members {
		names[i] = m.Name
	}
	return strings.Join(names, ", ")
}

// place is a host or a zone of a region with what is on it.
type place struct {
	region, name string
	// zone of a host; "" when nobody says.
	zone string
	// wanted is set of a place with a member that the scope wants.
	wanted            bool
	members, clusters int
	// hurt are the clusters on it whose users feel something, blamed those of them whose worst finding names a member on it,
	// atRisk those that have or would have no quorum without the scope's places, and blind those of unknown state.
	hurt, blamed, atRisk, blind int
	// others are the clusters of the region that have no member on it, and hurtElsewhere those of them that are hurt.
	others, hurtElsewhere int
	// kubernetes are the Kubernetes clusters behind the hurt ones.
	kubernetes map[string]struct{}
	// onset is when the first of the blamed began.
	onset time.Time
}

func (q *impactQuery) nameOf(m inventory.Member) string {
	if q.By == byZone {
		return m.Zone
	}
	return m.Host
}

// places are all hosts or zones of the clusters, by region and name.
func (q *impactQuery) places(clusters []touched) []*place {
	hasPlace := q.Scope.HasPlace()
	places := map[hostKey]*place{}
	ofRegion, hurtInRegion := map[string]int{}, map[string]int{}
	for _, t := range clusters {
		ofRegion[t.region]++
		if t.hurt() {
			hurtInRegion[t.region]++
		}
		on := map[string][]inventory.Member{}
		for _, m := range t.known.Members {
			if name := q.nameOf(m); name != "" {
				on[name] = append(on[name], m)
			}
		}
		for name, members := range on {
			key := hostKey{t.region, name}
			if places[key] == nil {
				places[key] = &place{region: t.region, name: name, zone: members[0].Zone, kubernetes: map[string]struct{}{}}
			}
			places[key].add(t, members)
			places[key].wanted = places[key].wanted || slices.ContainsFunc(members, hasPlace)
		}
	}
	for key, p := range places {
		p.others, p.hurtElsewhere = ofRegion[key.region]-p.clusters, hurtInRegion[key.region]-p.hurt
	}
	return slices.Collect(maps.Values(places))
}

// add counts a cluster with the members that it has on the place.
func (p *place) add(t touched, members []inventory.Member) {
	p.clusters++
	p.members += len(members)
	if t.blind() {
		p.blind++
	}
	if !t.hurt() {
		return
	}
	p.hurt++
	if t.blames(func(m inventory.Member) bool { return slices.Contains(members, m) }) {
		p.blamed++
		if since := t.since(); !since.IsZero() && (p.onset.IsZero() || since.Before(p.onset)) {
			p.onset = since
		}
	}
	if t.quorum == quorumLost || t.quorum == quorumAtRisk {
		p.atRisk++
	}
	for _, name := range t.known.KubernetesClusters {
		p.kubernetes[name] = struct{}{}
	}
}

// statement compares the place with the rest of its region.
func (p *place) statement() string {
	if p.hurt == 0 && p.blind == 0 {
		return fmt.Sprintf("None of %s on it is hurt.", clustersIn(p.clusters))
	}
	text := fmt.Sprintf("Hurt: %d of %s on it", p.hurt, clustersIn(p.clusters))
	if p.blamed > 0 {
		text += fmt.Sprintf(", %d by a member on it", p.blamed)
	}
	if p.others > 0 {
		text += fmt.Sprintf("; elsewhere in %s %d of %s", p.region, p.hurtElsewhere, thousands(p.others))
	}
	if p.blind > 0 {
		text += fmt.Sprintf("; not known: %d", p.blind)
	}
	return text + "."
}

func clustersIn(count int) string {
	if count == 1 {
		return "1 cluster"
	}
	return thousands(count) + " clusters"
}

// placesFrame has the place first whose members are blamed by most clusters.
func (q *impactQuery) placesFrame(clusters []touched, regions []inventory.Status) *data.Frame {
	places := q.places(clusters)
	places = slices.DeleteFunc(places, func(p *place) bool {
		if q.Scope.NamesPlaces() {
			return !p.wanted
		}
		return p.hurt == 0 && p.blind == 0
	})
	total := len(places)
	shown := cut(places, q.page, inOrder(
		by(func(p *place) int { return -p.blamed }),
		func(a, b *place) int { return cmp.Compare(b.hurt*a.clusters, a.hurt*b.clusters) },
		by(func(p *place) int { return -p.blind }),
		by(func(p *place) string { return p.region }),
		by(func(p *place) string { return p.name }),
	))
	fields := []*data.Field{
		column("region", shown, func(p *place) string { return p.region }),
		column(q.By, shown, func(p *place) string { return p.name }),
	}
	if q.By == byHost {
		fields = append(fields, column("zone", shown, func(p *place) string { return p.zone }))
	}
	return tableFrame("impact", q.By+"s", q.page, total, regions, append(fields,
		column("statement", shown, func(p *place) string { return p.statement() }),
		column("blamed", shown, func(p *place) int64 { return int64(p.blamed) }),
		column("hurt", shown, func(p *place) int64 { return int64(p.hurt) }),
		column("clusters", shown, func(p *place) int64 { return int64(p.clusters) }),
		column("quorumAtRisk", shown, func(p *place) int64 { return int64(p.atRisk) }),
		column("notKnown", shown, func(p *place) int64 { return int64(p.blind) }),
		column("members", shown, func(p *place) int64 { return int64(p.members) }),
		column("kubernetes", shown, func(p *place) int64 { return int64(len(p.kubernetes)) }),
		column("since", shown, func(p *place) *time.Time { return orNil(p.onset.UTC()) }),
	)...)
}
