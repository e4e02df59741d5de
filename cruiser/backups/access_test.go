package backups_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/etcdfleet/etcd-fleet/cruiser/backups"
)

func TestOpenSaysWhatIsWrong(t *testing.T) {
	access := newAccess(t, []string{"/backups", "/mnt/other"}, "host", "http://minio:9000")
	for _, test := range []struct {
		settings backups.Settings
		message  string
	}{
		{backups.Settings{Location: "ftp://host", Pattern: "*"}, "set it to a URL that begins with file:// or s3://"},
		{backups.Settings{Location: "\n", Pattern: "*"}, "set it to a URL that begins with"},
		{backups.Settings{Location: "file:///backups", Pattern: "["}, "set it to one such as *.db"},
		{backups.Settings{Location: "file:///backups", Pattern: "a/*"}, "set it to one such as *.db"},
		{backups.Settings{Location: "file:///backups"}, "set it to one such as *.db"},
		{backups.Settings{Location: "file://backups", Pattern: "*"}, "set it to file:/// and the absolute path of a folder"},
		{backups.Settings{Location: "file:///etc", Pattern: "*"}, "the folder /etc is not in /backups or /mnt/other: choose one there, or start cruiser with another --backup-root"},
		{backups.Settings{Location: "file:///", Pattern: "*"}, "the folder / is not in /backups or /mnt/other"},
		{backups.Settings{Location: "file:///backups-2", Pattern: "*"}, "the folder /backups-2 is not in"},
		{backups.Settings{Location: "file:///backups/../etc", Pattern: "*"}, "write it without . and .. as names of folders"},
		{backups.Settings{Location: "file:///backups/%2e%2e/etc", Pattern: "*"}, "write it without . and .. as names of folders"},
		{backups.Settings{Location: "file:///backups/a%0ab", Pattern: "*"}, "remove the control characters"},
		{backups.Settings{Location: "s3://bucket/a?b", Pattern: "*"}, "write ? as %3F and # as %23"},
		{backups.Settings{Location: "s3://jane:hidden@bucket/a", Pattern: "*"}, "the location of backups holds a login: remove it"},
		{backups.Settings{Location: "s3://bucket/{cluster}", Pattern: "*"}, `the location of backups holds "{cluster}": use {clusterId} and {region}`},
		{backups.Settings{Location: "s3://bucket/", Pattern: "{name}.db"}, `the pattern of backups holds "{name}": use {clusterId} and {region}`},
		{backups.Settings{Location: "s3://{region}/", Pattern: "*", ClusterRegion: "../x"}, `that of the EtcdCluster is "../x": write the location without {region}`},
		{backups.Settings{Location: "file:///backups/{clusterId}", Pattern: "*", ClusterID: ".."}, `that of the EtcdCluster is ".."`},
		{backups.Settings{Location: "file:///backups/{clusterId}", Pattern: "*", ClusterID: "a/b"}, `that of the EtcdCluster is "a/b"`},
		{backups.Settings{Location: "file:///backups/{region}", Pattern: "*"}, `that of the EtcdCluster is ""`},
		{backups.Settings{Location: "s3:///prefix", Pattern: "*"}, "set it to s3://bucket/folder"},
		{backups.Settings{Location: "s3://bucket:9000/prefix", Pattern: "*"}, "set it to s3://bucket/folder"},
		{backups.Settings{Location: "s3://bucket", Pattern: "*", Endpoint: "https://host", Region: "evil.example.org/"}, `the s3Region of backups is "evil.example.org/"`},
		{backups.Settings{Location: "s3://bucket", Pattern: "*", Endpoint: "host:9000"}, "set it to the URL of the S3 server"},
		{backups.Settings{Location: "s3://bucket", Pattern: "*", Endpoint: "https://host/path"}, "set it to the URL of the S3 server"},
		{backups.Settings{Location: "s3://bucket", Pattern: "*", Endpoint: "https://jane:hidden@host"}, "the endpoint of backups holds a login: remove it"},
		{backups.Settings{Location: "s3://bucket", Pattern: "*", Endpoint: "https://host:8443"}, `cruiser may not ask the endpoint of backups "https://host:8443": correct it, or add it to --backup-s3-endpoints of cruiser`},
		{backups.Settings{
			Location: "s3://bucket", Pattern: "*", Endpoint: "https://host",
			Keys: func() (string, string, error) { return "", "", errors.New("no keys") },
		}, "no keys"},
	} {
		_, err := access.Open(test.settings)
		require.ErrorContains(t, err, test.message)
		assert.NotContains(t, err.Error(), "hidden")
	}
}

