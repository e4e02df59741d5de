// Package checks holds the inspections that cruiser can run. A check is one file: <name>.go, with underscores for the
// name's dashes, whose init function calls register. Nothing else changes.
package checks

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"strconv"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/apimachinery/pkg/api/resource"

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

	// Expensive marks a check that a cluster feels: it reads or hashes its keys. No two expensive checks load a cluster
	// at once, their scheduled runs keep to off-peak hours where those are set, and they pace themselves by
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

	// Budget paces what the check reads from them.
	Budget Budget

	// State is the Result.State of the monitor's last run that had one; empty before the first.
	State string
}

// Connector connects to members with the cluster's credentials. Its methods may be called concurrently.
type Connector interface {
	// Client returns a shared client of one endpoint, a member's clientURL, good until the run ends.
	Client(endpoint string) (*clientv3.Client, error)

	// HTTP returns a shared client for what members serve beside gRPC, such as /health and /metrics. Its requests are
	// bounded by their context only.
	HTTP() (*http.Client, error)

	// TLS returns the configuration of a connection to an https endpoint: the caller's own copy.
	TLS() (*tls.Config, error)

	// BackupKeys returns the access key and the secret key of the S3 server of the cluster's backups.
	BackupKeys() (accessKey, secretKey string, err error)
}

// Budget keeps a check from being felt by the clients of the cluster.
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

	// State is what the next run shall find in Target.State, at most 16 KiB; empty keeps what is there.
	State string
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

// Duration returns a parameter that is a time such as 500ms or 720h, 0 or more. The error names it.
func (p Parameters) Duration(name string) (time.Duration, error) {
	duration, err := time.ParseDuration(p[name])
	if err != nil || duration < 0 {
		return 0, fmt.Errorf("parameter %s is %q: set spec.parameters.%s to a time, for example 30s, 5m or 720h", name, p[name], name)
	}
	return duration, nil
}

// Ratio returns a parameter that is a part of a whole, from 0 to 1. The error names it.
func (p Parameters) Ratio(name string) (float64, error) {
	ratio, err := strconv.ParseFloat(p[name], 64)
	if err != nil || !(ratio >= 0 && ratio <= 1) {
		return 0, fmt.Errorf("parameter %s is %q: set spec.parameters.%s to a part from 0 to 1, for example 0.8", name, p[name], name)
	}
	return ratio, nil
}

// Bytes returns a parameter that is a size such as 524288, 512Ki or 8Gi, 0 or more. The error names it.
func (p Parameters) Bytes(name string) (int64, error) {
	quantity, err := resource.ParseQuantity(p[name])
	if err != nil || quantity.Sign() < 0 {
		return 0, fmt.Errorf("parameter %s is %q: set spec.parameters.%s to a size in bytes, for example 512Ki or 8Gi", name, p[name], name)
	}
	return quantity.Value(), nil
}
