package etcddiag

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/etcdfleet/etcd-fleet/internal/etcdclient"
	"github.com/etcdfleet/etcd-fleet/internal/foreign"
	"github.com/etcdfleet/etcd-fleet/internal/sidebyside"
)

const (
	// MaxRaftLag is by how many entries a healthy member may lag. Beyond that etcd itself refuses writes
	// (server/etcdserver, maxGapBetweenApplyAndCommitIndex).
	MaxRaftLag = 5000

	maxHealthBytes = 16 << 10
)

// Health is what the voting members say of themselves.
type Health struct {
	All Members

	// Voters is how many there are; Problems are those of each unhealthy one, by its name.
	Voters   int
	Problems map[string]string

	// Alarms are the kinds of alarms that are raised.
	Alarms []string
}

// AskHealth asks the voting members whether they are ready. Members in skip are not asked by HTTP, since their server is
// known not to answer.
func AskHealth(ctx context.Context, all Members, skip map[string]bool) Health {
	voters, missing := all.Voters(), all.Missing()
	health := Health{All: all, Voters: len(voters) + len(missing), Problems: map[string]string{}, Alarms: voters.AlarmKinds()}
	unready := askReadiness(ctx, all, skip)
	newest, leader := uint64(0), voters.commonLeader()
	for _, m := range voters {
		newest = max(newest, m.Status.RaftIndex)
	}
	for _, m := range missing {
		health.Problems[m.Name] = fmt.Sprintf("is missing (%s)", etcdclient.Reason(m.Err))
	}
	for _, m := range voters {
		switch lag := newest - min(newest, m.Status.RaftAppliedIndex); {
		case m.Status.Leader == 0:
			health.Problems[m.Name] = "knows no leader"
		case m.Status.Leader != leader:
			health.Problems[m.Name] = fmt.Sprintf("follows %x while others follow %x", m.Status.Leader, leader)
		case unready[m.Name] != "":
			health.Problems[m.Name] = unready[m.Name]
		case lag > MaxRaftLag:
			health.Problems[m.Name] = fmt.Sprintf("lags %d entries, more than %d", lag, MaxRaftLag)
		}
	}
	return health
}

// HasQuorum reports whether a majority of the voting members is healthy. A stray does not vote, and its vote is missed.
func (h Health) HasQuorum() bool {
	votes := h.Voters + len(h.All.Strays())
	return h.Voters-len(h.Problems) > votes/2
}

// IsGood reports whether all voting members are healthy and no alarm is raised.
func (h Health) IsGood() bool { return len(h.Problems) == 0 && len(h.Alarms) == 0 }

// Describe is the sentence about members that are all healthy.
func (h Health) Describe() string {
	if h.Voters == 1 {
		return "The voting member is healthy."
	}
	return fmt.Sprintf("All %d voting members are healthy.", h.Voters)
}

// MayRecover reports whether a member that answers is unhealthy. Those that do not answer were waited for.
func (h Health) MayRecover() bool { return len(h.Problems) > len(h.All.Missing()) }

// commonLeader is the leader that most members follow.
func (a Members) commonLeader() uint64 {
	followers := map[uint64]int{}
	common := uint64(0)
	for _, m := range a {
		if leader := m.Status.Leader; leader != 0 {
			followers[leader]++
			if followers[leader] > followers[common] {
				common = leader
			}
		}
	}
	return common
}

// askReadiness asks the voting members whether they are ready, and returns why not. One without a leader cannot be, and
// would take its time to answer.
func askReadiness(ctx context.Context, all Members, skip map[string]bool) map[string]string {
	asked := all.Filter(func(m *Member) bool {
		return m.Err == nil && !m.IsStray && !m.IsLearner() && m.Status.Leader != 0 && !skip[m.Name]
	})
	var mu sync.Mutex
	unready := map[string]string{}
	sidebyside.Do(ctx, asked, func(m *Member) {
		reason := m.whyUnready(ctx)
		mu.Lock()
		defer mu.Unlock()
		unready[m.Name] = reason
	})
	return unready
}

// whyUnready is empty when the member is ready.
func (m *Member) whyUnready(ctx context.Context) string {
	status, answer := m.askHealth(ctx, "/readyz?verbose")
	switch status {
	case http.StatusOK:
		return ""
	case http.StatusNotFound: // an older version
		return m.whyUnhealthy(ctx)
	default:
		return fmt.Sprintf("is not ready (%s)", failedReadiness(answer))
	}
}

// whyUnhealthy is whyUnready of versions without /readyz.
func (m *Member) whyUnhealthy(ctx context.Context) string {
	if status, answer := m.askHealth(ctx, "/health?serializable=true"); status != http.StatusOK {
		return fmt.Sprintf("does not answer reads by itself (/health?serializable=true: %s)", foreign.Quote(answer))
	}
	if status, answer := m.askHealth(ctx, "/health"); status != http.StatusOK {
		return fmt.Sprintf("answers reads by itself but not by quorum (/health: %s)", foreign.Quote(answer))
	}
	return ""
}

// askHealth returns the status and the text of an answer, or 0 and why there is none.
func (m *Member) askHealth(ctx context.Context, path string) (status int, answer string) {
	status, err := m.Get(ctx, m.MetricsEndpoint+path, func(body io.Reader) error {
		content, err := io.ReadAll(io.LimitReader(body, maxHealthBytes))
		answer = strings.TrimSpace(string(content))
		return err
	})
	if err != nil {
		return 0, etcdclient.Reason(err)
	}
	return status, answer
}

// failedReadiness are the lines of /readyz?verbose that start with "[-]": what failed.
func failedReadiness(answer string) string {
	var failed []string
	for line := range strings.Lines(answer) {
		if what, found := strings.CutPrefix(line, "[-]"); found {
			failed = append(failed, strings.TrimSpace(what))
		}
	}
	if len(failed) == 0 {
		return "/readyz: " + foreign.Quote(answer)
	}
	return foreign.Quote(strings.Join(failed, ", "))
}
