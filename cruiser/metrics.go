package cruiser

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"k8s.io/apimachinery/pkg/types"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
	"github.com/etcdfleet/etcd-fleet/internal/guard"
)

// seriesLabels are what every etcd_inspection_ series is about: the labels of the cluster's own series, and the check.
type seriesLabels struct {
	region, product, scene, spec, cluster, check string
}

var seriesLabelNames = []string{"region", "product", "scene", "spec", "cluster", "check"}

// metrics exposes the last run of each monitor. It is a collector over what is known now, not a set of gauges to keep in
// step, so nothing stays behind when a monitor is deleted or a run measures nothing. A monitor costs about eight series.
type metrics struct {
	runs     *prometheus.Desc
	outcome  *prometheus.Desc
	lastRun  *prometheus.Desc
	duration *prometheus.Desc
	fresh    *prometheus.Desc

	// values are the gauges of each check's values, by check and value.
	values map[string]map[string]*prometheus.Desc

	mu       sync.Mutex
	monitors map[types.NamespacedName]*monitorSeries
}

// monitorSeries are the series of one monitor. They are replaced, never changed, so that a scrape holds no lock.
type monitorSeries struct {
	labels   seriesLabels
	runs     map[etcdv1beta1.Outcome]float64
	outcome  etcdv1beta1.Outcome
	lastRun  time.Time
	duration time.Duration
	values   map[string]float64

	// answered is when the last run ended that could be done, and freshFor how long its result counts.
	answered time.Time
	freshFor time.Duration
}

func newMetrics(registry checks.Registry) *metrics {
	withOutcome := append(append([]string{}, seriesLabelNames...), "outcome")
	m := &metrics{
		runs: prometheus.NewDesc("etcd_inspection_runs_total",
			"Runs of an inspection since cruiser started, by outcome.", withOutcome, nil),
		outcome: prometheus.NewDesc("etcd_inspection_outcome",
			"1 for the outcome of an inspection's last run.", withOutcome, nil),
		lastRun: prometheus.NewDesc("etcd_inspection_last_run_timestamp_seconds",
			"When an inspection's last run ended.", seriesLabelNames, nil),
		duration: prometheus.NewDesc("etcd_inspection_duration_seconds",
			"How long an inspection's last run took.", seriesLabelNames, nil),
		fresh: prometheus.NewDesc("etcd_inspection_fresh",
			"1 while an inspection's last result is not older than two intervals, else 0. A run that could not be done has no result.",
			seriesLabelNames, nil),
		values:   map[string]map[string]*prometheus.Desc{},
		monitors: map[types.NamespacedName]*monitorSeries{},
	}
	for name, check := range registry {
		m.values[name] = map[string]*prometheus.Desc{}
		for _, value := range check.Values {
			m.values[name][value.Name] = prometheus.NewDesc(value.Metric, value.Help, seriesLabelNames, nil)
		}
	}
	return m
}

// record exposes a run that just ended.
func (m *metrics) record(monitor types.NamespacedName, labels seriesLabels, run etcdv1beta1.EtcdMonitorRecord) {
	m.mu.Lock()
	defer m.mu.Unlock()
	series := newMonitorSeries(labels, run)
	if previous, exists := m.monitors[monitor]; exists {
		series.freshFor = previous.freshFor
		if run.Outcome == etcdv1beta1.OutcomeError {
			series.answered = previous.answered
		}
		if previous.labels == labels {
			maps.Copy(series.runs, previous.runs)
		}
	}
	series.runs[run.Outcome]++
	m.monitors[monitor] = series
}

// restore exposes the last run of an earlier process, or of another replica, so that no alert flaps when cruiser
// restarts; and that a monitor has not run yet. Results count for freshFor.
func (m *metrics) restore(
	monitor types.NamespacedName, labels seriesLabels, records []etcdv1beta1.EtcdMonitorRecord, freshFor time.Duration,
) {
	m.mu.Lock()
	defer m.mu.Unlock()
	series, exists := m.monitors[monitor]
	switch {
	case !exists:
		series = restoredSeries(labels, records)
	case series.freshFor == freshFor:
		return
	default:
		copied := *series
		series = &copied
	}
	series.freshFor = freshFor
	m.monitors[monitor] = series
}

func restoredSeries(labels seriesLabels, records []etcdv1beta1.EtcdMonitorRecord) *monitorSeries {
	if len(records) == 0 {
		return &monitorSeries{labels: labels}
	}
	series := newMonitorSeries(labels, records[len(records)-1])
	for _, record := range records {
		if record.Outcome != etcdv1beta1.OutcomeError {
			series.answered = record.EndTime.Time
		}
	}
	return series
}

func (m *metrics) forget(monitor types.NamespacedName) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.monitors, monitor)
}

