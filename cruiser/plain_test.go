package cruiser

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
)

func TestPlain(t *testing.T) {
	for _, test := range []struct {
		text  string
		limit int
		want  string
	}{
		{"", 4, ""},
		{"abcd", 4, "abcd"},
		{"abcde", 4, "abcd"},
		{"ab差", 4, "ab"},
		{"ab差", 5, "ab差"},
		{"\xff", 4, "\uFFFD"},
		{"差", 2, ""},
		{"first line\r\n\tsecond line\n", 100, "first line second line"},
		{"\n\x00 nothing before and after \u2028", 100, "nothing before and after"},
		{"\x1b[31mred\x1b[0m", 100, "[31mred [0m"},
		{"beep\a del\x7f c1\u0085\u009b0m", 100, "beep del c1 0m"},
		{"delete \u202egz-a\u202c now", 100, "delete gz-a now"},
		{"abc\ndef", 4, "abc"},
		{"abc\ndef", 5, "abc d"},
		{strings.Repeat("\n", 1<<20) + "x", 10, "x"},
	} {
		assert.Equal(t, test.want, plain(test.text, test.limit), "%.40q to %d", test.text, test.limit)
	}
}

// Whatever produced a result, its record is one that the API server accepts and that a terminal shows as it is.
func TestRecordIsPlainWhateverMadeTheResult(t *testing.T) {
	hostile := "\x1b]0;title\a\r\n" + strings.Repeat("line\u2028\u202e\x00", 100_000) + "\xff\xfe"
	many := map[string]float64{strings.Repeat("n", 1000): 1}
	for i := range 1000 {
		many[fmt.Sprint("value", i)] = float64(i)
	}
	for name, found := range map[string]checks.Result{
		"a check's":               {Outcome: etcdv1beta1.OutcomeFailed, Message: hostile, Values: many},
		"a program's":             {Outcome: "\x1b[32mPassed", Message: hostile},
		"an error":                {Outcome: etcdv1beta1.OutcomeError, Message: errors.New(hostile).Error()},
		"a defect without result": {},
	} {
		t.Run(name, func(t *testing.T) {
			run := result{Result: found, trigger: trigger{request: "\x1b\n", requestedBy: hostile}, start: time.Now()}
			record := run.record()
			texts := map[string]string{"message": record.Message, "requestedBy": record.RequestedBy}
			changed := run.fields(&etcdv1beta1.EtcdMonitor{}, now, now)
			for _, condition := range append(run.conditions(&etcdv1beta1.EtcdMonitor{}, record),
				runningConditions(&etcdv1beta1.EtcdMonitor{}, run.trigger)...) {
				texts[condition.Type] = condition.Message
			}
			for where, text := range texts {
				assert.LessOrEqual(t, len(text), etcdv1beta1.MaxMessageLength, where)
				assert.True(t, utf8.ValidString(text), where)
				assert.Equal(t, -1, strings.IndexFunc(text, unicode.IsControl), "%s: %q", where, text)
			}
			assert.Contains(t, outcomes, record.Outcome)
			assert.Equal(t, record.Outcome, changed["outcome"])
			assert.LessOrEqual(t, len(record.Values), etcdv1beta1.MaxValues)
		})
	}
}
