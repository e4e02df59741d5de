package checks

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/parameters"
)

// metricPrefix is the start of the name of each gauge of a check.
const metricPrefix = "etcd_inspection_"

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
		if len(check.Values) > etcdv1beta1.MaxValues {
			return nil, fmt.Errorf("check %s has %d values, a record holds %d", check.Name, len(check.Values), etcdv1beta1.MaxValues)
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
		if err := check.Parameters.Validate(); err != nil {
			return nil, fmt.Errorf("check %s: %w", check.Name, err)
		}
		registry[check.Name] = check
	}
	return registry, nil
}

// Lookup returns the check of that name and its parameters: the given ones, and the defaults of the others. The error
// names what is wrong, and what is known instead.
func (r Registry) Lookup(name string, given Parameters) (Check, parameters.Values, error) {
	check, exists := r[name]
	if !exists {
		return Check{}, nil, fmt.Errorf(
			"there is no check %q: create an EtcdMonitor whose spec.metricName is one of %s",
			name, strings.Join(slices.Sorted(maps.Keys(r)), ", "))
	}
	values, problems := check.Parameters.Read(given)
	if len(problems) == 0 {
		return check, values, nil
	}
	if unknown := problems[0]; unknown.IsUnknown {
		return Check{}, nil, fmt.Errorf("check %s has no parameter %q: remove it from spec.parameters (there are: %s)",
			check.Name, unknown.Parameter, cmp.Or(strings.Join(check.Parameters.Names(), ", "), "none"))
	}
	return Check{}, nil, problems[0]
}

// Parameters returns what each check declares, by the check's name. The operator validates policies by it.
func (r Registry) Parameters() map[string]parameters.Set {
	declared := make(map[string]parameters.Set, len(r))
	for name, check := range r {
		declared[name] = check.Parameters
	}
	return declared
}
