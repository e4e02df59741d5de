package cruiser

import (
	"context"
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

// operation is one of a JSON Patch (RFC 6902).
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"`
}

// fields are those of a status that change, by their JSON names.
type fields map[string]any

// writeFields changes fields of the monitor's status if nobody has changed the monitor since it was read, and returns its
// new version.
func (r *reconciler) writeFields(ctx context.Context, monitor *etcdv1beta1.EtcdMonitor, changed fields) (version string, err error) {
	return r.patchStatus(ctx, monitor, types.MergePatchType, map[string]any{
		"metadata": map[string]any{"resourceVersion": monitor.ResourceVersion},
		"status":   changed,
	})
}

// appendRecord adds a record to the monitor's status, without the oldest ones where there are too many, and changes
// fields, all at once and under the same condition as writeFields. The other records need not be known.
func (r *reconciler) appendRecord(
	ctx context.Context, monitor *etcdv1beta1.EtcdMonitor, record etcdv1beta1.EtcdMonitorRecord, changed fields,
) (version string, err error) {
	count := recordCount(monitor)
	surplus := count + 1 - etcdv1beta1.MaxRecords
	if count == 0 || surplus > etcdv1beta1.MaxRecords {
		// More records than any of our CRDs has allowed: the patch stays short, and the last ones are kept.
		changed["records"] = append(latestRecords(monitor.Status.Records), record)
		return r.writeFields(ctx, monitor, changed)
	}
	// The API server compares the version that results with the stored one, and answers Conflict.
	patch := []operation{{Op: "replace", Path: "/metadata/resourceVersion", Value: monitor.ResourceVersion}}
	for range surplus {
		patch = append(patch, operation{Op: "remove", Path: "/status/records/0"})
	}
	patch = append(patch, operation{Op: "add", Path: "/status/records/-", Value: record})
	for name, value := range changed {
		patch = append(patch, operation{Op: "add", Path: "/status/" + name, Value: value})
	}
	return r.patchStatus(ctx, monitor, types.JSONPatchType, patch)
}

// patchStatus asks for nothing but metadata in return: a status may be long, and the API server would encode all of it.
func (r *reconciler) patchStatus(
	ctx context.Context, monitor *etcdv1beta1.EtcdMonitor, kind types.PatchType, patch any,
) (version string, err error) {
	body, err := json.Marshal(patch)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	written := &metav1.PartialObjectMetadata{}
	written.SetGroupVersionKind(etcdv1beta1.GroupVersion.WithKind("EtcdMonitor"))
	written.Namespace, written.Name = monitor.Namespace, monitor.Name
	if err := r.client.Status().Patch(ctx, written, client.RawPatch(kind, body)); err != nil {
		return "", err
	}
	r.writes.note(keyOf(monitor), written.ResourceVersion)
	return written.ResourceVersion, nil
}
