package inspections_test

import (
	"bytes"
	"context"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
	"github.com/etcdfleet/etcd-fleet/internal/apitest"
	"github.com/etcdfleet/etcd-fleet/internal/labbin"
	"github.com/etcdfleet/etcd-fleet/operator/inspections"
)

const (
	patience = time.Minute
	poll     = 20 * time.Millisecond
)

func TestMain(m *testing.M) { os.Exit(apitest.Main(m)) }

type (
	cluster  = etcdv1beta1.EtcdCluster
	monitor  = etcdv1beta1.EtcdMonitor
	policy   = etcdv1beta1.EtcdInspectionPolicy
	spec     = etcdv1beta1.EtcdInspectionPolicySpec
	check    = etcdv1beta1.EtcdInspectionPolicyCheck
	selector = metav1.LabelSelector
)

// sandbox is a namespace of its own, reached with all rights.
type sandbox struct {
	client.Client
	t         *testing.T
	namespace string

	// declared is what policies are validated by; nil knows no check.
	declared inspections.Declared
}

func newSandbox(t *testing.T) *sandbox {
	return &sandbox{Client: apitest.Client(t), t: t, namespace: apitest.Namespace(t)}
}

// start runs the operator as cmd/operator does, until the test ends or stop is called. It returns when the manager has
// started all that it runs, for which it need not know the fleet.
func (s *sandbox) start(config *rest.Config) (metrics prometheus.Gatherer, stop func()) {
	s.t.Helper()
	registry := prometheus.NewPedanticRegistry()
	var started <-chan struct{}
	stop = apitest.StartManager(s.t, config, s.namespace, func(_ context.Context, mgr ctrl.Manager) error {
		started = mgr.Elected()
		return inspections.Setup(mgr, inspections.Options{Metrics: registry, Parameters: s.declared})
	}, func(options *ctrl.Options) { options.Cache.ByObject = inspections.CacheByObject() })
	select {
	case <-started:
	case <-time.After(patience):
		require.FailNow(s.t, "the manager does not start")
	}
	return registry, stop
}

func (s *sandbox) create(object client.Object) {
	s.t.Helper()
	object.SetNamespace(s.namespace)
	require.NoError(s.t, s.Create(context.Background(), object))
}

func (s *sandbox) delete(object client.Object) {
	s.t.Helper()
	require.NoError(s.t, s.Delete(context.Background(), object))
}

// onboard creates the cluster of that clusterId.
func (s *sandbox) onboard(id string, labels map[string]string) *cluster {
	s.t.Helper()
	return s.onboardAs(id, id, labels)
}

// onboardAs gives the object another name.
func (s *sandbox) onboardAs(name, id string, labels map[string]string) *cluster {
	s.t.Helper()
	c := &cluster{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels},
		Spec: etcdv1beta1.EtcdClusterSpec{
			ClusterID: id, Region: "gz", ProductName: "tke", Scene: "business",
			Members: []etcdv1beta1.EtcdClusterMember{{Name: "etcd-0", ClientURL: "http://127.0.0.1:2379"}},
		},
	}
	s.create(c)
	return c
}

func (s *sandbox) policy(name string, spec spec) *policy {
	s.t.Helper()
	p := &policy{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: spec}
	s.create(p)
	return p
}

// byPerson creates a monitor as people do.
func (s *sandbox) byPerson(name, clusterID, check string) *monitor {
	s.t.Helper()
	m := &monitor{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       etcdv1beta1.EtcdMonitorSpec{ClusterID: clusterID, MetricName: check, MetricProviderName: "cruiser"},
	}
	s.create(m)
	return m
}

// read returns the newest version of an object.
func read[T client.Object](s *sandbox, object T) T {
	s.t.Helper()
	require.NoError(s.t, s.Get(context.Background(), client.ObjectKeyFromObject(object), object))
	return object
}

// edit changes the newest version of an object.
func edit[T client.Object](s *sandbox, object T, change func(T)) {
	s.t.Helper()
	read(s, object)
	before := object.DeepCopyObject().(client.Object)
	change(object)
	require.NoError(s.t, s.Patch(context.Background(), object, client.MergeFrom(before)))
}

