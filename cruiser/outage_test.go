package cruiser_test

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

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
	response, err := u.RoundTripper.RoundTrip(request)
	if err == nil && strings.HasSuffix(request.URL.Path, "/status") && u.loseAnswers.Add(-1) >= 0 {
		_ = response.Body.Close()
		return nil, errNetwork
	}
	return response, err
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
