package datasource

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMemoSharesAndRemembersRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fetched := 0
		m := newMemo(5*time.Second, time.Minute, func(_ context.Context, key string) (string, error) {
			fetched++
			time.Sleep(time.Second)
			return "of " + key, nil
		})
		var callers sync.WaitGroup
		for range 10 {
			callers.Go(func() {
				value, err := m.get(t.Context(), "gz")
				if err != nil || value != "of gz" {
					t.Errorf("got %q, %v", value, err)
				}
			})
		}
		callers.Wait()
		require.Equal(t, 1, fetched, "ten callers at once")

		time.Sleep(4 * time.Second)
		_, err := m.get(t.Context(), "gz")
		require.NoError(t, err)
		require.Equal(t, 1, fetched, "still fresh")

		_, err = m.get(t.Context(), "sh")
		require.NoError(t, err)
		require.Equal(t, 2, fetched, "another key")

		time.Sleep(6 * time.Second)
		_, err = m.get(t.Context(), "gz")
		require.NoError(t, err)
		require.Equal(t, 3, fetched, "too old")
		require.Len(t, m.entries, 1, "what expired is forgotten")
	})
}

func TestMemoForgetsErrors(t *testing.T) {
	failures := 1
	m := newMemo(time.Hour, time.Minute, func(context.Context, string) (int, error) {
		if failures > 0 {
			failures--
			return 0, errors.New("down")
		}
		return 7, nil
	})
	_, err := m.get(t.Context(), "")
	require.EqualError(t, err, "down")
	value, err := m.get(t.Context(), "")
	require.NoError(t, err)
	require.Equal(t, 7, value)
}

func TestACallerThatGivesUpDoesNotHurtTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemo(time.Hour, time.Minute, func(ctx context.Context, _ string) (int, error) {
			time.Sleep(time.Second)
			return 7, ctx.Err()
		})
		impatient, cancel := context.WithCancel(t.Context())
		var callers sync.WaitGroup
		callers.Go(func() {
			_, err := m.get(impatient, "")
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		})
		synctest.Wait()
		callers.Go(func() {
			value, err := m.get(t.Context(), "")
			if err != nil || value != 7 {
				t.Errorf("got %d, %v", value, err)
			}
		})
		synctest.Wait()
		cancel()
		callers.Wait()
	})
}
