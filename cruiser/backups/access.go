package backups

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/etcdfleet/etcd-fleet/internal/foreign"
)

// The flags that an Access comes from; messages name them.
const (
	RootFlag      = "backup-root"
	EndpointsFlag = "backup-s3-endpoints"
)

// Access bounds where locations may be. Whoever writes an EtcdMonitor chooses a location, and cruiser reads it: without
// bounds it would read any folder of its own, and ask any server of its network.
type Access struct {
	volumes   []*volume
	endpoints []endpointPattern
}

// NewAccess allows file:// locations in the folders, and s3:// locations on the servers that match a pattern (see
// DefaultEndpoints). It does not touch them.
func NewAccess(roots, endpoints []string) (*Access, error) {
	access := &Access{}
	for _, root := range roots {
		if !filepath.IsAbs(root) || filepath.Clean(root) == "/" {
			return nil, fmt.Errorf("--%s is %q: set it to the absolute path of the folder where the volume of backups is mounted",
				RootFlag, root)
		}
		access.volumes = append(access.volumes, newVolume(filepath.Clean(root)))
	}
	for _, text := range endpoints {
		pattern, err := parseEndpointPattern(text)
		if err != nil {
			return nil, fmt.Errorf("--%s has %q: %w", EndpointsFlag, text, err)
		}
		access.endpoints = append(access.endpoints, pattern)
	}
	return access, nil
}

// volumeOf returns the root that a folder lies in, and the folder's path from there.
func (a *Access) volumeOf(folder string) (*volume, string, error) {
	if len(a.volumes) == 0 {
		return nil, "", fmt.Errorf("no file:// location may be read: start cruiser with --%s and the folder where the volume of "+
			"backups is mounted", RootFlag)
	}
	var roots []string
	for _, v := range a.volumes {
		if inner, err := filepath.Rel(v.root, folder); err == nil && filepath.IsLocal(inner) {
			return v, inner, nil
		}
		roots = append(roots, v.root)
	}
	return nil, "", fmt.Errorf("the folder %s is not in %s: choose one there, or start cruiser with another --%s",
		foreign.Quote(folder), strings.Join(roots, " or "), RootFlag)
}

// allow returns the URL of an S3 server that may be asked.
func (a *Access) allow(endpoint string) (*url.URL, error) {
	parsed, err := url.Parse(endpoint)
	if strings.Contains(endpoint, "@") {
		return nil, errors.New("the endpoint of backups holds a login: remove it, and put the keys into the cluster's Secret")
	}
	if err != nil || parsed.Hostname() == "" || strings.Trim(parsed.Path, "/") != "" || parsed.RawQuery != "" ||
		parsed.Fragment != "" || parsed.Scheme != "https" && parsed.Scheme != "http" {
		return nil, fmt.Errorf("the endpoint of backups is %q: set it to the URL of the S3 server, for example "+
			"https://s3.eu-central-1.amazonaws.com", foreign.Quote(endpoint))
	}
	parsed.Host = strings.ToLower(parsed.Host) // minio-go recognizes Amazon's servers by their names in lower case
	if !a.allows(parsed) {
		return nil, fmt.Errorf("cruiser may not ask the endpoint of backups %q: correct it, or add it to --%s of cruiser",
			foreign.Quote(endpoint), EndpointsFlag)
	}
	return parsed, nil
}

func (a *Access) allows(server *url.URL) bool {
	for _, pattern := range a.endpoints {
		if pattern.matches(server) {
			return true
		}
	}
	return false
}
