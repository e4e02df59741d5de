package external

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
	"github.com/etcdfleet/etcd-fleet/internal/foreign"
)

// longestProblem bounds what is said of a wrong answer or file: a quote or two, and the remedy.
const longestProblem = 3 * foreign.MaxQuote

func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		"", "null", "[]", "{}", "\xef\xbb\xbf{}", `{"outcome": "Passed", "message": "a"}`,
		`{"outcome": "Warning", "message": "little is free", "values": {"freeBytes": 1.5e9}, "state": "new"}`,
		`{"outcome": "Error", "message": "mount\nthe disk"}`, `{"outcome": "Passed", "message": "a"}{}`,
		`{"outcome": "Passed", "message": "a", "values": {"freeBytes": "1Gi"}}`, `{"outcome": 1}`, `{"values": {"freeBytes": null}}`,
		`{"outcome": "Passed", "message": "a", "values": {"usedBytes": 1}}`, `{"OUTCOME": "Passed", "Message": "a", "values": null}`,
	} {
		f.Add([]byte(seed))
	}
	declared := []checks.Value{{Name: "freeBytes"}}
	f.Fuzz(func(t *testing.T, answer []byte) {
		response, err := decodeResponse(answer, declared)
		if err != nil {
			requireProblem(t, err)
			return
		}
		encoded, err := json.Marshal(response)
		if err != nil {
			t.Fatal(err)
		}
		again, err := decodeResponse(encoded, declared)
		if err != nil || again.Outcome != response.Outcome || again.Message != response.Message {
			t.Fatalf("%+v comes back as %+v: %v", response, again, err)
		}
		result, err := response.result()
		switch {
		case response.Outcome == etcdv1beta1.OutcomeError:
			if err == nil {
				t.Fatal("an Error is no result")
			}
		case err != nil:
			t.Fatal(err)
		case !slices.Contains(outcomes, result.Outcome), len(result.State) > etcdv1beta1.MaxStateLength, len(result.Values) > len(declared):
			t.Fatalf("%+v is out of bounds", result)
		case strings.ContainsAny(result.Message, "\n\x1b"), utf8.RuneCountInString(result.Message) > etcdv1beta1.MaxMessageLength:
			t.Fatalf("%q is out of bounds", result.Message)
		}
	})
}

func FuzzDeclarations(f *testing.F) {
	for _, seed := range []string{
		"", "checks:", "checks: []", "checks: [null]", "checks:\n- name: a\n  command: [/bin/true]\n  interval: 10m\n",
		"checks:\n- name: ticket-open\n  url: https://checks.example.org/a\n  timeout: 5s\n", "checks:\n- {name: a, url: 'http://[::1]:1/'}\n",
		"checks:\n- name: a\n  command: [/bin/true]\n  values: [{name: a, metric: etcd_inspection_a_bytes, help: A.}]\n  parameters: {a: '1'}\n",
		"checks: &a [*a]", "a: 1", "checks: {name: a}", "---\n---\n", "checks:\n- name: a\n  unknown: 1\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		if strings.Contains(string(content), "File") {
			t.Skip() // tokenFile and caFile read what they name
		}
		loaded, err := parse("checks.yaml", content)
		if err != nil {
			if loaded != nil {
				t.Fatal("half of a file is accepted")
			}
			return
		}
		if _, err := checks.NewRegistry(loaded...); err != nil && !strings.Contains(err.Error(), "help text") {
			t.Fatalf("what is loaded contradicts itself: %v", err)
		}
	})
}

// requireProblem makes sure that an error can be read.
func requireProblem(t *testing.T, err error) {
	t.Helper()
	if text := err.Error(); !utf8.ValidString(text) || utf8.RuneCountInString(text) > longestProblem || strings.ContainsAny(text, "\n\x1b") {
		t.Fatalf("%q is not fit for a message", text)
	}
}