// monitors are the namespace's, by name.
func (s *sandbox) monitors() map[string]monitor {
	s.t.Helper()
	var list etcdv1beta1.EtcdMonitorList
	require.NoError(s.t, s.List(context.Background(), &list, client.InNamespace(s.namespace)))
	found := map[string]monitor{}
	for _, m := range list.Items {
		found[m.Name] = m
	}
	return found
}

// holds waits until the namespace has these monitors and no others.
func (s *sandbox) holds(names ...string) map[string]monitor {
	s.t.Helper()
	slices.Sort(names)
	var found map[string]monitor
	require.EventuallyWithT(s.t, func(collect *assert.CollectT) {
		found = s.monitors()
		assert.Equal(collect, names, slices.Sorted(maps.Keys(found)))
	}, patience, poll)
	return found
}

// condition waits until the cluster's condition InspectionsApplied has that status and message.
func (s *sandbox) condition(c *cluster, status metav1.ConditionStatus, message string) {
	s.t.Helper()
	require.EventuallyWithT(s.t, func(collect *assert.CollectT) {
		condition := meta.FindStatusCondition(read(s, c).Status.Conditions, inspections.ConditionApplied)
		if assert.NotNil(collect, condition) {
			assert.Equal(collect, status, condition.Status)
			assert.Contains(collect, condition.Message, message)
		}
	}, patience, poll)
}

// status waits until what is read of the policy's status is as wanted.
func (s *sandbox) status(p *policy, holds func(*assert.CollectT, etcdv1beta1.EtcdInspectionPolicyStatus)) {
	s.t.Helper()
	require.EventuallyWithT(s.t, func(collect *assert.CollectT) { holds(collect, read(s, p).Status) }, patience, poll)
}

// expected is the gauge etcdfleet_inspections_expected by its label cluster.
func expected(t *testing.T, metrics prometheus.Gatherer) map[string]float64 {
	t.Helper()
	families, err := metrics.Gather()
	require.NoError(t, err)
	found := map[string]float64{}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				if label.GetName() == "cluster" {
					found[label.GetValue()] = metric.GetGauge().GetValue()
				}
			}
		}
	}
	return found
}

func awaitExpected(t *testing.T, metrics prometheus.Gatherer, want map[string]float64) {
	t.Helper()
	require.EventuallyWithT(t, func(collect *assert.CollectT) {
		assert.Equal(collect, want, expected(t, metrics))
	}, patience, poll)
}

// defaults are the policies of deploy/inspections, by name.
func defaults(t *testing.T) map[string]*policy {
	t.Helper()
	path, err := labbin.RepositoryPath("deploy/inspections/default-policies.yaml")
	require.NoError(t, err)
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	found := map[string]*policy{}
	for _, document := range bytes.Split(content, []byte("\n---\n")) {
		var p policy
		require.NoError(t, yaml.UnmarshalStrict(document, &p))
		found[p.Name] = &p
	}
	return found
}

func minutes(n int) *metav1.Duration {
	return &metav1.Duration{Duration: time.Duration(n) * time.Minute}
}

