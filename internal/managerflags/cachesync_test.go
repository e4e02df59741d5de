package managerflags

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/apitest"
	"github.com/etcdfleet/etcd-fleet/internal/rights"
)

// syncOf follows EtcdMonitors of the namespaces as a program does.
func syncOf(t *testing.T, config *rest.Config, served ...string) *cacheSync {
	t.Helper()
	flags := &Flags{namespaces: served}
	options := flags.cacheOptions()
	options.Scheme = newScheme()
	informers, err := cache.New(config, options)
	require.NoError(t, err)
	_, err = informers.GetInformer(t.Context(), &etcdv1beta1.EtcdMonitor{}, cache.BlockUntilSynced(false))
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- informers.Start(ctx) }()
	t.Cleanup(func() { stop(); assert.NoError(t, <-ended) })
	c, err := client.New(config, client.Options{Scheme: options.Scheme})
	require.NoError(t, err)
	return &cacheSync{informers: informers, client: c, namespaces: served, needed: []rights.Right{
		{Group: etcdv1beta1.GroupVersion.Group, Resource: "etcdmonitors", Verbs: []string{"list", "watch"}},
	}}
}

func TestTheMissingRightIsNamedWithItsNamespaceAndRemedy(t *testing.T) {
	served, forgotten := apitest.Namespace(t), apitest.Namespace(t)
	apitest.Apply(t, "deploy/rbac/namespace/cruiser.yaml", served)
	cruiser := apitest.User(t, "etcdfleet-cruiser")

	assert.EventuallyWithT(t, func(c *assert.CollectT) {
		assert.NoError(c, syncOf(t, cruiser, served).err(t.Context()))
	}, time.Minute, time.Second)
	assert.EqualError(t, syncOf(t, cruiser, served, forgotten).err(t.Context()), "the account may not list, watch etcdmonitors in the namespace "+
		forgotten+": run kubectl --namespace "+forgotten+" apply -f deploy/rbac/namespace")
	assert.EqualError(t, syncOf(t, cruiser, allNamespaces).err(t.Context()), "the account may not list, watch etcdmonitors in all namespaces: "+
		"run kubectl apply -f deploy/rbac/all-namespaces, or name the namespaces to serve by --namespaces")

	apitest.Apply(t, "deploy/rbac/all-namespaces/cruiser.yaml")
	assert.EventuallyWithT(t, func(c *assert.CollectT) {
		assert.NoError(c, syncOf(t, cruiser, allNamespaces).err(t.Context()))
	}, time.Minute, time.Second)
}
