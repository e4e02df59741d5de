package inspections

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

type (
	spec  = etcdv1beta1.EtcdInspectionPolicySpec
	check = etcdv1beta1.EtcdInspectionPolicyCheck
)

func policyObject(name string, spec spec) etcdv1beta1.EtcdInspectionPolicy {
	return etcdv1beta1.EtcdInspectionPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "gz", Name: name}, Spec: spec}
}

func clusterObject(labels map[string]string) *etcdv1beta1.EtcdCluster {
	return &etcdv1beta1.EtcdCluster{
		ObjectMeta: metav1.ObjectMeta{Namespace: "gz", Name: "a", Labels: labels},
		Spec: etcdv1beta1.EtcdClusterSpec{
			ClusterID: "gz-a", Region: "gz", ProductName: "tke", Scene: "business", Specification: etcdv1beta1.SpecificationSmall,
		},
	}
}

func TestAPolicySelectsByLabelsClassProductAndScene(t *testing.T) {
	cluster := clusterObject(map[string]string{"tier": "gold"})
	labelled := func(values map[string]string) *metav1.LabelSelector {
		return &metav1.LabelSelector{MatchLabels: values}
	}
	without := func(key string) *metav1.LabelSelector {
		return &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
			{Key: key, Operator: metav1.LabelSelectorOpDoesNotExist},
		}}
	}
	for _, test := range []struct {
		name    string
		spec    spec
		selects bool
	}{
		{"all clusters by default", spec{}, true},
		{"an empty selector", spec{ClusterSelector: &metav1.LabelSelector{}}, true},
		{"a label that it has", spec{ClusterSelector: labelled(map[string]string{"tier": "gold"})}, true},
		{"a label that it has not", spec{ClusterSelector: labelled(map[string]string{"tier": "iron"})}, false},
		{"the absence of a label", spec{ClusterSelector: without("inspections")}, true},
		{"the absence of a label that it has", spec{ClusterSelector: without("tier")}, false},
		{"its class among others", spec{Specifications: []etcdv1beta1.Specification{"large", "small"}}, true},
		{"another class", spec{Specifications: []etcdv1beta1.Specification{"large"}}, false},
		{"its product", spec{Products: []string{"tke"}}, true},
		{"another product", spec{Products: []string{"eks"}}, false},
		{"its scene", spec{Scenes: []string{"business"}}, true},
		{"another scene", spec{Scenes: []string{"serverless"}}, false},
		{"its product in another scene", spec{Products: []string{"tke"}, Scenes: []string{"serverless"}}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newPolicies([]etcdv1beta1.EtcdInspectionPolicy{policyObject("p", test.spec)}, nil)
			assert.Equal(t, test.selects, p.selection(cluster)[0] == 1)
		})
	}
}

func TestThePolicyOfHighestPriorityDecidesAllAboutACheck(t *testing.T) {
	alarms := func(interval time.Duration) check {
		return check{Name: "alarms", Interval: &metav1.Duration{Duration: interval}}
	}
	off := check{Name: "alarms", Disabled: true}
	for _, test := range []struct {
		name   string
		given  map[string]spec
		wanted []string // check, policy and interval of each
	}{
		{"no policy", nil, nil},
		{
			"checks of several policies come together",
			map[string]spec{"a": {Checks: []check{alarms(time.Minute)}}, "b": {Checks: []check{{Name: "membership"}}}},
			[]string{"alarms a 1m0s", "membership b default"},
		},
		{
			"the higher priority wins",
			map[string]spec{"a": {Priority: 1, Checks: []check{alarms(time.Minute)}}, "b": {Checks: []check{alarms(time.Hour)}}},
			[]string{"alarms a 1m0s"},
		},
		{
			"of equal priorities the last name wins",
			map[string]spec{"a": {Checks: []check{alarms(time.Minute)}}, "b": {Checks: []check{alarms(time.Hour)}}},
			[]string{"alarms b 1h0m0s"},
		},
		{
			"the winner's interval counts, also where it leaves it to the check",
			map[string]spec{"a": {Checks: []check{alarms(time.Minute)}}, "b": {Checks: []check{{Name: "alarms"}}}},
			[]string{"alarms b default"},
		},
		{
			"a disabled check is removed",
			map[string]spec{"a": {Checks: []check{alarms(time.Minute), {Name: "membership"}}}, "b": {Checks: []check{off}}},
			[]string{"membership a default"},
		},
		{
			"a disabled check comes back by a policy above",
			map[string]spec{
				"a": {Checks: []check{alarms(time.Minute)}},
				"b": {Checks: []check{off}},
				"c": {Checks: []check{alarms(time.Hour)}},
			},
			[]string{"alarms c 1h0m0s"},
		},
		{
			"a policy that does not select the cluster has no say",
			map[string]spec{
				"a": {Checks: []check{alarms(time.Minute)}},
				"b": {Products: []string{"eks"}, Checks: []check{off}},
			},
			[]string{"alarms a 1m0s"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			var objects []etcdv1beta1.EtcdInspectionPolicy
			for name, spec := range test.given {
				objects = append(objects, policyObject(name, spec))
			}
			p := newPolicies(objects, nil)
			var wanted []string
			for name, decision := range p.wanted(p.selection(clusterObject(nil))) {
				interval := "default"
				if decision.Interval != nil {
					interval = decision.Interval.Duration.String()
				}
				wanted = append(wanted, fmt.Sprintf("%s %s %s", name, decision.by.Name, interval))
			}
			slices.Sort(wanted)
			assert.Equal(t, test.wanted, wanted)
		})
	}
}

// tenThousand are the clusters of a large region, with the policies of a usual one.
func tenThousand() ([]etcdv1beta1.EtcdCluster, []etcdv1beta1.EtcdInspectionPolicy) {
	classes := []etcdv1beta1.Specification{"small", "default", "large"}
	var clusters []etcdv1beta1.EtcdCluster
	for i := range 10_000 {
		cluster := clusterObject(map[string]string{"tier": fmt.Sprint(i % 7)})
		cluster.Name, cluster.Spec.ClusterID = fmt.Sprintf("c-%d", i), fmt.Sprintf("gz-%d", i)
		cluster.Spec.Specification = classes[i%len(classes)]
		clusters = append(clusters, *cluster)
	}
	var checks []check
	for i := range 12 {
		checks = append(checks, check{Name: fmt.Sprintf("check-%d", i)})
	}
	var objects []etcdv1beta1.EtcdInspectionPolicy
	for _, class := range classes {
		objects = append(objects, policyObject("default-"+string(class),
			spec{Priority: -100, Specifications: []etcdv1beta1.Specification{class}, Checks: checks}))
	}
	gold := &metav1.LabelSelector{MatchLabels: map[string]string{"tier": "1"}}
	return clusters, append(objects, policyObject("gold", spec{ClusterSelector: gold, Checks: checks[:1]}))
}

func BenchmarkAScrapeOfTenThousandClusters(b *testing.B) {
	clusters, objects := tenThousand()
	for b.Loop() {
		expected(etcdv1beta1.Holders(clusters, ""), objects)
	}
}

func BenchmarkTheStatusesOfTenThousandClusters(b *testing.B) {
	clusters, objects := tenThousand()
	for b.Loop() {
		newPolicies(objects, nil).effects(etcdv1beta1.Holders(clusters, ""))
	}
}
