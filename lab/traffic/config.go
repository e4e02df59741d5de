package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"sigs.k8s.io/yaml"
)

type config struct {
	Clusters []clusterConfig `json:"clusters"`
}

// clusterConfig describes how to reach one cluster and how much load to put on it.
type clusterConfig struct {
	Name string `json:"name"`

	// Endpoints are the members' client URLs.
	Endpoints []string `json:"endpoints"`

	// Objects is the number of objects that the cluster holds all the time.
	Objects int `json:"objects"`

	// RequestsPerSecond is the average rate over all kinds of requests.
	RequestsPerSecond float64 `json:"requestsPerSecond"`

	// HotKey is a key that every request writes. If it is set, there are no objects.
	HotKey string `json:"hotKey,omitempty"`

	// ListsEverything makes each request read all keys of the cluster at once. If it is set, there are no objects.
	ListsEverything bool `json:"listsEverything,omitempty"`

	TLS *tlsFiles `json:"tls,omitempty"`
}

// tlsFiles are the paths of PEM files.
type tlsFiles struct {
	CA          string `json:"ca"`
	Certificate string `json:"certificate"`
	Key         string `json:"key"`
}

func readConfig(file string) (config, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return config{}, fmt.Errorf("read the configuration: %w", err)
	}
	var c config
	if err := yaml.UnmarshalStrict(text, &c); err != nil {
		return config{}, fmt.Errorf("read the configuration %s: %w", file, err)
	}
	if len(c.Clusters) == 0 {
		return config{}, fmt.Errorf("read the configuration %s: it names no clusters", file)
	}
	for _, cluster := range c.Clusters {
		if err := cluster.validate(); err != nil {
			return config{}, fmt.Errorf("read the configuration %s: cluster %q: %w", file, cluster.Name, err)
		}
	}
	return c, nil
}

// keepsObjects reports whether the load resembles that of API servers, and not that of one client which misbehaves.
func (c clusterConfig) keepsObjects() bool { return c.HotKey == "" && !c.ListsEverything }

func (c clusterConfig) validate() error {
	switch {
	case c.HotKey != "" && c.ListsEverything:
		return errors.New("hotKey and listsEverything exclude each other: remove one")
	case c.Name == "":
		return errors.New("name is missing")
	case len(c.Endpoints) == 0:
		return errors.New("endpoints are missing")
	case c.keepsObjects() && c.Objects < minObjects:
		return fmt.Errorf("objects is %d: at least %d are needed", c.Objects, minObjects)
	case c.RequestsPerSecond <= 0:
		return errors.New("requestsPerSecond must be above 0")
	}
	return nil
}

func (f *tlsFiles) load() (*tls.Config, error) {
	authority, err := os.ReadFile(f.CA)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority) {
		return nil, fmt.Errorf("%s holds no certificate", f.CA)
	}
	certificate, err := tls.LoadX509KeyPair(f.Certificate, f.Key)
	if err != nil {
		return nil, err
	}
	return &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}, nil
}
