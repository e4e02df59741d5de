// Package etcdcorrupt damages the backend file of a stopped etcd member, so that tests and the lab can show what
// inspections find. It never belongs into a program that runs beside a cluster in use.
package etcdcorrupt

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"time"

	bolt "go.etcd.io/bbolt"
	"go.etcd.io/etcd/api/v3/mvccpb"
)

const (
	// revisionLength is how long an entry's key is in the bucket: 8 bytes of main revision, '_', 8 bytes of sub revision.
	revisionLength = 17

	// mainLength is how much of it is the main revision.
	mainLength = 8

	// lockTimeout bounds the wait for the file's lock, which a running member holds.
	lockTimeout = 2 * time.Second
)

var keyBucket = []byte("key")

// DeleteKeys makes a member lose n keys: it removes every revision of the n keys written last from the member's
// backend, the file <data-dir>/member/snap/db. The member must be stopped; once started again it counts n keys less
// than its peers at every revision since.
//
// The keys of the newest revision stay, because the member would otherwise come back with an older revision and number
// all later writes differently. Fewer than n keys are deleted when the backend holds fewer; deleted tells how many.
func DeleteKeys(dbPath string, n int) (deleted int, err error) {
	if n < 1 {
		return 0, fmt.Errorf("delete %d keys: ask for at least 1", n)
	}
	// bbolt would create a missing file.
	if _, err := os.Stat(dbPath); err != nil {
		return 0, fmt.Errorf("open etcd backend: %w", err)
	}
	db, err := bolt.Open(dbPath, 0o600, &bolt.Options{Timeout: lockTimeout})
	if err != nil {
		return 0, fmt.Errorf("open etcd backend %s (stop the member first): %w", dbPath, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()

	err = db.Update(func(tx *bolt.Tx) error {
		bucket := tx.Bucket(keyBucket)
		if bucket == nil {
			return fmt.Errorf("%s has no bucket %q: it is not an etcd v3 backend", dbPath, keyBucket)
		}
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

// newestKeys returns the n live keys with the newest revisions, apart from those of the very newest revision.
func newestKeys(bucket *bolt.Bucket, n int) (map[string]bool, error) {
	cursor := bucket.Cursor()
	newest, _ := cursor.Last()
	decided := map[string]bool{}
	keys := map[string]bool{}
	// Backwards, so that the first entry of a key decides whether it is live.
	for revision, value := cursor.Last(); revision != nil && len(keys) < n; revision, value = cursor.Prev() {
		key, err := keyOf(revision, value)
		if err != nil {
			return nil, err
		}
		if decided[key] {
			continue
		}
		decided[key] = true
		if !isTombstone(revision) && !bytes.Equal(revision[:mainLength], newest[:mainLength]) {
			keys[key] = true
		}
	}
	return keys, nil
}

// deleteEntries removes every revision of the keys.
func deleteEntries(bucket *bolt.Bucket, keys map[string]bool) error {
	var revisions [][]byte
	err := bucket.ForEach(func(revision, value []byte) error {
		key, err := keyOf(revision, value)
		if err != nil {
			return err
		}
		if keys[key] {
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

func keyOf(revision, value []byte) (string, error) {
	if len(revision) < revisionLength {
		return "", fmt.Errorf("entry %x is not a revision", revision)
	}
	var kv mvccpb.KeyValue
	if err := kv.Unmarshal(value); err != nil {
		return "", fmt.Errorf("decode entry %x: %w", revision, err)
	}
	return string(kv.Key), nil
}

// isTombstone reports whether an entry deletes its key: a mark follows the revision then.
func isTombstone(revision []byte) bool {
	return len(revision) > revisionLength
}
