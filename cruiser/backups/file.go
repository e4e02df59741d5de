package backups

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
)

// folder holds backups as files, for example on a volume that is mounted into cruiser. Its subfolders are not searched and
// links are not followed.
type folder struct {
	path    string
	pattern string
}

func newFolder(address *url.URL, settings Settings) (Location, error) {
	if address.Host != "" || !path.IsAbs(address.Path) {
		return nil, fmt.Errorf("the location of backups is %q: set it to file:/// and the absolute path of a folder", settings.Location)
	}
	return folder{path: filepath.Clean(address.Path), pattern: settings.Pattern}, nil
}

// List implements Location. A folder that does not exist in one that does is a cluster that was never backed up; without
// that one, the volume is not mounted.
func (f folder) List(ctx context.Context) ([]Backup, error) {
	return within(ctx, func() ([]Backup, error) {
		entries, err := os.ReadDir(f.path)
		if errors.Is(err, fs.ErrNotExist) {
			if _, err := os.Stat(filepath.Dir(f.path)); err == nil {
				return nil, nil
			}
		}
		if err != nil {
			return nil, fmt.Errorf("list backups: %w: mount the volume of the backups into cruiser, readable for its user", err)
		}
		return f.match(entries)
	})
}

func (f folder) match(entries []fs.DirEntry) ([]Backup, error) {
	var found []Backup
	for _, entry := range entries {
		// Open has tried the pattern.
		if matches, _ := path.Match(f.pattern, entry.Name()); !matches || !entry.Type().IsRegular() {
			continue
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("list backups: %w", err)
		}
		if len(found) == maxBackups {
			return nil, errTooMany(f.path)
		}
		found = append(found, Backup{Name: entry.Name(), Time: info.ModTime(), Size: info.Size()})
	}
	return sortNewestFirst(found), nil
}

// Verify implements Location.
func (f folder) Verify(ctx context.Context, backup Backup) error {
	_, err := within(ctx, func() (struct{}, error) {
		file, err := os.Open(filepath.Join(f.path, backup.Name))
		if err != nil {
			return struct{}{}, err
		}
		defer func() { _ = file.Close() }()
		return struct{}{}, verifySnapshot(file, backup.Size)
	})
	return err
}

// within ends with ctx, also when the volume is a network's and hangs. The call that hangs stays behind until it ends.
func within[T any](ctx context.Context, call func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	answers := make(chan answer, 1)
	go func() {
		value, err := call()
		answers <- answer{value, err}
	}()
	select {
	case <-ctx.Done():
		var none T
		return none, fmt.Errorf("the volume of the backups does not answer: %w", ctx.Err())
	case a := <-answers:
		return a.value, a.err
	}
}
