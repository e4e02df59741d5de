package v1beta1_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/apitest"
)

func TestMain(m *testing.M) { os.Exit(apitest.Main(m)) }

// originalMonitor is an object as the platform that this project succeeds has written it, byte for byte.
const originalMonitor = `
apiVersion: etcd.cloud.tencent.com/v1beta1
kind: EtcdMonitor
metadata:
  name: gz-qcloud-etcd-03-etcd-node-key-diff
  namespace: gz
  labels: {clusterName: gz-qcloud-etcd-03, region: gz, source: etcd-life-cycle-operator}
spec: {clusterId: gz-qcloud-etcd-03, metricName: etcd-node-key-diff, metricProviderName: cruiser, name: gz-qcloud-etcd-03, productName: tke, region: gz}
status:
  records:
  - {startTime: "2021-04-01T12:00:10Z", endTime: "2021-04-01T12:00:04Z", message: "collectEtcdnodeKeyDiff,etcd cluster gz-qcloud-etcd-03,total key num is 122143,nodeKeyDiff is 0"}
  updatedAt: "2021-04-01T12:00:10Z"
`

const monitor = `
apiVersion: etcd.cloud.tencent.com/v1beta1
kind: EtcdMonitor
metadata: {name: gz-a-etcd-node-key-diff}
spec:
  clusterId: gz-a
  metricName: etcd-node-key-diff
  metricProviderName: cruiser
`

const cluster = `
apiVersion: etcd.cloud.tencent.com/v1beta1
kind: EtcdCluster
metadata: {name: gz-a}
spec:
  clusterId: gz-a
  region: gz
  productName: tke
  scene: business
  members:
  - {name: etcd-0, clientURL: "https://10.0.0.1:2379"}
`

const policy = `
apiVersion: etcd.cloud.tencent.com/v1beta1
kind: EtcdInspectionPolicy
metadata: {name: all}
spec:
  checks:
  - {name: etcd-node-key-diff, interval: 5m}
`

func parse(t *testing.T, manifest string) *unstructured.Unstructured {
	t.Helper()
	object := &unstructured.Unstructured{}
	require.NoError(t, yaml.UnmarshalStrict([]byte(manifest), &object.Object))
	return object
}

func set(t *testing.T, object *unstructured.Unstructured, path string, value any) {
	t.Helper()
	fields := strings.Split(path, ".")
	if value == nil {
		unstructured.RemoveNestedField(object.Object, fields...)
		return
	}
	require.NoError(t, unstructured.SetNestedField(object.Object, value, fields...))
}

func TestTheOriginalMonitorAppliesUnchanged(t *testing.T) {
	ctx := context.Background()
	c := apitest.Client(t)
	object := parse(t, originalMonitor)
	status := object.Object["status"]
	object.SetNamespace(apitest.Namespace(t))

	owner := client.FieldOwner("etcd-life-cycle-operator")
	apply := client.ApplyConfigurationFromUnstructured(object.DeepCopy())
	require.NoError(t, c.Apply(ctx, apply, owner, client.ForceOwnership))
	require.NoError(t, c.Status().Apply(ctx, client.ApplyConfigurationFromUnstructured(object.DeepCopy()), owner,
		client.ForceOwnership))

	stored := parse(t, originalMonitor)
	require.NoError(t, c.Get(ctx, client.ObjectKeyFromObject(object), stored))
	assert.Equal(t, object.Object["spec"], stored.Object["spec"])
	assert.Equal(t, status, stored.Object["status"])
	assert.Equal(t, object.GetLabels(), stored.GetLabels())

	var typed etcdv1beta1.EtcdMonitor
	require.NoError(t, c.Get(ctx, client.ObjectKeyFromObject(object), &typed))
	record := typed.Status.LastRecord()
	require.NotNil(t, record)
	assert.True(t, record.EndTime.Before(&record.StartTime), "readers accept what the original has written")
	assert.Empty(t, record.Outcome)
	assert.Empty(t, typed.PendingRequest())
}

