package testproc_test

import (
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/etcdfleet/etcd-fleet/internal/testproc"
)

// Two members with one address are one process: the second does not start, and the first answers for both.
func TestFreeAddressIsGivenToOneServerAtATime(t *testing.T) {
	t.Parallel()
	taken := map[string]bool{}
	for range 500 {
		address := testproc.FreeAddress(t)
		assert.False(t, taken[address], address)
		taken[address] = true
		listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
		require.NoError(t, err)
		require.NoError(t, listener.Close()) // a server that is down keeps its address
	}
	more, err := testproc.FreeAddresses(10)
	require.NoError(t, err)
	for _, address := range more {
		assert.False(t, taken[address], address)
	}
}
