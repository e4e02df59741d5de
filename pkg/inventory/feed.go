package inventory

import (
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
)

// feed is the store of a client-go reflector: it turns API objects into the index's own, which hold only what queries
// need, and drops the objects at once.
type feed[O metav1.Object, E interface{ name() types.NamespacedName }] struct {
	convert func(O) E
	shelf   *shelf[E]

	syncOnce sync.Once
	onSynced func()
}

var _ cache.TransformingStore = (*feed[metav1.Object, *Cluster])(nil)

// Add implements cache.ReflectorStore.
func (f *feed[O, E]) Add(object any) error {
	f.shelf.put(f.converted(object))
	return nil
}

// Update implements cache.ReflectorStore.
func (f *feed[O, E]) Update(object any) error { return f.Add(object) }

// Delete implements cache.ReflectorStore.
func (f *feed[O, E]) Delete(object any) error {
	if o, ok := object.(O); ok {
		f.shelf.delete(types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()})
	}
	return nil
}

// Replace implements cache.ReflectorStore. The first one ends the initial synchronisation.
func (f *feed[O, E]) Replace(objects []any, _ string) error {
	elements := make([]E, len(objects))
	for i, object := range objects {
		elements[i] = f.converted(object)
	}
	f.shelf.replace(elements)
	f.syncOnce.Do(f.onSynced)
	return nil
}

// Resync implements cache.ReflectorStore; there is nothing to repeat.
func (f *feed[O, E]) Resync() error { return nil }

// Transformer implements cache.TransformingStore: objects shrink as they arrive, also those of the initial stream.
func (f *feed[O, E]) Transformer() cache.TransformFunc {
	return func(object any) (any, error) { return f.converted(object), nil }
}

func (f *feed[O, E]) converted(object any) E {
	if o, ok := object.(O); ok {
		return f.convert(o)
	}
	return object.(E)
}
