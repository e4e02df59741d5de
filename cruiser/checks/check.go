// Package checks holds the inspections that cruiser can run. A check is one file: <name>.go, with underscores for the
// name's dashes, whose init function calls register and which holds its judgement. What it asks members is in
// internal/etcddiag, how it reads keys in cruiser/keyspace. Importing the package does nothing but register the checks.
package checks

import (
	"context"
	"crypto/tls"
	"time"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/backups"
	"github.com/etcdfleet/etcd-fleet/internal/etcddiag"
	"github.com/etcdfleet/etcd-fleet/internal/parameters"
)

// Check is one kind of inspection.
type Check struct {
	// Name is what the spec.metricName of an EtcdMonitor says, for example etcd-node-key-diff.
	Name string

	// Parameters declare the spec.parameters that the check takes.
	Parameters parameters.Set

	// Values declare what the check measures.
	Values []Value

	// Expensive marks a check that a cluster feels: it reads or hashes its keys. No two expensive checks load a cluster
	// at once, their scheduled runs keep to off-peak hours if those are set, and they pace themselves by
	// Target.Budget.
	Expensive bool

	// Interval is the time between two runs of a monitor that does not say; 0 is cruiser's default.
	Interval time.Duration

	// Timeout bounds a run; 0 is cruiser's default.
	Timeout time.Duration

	// Run inspects a cluster. It obeys ctx, which ends at the run's time-out, and bounds each request of its own, so
	// that one slow member does not cost the answers of the others. It may be called concurrently; for one cluster it is
	// never called twice at once.
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

	// Help is the gauge's description, the same for each use of Metric.
	Help string
}

// Target is the cluster to inspect.
type Target struct {
	// Cluster says which members there are.
	Cluster etcdv1beta1.EtcdClusterSpec

	// Parameters has a valid value for each of the check's parameters.
	Parameters parameters.Values

	// Members connects to them.
	Members Connector

	// Backups opens the places where backups of the cluster may be; nil allows none.
	Backups *backups.Access

	// Budget paces what the check reads from them.
	Budget Budget

	// State is the Result.State of the monitor's last run that had one; empty before the first.
	State string
}

// Connector connects to members with the cluster's credentials. Its methods may be called concurrently.
type Connector interface {
	etcddiag.Connector

	// TLS returns the configuration of a connection to an https endpoint: the caller's own copy.
	TLS() (*tls.Config, error)

	// BackupKeys returns the access key and the secret key of the S3 server of the cluster's backups.
	BackupKeys() (accessKey, secretKey string, err error)
}

// Budget keeps a check from slowing down the clients of the cluster.
type Budget interface {
	// Spend accounts for a read that just came from the member at the endpoint, and waits until the next one may be
	// made: longer while the member is slow. The error is ctx's, or says that the member stayed too slow.
	Spend(ctx context.Context, endpoint string, keys int, bytes int64) error
}

// Result is what a check found.
type Result struct {
	// Outcome is Passed, Warning, Failed or NotSupported. An error stands for the fifth, Error.
	Outcome etcdv1beta1.Outcome

	// Message says in a sentence what was found. It is cut to 1024 bytes.
	Message string

	// Values are the declared measurements in base units. NaN and infinities, which a record cannot hold, are left out.
	Values map[string]float64

	// State becomes the next run's Target.State, at most 16 KiB; empty keeps the present one.
	State string
}

// Parameters are the spec.parameters of an EtcdMonitor, by name.
type Parameters map[string]string
