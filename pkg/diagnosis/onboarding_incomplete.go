package diagnosis

import "fmt"

func onboardingIncomplete(s *Snapshot) []Finding {
	if s.Onboarding == "" {
		return nil
	}
	return []Finding{{
		Severity:  Blind,
		Members:   s.namedIn(s.Onboarding),
		Statement: fmt.Sprintf("The onboarding of %s is not complete. %s", s.Cluster, s.Onboarding),
		Action:    "Compare the addresses in the EtcdCluster with what the members listen on.",
	}}
}
