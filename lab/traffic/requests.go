package main

import (
	"context"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

const listLimit = 500

func (l *load) get(ctx context.Context) error {
	_, err := l.client.Get(ctx, l.keys.anyObject())
	return err
}

func (l *load) list(ctx context.Context) error {
	_, err := l.client.Get(ctx, l.keys.anyNamespace(), clientv3.WithPrefix(), clientv3.WithLimit(listLimit))
	return err
}

// listAll is what a client without pages and without a cache does.
func (l *load) listAll(ctx context.Context) error {
	_, err := l.client.Get(ctx, "\x00", clientv3.WithFromKey())
	return err
}

func (l *load) writeHotKey(ctx context.Context) error {
	_, err := l.client.Put(ctx, l.config.HotKey, time.Now().Format(time.RFC3339Nano))
	return err
}

// update is a transaction, as every write of an API server is. Its comparison is always true: a corrupted member would
// evaluate one that depends on the key's state differently, and its revisions would then drift from its peers'.
func (l *load) update(ctx context.Context) error {
	key := l.keys.changingObject()
	_, err := l.client.Txn(ctx).
		If(clientv3.Compare(clientv3.Version(key), ">", -1)).
		Then(clientv3.OpPut(key, objectValue())).
		Else(clientv3.OpGet(key)).
		Commit()
	return err
}

func (l *load) renew(ctx context.Context) error {
	_, err := l.client.Put(ctx, l.keys.anyNodeLease(), time.Now().Format(time.RFC3339Nano))
	return err
}

func (l *load) recreate(ctx context.Context) error {
	key := l.keys.changingObject()
	if _, err := l.client.Delete(ctx, key); err != nil {
		return err
	}
	_, err := l.client.Put(ctx, key, objectValue())
	return err
}

func (l *load) event(ctx context.Context) error {
	lease, err := l.eventLease.get(ctx, l.client)
	if err != nil {
		return err
	}
	_, err = l.client.Put(ctx, l.keys.anyEvent(), objectValue(), clientv3.WithLease(lease))
	if err != nil {
		l.eventLease.forget()
	}
	return err
}

// eventLease is one lease for many keys, replaced after half of its time.
type eventLease struct {
	mutex   sync.Mutex
	id      clientv3.LeaseID
	granted time.Time
}

func (e *eventLease) get(ctx context.Context, client *clientv3.Client) (clientv3.LeaseID, error) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if e.id != clientv3.NoLease && time.Since(e.granted) < eventTTL/2 {
		return e.id, nil
	}
	grant, err := client.Grant(ctx, int64(eventTTL.Seconds()))
	if err != nil {
		return clientv3.NoLease, err
	}
	e.id, e.granted = grant.ID, time.Now()
	return e.id, nil
}

// forget makes the next get request a new lease, because the cluster may have lost this one.
func (e *eventLease) forget() {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.id = clientv3.NoLease
}
