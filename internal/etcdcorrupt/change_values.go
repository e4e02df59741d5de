package etcdcorrupt

import (
	"bytes"
	"fmt"

	bolt "go.etcd.io/bbolt"
	"go.etcd.io/etcd/api/v3/mvccpb"
)

// ChangeValues makes a member hold other values than its peers: it changes one byte of the values of the n keys written
// last in the member's backend, the file <data-dir>/member/snap/db. The member must be stopped; once started again it
// counts as many keys as its peers.
//
// The keys of the newest revision stay as they are. Fewer than n are changed when the backend holds fewer; changed tells
// how many.
func ChangeValues(dbPath string, n int) (changed int, err error) {
	if n < 1 {
		return 0, fmt.Errorf("change %d values: ask for at least 1", n)
	}
	err = updateKeys(dbPath, func(bucket *bolt.Bucket) error {
		keys, err := newestKeys(bucket, n)
		if err != nil {
			return err
		}
		for _, revision := range keys {
			if err := changeValue(bucket, revision); err != nil {
				return err
			}
		}
		changed = len(keys)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("change values in etcd backend %s: %w", dbPath, err)
	}
	return changed, nil
}

// changeValue flips a bit of the entry's value, or gives it one byte if it has none.
func changeValue(bucket *bolt.Bucket, revision []byte) error {
	var kv mvccpb.KeyValue
	if err := kv.Unmarshal(bucket.Get(revision)); err != nil {
		return fmt.Errorf("decode entry %x: %w", revision, err)
	}
	kv.Value = bytes.Clone(kv.Value)
	if len(kv.Value) == 0 {
		kv.Value = []byte{0}
	}
	kv.Value[len(kv.Value)-1] ^= 1
	entry, err := kv.Marshal()
	if err != nil {
		return fmt.Errorf("encode entry %x: %w", revision, err)
	}
	return bucket.Put(revision, entry)
}
