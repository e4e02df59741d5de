package external_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
	"github.com/etcdfleet/etcd-fleet/cruiser/external"
	"github.com/etcdfleet/etcd-fleet/internal/parameters"
)

const (
	runTimeout = 30 * time.Second
	patience   = time.Minute
	poll       = 20 * time.Millisecond
)

// load returns the one check that has these lines of YAML beside its name and its value freeBytes.
func load(t *testing.T, lines ...string) checks.Check {
	t.Helper()
	yaml := `checks:
  - name: disk-free
    parameters: {minimum: 10Gi}
    values: [{name: freeBytes, metric: etcd_inspection_disk_free_bytes, help: Free bytes.}]
`
	for _, line := range lines {
		yaml += "    " + line + "\n"
	}
	loaded, err := external.Load(writeFile(t, "checks.yaml", yaml, 0o600))
	require.NoError(t, err)
	return loaded[0]
}

// loadScript returns the check that a shell script is.
func loadScript(t *testing.T, script string, more ...string) checks.Check {
	t.Helper()
	path := writeFile(t, "check.sh", "#!/bin/sh\n"+script, 0o700)
	return load(t, append(more, "command: ["+path+", argument]")...)
}

func target() checks.Target {
	values, _ := parameters.Set{{Name: "minimum", Kind: parameters.Text, Default: "20Gi"}}.Read(nil)
	return checks.Target{
		Cluster: etcdv1beta1.EtcdClusterSpec{
			ClusterID: "gz-etcd", Region: "gz",
			Members: []etcdv1beta1.EtcdClusterMember{{Name: "etcd-0", ClientURL: "https://10.0.0.1:2379"}},
		},
		Parameters: values,
		State:      "remembered",
	}
}

func runCheck(check checks.Check, timeout time.Duration) (checks.Result, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return check.Run(ctx, target())
}

func TestProgramGetsTheRequestAndItsAnswerIsTheResult(t *testing.T) {
	received := filepath.Join(t.TempDir(), "request.json")
	check := loadScript(t, `cat >`+received+`
test "$1" = argument || exit 1
echo looking >&2
echo '{"outcome": "Warning", "message": "little is free", "values": {"freeBytes": 1.5e9}, "state": "new"}'`)
	before := time.Now()
	result, err := runCheck(check, runTimeout)
	require.NoError(t, err)
	assert.Equal(t, checks.Result{
		Outcome: etcdv1beta1.OutcomeWarning, Message: "little is free",
		Values: map[string]float64{"freeBytes": 1.5e9}, State: "new",
	}, result)

	content, err := os.ReadFile(received)
	require.NoError(t, err)
	var request external.Request
	require.NoError(t, json.Unmarshal(content, &request))
	assert.WithinDuration(t, before.Add(runTimeout), request.Deadline, 10*time.Second)
	request.Deadline = time.Time{}
	want := target()
	assert.Equal(t, external.Request{
		APIVersion: external.APIVersion, Check: "disk-free",
		Cluster: want.Cluster, Parameters: want.Parameters.Texts(), State: want.State,
	}, request, "and no credentials, which it did not ask for")
}

func TestEachOutcomeIsPassedOn(t *testing.T) {
	for _, outcome := range []etcdv1beta1.Outcome{
		etcdv1beta1.OutcomePassed, etcdv1beta1.OutcomeWarning, etcdv1beta1.OutcomeFailed, etcdv1beta1.OutcomeNotSupported,
	} {
		result, err := runCheck(loadScript(t, fmt.Sprintf(`echo '{"outcome": "%s", "message": "so it is"}'`, outcome)), runTimeout)
		require.NoError(t, err)
		assert.Equal(t, checks.Result{Outcome: outcome, Message: "so it is"}, result)
	}
	_, err := runCheck(loadScript(t, `echo '{"outcome": "Error", "message": "mount the disk"}'`), runTimeout)
	assert.EqualError(t, err, "mount the disk")
	result, err := runCheck(loadScript(t, `printf '%s' '{"outcome": "Passed", "message": "first\nsecond\u001b[2J"}'`), runTimeout)
	require.NoError(t, err)
	assert.Equal(t, `first\nsecond\x1b[2J`, result.Message, "on one line")
}

func TestAWrongAnswerIsAnErrorThatNamesTheField(t *testing.T) {
	for _, test := range []struct{ name, answer, message string }{
		{"nothing", ``, "it is empty: answer a JSON object with outcome and message"},
		{"no JSON", `fine`, "it is not valid JSON (invalid character 'i' in literal false"},
		{"half", `{"outcome": "Passed"`, "it is not valid JSON (unexpected EOF)"},
		{"no object", `["Passed"]`, "it is a JSON array: answer an object with outcome and message"},
		{"two objects", `{"outcome": "Passed", "message": "a"}{}`, "there is more after its JSON object"},
		{"no outcome", `{"message": "a"}`, `outcome is "": answer one of Passed, Warning, Failed, NotSupported, Error`},
		{"another outcome", `{"outcome": "OK", "message": "a"}`, `outcome is "OK": answer one of Passed`},
		{"no message", `{"outcome": "Passed", "message": " "}`, "message is empty: say in a sentence what was found"},
		{"a field of its own", `{"outcome": "Passed", "message": "a", "hint": ""}`, `"hint" is not a field of an answer`},
		{"a field of any length", `{"` + strings.Repeat("x", 1000) + `": 1}`, `is wrong: "` + strings.Repeat("x", 198) + `… is not a field of an answer`},
		{"an outcome of any length", `{"message": "a", "outcome": "` + strings.Repeat("x", 1000) + `"}`, `is wrong: outcome is "` + strings.Repeat("x", 199) + `…": answer one of`},
		{"a message that is none", `{"outcome": "Passed", "message": 1}`, "message is a JSON number: answer a string"},
		{"values that are none", `{"outcome": "Passed", "message": "a", "values": [1]}`, "values is a JSON array: answer an object"},
		{
			"a value that is none", `{"outcome": "Passed", "message": "a", "values": {"freeBytes": "1Gi"}}`,
			"values.freeBytes is a JSON string: answer a number",
		},
		{
			"a value too many", `{"outcome": "Passed", "message": "a", "values": {"usedBytes": 1}}`,
			"values.usedBytes is not declared: add it to the values of the check",
		},
		{
			"too much state", `{"outcome": "Passed", "message": "a", "state": "` + strings.Repeat("x", 16385) + `"}`,
			"state has 16385 bytes: keep it to 16384",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := writeFile(t, "answer", test.answer, 0o600)
			_, err := runCheck(loadScript(t, "cat "+answer), runTimeout)
			require.ErrorContains(t, err, test.message)
			assert.ErrorContains(t, err, "check.sh is wrong: ")
		})
	}
}

