package checks

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/keyspace"
	"github.com/etcdfleet/etcd-fleet/internal/etcdclient"
	"github.com/etcdfleet/etcd-fleet/internal/etcddiag"
	"github.com/etcdfleet/etcd-fleet/internal/parameters"
	"github.com/etcdfleet/etcd-fleet/internal/quantity"
)

const (
	// timeToReport is what is left of a run's time when it stops reading.
	timeToReport = 10 * time.Second
)

func init() {
	register(Check{
		Name: "large-key-values",
		Parameters: parameters.Set{
			{
				Name: "top", Kind: parameters.Count, Default: "10", Min: "1", Max: "50", // the state holds as many
				Help: "Values that the message names and the next run remembers.",
			},
			{
				Name: "warnBytes", Kind: parameters.Bytes, Default: "512Ki", NotAbove: "failBytes",
				Help: "Size of a value from which on the check warns.",
			},
			{
				Name: "failBytes", Kind: parameters.Bytes, Default: "1536Ki",
				Help: "Size of a value from which on the check fails.",
			},
		},
		Values: []Value{
			{
				Name:   "largestValue",
				Metric: "etcd_inspection_largest_value_bytes",
				Help:   "Size of the largest value of a cluster.",
			},
			{
				Name:   "largeValues",
				Metric: "etcd_inspection_large_values",
				Help:   "Values of a cluster that are as large as the check warns of, or larger.",
			},
			{
				Name:   "readValues",
				Metric: "etcd_inspection_read_values_bytes",
				Help:   "Keys and values that the last run of the check has read.",
			},
			{
				Name:   "readKeys",
				Metric: "etcd_inspection_read_keys",
				Help:   "Keys that the last run of the check has read.",
			},
		},
		Expensive: true,
		Interval:  24 * time.Hour,
		Timeout:   time.Hour,
		Run:       largeKeyValues,
	})
}

// largeKeyValues finds the largest values; the parameter top is their number. It is a Warning when one has warnBytes or more: the
// default is a third of etcd's limit of a request, 1.5 MiB, beyond which an object cannot be written any more. It is
// Failed when one has failBytes or more: the default is that limit, so that only members whose --max-request-bytes was
// raised can hold such a value; writing it delays all others (etcd's documentation, "System limits").
//
// It reads every value, from a follower if there is one: in the budget's default 8 MiB/s, a gigabyte in two minutes.
// The next run goes on where the time of a run ends; until then the message keeps what was found there earlier.
func largeKeyValues(ctx context.Context, target Target) (Result, error) {
	s := newValueSearch(target)
	all := etcddiag.AskMembers(ctx, target.Members, target.Cluster)
	source, err := all.Follower()
	if err != nil {
		return Result{}, err
	}
	reading := ctx
	if deadline, bounded := ctx.Deadline(); bounded {
		var cancel context.CancelFunc
		reading, cancel = context.WithDeadline(ctx, deadline.Add(-min(timeToReport, time.Until(deadline)/5)))
		defer cancel()
	}
	from, budget := s.state.Next, &timedBudget{Budget: target.Budget}
	stats, err := keyspace.Walk(reading, source.Client, keyspace.WalkOptions{
		Endpoint: source.Endpoint, Budget: budget, From: from, Values: true, FollowCompaction: true,
	}, s.visit)
	outOfTime := ctx.Err() == nil && (reading.Err() != nil || budget.outOfTime)
	if err != nil && stats.Keys == 0 && !outOfTime {
		return Result{}, cannotRead(source, err)
	}

	message := fmt.Sprintf("Read %d keys with values (%s) of %s", stats.Keys, quantity.Size(float64(stats.Bytes)), source.Name)
	if len(from) > 0 {
		message += ", beginning with " + keyspace.Quote(string(from)) + " where the last run ended"
	}
	message += "."
	switch {
	case err == nil:
		s.finish()
	case outOfTime:
		message += fmt.Sprintf(" %d keys are left for the next run, because the time was over.", stats.Total-stats.Keys)
	default:
		message += fmt.Sprintf(" %d keys are left for the next run (%s).", stats.Total-stats.Keys, etcdclient.Reason(err))
	}
	result := s.judge(message, stats)
	if err != nil && !outOfTime {
		result.worsen(etcdv1beta1.OutcomeWarning)
	}
	result.judgeMissing(all)
	return result, nil
}

// timedBudget knows when the budget asked for more time than there is, which it says before that time is over.
type timedBudget struct {
	Budget
	outOfTime bool
}

// Spend implements Budget.
func (b *timedBudget) Spend(ctx context.Context, endpoint string, keys int, bytes int64) error {
	err := b.Budget.Spend(ctx, endpoint, keys, bytes)
	b.outOfTime = errors.Is(err, context.DeadlineExceeded)
	return err
}

