package inspections

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

// policy is an EtcdInspectionPolicy whose selector is valid.
type policy struct {
	*etcdv1beta1.EtcdInspectionPolicy
	labels labels.Selector

	// wrong says by check what is wrong with its parameters.
	wrong map[string][]string
}

// policies are those of a namespace.
type policies struct {
	all []*etcdv1beta1.EtcdInspectionPolicy

	// valid are in the order of precedence: each overrides those before it.
	valid []policy

	// invalid says by name why the selector of a policy is not valid, and wrong what is wrong with its parameters.
	invalid, wrong map[string]error
}

// decision is what the policies say about one check of a cluster. The check may be disabled.
type decision struct {
	etcdv1beta1.EtcdInspectionPolicyCheck
	by policy

	// wrong says what is wrong with the parameters: until they are corrected, the monitors of the check stay as they are.
	wrong []string
}

// newPolicies reads the policies of a namespace. declared are the parameters of the provider's checks.
func newPolicies(objects []etcdv1beta1.EtcdInspectionPolicy, declared Declared) policies {
	p := policies{invalid: map[string]error{}, wrong: map[string]error{}}
	for i := range objects {
		p.all = append(p.all, &objects[i])
		selector, err := clusterLabels(objects[i].Spec.ClusterSelector)
		if err != nil {
			p.invalid[objects[i].Name] = err
			continue
		}
		wrong := declared.validate(&objects[i])
		p.valid = append(p.valid, policy{&objects[i], selector, wrong})
		if len(wrong) > 0 {
			p.wrong[objects[i].Name] = describeWrong(wrong)
		}
	}
	slices.SortFunc(p.valid, func(a, b policy) int {
		return cmp.Or(cmp.Compare(a.Spec.Priority, b.Spec.Priority), cmp.Compare(a.Name, b.Name))
	})
	return p
}

// clusterLabels returns what a clusterSelector selects. The API server has refused unknown operators, but not a key or
// value that no label can have.
func clusterLabels(selector *metav1.LabelSelector) (labels.Selector, error) {
	if selector == nil {
		return labels.Everything(), nil
	}
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return nil, fmt.Errorf("no label can have that: %w: correct spec.clusterSelector", err)
	}
	return parsed, nil
}

// err says which policy has an invalid selector, if one has.
func (p policies) err() error {
	for _, name := range slices.Sorted(maps.Keys(p.invalid)) {
		return fmt.Errorf("EtcdInspectionPolicy %s: %w", name, p.invalid[name])
	}
	return nil
}

func (p policy) selects(cluster *etcdv1beta1.EtcdCluster) bool {
	spec := &cluster.Spec
	return among(p.Spec.Specifications, spec.Specification) &&
		among(p.Spec.Products, spec.ProductName) &&
		among(p.Spec.Scenes, spec.Scene) &&
		p.labels.Matches(labels.Set(cluster.Labels))
}

// among reports whether a list that means all when it is empty includes the value.
func among[T comparable](list []T, value T) bool {
	return len(list) == 0 || slices.Contains(list, value)
}

// selection says which of the valid policies select a cluster: a byte for each, 1 or 0. Thousands of clusters have a
// handful of selections, and all that policies decide follows from it, so it is what results are remembered by.
type selection string

func (p policies) selection(cluster *etcdv1beta1.EtcdCluster) selection {
	selected := make([]byte, len(p.valid))
	for i, policy := range p.valid {
		if policy.selects(cluster) {
			selected[i] = 1
		}
	}
	return selection(selected)
}

// decide returns what is decided about each check of the clusters of a selection, by the check's name, and calls
// overridden for each decision that another one replaces.
func (p policies) decide(of selection, overridden func(loser, winner decision)) map[string]decision {
	decisions := map[string]decision{}
	for i := len(p.valid) - 1; i >= 0; i-- {
		if of[i] == 0 {
			continue
		}
		for _, check := range p.valid[i].Spec.Checks {
			mine := decision{check, p.valid[i], p.valid[i].wrong[check.Name]}
			if winner, decided := decisions[check.Name]; decided {
				overridden(mine, winner)
				continue
			}
			decisions[check.Name] = mine
		}
	}
	return decisions
}

// wanted returns the checks that clusters of a selection are inspected by, by the check's name.
func (p policies) wanted(of selection) map[string]decision {
	decisions := p.decide(of, func(_, _ decision) {})
	maps.DeleteFunc(decisions, func(_ string, d decision) bool { return d.Disabled })
	return decisions
}
