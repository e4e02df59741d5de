package datasource

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/stretchr/testify/require"
)

// The customer of these tests has gz-2 and nothing else. foreign are words that only others' clusters and regions have,
// internal those of hosts, zones, members and addresses.
var (
	customerScope = map[string]any{"region": []string{"gz"}, "cluster": []string{"gz-2", "slo-b"}}
	foreign       = []string{"gz-1", "gz-3", "gz-9", "sh-1", `"sh"`, "slo-a", "slo-c", "slo-d", "small"}
	internal      = []string{"gz-node", "gz-zone", "gz-2-0", "gz-2-1", "gz-2-2", "10.0.0.1", "127.0.0.1", "nodeKeyDiff"}
)

// withFixedScope limits the datasource as an administrator has to: no address can be read.
func withFixedScope(scope map[string]any, hidesInternals bool) option {
	return func(jsonData map[string]any, settings *backend.DataSourceInstanceSettings) {
		jsonData["fixedScope"], jsonData["hideInternals"] = scope, hidesInternals
		settings.DecryptedSecureJSONData["thanosUrl"], settings.URL = settings.URL, ""
		for _, region := range jsonData["regions"].([]map[string]any) {
			settings.DecryptedSecureJSONData[region["name"].(string)+".url"] = region["url"].(string)
			delete(region, "url")
		}
	}
}

func customerOf(t *testing.T, hidesInternals bool) *Datasource {
	t.Helper()
	d := newFleet(t, withFixedScope(customerScope, hidesInternals))
	eventually(t, d, map[string]any{"kind": "clusters"}, func(frame *data.Frame) bool {
		return isLive("gz")(frame) && frame.Rows() == 1 && columnOf(frame, "membersUp")[0] == int64(3)
	})
	return d
}

// open are queries of each kind that name nobody, with a word of the customer's own that the answer has. Every registered
// kind must have some.
var open = map[string][]struct {
	query map[string]any
	own   string
}{
	"promql": {
		{map[string]any{"expr": `{__name__=~".+"}`, "mode": "instant"}, "gz-2"},
		{map[string]any{"expr": `up`}, "gz-2"},
		{map[string]any{"expr": `up`, "legend": "{{member}} {{host}} {{instance}} {{cluster}}"}, "gz-2"},
		{map[string]any{"expr": `count by (cluster) ({cluster!=""})`, "mode": "instant"}, "gz-2"},
		{map[string]any{"expr": `label_replace(up, "scene", "$1", "cluster", "(.*)")`}, "gz-2"},
	},
	"clusters": {
		{map[string]any{}, "gz-2"},
		{map[string]any{"sort": "keys", "descending": true}, "gz-2"},
		{map[string]any{"distinct": "cluster"}, "gz-2"},
		{map[string]any{"distinct": "region"}, "gz"},
		{map[string]any{"distinct": "product"}, "tcr"},
		{map[string]any{"distinct": "scene"}, "big-customer"},
		{map[string]any{"distinct": "spec"}, "large"},
		{map[string]any{"distinct": "kubernetes"}, "gz-2-tke"},
		{map[string]any{"scope": map[string]any{"region": []string{}}}, "gz-2"},
	},
	"inspections": {{map[string]any{}, "gz-2"}, {map[string]any{"outcomes": []string{"Failed"}}, "gz-2"}},
	"slo": {
		{map[string]any{}, "slo-b"},
		{map[string]any{"by": "sli", "sort": "bad", "descending": true}, "slo-b"},
		{map[string]any{"level": "fleet", "sort": "budgetLeft"}, "read-availability"},
		{map[string]any{"level": "region"}, "gz"},
		{map[string]any{"level": "scene"}, "business"},
		{map[string]any{"level": "spec", "window": "1h"}, "large"},
		{map[string]any{"distinct": "objective"}, "etcd-availability"},
		{map[string]any{"distinct": "sli"}, "read-errors"},
	},
	"diagnosis": {
		{map[string]any{}, "gz-2"},
		{map[string]any{"findings": "first"}, "gz-2"},
		{map[string]any{"findings": "evidence"}, "gz-2"},
		{map[string]any{"scope": map[string]any{"kubernetes": []string{"gz-2-tke"}}}, "gz-2"},
	},
	"impact":   {{map[string]any{}, "gz-2"}, {map[string]any{"by": "host"}, "gz-node"}, {map[string]any{"by": "zone"}, "gz-zone"}},
	"topology": {{map[string]any{}, "gz-2"}},
	"events":   {{map[string]any{}, "gz-2"}, {map[string]any{"format": "annotations"}, "gz-2"}},
}