func TestOneEtcdClusterIsInspectedByTheDefaultsOfItsClassWithTheLeastRights(t *testing.T) {
	box := newSandbox(t)
	for _, p := range defaults(t) {
		box.create(p)
	}
	apitest.Apply(t, "deploy/rbac/namespace/operator.yaml", box.namespace)
	user := apitest.User(t, "etcdfleet-operator")
	metrics, _ := box.start(user)
	c := box.onboard("gz-a", nil)

	monitors := box.holds("gz-a-alarms", "gz-a-certificate-expiry", "gz-a-data-consistency", "gz-a-etcd-node-key-diff",
		"gz-a-health-after-change", "gz-a-key-count-growth", "gz-a-large-key-values", "gz-a-membership",
		"gz-a-quota-and-fragmentation", "gz-a-request-latency", "gz-a-write-qps-outliers")
	m := monitors["gz-a-etcd-node-key-diff"]
	assert.Equal(t, etcdv1beta1.EtcdMonitorSpec{
		ClusterID: "gz-a", MetricName: "etcd-node-key-diff", MetricProviderName: "cruiser",
		Name: "gz-a", ProductName: "tke", Region: "gz", Interval: minutes(5),
	}, m.Spec)
	assert.Equal(t, map[string]string{"clusterName": "gz-a", "region": "gz", "source": "etcd-life-cycle-operator"}, m.Labels)
	require.Len(t, m.OwnerReferences, 1)
	assert.Equal(t, c.UID, m.OwnerReferences[0].UID)
	assert.Nil(t, m.OwnerReferences[0].BlockOwnerDeletion, "that would need rights at the cluster's finalizers")
	box.condition(c, metav1.ConditionTrue, "11 inspections, 0 of them by EtcdMonitors that people created")
	awaitExpected(t, metrics, map[string]float64{"gz-a": 11})

	edit(box, c, func(c *cluster) { c.Labels = map[string]string{"etcd.cloud.tencent.com/inspections": "off"} })
	box.holds()
	box.condition(c, metav1.ConditionTrue, "no EtcdInspectionPolicy wants the cluster to be inspected")
	awaitExpected(t, metrics, map[string]float64{"gz-a": 0})

	edit(box, c, func(c *cluster) { c.Labels, c.Spec.Specification = nil, "large" })
	require.Eventually(t, func() bool { return len(box.monitors()) == len(monitors) }, patience, poll)
	assert.Equal(t, minutes(15), read(box, &m).Spec.Interval)

	box.delete(c)
	box.holds()
	awaitExpected(t, metrics, map[string]float64{})

	t.Run("which allow nothing else", func(t *testing.T) {
		theirs := box.byPerson("theirs", "gz-b", "alarms")
		mine := box.policy("mine", spec{Checks: []check{{Name: "alarms"}}})
		as, err := client.New(user, client.Options{Scheme: apitest.Scheme})
		require.NoError(t, err)
		for name, err := range map[string]error{
			"write a history":  as.Status().Update(t.Context(), theirs.DeepCopy()),
			"change a policy":  as.Update(t.Context(), mine),
			"delete a policy":  as.Delete(t.Context(), mine),
			"create a cluster": as.Create(t.Context(), &cluster{ObjectMeta: metav1.ObjectMeta{Namespace: box.namespace, Name: "x"}}),
			"delete a cluster": as.Delete(t.Context(), &cluster{ObjectMeta: metav1.ObjectMeta{Namespace: box.namespace, Name: "x"}}),
			"read Secrets":     as.List(t.Context(), &corev1.SecretList{}),
		} {
			assert.True(t, apierrors.IsForbidden(err), "%s: %v", name, err)
		}
	})
}

func TestTheDefaultsOfEachClassNameEveryCheck(t *testing.T) {
	policies := defaults(t)
	var classes []etcdv1beta1.Specification
	for _, p := range policies {
		classes = append(classes, p.Spec.Specifications...)
		var named []string
		for _, check := range p.Spec.Checks {
			named = append(named, check.Name)
			_, _, err := checks.All().Lookup(check.Name, check.Parameters)
			assert.NoError(t, err, p.Name)
			assert.NotNil(t, check.Interval, "%s of %s", check.Name, p.Name)
			assert.Equal(t, check.Name == "backup-age", check.Disabled, "%s of %s", check.Name, p.Name)
		}
		assert.Subset(t, named, slices.Collect(maps.Keys(checks.All())), p.Name)
	}
	assert.ElementsMatch(t, []etcdv1beta1.Specification{"small", "default", "large"}, classes)
}

func TestWithoutAPolicyNothingIsCreated(t *testing.T) {
	box := newSandbox(t)
	metrics, _ := box.start(apitest.Config())
	box.condition(box.onboard("gz-a", nil), metav1.ConditionTrue, "no EtcdInspectionPolicy wants the cluster to be inspected")
	assert.Empty(t, box.monitors())
	assert.Equal(t, map[string]float64{"gz-a": 0}, expected(t, metrics))
}

