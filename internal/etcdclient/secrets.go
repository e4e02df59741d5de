package etcdclient

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/rights"
)

// secretTimeout bounds the read of a Secret: a cache that may not list Secrets never answers.
const secretTimeout = 5 * time.Second

// Secrets reads the Secrets that EtcdClusters name: those with the label etcdv1beta1.LabelCredentials and no others.
type Secrets struct {
	// Cached reads from a cache that holds Secrets as CachedSecrets says, and asks the API server for the own rights.
	Cached client.Client

	// Live reads from the API server. Of a Secret that the cache does not have it is asked for the metadata alone.
	Live client.Reader
}

// CachedSecrets keeps Secrets without the label out of a manager's cache, and so out of memory.
func CachedSecrets() cache.ByObject {
	return cache.ByObject{Label: labels.SelectorFromSet(labels.Set{etcdv1beta1.LabelCredentials: etcdv1beta1.LabelCredentialsValue})}
}

// secretReference is a field of an EtcdCluster that names a Secret.
type secretReference struct {
	name types.NamespacedName
	// field is the one that holds the name, for example spec.tls.secretName.
	field string
	// keys are those that are looked for.
	keys []string
}

// secret is what was read. The zero value is that of a field that is not set.
type secret struct {
	secretReference
	data map[string][]byte
}

// read returns the Secret. An error names it and says what to do.
func (s Secrets) read(ctx context.Context, reference secretReference) (secret, error) {
	var found corev1.Secret
	bounded, cancel := context.WithTimeout(ctx, secretTimeout)
	defer cancel()
	if err := s.Cached.Get(bounded, reference.name, &found); err != nil {
		return secret{}, s.explain(ctx, reference, err)
	}
	if !labelled(&found) {
		return secret{}, reference.unlabelled()
	}
	read := secret{secretReference: reference, data: found.Data}
	return read, read.validate()
}

// explain says why the cache does not have a Secret, and what to do.
func (s Secrets) explain(ctx context.Context, reference secretReference, err error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), secretTimeout)
	defer cancel()
	if missing := rights.Missing(ctx, s.Cached, reference.name.Namespace, secretRights); missing != "" {
		return fmt.Errorf("cruiser's account may not %s in the namespace %s, where %s names %s: run kubectl --namespace %s apply -f "+
			"deploy/rbac/namespace", missing, reference.name.Namespace, reference.field, reference.name.Name, reference.name.Namespace)
	}
	found := metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}}
	switch live := s.Live.Get(ctx, reference.name, &found); {
	case apierrors.IsNotFound(live):
		return fmt.Errorf("there is no Secret %s, which %s names: create the Secret %s, or correct %s",
			reference.name, reference.field, reference.name, reference.field)
	case live != nil:
		return fmt.Errorf("read the Secret %s that %s names: %w", reference.name, reference.field, live)
	case !labelled(&found):
		return reference.unlabelled()
	}
	return fmt.Errorf("the Secret %s has not reached cruiser's cache: run the inspection again: %w", reference.name, err)
}

// secretRights are what it takes to follow the Secrets of a namespace.
var secretRights = rights.Right{Resource: "secrets", Verbs: []string{"get", "list", "watch"}}

func labelled(object client.Object) bool {
	return object.GetLabels()[etcdv1beta1.LabelCredentials] == etcdv1beta1.LabelCredentialsValue
}

func (r secretReference) unlabelled() error {
	label := etcdv1beta1.LabelCredentials + "=" + etcdv1beta1.LabelCredentialsValue
	return fmt.Errorf("the Secret %s that %s names has no label %s, without which cruiser reads no Secret: run kubectl --namespace %s label "+
		"--overwrite secret %s %s, or correct %s", r.name, r.field, label, r.name.Namespace, r.name.Name, label, r.field)
}

// validate finds halves of pairs, and a Secret that has none of the keys that are looked for. PEM is parsed when a
// connection needs it.
func (s secret) validate() error {
	for _, pair := range [][2]string{
		{secretCertificate, secretKey}, {secretUsername, secretPassword}, {secretBackupAccessKey, secretBackupSecretKey},
	} {
		if !slices.Contains(s.keys, pair[0]) {
			continue
		}
		if s.has(pair[0]) != s.has(pair[1]) {
			return fmt.Errorf("the Secret %s holds only one of %s and %s: add the other. %s", s.name, pair[0], pair[1], s.describeKeys())
		}
	}
	if len(s.data) > 0 && !slices.ContainsFunc(s.keys, s.has) {
		return fmt.Errorf("the Secret %s has no key that %s is for: rename its keys, or correct %s. %s", s.name, s.field, s.field, s.describeKeys())
	}
	return nil
}

// has reports whether the Secret holds something under the key.
func (s secret) has(key string) bool { return len(s.data[key]) > 0 }

// maxNamedKeys bounds how many keys of a Secret a message names.
const maxNamedKeys = 10

// describeKeys names the keys that are looked for and those that the Secret has, never what they hold.
func (s secret) describeKeys() string {
	present := slices.Sorted(maps.Keys(s.data))
	has := "no keys"
	if len(present) > 0 {
		has = "the keys " + strings.Join(present[:min(len(present), maxNamedKeys)], ", ")
		if more := len(present) - maxNamedKeys; more > 0 {
			has += fmt.Sprintf(" and %d more", more)
		}
	}
	return fmt.Sprintf("Looked for are the keys %s, and the Secret %s has %s", strings.Join(s.keys, ", "), s.name, has)
}
