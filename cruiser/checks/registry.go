package checks

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// metricPrefix begins the name of each gauge of a check.
const metricPrefix = "etcd_inspection_"

// maxValues is how many values a record holds.
const maxValues = 32

// registered are the checks of this package.
var registered []Check

func register(check Check) {
	registered = append(registered, check)
}

// Registry is a set of checks by name.
type Registry map[string]Check

// All returns the checks of this package. It panics when two of them contradict each other, which a test would show.
func All() Registry {
	registry, err := NewRegistry(registered...)
	if err != nil {
		panic(err)
	}
	return registry
}

// NewRegistry returns a registry of the checks. It refuses incomplete ones and those that contradict each other.
func NewRegistry(checks ...Check) (Registry, error) {
	registry := Registry{}
	help := map[string]string{}
	for _, check := range checks {
		if check.Name == "" || check.Run == nil {
			return nil, fmt.Errorf("check %q needs a Name and a Run", check.Name)
		}
		if _, exists := registry[check.Name]; exists {
			return nil, fmt.Errorf("two checks are named %s", check.Name)
		}
		if len(check.Values) > maxValues {
			return nil, fmt.Errorf("check %s has %d values, a record holds %d", check.Name, len(check.Values), maxValues)
		}
		for _, value := range check.Values {
			if !strings.HasPrefix(value.Metric, metricPrefix) {
				return nil, fmt.Errorf("check %s: metric %q does not begin with %s", check.Name, value.Metric, metricPrefix)
			}
			if known, exists := help[value.Metric]; exists && known != value.Help {
				return nil, fmt.Errorf("check %s: metric %s has another help text elsewhere", check.Name, value.Metric)
			}
			help[value.Metric] = value.Help
		}
		registry[check.Name] = check
	}
	return registry, nil
}

// Lookup returns the check of that name and its parameters: the given ones, and the defaults of the others. The error
// names what is known instead.
func (r Registry) Lookup(name string, given Parameters) (Check, Parameters, error) {
	check, exists := r[name]
	if !exists {
		return Check{}, nil, fmt.Errorf(
			"there is no check %q: create an EtcdMonitor whose spec.metricName is one of %s", name, sortedNames(r))
	}
	parameters := Parameters{}
	maps.Copy(parameters, check.Parameters)
	for name, value := range given {
		if _, exists := check.Parameters[name]; !exists {
			return Check{}, nil, fmt.Errorf("check %s has no parameter %q: remove it from spec.parameters; there are: %s",
				check.Name, name, sortedNames(check.Parameters))
		}
		parameters[name] = value
	}
	return check, parameters, nil
}

func sortedNames[V any, M ~map[string]V](m M) string {
	if len(m) == 0 {
		return "none"
	}
	return strings.Join(slices.Sorted(maps.Keys(m)), ", ")
}
