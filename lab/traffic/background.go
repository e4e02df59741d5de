package main

import (
	"context"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// seed writes every object once, unless the cluster already holds them from an earlier run.
func (l *load) seed(ctx context.Context) {
	for ctx.Err() == nil && !l.seeded(ctx) {
		for first := 0; first < l.keys.objects && ctx.Err() == nil; first += seedBatch {
			l.do(ctx, request{name: "seed", send: func(ctx context.Context) error { return l.seedFrom(ctx, first) }})
			pause(ctx, seedPause)
		}
	}
}

// seeded reports whether most objects exist. The few that `recreate` deletes may be missing at any time.
func (l *load) seeded(ctx context.Context) bool {
	var count int64
	l.do(ctx, request{name: "count", send: func(ctx context.Context) error {
		answer, err := l.client.Get(ctx, pods, clientv3.WithPrefix(), clientv3.WithCountOnly())
		if err == nil {
			count = answer.Count
		}
		return err
	}})
	return count >= int64(l.keys.objects-workers)
}

func (l *load) seedFrom(ctx context.Context, first int) error {
	var puts []clientv3.Op
	for index := first; index < min(first+seedBatch, l.keys.objects); index++ {
		puts = append(puts, clientv3.OpPut(l.keys.object(index), objectValue()))
	}
	_, err := l.client.Txn(ctx).Then(puts...).Commit()
	return err
}

// watch follows the objects as an API server's cache does, and starts again whenever the watch ends.
func (l *load) watch(ctx context.Context) {
	for ctx.Err() == nil {
		watching, cancel := context.WithCancel(clientv3.WithRequireLeader(ctx))
		for range l.client.Watch(watching, pods, clientv3.WithPrefix()) {
			continue // the content does not matter, only that events are sent
		}
		cancel()
		pause(ctx, retryPause)
	}
}

// compact removes, once per interval, the history that is older than one interval.
func (l *load) compact(ctx context.Context) {
	var before int64
	for ctx.Err() == nil {
		pause(ctx, compactEvery)
		l.do(ctx, request{name: "compact", send: func(ctx context.Context) error {
			answer, err := l.client.Get(ctx, nodeLeases, clientv3.WithPrefix(), clientv3.WithCountOnly())
			if err != nil {
				return err
			}
			old := before
			before = answer.Header.Revision
			if old == 0 {
				return nil
			}
			_, err = l.client.Compact(ctx, old)
			return err
		}})
	}
}
