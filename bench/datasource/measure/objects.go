package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/uuid"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/bench/inspect/servers"
)

const (
	// creators is how many objects are created concurrently.
	creators = 32

	// storage is where an API server keeps objects of our group in its etcd.
	storage = "/registry/etcd.cloud.tencent.com/"
)

// fleet is the file that bench/datasource/fleet.ts describes.
type fleet struct {
	Clusters []cluster               `json:"clusters"`
	Checks   map[string][]inspection `json:"checks"`
	SlowHost string                  `json:"slowHost"`
}

type cluster struct {
	Labels struct {
		Region  string `json:"region"`
		Product string `json:"product"`
		Scene   string `json:"scene"`
		Spec    string `json:"spec"`
		Cluster string `json:"cluster"`
	} `json:"labels"`
	Members []struct {
		Name string `json:"name"`
		Host string `json:"host"`
		Zone string `json:"zone"`
	} `json:"members"`
	Kubernetes []string `json:"kubernetes"`
	// Fault names the suspect of pkg/diagnosis that is to be found; "" for a healthy cluster.
	Fault string `json:"fault"`
}

// inspection is a check and how often it runs.
type inspection struct {
	Name     string          `json:"name"`
	Interval metav1.Duration `json:"interval"`
}

func readFleet(path string) (*fleet, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var f fleet
	return &f, json.Unmarshal(text, &f)
}

func (f *fleet) monitors() (count int) {
	for _, c := range f.Clusters {
		count += len(f.Checks[c.Labels.Spec])
	}
	return count
}

func (f *fleet) faulty() (found []cluster) {
	for _, c := range f.Clusters {
		if c.Fault != "" {
			found = append(found, c)
		}
	}
	return found
}

// regions are those of the clusters, in the order of the file.
func (f *fleet) regions() (names []string) {
	known := map[string]bool{}
	for _, c := range f.Clusters {
		if !known[c.Labels.Region] {
			known[c.Labels.Region] = true
			names = append(names, c.Labels.Region)
		}
	}
	return names
}

