package inventory

import "slices"

// Scope says which clusters a query is about: the wanted values of each field, none for all.
type Scope struct {
	Region  []string `json:"region,omitempty"`
	Product []string `json:"product,omitempty"`
	Scene   []string `json:"scene,omitempty"`
	Spec    []string `json:"spec,omitempty"`
	Cluster []string `json:"cluster,omitempty"`
	// Host and Zone are those of a member: a cluster is wanted when one of its members has both.
	Host []string `json:"host,omitempty"`
	Zone []string `json:"zone,omitempty"`
	// Kubernetes are Kubernetes clusters that store their objects in the cluster.
	Kubernetes []string `json:"kubernetes,omitempty"`
}

// NamesPlaces reports whether the scope is narrowed to hosts or zones.
func (s Scope) NamesPlaces() bool { return len(s.Host) > 0 || len(s.Zone) > 0 }

// AnyPlace is the scope without its hosts and zones.
func (s Scope) AnyPlace() Scope {
	s.Host, s.Zone = nil, nil
	return s
}

// HasPlace returns a function that reports whether a member is on a wanted host and in a wanted zone.
func (s Scope) HasPlace() func(Member) bool {
	host, zone := Wanted(s.Host), Wanted(s.Zone)
	return func(m Member) bool { return host(m.Host) && zone(m.Zone) }
}

// IsEverything reports whether the scope wants every cluster.
func (s Scope) IsEverything() bool {
	return len(s.Region)+len(s.Product)+len(s.Scene)+len(s.Spec)+len(s.Cluster)+len(s.Host)+len(s.Zone)+len(s.Kubernetes) == 0
}

// filter answers quickly whether a cluster is in a scope; a scope may list thousands of clusters.
type filter struct {
	// within is the fixed scope, whose clusters are all that there are; nil without one. Regions out of it are not watched.
	within *filter

	product, scene, spec, cluster, kubernetes func(string) bool
	hasPlace                                  func(Member) bool
	// byPlace and byKubernetes are false where every cluster matches, also one without members or Kubernetes clusters.
	byPlace, byKubernetes bool
}

func newFilter(s Scope) filter {
	return filter{
		product: Wanted(s.Product), scene: Wanted(s.Scene), spec: Wanted(s.Spec), cluster: Wanted(s.Cluster),
		kubernetes: Wanted(s.Kubernetes), byKubernetes: len(s.Kubernetes) > 0,
		hasPlace: s.HasPlace(), byPlace: s.NamesPlaces(),
	}
}

func (f filter) includes(c *Cluster) bool {
	return f.holds(c) && f.product(c.Product) && f.scene(c.Scene) && f.spec(c.Spec) && f.cluster(c.ID) &&
		(!f.byKubernetes || slices.ContainsFunc(c.KubernetesClusters, f.kubernetes)) &&
		(!f.byPlace || slices.ContainsFunc(c.Members, f.hasPlace))
}

// holds reports whether a cluster is in the fixed scope.
func (f filter) holds(c *Cluster) bool { return f.within == nil || f.within.includes(c) }

// Wanted returns a function that reports whether a value is in a list; an empty list wants every value.
func Wanted(list []string) func(string) bool {
	set := make(map[string]struct{}, len(list))
	for _, value := range list {
		set[value] = struct{}{}
	}
	return func(value string) bool {
		_, ok := set[value]
		return ok || len(set) == 0
	}
}
