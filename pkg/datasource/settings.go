package datasource

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
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

// settings is the configuration of one datasource; docs/datasource.md describes it. A region whose own settings are
// wrong is among the regions, with what is wrong.
type settings struct {
	thanosURL      *url.URL
	regions        []inventory.RegionConfig
	minRoleToRun   role
	queryTimeout   time.Duration
	scrapeInterval time.Duration
	view           view
}

type jsonData struct {
	Regions             json.RawMessage `json:"regions"`
	MinRoleToRun        role            `json:"minRoleToRun"`
	QueryTimeoutSeconds float64         `json:"queryTimeoutSeconds"`
	TimeInterval        string          `json:"timeInterval"`
	TLSSkipVerify       bool            `json:"tlsSkipVerify"`
}

var (
	errNoScheme    = errors.New("enter an address with its scheme, for example https://10.0.0.1:6443")
	errCredentials = errors.New("credentials do not belong into a URL, which is stored in plain text: use the fields for them")
)

// parseSettings returns the configuration, or everything that is wrong with it, field by field. What is wrong with one
// region is that region's trouble and no error here.
func parseSettings(instance backend.DataSourceInstanceSettings) (settings, error) {
	raw := jsonData{MinRoleToRun: roleEditor, QueryTimeoutSeconds: defaultQueryTimeout.Seconds(), TimeInterval: model.Duration(defaultScrapeInterval).String()}
	if len(instance.JSONData) > 0 {
		if err := json.Unmarshal(instance.JSONData, &raw); err != nil {
			return settings{}, fmt.Errorf("jsonData: %s", jsonProblem(err))
		}
	}
	var parsed settings
	var problems []error
	problem := func(field string, err error) {
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", field, err))
		}
	}
	var ofView, ofURL []error
	parsed.view, ofView = parseView(instance.JSONData)
	parsed.regions = parseRegions(raw.Regions, instance.DecryptedSecureJSONData, parsed.view.hidesInternals)
	parsed.thanosURL, ofURL = parsed.view.parseThanosURL(instance.URL, instance.DecryptedSecureJSONData[thanosURLSecret])
	problems = append(ofView, ofURL...)
	var err error
	parsed.minRoleToRun, err = parseMinRole(raw.MinRoleToRun)
	problem("jsonData.minRoleToRun", err)
	parsed.queryTimeout, err = parseQueryTimeout(raw.QueryTimeoutSeconds)
	problem("jsonData.queryTimeoutSeconds", err)
	parsed.scrapeInterval, err = parseScrapeInterval(raw.TimeInterval)
	problem("jsonData.timeInterval", err)
	if raw.TLSSkipVerify {
		problem("jsonData.tlsSkipVerify", errors.New("certificates are always verified: switch this off and give the CA certificate instead"))
	}
	return parsed, errors.Join(problems...)
}

func parseURL(text string) (*url.URL, error) {
	if err := checkFilledIn(text); err != nil {
		return nil, err
	}
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
		return 0, fmt.Errorf("%q is not a duration: enter how often Prometheus scrapes etcd, for example 15s", text)
	}
	return time.Duration(interval), nil
}

// jsonProblem words a decoding error without Go's types.
func jsonProblem(err error) string {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		article := "a"
		if strings.HasPrefix(wrong.Value, "array") || strings.HasPrefix(wrong.Value, "object") {
			article = "an"
		}
		return strings.TrimSpace(fmt.Sprintf("%s must not be %s %s", wrong.Field, article, wrong.Value))
	}
	return err.Error()
}
