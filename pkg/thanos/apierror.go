package thanos

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/etcdfleet/etcd-fleet/pkg/upstream"
)

// explainAPIError explains an error in the form of the Prometheus HTTP API; nil for other JSON.
func explainAPIError(body []byte) error {
	var failure struct {
		ErrorType string `json:"errorType"`
		Error     string `json:"error"`
	}
	if json.Unmarshal(body, &failure) != nil || failure.ErrorType == "" {
		return nil //nolint:nilerr // the caller explains what is not of this API
	}
	cause := errors.New(upstream.Excerpt(failure.Error))
	switch failure.ErrorType {
	case "bad_data":
		return upstream.New(upstream.BadQuery, fmt.Sprintf("The query is not valid: %v", cause), cause)
	case "execution":
		return upstream.New(upstream.BadQuery, fmt.Sprintf("Thanos could not evaluate the query: %v", cause), cause)
	case "timeout":
		return upstream.New(upstream.Timeout, "The query took too long. Narrow the scope or the time range, use a recorded series, or raise the datasource's query timeout.", cause)
	}
	return upstream.New(upstream.Failed, fmt.Sprintf("Thanos failed (%s): %v", upstream.Excerpt(failure.ErrorType), cause), cause)
}
