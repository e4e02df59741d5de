package backups

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/etcdfleet/etcd-fleet/internal/foreign"
)

const (
	// s3Retries replaces minio-go's 10: a server that refuses connections is reported, not waited for.
	s3Retries = 2

	// maxS3Answer bounds what is read of one answer. A page of a listing has 1,000 keys of up to maxS3Key bytes, of which
	// XML may make six times as many.
	maxS3Answer = 16 << 20

	// maxS3Key is S3's own bound.
	maxS3Key = 1024
)

var (
	bucketName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$`)
	s3Region   = regexp.MustCompile(`^[a-z0-9-]{0,63}$`)
)

// bucket holds backups as objects of an S3 server. Its objects below the prefix are searched at any depth.
type bucket struct {
	client *minio.Client
	name   string

	// prefix ends with a slash, or is empty: without it, the objects of gz-orders-2 would be those of gz-orders too.
	prefix  string
	pattern string
}

func newBucket(access *Access, address *url.URL, settings Settings) (Location, error) {
	if !bucketName.MatchString(address.Host) || strings.Contains(address.Host, "..") {
		return nil, fmt.Errorf("the location of backups is %q: set it to s3://bucket/folder", foreign.Quote(settings.Location))
	}
	if !s3Region.MatchString(settings.Region) {
		return nil, fmt.Errorf("the s3Region of backups is %q: set it to one such as eu-central-1, or leave it out",
			foreign.Quote(settings.Region))
	}
	endpoint, err := access.allow(settings.Endpoint)
	if err != nil {
		return nil, err
	}
	accessKey, secretKey, err := settings.Keys()
	if err != nil {
		return nil, err
	}
	transport, err := minio.DefaultTransport(endpoint.Scheme == "https")
	if err != nil {
		return nil, err
	}
	client, err := minio.New(endpoint.Host, &minio.Options{
		Creds:      credentials.NewStaticV4(accessKey, secretKey, ""),
		Secure:     endpoint.Scheme == "https",
		Region:     settings.Region,
		MaxRetries: s3Retries,
		Transport:  &boundedTransport{access: access, bucket: address.Host, next: transport},
	})
	if err != nil {
		return nil, fmt.Errorf("the endpoint of backups is %q: %w", foreign.Quote(settings.Endpoint), foreign.Error(err))
	}
	client.SetS3EnableDualstack(strings.Contains(endpoint.Host, ".dualstack.")) // Amazon's names are otherwise rewritten
	prefix := strings.Trim(address.Path, "/")
	if prefix != "" {
		prefix += "/"
	}
	return bucket{client: client, name: address.Host, prefix: prefix, pattern: settings.Pattern}, nil
}

// boundedTransport asks no server that may not be asked, and reads no more of an answer than maxS3Answer.
type boundedTransport struct {
	access *Access
	bucket string
	next   http.RoundTripper
}

// RoundTrip implements http.RoundTripper. Amazon's servers have the bucket in front of their names.
func (t *boundedTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	server := *request.URL
	server.Host = strings.TrimPrefix(server.Host, t.bucket+".")
	if !t.access.allows(request.URL) && !t.access.allows(&server) {
		return nil, fmt.Errorf("cruiser may not ask %s: add it to --%s", foreign.Quote(request.URL.Host), EndpointsFlag)
	}
	response, err := t.next.RoundTrip(request)
	if err == nil {
		response.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(response.Body, maxS3Answer), response.Body}
	}
	return response, err
}

func (b bucket) address() string { return "s3://" + b.name + "/" + b.prefix }

// List implements Location.
func (b bucket) List(ctx context.Context) (found []Backup, others Others, err error) {
	ctx, cancel := context.WithCancel(ctx) // which ends the listing that is given up
	defer cancel()
	listed := 0
	for object := range b.client.ListObjects(ctx, b.name, minio.ListObjectsOptions{Prefix: b.prefix, Recursive: true}) {
		if object.Err != nil {
			return nil, Others{}, fmt.Errorf("list backups of %s: %w: correct the parameters location and endpoint, or grant the "+
				"access key to list that bucket", foreign.Quote(b.address()), foreign.Error(object.Err))
		}
		if listed++; listed > maxBackups {
			return nil, Others{}, errTooMany(b.address())
		}
		name, below := strings.CutPrefix(object.Key, b.prefix)
		if !below || len(object.Key) > maxS3Key {
			return nil, Others{}, fmt.Errorf("list backups of %s: the server lists %q, which is not below it: correct the parameter "+
				"endpoint", foreign.Quote(b.address()), foreign.Quote(object.Key))
		}
		if name == "" || strings.HasSuffix(name, "/") {
			continue // stands for a folder
		}
		if matches, _ := path.Match(b.pattern, path.Base(name)); !matches { // Open has tried the pattern
			others.add(name)
			continue
		}
		found = append(found, Backup{Name: name, Time: object.LastModified, Size: object.Size})
	}
	return sortNewestFirst(found), others, ctx.Err()
}

// Verify implements Location.
func (b bucket) Verify(ctx context.Context, backup Backup) error {
	object, err := b.client.GetObject(ctx, b.name, b.prefix+backup.Name, minio.GetObjectOptions{})
	if err != nil {
		return foreign.Error(err)
	}
	defer func() { _ = object.Close() }()
	err = verifySnapshot(object, backup)
	var answer minio.ErrorResponse
	if !errors.As(err, &answer) {
		return err
	}
	switch answer.Code {
	case minio.AccessDenied, "InvalidObjectState": // the object's age is known all the same
		return fmt.Errorf("%w: it cannot be read (%s)", ErrUnverified, foreign.Quote(answer.Code))
	default:
		return foreign.Error(err)
	}
}