// aimed are queries of each kind that ask for what $ stands for.
var aimed = map[string][]string{
	"promql": {
		`{"expr": "up{cluster=\"$\"}"}`, `{"expr": "up{cluster=\"$\"}", "mode": "instant"}`, `{"expr": "absent(up{cluster=\"$\"})", "mode": "instant"}`,
		`{"expr": "up{cluster=~\"gz-2|$\"}", "mode": "instant"}`, `{"expr": "count(up{cluster=\"$\"}) or vector(0)", "mode": "instant"}`,
		`{"expr": "up{cluster=\"$\",cluster=\"gz-2\"}", "mode": "instant"}`, `{"expr": "etcd_server_has_leader unless on (job) up{cluster=\"$\"}", "mode": "instant"}`,
	},
	"clusters":    {`{"scope": {"cluster": ["$"]}}`, `{"scope": {"cluster": ["$"]}, "distinct": "cluster"}`, `{"scope": {"cluster": ["gz-2", "$"]}}`, `{"scope": {"kubernetes": ["$-tke"]}}`, `{"scope": {"region": ["$"]}}`},
	"inspections": {`{"scope": {"cluster": ["$"]}}`, `{"scope": {"cluster": ["$", "gz-2"]}}`, `{"scope": {"region": ["$"]}}`},
	"slo":         {`{"scope": {"cluster": ["$"]}}`, `{"scope": {"cluster": ["$"]}, "level": "fleet"}`, `{"scope": {"cluster": ["$"]}, "distinct": "sli"}`, `{"scope": {"region": ["$"]}, "level": "region"}`},
	"diagnosis":   {`{"scope": {"region": ["gz"], "cluster": ["$"]}}`, `{"scope": {"cluster": ["$"]}, "findings": "evidence"}`, `{"scope": {"region": ["gz"], "kubernetes": ["$-tke"]}}`, `{"scope": {"region": ["$"]}}`},
	"impact":      {`{"scope": {"cluster": ["$"]}}`, `{"scope": {"region": ["$"]}, "by": "host"}`, `{"scope": {"kubernetes": ["$-tke"]}, "by": "zone"}`},
	"topology":    {`{"scope": {"cluster": ["$"]}}`, `{"scope": {"region": ["$"]}}`, `{"scope": {"kubernetes": ["$-tke"]}}`},
	"events":      {`{"scope": {"cluster": ["$"]}}`, `{"scope": {"region": ["$"]}}`, `{"scope": {"kubernetes": ["$-tke"]}, "format": "annotations"}`},
}

// answerTo is a query's whole answer as text, with its status and its error.
func answerTo(t *testing.T, d *Datasource, kind string, query map[string]any) (string, backend.DataResponse) {
	t.Helper()
	query["kind"] = kind
	response := ask(t, d, query)
	encoded, err := json.Marshal(response)
	require.NoError(t, err)
	return string(encoded), response
}

// Of all kinds, also those that are yet to be written: none shows another's cluster, and each shows the customer's own.
func TestNoKindShowsWhatIsOutOfTheFixedScope(t *testing.T) {
	everything := newFleet(t)
	eventually(t, everything, map[string]any{"kind": "clusters"}, isLive("gz", "sh"))
	for _, name := range []string{"gz-1", "gz-2"} {
		happen(t, "EtcdCluster", name, "Warning", "TestCustomers", 0)
	}
	for _, hides := range []bool{false, true} {
		d := customerOf(t, hides)
		for _, k := range kinds {
			require.NotEmpty(t, open[k.name], "say what %s must not show", k.name)
			for _, c := range open[k.name] {
				// A scrape that comes too late takes series away for a second.
				for began := time.Now(); ; time.Sleep(tick) {
					answer, response := answerTo(t, d, k.name, c.query)
					description := fmt.Sprintf("%s %v, internals hidden: %v: %s", k.name, c.query, hides, answer)
					for _, word := range foreign {
						require.NotContains(t, answer, word, description)
					}
					if hides && len(k.shown) == 0 {
						require.ErrorContains(t, response.Error, "hides", description)
						require.Equal(t, backend.StatusBadRequest, response.Status, description)
						break
					}
					if hides {
						for _, word := range internal {
							require.NotContains(t, answer, word, description)
						}
					}
					if response.Error == nil && strings.Contains(answer, c.own) {
						break
					}
					require.Less(t, time.Since(began), patience, description)
				}
			}
		}
	}
	seen := ""
	for _, k := range kinds {
		answer, _ := answerTo(t, everything, k.name, open[k.name][0].query)
		seen += answer
	}
	for _, word := range append([]string{"gz-node", "gz-zone", "gz-2-0", "nodeKeyDiff"}, foreign...) {
		require.Contains(t, seen, word, "without a fixed scope it is shown")
	}
}

