package datasource

import (
	"context"
	"maps"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// memo remembers results by key for a short time and lets callers at the same time share one request, so that the
// panels of a dashboard cost no more than one of them. Errors are not remembered.
type memo[V any] struct {
	lifetime time.Duration
	timeout  time.Duration
	fetch    func(ctx context.Context, key string) (V, error)

	flights singleflight.Group
	mu      sync.Mutex
	entries map[string]memoEntry[V]
}

type memoEntry[V any] struct {
	value   V
	expires time.Time
}

func newMemo[V any](lifetime, timeout time.Duration, fetch func(ctx context.Context, key string) (V, error)) *memo[V] {
	return &memo[V]{lifetime: lifetime, timeout: timeout, fetch: fetch, entries: map[string]memoEntry[V]{}}
}

// get returns the value for key. The request outlives a caller that gives up, for the others that wait for it.
func (m *memo[V]) get(ctx context.Context, key string) (V, error) {
	if value, ok := m.recall(key); ok {
		return value, nil
	}
	flight := m.flights.DoChan(key, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), m.timeout)
		defer cancel()
		value, err := m.fetch(ctx, key)
		if err == nil {
			m.remember(key, value)
		}
		return value, err
	})
	select {
	case result := <-flight:
		return result.Val.(V), result.Err
	case <-ctx.Done():
		var none V
		return none, ctx.Err()
	}
}

func (m *memo[V]) recall(key string) (V, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	entry, ok := m.entries[key]
	return entry.value, ok && time.Now().Before(entry.expires)
}

// remember also forgets what has expired: keys are scopes, of which there may be many.
func (m *memo[V]) remember(key string, value V) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(m.entries, func(_ string, entry memoEntry[V]) bool { return now.After(entry.expires) })
	m.entries[key] = memoEntry[V]{value, now.Add(m.lifetime)}
}
