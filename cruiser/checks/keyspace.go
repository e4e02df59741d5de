package checks

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/etcd"
)

// quotedKeyLength bounds a key in a message, in bytes.
const quotedKeyLength = 120

// maxSegments is how many of a key's segments between slashes name its group at most.
const maxSegments = 2

// groupOf returns the range of the group that a key is counted in. It ends with the key's n-th segment between slashes:
// for n = 2 it is all of /registry/pods/ in a Kubernetes cluster. Numbered names are one group, that of all keys which
// have any digit at the place of their first. For n = 0 it is all keys with the same first letter.
func groupOf(n int) func(key []byte) (from, to []byte) {
	return func(key []byte) (from, to []byte) {
		left := n
		for i, c := range key {
			switch {
			case i == 0 && c == '/':
			case left == 0:
				return prefixRange(key[:i+1])
			case c == '/':
				if left--; left == 0 {
					return prefixRange(key[:i+1])
				}
			case '0' <= c && c <= '9' && !bytes.HasSuffix(key[:i], []byte(".k")): // API groups are named *.k8s.io
				return append(bytes.Clone(key[:i]), '0'), append(bytes.Clone(key[:i]), '9'+1)
			}
		}
		return key, append(bytes.Clone(key), 0) // of its own
	}
}

func prefixRange(prefix []byte) (from, to []byte) {
	return prefix, etcd.Successor(prefix)
}

// groupName shows a group by its first key: /registry/pods/, or /key<n> for that of numbered names.
func groupName(from string) string {
	if name, numbered := strings.CutSuffix(from, "0"); numbered {
		return quoteKey(name) + "<n>"
	}
	return quoteKey(from)
}

// parentOf is a key up to its last slash: /registry/<resource>/<namespace>/ in a Kubernetes cluster.
func parentOf(key []byte) string {
	return string(key[:bytes.LastIndexByte(key, '/')+1])
}

// quoteKey shows a key, which may hold any bytes and be long.
func quoteKey(key string) string {
	suffix := ""
	if len(key) > quotedKeyLength {
		key, suffix = key[:quotedKeyLength], "…"
	}
	if quoted := strconv.QuoteToASCII(key); quoted != `"`+key+`"` || key == "" || strings.Contains(key, " ") {
		key = quoted
	}
	return key + suffix
}

// quoteSize shows a number of bytes: 900.0 KiB.
func quoteSize(size float64) string {
	unit := "B"
	for _, larger := range []string{"KiB", "MiB", "GiB"} {
		if size < 1024 {
			break
		}
		size, unit = size/1024, larger
	}
	if unit == "B" {
		return fmt.Sprintf("%.0f B", size)
	}
	return fmt.Sprintf("%.1f %s", size, unit)
}

// quoteDuration shows a time without needless digits: 36h0m0s is 36h.
func quoteDuration(d time.Duration) string {
	text := d.Round(time.Second).String()
	if d >= time.Minute {
		text = d.Round(time.Minute).String()
	}
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// judgeMissing makes a Passed check for which one member is enough warn of members that are missing, and tells of strays.
func (a members) judgeMissing(result *Result) {
	if len(a.missing()) > 0 && result.Outcome == etcdv1beta1.OutcomePassed {
		result.Outcome = etcdv1beta1.OutcomeWarning
	}
	result.Message += a.remarkMissing() + a.remarkStrays()
}

// cannotRead says why a member's keys could not be read.
func (m *member) cannotRead(err error) error {
	return fmt.Errorf("read the keys of %s: %s", m.name, etcd.Reason(err))
}
