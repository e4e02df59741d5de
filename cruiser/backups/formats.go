package backups

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// databaseName is how names of plain snapshots end. A file with such a name that is not a database cannot be restored; a file
// with another name may be in an unknown format.
const databaseName = ".db"

// beginningSize is how much of an object shows its format.
const beginningSize = 512

// format is one that backups are packed in, by what files of it hold at an offset.
type format struct {
	name   string
	offset int
	magic  string
}

var formats = []format{
	{"compressed with gzip", 0, "\x1f\x8b"},
	{"compressed with zstd", 0, "\x28\xb5\x2f\xfd"},
	{"compressed with xz", 0, "\xfd7zXZ\x00"},
	{"compressed with bzip2", 0, "BZh"},
	{"compressed with lz4", 0, "\x04\x22\x4d\x18"},
	{"compressed with compress", 0, "\x1f\x9d"},
	{"compressed with snappy", 0, "\xff\x06\x00\x00sNaPpY"},
	{"compressed with zlib", 0, "\x78\x01"},
	{"compressed with zlib", 0, "\x78\x5e"},
	{"compressed with zlib", 0, "\x78\x9c"},
	{"compressed with zlib", 0, "\x78\xda"},
	{"a zip archive", 0, "PK\x03\x04"},
	{"a 7z archive", 0, "7z\xbc\xaf\x27\x1c"},
	{"a tar archive", 257, "ustar"},
	{"encrypted with age", 0, "age-encryption.org/"},
	{"encrypted with age", 0, "-----BEGIN AGE ENCRYPTED FILE-----"},
	{"encrypted with OpenPGP", 0, "-----BEGIN PGP MESSAGE-----"},
	{"encrypted with OpenSSL", 0, "Salted__"},
}

// packedNames are how names of compressed and encrypted files end.
var packedNames = []string{
	".gz", ".tgz", ".zst", ".zstd", ".xz", ".txz", ".bz2", ".lz4", ".Z", ".zlib", ".sz", ".zip", ".7z", ".tar", ".age", ".gpg",
	".pgp", ".asc", ".enc",
}

// PackedAs returns how the name of a packed backup ends, "" of a plain one. Sizes compare only where it is the same.
func (b Backup) PackedAs() string {
	if ending := path.Ext(b.Name); slices.Contains(packedNames, ending) {
		return ending
	}
	return ""
}

// describeOther says what an object is that does not begin as a database.
func describeOther(object io.ReaderAt, backup Backup) error {
	beginning := make([]byte, beginningSize)
	n, err := object.ReadAt(beginning, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	beginning = beginning[:n]
	for _, f := range formats {
		if len(beginning) > f.offset && bytes.HasPrefix(beginning[f.offset:], []byte(f.magic)) {
			return fmt.Errorf("%w: it is %s", ErrUnverified, f.name)
		}
	}
	if strings.HasSuffix(backup.Name, databaseName) {
		return fmt.Errorf("%w: it is not an etcd database", ErrUnusable)
	}
	return fmt.Errorf("%w: its format is not known", ErrUnverified)
}
