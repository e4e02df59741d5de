// Package targets serves Prometheus which etcd members there are and whose they are: HTTP service discovery from
// EtcdClusters.
package targets

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"slices"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

// Group is a target group of Prometheus's HTTP service discovery: https://prometheus.io/docs/prometheus/latest/http_sd/.
// Each has one target, a member.
type Group struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

// The labels of a target. Those that begin with __ do not reach its series unless a relabelling keeps them.
const (
	labelRegion  = "region"
	labelProduct = "product"
	labelScene   = "scene"
	labelSpec    = "spec"
	labelCluster = "cluster"
	labelMember  = "member"
	labelScheme  = "__scheme__"
	labelHost    = "__meta_etcd_host"
)

// Fleet returns the groups of all clusters that hold their identity in the region, always in the same order: by region,
// cluster and member. An empty region is any. Members whose URL is invalid are left out; their cluster's condition
// TargetsPublished names them.
func Fleet(clusters []etcdv1beta1.EtcdCluster, region string) []Group {
	fleet := []Group{} // encodes as [], not null
	for _, cluster := range etcdv1beta1.Holders(clusters, region) {
		groups, _ := ofCluster(cluster)
		fleet = append(fleet, groups...)
	}
	slices.SortFunc(fleet, func(a, b Group) int {
		for _, label := range []string{labelRegion, labelCluster, labelMember} {
			if order := cmp.Compare(a.Labels[label], b.Labels[label]); order != 0 {
				return order
			}
		}
		return cmp.Compare(a.Targets[0], b.Targets[0])
	})
	return fleet
}

// ofCluster returns the groups of a cluster's members, and an error for each member that has none.
func ofCluster(cluster *etcdv1beta1.EtcdCluster) (groups []Group, invalid []error) {
	for _, member := range cluster.Spec.Members {
		group, err := ofMember(&cluster.Spec, member)
		if err != nil {
			invalid = append(invalid, err)
			continue
		}
		groups = append(groups, group)
	}
	return groups, invalid
}

func ofMember(cluster *etcdv1beta1.EtcdClusterSpec, member etcdv1beta1.EtcdClusterMember) (Group, error) {
	endpoint, err := url.Parse(member.MetricsEndpoint())
	if err != nil {
		return Group{}, fmt.Errorf("member %s: %w: correct its metricsURL or clientURL", member.Name, err)
	}
	labels := map[string]string{
		labelRegion:  cluster.Region,
		labelProduct: cluster.ProductName,
		labelScene:   cluster.Scene,
		labelSpec:    string(cluster.Specification),
		labelCluster: cluster.ClusterID,
		labelMember:  member.Name,
		labelScheme:  endpoint.Scheme,
	}
	if member.Host != "" {
		labels[labelHost] = member.Host
	}
	return Group{Targets: []string{address(endpoint)}, Labels: labels}, nil
}

// address returns host:port; a URL without a port has the one of its scheme.
func address(endpoint *url.URL) string {
	if endpoint.Port() != "" {
		return endpoint.Host
	}
	if endpoint.Scheme == "https" {
		return net.JoinHostPort(endpoint.Hostname(), "443")
	}
	return net.JoinHostPort(endpoint.Hostname(), "80")
}
