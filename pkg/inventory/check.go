package inventory

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"

	"github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/pkg/upstream"
)

// CheckResult is the result of a thorough check of one region.
type CheckResult struct {
	Region  string
	Version string
	// Note is a remark on a region that works.
	Note string
	// Err is what is wrong and how to put it right; nil when the region works.
	Err error
}

// Check asks every region's API server whether all that the datasource needs is there: the server, its certificate,
// the credentials, the CRDs and the rights. Regions are checked at the same time.
func (i *Inventory) Check(ctx context.Context) []CheckResult {
	results := make([]CheckResult, len(i.regions))
	var group errgroup.Group
	for n, r := range i.regions {
		group.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, requestTimeout)
			defer cancel()
			results[n] = r.check(ctx, i.filter(Scope{}))
			results[n].Err = r.server.Explain(results[n].Err)
			return nil
		})
	}
	_ = group.Wait() // The functions above return no errors.
	return results
}

func (r *region) check(ctx context.Context, f filter) CheckResult {
	result := CheckResult{Region: r.config.Name, Err: r.misconfigured}
	if result.Err != nil {
		return result
	}
	if result.Version, result.Err = r.version(ctx); result.Err != nil {
		return result
	}
	isEmpty, err := r.checkOwn(ctx)
	if err != nil && !apierrors.IsNotFound(err) {
		result.Err = err
		return result
	}
	var kstoneReadable bool
	result.Note, kstoneReadable = r.checkKstone(ctx)
	if !kstoneReadable { // else kstone alone may manage this region's clusters
		result.Err = err
	}
	if isEmpty && result.Note == "" {
		result.Note = r.emptyNote()
	}
	for _, note := range []string{r.leftOutNote(f), r.eventsNote(ctx)} {
		if note != "" {
			result.Note = strings.TrimPrefix(result.Note+"; "+note, "; ")
		}
	}
	return result
}

// checkOwn checks the access to our own resources, and reports whether there is no cluster.
func (r *region) checkOwn(ctx context.Context) (isEmpty bool, err error) {
	var clusters v1beta1.EtcdClusterList
	if err := r.list(ctx, clustersResource, &clusters); err != nil {
		return false, err
	}
	if err := r.list(ctx, monitorsResource, &v1beta1.EtcdMonitorList{}); err != nil {
		return false, err
	}
	return len(clusters.Items) == 0, r.checkRights(ctx)
}

// leftOutNote names the first EtcdCluster that is not shown; "" for none.
func (r *region) leftOutNote(f filter) string {
	out := r.index.leftOut(f)
	if len(out) == 0 {
		return ""
	}
	note := fmt.Sprintf("the EtcdCluster %s is left out: %s", out[0].Object, out[0].Reason)
	if more := len(out) - 1; more > 0 {
		note += fmt.Sprintf(" So are %d more.", more)
	}
	return note
}

func (r *region) emptyNote() string {
	if r.config.Namespace == "" {
		return "there is no EtcdCluster yet"
	}
	return fmt.Sprintf("there is no EtcdCluster in namespace %q: check the namespace", r.config.Namespace)
}

// version returns the server's version and, by the way, that it is a Kubernetes API server.
func (r *region) version(ctx context.Context) (string, error) {
	answer, body, err := r.get(ctx, "version", requestTimeout)
	if err != nil {
		return "", err
	}
	var version struct {
		GitVersion string `json:"gitVersion"`
	}
	if answer.Status != http.StatusOK || json.Unmarshal(body, &version) != nil || version.GitVersion == "" {
		return "", answer
	}
	return upstream.Excerpt(version.GitVersion), nil
}

// list reads one object, or none, of one of our resources.
func (r *region) list(ctx context.Context, resource string, into runtime.Object) error {
	err := r.listOne(ctx, r.etcd, resource, into)
	if apierrors.IsNotFound(err) {
		return upstream.New(upstream.Failed, fmt.Sprintf("%s does not know the resource %s of %s. Apply deploy/crds to it.", r.server.Title(), resource, v1beta1.GroupVersion), err)
	}
	return err
}

func (r *region) listOne(ctx context.Context, client rest.Interface, resource string, into runtime.Object) error {
	return client.Get().NamespaceIfScoped(r.config.Namespace, r.config.Namespace != "").Resource(resource).
		VersionedParams(&metav1.ListOptions{Limit: 1}, r.codec).Do(ctx).Into(into)
}

// checkRights asks for the rights that listing does not show.
func (r *region) checkRights(ctx context.Context) error {
	missing := r.missingRights(ctx, []right{
		{v1beta1.GroupVersion.Group, clustersResource, "watch"},
		{v1beta1.GroupVersion.Group, monitorsResource, "watch"},
		{v1beta1.GroupVersion.Group, monitorsResource, "get"},
		{v1beta1.GroupVersion.Group, monitorsResource, "patch"},
		{"", eventsResource, "create"},
	})
	if len(missing) == 0 {
		return nil
	}
	return r.mayNot(strings.Join(missing, ", "), nil)
}

// mayNot is the error for rights that the account lacks.
func (r *region) mayNot(do string, cause error) error {
	return upstream.New(upstream.Denied, fmt.Sprintf("%s does not let the datasource's account %s. Apply deploy/rbac/datasource.yaml to it, or change %s.",
		r.server.Title(), do, r.server.CredentialsSetting), cause)
}

// eventsNote says which right to read Events is missing, "" for none. Everything else works without it.
func (r *region) eventsNote(ctx context.Context) string {
	missing := r.missingRights(ctx, []right{{"", eventsResource, "list"}, {"", eventsResource, "watch"}})
	if len(missing) == 0 {
		return ""
	}
	return fmt.Sprintf("the Events are missing, because the account may not %s: apply deploy/rbac/datasource.yaml", strings.Join(missing, ", "))
}

// right is what an account may do with a resource.
type right struct{ group, resource, verb string }

// missingRights returns those that the account lacks, as "verb resource". An API server that does not answer reviews proves
// nothing, so its refusal is no error.
func (r *region) missingRights(ctx context.Context, needed []right) []string {
	missing := make([]string, len(needed))
	var group errgroup.Group
	for n, right := range needed {
		group.Go(func() error {
			allowed, err := r.mayI(ctx, right.group, right.resource, right.verb)
			if err == nil && !allowed {
				missing[n] = right.verb + " " + right.resource
			}
			return nil
		})
	}
	_ = group.Wait() // The functions above return no errors.
	return slices.DeleteFunc(missing, func(m string) bool { return m == "" })
}

// mayI asks the API server for the account's own right.
func (r *region) mayI(ctx context.Context, group, resource, verb string) (bool, error) {
	review := authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: r.config.Namespace, Verb: verb, Group: group, Resource: resource},
	}}
	body, err := json.Marshal(review)
	if err != nil {
		return false, err
	}
	answer, err := r.core.Post().AbsPath("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews").
		SetHeader("Content-Type", runtime.ContentTypeJSON).Body(body).Do(ctx).Raw()
	if err != nil {
		return false, err
	}
	err = json.Unmarshal(answer, &review)
	return review.Status.Allowed, err
}
