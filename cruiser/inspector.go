package cruiser

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/budget"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
	"github.com/etcdfleet/etcd-fleet/cruiser/etcd"
)

// inspector runs checks.
type inspector struct {
	secrets client.Reader
	pool    *etcd.Pool
	checks  checks.Registry
	timeout time.Duration
	budgets *budget.Budgets
}

// inspect runs the monitor's check once, with what it remembers. Whatever goes wrong is part of the result.
func (i *inspector) inspect(ctx context.Context, subject subject, state string, why occasion) result {
	start := time.Now()
	found, err := i.run(ctx, subject, state)
	if err != nil {
		found = checks.Result{Outcome: etcdv1beta1.OutcomeError, Message: err.Error()}
	}
	if found.State == state {
		found.State = "" // nothing to write
	}
	return result{
		Result:     found,
		occasion:   why,
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
	credentials, err := etcd.ReadCredentials(ctx, i.secrets, subject.cluster)
	if err != nil {
		return checks.Result{}, err
	}
	lease := i.pool.Lease(credentials)
	defer lease.Release()
	found, err := runGuarded(ctx, check, checks.Target{
		Cluster:    subject.cluster.Spec,
		Parameters: parameters,
		Members:    lease,
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
	return found, err
}

// runGuarded turns a check's panic into an error, so that a defect costs one record and not the monitor's schedule.
func runGuarded(ctx context.Context, check checks.Check, target checks.Target) (found checks.Result, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			log.FromContext(ctx).Error(fmt.Errorf("%v", cause), "check panicked",
				"check", check.Name, "stack", string(debug.Stack()))
			err = fmt.Errorf("the check %s has a defect, see cruiser's log: %v", check.Name, cause)
		}
	}()
	return check.Run(ctx, target)
}
