// Package backups finds the backups of etcd clusters where they are kept, and distinguishes those that can be restored from those
// that only look so. A kind of location is one file.
package backups

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/etcdfleet/etcd-fleet/internal/foreign"
)

// maxBackups bounds how many objects, or files and folders, of a location are listed.
const maxBackups = 10_000

var (
	// ErrUnusable is what Verify says of an object that cannot be restored.
	ErrUnusable = errors.New("no whole snapshot")

	// ErrUnverified is what Verify says of an object that may be a backup, about which no more is known.
	ErrUnverified = errors.New("not verified")
)

// Backup is an object that may be a backup.
type Backup struct {
	// Name is the object's, from the location's folder on.
	Name string

	// Time is when the object was written.
	Time time.Time

	// Size is in bytes.
	Size int64
}

// Location is where backups of one cluster are. Its methods end with their context.
type Location interface {
	// List returns the location's backups, the newest first, and how many other objects there are. A location with more
	// than 10,000 objects is an error, as the newest backup may be one that was not listed.
	List(ctx context.Context) (found []Backup, others Others, err error)

	// Verify returns nil when the backup is a whole snapshot as `etcdctl snapshot save` writes it. It reads the backup's
	// beginning and trusts its length: the checksum is not computed. ErrUnusable and ErrUnverified distinguish an object that
	// cannot be restored, and one in a format that is not looked into, from one that could not be read.
	Verify(ctx context.Context, backup Backup) error
}

// Others are the objects of a location whose names do not match the pattern.
type Others struct {
	Count int

	// Example is the name of one of them.
	Example string
}

func (o *Others) add(name string) {
	o.Count++
	o.Example = name
}

// Settings say where backups are and how they are reached. The values replace their names in braces in Location and
// Pattern.
type Settings struct {
	// Location is file:///folder or s3://bucket/folder. Its subfolders are searched as well.
	Location string

	// Pattern is what the objects' base names match, for example *.db (see path.Match).
	Pattern string

	// Endpoint is the URL of the S3 server.
	Endpoint string

	// Region is the S3 server's region; empty asks the server.
	Region string

	// ClusterID and ClusterRegion are the values of {clusterId} and {region}.
	ClusterID, ClusterRegion string

	// Keys returns the keys with which S3 is asked. It is called for an s3 location only.
	Keys func() (accessKey, secretKey string, err error)
}

// kinds are the locations by the scheme of their URL.
var kinds = map[string]func(*Access, *url.URL, Settings) (Location, error){
	"file": newFolder,
	"s3":   newBucket,
}

// Open returns the location of the settings, and says what is wrong with them.
func (a *Access) Open(settings Settings) (Location, error) {
	if a == nil {
		a = &Access{} // allows nothing
	}
	settings, err := settings.expand()
	if err != nil {
		return nil, err
	}
	if _, err := path.Match(settings.Pattern, ""); err != nil || settings.Pattern == "" || strings.Contains(settings.Pattern, "/") {
		return nil, fmt.Errorf("the pattern of backups is %q: set it to one such as *.db", foreign.Quote(settings.Pattern))
	}
	address, err := parseLocation(settings.Location)
	if err != nil {
		return nil, err
	}
	if open, known := kinds[address.Scheme]; known {
		return open(a, address, settings)
	}
	return nil, fmt.Errorf("the location of backups is %q: set it to a URL that begins with %s",
		foreign.Quote(settings.Location), strings.Join(slices.Sorted(maps.Keys(kinds)), ":// or ")+"://")
}

// sortNewestFirst orders a listing. Of backups of the same time the one whose name sorts last, as dates do, is first.
func sortNewestFirst(found []Backup) []Backup {
	slices.SortFunc(found, func(a, b Backup) int { return cmp.Or(b.Time.Compare(a.Time), cmp.Compare(b.Name, a.Name)) })
	return found
}

// errTooMany says that a listing was given up.
func errTooMany(location string) error {
	return fmt.Errorf("the listing of %s was cut at %d objects, so the newest backup is not known: give each cluster a folder "+
		"of its own, and delete old backups", foreign.Quote(location), maxBackups)
}