func TestNothingMayBeReadWhereNoFlagSaysSo(t *testing.T) {
	for name, access := range map[string]*backups.Access{"no access": nil, "an empty one": newAccess(t, nil)} {
		_, err := access.Open(backups.Settings{Location: "file:///etc", Pattern: "*"})
		require.ErrorContains(t, err, "no file:// location may be read: start cruiser with --backup-root", name)
		_, err = access.Open(backups.Settings{Location: "s3://bucket", Pattern: "*", Endpoint: "https://s3.amazonaws.com"})
		require.ErrorContains(t, err, "--backup-s3-endpoints", name)
	}
}

func TestFlagsAreChecked(t *testing.T) {
	for _, root := range []string{"backups", "/", "//", "/a/..", ""} {
		_, err := backups.NewAccess([]string{root}, nil)
		assert.ErrorContains(t, err, "set it to the absolute path of the folder where the volume of backups is mounted", root)
	}
	for _, endpoint := range []string{"", "*", "*.*", "ftp://a", "https://", "a/b", "a..b", "host:x", "host:0", "host:70000", "::1]x"} {
		_, err := backups.NewAccess(nil, []string{endpoint})
		assert.ErrorContains(t, err, "--backup-s3-endpoints has ", endpoint)
	}
}

func TestEndpointsThatMayBeAsked(t *testing.T) {
	for _, test := range []struct {
		patterns, allowed, refused []string
	}{
		{
			backups.DefaultEndpoints,
			[]string{
				"https://s3.amazonaws.com", "https://S3.amazonaws.com/", "https://s3.eu-central-1.amazonaws.com:443",
				"https://s3.dualstack.eu-central-1.amazonaws.com", "https://s3.cn-north-1.amazonaws.com.cn",
				"https://s3-fips.us-east-1.amazonaws.com",
			},
			[]string{
				"http://s3.amazonaws.com", "http://169.254.169.254", "https://169.254.169.254", "http://localhost", "https://127.0.0.1",
				"https://[::1]", "https://[fd00:ec2::254]", "https://2852039166", "https://0x7f.1", "https://amazonaws.com",
				"https://s3.eu-central-1.amazonaws.com:8443", "https://s3.a.us-east-1.rds.amazonaws.com", "https://s3.evil.org",
				"https://ec2-10-0-0-1.compute-1.amazonaws.com", "https://s3.amazonaws.com.evil.org", "https://s3.amazonaws.com.",
			},
		},
		{
			[]string{"http://minio.backup.svc:9000", "s3-*.example.org:*", "[fd00::1]", "https://10.0.0.9"},
			[]string{
				"http://minio.backup.svc:9000", "https://s3-eu.example.org", "https://s3-us.example.org:9443", "https://[fd00::1]",
				"https://10.0.0.9",
			},
			[]string{
				"https://minio.backup.svc:9000", "http://minio.backup.svc", "https://s3-a.b.example.org", "https://s3.example.org",
				"https://[fd00::2]", "https://s3.amazonaws.com", "https://10.0.0.90",
			},
		},
	} {
		access := newAccess(t, nil, test.patterns...)
		open := func(endpoint string) error {
			_, err := access.Open(backups.Settings{Location: "s3://bucket/gz", Pattern: "*", Endpoint: endpoint, Keys: keys})
			return err
		}
		for _, endpoint := range test.allowed {
			assert.NoError(t, open(endpoint), endpoint)
		}
		for _, endpoint := range test.refused {
			assert.ErrorContains(t, open(endpoint), "cruiser may not ask the endpoint of backups", endpoint)
		}
	}
}

