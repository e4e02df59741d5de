// Package backups finds the backups of etcd clusters where they are kept, and tells those that can be restored from those
// that only look so. A kind of location is one file.
package backups

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
)

// maxBackups bounds how many objects of a location are listed.
const maxBackups = 10_000

// ErrUnusable is what Verify says of an object that cannot be restored.
var ErrUnusable = errors.New("no whole snapshot")

// Backup is an object that may be a backup.
type Backup struct {
	// Name is the object's, without that of its folder or bucket.
	Name string

	// Time is when the object was written.
	Time time.Time

	// Size is in bytes.
	Size int64
}

// Location is where backups of one cluster are. Its methods end with their context.
type Location interface {
	// List returns the location's backups, the newest first.
	List(ctx context.Context) ([]Backup, error)

	// Verify returns nil when the backup is a whole snapshot as `etcdctl snapshot save` writes it. It reads the backup's
	// beginning and trusts its length: the checksum is not computed. ErrUnusable tells an object that was read and cannot
	// be restored from one that could not be read.
	Verify(ctx context.Context, backup Backup) error
}

// Settings say where backups are and how they are reached.
type Settings struct {
	// Location is file:///folder or s3://bucket/prefix.
	Location string

	// Pattern is what the objects' base names match, for example *.db (see path.Match).
	Pattern string

	// Endpoint is the URL of the S3 server.
	Endpoint string

	// Region is the S3 server's region; empty asks the server.
	Region string

	// Keys returns the keys with which S3 is asked. It is called for an s3 location only.
	Keys func() (accessKey, secretKey string, err error)
}

// kinds are the locations by the scheme of their URL.
var kinds = map[string]func(*url.URL, Settings) (Location, error){
	"file": newFolder,
	"s3":   newBucket,
}

// Open returns the location of the settings, and says what is wrong with them.
func Open(settings Settings) (Location, error) {
	if _, err := path.Match(settings.Pattern, ""); err != nil || settings.Pattern == "" {
		return nil, fmt.Errorf("the pattern of backups is %q: set it to one such as *.db", settings.Pattern)
	}
	address, err := url.Parse(settings.Location)
	if err == nil {
		if open, known := kinds[address.Scheme]; known {
			return open(address, settings)
		}
	}
	return nil, fmt.Errorf("the location of backups is %q: set it to a URL that begins with %s",
		settings.Location, strings.Join(slices.Sorted(maps.Keys(kinds)), ":// or ")+"://")
}

// sortNewestFirst orders a listing.
func sortNewestFirst(found []Backup) []Backup {
	slices.SortFunc(found, func(a, b Backup) int { return b.Time.Compare(a.Time) })
	return found
}

// errTooMany says that a listing was given up.
func errTooMany(location string) error {
	return fmt.Errorf("%s holds more than %d objects: give each cluster a folder or prefix of its own, and delete old backups",
		location, maxBackups)
}
