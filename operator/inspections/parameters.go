package inspections

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/parameters"
)

// Declared are the parameters that the checks of etcdv1beta1.DefaultProvider declare, by the check's name. Checks that are not
// there, such as external ones, and those of other providers are left to their provider.
type Declared map[string]parameters.Set

// mostProblems bounds how many problems a condition lists.
const mostProblems = 10

// validate returns what is wrong with the parameters of a policy's checks, by the check's name. What a disabled check has
// does not matter.
func (d Declared) validate(policy *etcdv1beta1.EtcdInspectionPolicy) map[string][]string {
	wrong := map[string][]string{}
	if policy.Spec.Provider != etcdv1beta1.DefaultProvider {
		return wrong
	}
	for _, check := range policy.Spec.Checks {
		set, known := d[check.Name]
		if !known || check.Disabled {
			continue
		}
		_, problems := set.Read(check.Parameters)
		for _, problem := range problems[:min(len(problems), mostProblems)] {
			wrong[check.Name] = append(wrong[check.Name], problem.In(fmt.Sprintf("spec.checks[%s].parameters", check.Name)))
		}
	}
	return wrong
}

// describeWrong says what is wrong with the parameters of a policy's checks, and what follows from it.
func describeWrong(wrong map[string][]string) error {
	checks := slices.Sorted(maps.Keys(wrong))
	var problems []string
	for _, check := range checks {
		problems = append(problems, wrong[check]...)
	}
	listed := problems[:min(len(problems), mostProblems)]
	text := strings.Join(listed, ". ")
	if more := len(problems) - len(listed); more > 0 {
		text += fmt.Sprintf(". There are %d more problems", more)
	}
	return fmt.Errorf("%s. Until then the EtcdMonitors of %s stay as they are; the policy's other checks are followed",
		text, strings.Join(checks, ", "))
}
