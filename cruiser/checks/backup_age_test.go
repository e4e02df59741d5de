package checks_test

import (
	"bytes"
	"compress/gzip"
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

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
	"github.com/etcdfleet/etcd-fleet/internal/etcdtest"
)

func newBackupInspector(t *testing.T, cluster *etcdtest.Cluster, secret map[string][]byte) *inspector {
	t.Helper()
	inspector := newInspector(t, cluster, secret)
	inspector.check = "backup-age"
	return inspector
}

// takeSnapshot is what etcdctl snapshot save saves.
func takeSnapshot(t *testing.T, cluster *etcdtest.Cluster) []byte {
	t.Helper()
	stream, err := cluster.Client(t).Snapshot(t.Context())
	require.NoError(t, err)
	defer func() { _ = stream.Close() }()
	content, err := io.ReadAll(stream)
	require.NoError(t, err)
	return content
}

func TestBackupAge(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1})
	small := takeSnapshot(t, cluster)
	for i := range 3 {
		cluster.Put(t, strings.Repeat("/large-key", 400)+string(rune('a'+i)), 50)
	}
	large := takeSnapshot(t, cluster)
	require.Less(t, 2*len(small), len(large))

	type file struct {
		age     time.Duration
		content []byte
	}
	for _, test := range []struct {
		name       string
		files      map[string]file
		parameters checks.Parameters
		outcome    etcdv1beta1.Outcome
		message    string // a regular expression
		backups    float64
	}{
		{
			"a young one", map[string]file{"b.db": {time.Hour, small}, "a.db": {48 * time.Hour, small}}, nil,
			etcdv1beta1.OutcomePassed,
			`^the newest backup is b.db of \S+Z \(1h ago, \d+\.\d KiB\), backups within 24h: 1$`, 1,
		},
		{
			"an old one", map[string]file{"b.db": {25 * time.Hour, small}}, nil, etcdv1beta1.OutcomeWarning,
			`^the newest backup is b.db .*: 0; that is older than 24h: see why no backup was made since$`, 0,
		},
		{
			"an old one within maxAge", map[string]file{"b.db": {25 * time.Hour, small}},
			checks.Parameters{"maxAge": "48h"}, etcdv1beta1.OutcomePassed, `within 48h: 1$`, 1,
		},
		{
			"too few", map[string]file{"b.db": {time.Hour, small}, "a.db": {25 * time.Hour, small}},
			checks.Parameters{"minCount": "2"}, etcdv1beta1.OutcomeWarning, `: 1; that is fewer than 2: see which`, 1,
		},
		{
			"a much smaller one", map[string]file{"b.db": {time.Hour, small}, "a.db": {2 * time.Hour, large}}, nil,
			etcdv1beta1.OutcomeWarning, `: 2; a.db, the one before it, has \d+\.\d KiB: see whether keys were lost`, 2,
		},
		{
			"a much smaller one, allowed", map[string]file{"b.db": {time.Hour, small}, "a.db": {2 * time.Hour, large}},
			checks.Parameters{"minSizeRatio": "0"}, etcdv1beta1.OutcomePassed, `: 2$`, 2,
		},
		{
			"a newer one that is empty", map[string]file{"b.db": {time.Hour, nil}, "a.db": {2 * time.Hour, small}}, nil,
			etcdv1beta1.OutcomeWarning,
			`^the newest backup is a.db .*: 1; newer ones cannot be restored: b.db \(no whole snapshot: it is empty\)$`, 1,
		},
		{
			"none", nil, nil, etcdv1beta1.OutcomeFailed,
			`^there is no backup at all: make one, and see why none was made$`, 0,
		},
		{
			"none that can be restored",
			map[string]file{"b.db": {time.Hour, []byte("text")}, "a.db": {2 * time.Hour, small[:len(small)-100]}, "b.txt": {0, small}},
			nil, etcdv1beta1.OutcomeFailed,
			`^the newest 2 of 2 backups cannot be restored: make one, and see what writes them: b.db \(no whole snapshot: it is ` +
				`not an etcd database\), a.db \(no whole snapshot: it is cut off, it has \d+ bytes of \d+\)$`, 0,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := t.TempDir()
			dir := filepath.Join(root, "gz-etcd")
			require.NoError(t, os.Mkdir(dir, 0o700))
			for name, file := range test.files {
				path := filepath.Join(dir, name)
				require.NoError(t, os.WriteFile(path, file.content, 0o600))
				written := time.Now().Add(-file.age)
				require.NoError(t, os.Chtimes(path, written, written))
			}
			parameters := checks.Parameters{"location": "file://" + root + "/{clusterId}"}
			for name, value := range test.parameters {
				parameters[name] = value
			}
			result, err := newBackupInspector(t, cluster, nil).run(t, parameters)
			require.NoError(t, err)
			assert.Equal(t, test.outcome, result.Outcome)
			assert.Regexp(t, test.message, result.Message)
			assert.InDelta(t, test.backups, result.Values["backups"], 0)
			_, aged := result.Values["backupAge"]
			assert.Equal(t, test.outcome != etcdv1beta1.OutcomeFailed, aged, "the age of nothing is not 0")
		})
	}
}

