package backups

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/etcdfleet/etcd-fleet/internal/foreign"
)

var (
	placeholder = regexp.MustCompile(`\{[^{}]*\}`)

	// placeholderValue lets a value be a part of a folder's name, and never a folder above it, another host or a pattern.
	placeholderValue = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`)
)

// expand replaces the placeholders.
func (s Settings) expand() (Settings, error) {
	values := map[string]string{"{clusterId}": s.ClusterID, "{region}": s.ClusterRegion}
	for parameter, text := range map[string]*string{"location": &s.Location, "pattern": &s.Pattern} {
		for _, name := range placeholder.FindAllString(*text, -1) {
			value, known := values[name]
			if !known {
				return s, fmt.Errorf("the %s of backups holds %q: use {clusterId} and {region}, there is nothing else to fill in",
					parameter, foreign.Quote(name))
			}
			if !placeholderValue.MatchString(value) {
				return s, fmt.Errorf("the %s of backups holds %s, and that of the EtcdCluster is %q: write the %s without %s, or give the "+
					"cluster one of letters, digits, dashes, dots and underscores", parameter, name, foreign.Quote(value), parameter, name)
			}
			*text = strings.ReplaceAll(*text, name, value)
		}
	}
	return s, nil
}

// parseLocation reads a location and refuses what could lead out of its folder.
func parseLocation(location string) (*url.URL, error) {
	problem := func(remedy string) (*url.URL, error) {
		return nil, fmt.Errorf("the location of backups is %q: %s", foreign.Quote(location), remedy)
	}
	address, err := url.Parse(location)
	switch {
	case strings.Contains(location, "@") && (err != nil || address.User != nil):
		return nil, errors.New("the location of backups holds a login: remove it, and put the keys into the cluster's Secret")
	case err != nil:
		return problem("set it to a URL that begins with file:// or s3://")
	case address.RawQuery != "" || address.ForceQuery || address.Fragment != "":
		return problem("write ? as %3F and # as %23")
	case strings.ContainsFunc(address.Path, unicode.IsControl):
		return problem("remove the control characters")
	case slices.ContainsFunc(strings.Split(address.Path, "/"), func(part string) bool { return part == "." || part == ".." }):
		return problem("write it without . and .. as names of folders")
	}
	return address, nil
}
