package backups

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash/fnv"
	"net/url"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzLocation tries to leave the root, the bucket's folder and the host.
func FuzzLocation(f *testing.F) {
	const endpoint = "https://s3.eu-central-1.amazonaws.com"
	for _, seed := range [][]string{
		{"file:///backups/{clusterId}", "*.db", "", "gz-orders", "gz"},
		{"file:///backups/../etc", "*", "", "", ""}, {"file:///backups/%2e%2e/etc", "*", "", "", ""},
		{"file:///backups/{clusterId}/x", "*", "", "..", ""}, {"file:/backups/%2e%2e0", "*", "", "", ""}, {"file:////backups", "[a-z]*", "", "", ""},
		{"s3://backups/{region}/{clusterId}/", "{clusterId}-*.db.gz", endpoint, "gz-orders", "gz"},
		{"s3://jane:word@backups", "*", endpoint, "", ""}, {"s3://backups/a?b#c", "*", endpoint, "", ""},
		{"s3://backups//a//", "*", "http://169.254.169.254", "", ""}, {"s3://{region}/{x}", "*", "https://s3.amazonaws.com", "", "a/b"},
		{"s3://backups/a", "*", "https://S3.DualStack.eu-central-1.Amazonaws.com", "", ""},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3], seed[4])
	}
	access, err := NewAccess([]string{"/backups", "/mnt/nfs"}, DefaultEndpoints)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, location, pattern, endpoint, clusterID, region string) {
		opened, err := access.Open(Settings{
			Location: location, Pattern: pattern, Endpoint: endpoint, ClusterID: clusterID, ClusterRegion: region,
			Keys: func() (string, string, error) { return "access", "secret", nil },
		})
		if err != nil {
			requireMessage(t, err)
			return
		}
		switch place := opened.(type) {
		case folder:
			if !filepath.IsLocal(place.inner) || path.Join(place.volume.root, place.inner) != place.path {
				t.Fatalf("%+v is not in its root", place)
			}
		case bucket:
			if place.prefix != "" && !strings.HasSuffix(place.prefix, "/") || strings.HasPrefix(place.prefix, "/") {
				t.Fatalf("%+v has neighbours", place)
			}
			host := place.client.EndpointURL().Hostname()
			if !strings.HasSuffix(host, ".amazonaws.com") && !strings.HasSuffix(host, ".amazonaws.com.cn") {
				t.Fatalf("%s is asked", host)
			}
		}
	})
}

func FuzzEndpointPattern(f *testing.F) {
	for _, seed := range [][2]string{
		{"s3.*.amazonaws.com", "https://s3.eu-central-1.amazonaws.com"}, {"http://minio:9000", "http://minio:9000"},
		{"[::1]:*", "https://[::1]:9"}, {"*", "http://localhost"}, {"10.0.0.9", "https://10.0.0.9:443"}, {"s3-?.a", "https://s3-1.a"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, text, server string) {
		pattern, err := parseEndpointPattern(text)
		parsed, wrong := url.Parse(server)
		if err != nil || wrong != nil {
			return
		}
		if !pattern.matches(parsed) {
			return
		}
		host := strings.ToLower(parsed.Hostname())
		if !strings.Contains(text, "*") && !strings.Contains(strings.ToLower(text), host) {
			t.Fatalf("%q matches %q", text, server)
		}
		if !strings.Contains(host, ":") && strings.Count(host, ".")+1 != len(pattern.labels) {
			t.Fatalf("%q matches the dots of %q", text, server)
		}
		if parsed.Scheme == "http" && !strings.HasPrefix(strings.ToLower(text), "http://") {
			t.Fatalf("%q allows plain text to %q", text, server)
		}
	})
}

// metaPage is the first page of a bbolt file with a right checksum.
func metaPage(pageSize uint32, pages uint64) []byte {
	page := make([]byte, boltPageHeader+boltMetaSize)
	meta := page[boltPageHeader:]
	binary.LittleEndian.PutUint32(meta[0:], boltMagic)
	binary.LittleEndian.PutUint32(meta[4:], boltVersion)
	binary.LittleEndian.PutUint32(meta[8:], pageSize)
	binary.LittleEndian.PutUint64(meta[40:], pages)
	sum := fnv.New64a()
	sum.Write(meta[:boltMetaSummed])
	binary.LittleEndian.PutUint64(meta[boltMetaSummed:], sum.Sum64())
	return page
}

func FuzzSnapshot(f *testing.F) {
	f.Add([]byte{}, "a.db", int64(0), false, uint32(0), uint64(0))
	f.Add([]byte("text"), "a.db", int64(4), false, uint32(0), uint64(0))
	f.Add([]byte("\x1f\x8b\x08"), "a.db.gz", int64(3), false, uint32(0), uint64(0))
	f.Add([]byte{}, "a.db", int64(5*4096+32), true, uint32(4096), uint64(5))
	f.Add([]byte{}, "a.db", int64(5*4096), true, uint32(4096), uint64(5))
	f.Add([]byte("torn"), "a", int64(32), true, uint32(1<<31), uint64(1<<63))
	f.Fuzz(func(t *testing.T, beginning []byte, name string, size int64, isDatabase bool, pageSize uint32, pages uint64) {
		object := beginning
		if isDatabase {
			object = append(metaPage(pageSize, pages), beginning...)
		}
		err := verifySnapshot(bytes.NewReader(object), Backup{Name: name, Size: size})
		switch {
		case err == nil:
			if size%snapshotAlignment != sha256.Size || size < boltMinPages*boltMinPageSize+sha256.Size {
				t.Fatalf("%d bytes are accepted", size)
			}
			if isDatabase && pageSize >= boltMinPageSize && pages > uint64(size)/uint64(pageSize) {
				t.Fatalf("%d bytes are accepted for %d pages of %d", size, pages, pageSize)
			}
		case errors.Is(err, ErrUnusable) == errors.Is(err, ErrUnverified):
			t.Fatalf("%v is neither, or both", err)
		default:
			requireMessage(t, err)
		}
	})
}

func requireMessage(t *testing.T, err error) {
	t.Helper()
	if text := err.Error(); utf8.RuneCountInString(text) > 800 || strings.ContainsAny(text, "\n\x1b") || !utf8.ValidString(text) {
		t.Fatalf("%q is not fit for a message", text)
	}
}
