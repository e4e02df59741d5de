package foreign_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"

	"github.com/etcdfleet/etcd-fleet/internal/foreign"
)

func TestQuote(t *testing.T) {
	for _, test := range []struct{ name, text, quoted string }{
		{"plain text stays as it is", `no "space" left: 5 % \ ü 数据`, `no "space" left: 5 % \ ü 数据`},
		{"space around it is left out", " \n gone\r\n", "gone"},
		{"line breaks are escaped", "first\nsecond\r\n\tthird", `first\nsecond\r\n\tthird`},
		{"terminals are not steered", "\x1b[2Jgone\a\x00", `\x1b[2Jgone\a\x00`},
		{"the direction of writing stays", "a\u202egpj.exe\u200b", `a\u202egpj.exe\u200b`},
		{"bytes that are not UTF-8 are replaced", "a\xffb", "a\uFFFDb"},
		{"200 characters stay", strings.Repeat("ü", 200), strings.Repeat("ü", 200)},
		{"more are cut", strings.Repeat("ü", 201), strings.Repeat("ü", 199) + "…"},
		{"an escape is not cut in two", strings.Repeat("a", 198) + "\x1b", strings.Repeat("a", 198) + "…"},
		{"nothing", "", ""},
	} {
		assert.Equal(t, test.quoted, foreign.Quote(test.text), test.name)
	}
}

func TestErrorQuotesAndKeepsTheCause(t *testing.T) {
	err := foreign.Error(fmt.Errorf("<Message>\n%s</Message>: %w", strings.Repeat("x", 1<<20), io.EOF))
	assert.ErrorIs(t, err, io.EOF)
	assert.Equal(t, foreign.MaxQuote, utf8.RuneCountInString(err.Error()))
	assert.NotContains(t, err.Error(), "\n")
	assert.NoError(t, foreign.Error(nil))
	assert.False(t, errors.Is(err, io.ErrUnexpectedEOF))
}

func FuzzQuote(f *testing.F) {
	for _, seed := range []string{"", "plain", "a\nb", "\x1b[31m", "\xff\xfe", "\u202e", strings.Repeat("\x00", 300), `\x00`, strings.Repeat("é", 200)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		quoted := foreign.Quote(text)
		if !utf8.ValidString(quoted) {
			t.Fatalf("%q is not UTF-8", quoted)
		}
		if count := utf8.RuneCountInString(quoted); count > foreign.MaxQuote {
			t.Fatalf("%q has %d characters", quoted, count)
		}
		for _, character := range quoted {
			if !unicode.IsPrint(character) && character != utf8.RuneError {
				t.Fatalf("%q holds %U", quoted, character)
			}
		}
		if again := foreign.Quote(quoted); again != quoted {
			t.Fatalf("a quote of %q is %q", quoted, again)
		}
	})
}
