package cruiser

import (
	"context"
	"strconv"

	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

// Annotations of cached monitors that say what the cache left out. They never reach the API server, which is only sent
// patches.
const (
	recordsLeftOut = "cruiser.cache/records-left-out"
	stateLeftOut   = "cruiser.cache/state-left-out"
)

// maxCachedState is the longest state that the cache keeps, in bytes.
const maxCachedState = 512

// Cached is how the manager's cache must hold the objects that Setup reads: of an EtcdMonitor the last record, and the
// last that was not an Error, are enough. 60,000 monitors with 20 records each would take a gigabyte.
func Cached() map[client.Object]cache.ByObject {
	return map[client.Object]cache.ByObject{&etcdv1beta1.EtcdMonitor{}: {Transform: digest}}
}

// digest shortens a monitor that comes into the cache.
func digest(object any) (any, error) {
	monitor, ok := object.(*etcdv1beta1.EtcdMonitor)
	if !ok {
		return object, nil
	}
	monitor.ManagedFields = nil
	kept := telling(monitor.Status.Records)
	if left := len(monitor.Status.Records) - len(kept); left > 0 {
		leaveOut(monitor, recordsLeftOut, strconv.Itoa(left))
		monitor.Status.Records = kept
	}
	if len(monitor.Status.State) > maxCachedState {
		leaveOut(monitor, stateLeftOut, "true")
		monitor.Status.State = ""
	}
	return monitor, nil
}

// telling returns the last record and, before it, the last that was not an Error. The result shares no memory with all.
func telling(all []etcdv1beta1.EtcdMonitorRecord) (kept []etcdv1beta1.EtcdMonitorRecord) {
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

func leaveOut(monitor *etcdv1beta1.EtcdMonitor, annotation, value string) {
	if monitor.Annotations == nil {
		monitor.Annotations = map[string]string{}
	}
	monitor.Annotations[annotation] = value
}

// recordCount is how many records the monitor has on the API server.
func recordCount(monitor *etcdv1beta1.EtcdMonitor) int {
	left, _ := strconv.Atoi(monitor.Annotations[recordsLeftOut]) // 0 without it
	return len(monitor.Status.Records) + left
}

// stateOf returns what the check remembers, from the API server where the cache left it out.
func (r *reconciler) stateOf(ctx context.Context, monitor *etcdv1beta1.EtcdMonitor) (string, error) {
	if monitor.Annotations[stateLeftOut] == "" {
		return monitor.Status.State, nil
	}
	newest, err := r.readNewest(ctx, keyOf(monitor))
	if err != nil {
		return "", err
	}
	return newest.Status.State, nil
}