// foreignS3 is a server that answers everything with the handler, and the location of a bucket there.
func foreignS3(t *testing.T, handler http.HandlerFunc) backups.Location {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	store := store{
		access:   newAccess(t, nil, server.URL),
		settings: backups.Settings{Location: "s3://backups/gz", Pattern: "*", Endpoint: server.URL, Region: "us-east-1", Keys: keys},
	}
	return store.open(t, nil)
}

func TestWhatAServerAnswersIsQuotedInBounds(t *testing.T) {
	page := "<html>\x1b[2J\nsecret page\n" + strings.Repeat("x", 1<<20)
	for name, handler := range map[string]http.HandlerFunc{
		"an S3 error": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, "<Error><Code>Odd</Code><Message>first\nsecond "+strings.Repeat("x", 1<<19)+"</Message></Error>")
		},
		"a web page": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, page)
		},
		"a web page as a listing": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, page) },
		"other objects": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "<ListBucketResult><Contents><Key>other/\n"+strings.Repeat("x", 2000)+"</Key></Contents></ListBucketResult>")
		},
		"a key without end": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "<ListBucketResult><Contents><Key>gz/"+strings.Repeat("x", 2000)+"</Key></Contents></ListBucketResult>")
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := foreignS3(t, handler).List(t.Context())
			require.Error(t, err)
			assert.LessOrEqual(t, utf8.RuneCountInString(err.Error()), 600)
			assert.NotContains(t, err.Error(), "\n")
			assert.NotContains(t, err.Error(), "\x1b")
		})
	}
}

func TestAServerCannotSendCruiserElsewhere(t *testing.T) {
	var asked atomic.Int64
	inner := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer inner.Close()
	location := foreignS3(t, http.RedirectHandler(inner.URL+"/latest/meta-data", http.StatusTemporaryRedirect).ServeHTTP)
	_, _, err := location.List(t.Context())
	require.Error(t, err)
	require.Error(t, location.Verify(t.Context(), backups.Backup{Name: "a", Size: 100}))
	assert.Zero(t, asked.Load())
}

func TestAnAnswerWithoutEndIsCut(t *testing.T) {
	location := foreignS3(t, func(w http.ResponseWriter, r *http.Request) {
		_, err := io.WriteString(w, "<ListBucketResult>")
		for err == nil && r.Context().Err() == nil {
			_, err = io.WriteString(w, strings.Repeat("<Name>x</Name>", 1000))
		}
	})
	_, _, err := location.List(t.Context())
	assert.Error(t, err, "after 16 MiB")
}

func TestWhatTheKeysMayNotReadIsNotBroken(t *testing.T) {
	location := foreignS3(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "<Error><Code>AccessDenied</Code><Message>no</Message></Error>")
	})
	err := location.Verify(t.Context(), backups.Backup{Name: "a.db", Size: 100})
	require.ErrorIs(t, err, backups.ErrUnverified)
	assert.ErrorContains(t, err, "it cannot be read (AccessDenied)")
}

// A wildcard of Amazon's names cannot be made to mean another host by the name of a bucket.
func TestABucketDoesNotChangeTheHost(t *testing.T) {
	access := newAccess(t, nil, backups.DefaultEndpoints...)
	for _, name := range []string{"169.254.169.254/x", "a@b", "a..b", "-a", "%2e%2e", "a b"} {
		_, err := access.Open(backups.Settings{Location: "s3://" + name, Pattern: "*", Endpoint: "https://s3.amazonaws.com", Keys: keys})
		if name == "169.254.169.254/x" { // a bucket of that name at Amazon
			assert.NoError(t, err)
			continue
		}
		assert.Error(t, err, name)
	}
}
