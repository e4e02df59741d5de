package datasource

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/etcdfleet/etcd-fleet/pkg/inventory"
)

// maxFixedValues bounds each list of a fixed scope: every selector of every query has all of them.
const maxFixedValues = 1000

// thanosURLSecret is where the address of Thanos is where users must not reach it past this backend.
const thanosURLSecret = "thanosUrl"

// view is what an instance shows to those who query it.
type view struct {
	// scope has the clusters that there are for them; everything without a fixed scope.
	scope inventory.Scope
	// hidesInternals leaves out what is of use only to those who run the clusters; docs/security.md lists it.
	hidesInternals bool
}

// isLimited reports whether something is kept from those who query the instance.
func (v view) isLimited() bool { return v.hidesInternals || !v.scope.IsEverything() }

func (v view) ofInventory() inventory.View {
	return inventory.View{Scope: v.scope, WithoutReasons: v.hidesInternals}
}

const (
	fixedScopeField    = "fixedScope"
	hideInternalsField = "hideInternals"
)

// parseView reads jsonData.fixedScope and jsonData.hideInternals. What it does not understand is an error, and so is another
// spelling: to ignore it would show more than was meant.
func parseView(jsonData []byte) (view, []error) {
	var raw map[string]json.RawMessage
	if len(jsonData) > 0 && json.Unmarshal(jsonData, &raw) != nil {
		return view{}, []error{errors.New("jsonData: must be an object")}
	}
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		for _, known := range []string{fixedScopeField, hideInternalsField} {
			if strings.EqualFold(name, known) && name != known {
				problems = append(problems, fieldProblem(fmt.Sprintf("jsonData[%q]", name), "write "+known))
			}
		}
	}
	scope, ofScope := parseFixedScope(raw[fixedScopeField])
	problems = append(problems, ofScope...)
	v := view{scope: scope, hidesInternals: !scope.IsEverything()}
	if hide := raw[hideInternalsField]; isGiven(hide) && json.Unmarshal(hide, &v.hidesInternals) != nil {
		problems = append(problems, fieldProblem("jsonData."+hideInternalsField, "must be true or false"))
	}
	return v, problems
}

func isGiven(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

func parseFixedScope(raw json.RawMessage) (inventory.Scope, []error) {
	const field = "jsonData." + fixedScopeField
	if !isGiven(raw) {
		return inventory.Scope{}, nil
	}
	var lists map[string]json.RawMessage
	if json.Unmarshal(raw, &lists) != nil {
		return inventory.Scope{}, []error{fieldProblem(field, "must be an object of lists, for example {\"region\": [\"gz\"]}")}
	}
	var problems []error
	values := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(lists)) {
		if !slices.Contains(dimensions, name) {
			problems = append(problems, fieldProblem(fmt.Sprintf("%s[%.80q]", field, name), "is not a field of a fixed scope: use "+strings.Join(dimensions, ", ")))
			continue
		}
		list, err := parseFixedValues(lists[name])
		if err != nil {
			problems = append(problems, fmt.Errorf("%s.%s: %w", field, name, err))
		}
		values[name] = list
	}
	if len(values["cluster"]) > 0 && len(values["region"]) == 0 && problems == nil {
		problems = append(problems, fieldProblem(field+".region", "name the regions of the clusters, because another region may have a cluster of the same name"))
	}
	return inventory.Scope{
		Region: values["region"], Product: values["product"], Scene: values["scene"], Spec: values["spec"], Cluster: values["cluster"],
	}, problems
}

// parseFixedValues reads the exact values of one label.
func parseFixedValues(raw json.RawMessage) ([]string, error) {
	var entries []*string
	if json.Unmarshal(raw, &entries) != nil || slices.Contains(entries, nil) {
		return nil, errors.New("must be a list of texts")
	}
	if len(entries) > maxFixedValues {
		return nil, fmt.Errorf("must have at most %d values: fix another label, such as scene", maxFixedValues)
	}
	values := make([]string, len(entries))
	for i, entry := range entries {
		if err := checkFilledIn(*entry); err != nil {
			return nil, fmt.Errorf("value %d: %w", i+1, err)
		}
		if len(*entry) > maxValueLength {
			return nil, fmt.Errorf("value %d: must have at most %d bytes", i+1, maxValueLength)
		}
		values[i] = *entry
	}
	return values, nil
}

// parseThanosURL returns the address of Thanos. Grafana itself passes requests of everybody who may query a datasource on
// to the datasource's URL, past this backend, so that a limited view needs the address in a secret and no URL.
func (v view) parseThanosURL(plain, secret string) (*url.URL, []error) {
	if !v.isLimited() {
		parsed, err := parseURL(plain)
		if err != nil {
			return nil, []error{fmt.Errorf("url: %w", err)}
		}
		return parsed, nil
	}
	var problems []error
	if plain != "" {
		problems = append(problems, fieldProblem("url", fmt.Sprintf(
			"remove it, and enter the address of Thanos as secureJsonData.%s: Grafana's data proxy gives all series of this URL to everybody who may query the datasource, whatever its fixed scope", thanosURLSecret)))
	}
	parsed, err := parseURL(strings.TrimSpace(secret))
	if err != nil {
		problems = append(problems, fmt.Errorf("secureJsonData.%s: %w", thanosURLSecret, err))
	}
	return parsed, problems
}