func TestAProgramThatFailsSaysWhy(t *testing.T) {
	for _, test := range []struct{ name, script, message string }{
		{
			"with last words", "echo first >&2; echo the disk is gone >&2; exit 3",
			"check.sh ended with exit status 3 (the disk is gone): run it by hand with the request on its standard input",
		},
		{
			"with last words of any length", `printf '\033[2Jgone' >&2; head -c 1000 /dev/zero | tr '\0' x >&2; exit 3`,
			`exit status 3 (\x1b[2Jgone` + strings.Repeat("x", 199-11) + "…): run it by hand",
		},
		{"without a word", "exit 1", "ended with exit status 1 (it wrote nothing to its standard error output)"},
		{"killed", "kill -9 $$", "ended with signal: killed"},
		{"after an answer", `echo '{"outcome": "Passed", "message": "a"}'; exit 1`, "ended with exit status 1"},
		{"with too long an answer", "head -c 1048577 /dev/zero", "answered more than 1048576 bytes"},
		{"with an endless answer", "yes", "answered more than 1048576 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := runCheck(loadScript(t, test.script), runTimeout)
			assert.ErrorContains(t, err, test.message)
		})
	}
	t.Run("that is gone", func(t *testing.T) {
		path := writeFile(t, "check.sh", "#!/bin/sh\n", 0o700)
		check := load(t, "command: ["+path+"]")
		require.NoError(t, os.Remove(path))
		_, err := runCheck(check, runTimeout)
		assert.ErrorContains(t, err, "no such file or directory: make it executable for cruiser's user")
	})
}

func TestTheDeadlineEndsAProgramAndAllThatItStarted(t *testing.T) {
	pidFile := filepath.Join(t.TempDir(), "pid")
	check := loadScript(t, "trap '' TERM\nsleep 600 & echo $! >"+pidFile+".new; mv "+pidFile+".new "+pidFile+"; wait")
	_, err := check.Run(expiresWith(context.Background(), t, pidFile), target())
	assert.ErrorContains(t, err, "check.sh did not answer within ")
	assert.ErrorContains(t, err, "set a longer timeout for the check disk-free, or make it obey the deadline")
	awaitEnd(t, pidFile)
}

func TestWhatAProgramLeavesRunningEndsWithIt(t *testing.T) {
	pidFile := filepath.Join(t.TempDir(), "pid")
	result, err := runCheck(loadScript(t, "sleep 600 & echo $! >"+pidFile+`
echo '{"outcome": "Passed", "message": "a"}'`), runTimeout)
	require.NoError(t, err, "its answer counts, although the child holds the output open")
	assert.Equal(t, etcdv1beta1.OutcomePassed, result.Outcome)
	awaitEnd(t, pidFile)
}

// expiring is a context whose deadline is reached when a file is there, however slow the machine.
type expiring struct {
	context.Context

	done chan struct{}
}

func (e *expiring) Done() <-chan struct{} { return e.done }

func (e *expiring) Err() error {
	select {
	case <-e.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

func expiresWith(parent context.Context, t *testing.T, path string) context.Context {
	t.Helper()
	ctx := &expiring{Context: parent, done: make(chan struct{})}
	go func() {
		defer close(ctx.done)
		assert.Eventually(t, func() bool { _, err := os.Stat(path); return err == nil }, patience, poll)
	}()
	return ctx
}

// awaitEnd waits until the process whose number is in the file has ended; it may not have been collected yet.
func awaitEnd(t *testing.T, pidFile string) {
	t.Helper()
	content, err := os.ReadFile(pidFile)
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err != nil || strings.Contains(string(state), ") Z ")
	}, patience, poll)
}

func TestAStoppedCruiserIsNoFinding(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := loadScript(t, "sleep 600").Run(ctx, target())
	assert.ErrorIs(t, err, context.Canceled)
}

func TestAProgramDoesNotInheritSecrets(t *testing.T) {
	t.Setenv("ETCDFLEET_TOKEN", "secret")
	dump := filepath.Join(t.TempDir(), "environment")
	_, err := runCheck(loadScript(t, "env >"+dump+`; echo '{"outcome": "Passed", "message": "a"}'`), runTimeout)
	require.NoError(t, err)
	content, err := os.ReadFile(dump)
	require.NoError(t, err)
	assert.Contains(t, string(content), "PATH=")
	assert.NotContains(t, string(content), "secret")
}
