// Package external runs checks that are programs or services of others. A file declares them, see Load; what they are
// asked and what they answer is in contract.go and docs/external-checks.md.
package external

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
)

// answerer is a program or a service.
type answerer interface {
	// answer passes the request on and returns the answer as it came, MaxAnswer bytes at most. It obeys ctx. An error says
	// what to do.
	answer(ctx context.Context, request []byte) ([]byte, error)
}

// Add returns the registry with the checks that the file declares. An error names the file and the line.
func Add(registry checks.Registry, path string) (checks.Registry, error) {
	loaded, err := Load(path)
	if err != nil {
		return nil, err
	}
	extended, err := checks.NewRegistry(append(slices.Collect(maps.Values(registry)), loaded...)...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: rename it there", path, err)
	}
	return extended, nil
}

// run returns the Run of a check.
func run(definition definition, answerer answerer) func(context.Context, checks.Target) (checks.Result, error) {
	return func(ctx context.Context, target checks.Target) (checks.Result, error) {
		request := Request{
			APIVersion: APIVersion,
			Check:      definition.Name,
			Cluster:    target.Cluster,
			Parameters: target.Parameters.Texts(),
			State:      target.State,
		}
		request.Deadline, _ = ctx.Deadline() // cruiser sets one
		if definition.Credentials {
			dir, remove, err := writeCredentials(target.Members)
			if err != nil {
				return checks.Result{}, err
			}
			defer remove()
			request.Credentials = dir
		}
		return ask(ctx, definition, answerer, request)
	}
}

func ask(ctx context.Context, definition definition, answerer answerer, request Request) (checks.Result, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return checks.Result{}, err
	}
	begin := time.Now()
	answer, err := answerer.answer(ctx, body)
	switch {
	case err == nil:
	case errors.Is(ctx.Err(), context.Canceled):
		return checks.Result{}, ctx.Err()
	case ctx.Err() != nil:
		return checks.Result{}, fmt.Errorf("%s did not answer within %s: set a longer timeout for the check %s, or make it obey "+
			"the deadline", definition.source(), time.Since(begin).Round(time.Millisecond), definition.Name)
	default:
		return checks.Result{}, fmt.Errorf("%s %w", definition.source(), err)
	}
	response, err := decodeResponse(answer, definition.values())
	if err != nil {
		return checks.Result{}, fmt.Errorf("the answer of %s is wrong: %w", definition.source(), err)
	}
	return response.result()
}
