package cruiser

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/backups"
	"github.com/etcdfleet/etcd-fleet/cruiser/budget"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
	"github.com/etcdfleet/etcd-fleet/internal/etcdclient"
	"github.com/etcdfleet/etcd-fleet/internal/guard"
)

// inspector runs checks.
type inspector struct {
	secrets etcdclient.Secrets
	pool    *etcdclient.Pool
	checks  checks.Registry
	timeout time.Duration
	budgets *budget.Budgets
	backups *backups.Access
}

// inspect runs the monitor's check once, with what it remembers. Whatever goes wrong is part of the result.
func (i *inspector) inspect(ctx context.Context, subject subject, state string, why trigger) result {
	start := time.Now()
	var found checks.Result
	// A defect costs one record and not the monitor's schedule.
	err := guard.Run(ctx, "the check "+subject.monitor.Spec.MetricName, func() (err error) {
		found, err = i.run(ctx, subject, state)
		return err
	})
	if err != nil {
		found = checks.Result{Outcome: etcdv1beta1.OutcomeError, Message: err.Error()}
	}
	if found.State == state {
		found.State = "" // nothing to write
	}
	return result{
		Result:     found,
		trigger:    why,
		generation: subject.monitor.Generation,
		start:      start,
		duration:   time.Since(start),
	}
}

func (i *inspector) run(ctx context.Context, subject subject, state string) (checks.Result, error) {
	spec := subject.monitor.Spec
	check, parameters, err := i.checks.Lookup(spec.MetricName, spec.Parameters)
	if err != nil {
		return checks.Result{}, err
	}
	if subject.noCluster != nil {
		return checks.Result{}, subject.noCluster
	}
	timeout := cmp.Or(check.Timeout, i.timeout)
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	credentials, err := etcdclient.ReadCredentials(ctx, i.secrets, subject.cluster)
	if err != nil {
		return checks.Result{}, err
	}
	lease := i.pool.Lease(credentials)
	defer lease.Release()
	found, err := check.Run(ctx, checks.Target{
		Cluster:    subject.cluster.Spec,
		Parameters: parameters,
		Members:    lease,
		Backups:    i.backups,
		Budget:     i.budgets.Pacer(subject.clusterKey(), lease),
		State:      state,
	})
	if errors.Is(err, context.DeadlineExceeded) {
		remedy := "raise --run-timeout"
		if check.Timeout != 0 { // the check's own, which suits its budget
			remedy = "let checks read more by --budget-keys and --budget-bytes"
		}
		err = fmt.Errorf("the run did not end within %s: look at the cluster's load, or %s: %w", timeout, remedy, err)
	}
	found.Message = credentials.Explain(found.Message)
	if err != nil {
		err = errors.New(credentials.Explain(err.Error()))
	}
	return found, err
}
