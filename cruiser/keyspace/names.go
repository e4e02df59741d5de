package keyspace

import (
	"bytes"
	"strconv"
	"strings"
)

// quotedKeyLength bounds a key in a message, in bytes.
const quotedKeyLength = 120

// LongestRemembered bounds a key that is remembered from run to run, in bytes.
const LongestRemembered = 4096

// MaxSegments is how many of a key's segments between slashes name its group at most.
const MaxSegments = 2

// GroupOf returns the range of the group that a key is counted in. It ends with the key's n-th segment between slashes:
// for n = 2 it is all of /registry/pods/ in a Kubernetes cluster. Numbered names are one group, that of all keys which
// have any digit at the place of their first. For n = 0 it is all keys with the same first letter.
func GroupOf(n int) func(key []byte) (from, to []byte) {
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
	return prefix, Successor(prefix)
}

// GroupName shows a group by its first key: /registry/pods/, or /key<n> for that of numbered names.
func GroupName(from string) string {
	if name, numbered := strings.CutSuffix(from, "0"); numbered {
		return Quote(name) + "<n>"
	}
	return Quote(from)
}

// ParentOf is a key up to its last slash: /registry/<resource>/<namespace>/ in a Kubernetes cluster.
func ParentOf(key []byte) string {
	return string(key[:bytes.LastIndexByte(key, '/')+1])
}

// Quote shows a key, which may hold any bytes and be long.
func Quote(key string) string {
	suffix := ""
	if len(key) > quotedKeyLength {
		key, suffix = key[:quotedKeyLength], "…"
	}
	if quoted := strconv.QuoteToASCII(key); quoted != `"`+key+`"` || key == "" || strings.Contains(key, " ") {
		key = quoted
	}
	return key + suffix
}
