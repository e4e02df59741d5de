package consistency

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/etcddiag"
	"github.com/etcdfleet/etcd-fleet/internal/quantity"
)

// evidence is what members said of their data, and whether a second fact says the same.
type evidence struct {
	hashes []*etcddiag.Hash

	// scanned is true if the hashes are of scans, which cover the data as they are. Otherwise they are of a compaction.
	scanned bool

	// second are other hashes: those of a compaction where hashes are of scans or of a later compaction.
	second []*etcddiag.Hash
}

// judge compares the hashes of the members that answered on the same basis.
func (e evidence) judge(all etcddiag.Members, newest int64) (Verdict, error) {
	compared := largestGroup(e.hashes)
	if len(compared) < 2 {
		return Verdict{}, explainPermission(all, notComparable(all, e.hashes))
	}
	var remarks strings.Builder
	for _, h := range e.hashes {
		switch {
		case !slices.Contains(compared, h):
			fmt.Fprintf(&remarks, " Member %s was not compared (%s).", h.Name, whyNotCompared(h))
		case h.Current < newest:
			fmt.Fprintf(&remarks, " Member %s lags: it is at revision %d while others have compacted %d.", h.Name, h.Current, newest)
		}
	}
	verdict := Verdict{
		Outcome:  etcdv1beta1.OutcomePassed,
		Message:  fmt.Sprintf("The data of %d voting members are equal at revision %d.", len(compared), compared[0].Basis.Revision),
		Compared: len(compared), IsDecided: true,
	}
	if remarks.Len() > 0 || len(all.Missing()) > 0 {
		verdict.Outcome = etcdv1beta1.OutcomeWarning
	}
	if len(groupByHash(compared)) > 1 {
		e.judgeDifference(&verdict, compared, len(all.Voters())+len(all.Missing()))
	}
	verdict.Message += remarks.String() + all.Remarks()
	return verdict, nil
}

// judgeDifference reports that the compared members, out of the given number of voters, differ.
func (e evidence) judgeDifference(verdict *Verdict, compared []*etcddiag.Hash, voters int) {
	division := divide(compared, voters)
	revision := compared[0].Basis.Revision
	confirmed := differ(e.second) && divide(largestGroup(e.second), voters).differing() == division.differing()
	switch {
	case differByVersion(compared):
		verdict.Outcome = etcdv1beta1.OutcomeWarning
		verdict.Message = fmt.Sprintf("Hashes differ at revision %d as the versions of the members do (%s): let all members run one "+
			"version, and run this check again.", revision, division.describe())
		verdict.IsDecided = false
		return
	case !e.scanned && !confirmed:
		verdict.Outcome = etcdv1beta1.OutcomeWarning
		verdict.Message = fmt.Sprintf("The hashes of the compaction at revision %d differ (%s), which nothing else confirms: a restart "+
			"within a compaction may be the cause. Run this check again after the next compaction, or set maxScanBytes above the size "+
			"of the database, and keep the data of all members.", revision, division.describe())
		verdict.IsDecided = false
		return
	}
	verdict.Outcome = etcdv1beta1.OutcomeFailed
	verdict.Inconsistent = len(division.differ)
	if !division.hasMajority {
		verdict.Message = fmt.Sprintf("The data of members differ at revision %d and no majority of %d agrees (%s): stop writing, "+
			"and compare them with a backup.", revision, voters, division.describe())
		return
	}
	advice := "keep its data until the next compaction confirms it, and then replace the member"
	if confirmed {
		advice = "remove the member, delete its data and add it again"
	}
	verdict.Message = fmt.Sprintf("The data of %s differ from the majority's at revision %d (%s): %s.",
		division.differing(), revision, division.describe(), advice)
}

// division is how members differ.
type division struct {
	groups [][]*etcddiag.Hash

	// hasMajority is true if more than half of the voters agree, and differ are the members that do not agree with them, or
	// all without a majority.
	hasMajority bool
	differ      []*etcddiag.Hash
}

func divide(compared []*etcddiag.Hash, voters int) division {
	d := division{groups: groupByHash(compared)}
	largest := slices.MaxFunc(d.groups, func(a, b []*etcddiag.Hash) int { return cmp.Compare(len(a), len(b)) })
	d.hasMajority = len(largest) > voters/2
	for _, group := range d.groups {
		if !d.hasMajority || group[0].Hash != largest[0].Hash {
			d.differ = append(d.differ, group...)
		}
	}
	return d
}

