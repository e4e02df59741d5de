package backups

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
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

	// snapshotAlignment is what etcd relies on to tell a snapshot with a checksum at its end (etcdutl, snapshot restore):
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
func verifySnapshot(object io.ReaderAt, size int64) error {
	if size == 0 {
		return fmt.Errorf("%w: it is empty", ErrUnusable)
	}
	meta, err := readMeta(object)
	if err != nil {
		return err
	}
	if size%snapshotAlignment != sha256.Size {
		return fmt.Errorf("%w: its %d bytes do not end with a checksum, it is cut off or a copy of a member's file",
			ErrUnusable, size)
	}
	if want := meta.pages*meta.pageSize + sha256.Size; size < want {
		return fmt.Errorf("%w: it is cut off, it has %d bytes of %d", ErrUnusable, size, want)
	}
	return nil
}

// readMeta reads the first meta page, or else the second: one of them is always whole.
func readMeta(object io.ReaderAt) (boltMeta, error) {
	first, err := readMetaAt(object, 0)
	if !errors.Is(err, ErrUnusable) {
		return first, err
	}
	for pageSize := int64(boltMinPageSize); pageSize <= boltMaxPageSize; pageSize *= 2 {
		if second, err := readMetaAt(object, pageSize); !errors.Is(err, ErrUnusable) {
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
		if order.Uint32(meta[0:]) == boltMagic && order.Uint32(meta[4:]) == boltVersion &&
			order.Uint64(meta[boltMetaSummed:]) == sum.Sum64() {
			return boltMeta{pageSize: int64(order.Uint32(meta[8:])), pages: int64(order.Uint64(meta[40:]))}, nil
		}
	}
	return boltMeta{}, fmt.Errorf("%w: it is not an etcd database", ErrUnusable)
}
