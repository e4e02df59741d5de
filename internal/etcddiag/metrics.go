package etcddiag

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/etcdfleet/etcd-fleet/internal/foreign"
)

const (
	// httpTimeout bounds a question to a member's HTTP server. etcd itself gives a read about 7 s.
	httpTimeout = 8 * time.Second

	// maxMetricsBytes bounds a member's /metrics, which is about 200 KB.
	maxMetricsBytes = 16 << 20
)

// Metrics reads the metrics of these names from the member's /metrics, and parses nothing else of it.
func (m *Member) Metrics(ctx context.Context, names ...string) (map[string]*dto.MetricFamily, error) {
	url := m.MetricsEndpoint + "/metrics"
	var lines bytes.Buffer
	status, err := m.Get(ctx, url, func(body io.Reader) error {
		return copyFamilies(&lines, io.LimitReader(body, maxMetricsBytes), names)
	})
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("%s answers %d %s", url, status, http.StatusText(status))
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(&lines)
	return families, foreign.Error(err)
}

// copyFamilies copies the lines of the metrics of these names.
func copyFamilies(to *bytes.Buffer, from io.Reader, names []string) error {
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		series := strings.TrimPrefix(lines.Text(), "# TYPE ")
		for _, name := range names {
			// A histogram's series are named name_bucket, name_sum and name_count.
			if rest, found := strings.CutPrefix(series, name); found && rest != "" && strings.ContainsRune(" {_", rune(rest[0])) {
				to.WriteString(lines.Text() + "\n")
				break
			}
		}
	}
	return lines.Err()
}

// GaugeOf is the value of a gauge without labels.
func GaugeOf(family *dto.MetricFamily) (value float64, found bool) {
	metrics := family.GetMetric()
	if len(metrics) == 0 {
		return 0, false
	}
	return metrics[0].GetGauge().GetValue(), true
}

// HistogramCount is how many values a histogram without labels has counted; 0 when there is none.
func HistogramCount(family *dto.MetricFamily) uint64 {
	if metrics := family.GetMetric(); len(metrics) > 0 {
		return metrics[0].GetHistogram().GetSampleCount()
	}
	return 0
}

// Get sends a GET request to the member and passes the body of its answer to read.
func (m *Member) Get(ctx context.Context, url string, read func(io.Reader) error) (status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, httpTimeout)
	defer cancel()
	client, err := m.connector.HTTP()
	if err != nil {
		return 0, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	return response.StatusCode, read(response.Body)
}
