package checks

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/backups"
	"github.com/etcdfleet/etcd-fleet/internal/foreign"
	"github.com/etcdfleet/etcd-fleet/internal/parameters"
	"github.com/etcdfleet/etcd-fleet/internal/quantity"
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
		Parameters: parameters.Set{
			{
				Name: "location", Kind: parameters.Text,
				Help: "Where the backups are: `file:///folder` or `s3://bucket/folder`.",
			},
			{
				Name: "pattern", Kind: parameters.Text, Default: "*.db",
				Help: "Pattern of the names of the files or objects, without their folders.",
			},
			{
				Name: "endpoint", Kind: parameters.Text, Default: "https://s3.amazonaws.com",
				Help: "Address of the S3 server.",
			},
			{
				Name: "s3Region", Kind: parameters.Text,
				Help: "Region of the S3 server, if it needs one.",
			},
			{
				Name: "maxAge", Kind: parameters.Duration, Default: "24h",
				Help: "Age of the newest backup above which the check warns.",
			},
			{
				Name: "minCount", Kind: parameters.Count, Default: "1",
				Help: "Backups that must be younger than `maxAge`.",
			},
			{
				Name: "minSizeRatio", Kind: parameters.Ratio, Default: "0.5",
				Help: "Part of the size of the backup before it that the newest must have.",
			},
		},
		Values: []Value{
			{
				Name:   "backupAge",
				Metric: "etcd_inspection_backup_age_seconds",
				Help:   "Age of the newest backup of a cluster that is not known to be broken.",
			},
			{
				Name:   "backupSize",
				Metric: "etcd_inspection_backup_size_bytes",
				Help:   "Size of the newest backup of a cluster that is not known to be broken.",
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

// backupAge compares the backups of a cluster with the policy. It is Failed when there is none, or when the newest 5 cannot
// be restored: then a lost quorum, or a wrong delete, loses the cluster's data for good. It is Warning when the newest is
// older than the parameter maxAge, when fewer than minCount are young enough, when the newest has less than minSizeRatio
// of the size of the one before it, or when one newer than the newest usable one cannot be restored.
//
// Backups are the files or objects below the parameter location whose names match pattern: file:///folder of a volume that
// is mounted into cruiser, or s3://bucket/folder of the server endpoint (in s3Region), with the keys backup-access-key and
// backup-secret-key of the cluster's Secret. {clusterId} and {region} in location and pattern stand for the cluster's.
// What may be reached is in the hands of who runs cruiser, see backups.Access.
//
// A backup can be restored when it is what `etcdctl snapshot save` writes: a bbolt database of full length and a SHA-256
// after it. Of one that is compressed, encrypted or unreadable only the age and the size are judged, and the message says
// so.
//
// It asks no member. It costs one listing (1,000 objects a request on S3) and the first page of up to 5 backups; neither
// the checksum nor the rest of a backup is read.
func backupAge(ctx context.Context, target Target) (Result, error) {
	policy := backupPolicy{
		maxAge:       target.Parameters.Duration("maxAge"),
		minCount:     target.Parameters.Count("minCount"),
		minSizeRatio: target.Parameters.Ratio("minSizeRatio"),
	}
	location, err := openBackups(target)
	if err != nil {
		return Result{}, err
	}
	listing, cancel := context.WithTimeout(ctx, backupTimeout)
	defer cancel()
	found, others, err := location.List(listing)
	if err != nil {
		return Result{}, err
	}
	if len(found) == 0 && others.Count > 0 {
		return Result{}, fmt.Errorf("none of %d objects matches the pattern %s, such as %s: correct spec.parameters.pattern, or see "+
			"why no backup was made", others.Count, target.Parameters.Text("pattern"), foreign.Quote(others.Example))
	}
	read, err := readBackups(ctx, location, found)
	if err != nil {
		return Result{}, err
	}
	return policy.judge(read), nil
}

// backupPolicy is what backups are compared with.
type backupPolicy struct {
	maxAge       time.Duration
	minCount     int64
	minSizeRatio float64
}

func openBackups(target Target) (backups.Location, error) {
	if target.Parameters.Text("location") == "" {
		return nil, errors.New("where the backups are is not known: set spec.parameters.location to file:///folder or s3://bucket/folder")
	}
	location, err := target.Backups.Open(backups.Settings{
		Location:      target.Parameters.Text("location"),
		Pattern:       target.Parameters.Text("pattern"),
		Endpoint:      target.Parameters.Text("endpoint"),
		Region:        target.Parameters.Text("s3Region"),
		ClusterID:     target.Cluster.ClusterID,
		ClusterRegion: target.Cluster.Region,
		Keys:          target.Members.BackupKeys,
	})
	if err != nil {
		return nil, fmt.Errorf("correct spec.parameters: %w", err)
	}
	return location, nil
}

// readResult is a listing, the newest first, of which the newest were read.
type readResult struct {
	found []backups.Backup

	// broken is why the newest cannot be restored.
	broken []error

	// unverified is why the one after them could not be verified; nil when it is a whole snapshot.
	unverified error
}

// readBackups reads the newest backups until one of them is not broken.
func readBackups(ctx context.Context, location backups.Location, found []backups.Backup) (readResult, error) {
	read := readResult{found: found}
	for _, backup := range found[:min(len(found), verifiedBackups)] {
		reading, cancel := context.WithTimeout(ctx, backupTimeout)
		err := location.Verify(reading, backup)
		cancel()
		switch {
		case err == nil:
			return read, nil
		case errors.Is(err, backups.ErrUnverified):
			read.unverified = err
			return read, nil
		case !errors.Is(err, backups.ErrUnusable):
			return read, fmt.Errorf("read the backup %s: %w: let cruiser, or the access key, read it", foreign.Quote(backup.Name), err)
		}
		read.broken = append(read.broken, err)
	}
	return read, nil
}

// judge compares backups with the policy.
func (p backupPolicy) judge(read readResult) Result {
	if len(read.broken) == len(read.found) || len(read.broken) == verifiedBackups {
		return noBackup(read)
	}
	usable := read.found[len(read.broken):]
	newest, age := usable[0], time.Since(usable[0].Time)
	young := 0
	for young < len(usable) && time.Since(usable[young].Time) <= p.maxAge {
		young++
	}
	result := Result{
		Outcome: etcdv1beta1.OutcomePassed,
		Message: fmt.Sprintf("the newest backup is %s of %s (%s ago, %s), backups within %s: %d", foreign.Quote(newest.Name),
			newest.Time.UTC().Format(time.RFC3339), quantity.Duration(age), quantity.Size(float64(newest.Size)), quantity.Duration(p.maxAge), young),
		Values: map[string]float64{
			"backupAge":  age.Seconds(),
			"backupSize": float64(newest.Size),
			"backups":    float64(young),
		},
	}
	if problems := p.problems(read, age, young); len(problems) > 0 {
		result.Outcome = etcdv1beta1.OutcomeWarning
		result.Message += "; " + strings.Join(problems, "; ")
	}
	if read.unverified != nil {
		result.Message += "; whether it can be restored is " + read.unverified.Error()
	}
	return result
}

// problems are how the backups violate the policy, given the age of the newest usable one and how many are young enough.
func (p backupPolicy) problems(read readResult, age time.Duration, young int) []string {
	var problems []string
	if age > p.maxAge {
		problems = append(problems, fmt.Sprintf("that is older than %s: see why no backup was made since", quantity.Duration(p.maxAge)))
	} else if int64(young) < p.minCount {
		problems = append(problems, fmt.Sprintf("that is fewer than %d: see which backups failed", p.minCount))
	}
	usable := read.found[len(read.broken):]
	if len(usable) > 1 && usable[0].PackedAs() == usable[1].PackedAs() &&
		float64(usable[0].Size) < p.minSizeRatio*float64(usable[1].Size) {
		problems = append(problems, fmt.Sprintf("%s, the one before it, has %s: see whether keys were lost or the cluster was defragmented",
			foreign.Quote(usable[1].Name), quantity.Size(float64(usable[1].Size))))
	}
	if len(read.broken) > 0 {
		problems = append(problems, "newer ones cannot be restored: "+describeBroken(read))
	}
	return problems
}

// noBackup is the result when nothing can be restored.
func noBackup(read readResult) Result {
	message := "there is no backup at all: make one, and see why none was made"
	if len(read.found) > 0 {
		message = fmt.Sprintf("the newest %d of %d backups cannot be restored: make one, and see what writes them: %s",
			len(read.broken), len(read.found), describeBroken(read))
	}
	return Result{
		Outcome: etcdv1beta1.OutcomeFailed,
		Message: message,
		Values:  map[string]float64{"backups": 0},
	}
}

func describeBroken(read readResult) string {
	var list []string
	for i, err := range read.broken {
		list = append(list, fmt.Sprintf("%s (%s)", foreign.Quote(read.found[i].Name), err))
	}
	return strings.Join(list, ", ")
}
