package datasource

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/prometheus/common/model"

	"github.com/etcdfleet/etcd-fleet/pkg/inventory"
)

const (
	defaultQueryTimeout   = 30 * time.Second
	maxQueryTimeout       = 300 * time.Second
	defaultScrapeInterval = 15 * time.Second
)

// settings is the validated configuration of one datasource; docs/datasource.md describes it.
type settings struct {
	thanosURL      *url.URL
	regions        []inventory.RegionConfig
	minRoleToRun   role
	queryTimeout   time.Duration
	scrapeInterval time.Duration
}

type jsonData struct {
	Regions []struct {
		Name       string `json:"name"`
		URL        string `json:"url"`
		Namespace  string `json:"namespace"`
		ServerName string `json:"serverName"`
	} `json:"regions"`
	MinRoleToRun        role    `json:"minRoleToRun"`
	QueryTimeoutSeconds float64 `json:"queryTimeoutSeconds"`
	TimeInterval        string  `json:"timeInterval"`
	TLSSkipVerify       bool    `json:"tlsSkipVerify"`
}

var (
	dnsLabel = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

	errNoScheme    = errors.New("enter an address with its scheme, for example https://10.0.0.1:6443")
	errCredentials = errors.New("credentials do not belong into a URL, which is stored in plain text: use the fields for them")
)

// parseSettings returns the configuration, or everything that is wrong with it, field by field.
func parseSettings(instance backend.DataSourceInstanceSettings) (settings, error) {
	raw := jsonData{MinRoleToRun: roleEditor, QueryTimeoutSeconds: defaultQueryTimeout.Seconds(), TimeInterval: model.Duration(defaultScrapeInterval).String()}
	if len(instance.JSONData) > 0 {
		if err := json.Unmarshal(instance.JSONData, &raw); err != nil {
			return settings{}, fmt.Errorf("jsonData: %s", jsonProblem(err))
		}
	}
	var (
		parsed   settings
		problems []error
	)
	problem := func(field string, err error) {
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", field, err))
		}
	}
	var err error
	parsed.thanosURL, err = parseURL(instance.URL)
	problem("url", err)
	parsed.minRoleToRun, err = parseMinRole(raw.MinRoleToRun)
	problem("jsonData.minRoleToRun", err)
	parsed.queryTimeout, err = parseQueryTimeout(raw.QueryTimeoutSeconds)
	problem("jsonData.queryTimeoutSeconds", err)
	parsed.scrapeInterval, err = parseScrapeInterval(raw.TimeInterval)
	problem("jsonData.timeInterval", err)
	if raw.TLSSkipVerify {
		problem("jsonData.tlsSkipVerify", errors.New("certificates are always verified: switch this off and give the CA certificate instead"))
	}
	for i, region := range raw.Regions {
		config := inventory.RegionConfig{
			Name:       region.Name,
			URL:        strings.TrimSuffix(region.URL, "/"),
			Namespace:  region.Namespace,
			ServerName: region.ServerName,
			Token:      strings.TrimSpace(instance.DecryptedSecureJSONData[region.Name+".token"]),
			CACert:     instance.DecryptedSecureJSONData[region.Name+".caCert"],
			ClientCert: instance.DecryptedSecureJSONData[region.Name+".clientCert"],
			ClientKey:  instance.DecryptedSecureJSONData[region.Name+".clientKey"],
		}
		problems = append(problems, regionProblems(fmt.Sprintf("jsonData.regions[%d]", i), config)...)
		if slices.ContainsFunc(parsed.regions, func(other inventory.RegionConfig) bool { return other.Name == config.Name }) {
			problem(fmt.Sprintf("jsonData.regions[%d].name", i), fmt.Errorf("there is a region %q already: each name may be used once", config.Name))
		}
		parsed.regions = append(parsed.regions, config)
	}
	return parsed, errors.Join(problems...)
}

func regionProblems(field string, config inventory.RegionConfig) []error {
	var problems []error
	if !dnsLabel.MatchString(config.Name) {
		problems = append(problems, fmt.Errorf("%s.name: %q is no DNS label: enter the value of the label region of its series, for example gz", field, config.Name))
	}
	if config.Namespace != "" && !dnsLabel.MatchString(config.Namespace) {
		problems = append(problems, fmt.Errorf("%s.namespace: %q is no name of a namespace", field, config.Namespace))
	}
	if config.CACert != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(config.CACert)) {
		problems = append(problems, fmt.Errorf("secureJsonData[%q]: this is no PEM text: paste the whole file, from -----BEGIN to -----END", config.Name+".caCert"))
	}
	if (config.ClientCert == "") != (config.ClientKey == "") {
		problems = append(problems, fmt.Errorf("secureJsonData[%q]: a client certificate and its key are of use only together", config.Name+".clientCert"))
	} else if _, err := tls.X509KeyPair([]byte(config.ClientCert), []byte(config.ClientKey)); err != nil && config.ClientCert != "" {
		problems = append(problems, fmt.Errorf("secureJsonData[%q]: the client certificate and its key do not fit: %w", config.Name+".clientCert", err))
	}
	address, err := parseURL(config.URL)
	if err != nil {
		return append(problems, fmt.Errorf("%s.url: %w", field, err))
	}
	if address.Scheme == "https" && config.Token == "" && config.ClientCert == "" {
		problems = append(problems, fmt.Errorf("secureJsonData[%q]: give region %s a token, or a client certificate and key", config.Name+".token", config.Name))
	}
	if address.Scheme == "http" && !isLoopback(address.Hostname()) {
		problems = append(problems, fmt.Errorf("%s.url: begin it with https://: only an API server on the same machine may be reached without TLS", field))
	}
	return problems
}

func parseURL(text string) (*url.URL, error) {
	parsed, err := url.Parse(text)
	if err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
		return nil, errNoScheme // not err: it quotes the URL, which may hold a password
	}
	if parsed.User != nil {
		return nil, errCredentials
	}
	return parsed, nil
}

func isLoopback(host string) bool {
	address := net.ParseIP(host)
	return host == "localhost" || address != nil && address.IsLoopback()
}

func parseQueryTimeout(seconds float64) (time.Duration, error) {
	timeout := time.Duration(seconds * float64(time.Second))
	if timeout < time.Second || timeout > maxQueryTimeout {
		return 0, fmt.Errorf("enter 1 to %d seconds", int(maxQueryTimeout.Seconds()))
	}
	return timeout, nil
}

func parseScrapeInterval(text string) (time.Duration, error) {
	interval, err := model.ParseDuration(text)
	if err != nil || interval <= 0 {
		return 0, fmt.Errorf("%q is no duration: enter how often Prometheus scrapes etcd, for example 15s", text)
	}
	return time.Duration(interval), nil
}

// jsonProblem words a decoding error without Go's types.
func jsonProblem(err error) string {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Sprintf("%s must not be a %s", wrong.Field, wrong.Value)
	}
	return err.Error()
}
