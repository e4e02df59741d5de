package cruiser_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	clientv3 "go.etcd.io/etcd/client/v3"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
)

// defectiveConnector panics where a check connects to members, which it does in goroutines.
type defectiveConnector struct{ checks.Connector }

func (defectiveConnector) Client(string) (*clientv3.Client, error) { panic("a defect of the client") }

func TestAPanicInAGoroutineOfACheckIsAnErrorOfItsRun(t *testing.T) {
	box := newSandbox(t)
	box.cluster("gz-a")
	monitor := box.monitor("gz-a", "scripted", nil)
	check := newScriptedCheck()
	check.do(func(ctx context.Context, target checks.Target) (checks.Result, error) {
		membership, parameters, err := checks.All().Lookup("membership", nil)
		if err != nil {
			return checks.Result{}, err
		}
		target.Parameters, target.Members = parameters, defectiveConnector{target.Members}
		return membership.Run(ctx, target)
	})
	box.start(check.options(t))

	box.request(monitor, "r1")
	record := box.await(monitor, "the record of the panic", answered("r1")).Status.LastRecord()
	assert.Equal(t, etcdv1beta1.OutcomeError, record.Outcome)
	assert.Equal(t, "the check scripted has a defect, see the program's log: a defect of the client", record.Message)

	check.then(passing, nil)
	box.request(monitor, "r2")
	record = box.await(monitor, "a later run", answered("r2")).Status.LastRecord()
	assert.Equal(t, etcdv1beta1.OutcomePassed, record.Outcome, "cruiser goes on")
}
