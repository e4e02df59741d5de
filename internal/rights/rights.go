// Package rights asks an API server what the asking account may do there, for messages that say which right is missing.
package rights

import (
	"context"
	"fmt"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Right is what an account needs in a namespace.
type Right struct {
	Group, Resource string
	Verbs           []string
}

// Missing names the verbs and resources that the API server does not allow, for example "list, watch secrets"; "" when it
// allows all. namespace "" means all namespaces. A server that does not answer proves nothing, so that what it was asked for
// counts as allowed.
func Missing(ctx context.Context, c client.Client, namespace string, needed ...Right) string {
	var missing []string
	for _, right := range needed {
		var verbs []string
		for _, verb := range right.Verbs {
			review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
				ResourceAttributes: &authorizationv1.ResourceAttributes{
					Namespace: namespace, Verb: verb, Group: right.Group, Resource: right.Resource,
				},
			}}
			if err := c.Create(ctx, review); err == nil && !review.Status.Allowed {
				verbs = append(verbs, verb)
			}
		}
		if len(verbs) > 0 {
			missing = append(missing, fmt.Sprintf("%s %s", strings.Join(verbs, ", "), right.Resource))
		}
	}
	return strings.Join(missing, "; ")
}
