package external

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/etcdfleet/etcd-fleet/internal/foreign"
)

const (
	// maxLog bounds what is kept of a program's standard error output: the end.
	maxLog = 16 << 10

	// drainTime is how long output is awaited that others than the program itself hold open.
	drainTime = time.Second
)

// environment is what a program gets of cruiser's: nothing that may hold a secret.
var environment = []string{"PATH", "HOME", "LANG", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR"}

// command runs a program for each request.
type command struct {
	check     string
	program   string
	arguments []string
}

// answer implements answerer. Whatever the program started ends with it: it leads a process group, which is killed when ctx
// ends and after the program has ended.
func (c *command) answer(ctx context.Context, request []byte) ([]byte, error) {
	running := exec.CommandContext(ctx, c.program, c.arguments...)
	running.Dir = os.TempDir()
	running.Env = inherited()
	running.Stdin = bytes.NewReader(request)
	output, said := &bounded{limit: MaxAnswer}, &tail{limit: maxLog}
	running.Stdout, running.Stderr = output, said
	running.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	running.WaitDelay = drainTime
	running.Cancel = func() error { return killGroup(running) }

	err := running.Run()
	if running.Process != nil {
		_ = killGroup(running) // an error means that nothing is left of it
	}
	if text := said.String(); text != "" {
		log.FromContext(ctx).Info("external check", "check", c.check, "stderr", text)
	}
	if output.exceeded {
		return nil, fmt.Errorf("answered more than %d bytes: answer with one short JSON object", MaxAnswer)
	}
	return output.kept, describeExit(err, said.String())
}

func killGroup(running *exec.Cmd) error {
	return syscall.Kill(-running.Process.Pid, syscall.SIGKILL)
}

func inherited() []string {
	var variables []string
	for _, name := range environment {
		if value, found := os.LookupEnv(name); found {
			variables = append(variables, name+"="+value)
		}
	}
	return variables
}

// describeExit says how the program ended and, by its own last words, why.
func describeExit(err error, said string) error {
	var exit *exec.ExitError
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay): // it ended well, and what it left behind has been killed
		return nil
	case !errors.As(err, &exit):
		return fmt.Errorf("could not be run: %w: make it executable for cruiser's user", err)
	}
	lines := strings.Split(strings.TrimSpace(said), "\n")
	last := foreign.Quote(lines[len(lines)-1])
	if last == "" {
		last = "it wrote nothing to its standard error output"
	}
	return fmt.Errorf("ended with %s (%s): run it by hand with the request on its standard input", exit.ProcessState, last)
}

// bounded keeps what is written up to its limit, and refuses more.
type bounded struct {
	kept     []byte
	limit    int
	exceeded bool
}

func (b *bounded) Write(p []byte) (int, error) {
	if len(b.kept)+len(p) > b.limit {
		b.exceeded = true
		return 0, errors.New("too much output")
	}
	b.kept = append(b.kept, p...)
	return len(p), nil
}

// tail keeps the end of what is written.
type tail struct {
	kept  []byte
	limit int
}

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	if surplus := len(t.kept) - t.limit; surplus > 0 {
		t.kept = append(t.kept[:0], t.kept[surplus:]...)
	}
	return len(p), nil
}

func (t *tail) String() string { return strings.TrimSpace(string(t.kept)) }
