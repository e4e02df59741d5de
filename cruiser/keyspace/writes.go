package keyspace

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/etcdfleet/etcd-fleet/internal/etcddiag"
)

const (
	// largestSample bounds what a sample watches, in bytes: the events carry the values.
	largestSample = 64 << 20

	// revisionTimeout bounds the question for the member's revision.
	revisionTimeout = etcddiag.StatusTimeout

	// catchUpTime is how long the watch may take to deliver what was written until the end of the sample, and
	// watchPause passes before a watch that broke is resumed.
	catchUpTime = 10 * time.Second
	watchPause  = 200 * time.Millisecond

	// countedKeys and countedPrefixes bound what is counted at once, longestPrefix a prefix, in bytes.
	countedKeys     = 10_000
	countedPrefixes = 1000
	longestPrefix   = 256
)

// WriteSample is what a watch of all keys has seen.
type WriteSample struct {
	client *clientv3.Client

	// Begin and End are the revisions between which writes are counted, and Elapsed the time between them.
	Begin, End int64
	Elapsed    time.Duration
	began      time.Time

	// Events is how many writes were delivered, and Bytes the size of their keys and values.
	Events, Bytes int64

	// next is the revision that the watch shall deliver next, and revisions how many it has delivered.
	next, revisions int64
	keys, prefixes  frequent

	// Broken says why the last watch broke, if it did. created is true once a watch could be made.
	Broken  error
	created bool
}

// SampleWrites watches the client's member for the time of a sample, and until all that was written in it is seen. It reads
// no key: the member sends each write once more, 64 MiB at most.
func SampleWrites(ctx context.Context, client *clientv3.Client, length time.Duration) (*WriteSample, error) {
	s := &WriteSample{client: client, keys: frequent{most: countedKeys}, prefixes: frequent{most: countedPrefixes}}
	return s, s.take(ctx, length)
}

func (s *WriteSample) take(ctx context.Context, length time.Duration) error {
	watcher := clientv3.NewWatcher(s.client)
	defer func() { _ = watcher.Close() }()
	revision, err := s.askRevision(ctx)
	if err != nil {
		return err
	}
	s.Begin, s.next, s.began = revision, revision+1, time.Now()
	responses := s.watch(ctx, watcher)
	over := time.NewTimer(length)
	defer over.Stop()
	var resume <-chan time.Time
	for s.End == 0 || s.next <= s.End {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-over.C:
			if s.End > 0 {
				return s.verify() // it did not catch up
			}
			if s.End, err = s.askRevision(ctx); err != nil {
				return err
			}
			s.Elapsed = time.Since(s.began)
			over.Reset(catchUpTime)
		case <-resume:
			resume, responses = nil, s.watch(ctx, watcher)
		case response, open := <-responses:
			if err := s.see(response, open); err != nil {
				return err
			}
			if s.Broken != nil && resume == nil {
				responses, resume = nil, time.After(watchPause)
			}
			if s.End == 0 && s.Bytes > largestSample {
				over.Reset(0)
			}
		}
	}
	return s.verify()
}

func (s *WriteSample) askRevision(ctx context.Context) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, revisionTimeout)
	defer cancel()
	status, err := etcddiag.Status(ctx, s.client)
	if err != nil {
		return 0, err
	}
	return status.Header.Revision, nil
}

// watch delivers writes from the next revision on: a watch that is resumed loses nothing.
func (s *WriteSample) watch(ctx context.Context, watcher clientv3.Watcher) clientv3.WatchChan {
	s.Broken = nil
	return watcher.Watch(clientv3.WithRequireLeader(ctx), "\x00", clientv3.WithFromKey(), clientv3.WithRev(s.next),
		clientv3.WithFragment(), clientv3.WithCreatedNotify())
}

// see counts what a watch has delivered. The error is one that another watch would not cure.
func (s *WriteSample) see(response clientv3.WatchResponse, open bool) error {
	err := response.Err()
	if !open {
		err = cmp.Or(err, errors.New("the watch was closed"))
	}
	if err != nil {
		s.Broken = err
		s.next = max(s.next, response.CompactRevision)
		if strings.Contains(err.Error(), rpctypes.ErrPermissionDenied.Error()) {
			return rpctypes.ErrPermissionDenied
		}
		return nil
	}
	s.created = s.created || response.Created
	for _, event := range response.Events {
		s.count(event)
	}
	return nil
}

func (s *WriteSample) count(event *clientv3.Event) {
	revision := event.Kv.ModRevision
	if s.End > 0 && revision > s.End {
		s.next = revision + 1
		return
	}
	if revision >= s.next {
		s.revisions++
		s.next = revision + 1
	}
	s.Events++
	s.Bytes += int64(len(event.Kv.Key) + len(event.Kv.Value))
	prefix, _ := GroupOf(MaxSegments)(event.Kv.Key)
	s.keys.add(event.Kv.Key[:min(len(event.Kv.Key), LongestRemembered)])
	s.prefixes.add(prefix[:min(len(prefix), longestPrefix)])
}

// verify makes sure that there was a watch.
func (s *WriteSample) verify() error {
	if s.created {
		return nil
	}
	return cmp.Or(s.Broken, context.DeadlineExceeded)
}

// Missed is how many revisions were written and not seen.
func (s *WriteSample) Missed() int64 { return max(s.End-s.Begin-s.revisions, 0) }

// Hottest is the key that is written most, and how often; its count may be too small, see frequent.
func (s *WriteSample) Hottest() (key string, writes int64) { return s.keys.first() }

// Prefixes are the groups of keys that were written, by the first key that can be in it, and how often; see GroupOf.
func (s *WriteSample) Prefixes() map[string]int64 { return s.prefixes.counts }

// PerSecond is the rate of a count.
func (s *WriteSample) PerSecond(count int64) float64 { return float64(count) / s.Elapsed.Seconds() }

// frequent counts the most frequent of any number of strings in bounded memory. A count is too small by at most the
// number of additions divided by most (J. Misra and D. Gries, Finding repeated elements, 1982).
type frequent struct {
	most   int
	counts map[string]int64
}

func (f *frequent) add(text []byte) {
	if f.counts == nil {
		f.counts = map[string]int64{}
	}
	if _, known := f.counts[string(text)]; known || len(f.counts) < f.most {
		f.counts[string(text)]++
		return
	}
	for other := range f.counts {
		if f.counts[other]--; f.counts[other] == 0 {
			delete(f.counts, other)
		}
	}
}

// first returns the most frequent string.
func (f *frequent) first() (text string, count int64) {
	for other, n := range f.counts {
		if n > count || n == count && other < text {
			text, count = other, n
		}
	}
	return text, count
}
