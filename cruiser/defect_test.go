package cruiser

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"sigs.k8s.io/controller-runtime/pkg/client"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/budget"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
	"github.com/etcdfleet/etcd-fleet/internal/etcdclient"
)

// defective panics at each read.
type defective struct{ client.Client }

func (defective) Get(context.Context, client.ObjectKey, client.Object, ...client.GetOption) error {
	panic("index out of range")
}

func TestADefectOutsideOfTheCheckIsARecord(t *testing.T) {
	check := checks.Check{Name: "scripted", Run: func(context.Context, checks.Target) (checks.Result, error) {
		return checks.Result{Outcome: etcdv1beta1.OutcomePassed}, nil
	}}
	i := inspector{
		secrets: etcdclient.Secrets{Cached: defective{}, Live: defective{}}, pool: etcdclient.NewPool(time.Minute), checks: checks.Registry{"scripted": check},
		timeout: time.Minute, budgets: budget.New(budget.Limits{}),
	}
	monitor := &etcdv1beta1.EtcdMonitor{Spec: etcdv1beta1.EtcdMonitorSpec{ClusterID: "gz-a", MetricName: "scripted"}}
	cluster := &etcdv1beta1.EtcdCluster{Spec: etcdv1beta1.EtcdClusterSpec{TLS: &etcdv1beta1.EtcdClusterTLS{SecretName: "client"}}}
	run := i.inspect(t.Context(), subject{monitor: monitor, cluster: cluster}, "", trigger{request: "r1"})
	assert.Equal(t, etcdv1beta1.OutcomeError, run.record().Outcome)
	assert.Equal(t, "the check scripted has a defect, see the program's log: index out of range", run.record().Message)
}

func TestADefectInTheMetricsOfAMonitorEndsNoProcess(t *testing.T) {
	m := newMetrics(checks.Registry{})
	m.record(cluster(1), seriesLabels{cluster: "gz-a"}, etcdv1beta1.EtcdMonitorRecord{Outcome: etcdv1beta1.OutcomePassed})
	closed := make(chan prometheus.Metric) // to send on it panics, as a defect does
	close(closed)
	assert.NotPanics(t, func() { m.Collect(closed) })
}
