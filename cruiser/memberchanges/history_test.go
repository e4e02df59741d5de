package memberchanges_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"github.com/etcdfleet/etcd-fleet/cruiser/memberchanges"
	"github.com/etcdfleet/etcd-fleet/internal/etcddiag"
)

var begin = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func member(version string, start time.Time) *etcddiag.Started {
	return &etcddiag.Started{
		Member: &etcddiag.Member{Name: "etcd-0", Status: &pb.StatusResponse{Header: &pb.ResponseHeader{Revision: 7}, Version: version}},
		Start:  start,
	}
}

func notice(history *memberchanges.History, m *etcddiag.Started, at time.Time) {
	history.Notice([]*etcddiag.Started{m}, at)
}

func TestRestartsAndChangesOfTheVersionAreNoticed(t *testing.T) {
	var history memberchanges.History
	notice(&history, member("3.5.9", begin), begin.Add(time.Minute))
	assert.Empty(t, history.Changes, "it was never seen before")

	notice(&history, member("3.5.9", begin.Add(time.Second)), begin.Add(2*time.Minute))
	assert.Empty(t, history.Changes, "the clock was adjusted")

	notice(&history, member("3.5.9", begin.Add(time.Hour)), begin.Add(2*time.Hour))
	notice(&history, member("3.6.1", begin.Add(3*time.Hour)), begin.Add(4*time.Hour))
	require.Len(t, history.Changes, 2)
	assert.Equal(t, "etcd-0 restarted at 2026-01-02T04:04:05Z.", history.Changes[0].String())
	assert.Equal(t, "etcd-0 went from 3.5.9 to 3.6.1 at 2026-01-02T06:04:05Z.", history.Changes[1].String())
	assert.Equal(t, history.Changes[1:], history.Last())
	assert.Equal(t, memberchanges.Upgrade, history.Direction)
	assert.Len(t, history.NotCompared(), 2)
	assert.Equal(t, int64(7), history.Changes[1].Revision)

	notice(&history, member("3.5.9", begin.Add(5*time.Hour)), begin.Add(5*time.Hour+time.Second))
	assert.Equal(t, memberchanges.Rollback, history.Direction)

	history.End(begin.Add(5*time.Hour), time.Hour)
	assert.Len(t, history.Changes, 1, "the others were followed up")
	assert.Equal(t, begin.Add(3*time.Hour), history.Since)
}

func TestAMissingMemberIsRememberedAsItWas(t *testing.T) {
	var history memberchanges.History
	notice(&history, member("3.5.9", begin), begin.Add(time.Minute))
	missing := &etcddiag.Started{Member: &etcddiag.Member{Name: "etcd-0", Err: errors.New("connection refused")}}
	notice(&history, missing, begin.Add(2*time.Minute))
	assert.Empty(t, history.Changes)
	oldest, newest := history.Versions([]string{"etcd-0", "etcd-1"})
	assert.Equal(t, []string{"3.5.9", "3.5.9"}, []string{oldest, newest})
}

func TestAHistoryIsBoundedAndReadBack(t *testing.T) {
	var history memberchanges.History
	for i := range 100 {
		at := begin.Add(time.Duration(i) * time.Minute)
		notice(&history, member("3.5.9", at), at)
	}
	history.NoticeSkew(true, begin)
	text, err := json.Marshal(history)
	require.NoError(t, err)
	assert.Less(t, len(text), 16<<10)
	assert.Equal(t, history, memberchanges.Parse(string(text)))
	assert.Equal(t, memberchanges.History{}, memberchanges.Parse("of another version"))

	history.NoticeSkew(false, begin)
	assert.Nil(t, history.SkewSince)
}