func TestClusterDefaults(t *testing.T) {
	object := parse(t, cluster)
	object.SetNamespace(apitest.Namespace(t))
	c := apitest.Client(t)
	require.NoError(t, c.Create(context.Background(), object))

	var stored etcdv1beta1.EtcdCluster
	require.NoError(t, c.Get(context.Background(), client.ObjectKeyFromObject(object), &stored))
	assert.Equal(t, etcdv1beta1.SpecificationDefault, stored.Spec.Specification)
	assert.Zero(t, stored.Spec.Size, "what is not said is not made up")
	assert.Equal(t, int32(len(stored.Spec.Members)), stored.Spec.VotingMembers())
	assert.Equal(t, "https://10.0.0.1:2379", stored.Spec.Members[0].MetricsEndpoint())
}

func TestPolicyDefaults(t *testing.T) {
	object := parse(t, policy)
	object.SetNamespace(apitest.Namespace(t))
	c := apitest.Client(t)
	require.NoError(t, c.Create(context.Background(), object))

	var stored etcdv1beta1.EtcdInspectionPolicy
	require.NoError(t, c.Get(context.Background(), client.ObjectKeyFromObject(object), &stored))
	assert.Equal(t, "cruiser", stored.Spec.Provider)
	assert.Zero(t, stored.Spec.Priority)
	assert.Nil(t, stored.Spec.ClusterSelector)
}

func TestBadInputIsRefusedByFieldAndRemedy(t *testing.T) {
	checks := func(names ...string) (list []any) {
		for _, name := range names {
			list = append(list, map[string]any{"name": name})
		}
		return list
	}
	where := func(operator string, values ...any) map[string]any {
		return map[string]any{"matchExpressions": []any{map[string]any{"key": "tier", "operator": operator, "values": values}}}
	}
	member := func(name, url string) map[string]any { return map[string]any{"name": name, "clientURL": url} }
	for _, test := range []struct {
		name     string
		manifest string
		path     string
		value    any
		messages []string
	}{
		{"a monitor without cluster", monitor, "spec.clusterId", nil, []string{"spec.clusterId: Required value"}},
		{"a monitor with an empty check", monitor, "spec.metricName", "", []string{"spec.metricName", "at least 1 chars long"}},
		{"a monitor without provider", monitor, "spec.metricProviderName", nil,
			[]string{"spec.metricProviderName: Required value"}},
		{"a short interval", monitor, "spec.interval", "5s", []string{"spec.interval", "interval must lie between 10s and 720h"}},
		{"a long interval", monitor, "spec.interval", "721h", []string{"spec.interval", "interval must lie between 10s and 720h"}},
		{"an interval without unit", monitor, "spec.interval", "10", []string{"spec.interval"}},
		{"a clusterId with capitals", cluster, "spec.clusterId", "GZ-A", []string{"spec.clusterId", "should match"}},
		{"a region that leads out of a folder", cluster, "spec.region", "../sh", []string{"spec.region: Invalid value", "should match"}},
		{"a cluster without region", cluster, "spec.region", nil, []string{"spec.region: Required value"}},
		{"a cluster without scene", cluster, "spec.scene", nil, []string{"spec.scene: Required value"}},
		{"an unknown class", cluster, "spec.specification", "huge",
			[]string{"spec.specification: Unsupported value", `"small", "default", "large"`}},
		{"too many voting members", cluster, "spec.size", int64(10), []string{"spec.size", "less than or equal to 9"}},
		{"an invalid version", cluster, "spec.version", "latest", []string{"spec.version", "should match"}},
		{"a cluster without members", cluster, "spec.members", []any{}, []string{"spec.members", "at least 1 items"}},
		{"two members of one name", cluster, "spec.members",
			[]any{member("etcd-0", "https://a:2379"), member("etcd-0", "https://b:2379")},
			[]string{"spec.members[1]: Duplicate value"}},
		{"an address instead of a URL", cluster, "spec.members", []any{member("etcd-0", "10.0.0.1:2379")},
			[]string{"spec.members[0].clientURL", "should match '^https?://"}},
		{"a URL with a path", cluster, "spec.members", []any{member("etcd-0", "https://10.0.0.1:2379/v3")},
			[]string{"spec.members[0].clientURL", "should match"}},
		{"a policy without checks", policy, "spec.checks", []any{}, []string{"spec.checks", "at least 1 items"}},
		{"a policy with a check twice", policy, "spec.checks", checks("alarms", "alarms"),
			[]string{"spec.checks[1]: Duplicate value"}},
		{"a policy with a check that none is named as", policy, "spec.checks", checks("Etcd_Alarms"),
			[]string{"spec.checks[0].name", "name is no check's: use lower-case letters, digits and inner hyphens"}},
		{"a policy with a short interval", policy, "spec.checks", []any{map[string]any{"name": "alarms", "interval": "1s"}},
			[]string{"spec.checks[0].interval", "interval must lie between 10s and 720h"}},
		{"a policy of an unknown class", policy, "spec.specifications", []any{"huge"},
			[]string{"spec.specifications[0]: Unsupported value"}},
		{"a policy with an unknown operator", policy, "spec.clusterSelector", where("Equals", "a"),
			[]string{"spec.clusterSelector", "use In, NotIn, Exists or DoesNotExist"}},
		{"a policy whose operator lacks values", policy, "spec.clusterSelector", where("In"),
			[]string{"spec.clusterSelector", "give In and NotIn one or more, Exists and DoesNotExist none"}},
		{"a policy whose operator takes no values", policy, "spec.clusterSelector", where("Exists", "a"),
			[]string{"spec.clusterSelector", "give In and NotIn one or more, Exists and DoesNotExist none"}},
		{"an urgent policy", policy, "spec.priority", int64(1001), []string{"spec.priority", "less than or equal to 1000"}},
		{"an empty Secret's name", cluster, "spec.tls", map[string]any{"secretName": ""},
			[]string{"spec.tls.secretName", "at least 1 chars long"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			object := parse(t, test.manifest)
			object.SetNamespace("default")
			set(t, object, test.path, test.value)
			err := apitest.Client(t).Create(context.Background(), object, client.DryRunAll)
			for _, message := range test.messages {
				assert.ErrorContains(t, err, message)
			}
		})
	}
}

