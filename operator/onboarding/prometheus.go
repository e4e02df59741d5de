package onboarding

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

const (
	// queryTimeout bounds one query of Prometheus.
	queryTimeout = 10 * time.Second

	// maxAnswer is the largest answer that is read, in bytes: 30,000 members have about 8 MB.
	maxAnswer = 64 << 20

	// maxNamed is how many clusters a query names; for more it asks for all.
	maxNamed = 100
)

// Prometheus says how the region's Prometheus is asked.
type Prometheus struct {
	// URL is where it serves its API, for example https://prometheus:9090; "" asks nobody.
	URL string

	// CAFile holds the authorities (PEM) of its certificate; "" means those of the system.
	CAFile string

	// CertFile and KeyFile (PEM) are a client certificate.
	CertFile, KeyFile string

	// TokenFile holds a bearer token. It is read for each query, so it may be rotated.
	TokenFile string
}

// asker asks which members are scraped well now.
type asker struct {
	query     string
	client    *http.Client
	tokenFile string
}

// newAsker returns an asker, or nil if there is no Prometheus to ask.
func newAsker(of Prometheus) (*asker, error) {
	if of.URL == "" {
		if of != (Prometheus{}) {
			return nil, errors.New("the other --prometheus- flags need --prometheus-url")
		}
		return nil, nil
	}
	base, err := url.Parse(of.URL)
	switch {
	case err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https":
		return nil, errors.New("--prometheus-url must be an http:// or https:// URL, for example https://prometheus:9090")
	case base.User != nil:
		return nil, errors.New("--prometheus-url must hold no user or password: use --prometheus-token-file")
	case of.TokenFile != "" && base.Scheme != "https":
		return nil, errors.New("--prometheus-token-file would send the token in plain text: use an https:// URL in --prometheus-url")
	case (of.CertFile == "") != (of.KeyFile == ""):
		return nil, errors.New("set both --prometheus-cert-file and --prometheus-key-file, or neither")
	}
	config, err := of.tls()
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = config
	return &asker{
		query:     base.JoinPath("/api/v1/query").String(),
		tokenFile: of.TokenFile,
		// The token is for Prometheus alone: a redirect is not followed.
		client: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

func (p Prometheus) tls() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if p.CAFile != "" {
		content, err := os.ReadFile(p.CAFile)
		if err != nil {
			return nil, fmt.Errorf("--prometheus-ca-file: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(content) {
			return nil, fmt.Errorf("--prometheus-ca-file: %s holds no certificate in PEM", p.CAFile)
		}
	}
	if p.CertFile != "" {
		if _, err := tls.LoadX509KeyPair(p.CertFile, p.KeyFile); err != nil {
			return nil, fmt.Errorf("--prometheus-cert-file and --prometheus-key-file: %w", err)
		}
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { // may be rotated
			pair, err := tls.LoadX509KeyPair(p.CertFile, p.KeyFile)
			return &pair, err
		}
	}
	return config, nil
}

// scraped is which members are scraped well, by the identity of their cluster and their name.
type scraped map[etcdv1beta1.ClusterIdentity]map[string]bool

// ask returns the members of the clusters that are scraped well now.
func (a *asker) ask(ctx context.Context, clusters []*cluster) (scraped, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	form := url.Values{"query": {expression(clusters)}, "timeout": {queryTimeout.String()}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.query, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if a.tokenFile != "" {
		token, err := os.ReadFile(a.tokenFile)
		if err != nil {
			return nil, fmt.Errorf("--prometheus-token-file: %w", err)
		}
		request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	}
	response, err := a.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("prometheus answers %d", response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxAnswer {
		return nil, fmt.Errorf("the answer has more than %d bytes", maxAnswer)
	}
	return parse(body)
}

// expression asks for the members of the clusters, or of all if there are many.
func expression(clusters []*cluster) string {
	if len(clusters) > maxNamed {
		return `up{job="etcd"} == 1`
	}
	names := make([]string, len(clusters))
	for i, c := range clusters {
		names[i] = regexp.QuoteMeta(c.Spec.ClusterID)
	}
	return `up{job="etcd",cluster=~` + strconv.Quote(strings.Join(names, "|")) + `} == 1`
}

func parse(body []byte) (scraped, error) {
	var answer struct {
		Data struct {
			ResultType string `json:"resultType"`
			Result     []struct {
				Metric struct {
					Region  string `json:"region"`
					Cluster string `json:"cluster"`
					Member  string `json:"member"`
				} `json:"metric"`
			} `json:"result"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("the answer is not Prometheus's: %w", err)
	}
	if answer.Data.ResultType != "vector" {
		return nil, errors.New("the answer holds no instant vector")
	}
	found := scraped{}
	for _, series := range answer.Data.Result {
		of := etcdv1beta1.ClusterIdentity{Region: series.Metric.Region, ClusterID: series.Metric.Cluster}
		if found[of] == nil {
			found[of] = map[string]bool{}
		}
		found[of][series.Metric.Member] = true
	}
	return found, nil
}
