package cruiser

import (
	"context"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/etcdclient"
	"github.com/etcdfleet/etcd-fleet/internal/rights"
)

const (
	// maxCachedState is the longest state that the cache keeps, in bytes.
	maxCachedState = 512

	// maxCachedAnnotation is as much as the cache keeps of an annotation, in bytes: more than any request may have.
	maxCachedAnnotation = 512
)

// Cached is how the manager's cache must hold the objects that Setup reads: of an EtcdMonitor the last record, and the
// last that was not an Error, are enough, and of the annotations those that ask for a run. 60,000 monitors with 20 records
// each would take a gigabyte, and whoever may annotate them could make it many.
func Cached() map[client.Object]cache.ByObject {
	return map[client.Object]cache.ByObject{
		&etcdv1beta1.EtcdMonitor{}: {Transform: digest},
		&corev1.Secret{}:           etcdclient.CachedSecrets(),
	}
}

// Rights are what cruiser must be allowed in each namespace that it serves before anything works. Secrets are not among
// them: a fleet without credentials needs none, and a run that misses one says so.
func Rights() []rights.Right {
	follow := []string{"get", "list", "watch"}
	group := etcdv1beta1.GroupVersion.Group
	return []rights.Right{
		{Group: group, Resource: "etcdclusters", Verbs: follow},
		{Group: group, Resource: "etcdmonitors", Verbs: follow},
	}
}

// digest shortens a monitor that comes into the cache. What it left out it notes beside the object, not in it: whatever
// lies in the object, such as an annotation, anybody may write who may write the object. The cache may pass an object
// through it twice.
func digest(object any) (any, error) {
	monitor, ok := object.(*etcdv1beta1.EtcdMonitor)
	if !ok {
		return object, nil
	}
	monitor.ManagedFields, monitor.OwnerReferences, monitor.Labels = nil, nil, nil
	monitor.Annotations = requestAnnotations(monitor.Annotations)
	if kept := latestRecords(monitor.Status.Records); len(kept) < len(monitor.Status.Records) {
		monitor.Omitted.Records += len(monitor.Status.Records) - len(kept)
		monitor.Status.Records = kept
	}
	if len(monitor.Status.State) > maxCachedState {
		monitor.Omitted.State = true
		monitor.Status.State = ""
	}
	return monitor, nil
}

// requestAnnotations returns those that ask for a run, bounded: a request that is too long is not valid, and stays so.
func requestAnnotations(all map[string]string) (kept map[string]string) {
	for _, name := range []string{etcdv1beta1.AnnotationRunRequestedAt, etcdv1beta1.AnnotationRunRequestedBy} {
		if value, set := all[name]; set {
			if kept == nil {
				kept = map[string]string{}
			}
			kept[name] = strings.Clone(value[:min(len(value), maxCachedAnnotation)])
		}
	}
	return kept
}

// latestRecords returns the last record and, before it, the last that was not an Error. The result shares no memory with all.
func latestRecords(all []etcdv1beta1.EtcdMonitorRecord) (kept []etcdv1beta1.EtcdMonitorRecord) {
	last := len(all) - 1
	for i := last; i >= 0; i-- {
		if all[i].Outcome != etcdv1beta1.OutcomeError {
			if i != last {
				kept = append(kept, all[i])
			}
			break
		}
	}
	if last >= 0 {
		kept = append(kept, all[last])
	}
	return kept
}

// recordCount is how many records the monitor has on the API server.
func recordCount(monitor *etcdv1beta1.EtcdMonitor) int {
	return len(monitor.Status.Records) + monitor.Omitted.Records
}

// stateOf returns what the check remembers, from the API server where the cache left it out.
func (r *reconciler) stateOf(ctx context.Context, monitor *etcdv1beta1.EtcdMonitor) (string, error) {
	if !monitor.Omitted.State {
		return monitor.Status.State, nil
	}
	newest, err := r.readNewest(ctx, keyOf(monitor))
	if err != nil {
		return "", err
	}
	return newest.Status.State, nil
}
