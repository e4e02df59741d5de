package etcdcorrupt

import (
	"bytes"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// DeleteKeys makes a member lose n keys: it removes every revision of the n keys written last from the member's
// backend, the file <data-dir>/member/snap/db. The member must be stopped; once started again it counts n keys less
// than its peers at every revision since.
//
// The keys of the newest revision stay, because the member would otherwise come back with an older revision and number
// all later writes differently. Fewer than n keys are deleted when the backend holds fewer; deleted says how many.
func DeleteKeys(dbPath string, n int) (deleted int, err error) {
	if n < 1 {
		return 0, fmt.Errorf("delete %d keys: ask for at least 1", n)
	}
	err = updateKeys(dbPath, func(bucket *bolt.Bucket) error {
		keys, err := newestKeys(bucket, n)
		if err != nil {
			return err
		}
		deleted = len(keys)
		return deleteEntries(bucket, keys)
	})
	if err != nil {
		return 0, fmt.Errorf("delete keys from etcd backend %s: %w", dbPath, err)
	}
	return deleted, nil
}

// deleteEntries removes every revision of the keys.
func deleteEntries(bucket *bolt.Bucket, keys map[string][]byte) error {
	var revisions [][]byte
	err := bucket.ForEach(func(revision, value []byte) error {
		key, err := keyOf(revision, value)
		if err != nil {
			return err
		}
		if _, lost := keys[key]; lost {
			revisions = append(revisions, bytes.Clone(revision))
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, revision := range revisions {
		if err := bucket.Delete(revision); err != nil {
			return err
		}
	}
	return nil
}
