package backups

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math"
)

// The first two pages of a bbolt file are its meta pages, written in turn (go.etcd.io/bbolt, internal/common). They are in
// the byte order of the machine that runs etcd, little-endian on all that etcd supports but s390x.
const (
	boltMagic       = 0xED0CDAED
	boltVersion     = 2
	boltPageHeader  = 16
	boltMetaSize    = 64
	boltMetaSummed  = 56 // what the checksum at its end covers
	boltMinPageSize = 512
	boltMaxPageSize = 64 << 10
	boltMinPages    = 4 // two meta pages, a freelist and a leaf

	// snapshotAlignment is what etcd relies on to recognize a snapshot with a checksum at its end (etcdutl, snapshot restore):
	// the database itself is a multiple of it.
	snapshotAlignment = 512
)

// boltMeta is what a meta page says of its file.
type boltMeta struct {
	pageSize int64
	pages    int64
}

// verifySnapshot returns nil when the object is as long as the database that its first pages describe and the SHA-256 that
// etcd appends.
func verifySnapshot(object io.ReaderAt, backup Backup) error {
	if backup.Size <= 0 {
		return fmt.Errorf("%w: it is empty", ErrUnusable)
	}
	meta, err := readMeta(object)
	if errors.Is(err, errNoDatabase) {
		return describeOther(object, backup)
	}
	if err != nil {
		return err
	}
	database := meta.pages * meta.pageSize
	switch {
	case backup.Size < database:
		return fmt.Errorf("%w: it is cut off, it has %d bytes of %d", ErrUnusable, backup.Size, database+sha256.Size)
	case backup.Size%snapshotAlignment == 0:
		return fmt.Errorf("%w: it has no checksum, as a copy of a member's file, and is restored with --skip-hash-check only",
			ErrUnverified)
	case backup.Size%snapshotAlignment != sha256.Size:
		return fmt.Errorf("%w: its %d bytes do not end with a checksum, it is cut off", ErrUnusable, backup.Size)
	case backup.Size < database+sha256.Size:
		return fmt.Errorf("%w: it is cut off, it has %d bytes of %d", ErrUnusable, backup.Size, database+sha256.Size)
	}
	return nil
}

// errNoDatabase says that an object does not begin as a bbolt file.
var errNoDatabase = errors.New("not an etcd database")

// readMeta reads the first meta page, or else the second: one of them is always whole.
func readMeta(object io.ReaderAt) (boltMeta, error) {
	first, err := readMetaAt(object, 0)
	if !errors.Is(err, errNoDatabase) {
		return first, err
	}
	for pageSize := int64(boltMinPageSize); pageSize <= boltMaxPageSize; pageSize *= 2 {
		if second, err := readMetaAt(object, pageSize); !errors.Is(err, errNoDatabase) {
			return second, err
		}
	}
	return boltMeta{}, err
}

func readMetaAt(object io.ReaderAt, offset int64) (boltMeta, error) {
	page := make([]byte, boltPageHeader+boltMetaSize)
	if _, err := object.ReadAt(page, offset); err != nil && !errors.Is(err, io.EOF) {
		return boltMeta{}, err
	}
	meta := page[boltPageHeader:]
	sum := fnv.New64a()
	sum.Write(meta[:boltMetaSummed]) // never fails
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		if order.Uint32(meta[0:]) != boltMagic || order.Uint32(meta[4:]) != boltVersion ||
			order.Uint64(meta[boltMetaSummed:]) != sum.Sum64() {
			continue
		}
		found := boltMeta{pageSize: int64(order.Uint32(meta[8:])), pages: int64(order.Uint64(meta[40:]))}
		if found.isPossible() {
			return found, nil
		}
	}
	return boltMeta{}, errNoDatabase
}

// isPossible reports whether there can be such a file: a checksum can be right by intention.
func (m boltMeta) isPossible() bool {
	return m.pageSize >= boltMinPageSize && m.pageSize <= boltMaxPageSize && m.pageSize&(m.pageSize-1) == 0 &&
		m.pages >= boltMinPages && m.pages <= math.MaxInt64/boltMaxPageSize-1
}
