package diagnosis

import (
	_ "embed"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/etcdfleet/etcd-fleet/internal/quantity"
)

//go:embed signals.yaml
var signalsFile []byte

// Signal is one thing that a diagnosis reads of Prometheus.
type Signal struct {
	Name string `json:"-"`
	// Title names it in evidence; Unit is "s", "bytes", "percent" for a share of 1, or "" for a number.
	Title string `json:"title"`
	Unit  string `json:"unit"`
	// Key is the label that distinguishes its histories besides region and cluster; "" when there is one history.
	Key  string `json:"key"`
	Expr string `json:"expr"`
}

// PromQL returns the signal's expression for clusters that matchers select, such as region="gz",cluster="gz-1".
func (s Signal) PromQL(matchers string) string { return strings.ReplaceAll(s.Expr, "$scope", matchers) }

var declared = readSignals()

// readSignals panics for a wrong file, as a wrong regular expression would: a test shows it.
func readSignals() map[string]Signal {
	signals := map[string]Signal{}
	if err := yaml.UnmarshalStrict(signalsFile, &signals); err != nil {
		panic(fmt.Sprintf("signals.yaml: %v", err))
	}
	for name, s := range signals {
		s.Name = name
		signals[name] = s
	}
	return signals
}

// Signals returns all signals, sorted by name.
func Signals() []Signal {
	return slices.SortedFunc(maps.Values(declared), func(a, b Signal) int { return strings.Compare(a.Name, b.Name) })
}

func signal(name string) Signal {
	s, ok := declared[name]
	if !ok {
		panic("signals.yaml has no " + name)
	}
	return s
}

var (
	up             = signal("up")
	hasLeader      = signal("has-leader")
	activePeers    = signal("active-peers")
	answeringPeers = signal("answering-peers")
	probe          = signal("probe")
	leaderChanges  = signal("leader-changes")
	walFsync       = signal("wal-fsync")
	peerRoundTrip  = signal("peer-round-trip")
	quotaUsed      = signal("quota-used")
	noSpaceAlarms  = signal("nospace-alarms")
	defragmenting  = signal("defragmenting")
	cpu            = signal("cpu")
	requests       = signal("requests")
	sentBytes      = signal("sent-bytes")
	clockOffset    = signal("clock-offset")
	burnRate       = signal("burn-rate")
	apiRequests    = signal("api-requests")
)

// Up and WALFsync are the signals that neighbours are compared by.
var (
	Up       = up
	WALFsync = walFsync
)

const (
	// Step is the distance of the points of a history.
	Step = 15 * time.Second
	// Window is how far back a history reaches.
	Window = 30 * time.Minute

	// lastingPoints is how many of the latest points must be bad before something slow is named: one is noise.
	lastingPoints = 2
	// tolerated is how many points that are good or missing do not end what is bad.
	tolerated = 2
)

// Series are histories by the signal's name and the value of its key, "" for a signal without one.
type Series map[string]map[string]History

// Members returns the members that have series, sorted by name.
func (s Series) Members() []Member {
	var members []Member
	for _, name := range slices.Sorted(maps.Keys(s[up.Name])) {
		members = append(members, Member{Name: name})
	}
	return members
}

// History is a signal's points, oldest first, Step apart where there is a sample. NaN counts as no sample.
type History []Point

// Point is a value at a time.
type Point struct {
	Time  time.Time
	Value float64
}

// Add appends a point.
func (s Series) Add(name, key string, p Point) {
	if math.IsNaN(p.Value) {
		return
	}
	if s[name] == nil {
		s[name] = map[string]History{}
	}
	s[name][key] = append(s[name][key], p)
}

// current returns the points up to At that are not too old to say something about it.
func (s *Snapshot) current(of Signal, key string) History {
	points := s.Series[of.Name][key]
	if len(points) == 0 || s.At.Sub(points[len(points)-1].Time) >= 2*Step {
		return nil
	}
	return points
}

func (s *Snapshot) last(of Signal, key string) (value float64, known bool) {
	points := s.current(of, key)
	if len(points) == 0 {
		return 0, false
	}
	return points[len(points)-1].Value, true
}

// lasts reports whether the latest points are all bad.
func (s *Snapshot) lasts(of Signal, key string, bad func(float64) bool) bool {
	points := s.current(of, key)
	return len(points) >= lastingPoints &&
		!slices.ContainsFunc(points[len(points)-lastingPoints:], func(p Point) bool { return !bad(p.Value) })
}

// since is the time of the first point of the latest run of bad ones; zero when the latest point is not bad.
func (s *Snapshot) since(of Signal, key string, bad func(float64) bool) time.Time {
	points := s.current(of, key)
	if len(points) == 0 || !bad(points[len(points)-1].Value) {
		return time.Time{}
	}
	begin := points[len(points)-1].Time
	for _, p := range slices.Backward(points) {
		if bad(p.Value) {
			begin = p.Time
		} else if begin.Sub(p.Time) > tolerated*Step {
			break
		}
	}
	return begin
}

// keys returns the values of a signal's key that have a history, sorted.
func (s *Snapshot) keys(of Signal) []string { return slices.Sorted(maps.Keys(s.Series[of.Name])) }

// evidence quotes a signal's present value.
func (s *Snapshot) evidence(of Signal, key, what string) Evidence {
	value, _ := s.last(of, key)
	matchers := fmt.Sprintf("region=%q,cluster=%q", s.Region, s.Cluster)
	return Evidence{Text: fmt.Sprintf("%s: %s", what, of.text(value)), Expr: of.PromQL(matchers)}
}

// text formats a value of the signal.
func (s Signal) text(value float64) string {
	switch s.Unit {
	case "s":
		return seconds(value)
	case "bytes":
		return quantity.Size(value)
	case "percent":
		return fmt.Sprintf("%.0f %%", math.Floor(100*value))
	}
	return fmt.Sprintf("%.3g", value)
}

// seconds formats a latency.
func seconds(value float64) string {
	if math.IsInf(value, 0) {
		return "more than measured"
	}
	if value < 0 {
		return "-" + seconds(-value)
	}
	if value < 1 {
		return fmt.Sprintf("%.3g ms", 1000*value)
	}
	if value >= 60 {
		return quantity.Duration(time.Duration(value * float64(time.Second)))
	}
	return fmt.Sprintf("%.1f s", value)
}

// notFelt are the SLIs that users do not feel: inspections that fail are findings of their own.
var notFelt = []string{"scrapes", "inspections"}

// worstBurn returns the SLI that burns fastest, how fast, and since when it burns as fast as users feel.
func (s *Snapshot) worstBurn() (sli string, rate float64, since time.Time) {
	for _, name := range s.keys(burnRate) {
		if value, known := s.last(burnRate, name); known && !slices.Contains(notFelt, name) && value > rate {
			sli, rate = name, value
		}
	}
	return sli, rate, s.since(burnRate, sli, func(v float64) bool { return v >= feltFrom })
}
