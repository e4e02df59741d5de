package datasource

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/pkg/diagnosis"
	"github.com/etcdfleet/etcd-fleet/pkg/inventory"
	"github.com/etcdfleet/etcd-fleet/pkg/slorules"
)

// maxDiagnosed is how many clusters are diagnosed at once, the worst: each has dozens of histories.
const maxDiagnosed = 50

const (
	findingsAll      = "all"
	findingsFirst    = "first"
	findingsEvidence = "evidence"
)

// diagnosisQuery says what is wrong with the clusters of a scope: a row a finding, the worst cluster first, and of each
// cluster the worst finding. A scope that names clusters, or Kubernetes clusters behind which they are, gets these; another
// one gets those that are hurt.
type diagnosisQuery struct {
	Scope inventory.Scope `json:"scope"`
	// Findings is first for the worst finding of each cluster only, evidence for a row each fact that findings follow from.
	Findings string `json:"findings"`
	page
}

func parseDiagnosis(f *fields) *diagnosisQuery {
	return &diagnosisQuery{
		Scope:    f.scope(),
		Findings: f.enum("findings", findingsAll, findingsAll, findingsFirst, findingsEvidence),
		page:     f.page(),
	}
}

// findingRow is a row of the answer.
type findingRow struct {
	diagnosis.Finding
	cluster diagnosedCluster
	// rank is the finding's among those of its cluster, from 1 on.
	rank int
}

// diagnosedCluster is a cluster of the inventory, or one of which only the name is known.
type diagnosedCluster struct {
	clusterKey
	known    *inventory.Cluster
	monitors []*inventory.Monitor
}

func (q *diagnosisQuery) run(ctx context.Context, d *Datasource, request backend.DataQuery) (data.Frames, error) {
	d.inventory.WaitFirstSync(ctx, q.Scope, firstSyncPatience)
	regions := d.inventory.Statuses(q.Scope)
	history := &signalHistory{at: endOf(request)}
	chosen, notices, err := q.choose(ctx, d, history)
	if err != nil {
		return nil, err
	}
	findings, remarks, err := d.diagnose(ctx, chosen, history, regions)
	if err != nil {
		return nil, err
	}
	rows := q.rows(chosen, findings)
	var frame *data.Frame
	if q.Findings == findingsEvidence {
		frame = q.evidenceFrame(rows, regions)
	} else {
		frame = q.frame(rows, regions)
	}
	frame.AppendNotices(append(notices, remarks...)...)
	return data.Frames{frame}, nil
}

// endOf is the end of the query's time range, now at the latest.
func endOf(request backend.DataQuery) time.Time {
	at, now := request.TimeRange.To, time.Now()
	if at.IsZero() || at.After(now) {
		return now
	}
	return at
}

// diagnose returns the findings of each cluster, the worst first, and what is to be said of what is not known. Its error is
// that of the context: without series, inspections say what they know.
func (d *Datasource) diagnose(ctx context.Context, clusters []diagnosedCluster, history *signalHistory, regions []inventory.Status) (map[clusterKey][]diagnosis.Finding, []data.Notice, error) {
	var notices []data.Notice
	hosts := hostsOf(d.inventory, clusters)
	if failure := history.fetch(ctx, d.thanos, clusters, hosts); failure != nil {
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		notices = append(notices, notice(data.NoticeSeverityError, "The members' series are not known, so that this is what inspections say alone. %v", failure))
	} else {
		notices = partialNotices(onceEach(history.partial), d.lostStores(ctx))
	}
	findings := make(map[clusterKey][]diagnosis.Finding, len(clusters))
	for _, c := range clusters {
		findings[c.clusterKey] = diagnosis.Diagnose(history.snapshot(c, hosts, regions))
	}
	return findings, notices, nil
}