// A cluster and a region that are another's are answered as those that do not exist.
func TestWhatIsOutOfTheFixedScopeIsAsIfItDidNotExist(t *testing.T) {
	for _, hides := range []bool{false, true} {
		d := customerOf(t, hides)
		for _, k := range kinds {
			require.NotEmpty(t, aimed[k.name], "say how %s could be aimed at another's cluster", k.name)
			for _, form := range aimed[k.name] {
				about := func(name string) string {
					var query map[string]any
					require.NoError(t, json.Unmarshal([]byte(strings.ReplaceAll(form, "$", name)), &query))
					answer, _ := answerTo(t, d, k.name, query)
					return regexp.MustCompile(`\b`+name+`\b`).ReplaceAllLiteralString(answer, "$")
				}
				for _, theirs := range []string{"gz-1", "sh-1", "sh"} {
					for began := time.Now(); about("nowhere") != about(theirs); time.Sleep(tick) {
						require.Less(t, time.Since(began), patience, "%s %s is answered\n%s\nand for a cluster that does not exist\n%s", k.name, form, about(theirs), about("nowhere"))
					}
				}
			}
		}
	}
}

func TestAFixedScopeCountsOnlyItsOwnClusters(t *testing.T) {
	d := customerOf(t, true)
	for _, level := range []string{"fleet", "region", "spec", "cluster"} {
		eventually(t, d, map[string]any{"kind": "slo", "level": level, "window": "1h"}, func(frame *data.Frame) bool {
			return slices.Equal(cells(frame, "objective", "bad", "all", "target", "budgetLeft", "burnRate"), []string{
				"read-availability 150 1e+04 0.99 0.25 1.5", "etcd-availability 50 1e+04 0.99 0.75 0.5",
			})
		})
	}
}

func TestQuestionsAboutInternalsAreRefused(t *testing.T) {
	d := customerOf(t, true)
	for _, c := range []struct {
		query map[string]any
		wrong string
	}{
		{map[string]any{"kind": "impact"}, "kind impact is for those who run the clusters"},
		{map[string]any{"kind": "topology"}, "kind topology is for those who run the clusters"},
		{map[string]any{"kind": "clusters", "distinct": "host"}, "distinct must be one of"},
		{map[string]any{"kind": "clusters", "distinct": "zone"}, "distinct must be one of"},
		{map[string]any{"kind": "clusters", "scope": on("gz-node-0")}, "scope.host is not a field of this scope"},
		{map[string]any{"kind": "inspections", "scope": map[string]any{"zone": []string{"gz-zone-0"}}}, "scope.zone is not a field"},
		{map[string]any{"kind": "diagnosis", "scope": on("gz-node-0")}, "scope.host is not a field"},
		{map[string]any{"kind": "promql", "expr": `up{host="gz-node-0"}`}, "names the label host, which this datasource hides"},
		{map[string]any{"kind": "promql", "expr": `sum by (member) (up)`}, "names the label member"},
		{map[string]any{"kind": "promql", "expr": `label_replace(up, "sli", "$1", "instance", "(.*)")`}, "names the label instance"},
		{map[string]any{"kind": "promql", "expr": `up +`}, "is not valid"},
	} {
		response := ask(t, d, c.query)
		require.ErrorContains(t, response.Error, c.wrong)
		require.Equal(t, backend.StatusBadRequest, response.Status, response.Error)
		require.Equal(t, backend.ErrorSourceDownstream, response.ErrorSource)
	}
}