func TestAChangedPolicyChangesMonitorsInPlaceAndKeepsTheirHistory(t *testing.T) {
	box := newSandbox(t)
	p := box.policy("p", spec{Checks: []check{{Name: "alarms", Interval: minutes(1), Parameters: map[string]string{"a": "1", "b": "2"}}}})
	box.onboard("gz-a", nil)
	box.start(apitest.Config())
	m := box.holds("gz-a-alarms")["gz-a-alarms"]
	now := metav1.NewTime(time.Now().Truncate(time.Second))
	m.Status.Records = []etcdv1beta1.EtcdMonitorRecord{{StartTime: now, EndTime: now, Message: "all is well"}}
	require.NoError(t, box.Status().Update(t.Context(), &m))
	edit(box, &m, func(m *monitor) {
		m.Annotations = map[string]string{etcdv1beta1.AnnotationRunRequestedAt: "r1"}
		m.Labels["team"] = "storage"
	})

	edit(box, p, func(p *policy) {
		p.Spec.Provider = "another"
		p.Spec.Checks[0].Interval, p.Spec.Checks[0].Parameters = nil, map[string]string{"b": "3"}
	})
	changed := m.DeepCopy()
	require.Eventually(t, func() bool { return read(box, changed).Spec.MetricProviderName == "another" }, patience, poll)
	assert.Equal(t, m.UID, changed.UID)
	assert.Nil(t, changed.Spec.Interval)
	assert.Equal(t, map[string]string{"b": "3"}, changed.Spec.Parameters)
	assert.Equal(t, m.Status, changed.Status)
	assert.Equal(t, m.Annotations, changed.Annotations)
	assert.Equal(t, m.Labels, changed.Labels)

	edit(box, changed, func(m *monitor) { m.Spec.Parameters["b"] = "edited" })
	require.Eventually(t, func() bool { return read(box, changed).Spec.Parameters["b"] == "3" }, patience, poll)
	assert.Equal(t, m.Status, changed.Status)
}

func TestMonitorsComeAndGoWithTheirPolicies(t *testing.T) {
	box := newSandbox(t)
	metrics, _ := box.start(apitest.Config())
	box.onboard("gz-a", map[string]string{"tier": "gold"})
	box.onboard("gz-b", nil)
	all := box.policy("all", spec{Checks: []check{{Name: "alarms"}, {Name: "membership"}}})
	monitors := box.holds("gz-a-alarms", "gz-a-membership", "gz-b-alarms", "gz-b-membership")

	gone := monitors["gz-a-alarms"]
	box.delete(&gone)
	require.Eventually(t, func() bool { m, found := box.monitors()["gz-a-alarms"]; return found && m.UID != gone.UID }, patience, poll)

	gold := &selector{MatchLabels: map[string]string{"tier": "gold"}}
	exception := box.policy("gold", spec{ClusterSelector: gold, Checks: []check{{Name: "alarms", Disabled: true}, {Name: "backup-age"}}})
	box.holds("gz-a-backup-age", "gz-a-membership", "gz-b-alarms", "gz-b-membership")
	awaitExpected(t, metrics, map[string]float64{"gz-a": 2, "gz-b": 2})
	box.status(all, func(collect *assert.CollectT, status etcdv1beta1.EtcdInspectionPolicyStatus) {
		assert.True(collect, meta.IsStatusConditionTrue(status.Conditions, etcdv1beta1.ConditionAccepted))
		assert.Equal(collect, int64(1), status.ObservedGeneration)
		assert.Equal(collect, int32(2), status.Clusters)
		assert.Equal(collect, int32(3), status.Inspections)
		assert.Equal(collect, []etcdv1beta1.EtcdInspectionPolicyOverride{{Check: "alarms", By: "gold", Clusters: 1}}, status.Overridden)
	})
	box.status(exception, func(collect *assert.CollectT, status etcdv1beta1.EtcdInspectionPolicyStatus) {
		assert.Equal(collect, int32(1), status.Clusters)
		assert.Equal(collect, int32(1), status.Inspections)
		assert.Empty(collect, status.Overridden)
	})

	box.delete(exception)
	box.holds("gz-a-alarms", "gz-a-membership", "gz-b-alarms", "gz-b-membership")
	box.status(all, func(collect *assert.CollectT, status etcdv1beta1.EtcdInspectionPolicyStatus) {
		assert.Equal(collect, int32(4), status.Inspections)
		assert.Empty(collect, status.Overridden)
	})
	box.delete(all)
	box.holds()
}

