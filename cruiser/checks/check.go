// Package checks holds the inspections that cruiser can run. A check is one file: <name>.go, with underscores for the
// name's dashes, whose init function calls register. Nothing else changes.
package checks

import (
	"context"
	"fmt"
	"strconv"

	clientv3 "go.etcd.io/etcd/client/v3"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

// Check is one kind of inspection.
type Check struct {
	// Name is what the spec.metricName of an EtcdMonitor says, for example etcd-node-key-diff.
	Name string

	// Parameters are the spec.parameters that the check takes, with their defaults.
	Parameters Parameters

	// Values declare what the check measures.
	Values []Value

	// Run inspects a cluster. It obeys ctx, which ends at the run's time-out, and bounds each request of its own, so
	// that one slow member does not cost the answers of the others. It may be called concurrently, never twice at once
	// for one cluster.
	//
	// An error means that the check could not be done; it becomes the message of a record of outcome Error, so it says
	// what to do.
	Run func(ctx context.Context, target Target) (Result, error)
}

// Value declares a measurement of a check.
type Value struct {
	// Name is the value's name in a record, for example nodeKeyDiff.
	Name string

	// Metric is the gauge that exposes it, etcd_inspection_<what>_<base unit>. Checks that measure the same share it.
	Metric string

	// Help is the gauge's description, the same wherever Metric is.
	Help string
}

// Target is the cluster to inspect.
type Target struct {
	// Cluster says which members there are.
	Cluster etcdv1beta1.EtcdClusterSpec

	// Parameters has an entry for each of the check's parameters.
	Parameters Parameters

	// Members connects to them.
	Members Connector
}

// Connector gives clients of members.
type Connector interface {
	// Client returns a shared client of one endpoint, a member's clientURL, good until the run ends. It may be called
	// concurrently.
	Client(endpoint string) (*clientv3.Client, error)
}

// Result is what a check found.
type Result struct {
	// Outcome is Passed, Warning or Failed. An error stands for the fourth, Error.
	Outcome etcdv1beta1.Outcome

	// Message says in a sentence what was found. It is cut to 1024 bytes.
	Message string

	// Values are the declared measurements in base units. NaN and infinities, which a record cannot hold, are left out.
	Values map[string]float64
}

// Parameters are a check's settings by name.
type Parameters map[string]string

// Count returns a parameter that is a whole number, 0 or more. The error names it.
func (p Parameters) Count(name string) (int64, error) {
	count, err := strconv.ParseInt(p[name], 10, 64)
	if err != nil || count < 0 {
		return 0, fmt.Errorf("parameter %s is %q: set spec.parameters.%s to a whole number, 0 or more", name, p[name], name)
	}
	return count, nil
}
