package v1beta1_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

func TestTheWorseOfTwoOutcomes(t *testing.T) {
	t.Parallel()
	for i, better := range etcdv1beta1.OutcomesBySeverity {
		for _, worse := range etcdv1beta1.OutcomesBySeverity[i:] {
			assert.Equal(t, worse, etcdv1beta1.Worse(better, worse))
			assert.Equal(t, worse, etcdv1beta1.Worse(worse, better))
		}
		assert.Equal(t, better, etcdv1beta1.Worse("", better), "before the first")
	}
}
