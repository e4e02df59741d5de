package backups

import (
	"context"
	"fmt"
	"net/url"
	"path"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// s3Retries replaces minio-go's 10: a server that refuses connections is reported, not waited for.
const s3Retries = 2

// bucket holds backups as objects of an S3 server. Its objects below the prefix are searched at any depth.
type bucket struct {
	client  *minio.Client
	name    string
	prefix  string
	pattern string
}

func newBucket(address *url.URL, settings Settings) (Location, error) {
	if address.Host == "" {
		return nil, fmt.Errorf("the location of backups is %q: set it to s3://bucket/prefix", settings.Location)
	}
	endpoint, err := url.Parse(settings.Endpoint)
	if err != nil || endpoint.Host == "" || strings.Trim(endpoint.Path, "/") != "" ||
		endpoint.Scheme != "https" && endpoint.Scheme != "http" {
		return nil, fmt.Errorf("the endpoint of backups is %q: set it to the URL of the S3 server, for example "+
			"https://s3.eu-central-1.amazonaws.com", settings.Endpoint)
	}
	accessKey, secretKey, err := settings.Keys()
	if err != nil {
		return nil, err
	}
	client, err := minio.New(endpoint.Host, &minio.Options{
		Creds:      credentials.NewStaticV4(accessKey, secretKey, ""),
		Secure:     endpoint.Scheme == "https",
		Region:     settings.Region,
		MaxRetries: s3Retries,
	})
	if err != nil {
		return nil, fmt.Errorf("the endpoint of backups is %q: %w", settings.Endpoint, err)
	}
	return bucket{client: client, name: address.Host, prefix: strings.TrimPrefix(address.Path, "/"), pattern: settings.Pattern}, nil
}

// List implements Location.
func (b bucket) List(ctx context.Context) ([]Backup, error) {
	ctx, cancel := context.WithCancel(ctx) // which ends the listing that is given up
	defer cancel()
	var found []Backup
	listed := 0
	for object := range b.client.ListObjects(ctx, b.name, minio.ListObjectsOptions{Prefix: b.prefix, Recursive: true}) {
		if object.Err != nil {
			return nil, fmt.Errorf("list backups of s3://%s/%s: %w: correct the parameters location and endpoint, or grant the "+
				"access key to list that bucket", b.name, b.prefix, object.Err)
		}
		if listed++; listed > maxBackups {
			return nil, errTooMany("s3://" + b.name + "/" + b.prefix)
		}
		// Open has tried the pattern.
		if matches, _ := path.Match(b.pattern, path.Base(object.Key)); matches {
			found = append(found, Backup{
				Name: strings.TrimPrefix(object.Key, b.prefix), Time: object.LastModified, Size: object.Size,
			})
		}
	}
	return sortNewestFirst(found), ctx.Err()
}

// Verify implements Location.
func (b bucket) Verify(ctx context.Context, backup Backup) error {
	object, err := b.client.GetObject(ctx, b.name, b.prefix+backup.Name, minio.GetObjectOptions{})
	if err != nil {
		return err
	}
	defer func() { _ = object.Close() }()
	return verifySnapshot(object, backup.Size)
}
