package checks

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
)

// maxRequestBytes is etcd's default --max-request-bytes.
const maxRequestBytes = 3 << 19

func init() {
	register(Check{
		Name: "quota-and-fragmentation",
		Parameters: Parameters{
			"quotaBytes":         "2Gi",
			"warnRatio":          "0.75",
			"failRatio":          "0.95",
			"fragmentationRatio": "0.5",
			"minReclaimBytes":    "256Mi",
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
// The sizes come from Status and cost nothing. Since 3.6 it tells the quota as well; of older members it is the parameter
// quotaBytes, whose default is etcd's own.
func quotaAndFragmentation(ctx context.Context, target Target) (Result, error) {
	limits, err := readQuotaLimits(target.Parameters)
	if err != nil {
		return Result{}, err
	}
	all := askMembers(ctx, target)
	if err := all.verifyIdentities(); err != nil {
		return Result{}, err
	}
	var databases []*database
	for _, m := range all {
		if m.status != nil && !m.isStray {
			databases = append(databases, newDatabase(m, limits.defaultQuota))
		}
	}
	if len(databases) == 0 {
		return Result{}, fmt.Errorf("no member answered: %s", all.reasons())
	}
	result := limits.judge(databases)
	all.judgeMissing(&result)
	return result, nil
}

// quotaLimits are the check's parameters.
type quotaLimits struct {
	defaultQuota, minReclaim               int64
	warnRatio, failRatio, maxFragmentation float64
}

func readQuotaLimits(parameters Parameters) (limits quotaLimits, err error) {
	if limits.defaultQuota, err = parameters.Bytes("quotaBytes"); err != nil {
		return limits, err
	}
	if limits.minReclaim, err = parameters.Bytes("minReclaimBytes"); err != nil {
		return limits, err
	}
	if limits.warnRatio, err = parameters.Ratio("warnRatio"); err != nil {
		return limits, err
	}
	if limits.failRatio, err = parameters.Ratio("failRatio"); err != nil {
		return limits, err
	}
	limits.maxFragmentation, err = parameters.Ratio("fragmentationRatio")
	return limits, err
}

// database is that of a member. Sizes are in bytes.
type database struct {
	name                     string
	size, inUse, reclaimable int64

	// quota is 0 where there is none, as etcd is told by --quota-backend-bytes=-1.
	quota int64
}

func newDatabase(m *member, defaultQuota int64) *database {
	d := &database{name: m.name, size: m.status.DbSize, inUse: m.status.DbSizeInUse, quota: m.status.DbSizeQuota}
	d.reclaimable = d.size - d.inUse
	if d.quota == 0 { // an older version, or 3.6 without the flag
		d.quota = defaultQuota
	}
	d.quota = max(d.quota, 0)
	return d
}

// used is the part of the quota that is in use, file the part that the file takes.
func (d *database) used() float64 { return ratioOf(d.inUse, d.quota) }

func (d *database) file() float64 { return ratioOf(d.size, d.quota) }

func (d *database) fragmentation() float64 { return ratioOf(d.reclaimable, d.size) }

// ratioOf is 0 where there is no whole.
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
			"quota":                   float64(fullest.quota),
			"quotaUsed":               fullest.used(),
			"fragmentation":           loosest.fragmentation(),
			"reclaimable":             float64(loosest.reclaimable),
		},
	}
	if most.inUse-least.inUse > 0 {
		result.Message += fmt.Sprintf(",members differ by %s: %s has most, %s least", quoteSize(float64(most.inUse-least.inUse)),
			most.name, least.name)
	}
	l.judgeQuota(&result, fullest, databases)
	l.judgeFragmentation(&result, databases)
	return result
}

func describeQuota(d *database) string {
	if d.quota == 0 {
		return fmt.Sprintf("%s uses %s without a quota", d.name, quoteSize(float64(d.inUse)))
	}
	return fmt.Sprintf("%s uses %s, %.0f %% of its quota of %s", d.name, quoteSize(float64(d.inUse)), 100*d.used(),
		quoteSize(float64(d.quota)))
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
		result.Outcome = etcdv1beta1.OutcomeFailed
		result.Message += fmt.Sprintf(",writes are about to be refused by %s: compact and defragment, delete what is not needed, "+
			"or raise --quota-backend-bytes", strings.Join(full, " "))
	case len(nearlyFull) > 0:
		result.Outcome = etcdv1beta1.OutcomeWarning
		result.Message += fmt.Sprintf(",with its free pages the file of %s takes most of the quota: defragment it", strings.Join(nearlyFull, " "))
	case fullest.quota > 0 && fullest.used() >= l.warnRatio:
		result.Outcome = etcdv1beta1.OutcomeWarning
		result.Message += ",find what grows, or raise --quota-backend-bytes"
	}
}

func (l quotaLimits) judgeFragmentation(result *Result, databases []*database) {
	for _, d := range databases {
		if d.fragmentation() < l.maxFragmentation || d.reclaimable < l.minReclaim || d.reclaimable == 0 {
			continue
		}
		if result.Outcome == etcdv1beta1.OutcomePassed {
			result.Outcome = etcdv1beta1.OutcomeWarning
		}
		result.Message += fmt.Sprintf(",defragmenting %s gives back %s of %s", d.name, quoteSize(float64(d.reclaimable)),
			quoteSize(float64(d.size)))
	}
}
