package upstream_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/etcdfleet/etcd-fleet/pkg/upstream"
)

func TestAnExcerptIsOneBoundedLineThatCanBeSeen(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "",
		"plain, with Ünïcode":           "plain, with Ünïcode",
		"two\nlines\r\n and\ttabs":      "two lines and tabs",
		"\x1b[31mred":                   `\x1b[31mred`,
		"right\u202eleft\u0000end":      `right\u202eleft\x00end`,
		"not UTF-8: \xff":               "not UTF-8: \ufffd",
		strings.Repeat("x", 300):        strings.Repeat("x", 300),
		strings.Repeat("x", 301):        strings.Repeat("x", 299) + "…",
		strings.Repeat("界", 301):        strings.Repeat("界", 299) + "…",
		strings.Repeat(" ", 5000) + "x": "…",
	} {
		got := upstream.Excerpt(text)
		require.Equal(t, want, got)
		require.True(t, utf8.ValidString(got))
	}
}

// What a server answers is quoted in notices, in the health check and in Grafana's log.
func TestWhatAServerAnswersIsQuotedBounded(t *testing.T) {
	long := strings.Repeat("very\nlong\x1b ", 10_000)
	server := upstream.Server{Name: "the API server of region gz", URL: "https://gz"}
	refused := &apierrors.StatusError{ErrStatus: metav1.Status{Status: metav1.StatusFailure, Code: http.StatusUnprocessableEntity, Reason: metav1.StatusReasonInvalid, Message: long}}
	unavailable := &apierrors.StatusError{ErrStatus: metav1.Status{Status: metav1.StatusFailure, Code: http.StatusServiceUnavailable, Message: long}}
	forbidden := &apierrors.StatusError{ErrStatus: metav1.Status{Status: metav1.StatusFailure, Code: http.StatusForbidden, Message: long}}
	failed := &apierrors.StatusError{ErrStatus: metav1.Status{Status: metav1.StatusFailure, Code: http.StatusInternalServerError, Message: long}}
	for name, err := range map[string]error{
		"refused": refused, "unavailable": unavailable, "forbidden": forbidden, "failed": failed,
		"redirect": &upstream.Answer{Status: http.StatusFound, Location: "https://elsewhere/" + strings.Repeat("x", 100_000)},
		"other":    &upstream.Answer{Status: http.StatusOK, ContentType: long},
		"unknown":  errors.New(long),
	} {
		t.Run(name, func(t *testing.T) {
			message := server.Explain(err).Error()
			require.Less(t, len(message), 1000)
			require.NotContains(t, message, "\n")
			require.NotContains(t, message, "\x1b")
		})
	}
}
