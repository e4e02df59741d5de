package checks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/etcdclient"
	"github.com/etcdfleet/etcd-fleet/internal/etcddiag"
	"github.com/etcdfleet/etcd-fleet/internal/parameters"
	"github.com/etcdfleet/etcd-fleet/internal/sidebyside"
)

func init() {
	register(Check{
		Name: "request-latency",
		Parameters: parameters.Set{
			{
				Name: "probes", Kind: parameters.Count, Default: "5", Min: "1", Max: "100",
				Help: "Reads of each kind that each member is asked for.",
			},
			{
				Name: "warnAfter", Kind: parameters.Duration, Default: "100ms",
				Help: "Median time of a member's reads above which the check warns.",
			},
			{
				Name: "failAfter", Kind: parameters.Duration, Default: "1s", Min: "1ms", NotBelow: "warnAfter",
				Help: "Time after which a read counts as not answered.",
			},
		},
		Values: []Value{
			{
				Name:   "linearizableRead",
				Metric: "etcd_inspection_linearizable_read_seconds",
				Help:   "Median time of a linearizable read of one key, over the voting members of a cluster.",
			},
			{
				Name:   "linearizableReadWorst",
				Metric: "etcd_inspection_linearizable_read_worst_seconds",
				Help:   "Longest time of a linearizable read of one key, over the voting members of a cluster.",
			},
			{
				Name:   "serializableRead",
				Metric: "etcd_inspection_serializable_read_seconds",
				Help:   "Median time of a serializable read of one key, over the voting members of a cluster.",
			},
			{
				Name:   "serializableReadWorst",
				Metric: "etcd_inspection_serializable_read_worst_seconds",
				Help:   "Longest time of a serializable read of one key, over the voting members of a cluster.",
			},
		},
		Run: requestLatency,
	})
}

// requestLatency reads one key that is never written as a client does, from each voting member the parameter probes
// times: linearizably, which takes a quorum, and serializably, which takes the member alone. It is Failed when no member
// answers linearizable reads within the parameter failAfter (no quorum, or a useless one), and Warning when a
// member is missing or its median exceeds warnAfter. Times are those that cruiser sees, its network included.
//
// It costs each member 2 × probes reads of a key that does not exist, one after the other, and writes nothing. A user
// without the right to read that key is refused as late as others are answered, so the check needs no rights: any user will do.
func requestLatency(ctx context.Context, target Target) (Result, error) {
	limits := latencyLimits{
		probes:    int(target.Parameters.Count("probes")),
		warnAfter: target.Parameters.Duration("warnAfter"),
		failAfter: target.Parameters.Duration("failAfter"),
	}
	all := etcddiag.AskMembers(ctx, target.Members, target.Cluster)
	if err := all.VerifyIdentities(); err != nil {
		return Result{}, err
	}
	askWithoutStatus(all)
	if err := whyNotAsked(all); err != nil {
		return Result{}, err
	}
	var probed []*probedMember
	for _, m := range all.Voters() {
		probed = append(probed, &probedMember{Member: m, limits: limits})
	}
	sidebyside.Do(ctx, probed, func(p *probedMember) { p.probe(ctx) })
	if ctx.Err() != nil {
		return Result{}, ctx.Err()
	}
	return judgeLatency(all, probed, limits), nil
}

// latencyLimits are the check's parameters.
type latencyLimits struct {
	probes               int
	warnAfter, failAfter time.Duration
}

// askWithoutStatus counts members that refuse their status to a user without rights as answering: they answered.
func askWithoutStatus(all etcddiag.Members) {
	for _, m := range all {
		if errors.Is(m.Err, rpctypes.ErrPermissionDenied) {
			m.Err = nil
		}
	}
}

// whyNotAsked is an error if no member could be asked and the reason lies with the EtcdCluster or its
// Secret. Members that are unreachable are no error: that is what this check finds.
func whyNotAsked(all etcddiag.Members) error {
	missing := all.Missing()
	if len(missing) == 0 || len(all.Voters()) > 0 {
		return nil
	}
	if slices.ContainsFunc(missing, func(m *etcddiag.Member) bool { return !isUnreachable(m) }) {
		return fmt.Errorf("no member could be asked: %s", all.Reasons())
	}
	return nil
}

// isUnreachable reports whether a member gave no answer, rather than one that refuses the request or cannot be trusted. A member
// that is killed ends the connection. With TLS a reset can also mean that it demands a client certificate.
func isUnreachable(m *etcddiag.Member) bool {
	if errors.Is(m.Err, context.DeadlineExceeded) {
		return true
	}
	text := m.Err.Error() // gRPC passes on only the text of the system's error
	if strings.HasSuffix(text, "error reading from server: EOF") {
		return true
	}
	if strings.Contains(text, "connection reset by peer") || strings.Contains(text, "broken pipe") {
		return strings.HasPrefix(m.Endpoint, "http://")
	}
	return strings.Contains(text, "dial tcp") && !strings.Contains(text, "no such host")
}

