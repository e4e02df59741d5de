package testproc

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// dieWithParent keeps a crashed test from leaving servers behind.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

// awaitStopped returns when all threads of a process to which SIGSTOP was sent stand still: until then it may answer.
func awaitStopped(pid int) error {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WSTOPPED|unix.WEXITED|unix.WNOWAIT, nil)
		if err != unix.EINTR { //nolint:errorlint // system calls return plain numbers
			return err
		}
	}
}