// choose returns the clusters to diagnose. A named cluster that the inventory does not know is one of them: its series may
// say what is wrong.
func (q *diagnosisQuery) choose(ctx context.Context, d *Datasource, history *signalHistory) ([]diagnosedCluster, []data.Notice, error) {
	clusters := d.clustersOf(q.Scope)
	if q.namesClusters() {
		strangers := q.strangers(clusters)
		notices := make([]string, len(strangers))
		for i, s := range strangers {
			notices[i] = s.cluster + " is not in the inventory of " + s.region + "."
		}
		notices = append(notices, q.unknownKubernetes(clusters)...)
		clusters = append(clusters, strangers...)
		sortClusters(clusters)
		return clusters[:min(len(clusters), maxDiagnosed)], someNotices(data.NoticeSeverityWarning, notices), nil
	}
	urgency, _, err := d.urgencies(ctx, q.Scope, clusters, history)
	if err != nil {
		return nil, nil, err
	}
	hurt, notices := mostUrgent(clusters, urgency)
	return hurt, notices, nil
}

// clustersOf are the clusters of the inventory in a scope, in no order.
func (d *Datasource) clustersOf(scope inventory.Scope) []diagnosedCluster {
	var clusters []diagnosedCluster
	d.inventory.EachCluster(scope, func(c *inventory.Cluster, monitors []*inventory.Monitor) {
		clusters = append(clusters, diagnosedCluster{clusterKey{c.Region, c.ID}, c, slices.Clone(monitors)})
	})
	return clusters
}

func (q *diagnosisQuery) namesClusters() bool {
	return len(q.Scope.Cluster)+len(q.Scope.Kubernetes) > 0
}

// unknownKubernetes says which of the wanted Kubernetes clusters no cluster names.
func (q *diagnosisQuery) unknownKubernetes(known []diagnosedCluster) []string {
	var texts []string
	for _, name := range q.Scope.Kubernetes {
		if !slices.ContainsFunc(known, func(c diagnosedCluster) bool { return slices.Contains(c.known.KubernetesClusters, name) }) {
			texts = append(texts, fmt.Sprintf("No cluster of this scope names the Kubernetes cluster %s: add it to spec.kubernetesClusters of its EtcdCluster.", name))
		}
	}
	return texts
}

// strangers are the wanted clusters of the wanted regions that are not known. Without a wanted region nothing can be said of
// where a cluster would be.
func (q *diagnosisQuery) strangers(known []diagnosedCluster) []diagnosedCluster {
	var strangers []diagnosedCluster
	for _, region := range q.Scope.Region {
		for _, cluster := range q.Scope.Cluster {
			key := clusterKey{region, cluster}
			if cluster != "" && !slices.ContainsFunc(known, func(c diagnosedCluster) bool { return c.clusterKey == key }) {
				strangers = append(strangers, diagnosedCluster{clusterKey: key})
			}
		}
	}
	return strangers
}

func sortClusters(clusters []diagnosedCluster) {
	slices.SortFunc(clusters, inOrder(
		by(func(c diagnosedCluster) string { return c.region }),
		by(func(c diagnosedCluster) string { return c.cluster }),
	))
}

// burningClusters has the clusters that burn as fast as the fast page over its short window.
func burningClusters(scope inventory.Scope) string {
	fast := slorules.Pages[0]
	matchers := strings.TrimPrefix(scopeMatchers(scope), ",")
	return fmt.Sprintf("max by (region, cluster) (cluster:etcd_slo_burn_rate:ratio%s{%s}) >= %g", fast.Short, matchers, fast.Factor)
}

// urgencies says of each cluster how urgent it is: 0 unless it is not healthy, burns as fast as pages somebody, or an
// inspection failed. Beside them it returns what Thanos knows of the clusters.
func (d *Datasource) urgencies(ctx context.Context, scope inventory.Scope, clusters []diagnosedCluster, history *signalHistory) (map[clusterKey]int, *fleetMetrics, error) {
	metrics, err := d.metrics.get(ctx, scopeMatchers(scope))
	if err != nil {
		return nil, nil, err
	}
	burning, err := d.thanos.Query(ctx, burningClusters(scope), history.at)
	if err != nil {
		return nil, nil, err
	}
	history.partial = slices.Concat(history.partial, metrics.partial, burning.Warnings.Partial)
	isBurning := map[clusterKey]bool{}
	for _, series := range burning.Series {
		isBurning[keyOf(series.Labels)] = true
	}
	urgency := map[clusterKey]int{}
	for _, c := range clusters {
		health, _ := assess(c.known, metrics.clusters[c.clusterKey])
		of := health.urgency()
		if worstOf(c.monitors) == v1beta1.OutcomeFailed {
			of = max(of, unhealthy.urgency())
		}
		if isBurning[c.clusterKey] {
			of += 10
		}
		urgency[c.clusterKey] = of
	}
	return urgency, metrics, nil
}

