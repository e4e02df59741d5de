package identity_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/apitest"
	"github.com/etcdfleet/etcd-fleet/internal/etcdtest"
	"github.com/etcdfleet/etcd-fleet/operator/identity"
)

const (
	patience = 2 * time.Minute
	poll     = 50 * time.Millisecond

	// nobody is an address at which nothing listens.
	nobody = "http://127.0.0.1:1"
)

func TestMain(m *testing.M) { os.Exit(apitest.Main(m)) }

type cluster = etcdv1beta1.EtcdCluster

// region is two namespaces of one API server, and one for the records.
type region struct {
	client.Client
	t               *testing.T
	a, b            string
	recordNamespace string
}

func newRegion(t *testing.T) *region {
	return &region{
		Client: apitest.Client(t), t: t, a: apitest.Namespace(t), b: apitest.Namespace(t), recordNamespace: apitest.Namespace(t),
	}
}

// start runs the decisions for both namespaces until the test ends or stop is called.
func (r *region) start(config *rest.Config, regionName string) (stop func()) {
	r.t.Helper()
	return apitest.StartManager(r.t, config, r.a, func(_ context.Context, mgr ctrl.Manager) error {
		return identity.Setup(mgr, identity.Options{
			Region: regionName, Namespaces: []string{r.a, r.b}, RecordNamespace: r.recordNamespace,
		})
	}, func(options *ctrl.Options) {
		options.Cache.DefaultNamespaces = map[string]cache.Config{r.a: {}, r.b: {}}
	})
}

// create creates an object of the clusterId gz-orders.
func (r *region) create(namespace, name string, change func(*cluster)) *cluster {
	r.t.Helper()
	c := &cluster{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: etcdv1beta1.EtcdClusterSpec{
			ClusterID: "gz-orders", Region: "gz", ProductName: "tke", Scene: "business",
			Members: []etcdv1beta1.EtcdClusterMember{{Name: "etcd-0", ClientURL: nobody}},
		},
	}
	if change != nil {
		change(c)
	}
	require.NoError(r.t, r.Create(context.Background(), c))
	return c
}

// realMembers makes an object name the members of a running cluster.
func realMembers(etcd *etcdtest.Cluster) func(*cluster) {
	return func(c *cluster) { c.Spec.Members = etcd.Spec("gz-orders", "").Members }
}

func (r *region) delete(c *cluster) {
	r.t.Helper()
	require.NoError(r.t, r.Delete(context.Background(), c))
}

func (r *region) read(c *cluster) *cluster {
	r.t.Helper()
	var newest cluster
	require.NoError(r.t, r.Get(context.Background(), client.ObjectKeyFromObject(c), &newest))
	return &newest
}

// await waits until the condition of an object has the reason, and returns its message.
func (r *region) await(c *cluster, reason string) string {
	r.t.Helper()
	var held *metav1.Condition
	ok := assert.Eventually(r.t, func() bool {
		held = meta.FindStatusCondition(r.read(c).Status.Conditions, etcdv1beta1.ConditionIdentityHeld)
		return held != nil && held.Reason == reason
	}, patience, poll)
	require.True(r.t, ok, "the condition of %s/%s is %+v, not %s", c.Namespace, c.Name, held, reason)
	return held.Message
}

// holders are the objects that may be published and inspected.
func (r *region) holders(regionName string) []string {
	r.t.Helper()
	var names []string
	var all []cluster
	for _, namespace := range []string{r.a, r.b} {
		var list etcdv1beta1.EtcdClusterList
		require.NoError(r.t, r.List(context.Background(), &list, client.InNamespace(namespace)))
		all = append(all, list.Items...)
	}
	for _, holder := range etcdv1beta1.Holders(all, regionName) {
		names = append(names, holder.Name)
	}
	slices.Sort(names)
	return names
}

// awaitEvent waits for a Warning about the object with the reason, and returns its note.
func (r *region) awaitEvent(c *cluster, reason string) (note string) {
	r.t.Helper()
	require.Eventually(r.t, func() bool {
		var events eventsv1.EventList
		require.NoError(r.t, r.List(context.Background(), &events, client.InNamespace(c.Namespace)))
		for _, event := range events.Items {
			if event.Regarding.UID == c.UID && event.Reason == reason && event.Type == corev1.EventTypeWarning {
				note = event.Note
				return true
			}
		}
		return false
	}, patience, poll)
	return note
}

// rights gives the operator what deploy/rbac gives it.
func (r *region) rights() *rest.Config {
	r.t.Helper()
	for _, namespace := range []string{r.a, r.b} {
		apitest.Apply(r.t, "deploy/rbac/namespace/operator.yaml", namespace)
	}
	apitest.Apply(r.t, "deploy/rbac/accounts.yaml")
	apitest.Apply(r.t, "deploy/rbac/identities.yaml")
	r.recordNamespace = "etcd-fleet"
	return apitest.User(r.t, "etcdfleet-operator")
}

func TestTheHolderKeepsItsIdentityAndTheOtherIsToldWhoHoldsIt(t *testing.T) {
	r := newRegion(t)
	operator := r.rights()
	stop := r.start(operator, "")
	holder := r.create(r.a, "holder", nil)
	r.await(holder, "Held")
	untouched := r.read(holder).ResourceVersion
	for _, namespace := range []string{r.a, r.b} {
		twin := r.create(namespace, "twin", nil)
		says := r.await(twin, "HeldByAnother")
		assert.Contains(t, says, "The EtcdCluster "+r.a+"/holder holds the clusterId gz-orders in the region gz")
		assert.Contains(t, says, "Delete one of the two")
		assert.Equal(t, says, r.awaitEvent(twin, "HeldByAnother"))
		assert.Equal(t, []string{"holder"}, r.holders(""))
	}
	assert.Equal(t, untouched, r.read(holder).ResourceVersion, "the holder is left alone")

	stop()
	r.start(operator, "")
	later := r.create(r.b, "later", nil)
	r.await(later, "HeldByAnother")
	assert.Equal(t, []string{"holder"}, r.holders(""), "a restart changes nothing")
}

