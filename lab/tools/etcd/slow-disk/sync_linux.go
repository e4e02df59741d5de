// Package fileutil: this file is compiled in place of etcd's own of this name. A sync takes longer by the duration in the
// file that LAB_DISK_DELAY names, as on a slow disk; without the file it is etcd's own sync.
package fileutil

import (
	"os"
	"strings"
	"syscall"
	"time"
)

// Fsync waits and syncs.
func Fsync(f *os.File) error {
	waitForDisk()
	return f.Sync()
}

// Fdatasync waits and syncs without the metadata that no read needs.
func Fdatasync(f *os.File) error {
	waitForDisk()
	return syscall.Fdatasync(int(f.Fd()))
}

func waitForDisk() {
	text, err := os.ReadFile(os.Getenv("LAB_DISK_DELAY"))
	if err != nil {
		return
	}
	if delay, err := time.ParseDuration(strings.TrimSpace(string(text))); err == nil {
		time.Sleep(delay)
	}
}
