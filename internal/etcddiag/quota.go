package etcddiag

import (
	"context"
	"fmt"

	"github.com/etcdfleet/etcd-fleet/internal/sidebyside"
)

// quotaMetric is a member's --quota-backend-bytes: the default if the flag is not given, negative if there is no quota.
const quotaMetric = "etcd_server_quota_backend_bytes"

// Quota is the size of the database file at which a member refuses writes.
type Quota struct {
	// Bytes is 0 if there is no quota, or if it is not known.
	Bytes int64

	// Unknown says why the quota is not known.
	Unknown error
}

// AskQuotas asks members with a status for their quotas. A member's own quota always counts: its Status has it since 3.6,
// and its metrics in all versions. The assumed one stands for that of a member that reports neither, unless it is 0.
func AskQuotas(ctx context.Context, asked Members, assumed int64) map[*Member]*Quota {
	quotas := map[*Member]*Quota{}
	for _, m := range asked {
		quotas[m] = &Quota{}
	}
	sidebyside.Do(ctx, asked, func(m *Member) { *quotas[m] = m.AskQuota(ctx, assumed) })
	return quotas
}

// AskQuota is AskQuotas of one member.
func (m *Member) AskQuota(ctx context.Context, assumed int64) Quota {
	if m.Status.DbSizeQuota != 0 {
		return Quota{Bytes: max(m.Status.DbSizeQuota, 0)}
	}
	families, err := m.Metrics(ctx, quotaMetric)
	own, found := GaugeOf(families[quotaMetric])
	switch {
	case found && own != 0:
		return Quota{Bytes: max(int64(own), 0)}
	case assumed > 0:
		return Quota{Bytes: assumed}
	case err == nil:
		err = fmt.Errorf("%s/metrics has no %s", m.MetricsEndpoint, quotaMetric)
	}
	return Quota{Unknown: err}
}