// The S3 server is a mock: gofakes3 keeps objects in memory and does not verify signatures.
func TestBackupAgeReadsS3WithTheKeysOfTheSecret(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1, TLS: true})
	backend := s3mem.New()
	require.NoError(t, backend.CreateBucket("backups"))
	server := httptest.NewServer(gofakes3.New(backend).Server())
	defer server.Close()
	content := takeSnapshot(t, cluster)
	meta := map[string]string{"Last-Modified": time.Now().UTC().Format(http.TimeFormat)}
	_, err := backend.PutObject("backups", "gz-etcd/a.db", meta, bytes.NewReader(content), int64(len(content)), nil)
	require.NoError(t, err)
	parameters := checks.Parameters{"location": "s3://backups/{clusterId}/", "endpoint": server.URL}

	secret := cluster.Credentials(t)
	_, err = newBackupInspector(t, cluster, secret).run(t, parameters)
	require.ErrorContains(t, err, "name a Secret with backup-access-key and backup-secret-key in spec.backup.secretName of the EtcdCluster")

	secret["backup-access-key"], secret["backup-secret-key"] = []byte("access"), []byte("secret")
	result, err := newBackupInspector(t, cluster, secret).run(t, parameters)
	require.NoError(t, err)
	assert.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome)
	assert.Contains(t, result.Message, "the newest backup is a.db of ")
	assert.InDelta(t, len(content), result.Values["backupSize"], 0)
}

func TestBackupAgeRefusesParameters(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1})
	for _, test := range []struct{ name, value, message string }{
		{"location", "", "set spec.parameters.location to file:///folder or s3://bucket/folder"},
		{"location", "/backups", "correct spec.parameters: the location of backups is"},
		{"location", "file://" + os.TempDir() + "/absent/absent", "mount the volume of the backups into cruiser"},
		{"location", "file:///etc", "start cruiser with another --backup-root"},
		{"location", "s3://backups", "add it to --backup-s3-endpoints of cruiser"},
		{"pattern", "[", "correct spec.parameters: the pattern of backups is"},
		{"maxAge", "1d", "set spec.parameters.maxAge to a time"},
		{"minCount", "-1", "set spec.parameters.minCount to a whole number"},
		{"minSizeRatio", "2", "set spec.parameters.minSizeRatio to a part from 0 to 1"},
	} {
		parameters := checks.Parameters{"location": "file://" + t.TempDir()}
		parameters[test.name] = test.value
		_, err := newBackupInspector(t, cluster, nil).run(t, parameters)
		assert.ErrorContains(t, err, test.message)
	}
}

// Backup jobs compress, encrypt and sort by days. Their backups are not condemned for it.
func TestBackupAgeJudgesTheAgeOfWhatItCannotVerify(t *testing.T) {
	t.Parallel()
	cluster := etcdtest.Start(t, etcdtest.Options{Size: 1})
	cluster.Put(t, "/key", 20)
	snapshot := takeSnapshot(t, cluster)
	var zipped bytes.Buffer
	writer := gzip.NewWriter(&zipped)
	_, err := writer.Write(snapshot)
	require.NoError(t, err)
	require.NoError(t, writer.Close())
	const gzipped = "; whether it can be restored is not verified: it is compressed with gzip"
	for _, test := range []struct {
		name, file string
		content    []byte
		pattern    string
		remark     string
	}{
		{"compressed, with its pattern", "orders-20260701.db.gz", zipped.Bytes(), "*.db.gz", gzipped},
		{"compressed, without .db", "Full-000.gz", zipped.Bytes(), "*.gz", gzipped},
		{"compressed, named as if it were not", "orders.db", zipped.Bytes(), "*.db", gzipped},
		{"encrypted", "orders.db.enc", []byte("\x01\x02"), "*.enc", "; whether it can be restored is not verified: its format is not known"},
		{"a folder for each day", "2026-07-01/snapshot.db", snapshot, "*.db", ""},
		{"a folder for each job", "etcd-backup-28374650/snapshot.db", snapshot, "*.db", ""},
		{"a bare name", "etcd-snapshot-node-1", snapshot, "*", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, test.file)
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
			require.NoError(t, os.WriteFile(path, test.content, 0o600))
			parameters := checks.Parameters{"location": "file://" + dir, "pattern": test.pattern}
			result, err := newBackupInspector(t, cluster, nil).run(t, parameters)
			require.NoError(t, err)
			assert.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome, result.Message)
			assert.Contains(t, result.Message, "the newest backup is "+test.file+" of ")
			assert.True(t, strings.HasSuffix(result.Message, ": 1"+test.remark), result.Message)

			old := time.Now().Add(-25 * time.Hour)
			require.NoError(t, os.Chtimes(path, old, old))
			result, err = newBackupInspector(t, cluster, nil).run(t, parameters)
			require.NoError(t, err)
			assert.Equal(t, etcdv1beta1.OutcomeWarning, result.Outcome, "its age is judged")

			parameters["pattern"] = "*.other"
			_, err = newBackupInspector(t, cluster, nil).run(t, parameters)
			assert.ErrorContains(t, err, "none of 1 objects matches the pattern *.other, such as "+test.file+": correct spec.parameters.pattern")
		})
	}
}
