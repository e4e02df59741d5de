package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/etcdfleet/etcd-fleet/internal/labbin"
)

// panel is a panel of a generated dashboard.
type panel struct {
	Title   string                       `json:"title"`
	Type    string                       `json:"type"`
	Targets []map[string]json.RawMessage `json:"targets"`
}

// name distinguishes panels of the same title.
func (p panel) name() string {
	if p.Type == "timeseries" {
		return p.Title + ", graph"
	}
	return p.Title
}

// readPanels returns the panels with queries of a dashboard, such as tier1-overview.
func readPanels(dashboard string) ([]panel, error) {
	path, err := labbin.RepositoryPath("dashboards", dashboard+".json")
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var file struct {
		Panels []panel `json:"panels"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return slices.DeleteFunc(file.Panels, func(p panel) bool { return len(p.Targets) == 0 }), nil
}

// variables are the values of a dashboard's variables. A variable without one is All.
type variables struct {
	chosen map[string]string
	// all are the values of each variable, which Grafana hands out in place of All; a page of the app matches everything.
	all map[string][]string
}

var variable = regexp.MustCompile(`\$([a-z]+)`)

// queries returns the panel's queries with the variables filled in, as src/datasource does in the browser: in PromQL All is an
// alternation of all values, and a scope is not filtered by it.
func (p panel) queries(v variables) ([]query, error) {
	var queries []query
	for _, target := range p.Targets {
		filled := maps.Clone(target)
		delete(filled, "datasource")
		var kind, expr, refID string
		scope := map[string][]string{}
		for field, into := range map[string]any{"kind": &kind, "expr": &expr, "refId": &refID, "scope": &scope} {
			if raw, ok := target[field]; ok {
				if err := json.Unmarshal(raw, into); err != nil {
					return nil, fmt.Errorf("panel %q, %s: %w", p.Title, field, err)
				}
			}
		}
		if expr != "" {
			filled["expr"] = encoded(variable.ReplaceAllStringFunc(expr, func(name string) string { return v.pattern(name[1:]) }))
		}
		for field, values := range scope {
			if scope[field] = v.expand(values); len(scope[field]) == 0 {
				delete(scope, field)
			}
		}
		if len(scope) > 0 || target["scope"] != nil {
			filled["scope"] = encoded(scope)
		}
		q := query{name: p.name(), kind: kind, text: encoded(filled)}
		if len(p.Targets) > 1 {
			q.name += " " + refID
		}
		queries = append(queries, q)
	}
	return queries, nil
}

func (v variables) pattern(name string) string {
	switch value, ok := v.chosen[name]; {
	case ok:
		return value
	case v.all == nil:
		return ".*"
	}
	return "(" + strings.Join(v.all[name], "|") + ")"
}

func (v variables) expand(values []string) (expanded []string) {
	for _, value := range values {
		name, isVariable := strings.CutPrefix(value, "$")
		if !isVariable {
			expanded = append(expanded, value)
		} else if chosen, ok := v.chosen[name]; ok {
			expanded = append(expanded, chosen)
		}
	}
	return expanded
}

// valuesOfVariables are all values of the dashboards' variables.
func valuesOfVariables(f *fleet) map[string][]string {
	sets := map[string]map[string]struct{}{"region": {}, "product": {}, "scene": {}, "spec": {}}
	for _, c := range f.Clusters {
		sets["region"][c.Labels.Region] = struct{}{}
		sets["product"][c.Labels.Product] = struct{}{}
		sets["scene"][c.Labels.Scene] = struct{}{}
		sets["spec"][c.Labels.Spec] = struct{}{}
	}
	all := map[string][]string{}
	for name, set := range sets {
		all[name] = slices.Sorted(maps.Keys(set))
	}
	return all
}

func ofCluster(c cluster) variables {
	return variables{chosen: map[string]string{"region": c.Labels.Region, "cluster": c.Labels.Cluster}}
}

// encoded is for values that can always be encoded.
func encoded(value any) json.RawMessage {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return text
}

// queriesOf returns the queries of some panels.
func queriesOf(panels []panel, v variables) (all []query, err error) {
	for _, p := range panels {
		queries, err := p.queries(v)
		if err != nil {
			return nil, err
		}
		all = append(all, queries...)
	}
	return all, nil
}

// named returns the panels with these titles.
func named(panels []panel, titles ...string) ([]panel, error) {
	var found []panel
	for _, title := range titles {
		i := slices.IndexFunc(panels, func(p panel) bool { return p.Title == title })
		if i < 0 {
			return nil, fmt.Errorf("there is no panel %q: compare with src/app", title)
		}
		found = append(found, panels[i])
	}
	return found, nil
}