// mostUrgent are the clusters with any urgency, the most urgent first, and as many as can be diagnosed at once.
func mostUrgent(clusters []diagnosedCluster, urgency map[clusterKey]int) ([]diagnosedCluster, []data.Notice) {
	hurt := slices.DeleteFunc(slices.Clone(clusters), func(c diagnosedCluster) bool { return urgency[c.clusterKey] == 0 })
	total := len(hurt)
	shown := cut(hurt, page{Limit: maxDiagnosed}, inOrder(
		by(func(c diagnosedCluster) int { return -urgency[c.clusterKey] }),
		by(func(c diagnosedCluster) string { return c.region }),
		by(func(c diagnosedCluster) string { return c.cluster }),
	))
	if total <= maxDiagnosed {
		return shown, nil
	}
	return shown, []data.Notice{notice(data.NoticeSeverityInfo, "The %s most urgent of %s clusters that are hurt are diagnosed: narrow the scope for others.", thousands(maxDiagnosed), thousands(total))}
}

// rows are the findings, those of the worst cluster first.
func (q *diagnosisQuery) rows(clusters []diagnosedCluster, found map[clusterKey][]diagnosis.Finding) []findingRow {
	var ofClusters [][]findingRow
	for _, c := range clusters {
		findings := found[c.clusterKey]
		if findings[0].Severity == diagnosis.Quiet && !q.namesClusters() {
			continue // what made it look hurt is over
		}
		if q.Findings == findingsFirst {
			findings = findings[:1]
		}
		rows := make([]findingRow, len(findings))
		for i, finding := range findings {
			rows[i] = findingRow{finding, c, i + 1}
		}
		ofClusters = append(ofClusters, rows)
	}
	slices.SortFunc(ofClusters, inOrder(
		by(func(rows []findingRow) int { return slices.Index(diagnosis.Severities, rows[0].Severity) }),
		by(func(rows []findingRow) string { return rows[0].cluster.region }),
		by(func(rows []findingRow) string { return rows[0].cluster.cluster }),
	))
	return slices.Concat(ofClusters...)
}

func (q *diagnosisQuery) frame(rows []findingRow, regions []inventory.Status) *data.Frame {
	shown := rows[min(q.Offset, len(rows)):]
	shown = shown[:min(q.Limit, len(shown))]
	return tableFrame("diagnosis", "findings", q.page, len(rows), regions,
		column("region", shown, func(r findingRow) string { return r.cluster.region }),
		column("cluster", shown, func(r findingRow) string { return r.cluster.cluster }),
		column("product", shown, func(r findingRow) string { return r.cluster.of("product") }),
		column("scene", shown, func(r findingRow) string { return r.cluster.of("scene") }),
		column("spec", shown, func(r findingRow) string { return r.cluster.of("spec") }),
		column("rank", shown, func(r findingRow) int64 { return int64(r.rank) }),
		column("severity", shown, func(r findingRow) string { return string(r.Severity) }),
		column("suspect", shown, func(r findingRow) string { return r.Suspect.Title }),
		column("statement", shown, func(r findingRow) string { return r.Statement }),
		column("member", shown, func(r findingRow) string { return r.MemberNames() }),
		column("host", shown, func(r findingRow) string { return strings.Join(r.Hosts(), ", ") }),
		column("hostVariables", shown, findingRow.hostVariables),
		column("since", shown, func(r findingRow) *time.Time { return orNil(r.Since.UTC()) }),
		column("action", shown, func(r findingRow) string { return r.Action }),
		column("check", shown, func(r findingRow) string { return r.Check }),
		column("kubernetes", shown, func(r findingRow) string { return r.cluster.kubernetes() }),
		column("evidence", shown, findingRow.evidenceJSON),
	)
}

