package guard_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/etcdfleet/etcd-fleet/internal/guard"
)

func TestRun(t *testing.T) {
	failure := errors.New("no answer")
	assert.NoError(t, guard.Run(t.Context(), "a check", func() error { return nil }))
	assert.Equal(t, failure, guard.Run(t.Context(), "a check", func() error { return failure }))
	assert.EqualError(t, guard.Run(t.Context(), "a check", func() error { panic("index out of range") }),
		"a check has a defect, see the program's log: index out of range")
	assert.ErrorContains(t, guard.Run(t.Context(), "a check", func() error {
		var nothing []int
		return fmt.Errorf("%d", nothing[len(t.Name())])
	}), "index out of range")
}
