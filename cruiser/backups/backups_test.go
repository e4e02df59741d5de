package backups_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/etcdfleet/etcd-fleet/cruiser/backups"
	"github.com/etcdfleet/etcd-fleet/internal/etcdtest"
)

// snapshot is what a real member saves.
func snapshot(t *testing.T) []byte {
	t.Helper()
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1})
	cluster.Put(t, "/key", 50)
	stream, err := cluster.Client(t).Snapshot(t.Context())
	require.NoError(t, err)
	defer func() { _ = stream.Close() }()
	content, err := io.ReadAll(stream)
	require.NoError(t, err)
	return content
}

func keys() (accessKey, secretKey string, err error) { return "access", "secret", nil }

// store is a location that tests fill.
type store struct {
	settings backups.Settings
	put      func(t *testing.T, name string, content []byte)
}

func newFolderStore(t *testing.T) store {
	dir := t.TempDir()
	return store{
		settings: backups.Settings{Location: "file://" + dir, Pattern: "*.db"},
		put: func(t *testing.T, name string, content []byte) {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
		},
	}
}

// The S3 server is a mock: gofakes3 keeps objects in memory and does not verify signatures.
func newBucketStore(t *testing.T) store {
	backend := s3mem.New()
	require.NoError(t, backend.CreateBucket("backups"))
	server := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(server.Close)
	return store{
		settings: backups.Settings{Location: "s3://backups/gz/", Pattern: "*.db", Endpoint: server.URL, Keys: keys},
		put: func(t *testing.T, name string, content []byte) {
			meta := map[string]string{"Last-Modified": time.Now().UTC().Format(http.TimeFormat)}
			_, err := backend.PutObject("backups", "gz/"+name, meta, bytes.NewReader(content), int64(len(content)), nil)
			require.NoError(t, err)
		},
	}
}

var stores = map[string]func(*testing.T) store{"file": newFolderStore, "s3": newBucketStore}

func TestLocationsListWhatMatches(t *testing.T) {
	for kind, newStore := range stores {
		t.Run(kind, func(t *testing.T) {
			store := newStore(t)
			location, err := backups.Open(store.settings)
			require.NoError(t, err)
			found, err := location.List(t.Context())
			require.NoError(t, err)
			assert.Empty(t, found)

			store.put(t, "etcd-1.db", []byte("some"))
			store.put(t, "etcd-2.db.part", []byte("half"))
			found, err = location.List(t.Context())
			require.NoError(t, err)
			require.Len(t, found, 1)
			assert.Equal(t, "etcd-1.db", found[0].Name)
			assert.EqualValues(t, 4, found[0].Size)
			assert.WithinDuration(t, time.Now(), found[0].Time, time.Minute)

			ended, cancel := context.WithCancel(t.Context())
			cancel()
			_, err = location.List(ended)
			assert.ErrorIs(t, err, context.Canceled)
		})
	}
}

func TestLocationsTellSnapshotsFromOtherObjects(t *testing.T) {
	whole := snapshot(t)
	secondMetaOnly := bytes.Clone(whole)
	copy(secondMetaOnly, make([]byte, 512))
	changed := bytes.Clone(whole)
	changed[16+40]++ // the number of pages: the checksum of the page does not match any more
	copy(changed[os.Getpagesize():], make([]byte, 512))
	for kind, newStore := range stores {
		t.Run(kind, func(t *testing.T) {
			store := newStore(t)
			location, err := backups.Open(store.settings)
			require.NoError(t, err)
			for _, test := range []struct {
				name, reason string
				content      []byte
			}{
				{"whole", "", whole},
				{"first meta page torn", "", secondMetaOnly},
				{"empty", "it is empty", nil},
				{"text", "it is not an etcd database", []byte("some text")},
				{"both meta pages torn", "it is not an etcd database", changed},
				{"cut off", "do not end with a checksum", whole[:len(whole)-100]},
				{"cut off at a page", "it is cut off", whole[:len(whole)-512]},
				{"a member's file", "do not end with a checksum", whole[:len(whole)-32]},
			} {
				store.put(t, "backup.db", test.content)
				err := location.Verify(t.Context(), backups.Backup{Name: "backup.db", Size: int64(len(test.content))})
				if test.reason == "" {
					require.NoError(t, err, test.name)
					continue
				}
				require.ErrorIs(t, err, backups.ErrUnusable, test.name)
				require.ErrorContains(t, err, test.reason, test.name)
			}
			err = location.Verify(t.Context(), backups.Backup{Name: "absent.db", Size: 100})
			require.Error(t, err)
			assert.NotErrorIs(t, err, backups.ErrUnusable, "it was not read")
		})
	}
}

