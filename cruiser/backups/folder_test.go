package backups_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/etcdfleet/etcd-fleet/cruiser/backups"
)

// openFolder returns the location of a folder that lies in the root.
func openFolder(t *testing.T, root, folder string) backups.Location {
	t.Helper()
	location, err := newAccess(t, []string{root}).Open(backups.Settings{Location: "file://" + folder, Pattern: "*.db"})
	require.NoError(t, err)
	return location
}

func TestFolderThatDoesNotExist(t *testing.T) {
	dir := t.TempDir()
	for _, test := range []struct{ name, root, path, message string }{
		{"in a volume that does", dir, filepath.Join(dir, "gz-etcd"), ""},
		{"nor does the folder that it is in", dir, filepath.Join(dir, "absent", "gz-etcd"), "mount the volume of the backups into cruiser"},
		{"nor does its volume", filepath.Join(dir, "absent"), filepath.Join(dir, "absent", "gz-etcd"), "mount the volume of the backups into cruiser"},
	} {
		found, _, err := openFolder(t, test.root, test.path).List(t.Context())
		assert.Empty(t, found)
		if test.message == "" {
			assert.NoError(t, err, test.name)
		} else {
			assert.ErrorContains(t, err, test.message, test.name)
		}
	}
}

func TestFolderFollowsNoLinks(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(outside, "outside.db"), nil, 0o600))
	require.NoError(t, os.Symlink(filepath.Join(outside, "outside.db"), filepath.Join(dir, "link.db")))
	require.NoError(t, os.Symlink(outside, filepath.Join(dir, "linked")))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "folder.db"), 0o700))
	found, others, err := openFolder(t, dir, dir).List(t.Context())
	require.NoError(t, err)
	assert.Empty(t, found)
	assert.Zero(t, others)

	_, _, err = openFolder(t, dir, filepath.Join(dir, "linked")).List(t.Context())
	assert.ErrorContains(t, err, "path escapes from parent", "a location that leads out of its root by a link")
	err = openFolder(t, dir, dir).Verify(t.Context(), backups.Backup{Name: "linked/outside.db", Size: 100})
	assert.ErrorContains(t, err, "path escapes from parent")
}

func TestFolderLeavesOutOldStatesOfTheFileServer(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{".snapshot/hourly.0/a.db", "lost+found/a.db", "kept/a.db"} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
	}
	found, _, err := openFolder(t, dir, dir).List(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"kept/a.db"}, names(found))
}

// The files need not match: reading their names is what costs.
func TestFolderWithTooManyFilesIsCut(t *testing.T) {
	dir := t.TempDir()
	for i := range 10_001 {
		file, err := os.Create(filepath.Join(dir, fmt.Sprintf("%05d.log", i)))
		require.NoError(t, err)
		require.NoError(t, file.Close())
	}
	_, _, err := openFolder(t, dir, dir).List(t.Context())
	assert.ErrorContains(t, err, "the listing of "+dir+" was cut at 10000 objects, so the newest backup is not known: give each cluster a folder")
}

// threads is how many of them the operating system counts for this process.
func threads(t *testing.T) int {
	t.Helper()
	tasks, err := os.ReadDir("/proc/self/task")
	require.NoError(t, err)
	return len(tasks)
}

// holdBack makes each opening of the file wait, as on a network's file system whose server is gone, until release is
// called. It takes a lease on it: the kernel lets others open the file when its holder gives it up (see fcntl(2)).
func holdBack(t *testing.T, path string) (release func()) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = file.Close() })
	if _, err = unix.FcntlInt(file.Fd(), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		t.Skipf("the file system of %s has no leases, set TMPDIR to a folder of one that has: %v", path, err)
	}
	return func() {
		_, err := unix.FcntlInt(file.Fd(), unix.F_SETLEASE, unix.F_UNLCK)
		require.NoError(t, err)
	}
}

func TestVolumeThatHangsCostsFewThreadsAndAnswersAtOnce(t *testing.T) {
	const folders, tries = 10, 10
	root := t.TempDir()
	var releases []func()
	var locations []backups.Location
	for i := range folders {
		folder := filepath.Join(root, fmt.Sprint(i))
		require.NoError(t, os.Mkdir(folder, 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(folder, "a.db"), []byte("text"), 0o600))
		releases = append(releases, holdBack(t, filepath.Join(folder, "a.db")))
	}
	access := newAccess(t, []string{root})
	for i := range folders {
		location, err := access.Open(backups.Settings{Location: fmt.Sprintf("file://%s/%d", root, i), Pattern: "*.db"})
		require.NoError(t, err)
		locations = append(locations, location)
	}
	backup := backups.Backup{Name: "a.db", Size: 4}
	verify := func(location backups.Location) error {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		return location.Verify(ctx, backup)
	}
	before := threads(t)
	hung, atOnce := 0, 0
	for range tries {
		for _, location := range locations {
			err := verify(location)
			require.Error(t, err)
			switch {
			case strings.Contains(err.Error(), "does not answer: a read of "):
				assert.Contains(t, err.Error(), "so no other is begun: look at its mount and its server")
				atOnce++
			default:
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.ErrorContains(t, err, "the volume "+root+" does not answer a read of ")
				hung++
			}
		}
	}
	assert.Equal(t, 4, hung)
	assert.Equal(t, folders*tries-4, atOnce)
	assert.Less(t, threads(t)-before, 20, "of %d reads", folders*tries)
	_, _, err := locations[9].List(t.Context())
	require.ErrorContains(t, err, "so no other is begun", "a listing is a read as well")

	for _, release := range releases {
		release()
	}
	require.Eventually(t, func() bool {
		return strings.Contains(fmt.Sprint(verify(locations[0])), "it is not an etcd database")
	}, time.Minute, 10*time.Millisecond, "the volume is used again when it answers")
}

func TestFolderWhoseReadHangsLeavesOthersOfItsVolumeAlone(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"bad", "good"} {
		require.NoError(t, os.Mkdir(filepath.Join(root, name), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(root, name, "a.db"), []byte("text"), 0o600))
	}
	release := holdBack(t, filepath.Join(root, "bad", "a.db"))
	defer release()
	access := newAccess(t, []string{root})
	open := func(name string) backups.Location {
		location, err := access.Open(backups.Settings{Location: "file://" + root + "/" + name, Pattern: "*.db"})
		require.NoError(t, err)
		return location
	}
	for range 10 {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		require.Error(t, open("bad").Verify(ctx, backups.Backup{Name: "a.db", Size: 4}))
		cancel()
	}
	err := open("good").Verify(t.Context(), backups.Backup{Name: "a.db", Size: 4})
	assert.ErrorContains(t, err, "it is not an etcd database")
}

// Opening a pipe waits for whoever writes into it.
func TestPipeIsNoBackup(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "pipe.db"), 0o600))
	location := openFolder(t, dir, dir)
	found, _, err := location.List(t.Context())
	require.NoError(t, err)
	assert.Empty(t, found)
	err = location.Verify(t.Context(), backups.Backup{Name: "pipe.db", Size: 100})
	assert.ErrorIs(t, err, backups.ErrUnusable)
	assert.ErrorContains(t, err, "it is not a file")
}
