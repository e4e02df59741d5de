package diagnosis

import "fmt"

// regionAway is a region whose API server cannot be asked: inspections and members are as of then.
func regionAway(s *Snapshot) []Finding {
	if s.RegionAway == nil {
		return nil
	}
	return []Finding{{
		Severity:  Blind,
		Since:     s.RegionAway.Since,
		Statement: fmt.Sprintf("The API server of region %s cannot be reached: members and inspections of %s are as of %s. %s", s.Region, s.Cluster, s.RegionAway.Since.UTC().Format("15:04:05 MST"), s.RegionAway.Reason),
		Action:    "Bring back the region's API server; the datasource's health check says what is wrong with the connection.",
	}}
}
