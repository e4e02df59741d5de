// Package onboarding follows new clusters and members until Prometheus scrapes them: a member counts from its first good
// scrape on, so that a cluster with a wrong address pages nobody, and one whose address is edited wrongly later does.
package onboarding

import (
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

type (
	cluster = etcdv1beta1.EtcdCluster
	member  = etcdv1beta1.EtcdClusterMemberStatus
)

// Progress is how far a cluster's onboarding is.
type Progress struct {
	// Members is how many of the members count: those that were scraped well at least once.
	Members int32

	// Quorum is true once a quorum was scraped well at the same time.
	Quorum bool

	// Awaited is since when members are awaited that were never scraped well, by name.
	Awaited map[string]time.Time
}

// Seen returns what was seen of a cluster, which its status holds.
func Seen(c *cluster) Progress {
	p := Progress{Quorum: c.Status.QuorumSeenTime != nil, Awaited: map[string]time.Time{}}
	for _, m := range c.Status.Members {
		switch {
		case m.FirstScrapeTime != nil:
			p.Members++
		case m.AwaitedSince != nil:
			p.Awaited[m.Name] = m.AwaitedSince.Time
		}
	}
	p.Members = min(p.Members, c.Spec.VotingMembers())
	return p
}

// Assumed returns what counts if nobody asks Prometheus: all members except those that it cannot scrape.
func Assumed(c *cluster) Progress {
	size := c.Spec.VotingMembers()
	members := max(size-int32(len(BehindSecret(&c.Spec))), 0) //nolint:gosec // at most 15
	return Progress{Members: members, Quorum: members >= quorum(size)}
}

func quorum(size int32) int32 { return size/2 + 1 }

// BehindSecret returns the members whose /metrics Prometheus cannot scrape by itself: they serve it over https with the
// authorities and client certificates of the Secret, which cruiser has and Prometheus does not.
func BehindSecret(spec *etcdv1beta1.EtcdClusterSpec) []string {
	var names []string
	for _, m := range spec.Members {
		if spec.TLS != nil && strings.HasPrefix(m.MetricsEndpoint(), "https://") {
			names = append(names, m.Name)
		}
	}
	return names
}

// IsSeen reports whether the member of that name was ever scraped well.
func IsSeen(c *cluster, name string) bool {
	for _, m := range c.Status.Members {
		if m.Name == name {
			return m.FirstScrapeTime != nil
		}
	}
	return false
}

// advance notes in the status which members are scraped now. A member is known by its name: an edited address changes
// nothing. up is nil if Prometheus was not asked.
func advance(c *cluster, up map[string]bool, now metav1.Time) {
	former := map[string]member{}
	for _, m := range c.Status.Members {
		former[m.Name] = m
	}
	members := make([]member, 0, len(c.Spec.Members))
	var scraped int32
	for _, wanted := range c.Spec.Members {
		m := former[wanted.Name]
		delete(former, wanted.Name)
		m.Name = wanted.Name
		if up[m.Name] {
			scraped++
		}
		switch {
		case m.FirstScrapeTime != nil:
		case up[m.Name]:
			m.FirstScrapeTime, m.AwaitedSince = &now, nil
		case m.AwaitedSince == nil:
			m.AwaitedSince = &now
		}
		members = append(members, m)
	}
	// A member that was taken out of spec.members while the size stays is missing. If another replaces it, it is not.
	for _, m := range c.Status.Members {
		_, isFormer := former[m.Name]
		if isFormer && m.FirstScrapeTime != nil && len(members) < int(c.Spec.VotingMembers()) {
			members = append(members, m)
		}
	}
	c.Status.Members = members
	if c.Status.QuorumSeenTime == nil && scraped >= quorum(c.Spec.VotingMembers()) {
		c.Status.QuorumSeenTime = &now
	}
}

// waits reports whether Prometheus must be asked for the cluster.
func waits(c *cluster) bool {
	if c.Status.QuorumSeenTime == nil {
		return true
	}
	for _, m := range c.Spec.Members {
		if !IsSeen(c, m.Name) {
			return true
		}
	}
	return false
}
