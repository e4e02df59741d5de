package datasource

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/etcdfleet/etcd-fleet/pkg/inventory"
)

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
	places := map[placeKey]*place{}
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
			key := placeKey{t.region, name}
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

// ruleFrame has every place of the scope, also those on which nobody is hurt. Where nothing is known of any cluster on it,
// there is no number.
func (q *impactQuery) ruleFrame(clusters []touched, regions []inventory.Status) *data.Frame {
	places := slices.DeleteFunc(q.places(clusters), func(p *place) bool { return !p.wanted })
	total := len(places)
	shown := cut(places, q.page, inOrder(
		by(func(p *place) string { return p.region }),
		by(func(p *place) string { return p.name }),
	))
	table := tableFrame("impact", q.By+"s", q.page, total, regions,
		column("region", shown, func(p *place) string { return p.region }),
		column(q.By, shown, func(p *place) string { return p.name }),
	)
	number := column("blamed", shown, func(p *place) *int64 {
		blamed := int64(p.blamed)
		if p.blind == p.clusters {
			return nil
		}
		return &blamed
	})
	return ruleFrame(table, number, "region", q.By)
}
