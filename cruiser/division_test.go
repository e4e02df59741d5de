package cruiser

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func cluster(i int) types.NamespacedName {
	return types.NamespacedName{Namespace: "gz", Name: fmt.Sprintf("gz-etcd-%d", i)}
}

func TestOwnerDividesClustersEvenlyAndMovesOnlyAShare(t *testing.T) {
	const clusters = 10_000
	three := []string{"cruiser-a", "cruiser-b", "cruiser-c"}
	share, moved := map[string]int{}, 0
	for i := range clusters {
		before := owner(three, cluster(i))
		share[before]++
		after := owner([]string{"cruiser-a", "cruiser-c"}, cluster(i))
		if before != after {
			moved++
			assert.Equal(t, "cruiser-b", before, "only what the dead one had moves")
		}
	}
	for _, name := range three {
		assert.InDelta(t, clusters/3, share[name], clusters/30)
	}
	assert.Equal(t, share["cruiser-b"], moved)
	assert.Empty(t, owner(nil, cluster(0)))
}

func TestReplicaIsBelievedAliveWhileItsLeaseChanges(t *testing.T) {
	r := &replicas{}
	start := time.Now()
	lease := func(name string, renewed time.Time) coordinationv1.Lease {
		stamp := metav1.NewMicroTime(renewed)
		return coordinationv1.Lease{Spec: coordinationv1.LeaseSpec{HolderIdentity: &name, RenewTime: &stamp}}
	}
	// The clocks of the replicas differ by hours; only whether a Lease changes counts.
	wrong := start.Add(-5 * time.Hour)
	for _, step := range []struct {
		after     time.Duration
		renewed   time.Time // of b
		alive     []string
		abandoned int
	}{
		{0, wrong, []string{"a", "b"}, 0},
		{3 * time.Second, wrong.Add(3 * time.Second), []string{"a", "b"}, 0},
		{17 * time.Second, wrong.Add(3 * time.Second), []string{"a", "b"}, 0},
		{18 * time.Second, wrong.Add(3 * time.Second), []string{"a"}, 0},
		{10*time.Minute + 4*time.Second, wrong.Add(3 * time.Second), []string{"a"}, 1},
		{11 * time.Minute, wrong.Add(11 * time.Minute), []string{"a", "b"}, 0},
	} {
		at := start.Add(step.after)
		alive, abandoned := r.sight([]coordinationv1.Lease{lease("b", step.renewed), lease("a", at)}, at)
		assert.Equal(t, step.alive, alive, "after %s", step.after)
		assert.Len(t, abandoned, step.abandoned, "after %s", step.after)
	}
}

func TestReplicaOwnsNothingOnceItsLeaseMayHaveRunOut(t *testing.T) {
	r := &replicas{self: "a", members: []string{"a"}, renewed: time.Now()}
	assert.True(t, r.owns(cluster(0)))
	r.renewed = time.Now().Add(fenceMargin - leaseDuration)
	assert.False(t, r.owns(cluster(0)))
	assert.False(t, (&replicas{self: "a"}).owns(cluster(0)), "before it took part")
}

func TestHoldEndsWithTheOwnership(t *testing.T) {
	r := &replicas{self: "a", members: []string{"a"}, renewed: time.Now()}
	var mine, theirs types.NamespacedName // once b takes part
	for i := 0; mine.Name == "" || theirs.Name == ""; i++ {
		if owner([]string{"a", "b"}, cluster(i)) == "a" {
			mine = cluster(i)
		} else {
			theirs = cluster(i)
		}
	}
	staying, releaseStaying := r.hold(t.Context(), mine)
	leaving, releaseLeaving := r.hold(t.Context(), theirs)
	r.letGo()
	assert.NoError(t, context.Cause(leaving))

	r.members = []string{"a", "b"}
	r.letGo()
	assert.ErrorIs(t, context.Cause(leaving), errNotOurs)
	assert.NoError(t, context.Cause(staying))
	late, releaseLate := r.hold(t.Context(), theirs)
	assert.ErrorIs(t, context.Cause(late), errNotOurs, "it was lost before the run began")

	r.renewed = time.Now().Add(fenceMargin - leaseDuration)
	r.letGo()
	assert.ErrorIs(t, context.Cause(staying), errNotOurs)
	for _, release := range []func(){releaseStaying, releaseLeaving, releaseLate} {
		release()
	}
	assert.Empty(t, r.holds)
}
