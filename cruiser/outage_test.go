package cruiser_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/internal/apitest"
)

var errNetwork = errors.New("connection reset by peer")

// unreliable is a network to the API server that fails as the test says.
type unreliable struct {
	http.RoundTripper

	// away fails all requests.
	away atomic.Bool

	// busy answers all requests by 429, as an API server does that protects itself.
	busy atomic.Bool

	// forbidding is how many more requests for Leases are forbidden.
	forbidding atomic.Int64

	// loseAnswers is how many more answers to writes of a status get lost after the server has done the work.
	loseAnswers atomic.Int64
}

func (u *unreliable) wrap(transport http.RoundTripper) http.RoundTripper {
	u.RoundTripper = transport
	return u
}

// RoundTrip implements http.RoundTripper.
func (u *unreliable) RoundTrip(request *http.Request) (*http.Response, error) {
	if u.away.Load() {
		return nil, errNetwork
	}
	if u.busy.Load() {
		return refusal(request, http.StatusTooManyRequests), nil
	}
	if strings.Contains(request.URL.Path, "/leases") && u.forbidding.Add(-1) >= 0 {
		return refusal(request, http.StatusForbidden), nil
	}
	response, err := u.RoundTripper.RoundTrip(request)
	if err == nil && strings.HasSuffix(request.URL.Path, "/status") && u.loseAnswers.Add(-1) >= 0 {
		_ = response.Body.Close()
		return nil, errNetwork
	}
	return response, err
}

func refusal(request *http.Request, status int) *http.Response {
	return &http.Response{
		StatusCode: status, Request: request, Body: http.NoBody, Header: http.Header{"Retry-After": []string{"1"}},
	}
}

// beginRun requests a run of a check over the network and returns while it is under way; release ends it.
func beginRun(t *testing.T, network *unreliable) (
	box *sandbox, monitor *etcdv1beta1.EtcdMonitor, check *scriptedCheck, release func(),
) {
	t.Helper()
	box = newSandbox(t)
	box.cluster("gz-a")
	check = newScriptedCheck()
	begun, release := check.block()
	monitor = box.monitor("gz-a", "scripted", nil)
	config := apitest.Config()
	config.Wrap(network.wrap)
	box.startAs(config, check.options(t))
	box.request(monitor, "r1")
	receive(t, begun)
	return box, monitor, check, release
}

func TestResultWaitsForAnAPIServerThatIsAway(t *testing.T) {
	network := &unreliable{}
	box, monitor, check, release := beginRun(t, network)

	network.away.Store(true)
	release()
	// The write of the result fails at least once before the server is back.
	assert.Never(t, func() bool { return len(box.read(monitor).Status.Records) > 0 }, 10*poll, poll)
	network.away.Store(false)
	done := box.await(monitor, "the result", answered("r1"))
	assert.Equal(t, map[string]int{"r1": 1}, recordsOf(done))
	assert.False(t, isRunning(done))
	assert.Equal(t, 1, check.count(), "the run is not repeated")
}

func TestResultWhoseWriteLostItsAnswerIsStoredOnce(t *testing.T) {
	network := &unreliable{}
	box, monitor, check, release := beginRun(t, network)

	network.loseAnswers.Store(1)
	release()
	box.await(monitor, "the result", answered("r1"))
	box.request(monitor, "r2")
	done := box.await(monitor, "the next result", answered("r2"))
	assert.Equal(t, map[string]int{"r1": 1, "r2": 1}, recordsOf(done))
	assert.Equal(t, 2, check.count())
}

func TestAnOutageOfTheAPIServerLosesNoRun(t *testing.T) {
	for _, outage := range []struct {
		name       string
		begin, end func(*unreliable)
	}{
		{"away", func(u *unreliable) { u.away.Store(true) }, func(u *unreliable) { u.away.Store(false) }},
		{"busy", func(u *unreliable) { u.busy.Store(true) }, func(u *unreliable) { u.busy.Store(false) }},
	} {
		t.Run(outage.name, func(t *testing.T) {
			t.Parallel() // it mostly waits
			network := &unreliable{}
			box := newSandbox(t)
			check := newScriptedCheck()
			config := apitest.Config()
			config.Wrap(network.wrap)
			var monitors []*etcdv1beta1.EtcdMonitor
			for i := range 5 {
				id := fmt.Sprintf("gz-%d", i)
				box.cluster(id)
				monitors = append(monitors, box.monitor(id, "scripted", every(10*time.Second)))
			}
			box.startAs(config, check.options(t))
			for _, monitor := range monitors {
				box.await(monitor, "a run", hasRecords(1))
			}

			outage.begin(network)
			began := time.Now()
			box.request(monitors[0], "r1") // by somebody who reaches the server
			time.Sleep(time.Minute)        // longer than the Lease lasts, and than a result waits to be stored
			outage.end(network)

			for _, monitor := range monitors {
				newest := box.await(monitor, "runs after the outage", func(m *etcdv1beta1.EtcdMonitor) bool {
					return m.Status.LastRecord().StartTime.After(began.Add(time.Minute))
				})
				records := newest.Status.Records
				for i := 1; i < len(records); i++ {
					if records[i].Request == "" && records[i-1].Request == "" {
						assert.GreaterOrEqual(t, records[i].StartTime.Sub(records[i-1].EndTime.Time), 8*time.Second, "one run at a time is due")
					}
					assert.Equal(t, etcdv1beta1.OutcomePassed, records[i].Outcome, "the server's trouble is not the cluster's")
				}
			}
			assert.Equal(t, 1, recordsOf(box.await(monitors[0], "the answer", answered("r1")))["r1"])
		})
	}
}

func TestAnAPIServerThatHasJustStartedForbidsEverything(t *testing.T) {
	network := &unreliable{}
	box := newSandbox(t)
	box.cluster("gz-a")
	monitor := box.monitor("gz-a", "scripted", nil)
	config := apitest.Config()
	config.Wrap(network.wrap)
	network.forbidding.Store(3)
	box.startAs(config, newScriptedCheck().options(t))
	box.request(monitor, "r1")
	box.await(monitor, "the answer", answered("r1"))
	assert.Less(t, network.forbidding.Load(), int64(0), "it went on after it was forbidden")
}