func TestCredentialsAreForMembersThatCanTakeThem(t *testing.T) {
	for _, test := range []struct {
		name, url string
		tls, auth map[string]any
		messages  []string
	}{
		{name: "plain text", url: "http://10.0.0.1:2379"},
		{name: "a certificate", url: "https://10.0.0.1:2379", tls: map[string]any{"secretName": "client"}},
		{name: "a password", url: "https://10.0.0.1:2379", auth: map[string]any{"secretName": "login"}},
		{name: "both", url: "https://10.0.0.1:2379", tls: map[string]any{"secretName": "client"}, auth: map[string]any{"secretName": "login"}},
		{name: "a password in plain text that is accepted", url: "http://10.0.0.1:2379",
			auth: map[string]any{"secretName": "login", "allowPlaintext": true}},
		{name: "a certificate in plain text", url: "http://10.0.0.1:2379", tls: map[string]any{"secretName": "login"},
			messages: []string{"spec.tls: Invalid value", "use https:// or remove tls", "auth.secretName with auth.allowPlaintext: true"}},
		{name: "a password in plain text", url: "http://10.0.0.1:2379", auth: map[string]any{"secretName": "login"},
			messages: []string{"spec.auth: Invalid value", "use https://, or accept that by auth.allowPlaintext: true"}},
		{name: "a password in plain text that is not accepted", url: "http://10.0.0.1:2379",
			auth:     map[string]any{"secretName": "login", "allowPlaintext": false},
			messages: []string{"spec.auth: Invalid value", "use https://, or accept that by auth.allowPlaintext: true"}},
		{name: "an empty Secret's name", url: "https://10.0.0.1:2379", auth: map[string]any{"secretName": ""},
			messages: []string{"spec.auth.secretName", "at least 1 chars long"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			object := parse(t, cluster)
			object.SetNamespace("default")
			set(t, object, "spec.members", []any{map[string]any{"name": "etcd-0", "clientURL": test.url}})
			if test.tls != nil {
				set(t, object, "spec.tls", test.tls)
			}
			if test.auth != nil {
				set(t, object, "spec.auth", test.auth)
			}
			err := apitest.Client(t).Create(context.Background(), object, client.DryRunAll)
			if test.messages == nil {
				require.NoError(t, err)
			}
			for _, message := range test.messages {
				assert.ErrorContains(t, err, message)
			}
		})
	}
}