// describe says "etcd-0 etcd-2 hash 0a1b2c3d, etcd-1 hash 4e5f6071".
func (d division) describe() string {
	var groups []string
	for _, group := range d.groups {
		groups = append(groups, fmt.Sprintf("%s hash %08x", namesOf(group), group[0].Hash))
	}
	return strings.Join(groups, ", ")
}

func (d division) differing() string { return namesOf(d.differ) }

// differ reports whether members that can be compared differ.
func differ(hashes []*etcddiag.Hash) bool { return len(groupByHash(largestGroup(hashes))) > 1 }

// differByVersion reports whether no two members of the same version differ, and versions do. Some releases hash the same data
// otherwise than others do.
func differByVersion(compared []*etcddiag.Hash) bool {
	versions := map[string]uint32{}
	for _, h := range compared {
		if hash, known := versions[h.Status.Version]; known && hash != h.Hash {
			return false
		}
		versions[h.Status.Version] = h.Hash
	}
	return len(versions) > 1
}

// notComparable says why fewer than two members could be compared.
func notComparable(all etcddiag.Members, hashes []*etcddiag.Hash) error {
	var reasons []string
	for _, h := range hashes {
		reasons = append(reasons, fmt.Sprintf("%s: %s", h.Name, whyNotCompared(h)))
	}
	if len(reasons) < 2 {
		return all.TooFew()
	}
	return fmt.Errorf("no two members' hashes can be compared (%s): run this check again after the next compaction, or set "+
		"maxScanBytes above the size of the database, %s", strings.Join(reasons, ", "), quantity.Size(float64(slices.MaxFunc(hashes, bySize).Status.DbSize)))
}

func whyNotCompared(h *etcddiag.Hash) string {
	if h.Reason != "" {
		return h.Reason
	}
	return fmt.Sprintf("its hash is of revisions %d to %d, as after a restart or while it compacts", h.Basis.Compaction, h.Basis.Revision)
}

// explainPermission returns err, or what to do when a member refused for lack of rights.
func explainPermission(all etcddiag.Members, err error) error {
	for _, m := range all.Missing() {
		if errors.Is(m.Err, rpctypes.ErrPermissionDenied) {
			return fmt.Errorf("hashing needs the role root: grant it to the user that the EtcdCluster's "+
				"Secret names: %s: %w", m.Name, m.Err)
		}
	}
	return err
}

// decided reports whether another attempt would find nothing else: all members were compared, or some differ.
func decided(hashes []*etcddiag.Hash) bool {
	group := largestGroup(hashes)
	return len(group) > 1 && (len(group) == len(hashes) || differ(hashes))
}

// withoutMissing leaves out members that did not answer: they keep their errors and are missing.
func withoutMissing(hashes []*etcddiag.Hash) []*etcddiag.Hash {
	return slices.DeleteFunc(hashes, func(h *etcddiag.Hash) bool { return h.Err != nil })
}

// largestGroup returns the largest group of members that answered on the same basis; of equally large ones, one that differs.
func largestGroup(hashes []*etcddiag.Hash) []*etcddiag.Hash {
	var largest []*etcddiag.Hash
	for _, first := range hashes {
		var group []*etcddiag.Hash
		for _, h := range hashes {
			if h.Answered && first.Answered && h.Basis == first.Basis {
				group = append(group, h)
			}
		}
		if len(group) > len(largest) || len(group) == len(largest) && len(groupByHash(group)) > len(groupByHash(largest)) {
			largest = group
		}
	}
	return largest
}

// groupByHash returns the members in groups of equal hashes, in the order of the first of each.
func groupByHash(hashes []*etcddiag.Hash) [][]*etcddiag.Hash {
	var groups [][]*etcddiag.Hash
	for _, h := range hashes {
		i := slices.IndexFunc(groups, func(group []*etcddiag.Hash) bool { return group[0].Hash == h.Hash })
		if i < 0 {
			groups = append(groups, []*etcddiag.Hash{h})
			continue
		}
		groups[i] = append(groups[i], h)
	}
	return groups
}

func namesOf(hashes []*etcddiag.Hash) string {
	var names []string
	for _, h := range hashes {
		names = append(names, h.Name)
	}
	return strings.Join(names, " ")
}

func byCompaction(a, b *etcddiag.Hash) int { return cmp.Compare(a.Compaction, b.Compaction) }

func bySize(a, b *etcddiag.Hash) int { return cmp.Compare(a.Status.DbSize, b.Status.DbSize) }
