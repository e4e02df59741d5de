// Package foreign makes what other programs and servers say fit for messages, logs and status.
package foreign

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxQuote bounds a quote, in characters.
const MaxQuote = 200

// ellipsis ends a line that was cut.
const ellipsis = '…'

// Quote returns the text as a Line of at most MaxQuote characters.
func Quote(text string) string { return Line(text, MaxQuote) }

// Line returns the text on one line of at most the given number of characters. Characters that cannot be printed, such as line breaks,
// escape sequences of terminals and marks that reverse the direction of writing, are escaped as in Go's syntax.
func Line(text string, most int) string {
	text = strings.TrimSpace(text)
	line := make([]rune, 0, min(len(text), most))
	for _, character := range text {
		escaped := escape(character)
		if len(line)+len(escaped) > most {
			return string(append(line[:min(len(line), most-1)], ellipsis))
		}
		line = append(line, escaped...)
	}
	return string(line)
}

func escape(character rune) []rune {
	if character == utf8.RuneError || unicode.IsPrint(character) {
		return []rune{character} // bytes that are not UTF-8 have become U+FFFD
	}
	literal := strconv.QuoteRune(character)
	return []rune(literal[1 : len(literal)-1])
}

// Error returns err with its text as a quote. errors.Is and errors.As still recognize it.
func Error(err error) error {
	if err == nil {
		return nil
	}
	return quotedError{err}
}

type quotedError struct{ cause error }

func (e quotedError) Error() string { return Quote(e.cause.Error()) }

func (e quotedError) Unwrap() error { return e.cause }
