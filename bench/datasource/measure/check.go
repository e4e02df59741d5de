package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/etcdfleet/etcd-fleet/pkg/diagnosis"
)

// maxDiagnosed is how many clusters the datasource diagnoses at once (pkg/datasource/diagnosed.go).
const maxDiagnosed = 50

// check compares the datasource's answers with the seeded faults: queries without results would be fast and say nothing.
func check(ctx context.Context, d datasource, f *fleet) error {
	faults := map[string]string{}
	for _, c := range f.faulty() {
		faults[c.Labels.Cluster] = c.Fault
		single := ofScope("diagnosis", map[string]string{"region": c.Labels.Region, "cluster": c.Labels.Cluster}, nil)
		if err := checkDiagnosis(ctx, d, single, faults, 1); err != nil {
			return err
		}
	}
	for _, scope := range []map[string]string{{"region": faultyRegion(f)}, {}} {
		first := ofScope("diagnosis", scope, map[string]any{"findings": "first", "limit": 100})
		if err := checkDiagnosis(ctx, d, first, faults, min(len(faults), maxDiagnosed)); err != nil {
			return err
		}
	}
	return checkHealth(ctx, d, f)
}

func faultyRegion(f *fleet) string { return f.faulty()[0].Labels.Region }

// checkDiagnosis requires for each of the clusters that the worst finding is the seeded one.
func checkDiagnosis(ctx context.Context, d datasource, q query, faults map[string]string, clusters int) error {
	got, err := ask(ctx, d, q)
	if err != nil {
		return err
	}
	if text := complaint(got.frames); text != "" {
		return fmt.Errorf("%s: %s", q.text, text)
	}
	names, ranks, suspects := texts(got, "cluster"), texts(got, "rank"), texts(got, "suspect")
	firsts := 0
	for i, name := range names {
		if ranks[i] != "1" {
			continue
		}
		firsts++
		if want := titleOf(faults[name]); suspects[i] != want {
			return fmt.Errorf("the diagnosis of %s is %q instead of %q: %s", name, suspects[i], want, texts(got, "statement")[i])
		}
	}
	if firsts != clusters {
		return fmt.Errorf("%s has %d clusters instead of %d", q.text, firsts, clusters)
	}
	return nil
}

func titleOf(name string) string {
	for _, suspect := range diagnosis.Suspects() {
		if suspect.Name == name {
			return suspect.Title
		}
	}
	return ""
}

// checkHealth requires the health that follows from the members that are down, and that no other cluster is hurt.
func checkHealth(ctx context.Context, d datasource, f *fleet) error {
	got, err := ask(ctx, d, ofScope("clusters", nil, map[string]any{"limit": 1000}))
	if err != nil {
		return err
	}
	if text := complaint(got.frames); text != "" {
		return fmt.Errorf("clusters: %s", text)
	}
	found, want := map[string]int{}, map[string]int{}
	for _, health := range texts(got, "health") {
		found[health]++
	}
	for _, c := range f.faulty() {
		switch c.Fault {
		case "quorum-lost":
			want["Unhealthy"]++
		case "member-down":
			want["Degraded"]++
		}
	}
	for _, health := range []string{"Unhealthy", "Degraded", "Unknown"} {
		if found[health] != want[health] {
			return fmt.Errorf("%d clusters are %s instead of %d", found[health], health, want[health])
		}
	}
	if total := totalOf(got); total != len(f.Clusters) {
		return fmt.Errorf("the table of clusters has %d instead of %d", total, len(f.Clusters))
	}
	return nil
}

// texts returns the values of a column of the first frame as text.
func texts(of answer, column string) []string {
	field, _ := of.frames[0].FieldByName(column)
	if field == nil {
		return nil
	}
	values := make([]string, field.Len())
	for i := range values {
		if value, ok := field.ConcreteAt(i); ok {
			values[i] = fmt.Sprint(value)
		}
	}
	return values
}

// ofScope returns a query of a kind for one value of some fields of the scope.
func ofScope(kind string, scope map[string]string, fields map[string]any) query {
	lists := map[string][]string{}
	for field, value := range scope {
		lists[field] = []string{value}
	}
	all := map[string]any{"kind": kind, "scope": lists}
	for name, value := range fields {
		all[name] = value
	}
	text, _ := json.Marshal(all)
	return query{kind: kind, text: text}
}
