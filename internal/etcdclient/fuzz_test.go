package etcdclient

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/etcdfleet/etcd-fleet/internal/foreign"
)

// FuzzReason makes sure that what a member says of an error is fit for a message.
func FuzzReason(f *testing.F) {
	for _, seed := range []string{
		"", "etcdserver: no leader", `connection error: desc = "transport: authentication handshake failed: EOF"`,
		`connection error: desc = "half`, "tls: certificate required", "a\nb\x1b[2J", strings.Repeat("x", 1000) + "broken pipe",
	} {
		f.Add(seed, uint32(codes.Unavailable))
	}
	f.Fuzz(func(t *testing.T, message string, code uint32) {
		for _, err := range []error{errors.New(message), status.Error(codes.Code(code|1), message)} {
			reason := Reason(err)
			if !utf8.ValidString(reason) || strings.ContainsAny(reason, "\n\x1b") || utf8.RuneCountInString(reason) > 2*foreign.MaxQuote {
				t.Fatalf("%q is not fit for a message", reason)
			}
		}
	})
}
