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
	"golang.org/x/sync/errgroup"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/etcd"
)

const (
	// maxLatencyProbes bounds the parameter probes.
	maxLatencyProbes = 100
)

func init() {
	register(Check{
		Name:       "request-latency",
		Parameters: Parameters{"probes": "5", "warnAfter": "100ms", "failAfter": "1s"},
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
// answers linearizable reads within the parameter failAfter (no quorum, or one that is of no use), and Warning when a
// member is missing or its median exceeds warnAfter. Times are those that cruiser sees, its network included.
//
// It costs each member 2 × probes reads of a key that does not exist, one after the other, and writes nothing. A user
// without the right to read that key is refused as late as others are answered, so the check needs no rights: any user will do.
func requestLatency(ctx context.Context, target Target) (Result, error) {
	limits, err := readLatencyLimits(target.Parameters)
	if err != nil {
		return Result{}, err
	}
	all := askMembers(ctx, target)
	if err := all.verifyIdentities(); err != nil {
		return Result{}, err
	}
	all.askWithoutStatus()
	if err := all.whyNotAsked(); err != nil {
		return Result{}, err
	}
	var probed []*probedMember
	var group errgroup.Group
	for _, m := range all.voters() {
		p := &probedMember{member: m, limits: limits}
		probed = append(probed, p)
		group.Go(func() error {
			p.probe(ctx)
			return nil
		})
	}
	_ = group.Wait()
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

func readLatencyLimits(parameters Parameters) (limits latencyLimits, err error) {
	probes, err := parameters.Count("probes")
	if err != nil {
		return limits, err
	}
	if probes < 1 || probes > maxLatencyProbes {
		return limits, fmt.Errorf("parameter probes is %d: set spec.parameters.probes to 1 up to %d", probes, maxLatencyProbes)
	}
	limits.probes = int(probes)
	if limits.warnAfter, err = parameters.Duration("warnAfter"); err != nil {
		return limits, err
	}
	if limits.failAfter, err = parameters.Duration("failAfter"); err != nil {
		return limits, err
	}
	if limits.failAfter == 0 || limits.warnAfter > limits.failAfter {
		return limits, fmt.Errorf("parameter failAfter is %s: set spec.parameters.failAfter to a time that is not below warnAfter, %s",
			limits.failAfter, limits.warnAfter)
	}
	return limits, nil
}

// askWithoutStatus counts members that refuse their status to a user without rights as answering: they answered.
func (a members) askWithoutStatus() {
	for _, m := range a {
		if errors.Is(m.err, rpctypes.ErrPermissionDenied) {
			m.err = nil
		}
	}
}

// whyNotAsked is the error of members none of which could be asked for a reason that lies with the EtcdCluster or its
// Secret. Members that are unreachable are no error: that is what this check finds.
func (a members) whyNotAsked() error {
	missing := a.missing()
	if len(missing) == 0 || len(a.voters()) > 0 {
		return nil
	}
	if slices.ContainsFunc(missing, func(m *member) bool { return !isUnreachable(m.err) }) {
		return fmt.Errorf("no member could be asked: %s", a.reasons())
	}
	return nil
}

// isUnreachable tells whether a request failed for want of an answer, not by one that refuses it or that is not trusted.
func isUnreachable(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	reason := etcd.Reason(err)
	hangsUp := strings.HasSuffix(reason, "error reading from server: EOF") // a member that is killed meanwhile
	return hangsUp || strings.Contains(reason, "dial tcp") && !strings.Contains(reason, "no such host")
}

// probedMember is a member and how long its answers took.
type probedMember struct {
	*member
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
	_, err := p.client.Get(ctx, etcd.ProbeKey, options...)
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
func judgeLatency(all members, probed []*probedMember, limits latencyLimits) Result {
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
		result.Message = fmt.Sprintf("no member answers linearizable reads within %s: see whether a quorum is up", limits.failAfter)
	case len(problems) > 0 || len(all.missing()) > 0:
		result.Outcome = etcdv1beta1.OutcomeWarning
		fallthrough
	default:
		result.Message = fmt.Sprintf("linearizable reads take %s (median; worst %s), serializable ones %s (worst %s)",
			linearizable.median(limits.failAfter), linearizable.worst(limits.failAfter),
			serializable.median(limits.failAfter), serializable.worst(limits.failAfter))
	}
	for _, problem := range problems {
		result.Message += "," + problem
	}
	result.Message += all.remarkMissing() + all.remarkStrays()
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
			problems = append(problems, fmt.Sprintf("%s did not answer %d of %d %s reads (%s)",
				p.name, kind.times.failed, p.limits.probes, kind.name, etcd.Reason(kind.times.err)))
		case median > p.limits.warnAfter:
			problems = append(problems, fmt.Sprintf("%s takes %s for %s reads, more than %s: look at its disk, its network and its load",
				p.name, median, kind.name, p.limits.warnAfter))
		}
	}
	return problems
}

func (t *readTimes) add(other readTimes) {
	t.took = append(t.took, other.took...)
	t.failed += other.failed
}

// mostlyAnswered tells whether the median read was answered.
func (t readTimes) mostlyAnswered() bool { return len(t.took) > t.failed }

// sorted are the times, where a failed read took at least as long as was waited for it.
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
