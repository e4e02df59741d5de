package datasource

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/etcdfleet/etcd-fleet/pkg/diagnosis"
	"github.com/etcdfleet/etcd-fleet/pkg/inventory"
)

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

// severityNumbers are for alert rules. That something of a cluster is not known is no number.
var severityNumbers = map[diagnosis.Severity]float64{
	diagnosis.Quiet: 0, diagnosis.AtRisk: 1, diagnosis.Unexplained: 2, diagnosis.Degraded: 3, diagnosis.Failing: 4,
}

// alert answers with the severity of each cluster's worst finding as a number.
func (q *diagnosisQuery) alert(ctx context.Context, d *Datasource, request backend.DataQuery) (data.Frames, error) {
	if !q.namesClusters() {
		return nil, &fieldError{"scope.cluster", "or scope.kubernetes must name clusters in an alert rule, because of all clusters only the hurt ones are diagnosed: for all use the kind clusters or slo"}
	}
	d.inventory.WaitFirstSync(ctx, q.Scope, firstSyncPatience)
	known := d.clustersOf(q.Scope)
	if named := len(known) + len(q.strangers(known)); named > maxDiagnosed {
		return nil, &fieldError{"scope.cluster", fmt.Sprintf("names %s clusters, and at most %d are diagnosed: write several rules", thousands(named), maxDiagnosed)}
	}
	worst := *q
	worst.Findings = findingsFirst
	tables, err := worst.run(ctx, d, request)
	if err != nil {
		return nil, err
	}
	return data.Frames{clusterRule(tables[0], "severity", severityNumbers)}, nil
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