func newMonitorSeries(labels seriesLabels, run etcdv1beta1.EtcdMonitorRecord) *monitorSeries {
	series := &monitorSeries{
		labels:  labels,
		runs:    map[etcdv1beta1.Outcome]float64{},
		outcome: run.Outcome,
		lastRun: run.EndTime.Time,
		values:  run.Values,
	}
	if run.Outcome != etcdv1beta1.OutcomeError {
		series.answered = run.EndTime.Time
	}
	if run.Duration != nil {
		series.duration = run.Duration.Duration
	}
	return series
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(descs chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{m.runs, m.outcome, m.lastRun, m.duration, m.fresh} {
		descs <- desc
	}
	for _, values := range m.values {
		for _, desc := range values {
			descs <- desc
		}
	}
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(out chan<- prometheus.Metric) {
	pairs := labelPairs{}
	for _, series := range m.unique() {
		// It logs: the series of one monitor are missing then, and those of the others are there.
		_ = guard.Run(context.Background(), "the metrics of "+series.labels.check, func() error {
			m.collectMonitor(series, pairs, out)
			return nil
		})
	}
}

// unique returns the series to expose. Two monitors may name one cluster and check; since one series exposed twice makes
// the whole scrape fail, the newer run wins.
func (m *metrics) unique() map[seriesLabels]*monitorSeries {
	m.mu.Lock()
	defer m.mu.Unlock()
	unique := make(map[seriesLabels]*monitorSeries, len(m.monitors))
	for _, series := range m.monitors {
		if other, exists := unique[series.labels]; !exists || series.lastRun.After(other.lastRun) {
			unique[series.labels] = series
		}
	}
	return unique
}

func (m *metrics) collectMonitor(s *monitorSeries, pairs labelPairs, out chan<- prometheus.Metric) {
	labels := pairs.of(s.labels)
	gauge := func(desc *prometheus.Desc, value float64, labels []*dto.LabelPair) {
		out <- &sample{desc: desc, labels: labels, gauge: &value}
	}
	isFresh := 0.0
	if time.Since(s.answered) <= s.freshFor {
		isFresh = 1
	}
	gauge(m.fresh, isFresh, labels)
	if s.lastRun.IsZero() {
		return // it has not run yet
	}
	for outcome, count := range s.runs {
		out <- &sample{desc: m.runs, labels: pairs.withOutcome(labels, outcome), counter: &count}
	}
	if s.outcome != "" { // other programs' records may lack it
		gauge(m.outcome, 1, pairs.withOutcome(labels, s.outcome))
	}
	gauge(m.lastRun, float64(s.lastRun.UnixMilli())/1000, labels)
	gauge(m.duration, s.duration.Seconds(), labels)
	for name, value := range s.values {
		if desc, declared := m.values[s.labels.check][name]; declared {
			gauge(desc, value, labels)
		}
	}
}

// sample is one series in a scrape. Unlike those of package prometheus, samples share their labels: half a million series
// of a large fleet with labels of their own would be most of cruiser's memory.
type sample struct {
	desc           *prometheus.Desc
	labels         []*dto.LabelPair
	gauge, counter *float64
}

// Desc implements prometheus.Metric.
func (s *sample) Desc() *prometheus.Desc { return s.desc }

// Write implements prometheus.Metric.
func (s *sample) Write(out *dto.Metric) error {
	out.Label = s.labels
	if s.counter != nil {
		out.Counter = &dto.Counter{Value: s.counter}
	} else {
		out.Gauge = &dto.Gauge{Value: s.gauge}
	}
	return nil
}

// beforeOutcome is how many of the other labels have names before it.
const beforeOutcome = 2

// labelPairs are the pairs of one scrape, each made once.
type labelPairs map[[2]string]*dto.LabelPair

func (p labelPairs) pair(name, value string) *dto.LabelPair {
	key := [2]string{name, value}
	if p[key] == nil {
		p[key] = &dto.LabelPair{Name: &key[0], Value: &key[1]}
	}
	return p[key]
}

// of returns labels in the order of their names, as Write must.
func (p labelPairs) of(l seriesLabels) []*dto.LabelPair {
	return []*dto.LabelPair{
		p.pair("check", l.check), p.pair("cluster", l.cluster), p.pair("product", l.product), p.pair("region", l.region),
		p.pair("scene", l.scene), p.pair("spec", l.spec),
	}
}

// withOutcome adds the outcome to labels, also in the order of names.
func (p labelPairs) withOutcome(labels []*dto.LabelPair, outcome etcdv1beta1.Outcome) []*dto.LabelPair {
	return slices.Concat(labels[:beforeOutcome], []*dto.LabelPair{p.pair("outcome", string(outcome))}, labels[beforeOutcome:])
}