func TestFolderThatDoesNotExist(t *testing.T) {
	dir := t.TempDir()
	for _, test := range []struct{ name, path, message string }{
		{"in a volume that does", filepath.Join(dir, "gz-etcd"), ""},
		{"nor does its volume", filepath.Join(dir, "absent", "gz-etcd"), "mount the volume of the backups into cruiser"},
	} {
		location, err := backups.Open(backups.Settings{Location: "file://" + test.path, Pattern: "*"})
		require.NoError(t, err)
		found, err := location.List(t.Context())
		assert.Empty(t, found)
		if test.message == "" {
			assert.NoError(t, err, test.name)
		} else {
			assert.ErrorContains(t, err, test.message, test.name)
		}
	}
}

func TestFolderFollowsNoLinks(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "outside")
	require.NoError(t, os.WriteFile(outside, nil, 0o600))
	require.NoError(t, os.Symlink(outside, filepath.Join(dir, "link.db")))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "folder.db"), 0o700))
	location, err := backups.Open(backups.Settings{Location: "file://" + dir, Pattern: "*.db"})
	require.NoError(t, err)
	found, err := location.List(t.Context())
	require.NoError(t, err)
	assert.Empty(t, found)
}

func TestBucketSaysWhatIsWrong(t *testing.T) {
	settings := newBucketStore(t).settings
	settings.Location = "s3://absent"
	location, err := backups.Open(settings)
	require.NoError(t, err)
	_, err = location.List(t.Context())
	assert.ErrorContains(t, err, "correct the parameters location and endpoint, or grant the access key to list that bucket")

	settings.Endpoint = "http://127.0.0.1:1"
	location, err = backups.Open(settings)
	require.NoError(t, err)
	_, err = location.List(t.Context())
	assert.ErrorContains(t, err, "connection refused")
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	for _, test := range []struct {
		settings backups.Settings
		message  string
	}{
		{backups.Settings{Location: "ftp://host", Pattern: "*"}, "set it to a URL that begins with file:// or s3://"},
		{backups.Settings{Location: "\n", Pattern: "*"}, "set it to a URL that begins with"},
		{backups.Settings{Location: "file:///", Pattern: "["}, "set it to one such as *.db"},
		{backups.Settings{Location: "file:///"}, "set it to one such as *.db"},
		{backups.Settings{Location: "file://backups", Pattern: "*"}, "set it to file:/// and the absolute path of a folder"},
		{backups.Settings{Location: "s3:///prefix", Pattern: "*"}, "set it to s3://bucket/prefix"},
		{backups.Settings{Location: "s3://b", Pattern: "*", Endpoint: "host:9000"}, "set it to the URL of the S3 server"},
		{backups.Settings{Location: "s3://b", Pattern: "*", Endpoint: "https://host/path"}, "set it to the URL of the S3 server"},
		{backups.Settings{
			Location: "s3://b", Pattern: "*", Endpoint: "https://host",
			Keys: func() (string, string, error) { return "", "", errors.New("no keys") },
		}, "no keys"},
	} {
		_, err := backups.Open(test.settings)
		assert.ErrorContains(t, err, test.message)
	}
}
