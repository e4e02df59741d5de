package backups

import (
	"cmp"
	"errors"
	"net"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// DefaultEndpoints are those of Amazon's S3, which are the same for everybody and lie in nobody's own network. Each * is
// one label of a name: s3.*.amazonaws.com shall not match a database that somebody named s3.
var DefaultEndpoints = []string{
	"s3.amazonaws.com", "s3.*.amazonaws.com", "s3-fips.*.amazonaws.com", "s3.dualstack.*.amazonaws.com",
	"s3.*.amazonaws.com.cn", "s3.dualstack.*.amazonaws.com.cn",
}

// anyPort stands for every port in a pattern.
const anyPort = "*"

var labelPattern = regexp.MustCompile(`^[a-z0-9*_-]+$`)

// endpointPattern is [http://]host[:port]. In the host, * stands for any characters but dots. Without a scheme it is
// https, and without a port the scheme's.
type endpointPattern struct {
	scheme, port string
	labels       []string
}

func parseEndpointPattern(text string) (endpointPattern, error) {
	problem := errors.New("write [http://]host[:port], for example minio.example.org:9000 or s3.*.example.org, where * is a part " +
		"of a name between dots")
	scheme, host, found := strings.Cut(strings.ToLower(text), "://")
	if !found {
		scheme, host = "https", scheme
	}
	if scheme != "https" && scheme != "http" {
		return endpointPattern{}, problem
	}
	p := endpointPattern{scheme: scheme, port: portOf(scheme, "")}
	if name, port, err := net.SplitHostPort(host); err == nil {
		if port != anyPort && !isPort(port) {
			return endpointPattern{}, problem
		}
		host, p.port = name, port
	}
	if address := strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"); strings.Contains(address, ":") && net.ParseIP(address) != nil {
		p.labels = []string{address}
		return p, nil
	}
	p.labels = strings.Split(host, ".")
	for _, label := range p.labels {
		if !labelPattern.MatchString(label) {
			return endpointPattern{}, problem
		}
	}
	if strings.Trim(host, "*.") == "" {
		return endpointPattern{}, errors.New("it matches every host: name a part of those that are meant")
	}
	return p, nil
}

func isPort(text string) bool {
	port, err := strconv.ParseUint(text, 10, 16)
	return err == nil && port > 0
}

// portOf is the port that a URL means.
func portOf(scheme, port string) string {
	standard := map[string]string{"https": "443", "http": "80"}
	return cmp.Or(port, standard[scheme])
}

func (p endpointPattern) matches(server *url.URL) bool {
	if server.Scheme != p.scheme || p.port != anyPort && portOf(server.Scheme, server.Port()) != p.port {
		return false
	}
	host := strings.ToLower(server.Hostname())
	labels := strings.Split(host, ".")
	if strings.Contains(host, ":") { // an IPv6 address
		labels = []string{host}
	}
	return slices.EqualFunc(p.labels, labels, func(pattern, label string) bool {
		matched, err := path.Match(pattern, label)
		return err == nil && matched
	})
}
