package checks

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/etcddiag"
	"github.com/etcdfleet/etcd-fleet/internal/parameters"
	"github.com/etcdfleet/etcd-fleet/internal/quantity"
)

// maxRequestBytes is etcd's default --max-request-bytes.
const maxRequestBytes = 3 << 19

func init() {
	register(Check{
		Name: "quota-and-fragmentation",
		Parameters: parameters.Set{
			{
				Name: "quotaBytes", Kind: parameters.Bytes, Default: "0",
				Help: "Quota of a member that reports none, as before 3.6 without metrics; 0 judges it by none.",
			},
			{
				Name: "warnRatio", Kind: parameters.Ratio, Default: "0.75",
				Help: "Part of the quota in use from which on the check warns.",
			},
			{
				Name: "failRatio", Kind: parameters.Ratio, Default: "0.95",
				Help: "Part of the quota in use from which on the check fails.",
			},
			{
				Name: "fragmentationRatio", Kind: parameters.Ratio, Default: "0.5",
				Help: "Free part of a database file from which on the check warns.",
			},
			{
				Name: "minReclaimBytes", Kind: parameters.Bytes, Default: "256Mi",
				Help: "Bytes that defragmenting must give back for that Warning.",
			},
		},
		Values: []Value{
			{
				Name:   "databaseSize",
				Metric: "etcd_inspection_database_size_bytes",
				Help:   "Size of the database file of the member that has the largest.",
			},
			{
				Name:   "databaseInUse",
				Metric: "etcd_inspection_database_in_use_bytes",
				Help:   "Bytes of the database that are in use, on the member with most.",
			},
			{
				Name:   "databaseInUseDifference",
				Metric: "etcd_inspection_database_in_use_difference_bytes",
				Help:   "Difference of the bytes in use between the members with most and with least.",
			},
			{
				Name:   "quota",
				Metric: "etcd_inspection_database_quota_bytes",
				Help:   "Size of the database file at which etcd refuses writes, on the member nearest to it.",
			},
			{
				Name:   "quotaUsed",
				Metric: "etcd_inspection_database_quota_used_ratio",
				Help:   "Part of the quota that is in use, on the member with most.",
			},
			{
				Name:   "fragmentation",
				Metric: "etcd_inspection_database_fragmentation_ratio",
				Help:   "Part of the database file that is free, on the member with most to reclaim.",
			},
			{
				Name:   "reclaimable",
				Metric: "etcd_inspection_database_reclaimable_bytes",
				Help:   "Bytes that defragmenting gives back, on the member with most.",
			},
		},
		Run: quotaAndFragmentation,
	})
}

// quotaAndFragmentation compares each member's database with its quota, and what is in use of it with the file's size.
//
// It is Failed when the next writes may raise NOSPACE, which refuses all writes: a member uses failRatio of its quota, or
// its file has no room for one more request of the largest size, because etcd adds a request to the file's size, free
// pages included, and compares that with the quota (BackendQuota.Available in server/storage/quota.go). It is Warning when
// a member uses warnRatio; when its file has reached failRatio; when fragmentationRatio of a file is free and at least
// minReclaimBytes can be got back; and when a member is missing. Defragmenting stops a member while it runs, so it is
// worth it only for much.
//
// The sizes come from Status and cost nothing. Since 3.6 it has the quota as well; older members report it in their metrics.
// The parameter quotaBytes stands for the quota of members that report none; while it is 0 they are not judged by a quota, and
// the check is a Warning.
func quotaAndFragmentation(ctx context.Context, target Target) (Result, error) {
	limits := quotaLimits{
		minReclaim:       target.Parameters.Bytes("minReclaimBytes"),
		warnRatio:        target.Parameters.Ratio("warnRatio"),
		failRatio:        target.Parameters.Ratio("failRatio"),
		maxFragmentation: target.Parameters.Ratio("fragmentationRatio"),
	}
	all := etcddiag.AskMembers(ctx, target.Members, target.Cluster)
	if err := all.VerifyIdentities(); err != nil {
		return Result{}, err
	}
	asked := all.WithStatus()
	if len(asked) == 0 {
		return Result{}, all.NoAnswer()
	}
	quotas := etcddiag.AskQuotas(ctx, asked, target.Parameters.Bytes("quotaBytes"))
	var databases []*database
	for _, m := range asked {
		databases = append(databases, newDatabase(m, quotas[m]))
	}
	result := limits.judge(databases)
	for _, m := range asked {
		if quotas[m].Unknown != nil {
			result.worsen(etcdv1beta1.OutcomeWarning)
		}
		result.Message += remarkQuota(m, *quotas[m])
	}
	result.judgeMissing(all)
	return result, nil
}