func TestMonitorsThatPeopleMadeAreLeftAlone(t *testing.T) {
	box := newSandbox(t)
	theirs := box.byPerson("my-own", "gz-a", "alarms")
	unrelated := box.byPerson("gz-a-large-key-values", "gz-a", "large-key-values")
	orphan := box.byPerson("of-no-cluster", "gz-z", "alarms")
	box.policy("p", spec{Checks: []check{{Name: "alarms", Interval: minutes(1)}, {Name: "membership"}}})
	c := box.onboard("gz-a", nil)
	metrics, _ := box.start(apitest.Config())

	box.holds("gz-a-membership", "my-own", "gz-a-large-key-values", "of-no-cluster")
	box.condition(c, metav1.ConditionTrue, "2 inspections, 1 of them by EtcdMonitors that people created")
	awaitExpected(t, metrics, map[string]float64{"gz-a": 2})

	t.Run("also ones that they took over", func(t *testing.T) {
		m := box.monitors()["gz-a-membership"]
		edit(box, &m, func(m *monitor) { delete(m.Labels, "source"); m.Spec.Interval = minutes(7) })
		box.condition(c, metav1.ConditionTrue, "2 inspections, 2 of them by EtcdMonitors that people created")
		assert.Equal(t, minutes(7), read(box, &m).Spec.Interval)
	})
	t.Run("and replace the operator's own", func(t *testing.T) {
		box.delete(theirs)
		box.holds("gz-a-alarms", "gz-a-membership", "gz-a-large-key-values", "of-no-cluster")
		theirs = box.byPerson("my-own", "gz-a", "alarms")
		box.holds("my-own", "gz-a-membership", "gz-a-large-key-values", "of-no-cluster")
	})
	box.delete(c)
	awaitExpected(t, metrics, map[string]float64{})
	for _, m := range []*monitor{theirs, unrelated, orphan} {
		version := m.ResourceVersion
		assert.Equal(t, version, read(box, m).ResourceVersion, m.Name)
	}
}

func TestClustersThatWentWhileTheOperatorWasAwayAreClearedUp(t *testing.T) {
	box := newSandbox(t)
	box.policy("p", spec{Checks: []check{{Name: "alarms"}}})
	a, b := box.onboard("gz-a", nil), box.onboard("gz-b", nil)
	_, stop := box.start(apitest.Config())
	box.holds("gz-a-alarms", "gz-b-alarms")
	stop()

	box.delete(a)
	box.delete(b)
	b = box.onboard("gz-b", nil) // restored: the same cluster with another UID
	box.start(apitest.Config())
	kept := box.holds("gz-b-alarms")["gz-b-alarms"]
	require.Eventually(t, func() bool { return read(box, &kept).OwnerReferences[0].UID == b.UID }, patience, poll)
	assert.Len(t, kept.OwnerReferences, 1)
}

