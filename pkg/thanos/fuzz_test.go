package thanos

import (
	"strings"
	"testing"
)

// FuzzResult makes sure that an answer of Thanos is whole or refused.
func FuzzResult(f *testing.F) {
	for _, seed := range []string{
		"", "null", "{}", "[]", `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1.5,"NaN"]}]}}`,
		`{"data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"1"],[2,"+Inf"]]},{"metric":{},"histograms":[]}]},"warnings":["a"]}`,
		`{"data":{"resultType":"scalar","result":[1,"2"]}}`, `{"data":{"result":[1],"resultType":"vector"}}`, `{"data":{"resultType":"vector","result":[{"value":[1`,
		`{"data":{"resultType":"vector","result":[{"value":[1,"1",2]}]}}`, `{"data":{"resultType":"scalar","result":[]}}`,
		`{"data":{"resultType":"matrix","result":[{"values":[[1e400,"1"]]}]},"infos":[1]}`,
		`,"data":,"resultType":"scalar","result":,0,"0",}}`, `{"data":{"resultType":"scalar","result":,0,"0"}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if err := explainAPIError(body); err != nil && err.Error() == "" {
			t.Fatal("it is not said what is wrong")
		}
		result, err := decodeResult(body)
		if (result == nil) == (err == nil) {
			t.Fatalf("%+v, %v is half an answer", result, err)
		}
		if err != nil {
			return
		}
		points := 0
		for _, series := range result.Series {
			if len(series.Points) == 0 {
				t.Fatalf("%+v has no points", series)
			}
			points += len(series.Points)
		}
		if points > strings.Count(string(body), "[") {
			t.Fatalf("%d points come from %s", points, body)
		}
	})
}
