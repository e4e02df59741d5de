package diagnosis

import (
	"fmt"
	"strings"
)

// What each side sees of the same requests, by SLI: slo/definitions/slis.yaml.
var (
	seenByAPIServer = []string{"client-read-latency", "client-write-latency"}
	seenByEtcd      = []string{"read-errors", "read-latency", "write-errors", "put-latency", "txn-latency", "wal-fsync", "backend-commit", "leader", "quorum"}
)

// withinBudget is the burn rate below which an SLI spends no more than its budget.
const withinBudget = 1.0

// apiServer is a Kubernetes API server that sees slow requests which etcd answers in time: the time goes in the network
// between them, or in the API server.
func apiServer(s *Snapshot) []Finding {
	for _, sli := range seenByEtcd {
		if rate, known := s.last(burnRate, sli); known && rate >= withinBudget {
			return nil
		}
	}
	if _, known := s.last(burnRate, "txn-latency"); !known {
		return nil // etcd's side is not known
	}
	for _, sli := range seenByAPIServer {
		if rate, known := s.last(burnRate, sli); known && rate >= feltFrom {
			return []Finding{{
				Severity: Degraded,
				Since:    s.since(burnRate, sli, atLeast(feltFrom)),
				Statement: fmt.Sprintf("It is not etcd: %s answers in time, while the API server%s waits. The time goes in the API server or on the way to it.",
					s.Cluster, ofKubernetes(s.KubernetesClusters)),
				Evidence: []Evidence{s.evidence(burnRate, sli, "burn rate of "+sli), s.evidence(burnRate, "txn-latency", "burn rate of txn-latency")},
				Action:   "Look at the API server's CPU and the network between it and the members.",
				Check:    "request-latency",
			}}
		}
	}
	return nil
}

func ofKubernetes(clusters []string) string {
	if len(clusters) == 0 {
		return ""
	}
	return " of " + strings.Join(clusters, ", ")
}