func TestNothingIsWrittenWhenNothingChanges(t *testing.T) {
	box := newSandbox(t)
	box.policy("p", spec{Checks: []check{{Name: "alarms", Interval: minutes(1)}, {Name: "membership", Parameters: map[string]string{"a": "1"}}}})
	a := box.onboard("gz-a", nil)
	var writes writeLog
	_, stop := box.start(writes.of(apitest.Config()))
	box.holds("gz-a-alarms", "gz-a-membership")
	box.condition(a, metav1.ConditionTrue, "2 inspections")
	box.status(read(box, &policy{ObjectMeta: metav1.ObjectMeta{Namespace: box.namespace, Name: "p"}}),
		func(collect *assert.CollectT, status etcdv1beta1.EtcdInspectionPolicyStatus) {
			assert.Equal(collect, int32(2), status.Inspections)
		})
	stop()
	assert.ElementsMatch(t, []string{
		"POST etcdmonitors", "POST etcdmonitors", "PATCH etcdclusters/gz-a/status", "PATCH etcdinspectionpolicies/p/status",
	}, writes.take(box.namespace))

	_, stop = box.start(writes.of(apitest.Config()))
	edit(box, a, func(c *cluster) { c.Labels = map[string]string{"unrelated": "label"} })
	b := box.onboard("gz-b", nil) // when it is done the first, which came before, is as well
	box.holds("gz-a-alarms", "gz-a-membership", "gz-b-alarms", "gz-b-membership")
	box.condition(b, metav1.ConditionTrue, "2 inspections")
	box.status(read(box, &policy{ObjectMeta: metav1.ObjectMeta{Namespace: box.namespace, Name: "p"}}),
		func(collect *assert.CollectT, status etcdv1beta1.EtcdInspectionPolicyStatus) {
			assert.Equal(collect, int32(4), status.Inspections)
		})
	stop()
	assert.ElementsMatch(t, []string{
		"POST etcdmonitors", "POST etcdmonitors", "PATCH etcdclusters/gz-b/status", "PATCH etcdinspectionpolicies/p/status",
	}, writes.take(box.namespace))
}

// Without an invalid policy, checks would run that it disables, and histories would go that it wants to have.
func TestWhileAPolicyIsInvalidInspectionsStayAsTheyAre(t *testing.T) {
	box := newSandbox(t)
	metrics, _ := box.start(apitest.Config())
	wrong := box.policy("exception", spec{Checks: []check{{Name: "backup-age"}}})
	a := box.onboard("gz-a", nil)
	box.holds("gz-a-backup-age")

	edit(box, wrong, func(p *policy) {
		p.Spec.ClusterSelector = &selector{MatchLabels: map[string]string{"no label": "x"}}
	})
	box.condition(a, metav1.ConditionFalse, "the cluster's inspections stay as they are: EtcdInspectionPolicy exception: ")
	box.status(wrong, func(collect *assert.CollectT, status etcdv1beta1.EtcdInspectionPolicyStatus) {
		condition := meta.FindStatusCondition(status.Conditions, etcdv1beta1.ConditionAccepted)
		if assert.NotNil(collect, condition) {
			assert.Equal(collect, metav1.ConditionFalse, condition.Status)
			assert.Contains(collect, condition.Message, "correct spec.clusterSelector")
		}
	})
	b := box.onboard("gz-b", nil)
	box.condition(b, metav1.ConditionFalse, "EtcdInspectionPolicy exception")
	box.holds("gz-a-backup-age")
	box.delete(b) // that a cluster goes is beyond doubt
	awaitExpected(t, metrics, map[string]float64{"gz-a": 0})

	edit(box, wrong, func(p *policy) { p.Spec.ClusterSelector = nil })
	box.condition(a, metav1.ConditionTrue, "1 inspections")
	box.holds("gz-a-backup-age")
}

