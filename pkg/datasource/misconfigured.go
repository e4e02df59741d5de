package datasource

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
)

// misconfigured answers for a datasource whose configuration cannot work.
type misconfigured struct{ problem error }

func (m *misconfigured) message() string {
	return fmt.Sprintf("The datasource's settings are wrong. %v", m.problem)
}

// QueryData answers every query with what is wrong.
func (m *misconfigured) QueryData(_ context.Context, request *backend.QueryDataRequest) (*backend.QueryDataResponse, error) {
	response := backend.NewQueryDataResponse()
	for _, query := range request.Queries {
		response.Responses[query.RefID] = backend.ErrDataResponseWithSource(backend.StatusBadRequest, backend.ErrorSourceDownstream, m.message())
	}
	return response, nil
}

// CheckHealth reports what is wrong.
func (m *misconfigured) CheckHealth(context.Context, *backend.CheckHealthRequest) (*backend.CheckHealthResult, error) {
	return &backend.CheckHealthResult{Status: backend.HealthStatusError, Message: m.message()}, nil
}

// CallResource reports what is wrong.
func (m *misconfigured) CallResource(_ context.Context, _ *backend.CallResourceRequest, sender backend.CallResourceResponseSender) error {
	body, err := json.Marshal(problem{Message: m.message()})
	if err != nil {
		return err
	}
	return sender.Send(&backend.CallResourceResponse{
		Status: http.StatusInternalServerError, Headers: map[string][]string{"Content-Type": {"application/json"}}, Body: body,
	})
}