// fact is one piece of evidence of a finding.
type fact struct {
	finding  findingRow
	evidence diagnosis.Evidence
}

func (q *diagnosisQuery) evidenceFrame(rows []findingRow, regions []inventory.Status) *data.Frame {
	var facts []fact
	for _, r := range rows {
		for _, e := range r.Evidence {
			facts = append(facts, fact{r, e})
		}
	}
	shown := facts[min(q.Offset, len(facts)):]
	shown = shown[:min(q.Limit, len(shown))]
	return tableFrame("evidence", "facts", q.page, len(facts), regions,
		column("region", shown, func(f fact) string { return f.finding.cluster.region }),
		column("cluster", shown, func(f fact) string { return f.finding.cluster.cluster }),
		column("suspect", shown, func(f fact) string { return f.finding.Suspect.Title }),
		column("evidence", shown, func(f fact) string { return f.evidence.Text }),
		column("expr", shown, func(f fact) string { return f.evidence.Expr }),
		column("check", shown, func(f fact) string { return f.evidence.Check }),
		column("exploreQueries", shown, fact.exploreQueries),
	)
}

// exploreQueries are the queries of an address of Explore, encoded for it: the expression as this datasource's query, none for
// an inspection.
func (f fact) exploreQueries() string {
	if f.evidence.Expr == "" {
		return url.QueryEscape("[]")
	}
	encoded, err := json.Marshal([]map[string]string{{"refId": "A", "kind": "promql", "mode": modeRange, "expr": f.evidence.Expr}})
	if err != nil {
		return url.QueryEscape("[]") // texts alone: cannot happen
	}
	return url.QueryEscape(string(encoded))
}

// of returns a dimension of the cluster; "" when the inventory does not know it.
func (c diagnosedCluster) of(dimension string) string {
	if c.known == nil {
		return ""
	}
	return dimensionOf(c.known, dimension)
}

func (c diagnosedCluster) kubernetes() string {
	if c.known == nil {
		return ""
	}
	return strings.Join(c.known.KubernetesClusters, ", ")
}

// hostVariables are the hosts as variables of a dashboard's address, for links: a column has one text, and hosts are several.
func (r findingRow) hostVariables() string {
	return url.Values{"var-host": r.Hosts()}.Encode()
}

func (r findingRow) evidenceJSON() json.RawMessage {
	evidence := r.Evidence
	if evidence == nil {
		evidence = []diagnosis.Evidence{}
	}
	encoded, err := json.Marshal(evidence)
	if err != nil {
		return json.RawMessage("[]") // texts alone: cannot happen
	}
	return encoded
}

// hostKey is a host of a region: regions may use a name twice.
type hostKey struct{ region, host string }

// hostsOf returns the members on each host of the clusters, by host.
func hostsOf(inv *inventory.Inventory, clusters []diagnosedCluster) map[hostKey][]diagnosis.Neighbour {
	wanted := map[hostKey]struct{}{}
	regions := map[string]struct{}{}
	for _, c := range clusters {
		if c.known == nil {
			continue
		}
		for _, m := range c.known.Members {
			if m.Host != "" {
				wanted[hostKey{c.region, m.Host}] = struct{}{}
				regions[c.region] = struct{}{}
			}
		}
	}
	found := map[hostKey][]diagnosis.Neighbour{}
	if len(wanted) == 0 {
		return found
	}
	inv.EachCluster(inventory.Scope{Region: slices.Sorted(maps.Keys(regions))}, func(c *inventory.Cluster, _ []*inventory.Monitor) {
		for _, m := range c.Members {
			key := hostKey{c.Region, m.Host}
			if _, ok := wanted[key]; ok {
				found[key] = append(found[key], diagnosis.Neighbour{Cluster: c.ID, Member: diagnosis.Member(m)})
			}
		}
	})
	return found
}
