package inventory

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestFreshnessFollowsItsSignals(t *testing.T) {
	now := time.Unix(0, 0)
	var changes []State
	f := newFreshness("gz", func() time.Time { return now }, func(s Status) { changes = append(changes, s.State) }, "clusters", "monitors")
	refused := errors.New("refused")
	expect := func(state State, since int64, err error) {
		t.Helper()
		status := f.current()
		require.Equal(t, state, status.State)
		require.Equal(t, since, status.Since.Unix())
		require.Equal(t, err, status.Err)
	}
	hasTried := func() bool {
		select {
		case <-f.firstSync:
			return true
		default:
			return false
		}
	}

	expect(Syncing, 0, nil)
	f.signal("clusters", nil)
	f.synced("clusters")
	expect(Syncing, 0, nil)
	require.False(t, hasTried())

	now = time.Unix(1, 0)
	f.signal(probeSignal, refused)
	expect(Failed, 1, refused)
	require.True(t, hasTried(), "nobody needs to wait for a region that cannot be reached")

	now = time.Unix(2, 0)
	f.signal(probeSignal, nil)
	expect(Syncing, 2, nil)
	f.synced("monitors")
	expect(Live, 2, nil)

	now = time.Unix(12, 0)
	f.signal(probeSignal, nil)
	expect(Live, 2, nil)
	now = time.Unix(20, 0)
	f.synced("monitors") // proves nothing the second time
	now = time.Unix(22, 0)
	f.signal(probeSignal, refused)
	expect(Stale, 12, refused)

	now = time.Unix(23, 0)
	f.signal("monitors", refused)
	f.signal(probeSignal, nil)
	expect(Stale, 12, refused)
	now = time.Unix(30, 0)
	f.signal("monitors", nil)
	expect(Live, 30, nil)
	require.Equal(t, []State{Failed, Syncing, Live, Stale, Live}, changes)
}

// An API server that is not ready may serve watches all the same.
func TestDataThatWasNeverConfirmedIsAsOldAsItsSynchronisation(t *testing.T) {
	now := time.Unix(0, 0)
	f := newFreshness("gz", func() time.Time { return now }, func(Status) {}, "clusters")
	f.signal(probeSignal, errors.New("not ready"))
	now = time.Unix(5, 0)
	f.synced("clusters")
	now = time.Unix(9, 0)
	f.signal(probeSignal, errors.New("not ready"))
	require.Equal(t, Stale, f.current().State)
	require.Equal(t, int64(5), f.current().Since.Unix())
}
