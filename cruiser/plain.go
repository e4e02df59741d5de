package cruiser

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// plain makes a text fit for a status or an Event: at most limit bytes of valid UTF-8 on one line. What would move a
// terminal's cursor, colour it or turn the direction of writing becomes a blank, so that no text can pass for another.
func plain(text string, limit int) string {
	var line strings.Builder
	pending := false // a blank, unless the line ends before it
	for _, char := range text {
		if isLayout(char) {
			pending = line.Len() > 0
			continue
		}
		size := utf8.RuneLen(char)
		if pending {
			size++
		}
		if line.Len()+size > limit {
			break
		}
		if pending {
			line.WriteByte(' ')
			pending = false
		}
		line.WriteRune(char) // U+FFFD for a byte that is not UTF-8
	}
	return line.String()
}

// isLayout reports white space, control characters and marks of direction.
func isLayout(char rune) bool {
	return unicode.IsSpace(char) || unicode.IsControl(char) || unicode.Is(unicode.Bidi_Control, char)
}
