package upstream

import (
	"strings"
	"unicode/utf8"

	"github.com/etcdfleet/etcd-fleet/internal/foreign"
)

// maxExcerpt is how many characters of a foreign text are quoted.
const maxExcerpt = 300

// Excerpt makes a text that another server, or another's object, brought fit to be quoted in a message: its words on one
// line, with what cannot be seen escaped, and of a bounded length.
func Excerpt(text string) string {
	const most = maxExcerpt * utf8.UTFMax
	words := strings.Join(strings.Fields(text[:min(len(text), most)]), " ")
	if len(text) > most {
		words += "…"
	}
	return foreign.Line(words, maxExcerpt)
}
