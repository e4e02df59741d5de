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

// updateKeys changes the bucket of keys of a stopped member's backend.
func updateKeys(dbPath string, change func(*bolt.Bucket) error) (err error) {
	// bbolt would create a missing file.
	if _, err := os.Stat(dbPath); err != nil {
		return fmt.Errorf("open etcd backend: %w", err)
	}
	db, err := bolt.Open(dbPath, 0o600, &bolt.Options{Timeout: lockTimeout})
	if err != nil {
		return fmt.Errorf("open it (stop the member first): %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()

	return db.Update(func(tx *bolt.Tx) error {
		bucket := tx.Bucket(keyBucket)
		if bucket == nil {
			return fmt.Errorf("it has no bucket %q: it is not an etcd v3 backend", keyBucket)
		}
		return change(bucket)
	})
}

// newestKeys returns the n live keys with the newest revisions, apart from those of the very newest revision, each with its
// newest entry's key in the bucket.
func newestKeys(bucket *bolt.Bucket, n int) (map[string][]byte, error) {
	cursor := bucket.Cursor()
	newest, _ := cursor.Last()
	decided := map[string]bool{}
	keys := map[string][]byte{}
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
			keys[key] = bytes.Clone(revision)
		}
	}
	return keys, nil
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
