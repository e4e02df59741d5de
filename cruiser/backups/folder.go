package backups

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"strings"

	"github.com/etcdfleet/etcd-fleet/internal/foreign"
)

// entriesAtOnce is how much of a folder is read at a time: what is read is bounded, however large the folder.
const entriesAtOnce = 256

// lostAndFound is where file systems put what they repaired; only root can read it.
const lostAndFound = "lost+found"

// folder holds backups as files, for example on a volume that is mounted into cruiser. Its subfolders are searched as
// well, but for hidden ones, where file servers keep old states of all files. Links are not followed.
type folder struct {
	volume  *volume
	inner   string // the path in the volume
	path    string
	pattern string
}

func newFolder(access *Access, address *url.URL, settings Settings) (Location, error) {
	if address.Host != "" || !path.IsAbs(address.Path) {
		return nil, fmt.Errorf("the location of backups is %q: set it to file:/// and the absolute path of a folder",
			foreign.Quote(settings.Location))
	}
	cleaned := path.Clean(address.Path)
	volume, inner, err := access.volumeOf(cleaned)
	if err != nil {
		return nil, err
	}
	return folder{volume: volume, inner: inner, path: cleaned, pattern: settings.Pattern}, nil
}

// List implements Location. A folder that does not exist in one that does is a cluster that was never backed up; without
// that one, the volume is not mounted.
func (f folder) List(ctx context.Context) ([]Backup, Others, error) {
	walk := folderWalk{folder: f, pending: []string{f.inner}}
	err := f.volume.read(ctx, f.path, func(root *os.Root) error {
		_, err := root.Stat(f.inner)
		if errors.Is(err, fs.ErrNotExist) && f.inner != "." {
			if _, err := root.Stat(path.Dir(f.inner)); err == nil {
				return nil
			}
		}
		for err == nil && len(walk.pending) > 0 {
			err = walk.step(ctx, root)
		}
		return foreign.Error(err)
	})
	var tooMany tooManyError
	switch {
	case errors.As(err, &tooMany):
		return nil, Others{}, errTooMany(f.path)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		return nil, Others{}, fmt.Errorf("list backups of %s: %w: mount the volume of the backups into cruiser, readable for its user",
			foreign.Quote(f.path), err)
	case err != nil:
		return nil, Others{}, fmt.Errorf("list backups of %s: %w", foreign.Quote(f.path), err)
	}
	return sortNewestFirst(walk.found), walk.others, nil
}

// tooManyError ends a walk.
type tooManyError struct{}

func (tooManyError) Error() string { return "too many files" }

// folderWalk is a listing under way.
type folderWalk struct {
	folder folder

	// pending are the folders to read.
	pending []string
	listed  int
	found   []Backup
	others  Others
}

// step reads one folder.
func (w *folderWalk) step(ctx context.Context, root *os.Root) error {
	name := w.pending[0]
	w.pending = w.pending[1:]
	dir, err := root.Open(name)
	if errors.Is(err, fs.ErrNotExist) && name != w.folder.inner {
		return nil // deleted meanwhile
	}
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	for {
		entries, err := dir.ReadDir(entriesAtOnce)
		for _, entry := range entries {
			if err := w.see(root, name, entry); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
	}
}

// see takes note of a file or a folder.
func (w *folderWalk) see(root *os.Root, dir string, entry fs.DirEntry) error {
	if w.listed++; w.listed > maxBackups {
		return tooManyError{}
	}
	name := path.Join(dir, entry.Name())
	if entry.IsDir() {
		if !strings.HasPrefix(entry.Name(), ".") && entry.Name() != lostAndFound {
			w.pending = append(w.pending, name)
		}
		return nil
	}
	if !entry.Type().IsRegular() {
		return nil
	}
	shown := strings.TrimPrefix(name, w.folder.inner+"/")
	if matches, _ := path.Match(w.folder.pattern, entry.Name()); !matches { // Open has tried the pattern
		w.others.add(shown)
		return nil
	}
	info, err := root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // deleted meanwhile
	}
	if err != nil {
		return err
	}
	w.found = append(w.found, Backup{Name: shown, Time: info.ModTime(), Size: info.Size()})
	return nil
}

// Verify implements Location.
func (f folder) Verify(ctx context.Context, backup Backup) error {
	return f.volume.read(ctx, f.path, func(root *os.Root) error {
		name := path.Join(f.inner, backup.Name)
		info, err := root.Lstat(name)
		if err != nil {
			return unreadable(err)
		}
		if !info.Mode().IsRegular() { // opening a pipe would wait for its writer
			return fmt.Errorf("%w: it is not a file", ErrUnusable)
		}
		file, err := root.Open(name)
		if err != nil {
			return unreadable(err)
		}
		defer func() { _ = file.Close() }()
		return verifySnapshot(file, backup)
	})
}

// unreadable distinguishes a file that cruiser may not read, whose age is known all the same, from other errors.
func unreadable(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w: cruiser's user may not read it", ErrUnverified)
	}
	return err
}
