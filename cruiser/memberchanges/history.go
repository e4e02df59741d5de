// Package memberchanges remembers how the members of a cluster were seen from run to run, and so notices restarts and
// changes of versions.
package memberchanges

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/etcdfleet/etcd-fleet/internal/etcddiag"
)

const (
	// startTolerance is by how much a start time may move without a restart: the kernel knows the time of its boot in
	// whole seconds, and derives it from a clock that is adjusted.
	startTolerance = 1500 * time.Millisecond

	// mostChanges bounds a History, which is part of a state: one change takes up to 250 bytes.
	mostChanges = 40
)

// History is what a run leaves to the next one.
type History struct {
	// Since is when the members were seen first, or when the last change was made whose follow-up is over.
	Since time.Time `json:"since"`

	// Members are how each was seen last.
	Members map[string]Seen `json:"members"`

	// Changes are those that are followed up.
	Changes []Change `json:"changes,omitempty"`

	// SkewSince is since when versions differ; nil when they do not.
	SkewSince *time.Time `json:"skewSince,omitempty"`

	// Direction is how the last member that changed its version did so while they differ: Upgrade or Rollback. It is empty
	// where no change was seen.
	Direction string `json:"direction,omitempty"`
}

// The directions of a change of versions.
const (
	Upgrade  = "upgrade"
	Rollback = "rollback"
)

// Seen is a member as it was seen last. Start is zero when its metrics were never read.
type Seen struct {
	Start   time.Time `json:"start,omitzero"`
	Version string    `json:"version"`
}

// Change is a restart, a change of the version, or both.
type Change struct {
	Member  string    `json:"member"`
	At      time.Time `json:"at"`
	Noticed time.Time `json:"noticed"`

	// From and To are versions where they changed.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`

	// Revision is the cluster's when the change was noticed. The data are compared after a later compaction, and
	// Compared is true once they were equal.
	Revision int64 `json:"revision"`
	Compared bool  `json:"compared,omitempty"`
}

// Parse starts again with a state that it does not understand.
func Parse(state string) History {
	var history History
	if err := json.Unmarshal([]byte(state), &history); err != nil {
		return History{}
	}
	return history
}

// Notice compares the members with how they were seen last.
func (h *History) Notice(started []*etcddiag.Started, now time.Time) {
	if h.Since.IsZero() {
		h.Since = now.UTC().Truncate(time.Second)
	}
	revision := int64(0)
	for _, m := range started {
		if m.IsKnown() {
			revision = max(revision, m.Revision())
		}
	}
	seen := map[string]Seen{}
	for _, m := range started {
		before, known := h.Members[m.Name]
		after := seenNow(m, before)
		if known && m.IsKnown() {
			h.compare(m.Name, before, after, revision, now)
		}
		if known || m.IsKnown() {
			seen[m.Name] = after
		}
	}
	h.Members = seen
	h.Changes = h.Changes[max(0, len(h.Changes)-mostChanges):]
}

// compare keeps a change of one member.
func (h *History) compare(name string, before, after Seen, revision int64, now time.Time) {
	restarted := !before.Start.IsZero() && after.Start.Sub(before.Start) > startTolerance
	if !restarted && before.Version == after.Version {
		return
	}
	change := Change{Member: name, At: now, Noticed: now.UTC(), Revision: revision}
	if restarted && after.Start.Before(now) {
		change.At = after.Start
	}
	change.At = change.At.UTC().Truncate(time.Second)
	if before.Version != after.Version {
		change.From, change.To = before.Version, after.Version
		h.Direction = directionOf(before.Version, after.Version)
	}
	h.Changes = append(h.Changes, change)
}

func (c Change) String() string {
	if c.From != "" {
		return fmt.Sprintf("%s went from %s to %s at %s.", c.Member, c.From, c.To, Time(c.At))
	}
	return fmt.Sprintf("%s restarted at %s.", c.Member, Time(c.At))
}

// Time writes when something happened.
func Time(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// Last are the last changes of each member, in the order in which they were noticed.
func (h *History) Last() []Change {
	last := map[string]int{}
	for i, change := range h.Changes {
		last[change.Member] = i
	}
	var changes []Change
	for i, change := range h.Changes {
		if last[change.Member] == i {
			changes = append(changes, change)
		}
	}
	return changes
}

// NotCompared are the changes since which the data were not found equal.
func (h *History) NotCompared() []*Change {
	var pending []*Change
	for i := range h.Changes {
		if change := &h.Changes[i]; !change.Compared {
			pending = append(pending, change)
		}
	}
	return pending
}

// NoticeSkew remembers since when versions differ.
func (h *History) NoticeSkew(differ bool, now time.Time) {
	if !differ {
		h.SkewSince, h.Direction = nil, ""
	} else if h.SkewSince == nil {
		since := now.UTC().Truncate(time.Second)
		h.SkewSince = &since
	}
}

// End drops the changes that were noticed that long ago, or longer.
func (h *History) End(now time.Time, follow time.Duration) {
	h.Changes = slices.DeleteFunc(h.Changes, func(change Change) bool {
		over := now.Sub(change.Noticed) >= follow
		if over && change.At.After(h.Since) {
			h.Since = change.At
		}
		return over
	})
}

// Versions returns the oldest and the newest version of the members of these names, also of those that are missing now.
func (h *History) Versions(names []string) (oldest, newest string) {
	for _, name := range names {
		version, known := etcddiag.ParseVersion(h.Members[name].Version)
		if !known {
			continue
		}
		if lowest, found := etcddiag.ParseVersion(oldest); !found || version.LessThan(lowest) {
			oldest = h.Members[name].Version
		}
		if highest, found := etcddiag.ParseVersion(newest); !found || highest.LessThan(version) {
			newest = h.Members[name].Version
		}
	}
	return oldest, newest
}

// directionOf is empty where one of the versions is not known.
func directionOf(from, to string) string {
	old, knowsOld := etcddiag.ParseVersion(from)
	young, knowsYoung := etcddiag.ParseVersion(to)
	switch {
	case !knowsOld || !knowsYoung:
		return ""
	case young.LessThan(old):
		return Rollback
	default:
		return Upgrade
	}
}

// seenNow is how the member is seen now. What it does not report is as before.
func seenNow(m *etcddiag.Started, before Seen) Seen {
	after := before
	if m.IsKnown() {
		after.Version = m.Status.Version
	}
	if m.IsKnown() && m.NoStart == nil {
		after.Start = m.Start
	}
	return after
}
