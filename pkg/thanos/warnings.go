package thanos

import (
	"strings"

	"github.com/etcdfleet/etcd-fleet/pkg/upstream"
)

// Warnings are the remarks on an answer by their meaning.
type Warnings struct {
	// Partial says which stores could not answer: series are missing.
	Partial []string
	// PromQL holds remarks on the expression.
	PromQL []string
}

// add sorts one of the API's warnings: Thanos has one list for lost stores and PromQL's annotations.
func (w *Warnings) add(text string) {
	text = upstream.Excerpt(text)
	if strings.HasPrefix(text, "PromQL ") {
		w.PromQL = append(w.PromQL, text)
		return
	}
	w.Partial = append(w.Partial, text)
}
