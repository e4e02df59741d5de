package datasource

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
)

// FuzzQuery makes sure that a query is refused by the name of a field, or is read in such a way that its own JSON form
// means the same.
func FuzzQuery(f *testing.F) {
	paths, err := filepath.Glob("testdata/queries/*.json")
	if err != nil || len(paths) == 0 {
		f.Fatal("there are no golden queries", err)
	}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		var golden struct{ Input json.RawMessage }
		if err := json.Unmarshal(content, &golden); err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(golden.Input))
	}
	for _, seed := range []string{"", "null", "[]", "{", "\xef\xbb\xbf{}", `{"kind":"clusters","limit":1e9}`, `{"kind":"slo","kind":"promql"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		parsed, _, err := view{}.parseQuery(raw)
		if err != nil {
			wrong, ok := errors.AsType[*fieldError](err)
			if !ok || wrong.field == "" || wrong.message == "" || parsed != nil && !ok {
				t.Fatalf("%v names no field", err)
			}
			return
		}
		form := encodeQuery(t, raw, parsed)
		again, _, err := view{}.parseQuery(form)
		if err != nil {
			t.Fatalf("%s is refused when it comes back: %v", form, err)
		}
		if back := encodeQuery(t, raw, again); !bytes.Equal(form, back) {
			t.Fatalf("%s comes back as %s", form, back)
		}
	})
}

// encodeQuery is the query's own JSON form, with the kind of the raw one.
func encodeQuery(t *testing.T, raw []byte, parsed query) []byte {
	t.Helper()
	var envelope, form map[string]json.RawMessage
	encoded, err := json.Marshal(parsed)
	if err == nil {
		err = errors.Join(json.Unmarshal(raw, &envelope), json.Unmarshal(encoded, &form))
	}
	if err != nil {
		t.Fatal(err)
	}
	form["kind"] = envelope["kind"]
	encoded, err = json.Marshal(form)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// FuzzRunBody makes sure that a request for a run is whole or refused.
func FuzzRunBody(f *testing.F) {
	const good = `{"region": "gz", "cluster": "gz-1", "check": "alarms"}`
	for _, seed := range [][2]string{
		{"application/json", good}, {"application/json; charset=utf-8", good}, {"text/plain", good}, {"", ""},
		{"application/json", "null"}, {"application/json", "[]"}, {"application/json", `{"region": 1}`}, {"application/json", strings.Repeat(" ", 5000)},
	} {
		f.Add(seed[0], []byte(seed[1]))
	}
	f.Fuzz(func(t *testing.T, contentType string, content []byte) {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/inspections/run", bytes.NewReader(content))
		request.Header.Set("Content-Type", contentType)
		body, refusal := readRunBody(request)
		switch {
		case refusal != nil:
			if refusal.status < 400 || refusal.status > 499 || refusal.Message == "" {
				t.Fatalf("%+v says nothing", refusal)
			}
		case body.Region == "" || body.Cluster == "" || body.Check == "" || len(content) > maxRunBodyBytes:
			t.Fatalf("%+v is accepted", body)
		}
	})
}

// FuzzSettings makes sure that settings are whole or refused.
func FuzzSettings(f *testing.F) {
	for _, seed := range [][2]string{
		{"http://thanos:10902", `{"regions":[{"name":"gz","url":"https://10.0.0.1:6443","namespace":"gz"}]}`},
		{"", "{}"}, {"thanos", "null"}, {"https://a:b@c", "[]"}, {"http://t", `{"queryTimeoutSeconds":1e308,"timeInterval":"99999999y"}`},
		{"http://t", `{"minRoleToRun":"None","regions":[null,{}],"tlsSkipVerify":true}`},
		{"http://t", `{"fixedScope":{"region":["gz"],"cluster":["a"]}}`}, {"http://t", `{"fixedScope":{"Scene":["a"]},"hideInternals":false}`},
		{"", `{"fixedScope":{"scene":["a"]},"fixedscope":{}}`}, {"http://t", `{"fixedScope":{"scene":[]},"hideInternals":null}`},
	} {
		f.Add(seed[0], []byte(seed[1]), "token")
	}
	f.Fuzz(func(t *testing.T, url string, jsonData []byte, token string) {
		parsed, err := parseSettings(backend.DataSourceInstanceSettings{
			URL: url, JSONData: jsonData, DecryptedSecureJSONData: map[string]string{"gz.token": token, "thanosUrl": "http://thanos"},
		})
		if err != nil {
			if err.Error() == "" {
				t.Fatal("it is not said what is wrong")
			}
			return
		}
		if parsed.thanosURL == nil || parsed.thanosURL.Host == "" || parsed.queryTimeout <= 0 || parsed.queryTimeout > maxQueryTimeout ||
			parsed.scrapeInterval <= 0 {
			t.Fatalf("%+v is accepted", parsed)
		}
		if namesFixedValues(jsonData) && (!parsed.view.isLimited() || url != "") {
			t.Fatalf("%s does not limit the datasource", jsonData)
		}
	})
}

// namesFixedValues reports whether a fixed scope was meant, however it is written.
func namesFixedValues(jsonData []byte) bool {
	var raw map[string]json.RawMessage
	_ = json.Unmarshal(jsonData, &raw) // what is no object means nothing
	for name, value := range raw {
		var lists map[string][]any
		if !strings.EqualFold(name, "fixedScope") || json.Unmarshal(value, &lists) != nil {
			continue
		}
		for _, values := range lists {
			if len(values) > 0 {
				return true
			}
		}
	}
	return false
}
