package identity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

// labelRecord marks the ConfigMaps of holders.
const labelRecord = "etcd.cloud.tencent.com/identity"

// The keys of a record.
const (
	keyRegion        = "region"
	keyClusterID     = "clusterId"
	keyNamespace     = "holderNamespace"
	keyName          = "holderName"
	keyUID           = "holderUID"
	keyEtcdClusterID = "etcdClusterID"
)

const (
	namePrefix = "etcd-identity-"
	// digestLength is the length of what distinguishes identities with the same readable name, in hexadecimal digits.
	digestLength = 10
)

// record is who holds an identity. The holder is known by its name: a restored object has another UID.
type record struct {
	holder        types.NamespacedName
	uid           types.UID
	etcdClusterID string

	// object is the ConfigMap that was read, nil for a new record.
	object *corev1.ConfigMap
}

// records keeps one ConfigMap for each identity. They are read from the API server, not cached: each is read when its
// objects change, and at the start.
type records struct {
	client    client.Client
	live      client.Reader
	namespace string
}

func recordName(identity id) string {
	digest := sha256.Sum256([]byte(indexKey(identity)))
	return namePrefix + strings.ReplaceAll(identity.ClusterID, ".", "-") + "-" + hex.EncodeToString(digest[:])[:digestLength]
}

// get returns the record of an identity, or nil.
func (r *records) get(ctx context.Context, identity id) (*record, error) {
	var object corev1.ConfigMap
	err := r.live.Get(ctx, types.NamespacedName{Namespace: r.namespace, Name: recordName(identity)}, &object)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read who holds the clusterId %s: %w", identity.ClusterID, err)
	}
	if object.Data[keyName] == "" {
		return nil, fmt.Errorf("the ConfigMap %s/%s names no %s: delete it, and the holder is recorded again",
			object.Namespace, object.Name, keyName)
	}
	return &record{
		holder:        types.NamespacedName{Namespace: object.Data[keyNamespace], Name: object.Data[keyName]},
		uid:           types.UID(object.Data[keyUID]),
		etcdClusterID: object.Data[keyEtcdClusterID],
		object:        &object,
	}, nil
}

// put writes the record if it differs. A write that is not based on the newest fails with a conflict.
func (r *records) put(ctx context.Context, identity id, to *record) error {
	data := map[string]string{
		keyRegion: identity.Region, keyClusterID: identity.ClusterID,
		keyNamespace: to.holder.Namespace, keyName: to.holder.Name, keyUID: string(to.uid),
		keyEtcdClusterID: to.etcdClusterID,
	}
	if to.object == nil {
		to.object = &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: r.namespace, Name: recordName(identity), Labels: map[string]string{labelRecord: "holder"},
			},
			Data: data,
		}
		return r.client.Create(ctx, to.object)
	}
	if equal(to.object.Data, data) {
		return nil
	}
	to.object.Data = data
	return r.client.Update(ctx, to.object)
}

func equal(a, b map[string]string) bool {
	for key, value := range b {
		if a[key] != value {
			return false
		}
	}
	return true
}

// remove deletes a record that nobody claims any more, in the version that was read.
func (r *records) remove(ctx context.Context, of *record) error {
	seen := client.Preconditions{UID: &of.object.UID, ResourceVersion: &of.object.ResourceVersion}
	return client.IgnoreNotFound(r.client.Delete(ctx, of.object, seen))
}

// list returns all recorded identities.
func (r *records) list(ctx context.Context) ([]id, error) {
	var objects corev1.ConfigMapList
	if err := r.live.List(ctx, &objects, client.InNamespace(r.namespace), client.HasLabels{labelRecord}); err != nil {
		return nil, err
	}
	var identities []id
	for _, object := range objects.Items {
		identity := etcdv1beta1.ClusterIdentity{Region: object.Data[keyRegion], ClusterID: object.Data[keyClusterID]}
		if object.Name == recordName(identity) {
			identities = append(identities, identity)
		}
	}
	return identities, nil
}
