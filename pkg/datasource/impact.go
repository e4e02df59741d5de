package datasource

import (
	"context"
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
	clusters, regions, notices, err := q.touched(ctx, d, request)
	if err != nil {
		return nil, err
	}
	frame := q.frame(clusters, regions)
	frame.AppendNotices(notices...)
	return data.Frames{frame}, nil
}

// alert answers with how many clusters blame each host or zone of the scope.
func (q *impactQuery) alert(ctx context.Context, d *Datasource, request backend.DataQuery) (data.Frames, error) {
	if q.By == byCluster {
		return nil, &fieldError{"by", "must be host or zone in an alert rule: for clusters use the kind clusters or diagnosis"}
	}
	clusters, regions, notices, err := q.touched(ctx, d, request)
	if err != nil {
		return nil, err
	}
	frame := q.ruleFrame(clusters, regions)
	frame.AppendNotices(notices...)
	return data.Frames{frame}, nil
}

// touched are all clusters that may be concerned, diagnosed where they look hurt.
func (q *impactQuery) touched(ctx context.Context, d *Datasource, request backend.DataQuery) ([]touched, []inventory.Status, []data.Notice, error) {
	d.inventory.WaitFirstSync(ctx, q.Scope, firstSyncPatience)
	regions := d.inventory.Statuses(q.Scope)
	history := &signalHistory{at: endOf(request)}
	population := d.clustersOf(q.Scope.AnyPlace())
	sortClusters(population)
	urgency, metrics, err := d.urgencies(ctx, q.Scope, population, history)
	if err != nil {
		return nil, nil, nil, err
	}
	diagnosed, notices := q.toDiagnose(population, urgency)
	findings, remarks, err := d.diagnose(ctx, diagnosed, history, regions)
	if err != nil {
		return nil, nil, nil, err
	}
	clusters := make([]touched, len(population))
	isHere := q.isHere()
	for i, c := range population {
		clusters[i] = touch(c, isHere, findings[c.clusterKey], urgency[c.clusterKey], metrics.clusters[c.clusterKey])
	}
	return clusters, regions, append(notices, remarks...), nil
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

// isHere returns a function that reports whether a member is on a place that the scope names.
func (q *impactQuery) isHere() func(inventory.Member) bool {
	if !q.Scope.NamesPlaces() {
		return func(inventory.Member) bool { return false }
	}
	return q.Scope.HasPlace()
}

func touch(c diagnosedCluster, isHere func(inventory.Member) bool, findings []diagnosis.Finding, urgency int, metrics *clusterMetrics) touched {
	t := touched{diagnosedCluster: c, urgency: urgency}
	if len(findings) > 0 {
		t.finding = &findings[0]
	}
	for _, m := range c.known.Members {
		if isHere(m) {
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
	isHere := q.isHere()
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
