package inventory

// Scope says which clusters a query is about: the wanted values of each dimension, none for all.
type Scope struct {
	Region  []string `json:"region,omitempty"`
	Product []string `json:"product,omitempty"`
	Scene   []string `json:"scene,omitempty"`
	Spec    []string `json:"spec,omitempty"`
	Cluster []string `json:"cluster,omitempty"`
}

// filter answers quickly whether a cluster is in a scope; a scope may list thousands of clusters.
type filter struct {
	product, scene, spec, cluster func(string) bool
}

func newFilter(s Scope) filter {
	return filter{Wanted(s.Product), Wanted(s.Scene), Wanted(s.Spec), Wanted(s.Cluster)}
}

func (f filter) matches(product, scene, spec, cluster string) bool {
	return f.product(product) && f.scene(scene) && f.spec(spec) && f.cluster(cluster)
}

func (f filter) includes(c *Cluster) bool { return f.matches(c.Product, c.Scene, c.Spec, c.ID) }

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