// probedMember is a member and how long its answers took.
type probedMember struct {
	*etcddiag.Member
	limits                     latencyLimits
	linearizable, serializable readTimes
}

// readTimes are those of one kind of read. A read that failed has no time; err is that of the last one.
type readTimes struct {
	took   []time.Duration
	failed int
	err    error
}

func (p *probedMember) probe(ctx context.Context) {
	for range p.limits.probes {
		p.read(ctx, &p.linearizable)
		p.read(ctx, &p.serializable, clientv3.WithSerializable())
	}
}

func (p *probedMember) read(ctx context.Context, times *readTimes, options ...clientv3.OpOption) {
	ctx, cancel := context.WithTimeout(ctx, p.limits.failAfter)
	defer cancel()
	begin := time.Now()
	_, err := p.Client.Get(ctx, etcddiag.ProbeKey, options...)
	took := time.Since(begin)
	switch {
	case err == nil, errors.Is(err, rpctypes.ErrPermissionDenied):
		times.took = append(times.took, took)
	default:
		times.failed++
		times.err = err
	}
}

// judgeLatency turns the times into a result.
func judgeLatency(all etcddiag.Members, probed []*probedMember, limits latencyLimits) Result {
	var linearizable, serializable readTimes
	var problems []string
	usable := 0
	for _, p := range probed {
		linearizable.add(p.linearizable)
		serializable.add(p.serializable)
		if p.linearizable.mostlyAnswered() {
			usable++
		}
		problems = append(problems, p.problems()...)
	}
	result := Result{Outcome: etcdv1beta1.OutcomePassed, Values: map[string]float64{}}
	linearizable.addValues(result.Values, "linearizableRead", limits.failAfter)
	serializable.addValues(result.Values, "serializableRead", limits.failAfter)

	switch {
	case usable == 0:
		result.Outcome = etcdv1beta1.OutcomeFailed
		result.Message = fmt.Sprintf("No member answers linearizable reads within %s: see whether a quorum is up.", limits.failAfter)
	case len(problems) > 0 || len(all.Missing()) > 0:
		result.Outcome = etcdv1beta1.OutcomeWarning
		fallthrough
	default:
		result.Message = fmt.Sprintf("Linearizable reads take %s (median, worst %s), serializable ones %s (worst %s).",
			linearizable.median(limits.failAfter), linearizable.worst(limits.failAfter),
			serializable.median(limits.failAfter), serializable.worst(limits.failAfter))
	}
	for _, problem := range problems {
		result.Message += " " + problem
	}
	result.Message += all.RemarkMissing() + all.RemarkStrays()
	return result
}

// problems says what is wrong with the member's answers.
func (p *probedMember) problems() []string {
	var problems []string
	for _, kind := range []struct {
		name  string
		times readTimes
	}{{"linearizable", p.linearizable}, {"serializable", p.serializable}} {
		median := kind.times.median(p.limits.failAfter)
		switch {
		case kind.times.failed > 0:
			problems = append(problems, fmt.Sprintf("%s did not answer %d of %d %s reads (%s).",
				p.Name, kind.times.failed, p.limits.probes, kind.name, etcdclient.Reason(kind.times.err)))
		case median > p.limits.warnAfter:
			problems = append(problems, fmt.Sprintf("%s takes %s for %s reads, more than %s: look at its disk, its network and its load.",
				p.Name, median, kind.name, p.limits.warnAfter))
		}
	}
	return problems
}

func (t *readTimes) add(other readTimes) {
	t.took = append(t.took, other.took...)
	t.failed += other.failed
}

// mostlyAnswered reports whether the median read was answered.
func (t readTimes) mostlyAnswered() bool { return len(t.took) > t.failed }

// sorted are the times, counting a failed read as long as the wait for it.
func (t readTimes) sorted(waited time.Duration) []time.Duration {
	return append(slices.Sorted(slices.Values(t.took)), slices.Repeat([]time.Duration{waited}, t.failed)...)
}

func (t readTimes) median(waited time.Duration) time.Duration {
	times := t.sorted(waited)
	if len(times) == 0 {
		return 0
	}
	return times[len(times)/2].Round(10 * time.Microsecond)
}

func (t readTimes) worst(waited time.Duration) time.Duration {
	times := t.sorted(waited)
	if len(times) == 0 {
		return 0
	}
	return times[len(times)-1].Round(10 * time.Microsecond)
}

// addValues sets the values of one kind of read, unless no member was asked.
func (t readTimes) addValues(values map[string]float64, name string, waited time.Duration) {
	if len(t.took)+t.failed > 0 {
		values[name] = t.median(waited).Seconds()
		values[name+"Worst"] = t.worst(waited).Seconds()
	}
}