func TestNoResourceShowsWhatIsOutOfTheFixedScope(t *testing.T) {
	const check = "check-of-customer" // of this test alone: a run stays queued
	run := func(d *Datasource, user *backend.User, region, cluster string) reply {
		return call(t, d, user, http.MethodPost, runPath, "application/json", runRequest(region, cluster, check))
	}
	own := etcdMonitor("gz", "gz-2", check, "")
	require.NoError(t, gz.Admin.Create(t.Context(), own))
	t.Cleanup(func() { _ = gz.Admin.Delete(context.Background(), own) })
	const refusal = "Inspections are run by those who run the clusters: this datasource shows their outcomes."

	hiding := customerOf(t, true)
	for _, cluster := range []string{"gz-2", "gz-1", "nowhere"} {
		answer := run(hiding, admin, "gz", cluster)
		require.Equal(t, http.StatusForbidden, answer.status)
		require.Equal(t, refusal, answer.body["message"], "it does not depend on the cluster")
	}
	permitted := call(t, hiding, admin, http.MethodGet, "inspections/permission", "", "")
	require.Equal(t, false, permitted.body["allowed"])
	require.Equal(t, refusal, permitted.body["reason"])

	colleagues := customerOf(t, false)
	eventually(t, colleagues, inspectionOf(check), func(frame *data.Frame) bool { return frame.Rows() == 1 })
	require.Equal(t, http.StatusAccepted, run(colleagues, editor, "gz", "gz-2").status)
	for _, theirs := range [][2]string{{"gz", "gz-1"}, {"gz", "gz-9"}, {"sh", "sh-1"}} {
		answer, unknown := run(colleagues, editor, theirs[0], theirs[1]), run(colleagues, editor, strings.Replace(theirs[0], "sh", "xx", 1), "nowhere")
		require.Equal(t, http.StatusNotFound, answer.status)
		require.Equal(t, unknown.body["field"], answer.body["field"])
		require.Equal(t, strings.ReplaceAll(unknown.body["message"].(string), "nowhere", theirs[1]),
			strings.ReplaceAll(answer.body["message"].(string), `"sh"`, `"xx"`))
	}

	for _, d := range []*Datasource{hiding, colleagues} {
		require.JSONEq(t, `["check-of-customer", "etcd-node-key-diff"]`, call(t, d, viewer, http.MethodGet, "checks", "", "").raw, "gz-1 alone has others")
		for _, path := range []string{"api/v1/query", "api/v1/label/cluster/values", "api/v1/series", "label_values", ""} {
			require.Equal(t, http.StatusNotFound, call(t, d, admin, http.MethodGet, path, "", "").status, path)
		}
	}
}

// hurtThanos answers as a Thanos does that quotes series of hosts, and that has lost a store.
func hurtThanos(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "/stores"):
			_, _ = fmt.Fprint(w, `{"status":"success","data":{"sidecar":[{"name":"10.0.0.1:10901","lastError":"dial 10.0.0.1","labelSets":[{"host":"gz-node-0"}]}]}}`)
		case strings.Contains(r.FormValue("query"), "duplicate"):
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = fmt.Fprint(w, `{"status":"error","errorType":"execution","error":"found duplicate series for the match group {cluster=\"gz-1\"}: [{host=\"gz-node-0\"}]"}`)
		case strings.Contains(r.FormValue("query"), "down"):
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = fmt.Fprint(w, `{"status":"error","errorType":"unavailable","error":"no store at 10.0.0.1"}`)
		case r.FormValue("query") != "":
			_, _ = fmt.Fprint(w, `{"status":"success","warnings":["PromQL info: series {host=\"gz-node-0\"}", "10.0.0.1:10901: EOF"],"data":{"resultType":"vector","result":[{"metric":{"cluster":"gz-2","host":"gz-node-0","instance":"10.0.0.1:2379"},"value":[1,"1"]}]}}`)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestErrorsAndNoticesNameNoInternals(t *testing.T) {
	d := newFleet(t, withURL(hurtThanos(t)), withGZ("url", "https://127.0.0.1:1"), withFixedScope(customerScope, true))
	log := recordLog(d)
	for _, c := range []struct {
		kind  string
		query map[string]any
		says  string
	}{
		{"promql", map[string]any{"expr": "up", "mode": "instant"}, "Thanos answered in part: some series are missing"},
		{"promql", map[string]any{"expr": "duplicate"}, "The query could not be evaluated: simplify it, or ask for fewer series."},
		{"promql", map[string]any{"expr": "down"}, "The metrics cannot be read at the moment."},
		{"clusters", map[string]any{}, "Region gz is missing. Its objects cannot be read at the moment."},
		{"inspections", map[string]any{}, "Region gz is missing. Its objects cannot be read at the moment."},
		{"diagnosis", map[string]any{"scope": map[string]any{"region": []string{"gz"}, "cluster": []string{"gz-2"}}}, "gz-2 is not in the inventory of gz."},
	} {
		deadline := time.Now().Add(patience)
		var answer string
		for {
			answer, _ = answerTo(t, d, c.kind, c.query)
			if strings.Contains(answer, c.says) || time.Now().After(deadline) {
				break
			}
			time.Sleep(tick)
		}
		require.Contains(t, answer, c.says)
		for _, word := range append([]string{"no store", "EOF", "host"}, internal...) {
			require.NotContains(t, answer, word, c.kind)
		}
	}
	require.Contains(t, fmt.Sprint(log.take()), "gz-node-0", "those who run the clusters find it in the log")
}

