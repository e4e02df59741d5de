package inspections

import (
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	labelvalidation "k8s.io/apimachinery/pkg/util/validation"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

// The labels of the EtcdMonitors that policies want. Source marks them, together with the owner.
const (
	labelCluster = "clusterName"
	labelRegion  = "region"
	labelSource  = "source"

	// Source is the value of the label source.
	Source = "etcd-life-cycle-operator"
)

const clusterKind = "EtcdCluster"

// plan is what is to be done so that a cluster has the EtcdMonitors that policies want.
type plan struct {
	create []*etcdv1beta1.EtcdMonitor
	update []change
	remove []*etcdv1beta1.EtcdMonitor

	// wanted is how many checks the policies want, byPeople how many of them are inspected by EtcdMonitors that people created.
	wanted, byPeople int

	// lacking are checks that cannot be created before a policy is corrected.
	lacking []decision

	// problems are what cannot be done.
	problems []error
}

// change is a monitor as it is and as it should be.
type change struct {
	from, to *etcdv1beta1.EtcdMonitor
}

// newPlan compares the monitors of a cluster with those that are wanted. cluster is nil when there is none any more.
func newPlan(cluster *etcdv1beta1.EtcdCluster, wanted map[string]decision, monitors []etcdv1beta1.EtcdMonitor) plan {
	p := plan{wanted: len(wanted)}
	ours, byPeople := sorted(monitors)
	for name, monitor := range ours {
		decision, isWanted := wanted[name]
		if (!isWanted || byPeople[name] && len(decision.wrong) == 0) && monitor.DeletionTimestamp == nil {
			p.remove = append(p.remove, monitor)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		switch monitor, exists := ours[name]; {
		case byPeople[name]:
			p.byPeople++
		case len(wanted[name].wrong) > 0:
			if !exists {
				p.lacking = append(p.lacking, wanted[name])
			}
		case !exists:
			p.add(cluster, wanted[name])
		case monitor.DeletionTimestamp == nil: // otherwise it is created again when it is gone
			p.keep(cluster, wanted[name], monitor)
		}
	}
	return p
}

// sorted returns the operator's monitors by check, and which checks have monitors that people created.
func sorted(monitors []etcdv1beta1.EtcdMonitor) (ours map[string]*etcdv1beta1.EtcdMonitor, byPeople map[string]bool) {
	ours, byPeople = map[string]*etcdv1beta1.EtcdMonitor{}, map[string]bool{}
	for i := range monitors {
		check := monitors[i].Spec.MetricName
		if isOurs(&monitors[i]) {
			ours[check] = &monitors[i]
		} else {
			byPeople[check] = true
		}
	}
	return ours, byPeople
}

func (p *plan) add(cluster *etcdv1beta1.EtcdCluster, wanted decision) {
	monitor := &etcdv1beta1.EtcdMonitor{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: cluster.Namespace,
			Name:      monitorName(cluster.Spec.ClusterID, wanted.Name),
		},
		Spec: etcdv1beta1.EtcdMonitorSpec{ClusterID: cluster.Spec.ClusterID, MetricName: wanted.Name},
	}
	if problems := validation.NameIsDNSSubdomain(monitor.Name, false); len(problems) > 0 {
		p.problems = append(p.problems, fmt.Errorf(
			"no EtcdMonitor can be named %s: %s: create an EtcdCluster with another spec.clusterId instead", monitor.Name, problems[0]))
		return
	}
	fill(monitor, cluster, wanted)
	p.create = append(p.create, monitor)
}

func (p *plan) keep(cluster *etcdv1beta1.EtcdCluster, wanted decision, monitor *etcdv1beta1.EtcdMonitor) {
	changed := monitor.DeepCopy()
	fill(changed, cluster, wanted)
	if !equality.Semantic.DeepEqual(monitor, changed) {
		p.update = append(p.update, change{from: monitor, to: changed})
	}
}

// fill sets all fields that the operator manages except the monitor's identity. What others add, such as the annotations of a
// requested run, stays.
func fill(monitor *etcdv1beta1.EtcdMonitor, cluster *etcdv1beta1.EtcdCluster, wanted decision) {
	spec := &monitor.Spec
	spec.MetricProviderName = wanted.by.Spec.Provider
	spec.Name = cluster.Spec.ClusterID
	spec.ProductName = cluster.Spec.ProductName
	spec.Region = cluster.Spec.Region
	spec.Interval = wanted.Interval
	spec.Parameters = wanted.Parameters

	setLabel(monitor, labelCluster, cluster.Spec.ClusterID)
	setLabel(monitor, labelRegion, cluster.Spec.Region)
	setLabel(monitor, labelSource, Source)
	others, isController := slices.DeleteFunc(monitor.OwnerReferences, isCluster), true
	monitor.OwnerReferences = append(others, metav1.OwnerReference{
		APIVersion: etcdv1beta1.GroupVersion.String(),
		Kind:       clusterKind,
		Name:       cluster.Name,
		UID:        cluster.UID,
		Controller: &isController,
	})
}

// setLabel leaves out a value that a label cannot have: clusterId and region may be longer, and are in the spec.
func setLabel(monitor *etcdv1beta1.EtcdMonitor, key, value string) {
	if len(labelvalidation.IsValidLabelValue(value)) > 0 {
		return
	}
	if monitor.Labels == nil {
		monitor.Labels = map[string]string{}
	}
	monitor.Labels[key] = value
}

func monitorName(clusterID, check string) string {
	return clusterID + "-" + check
}

// isOurs reports whether the operator made the monitor: by its name, label and owner. Without one of them it belongs to
// people, who may so take it over.
func isOurs(monitor *etcdv1beta1.EtcdMonitor) bool {
	return monitor.Labels[labelSource] == Source &&
		monitor.Name == monitorName(monitor.Spec.ClusterID, monitor.Spec.MetricName) &&
		slices.ContainsFunc(monitor.OwnerReferences, isCluster)
}

// isCluster reports whether the owner is an EtcdCluster. It may be one from before a restore: the UID changes when objects
// are restored from a backup.
func isCluster(owner metav1.OwnerReference) bool {
	return owner.Kind == clusterKind && owner.APIVersion == etcdv1beta1.GroupVersion.String()
}