func TestIdentityIsImmutable(t *testing.T) {
	for _, test := range []struct{ manifest, path, message string }{
		{monitor, "spec.clusterId", "clusterId is immutable: create another EtcdMonitor instead"},
		{monitor, "spec.metricName", "metricName is immutable: create another EtcdMonitor instead"},
		{cluster, "spec.clusterId", "clusterId is immutable: create another EtcdCluster instead"},
	} {
		t.Run(test.message, func(t *testing.T) {
			object := parse(t, test.manifest)
			object.SetNamespace(apitest.Namespace(t))
			c := apitest.Client(t)
			require.NoError(t, c.Create(context.Background(), object))
			set(t, object, test.path, "another")
			err := c.Update(context.Background(), object)
			assert.ErrorContains(t, err, test.path)
			assert.ErrorContains(t, err, test.message)
		})
	}
}

func TestStatusIsBounded(t *testing.T) {
	record := map[string]any{"startTime": "2021-04-01T12:00:10Z", "endTime": "2021-04-01T12:00:10Z"}
	with := func(field string, value any) []any {
		return []any{map[string]any{"startTime": record["startTime"], "endTime": record["endTime"], field: value}}
	}
	var surplus []any
	for range etcdv1beta1.MaxRecords + 1 {
		surplus = append(surplus, record)
	}
	for _, test := range []struct {
		name    string
		records []any
		message string
	}{
		{"too many records", surplus, "must have at most 20 items"},
		{"a long message", with("message", strings.Repeat("x", etcdv1beta1.MaxMessageLength+1)), "status.records[0].message"},
		{"an unknown outcome", with("outcome", "Fine"), "status.records[0].outcome: Unsupported value"},
		{"a time in small letters", with("startTime", "2021-04-01t12:00:10z"), "status.records[0].startTime"},
		{"a time of no zone on earth", with("endTime", "2021-04-01T12:00:10+99:99"), "status.records[0].endTime"},
		{"a duration in words", with("duration", "2 days"), "status.records[0].duration"},
		{"an endless duration", with("duration", "99999999999h"), "status.records[0].duration"},
		{"an empty duration", with("duration", ""), "status.records[0].duration"},
		{"a long request", with("request", strings.Repeat("x", 65)), "status.records[0].request"},
	} {
		t.Run(test.name, func(t *testing.T) {
			object := parse(t, monitor)
			object.SetNamespace(apitest.Namespace(t))
			c := apitest.Client(t)
			require.NoError(t, c.Create(context.Background(), object))
			set(t, object, "status.records", test.records)
			assert.ErrorContains(t, c.Status().Update(context.Background(), object), test.message)
		})
	}
}

func TestStatusIsNotWrittenWithTheSpec(t *testing.T) {
	object := parse(t, monitor)
	object.SetNamespace(apitest.Namespace(t))
	set(t, object, "status.outcome", "Passed")
	c := apitest.Client(t)
	require.NoError(t, c.Create(context.Background(), object))
	var stored etcdv1beta1.EtcdMonitor
	require.NoError(t, c.Get(context.Background(), client.ObjectKeyFromObject(object), &stored))
	assert.Empty(t, stored.Status.Outcome)
}