// The documentation's table is what customers are promised.
func TestWhatCustomersSeeIsDocumented(t *testing.T) {
	content, err := os.ReadFile(filepath.Join("..", "..", "docs", "security.md"))
	require.NoError(t, err)
	documented := map[string][]string{}
	for _, row := range regexp.MustCompile(`(?m)^(?:\| |- \*\*)(\w+)(?: +\|| that are shown\*\*:)([^|]*?)(?:\||\.$)`).FindAllStringSubmatch(string(content), -1) {
		for _, word := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(row[2], -1) {
			documented[row[1]] = append(documented[row[1]], word[1])
		}
	}
	for _, k := range kinds {
		if k.name != "promql" {
			require.ElementsMatch(t, k.shown, documented[k.name], k.name)
		}
	}
	require.ElementsMatch(t, shownLabels, documented["Labels"])
}

// The dashboard for customers is of use only if nothing of it is refused.
func TestTheCustomersDashboardAsksForNothingThatIsHidden(t *testing.T) {
	content, err := os.ReadFile(filepath.Join("..", "..", "dashboards", "customer.json"))
	require.NoError(t, err)
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []json.RawMessage
		}
	}
	require.NoError(t, json.Unmarshal(content, &dashboard))
	customer := view{hidesInternals: true}
	reader, err := newSeriesReader(nil, customer, nil)
	require.NoError(t, err)
	asked := 0
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			asked++
			parsed, _, err := customer.parseQuery(target)
			require.NoError(t, err, panel.Title)
			if series, ok := parsed.(*promqlQuery); ok {
				_, err := reader.forUsers().fence.Confine(expandMacros(series.Expr, macros{step: time.Minute, scrapeInterval: time.Second}))
				require.NoError(t, err, panel.Title)
			}
		}
	}
	require.Greater(t, asked, 10)
}

func TestTheHealthOfACustomersDatasourceNamesInternalsToAdministratorsOnly(t *testing.T) {
	d := newFleet(t, withGZ("url", "https://127.0.0.1:1"), withFixedScope(customerScope, true))
	check := func(user *backend.User) *backend.CheckHealthResult {
		result, err := d.CheckHealth(t.Context(), &backend.CheckHealthRequest{PluginContext: backend.PluginContext{User: user}})
		require.NoError(t, err)
		require.Equal(t, backend.HealthStatusError, result.Status)
		return result
	}
	for _, user := range []*backend.User{nil, viewer, editor} {
		result := check(user)
		said := result.Message + string(result.JSONDetails)
		require.Contains(t, said, "gz: does not work: an administrator who tests the datasource sees why.")
		require.Contains(t, said, "Thanos: works")
		for _, word := range append([]string{"sh:", "version"}, internal...) {
			require.NotContains(t, said, word)
		}
	}
	require.Contains(t, check(admin).Message, "127.0.0.1")
	require.NotContains(t, check(admin).Message, "sh:", "regions out of the fixed scope are not watched")
}
