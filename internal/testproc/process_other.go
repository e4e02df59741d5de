//go:build !linux

package testproc

import "syscall"

// dieWithParent keeps a crashed test from leaving servers behind where the system can do that.
func dieWithParent() *syscall.SysProcAttr {
	return nil
}

// awaitStopped cannot wait here: a process to which SIGSTOP was sent may still answer for a moment.
func awaitStopped(int) error {
	return nil
}
