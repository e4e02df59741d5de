package backups_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
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
	access   *backups.Access
	settings backups.Settings
	put      func(t *testing.T, name string, content []byte)
}

func newAccess(t *testing.T, roots []string, endpoints ...string) *backups.Access {
	t.Helper()
	access, err := backups.NewAccess(roots, endpoints)
	require.NoError(t, err)
	return access
}

// open returns the location of the store, with changed settings.
func (s store) open(t *testing.T, change func(*backups.Settings)) backups.Location {
	t.Helper()
	settings := s.settings
	if change != nil {
		change(&settings)
	}
	location, err := s.access.Open(settings)
	require.NoError(t, err)
	return location
}

func names(found []backups.Backup) []string {
	var list []string
	for _, backup := range found {
		list = append(list, backup.Name)
	}
	return list
}

func newFolderStore(t *testing.T) store {
	root := t.TempDir()
	return store{
		access:   newAccess(t, []string{root}),
		settings: backups.Settings{Location: "file://" + root + "/gz", Pattern: "*.db"},
		put: func(t *testing.T, name string, content []byte) {
			path := filepath.Join(root, "gz", name)
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
			require.NoError(t, os.WriteFile(path, content, 0o600))
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
		access:   newAccess(t, nil, server.URL),
		settings: backups.Settings{Location: "s3://backups/gz/", Pattern: "*.db", Endpoint: server.URL, Keys: keys},
		put: func(t *testing.T, name string, content []byte) {
			meta := map[string]string{"Last-Modified": time.Now().UTC().Format(http.TimeFormat)}
			key, isBeside := strings.CutPrefix(name, "../")
			if !isBeside {
				key = "gz/" + name
			}
			_, err := backend.PutObject("backups", key, meta, bytes.NewReader(content), int64(len(content)), nil)
			require.NoError(t, err)
		},
	}
}

var stores = map[string]func(*testing.T) store{"file": newFolderStore, "s3": newBucketStore}

func TestLocationsListWhatMatches(t *testing.T) {
	for kind, newStore := range stores {
		t.Run(kind, func(t *testing.T) {
			store := newStore(t)
			location := store.open(t, nil)
			found, others, err := location.List(t.Context())
			require.NoError(t, err)
			assert.Empty(t, found)
			assert.Zero(t, others)

			store.put(t, "etcd-1.db", []byte("some"))
			store.put(t, "etcd-2.db.part", []byte("half"))
			found, others, err = location.List(t.Context())
			require.NoError(t, err)
			require.Len(t, found, 1)
			assert.Equal(t, "etcd-1.db", found[0].Name)
			assert.EqualValues(t, 4, found[0].Size)
			assert.WithinDuration(t, time.Now(), found[0].Time, time.Minute)
			assert.Equal(t, backups.Others{Count: 1, Example: "etcd-2.db.part"}, others)

			ended, cancel := context.WithCancel(t.Context())
			cancel()
			_, _, err = location.List(ended)
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
			location := store.open(t, nil)
			for _, test := range []struct {
				name, reason string
				content      []byte
			}{
				{"whole", "", whole},
				{"first meta page torn", "", secondMetaOnly},
				{"empty", "it is empty", nil},
				{"text", "it is not an etcd database", []byte("some text")},
				{"both meta pages torn", "it is not an etcd database", changed},
				{"cut off", "it is cut off", whole[:len(whole)-100]},
				{"cut off at a page", "it is cut off", whole[:len(whole)-512]},
				{"cut off in its checksum", "do not end with a checksum, it is cut off", whole[:len(whole)-16]},
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
			err := location.Verify(t.Context(), backups.Backup{Name: "absent.db", Size: 100})
			require.Error(t, err)
			assert.NotErrorIs(t, err, backups.ErrUnusable, "it was not read")
		})
	}
}

// What is packed or written otherwise than by etcdctl is not said to be broken.
func TestLocationsDoNotCondemnWhatTheyCannotVerify(t *testing.T) {
	whole := snapshot(t)
	tar := make([]byte, 1024)
	copy(tar[257:], "ustar")
	for kind, newStore := range stores {
		t.Run(kind, func(t *testing.T) {
			store := newStore(t)
			location := store.open(t, nil)
			for _, test := range []struct {
				name, reason string
				content      []byte
			}{
				{"orders-20260701.db.gz", "it is compressed with gzip", append([]byte("\x1f\x8b\x08\x00"), whole...)},
				{"named-as-if-plain.db", "it is compressed with gzip", []byte("\x1f\x8b\x08\x00")},
				{"orders.zst", "it is compressed with zstd", []byte("\x28\xb5\x2f\xfd\x04\x00")},
				{"Full-00000000-00009002-1640131200.zlib", "it is compressed with zlib", []byte("\x78\x9c\x00")},
				{"etcd-snapshot-node-1.zip", "it is a zip archive", []byte("PK\x03\x04\x14\x00")},
				{"backup.tar", "it is a tar archive", tar},
				{"orders.db.age", "it is encrypted with age", []byte("age-encryption.org/v1\n-> X25519")},
				{"orders.db.enc", "it is encrypted with OpenSSL", []byte("Salted__12345678")},
				{"orders.db.enc", "its format is not known", []byte("\x8e\x03random")},
				{"etcd-snapshot-node-1", "its format is not known", []byte("?")},
				{"member.db", "it has no checksum, as a copy of a member's file", whole[:len(whole)-32]},
			} {
				store.put(t, test.name, test.content)
				err := location.Verify(t.Context(), backups.Backup{Name: test.name, Size: int64(len(test.content))})
				require.ErrorIs(t, err, backups.ErrUnverified, test.name)
				require.NotErrorIs(t, err, backups.ErrUnusable, test.name)
				require.ErrorContains(t, err, test.reason, test.name)
			}
			for _, name := range []string{"etcd-snapshot-node-1", "Full-00000000-00009002-1640131200"} {
				store.put(t, name, whole)
				require.NoError(t, location.Verify(t.Context(), backups.Backup{Name: name, Size: int64(len(whole))}), "a plain one of any name")
			}
		})
	}
}

// People's backup jobs make a folder for each day, job or cluster.
func TestLocationsSearchFoldersBelowThemAndNoneBesideThem(t *testing.T) {
	for kind, newStore := range stores {
		t.Run(kind, func(t *testing.T) {
			store := newStore(t)
			own := []string{
				"snap.db", "2026-07-01/snapshot.db", "etcd-backup-28374650/snap.db", "orders/v2/Full-1.db", "a b/ü%.db",
			}
			slashes := []string{"", "/", "//"}
			for _, name := range []string{"../gz-2/snap.db", "../gz.old/snap.db", "../gz.db", "../other/gz/snap.db"} {
				store.put(t, name, []byte("some"))
			}
			for _, slash := range slashes {
				location := store.open(t, func(s *backups.Settings) { s.Location = strings.TrimRight(s.Location, "/") + slash })
				found, others, err := location.List(t.Context())
				require.NoError(t, err)
				assert.Empty(t, found, "with %q at the end", slash)
				assert.Zero(t, others, "with %q at the end", slash)
			}
			for _, name := range own {
				store.put(t, name, []byte("some"))
			}
			for _, slash := range slashes {
				location := store.open(t, func(s *backups.Settings) { s.Location = strings.TrimRight(s.Location, "/") + slash })
				found, _, err := location.List(t.Context())
				require.NoError(t, err)
				assert.ElementsMatch(t, own, names(found), "with %q at the end", slash)
				for _, backup := range found {
					err := location.Verify(t.Context(), backup)
					assert.ErrorIs(t, err, backups.ErrUnusable, "%s is read where it was found", backup.Name)
				}
			}
		})
	}
}

func TestPlaceholdersStandForTheClusters(t *testing.T) {
	for kind, newStore := range stores {
		t.Run(kind, func(t *testing.T) {
			store := newStore(t)
			for _, name := range []string{"eu/orders.db", "eu/orders-2.db", "us/orders.db"} {
				store.put(t, name, []byte("some"))
			}
			location := store.open(t, func(s *backups.Settings) {
				s.Location = strings.TrimRight(s.Location, "/") + "/{region}"
				s.Pattern = "{clusterId}.db"
				s.ClusterID, s.ClusterRegion = "orders", "eu"
			})
			found, _, err := location.List(t.Context())
			require.NoError(t, err)
			assert.Equal(t, []string{"orders.db"}, names(found))
		})
	}
}

func TestAnObjectThatStandsForAFolderIsNoBackup(t *testing.T) {
	store := newBucketStore(t)
	store.put(t, "", nil) // the key is the prefix
	store.put(t, "2026-07-01/", nil)
	found, others, err := store.open(t, func(s *backups.Settings) { s.Pattern = "*" }).List(t.Context())
	require.NoError(t, err)
	assert.Empty(t, found)
	assert.Zero(t, others)
}

func TestBucketSaysWhatIsWrong(t *testing.T) {
	store := newBucketStore(t)
	_, _, err := store.open(t, func(s *backups.Settings) { s.Location = "s3://absent" }).List(t.Context())
	assert.ErrorContains(t, err, "correct the parameters location and endpoint, or grant the access key to list that bucket")

	store.access = newAccess(t, nil, "http://127.0.0.1:*")
	_, _, err = store.open(t, func(s *backups.Settings) { s.Endpoint = "http://127.0.0.1:1" }).List(t.Context())
	assert.ErrorContains(t, err, "connection refused")
}
