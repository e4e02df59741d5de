// Package testproc runs real servers for tests and does to them what happens in production: they pause, die and come
// back.
package testproc

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/consul/sdk/freeport"
)

const (
	startTimeout = 2 * time.Minute
	stopTimeout  = 30 * time.Second
	pollInterval = 50 * time.Millisecond
	probeTimeout = 5 * time.Second
)

// Process is a server that can be started again with the same arguments.
type Process struct {
	name    string
	command []string
	logPath string
	ready   func(context.Context) error
	running *exec.Cmd
	ended   chan struct{}
}

// Start starts a program and waits until ready returns nil. Its log is in dir.
func Start(dir, program string, args []string, ready func(context.Context) error) (*Process, error) {
	name := filepath.Base(program)
	p := &Process{name: name, command: append([]string{program}, args...), logPath: filepath.Join(dir, name+".log"), ready: ready}
	return p, p.Restart()
}

// Restart starts the program again after Stop or Kill, and waits until it is ready.
func (p *Process) Restart() error {
	log, err := os.OpenFile(p.logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	p.running = exec.Command(p.command[0], p.command[1:]...) //nolint:noctx // it lives until it is stopped
	p.running.Stdout, p.running.Stderr = log, log
	p.running.SysProcAttr = dieWithParent()
	if err := p.running.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	p.ended = make(chan struct{})
	go func(running *exec.Cmd, ended chan struct{}) {
		_ = running.Wait() // ended by a signal: always an error
		close(ended)
	}(p.running, p.ended)
	return p.awaitReady()
}

func (p *Process) awaitReady() error {
	deadline := time.Now().Add(startTimeout)
	for {
		ctx, cancel := context.WithTimeout(context.Background(), probeTimeout)
		err := p.ready(ctx)
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("%s ended while it started; its log ends with:\n%s", p.name, p.logTail())
		case <-time.After(pollInterval):
		}
		if time.Now().After(deadline) {
			p.Kill()
			return fmt.Errorf("%s is not ready after %s: %w; its log ends with:\n%s", p.name, startTimeout, err, p.logTail())
		}
	}
}

// Pause freezes the server: connections to it stay open and nothing answers.
func (p *Process) Pause() error {
	if err := p.running.Process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	return awaitStopped(p.running.Process.Pid)
}

// Resume ends a pause.
func (p *Process) Resume() error { return p.running.Process.Signal(syscall.SIGCONT) }

// Kill ends the server as a power cut does, whatever state it is in.
func (p *Process) Kill() {
	if p.running != nil && p.running.Process != nil {
		_ = p.running.Process.Kill() // an error means that it has ended
		<-p.ended
	}
}

// Stop ends the server as an operator does, and kills it when that takes too long.
func (p *Process) Stop() {
	_ = p.running.Process.Signal(syscall.SIGTERM) // an error means that it has ended
	select {
	case <-p.ended:
	case <-time.After(stopTimeout):
		p.Kill()
	}
}

func (p *Process) logTail() string {
	content, err := os.ReadFile(p.logPath)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}

// FreeAddress returns a loopback address for a server of the test. Until the test ends, no other test and no other process
// that uses this package gets its port, also while the server is down; and the port of no outgoing connection is among these.
func FreeAddress(tb testing.TB) string {
	tb.Helper()
	ports, err := freeport.Take(1)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { freeport.Return(ports) })
	return address(ports[0])
}

// FreeAddresses returns n loopback addresses as FreeAddress does, which stay taken until the process ends.
func FreeAddresses(n int) ([]string, error) {
	ports, err := freeport.Take(n)
	if err != nil {
		return nil, err
	}
	addresses := make([]string, n)
	for i, port := range ports {
		addresses[i] = address(port)
	}
	return addresses, nil
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// Main runs a package's tests between start, which gets a folder for its servers' files, and stop, which is called also
// after a start that failed half way. It returns the exit code for TestMain.
func Main(m *testing.M, start func(dir string) error, stop func()) int {
	if !NeedsServers() {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "test-servers-")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }()
		defer stop()
		err = start(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// NeedsServers reports whether this process runs tests. One that lists them, or fuzzes, needs no servers: a fuzzer starts the
// package's tests in a process for each processor, and again whenever one of them ends.
func NeedsServers() bool {
	if !flag.Parsed() {
		flag.Parse()
	}
	for _, name := range []string{"test.list", "test.fuzz"} {
		if flag.Lookup(name).Value.String() != "" {
			return false
		}
	}
	return flag.Lookup("test.fuzzworker").Value.String() != "true"
}

// GetOK returns nil when url answers with status 200.
func GetOK(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, response.Status)
	}
	return nil
}
