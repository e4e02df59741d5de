package probe

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

// labels are those of the cluster's own series.
type labels struct {
	region, product, scene, spec, cluster string
}

var labelNames = []string{"region", "product", "scene", "spec", "cluster"}

func labelsOf(c *etcdv1beta1.EtcdCluster) labels {
	return labels{
		region: c.Spec.Region, product: c.Spec.ProductName, scene: c.Spec.Scene, spec: string(c.Spec.Specification),
		cluster: c.Spec.ClusterID,
	}
}

var (
	success = prometheus.NewDesc("etcdfleet_probe_success",
		"1 when cruiser's last read by a quorum of the cluster succeeded, 0 when it failed on all members. Absent when cruiser cannot ask.",
		labelNames, nil)
	timestamp = prometheus.NewDesc("etcdfleet_probe_timestamp_seconds",
		"When cruiser's last read by a quorum of the cluster succeeded or failed.", labelNames, nil)
)

// Describe implements prometheus.Collector.
func (p *Prober) Describe(descs chan<- *prometheus.Desc) {
	descs <- success
	descs <- timestamp
}

// Collect implements prometheus.Collector. An old verdict is left out: a prober that cannot keep up says
// nothing rather than what was.
func (p *Prober) Collect(out chan<- prometheus.Metric) {
	now := time.Now()
	for _, t := range p.judged() {
		if !p.options.Owns(t.key) || now.Sub(t.judged) > p.goodFor() {
			continue
		}
		value := 0.0
		if t.verdict == alive {
			value = 1
		}
		l := t.labels
		out <- prometheus.MustNewConstMetric(success, prometheus.GaugeValue, value, l.region, l.product, l.scene, l.spec, l.cluster)
		out <- prometheus.MustNewConstMetric(timestamp, prometheus.GaugeValue, float64(t.judged.UnixMilli())/1000,
			l.region, l.product, l.scene, l.spec, l.cluster)
	}
}

// judged returns copies of the targets with a verdict.
func (p *Prober) judged() (all []target) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range p.targets {
		if t.verdict != unknown {
			all = append(all, *t)
		}
	}
	return all
}

// goodFor is how long a verdict counts: two probes may be late by all that they may take.
func (p *Prober) goodFor() time.Duration {
	return 2*p.options.Interval + 4*timeout
}