// valueSearch is a run of largeKeyValues.
type valueSearch struct {
	top                  int
	warnBytes, failBytes int64

	state valueSearchState

	// over is how many of the values read have warnBytes or more.
	over int64
}

// valueSearchState is what the next run needs to know.
type valueSearchState struct {
	// Next is where to go on; empty is the beginning.
	Next []byte `json:"next,omitempty"`

	// Largest are the largest values known, also those that were found by earlier runs in what a run has not read.
	Largest []largeValue `json:"largest"`
}

type largeValue struct {
	Key  []byte `json:"key"`
	Size int64  `json:"size"`

	// fresh is true if this run has read it.
	fresh bool
}

func newValueSearch(target Target) *valueSearch {
	s := &valueSearch{
		top:       int(target.Parameters.Count("top")),
		warnBytes: target.Parameters.Bytes("warnBytes"),
		failBytes: target.Parameters.Bytes("failBytes"),
	}
	if json.Unmarshal([]byte(target.State), &s.state) != nil {
		s.state = valueSearchState{} // of another version, or none: start from the first key
	}
	return s
}

// visit looks at a page. What was known of its part of the keyspace is replaced.
func (s *valueSearch) visit(page []*mvccpb.KeyValue) error {
	s.forget(s.state.Next, page[len(page)-1].Key)
	for _, kv := range page {
		size := int64(len(kv.Value))
		if size >= s.warnBytes {
			s.over++
		}
		key := kv.Key[:min(len(kv.Key), keyspace.LongestRemembered)]
		s.state.Largest = append(s.state.Largest, largeValue{Key: key, Size: size, fresh: true})
	}
	slices.SortStableFunc(s.state.Largest, func(a, b largeValue) int { return cmp.Compare(b.Size, a.Size) })
	s.state.Largest = s.state.Largest[:min(len(s.state.Largest), s.top)]
	s.state.Next = append(bytes.Clone(page[len(page)-1].Key), 0)
	return nil
}

// forget drops what was known from a key to another, which has just been read; an empty one is the keyspace's end.
func (s *valueSearch) forget(from, to []byte) {
	s.state.Largest = slices.DeleteFunc(s.state.Largest, func(v largeValue) bool {
		return bytes.Compare(v.Key, from) >= 0 && (len(to) == 0 || bytes.Compare(v.Key, to) <= 0)
	})
}

// finish drops what was known of the keys behind the last one, and lets the next run start from the first key, when all were read.
func (s *valueSearch) finish() {
	s.forget(s.state.Next, nil)
	s.state.Next = nil
}

// judge reports what was read and what is known. reading says what was read.
func (s *valueSearch) judge(reading string, stats keyspace.WalkStats) Result {
	largest := int64(0)
	if len(s.state.Largest) > 0 {
		largest = s.state.Largest[0].Size
	}
	large := s.over
	for _, v := range s.state.Largest {
		if !v.fresh && v.Size >= s.warnBytes {
			large++
		}
	}
	outcome := etcdv1beta1.OutcomePassed
	switch {
	case largest >= s.failBytes && largest > 0:
		outcome = etcdv1beta1.OutcomeFailed
	case largest >= s.warnBytes && largest > 0:
		outcome = etcdv1beta1.OutcomeWarning
	}
	return Result{
		Outcome: outcome,
		Message: reading + s.nameLargest(),
		Values: map[string]float64{
			"largestValue": float64(largest),
			"largeValues":  float64(large),
			"readValues":   float64(stats.Bytes),
			"readKeys":     float64(stats.Keys),
		},
		State: s.encode(),
	}
}

// nameLargest lists the largest values that are large, or the largest of all if none is.
func (s *valueSearch) nameLargest() string {
	var large []string
	for _, v := range s.state.Largest {
		text := fmt.Sprintf("%s %s (prefix %s)", keyspace.Quote(string(v.Key)), quantity.Size(float64(v.Size)), keyspace.Quote(keyspace.ParentOf(v.Key)))
		switch {
		case v.Size >= s.warnBytes:
			large = append(large, text)
		case len(large) == 0:
			return " The largest value is " + text + "."
		}
	}
	if len(large) == 0 {
		return ""
	}
	return " Make the largest values smaller, or split them: " + strings.Join(large, ", ") + "."
}

// encode returns the state, with as many of the largest values as fit.
func (s *valueSearch) encode() string {
	state := s.state
	state.Next = state.Next[:min(len(state.Next), keyspace.LongestRemembered)]
	for {
		text, err := json.Marshal(state)
		if err == nil && len(text) <= etcdv1beta1.MaxStateLength || len(state.Largest) == 0 {
			return string(text)
		}
		state.Largest = state.Largest[:len(state.Largest)-1]
	}
}
