//go:build !linux

package testproc

import "syscall"

// dieWithParent keeps a crashed test from leaving servers behind where the system can do that.
func dieWithParent() *syscall.SysProcAttr {
	return nil
}