// A restore creates objects again, in any order, without their status and with new UIDs.
func TestARestoreInAnotherOrderChangesNoHolder(t *testing.T) {
	r := newRegion(t)
	stop := r.start(apitest.Config(), "")
	holder, twin := r.create(r.a, "z-holder", nil), (*cluster)(nil)
	r.await(holder, "Held")
	twin = r.create(r.b, "a-twin", nil)
	r.await(twin, "HeldByAnother")
	stop()
	r.delete(holder)
	r.delete(twin)

	twin = r.create(r.b, "a-twin", nil)
	time.Sleep(1100 * time.Millisecond) // creation times have whole seconds: the twin shall be the older one
	holder = r.create(r.a, "z-holder", nil)
	assert.Equal(t, []string{"a-twin"}, r.holders(""), "by age alone it would be the other")
	r.start(apitest.Config(), "")
	r.await(holder, "Held")
	r.await(twin, "HeldByAnother")
	assert.Equal(t, []string{"z-holder"}, r.holders(""))
}

func TestAnotherObjectTakesOverWhenItsMembersAreTheRecordedEtcdCluster(t *testing.T) {
	etcd := etcdtest.Start(t, etcdtest.Options{})
	r := newRegion(t)
	r.start(apitest.Config(), "")
	holder := r.create(r.a, "holder", realMembers(etcd))
	require.Eventually(t, func() bool { return r.read(holder).Status.EtcdClusterID != "" }, patience, poll)
	recorded := r.read(holder).Status.EtcdClusterID
	bogus := r.create(r.a, "bogus", nil)
	r.await(bogus, "HeldByAnother")
	same := r.create(r.b, "same", realMembers(etcd))
	r.await(same, "HeldByAnother")

	r.delete(holder)
	r.await(same, "Held")
	assert.Contains(t, r.await(bogus, "HeldByAnother"), r.b+"/same")
	require.Eventually(t, func() bool { return r.read(same).Status.EtcdClusterID == recorded }, patience, poll)
}

func TestOnlyAPersonLetsAnotherEtcdClusterTakeOver(t *testing.T) {
	former, other := etcdtest.Start(t, etcdtest.Options{Size: 1}), etcdtest.Start(t, etcdtest.Options{Size: 1})
	r := newRegion(t)
	stop := r.start(apitest.Config(), "")
	holder := r.create(r.a, "holder", realMembers(former))
	require.Eventually(t, func() bool { return r.read(holder).Status.EtcdClusterID != "" }, patience, poll)
	recorded := r.read(holder).Status.EtcdClusterID
	another := r.create(r.b, "another", realMembers(other))
	r.await(another, "HeldByAnother")
	stop()
	r.delete(holder) // while no operator runs: the record outlives it

	r.start(apitest.Config(), "")
	says := r.await(another, "HolderGone")
	assert.Contains(t, says, "The EtcdCluster "+r.a+"/holder, which held the clusterId gz-orders, is gone")
	assert.Contains(t, says, "recorded etcd cluster ID "+recorded)
	assert.Contains(t, says, "they are the etcd cluster ")
	assert.Contains(t, says, "etcd.cloud.tencent.com/take-over-identity=true")
	assert.Empty(t, r.holders(""))

	before := r.read(another)
	annotated := before.DeepCopy()
	annotated.Annotations = map[string]string{etcdv1beta1.AnnotationTakeOverIdentity: "true"}
	require.NoError(t, r.Patch(context.Background(), annotated, client.MergeFrom(before)))
	r.await(another, "Held")
	require.Eventually(t, func() bool {
		id := r.read(another).Status.EtcdClusterID
		return id != "" && id != recorded
	}, patience, poll, "the new holder's own etcd cluster ID is recorded")
}

func TestARegionThatIsNotTheServersIsRefused(t *testing.T) {
	r := newRegion(t)
	r.start(apitest.Config(), "gz")
	holder := r.create(r.a, "holder", nil)
	r.await(holder, "Held")
	foreign := r.create(r.a, "foreign", func(c *cluster) { c.Spec.Region = "sh" })
	says := r.await(foreign, "ForeignRegion")
	assert.Contains(t, says, "The region sh is not served here: this API server is of the region gz")
	assert.Equal(t, says, r.awaitEvent(foreign, "ForeignRegion"))
	assert.Equal(t, []string{"holder"}, r.holders("gz"))

	before := r.read(holder)
	moved := before.DeepCopy()
	moved.Spec.Region = "sh"
	require.NoError(t, r.Patch(context.Background(), moved, client.MergeFrom(before)))
	r.await(holder, "ForeignRegion")
	assert.Empty(t, r.holders("gz"), "not even for a moment")
}

func TestARecordGoesWithTheLastObjectThatClaimsIt(t *testing.T) {
	r := newRegion(t)
	r.start(apitest.Config(), "")
	only := r.create(r.a, "only", nil)
	r.await(only, "Held")
	r.delete(only)
	require.Eventually(t, func() bool {
		var records corev1.ConfigMapList
		require.NoError(t, r.List(context.Background(), &records, client.InNamespace(r.recordNamespace)))
		return !slices.ContainsFunc(records.Items, func(c corev1.ConfigMap) bool { return strings.HasPrefix(c.Name, "etcd-identity-") })
	}, patience, poll)
	anew := r.create(r.b, "anew", nil)
	r.await(anew, "Held")
}
