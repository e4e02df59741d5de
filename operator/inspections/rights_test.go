package inspections_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/etcdfleet/etcd-fleet/internal/apitest"
	"github.com/etcdfleet/etcd-fleet/operator/inspections"
)

// A role that is older than what the operator needs is said on the cluster, with the remedy.
func TestAMissingRightIsNamedByACondition(t *testing.T) {
	box := newSandbox(t)
	box.policy("all", spec{Checks: []check{{Name: "alarms"}}})
	apitest.Apply(t, "deploy/rbac/namespace/operator.yaml", box.namespace)
	var role rbacv1.Role
	require.NoError(t, box.Get(t.Context(), client.ObjectKey{Namespace: box.namespace, Name: "etcdfleet-operator"}, &role))
	for i, rule := range role.Rules {
		if rule.Resources[0] == "etcdmonitors" {
			role.Rules[i].Verbs = []string{"get", "list", "watch"}
		}
	}
	require.NoError(t, box.Update(t.Context(), &role))
	box.start(apitest.User(t, "etcdfleet-operator"))
	c := box.onboard("gz-a", nil)

	remedy := "if the operator's account lacks the right, run kubectl --namespace " + box.namespace + " apply -f deploy/rbac/namespace"
	assert.Eventually(t, func() bool {
		found := meta.FindStatusCondition(read(box, c).Status.Conditions, inspections.ConditionApplied)
		return found != nil && found.Status == metav1.ConditionFalse && strings.Contains(found.Message, remedy) &&
			strings.Contains(found.Message, `cannot create resource "etcdmonitors"`)
	}, patience, poll)
}
