package checks

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/backups"
)

const (
	// backupTimeout bounds one request to where backups are: a listing, or the beginning of a backup.
	backupTimeout = 20 * time.Second

	// verifiedBackups bounds how many of the newest backups are read in search of one that can be restored.
	verifiedBackups = 5
)

func init() {
	register(Check{
		Name: "backup-age",
		Parameters: Parameters{
			"location":     "",
			"pattern":      "*.db",
			"endpoint":     "https://s3.amazonaws.com",
			"s3Region":     "",
			"maxAge":       "24h",
			"minCount":     "1",
			"minSizeRatio": "0.5",
		},
		Values: []Value{
			{
				Name:   "backupAge",
				Metric: "etcd_inspection_backup_age_seconds",
				Help:   "Age of the newest backup of a cluster that can be restored.",
			},
			{
				Name:   "backupSize",
				Metric: "etcd_inspection_backup_size_bytes",
				Help:   "Size of the newest backup of a cluster that can be restored.",
			},
			{
				Name:   "backups",
				Metric: "etcd_inspection_backups",
				Help:   "Backups of a cluster that are young enough by the policy.",
			},
		},
		Interval: time.Hour,
		Timeout:  2 * time.Minute,
		Run:      backupAge,
	})
}

// backupAge compares the backups of a cluster with the policy. It is Failed when none can be restored: then a lost quorum,
// or a wrong delete, loses the cluster's data for good. It is Warning when the newest is older than the parameter maxAge,
// when fewer than minCount are young enough, when the newest has less than minSizeRatio of the size of the one before it,
// or when one newer than the newest usable one cannot be restored.
//
// Backups are the files or objects of the parameter location whose names match pattern: file:///folder of a volume that is
// mounted into cruiser, or s3://bucket/prefix of the server endpoint (in s3Region), with the keys backup-access-key and
// backup-secret-key of the cluster's Secret. {clusterId} and {region} in location stand for the cluster's. A backup can be
// restored when it is what `etcdctl snapshot save` writes: a bbolt database of full length and a SHA-256 after it.
//
// It asks no member. It costs one listing (1,000 objects a request on S3) and the first page of up to 5 backups; neither
// the checksum nor the rest of a backup is read.
func backupAge(ctx context.Context, target Target) (Result, error) {
	policy, err := readBackupPolicy(target.Parameters)
	if err != nil {
		return Result{}, err
	}
	location, err := openBackups(target)
	if err != nil {
		return Result{}, err
	}
	listing, cancel := context.WithTimeout(ctx, backupTimeout)
	defer cancel()
	found, err := location.List(listing)
	if err != nil {
		return Result{}, err
	}
	broken, err := countBroken(ctx, location, found)
	if err != nil {
		return Result{}, err
	}
	return policy.judge(found, broken), nil
}

// backupPolicy is what backups are compared with.
type backupPolicy struct {
	maxAge       time.Duration
	minCount     int64
	minSizeRatio float64
}

func readBackupPolicy(parameters Parameters) (policy backupPolicy, err error) {
	if policy.maxAge, err = parameters.Duration("maxAge"); err != nil {
		return policy, err
	}
	if policy.minCount, err = parameters.Count("minCount"); err != nil {
		return policy, err
	}
	policy.minSizeRatio, err = parameters.Ratio("minSizeRatio")
	return policy, err
}

func openBackups(target Target) (backups.Location, error) {
	if target.Parameters["location"] == "" {
		return nil, errors.New("where the backups are is not known: set spec.parameters.location to file:///folder or s3://bucket/prefix")
	}
	placeholders := strings.NewReplacer("{clusterId}", target.Cluster.ClusterID, "{region}", target.Cluster.Region)
	location, err := backups.Open(backups.Settings{
		Location: placeholders.Replace(target.Parameters["location"]),
		Pattern:  target.Parameters["pattern"],
		Endpoint: target.Parameters["endpoint"],
		Region:   target.Parameters["s3Region"],
		Keys:     target.Members.BackupKeys,
	})
	if err != nil {
		return nil, fmt.Errorf("correct spec.parameters: %w", err)
	}
	return location, nil
}

// countBroken reads the newest backups until one of them can be restored. It returns why those before it cannot.
func countBroken(ctx context.Context, location backups.Location, found []backups.Backup) ([]error, error) {
	var broken []error
	for _, backup := range found[:min(len(found), verifiedBackups)] {
		reading, cancel := context.WithTimeout(ctx, backupTimeout)
		err := location.Verify(reading, backup)
		cancel()
		switch {
		case err == nil:
			return broken, nil
		case !errors.Is(err, backups.ErrUnusable):
			return nil, fmt.Errorf("read the backup %s: %w: let cruiser, or the access key, read it", backup.Name, err)
		}
		broken = append(broken, err)
	}
	return broken, nil
}

// judge compares backups, the newest first, with the policy. The first of them are broken.
func (p backupPolicy) judge(found []backups.Backup, broken []error) Result {
	if len(broken) == len(found) || len(broken) == verifiedBackups {
		return p.noBackup(found, broken)
	}
	usable := found[len(broken):]
	newest, age := usable[0], time.Since(usable[0].Time)
	young := 0
	for young < len(usable) && time.Since(usable[young].Time) <= p.maxAge {
		young++
	}
	var problems []string
	if age > p.maxAge {
		problems = append(problems, fmt.Sprintf("that is older than %s: see why no backup was made since", quoteDuration(p.maxAge)))
	} else if int64(young) < p.minCount {
		problems = append(problems, fmt.Sprintf("fewer than %d of them: see which backups failed", p.minCount))
	}
	if len(usable) > 1 && float64(newest.Size) < p.minSizeRatio*float64(usable[1].Size) {
		problems = append(problems, fmt.Sprintf("%s, the one before it, has %d bytes: see whether keys were lost or the cluster was defragmented",
			usable[1].Name, usable[1].Size))
	}
	if len(broken) > 0 {
		problems = append(problems, "newer but not restorable: "+describeBroken(found, broken))
	}
	result := Result{
		Outcome: etcdv1beta1.OutcomePassed,
		Message: fmt.Sprintf("the newest backup is %s of %s (%s ago, %d bytes), backups within %s: %d", newest.Name,
			newest.Time.UTC().Format(time.RFC3339), quoteDuration(age), newest.Size, quoteDuration(p.maxAge), young),
		Values: map[string]float64{
			"backupAge":  age.Seconds(),
			"backupSize": float64(newest.Size),
			"backups":    float64(young),
		},
	}
	if len(problems) > 0 {
		result.Outcome = etcdv1beta1.OutcomeWarning
		result.Message += "," + strings.Join(problems, ",")
	}
	return result
}

// noBackup is the result when nothing can be restored.
func (p backupPolicy) noBackup(found []backups.Backup, broken []error) Result {
	message := "there is no backup at all: make one, and see why none was made"
	if len(found) > 0 {
		message = fmt.Sprintf("none of %d backups can be restored, of which the newest %d were read: %s",
			len(found), len(broken), describeBroken(found, broken))
	}
	return Result{
		Outcome: etcdv1beta1.OutcomeFailed,
		Message: message,
		Values:  map[string]float64{"backups": 0},
	}
}

func describeBroken(found []backups.Backup, broken []error) string {
	var list []string
	for i, err := range broken {
		list = append(list, fmt.Sprintf("%s (%s)", found[i].Name, err))
	}
	return strings.Join(list, ", ")
}
