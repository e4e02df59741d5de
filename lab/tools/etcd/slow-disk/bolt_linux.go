package bbolt

// This file is compiled in place of bbolt's own of this name, as sync_linux.go is in place of etcd's.

import (
	"os"
	"strings"
	"syscall"
	"time"
)

func fdatasync(db *DB) error {
	waitForDisk()
	return syscall.Fdatasync(int(db.file.Fd()))
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