// One typo is one condition, and not an inspection in Error for each cluster.
func TestAPolicyWithWrongParametersIsSaidOnceAndHoldsUpNothingElse(t *testing.T) {
	box := newSandbox(t)
	box.declared = checks.All().Parameters()
	p := box.policy("p", spec{Checks: []check{
		{Name: "large-key-values", Interval: minutes(60), Parameters: map[string]string{"top": "5"}}, {Name: "alarms"},
	}})
	a := box.onboard("gz-a", nil)
	metrics, _ := box.start(apitest.Config())
	box.condition(a, metav1.ConditionTrue, "2 inspections")
	kept := box.holds("gz-a-large-key-values", "gz-a-alarms")["gz-a-large-key-values"]

	edit(box, p, func(p *policy) {
		p.Spec.Checks = []check{
			{Name: "large-key-values", Interval: minutes(90), Parameters: map[string]string{"tpo": "5", "warnBytes": "half"}},
			{Name: "membership"},
			{Name: "external", Parameters: map[string]string{"any": "thing"}},
			{Name: "request-latency", Disabled: true, Parameters: map[string]string{"probes": "none"}},
		}
	})
	box.accepted(p, metav1.ConditionFalse, "InvalidParameters", "parameter tpo is unknown: rename spec.checks[large-key-values].parameters.tpo to top, or remove it "+
		"(there are: failBytes, top, warnBytes). "+
		`parameter warnBytes is "half": set spec.checks[large-key-values].parameters.warnBytes to a size in bytes, for example 512Ki or 8Gi. `+
		"Until then the EtcdMonitors of large-key-values stay as they are; the policy's other checks are followed")
	now := box.holds("gz-a-large-key-values", "gz-a-membership", "gz-a-external")["gz-a-large-key-values"]
	assert.Equal(t, kept.Spec, now.Spec, "nothing of the check is applied")
	assert.Equal(t, kept.UID, now.UID)
	box.condition(a, metav1.ConditionTrue, "3 inspections")
	awaitExpected(t, metrics, map[string]float64{"gz-a": 3})

	t.Run("and a cluster that lacks the check says why", func(t *testing.T) {
		b := box.onboard("gz-b", nil)
		box.condition(b, metav1.ConditionFalse,
			"the check large-key-values is not created: EtcdInspectionPolicy p: parameter tpo is unknown: rename spec.checks[large-key-values].parameters.tpo to top")
		box.holds("gz-a-large-key-values", "gz-a-membership", "gz-a-external", "gz-b-membership", "gz-b-external")
		awaitExpected(t, metrics, map[string]float64{"gz-a": 3, "gz-b": 3})
	})
	t.Run("and what another policy decides is followed", func(t *testing.T) {
		better := box.policy("better", spec{Priority: 1, Checks: []check{{Name: "large-key-values", Parameters: map[string]string{"top": "7"}}}})
		require.Eventually(t, func() bool {
			return box.monitors()["gz-b-large-key-values"].Spec.Parameters["top"] == "7" &&
				box.monitors()["gz-a-large-key-values"].Spec.Parameters["top"] == "7"
		}, patience, poll)
		box.delete(better)
		time.Sleep(200 * time.Millisecond)
		assert.Equal(t, "7", box.monitors()["gz-b-large-key-values"].Spec.Parameters["top"], "it stays when the wrong one decides again")
	})
	t.Run("and of another provider is not validated", func(t *testing.T) {
		edit(box, p, func(p *policy) { p.Spec.Provider = "another" })
		box.accepted(p, metav1.ConditionTrue, "Accepted", "the policy is followed")
	})
	t.Run("until it is corrected", func(t *testing.T) {
		edit(box, p, func(p *policy) {
			p.Spec.Provider, p.Spec.Checks[0].Parameters = etcdv1beta1.DefaultProvider, map[string]string{"top": "3"}
		})
		box.accepted(p, metav1.ConditionTrue, "Accepted", "the policy is followed")
		require.Eventually(t, func() bool { return box.monitors()["gz-b-large-key-values"].Spec.Parameters["top"] == "3" }, patience, poll)
	})
}

// accepted waits until the policy's condition says so.
func (s *sandbox) accepted(p *policy, status metav1.ConditionStatus, reason, message string) {
	s.t.Helper()
	require.EventuallyWithT(s.t, func(collect *assert.CollectT) {
		condition := meta.FindStatusCondition(read(s, p).Status.Conditions, etcdv1beta1.ConditionAccepted)
		if assert.NotNil(collect, condition) {
			assert.Equal(collect, status, condition.Status)
			assert.Equal(collect, reason, condition.Reason)
			assert.Equal(collect, message, condition.Message)
			assert.Equal(collect, p.Generation, condition.ObservedGeneration)
		}
	}, patience, poll)
}