// quotaLimits are the check's parameters.
type quotaLimits struct {
	minReclaim                             int64
	warnRatio, failRatio, maxFragmentation float64
}

// database is that of a member. Sizes are in bytes.
type database struct {
	name                     string
	size, inUse, reclaimable int64

	// quota is 0 if there is none, as with --quota-backend-bytes=-1, and if it is not known, see isKnown.
	quota   int64
	isKnown bool
}

func newDatabase(m *etcddiag.Member, q *etcddiag.Quota) *database {
	return &database{
		name: m.Name, size: m.Status.DbSize, inUse: m.Status.DbSizeInUse, reclaimable: m.Status.DbSize - m.Status.DbSizeInUse,
		quota: q.Bytes, isKnown: q.Unknown == nil,
	}
}

// used is the part of the quota that is in use, file the part that the file takes.
func (d *database) used() float64 { return ratioOf(d.inUse, d.quota) }

func (d *database) file() float64 { return ratioOf(d.size, d.quota) }

func (d *database) fragmentation() float64 { return ratioOf(d.reclaimable, d.size) }

// ratioOf is 0 if the whole is 0.
func ratioOf(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

func (l quotaLimits) judge(databases []*database) Result {
	largest := slices.MaxFunc(databases, func(a, b *database) int { return cmp.Compare(a.size, b.size) })
	most := slices.MaxFunc(databases, func(a, b *database) int { return cmp.Compare(a.inUse, b.inUse) })
	least := slices.MinFunc(databases, func(a, b *database) int { return cmp.Compare(a.inUse, b.inUse) })
	fullest := slices.MaxFunc(databases, func(a, b *database) int { return cmp.Compare(a.used(), b.used()) })
	loosest := slices.MaxFunc(databases, func(a, b *database) int { return cmp.Compare(a.reclaimable, b.reclaimable) })
	result := Result{
		Outcome: etcdv1beta1.OutcomePassed,
		Message: describeQuota(fullest),
		Values: map[string]float64{
			"databaseSize":            float64(largest.size),
			"databaseInUse":           float64(most.inUse),
			"databaseInUseDifference": float64(most.inUse - least.inUse),
			"fragmentation":           loosest.fragmentation(),
			"reclaimable":             float64(loosest.reclaimable),
		},
	}
	if fullest.quota > 0 {
		result.Values["quota"], result.Values["quotaUsed"] = float64(fullest.quota), fullest.used()
	}
	if most.inUse-least.inUse > 0 {
		result.Message += fmt.Sprintf(" Members differ by %s: %s has most, %s least.", quantity.Size(float64(most.inUse-least.inUse)),
			most.name, least.name)
	}
	l.judgeQuota(&result, fullest, databases)
	l.judgeFragmentation(&result, databases)
	return result
}

func describeQuota(d *database) string {
	used := fmt.Sprintf("%s uses %s", d.name, quantity.Size(float64(d.inUse)))
	switch {
	case d.quota > 0:
		return fmt.Sprintf("%s, %.0f %% of its quota of %s.", used, 100*d.used(), quantity.Size(float64(d.quota)))
	case d.isKnown:
		return used + " and has no quota."
	default:
		return used + "."
	}
}

func (l quotaLimits) judgeQuota(result *Result, fullest *database, databases []*database) {
	var full, nearlyFull []string
	for _, d := range databases {
		switch {
		case d.quota == 0:
		case d.used() >= l.failRatio, d.size+maxRequestBytes >= d.quota:
			full = append(full, d.name)
		case d.file() >= l.failRatio:
			nearlyFull = append(nearlyFull, d.name)
		}
	}
	switch {
	case len(full) > 0:
		result.find(etcdv1beta1.OutcomeFailed, "Writes are about to be refused by %s: compact and defragment, delete what is not needed, "+
			"or raise --quota-backend-bytes.", strings.Join(full, ", "))
	case len(nearlyFull) > 0:
		result.find(etcdv1beta1.OutcomeWarning, "With its free pages the file of %s takes most of the quota: defragment it.", strings.Join(nearlyFull, ", "))
	case fullest.quota > 0 && fullest.used() >= l.warnRatio:
		result.find(etcdv1beta1.OutcomeWarning, "The quota is used up to a large part: find what grows, or raise --quota-backend-bytes.")
	}
}

func (l quotaLimits) judgeFragmentation(result *Result, databases []*database) {
	for _, d := range databases {
		if d.fragmentation() < l.maxFragmentation || d.reclaimable < l.minReclaim || d.reclaimable == 0 {
			continue
		}
		result.find(etcdv1beta1.OutcomeWarning, "Defragmenting %s gives back %s of %s.", d.name, quantity.Size(float64(d.reclaimable)),
			quantity.Size(float64(d.size)))
	}
}
