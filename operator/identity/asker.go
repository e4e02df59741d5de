package identity

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/etcdclient"
	"github.com/etcdfleet/etcd-fleet/internal/etcddiag"
)

const (
	// askTimeout bounds the question to one member.
	askTimeout = 3 * time.Second

	// maxReason is how much is quoted of why a member did not answer, in bytes.
	maxReason = 200
)

// asker asks members which etcd cluster they are.
type asker struct {
	secrets etcdclient.Secrets
	pool    *etcdclient.Pool
}

// etcdClusterID returns the etcd cluster ID, in hexadecimal, which a majority of the members that the object names agree
// on. The error says why there is none.
func (a *asker) etcdClusterID(ctx context.Context, cluster *etcdv1beta1.EtcdCluster) (string, error) {
	credentials, err := etcdclient.ReadCredentials(ctx, a.secrets, cluster)
	if err != nil {
		return "", err
	}
	lease := a.pool.Lease(credentials)
	defer lease.Release()
	found, answered := "", 0
	var silent []error
	for _, member := range cluster.Spec.Members {
		own, err := askMember(ctx, lease, member.ClientURL)
		switch {
		case err != nil:
			silent = append(silent, fmt.Errorf("member %s: %s", member.Name, bounded(etcdclient.Reason(err))))
			continue
		case found != "" && found != own:
			return "", fmt.Errorf("its members are of different etcd clusters, %s and %s", found, own)
		}
		found = own
		if answered++; answered > len(cluster.Spec.Members)/2 {
			return found, nil
		}
	}
	return "", fmt.Errorf("%d of %d members answered: %w", answered, len(cluster.Spec.Members), errors.Join(silent...))
}

// bounded keeps what a foreign server answers from filling a status.
func bounded(reason string) string {
	return strings.ToValidUTF8(reason[:min(len(reason), maxReason)], "")
}

func askMember(ctx context.Context, lease *etcdclient.Lease, endpoint string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	member, err := lease.Client(endpoint)
	if err != nil {
		return "", err
	}
	status, err := etcddiag.Status(ctx, member)
	if err != nil {
		return "", err
	}
	return strconv.FormatUint(status.Header.ClusterId, 16), nil
}
