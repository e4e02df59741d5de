package diagnosis

import "fmt"

// seriesAway is a cluster whose series cannot be read, whatever they would say: inspections are all that is known of it.
func seriesAway(s *Snapshot) []Finding {
	if s.SeriesAway == "" {
		return nil
	}
	return []Finding{{
		Severity:  Blind,
		Statement: fmt.Sprintf("No series of %s can be read: %s Only its inspections say how it is.", s.Cluster, s.SeriesAway),
		Action:    "Bring back Thanos query and the sidecar of the region's Prometheus; the datasource's health check says which of them does not answer.",
		Check:     "request-latency",
	}}
}