func TestWhatCannotBeCreatedIsSaidAndKeepsNothingElseFromIt(t *testing.T) {
	box := newSandbox(t)
	box.policy("p", spec{Checks: []check{{Name: "b-c"}, {Name: "c"}}})
	box.start(apitest.Config())
	long := strings.Repeat("long", 50)

	box.onboard("gz-a", nil)
	box.holds("gz-a-b-c", "gz-a-c")
	same := box.onboard("gz-a-b", nil) // its check c would be named as the first one's check b-c
	box.condition(same, metav1.ConditionFalse, "the name of the EtcdMonitor gz-a-b-c is taken by the check b-c of the cluster gz-a: "+
		"create an EtcdMonitor of another name for the check c")
	box.holds("gz-a-b-c", "gz-a-c", "gz-a-b-b-c")

	dots := box.onboardAs("dots", "gz..a", nil)
	box.condition(dots, metav1.ConditionFalse, "create an EtcdCluster with another spec.clusterId instead")

	unlabelled := box.onboardAs("long", long, nil)
	box.condition(unlabelled, metav1.ConditionTrue, "2 inspections")
	m := box.monitors()[long+"-c"]
	assert.Equal(t, map[string]string{"region": "gz", "source": inspections.Source}, m.Labels, "no label is that long")
}

func TestTheOlderObjectCountsWhereTwoDescribeOneCluster(t *testing.T) {
	box := newSandbox(t)
	box.policy("p", spec{Products: []string{"tke"}, Checks: []check{{Name: "alarms"}}})
	first := box.onboard("gz-a", nil)
	metrics, _ := box.start(apitest.Config())
	box.holds("gz-a-alarms")
	second := box.onboardAs("z-second", "gz-a", nil)
	awaitExpected(t, metrics, map[string]float64{"gz-a": 1})

	box.delete(first)
	require.Eventually(t, func() bool {
		m := box.monitors()["gz-a-alarms"]
		return len(m.OwnerReferences) == 1 && m.OwnerReferences[0].UID == second.UID
	}, patience, poll)
}

func TestExpectedInspectionsHaveTheLabelsOfTheClustersSeries(t *testing.T) {
	box := newSandbox(t)
	box.onboard("gz-a", nil)
	metrics, _ := box.start(apitest.Config())
	awaitExpected(t, metrics, map[string]float64{"gz-a": 0})

	families, err := metrics.Gather()
	require.NoError(t, err)
	labels := map[string]string{}
	for _, label := range families[0].GetMetric()[0].GetLabel() {
		labels[label.GetName()] = label.GetValue()
	}
	assert.Equal(t, "etcdfleet_inspections_expected", families[0].GetName())
	assert.Equal(t, map[string]string{
		"region": "gz", "product": "tke", "scene": "business", "spec": "default", "cluster": "gz-a",
	}, labels)
}

func TestNothingIsExpectedWhileTheFleetIsNotKnown(t *testing.T) {
	box := newSandbox(t)
	box.onboard("gz-a", nil)
	metrics, _ := box.start(apitest.User(t, "nobody")) // who may not list EtcdClusters
	assert.Empty(t, expected(t, metrics))
}

// writeLog notes the writes that the server has accepted. Those that are refused because the cache was behind cost it little,
// and how many there are depends on timing.
type writeLog struct {
	mu     sync.Mutex
	writes []string
}

func (l *writeLog) of(config *rest.Config) *rest.Config {
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(request *http.Request) (*http.Response, error) {
			response, err := next.RoundTrip(request)
			// A stop cancels the wait for an answer, not the write: it counts unless the server refused it.
			refused := err == nil && response.StatusCode >= http.StatusBadRequest
			if request.Method != http.MethodGet && !refused {
				l.mu.Lock()
				l.writes = append(l.writes, request.Method+" "+request.URL.Path)
				l.mu.Unlock()
			}
			return response, err
		})
	})
	return config
}

// take returns and forgets the writes, each with its path below the namespace.
func (l *writeLog) take(namespace string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	taken := l.writes
	l.writes = nil
	for i := range taken {
		taken[i] = strings.Replace(taken[i], "/apis/etcd.cloud.tencent.com/v1beta1/namespaces/"+namespace+"/", "", 1)
	}
	return taken
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }
