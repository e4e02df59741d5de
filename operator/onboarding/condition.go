package onboarding

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

// The reasons of the condition; Stuck is that of its Event as well.
const (
	reasonOnboarded   = "Onboarded"
	reasonAwaiting    = "AwaitingMembers"
	reasonStuck       = "OnboardingStuck"
	reasonUnreachable = "PrometheusUnreachable"
)

// stuckAfter is how long a first good scrape may take before the onboarding counts as stuck.
const stuckAfter = 10 * time.Minute

// isDone reports whether nothing is awaited of this generation of the cluster.
func isDone(c *cluster) bool {
	onboarded := meta.FindStatusCondition(c.Status.Conditions, etcdv1beta1.ConditionOnboarded)
	return onboarded != nil && onboarded.Status == metav1.ConditionTrue && onboarded.ObservedGeneration == c.Generation
}

// condition is what the status of a cluster means.
func condition(c *cluster, unreachable bool, now time.Time) metav1.Condition {
	made := metav1.Condition{Type: etcdv1beta1.ConditionOnboarded, Status: metav1.ConditionFalse, ObservedGeneration: c.Generation}
	awaited, since := awaited(c, now)
	switch {
	case !waits(c):
		made.Status, made.Reason = metav1.ConditionTrue, reasonOnboarded
		made.Message = "All members that spec.members names were scraped."
	case unreachable:
		made.Reason = reasonUnreachable
		made.Message = "The operator cannot ask Prometheus which members are scraped: see its log, and check --prometheus-url."
	case len(awaited) == 0:
		made.Reason = reasonAwaiting
		made.Message = "Each member was scraped, but never a quorum of them at the same time: look at the members that are down now."
	default:
		made.Reason = reasonAwaiting
		if now.Sub(since) >= stuckAfter {
			made.Reason = reasonStuck
		}
		made.Message = "Waiting for the first good scrape of " + strings.Join(awaited, ", ") +
			". Until then a member does not count: check that the address is right and that Prometheus reaches it."
	}
	return made
}

// awaited returns the members that were never scraped, with their addresses, and since when the first of them is awaited.
func awaited(c *cluster, now time.Time) (members []string, since time.Time) {
	since = now
	until := Seen(c).Awaited
	for _, m := range c.Spec.Members {
		if IsSeen(c, m.Name) {
			continue
		}
		members = append(members, fmt.Sprintf("member %s at %s", m.Name, m.MetricsEndpoint()))
		if begin, known := until[m.Name]; known && begin.Before(since) {
			since = begin
		}
	}
	return members, since
}
