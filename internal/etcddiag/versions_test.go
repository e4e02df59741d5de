package etcddiag_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/etcdfleet/etcd-fleet/internal/etcddiag"
)

func TestHashesAreRememberedFrom355On(t *testing.T) {
	for version, remembers := range map[string]bool{
		"3.4.45": false, "3.5.4": false, "3.5.5": true, "3.5.5-rc.1": true, "3.5.21+vendor.1": true, "3.6.0-alpha.0": true,
		"3.10.0": true, "4.0.0": true, "": false, "3.5": false, "unknown": false,
	} {
		assert.Equal(t, remembers, etcddiag.RemembersHashes(version), version)
	}
}

func TestAStepFromBefore3526To36MayBringRemovedMembersBack(t *testing.T) {
	for _, test := range []struct {
		from, to string
		want     bool
	}{
		{"3.5.25", "3.6.0", true},
		{"3.5.9", "3.6.0-rc.1", true},
		{"3.5.26", "3.6.0", false},
		{"3.5.25", "3.5.26", false},
		{"3.4.30", "3.6.0", false}, // refused by etcd itself
		{"3.6.0", "3.5.25", false},
		{"", "3.6.0", false},
		{"3.5.25", "", false},
	} {
		assert.Equal(t, test.want, etcddiag.IsZombieStep(test.from, test.to), "%s to %s", test.from, test.to)
	}
}
