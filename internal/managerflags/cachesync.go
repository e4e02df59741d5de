package managerflags

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/etcdfleet/etcd-fleet/internal/rights"
)

const (
	// syncPatience is how long a probe waits for the cache.
	syncPatience = time.Second

	// rightsTimeout bounds the questions which rights are missing.
	rightsTimeout = 5 * time.Second

	// reportInterval is how often the log says why the cache is not synchronised.
	reportInterval = 15 * time.Second
)

// cacheSync knows whether the manager's cache holds everything that it watches, and why not. It is a manager.Runnable that
// logs the reason.
type cacheSync struct {
	informers  cache.Informers
	client     client.Client
	needed     []rights.Right
	namespaces namespaces
}

// Start implements manager.Runnable.
func (s *cacheSync) Start(ctx context.Context) error {
	ticker := time.NewTicker(reportInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		err := s.err(ctx)
		if ctx.Err() != nil || err == nil {
			return nil
		}
		log.FromContext(ctx).Error(err, "the program does not work yet")
	}
}

// err returns nil as soon as the cache is synchronised, and an error that says why it is not when that takes longer than
// a second.
func (s *cacheSync) err(ctx context.Context) error {
	patient, cancel := context.WithTimeout(ctx, syncPatience)
	defer cancel()
	if s.informers.WaitForCacheSync(patient) {
		return nil
	}
	ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), rightsTimeout)
	defer cancel()
	var missing []string
	for _, namespace := range s.namespaces {
		if namespace == allNamespaces {
			if denied := rights.Missing(ctx, s.client, "", s.needed...); denied != "" {
				missing = append(missing, fmt.Sprintf("the account may not %s in all namespaces: run kubectl apply -f deploy/rbac/all-namespaces, "+
					"or name the namespaces to serve by --namespaces", denied))
			}
		} else if denied := rights.Missing(ctx, s.client, namespace, s.needed...); denied != "" {
			missing = append(missing, fmt.Sprintf("the account may not %s in the namespace %s: run kubectl --namespace %s apply -f deploy/rbac/namespace",
				denied, namespace, namespace))
		}
	}
	if len(missing) > 0 {
		return errors.New(strings.Join(missing, "; "))
	}
	return errors.New("the first synchronisation with the API server is not over: check that it can be reached and has deploy/crds")
}