// create puts the fleet's objects into the API server, each region in a namespace of its name. The first cluster's go through
// the API. The others are written to its etcd in the form in which these are stored there: two requests for each of 110,000
// histories would take the API server half an hour.
func create(ctx context.Context, api *servers.API, f *fleet, o options) error {
	for _, region := range f.regions() {
		if err := api.Client.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: region}}); err != nil {
			return err
		}
	}
	etcd, err := clientv3.New(clientv3.Config{Endpoints: []string{api.EtcdURL}})
	if err != nil {
		return err
	}
	defer func() { _ = etcd.Close() }()
	now := time.Now()
	first := f.objectsOf(0, now, o.records)
	var managed [][]metav1.ManagedFieldsEntry
	for _, object := range first {
		stored, err := createThroughAPI(ctx, api.Client, etcd, object)
		if err != nil {
			return err
		}
		managed = append(managed, stored)
	}
	group, creating := errgroup.WithContext(ctx)
	group.SetLimit(creators)
	for i := 1; i < len(f.Clusters); i++ {
		group.Go(func() error {
			for n, object := range f.objectsOf(i, now, o.records) {
				if err := store(creating, etcd, object, managed[min(n, 1)], now); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for i := range o.events {
		group.Go(func() error { return api.Client.Create(creating, f.event(i, now)) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return isAccepted(ctx, api.Client, f)
}

// createThroughAPI creates an object with its status, and returns the managedFields with which it is stored.
func createThroughAPI(ctx context.Context, c client.Client, etcd *clientv3.Client, object client.Object) ([]metav1.ManagedFieldsEntry, error) {
	withStatus := object.DeepCopyObject().(client.Object)
	if err := c.Create(ctx, object); err != nil {
		return nil, err
	}
	withStatus.SetResourceVersion(object.GetResourceVersion())
	if err := c.Status().Update(ctx, withStatus); err != nil {
		return nil, err
	}
	answer, err := etcd.Get(ctx, keyOf(object))
	if err != nil {
		return nil, err
	}
	if len(answer.Kvs) != 1 {
		return nil, fmt.Errorf("the API server does not store %s at %s", object.GetName(), keyOf(object))
	}
	var stored struct {
		Metadata metav1.ObjectMeta `json:"metadata"`
	}
	return stored.Metadata.ManagedFields, json.Unmarshal(answer.Kvs[0].Value, &stored)
}

func keyOf(object client.Object) string {
	resource := "etcdclusters"
	if _, ok := object.(*v1beta1.EtcdMonitor); ok {
		resource = "etcdmonitors"
	}
	return storage + resource + "/" + object.GetNamespace() + "/" + object.GetName()
}

// store writes an object as the API server would.
func store(ctx context.Context, etcd *clientv3.Client, object client.Object, managed []metav1.ManagedFieldsEntry, now time.Time) error {
	object.SetUID(uuid.NewUUID())
	object.SetCreationTimestamp(metav1.NewTime(now))
	object.SetGeneration(1)
	object.SetManagedFields(managed)
	text, err := json.Marshal(object)
	if err != nil {
		return err
	}
	_, err = etcd.Put(ctx, keyOf(object), string(text))
	return err
}

// isAccepted asks the API server for a dry run of an update of the last cluster's objects, so that it validates them.
func isAccepted(ctx context.Context, c client.Client, f *fleet) error {
	for _, object := range f.objectsOf(len(f.Clusters)-1, time.Now(), 1) {
		key := types.NamespacedName{Namespace: object.GetNamespace(), Name: object.GetName()}
		if err := c.Get(ctx, key, object); err != nil {
			return err
		}
		if err := c.Status().Update(ctx, object, client.DryRunAll); err != nil {
			return err
		}
	}
	return nil
}

// objectsOf returns the EtcdCluster of a cluster and its EtcdMonitors.
func (f *fleet) objectsOf(i int, now time.Time, records int) []client.Object {
	c := &f.Clusters[i]
	objects := []client.Object{c.object(now)}
	for n, check := range f.Checks[c.Labels.Spec] {
		objects = append(objects, c.monitor(check, i*31+n, now, records))
	}
	return objects
}

func (c *cluster) object(now time.Time) *v1beta1.EtcdCluster {
	object := &v1beta1.EtcdCluster{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1beta1.GroupVersion.String(), Kind: "EtcdCluster"},
		ObjectMeta: metav1.ObjectMeta{Namespace: c.Labels.Region, Name: c.Labels.Cluster},
		Spec: v1beta1.EtcdClusterSpec{
			ClusterID: c.Labels.Cluster, Region: c.Labels.Region, ProductName: c.Labels.Product, Scene: c.Labels.Scene,
			Specification: v1beta1.Specification(c.Labels.Spec), Size: int32(len(c.Members)), Version: "3.6.5", //nolint:gosec // three
			KubernetesClusters: c.Kubernetes,
		},
		Status: v1beta1.EtcdClusterStatus{
			ObservedGeneration: 1,
			Conditions: []metav1.Condition{
				{Type: v1beta1.ConditionIdentityHeld, Status: metav1.ConditionTrue, Reason: "Held", LastTransitionTime: metav1.NewTime(now)},
				{Type: v1beta1.ConditionOnboarded, Status: metav1.ConditionTrue, Reason: "Onboarded", LastTransitionTime: metav1.NewTime(now)},
			},
		},
	}
	for n, m := range c.Members {
		object.Spec.Members = append(object.Spec.Members, v1beta1.EtcdClusterMember{
			Name: m.Name, Host: m.Host, Zone: m.Zone,
			ClientURL: fmt.Sprintf("http://%s-%d.%s:2379", c.Labels.Cluster, n, m.Host), MetricsURL: fmt.Sprintf("http://%s-%d.%s:2381", c.Labels.Cluster, n, m.Host),
		})
		object.Status.Members = append(object.Status.Members, v1beta1.EtcdClusterMemberStatus{
			Name: m.Name, ID: fmt.Sprintf("%016x", n+1), Version: "3.6.5", DBSizeBytes: 2e9, Healthy: true, FirstScrapeTime: &metav1.Time{Time: now},
		})
	}
	return object
}

func (c *cluster) monitor(of inspection, number int, now time.Time, records int) *v1beta1.EtcdMonitor {
	m := &v1beta1.EtcdMonitor{
		TypeMeta: metav1.TypeMeta{APIVersion: v1beta1.GroupVersion.String(), Kind: "EtcdMonitor"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: c.Labels.Region, Name: c.Labels.Cluster + "-" + of.Name,
			Labels: map[string]string{"clusterName": c.Labels.Cluster, "region": c.Labels.Region, "source": "etcd-life-cycle-operator"},
		},
		Spec: v1beta1.EtcdMonitorSpec{
			ClusterID: c.Labels.Cluster, MetricName: of.Name, MetricProviderName: "cruiser", Name: c.Labels.Cluster,
			ProductName: c.Labels.Product, Region: c.Labels.Region, Interval: &of.Interval,
		},
	}
	outcome := v1beta1.OutcomePassed
	if number%40 == 0 {
		outcome = v1beta1.OutcomeWarning
	}
	for n := range records {
		end := now.Add(-time.Duration(records-1-n) * of.Interval.Duration)
		m.Status.Records = append(m.Status.Records, v1beta1.EtcdMonitorRecord{
			StartTime: metav1.NewTime(end.Add(-time.Second)), EndTime: metav1.NewTime(end), Outcome: outcome,
			Message:  fmt.Sprintf("collectEtcdnodeKeyDiff,etcd cluster %s,total key num is %d,nodeKeyDiff is 0", c.Labels.Cluster, 100_000+number*(n+1)%99_991),
			Values:   map[string]float64{"nodeKeyDiff": 0, "keys": float64(100_000 + number*(n+1)%99_991)},
			Duration: &metav1.Duration{Duration: 750 * time.Millisecond},
		})
	}
	// Nobody runs inspections here, and those that are overdue are a finding of their own.
	updated, next := metav1.NewTime(now), metav1.NewTime(now.Add(2*time.Hour))
	m.Status.Outcome, m.Status.UpdatedAt, m.Status.NextRun, m.Status.ObservedGeneration = outcome, &updated, &next, 1
	return m
}

// event returns one of the Events: those of the faulty clusters first, then of all.
func (f *fleet) event(i int, now time.Time) *corev1.Event {
	faulty := f.faulty()
	c := f.Clusters[i%len(f.Clusters)]
	if i < len(faulty) {
		c = faulty[i]
	}
	check := f.Checks[c.Labels.Spec][i%len(f.Checks[c.Labels.Spec])]
	return &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: c.Labels.Region, Name: fmt.Sprintf("%s-%s.%x", c.Labels.Cluster, check.Name, i)},
		InvolvedObject: corev1.ObjectReference{
			APIVersion: v1beta1.GroupVersion.String(), Kind: "EtcdMonitor", Namespace: c.Labels.Region, Name: c.Labels.Cluster + "-" + check.Name,
		},
		Reason: "InspectionError", Type: corev1.EventTypeWarning, Action: "Inspect",
		ReportingController: "cruiser", ReportingInstance: "cruiser-0",
		EventTime: metav1.NewMicroTime(now.Add(-time.Duration(i%600) * time.Second)),
		Message:   fmt.Sprintf("of the cluster %s, 2 of 3 members could not be asked: the member m%d did not answer in time", c.Labels.Cluster, i%3),
	}
}
