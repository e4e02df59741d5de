package etcddiag

import "github.com/coreos/go-semver/semver"

// firstWithHashes remembers the hashes of compactions.
var firstWithHashes = semver.Version{Major: 3, Minor: 5, Patch: 5}

// zombieFixed and zombieReads are the versions between which a cluster must not go in one step: before 3.5.26 the two
// stores of the membership may differ, and 3.6 reads the other one (https://etcd.io/blog/2025/zombie_members_upgrade/).
var zombieFixed, zombieReads = semver.Version{Major: 3, Minor: 5, Patch: 26}, semver.Version{Major: 3, Minor: 6}

// IsZombieStep reports whether members that were removed may come back when a member goes from one version to the other.
func IsZombieStep(from, to string) bool {
	old, knowsOld := ParseVersion(from)
	young, knowsYoung := ParseVersion(to)
	return knowsOld && knowsYoung && old.Major == 3 && old.Minor == 5 && old.LessThan(zombieFixed) && !young.LessThan(zombieReads)
}

// ParseVersion returns the version that a member reports. A pre-release or a build of a vendor counts as its release.
func ParseVersion(text string) (version semver.Version, known bool) {
	parsed, err := semver.NewVersion(text)
	if err != nil {
		return semver.Version{}, false
	}
	return semver.Version{Major: parsed.Major, Minor: parsed.Minor, Patch: parsed.Patch}, true
}

// RemembersHashes reports whether a version of etcd remembers the hashes of compactions, as 3.5.5 and later do.
func RemembersHashes(version string) bool {
	parsed, known := ParseVersion(version)
	return known && !parsed.LessThan(firstWithHashes)
}
