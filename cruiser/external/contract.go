package external

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	etcdv1beta1 "github.com/etcdfleet/etcd-fleet/api/v1beta1"
	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
	"github.com/etcdfleet/etcd-fleet/internal/foreign"
)

const (
	// APIVersion is the contract that a request follows. What is added to it later does not change it.
	APIVersion = "checks.etcd.cloud.tencent.com/v1beta1"

	// MaxAnswer bounds an answer, in bytes.
	MaxAnswer = 1 << 20
)

// Request is what a program reads from its standard input, and what is posted to a service.
type Request struct {
	APIVersion string `json:"apiVersion"`

	// Check is the name of the check, so that one program can serve several.
	Check string `json:"check"`

	// Cluster is the spec of the EtcdCluster to inspect.
	Cluster etcdv1beta1.EtcdClusterSpec `json:"cluster"`

	// Parameters has a value for each declared parameter.
	Parameters map[string]string `json:"parameters"`

	// State is that of the monitor's last answer with one, or "".
	State string `json:"state"`

	// Deadline is when the run ends: no answer counts after it.
	Deadline time.Time `json:"deadline"`

	// Credentials is a directory with the Secret of the cluster, one file per key; only for a program that asks for it.
	Credentials string `json:"credentials,omitempty"`
}

// Response is what a program prints to its standard output, and what a service answers.
type Response struct {
	// Outcome is Passed, Warning, Failed, NotSupported, or Error when the check could not be done.
	Outcome etcdv1beta1.Outcome `json:"outcome"`

	// Message says in a sentence what was found, or what to do.
	Message string `json:"message"`

	// Values are declared measurements.
	Values map[string]float64 `json:"values,omitempty"`

	// State becomes the State of the next request; without it that one stays.
	State string `json:"state,omitempty"`
}

// outcomes are what an answer may say.
var outcomes = []etcdv1beta1.Outcome{
	etcdv1beta1.OutcomePassed,
	etcdv1beta1.OutcomeWarning,
	etcdv1beta1.OutcomeFailed,
	etcdv1beta1.OutcomeNotSupported,
	etcdv1beta1.OutcomeError,
}

// decodeResponse reads an answer. An error names the field that is wrong.
func decodeResponse(answer []byte, declared []checks.Value) (response Response, err error) {
	decoder := json.NewDecoder(bytes.NewReader(answer))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&response); err != nil {
		return Response{}, describeJSON(err, answer)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Response{}, errors.New("there is more after its JSON object: write nothing else there, and what is to be logged elsewhere")
	}
	return response, response.validate(declared)
}

// result is what the answer means to cruiser.
func (r Response) result() (checks.Result, error) {
	message := foreign.Line(r.Message, etcdv1beta1.MaxMessageLength)
	if r.Outcome == etcdv1beta1.OutcomeError {
		return checks.Result{}, errors.New(message)
	}
	return checks.Result{Outcome: r.Outcome, Message: message, Values: r.Values, State: r.State}, nil
}

func (r Response) validate(declared []checks.Value) error {
	if !slices.Contains(outcomes, r.Outcome) {
		return fmt.Errorf("outcome is %q: answer one of %s", foreign.Quote(string(r.Outcome)), joined(outcomes))
	}
	if strings.TrimSpace(r.Message) == "" {
		return errors.New("message is empty: say in a sentence what was found")
	}
	for _, name := range slices.Sorted(maps.Keys(r.Values)) {
		if !slices.ContainsFunc(declared, func(v checks.Value) bool { return v.Name == name }) {
			return fmt.Errorf("values.%s is not declared: add it to the values of the check", foreign.Quote(name))
		}
	}
	if len(r.State) > etcdv1beta1.MaxStateLength {
		return fmt.Errorf("state has %d bytes: keep it to %d", len(r.State), etcdv1beta1.MaxStateLength)
	}
	return nil
}

// describeJSON says what is wrong with an answer that is no Response.
func describeJSON(err error, answer []byte) error {
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		field := wrongType.Field
		if field == "" {
			return fmt.Errorf("it is a JSON %s: answer an object with outcome and message", foreign.Quote(wrongType.Value))
		}
		if field == "values" && wrongType.Type.Kind() == reflect.Float64 {
			field += "." + firstNoNumber(answer)
		}
		return fmt.Errorf("%s is a JSON %s: answer %s", foreign.Quote(field), foreign.Quote(wrongType.Value), jsonType(wrongType.Type.Kind()))
	}
	if unknown, found := strings.CutPrefix(err.Error(), "json: unknown field "); found {
		return fmt.Errorf("%s is not a field of an answer: use outcome, message, values and state", foreign.Quote(unknown))
	}
	if errors.Is(err, io.EOF) {
		return errors.New("it is empty: answer a JSON object with outcome and message")
	}
	return fmt.Errorf("it is not valid JSON (%w): answer an object with outcome and message", foreign.Error(err))
}

// firstNoNumber returns the name of a value that is not a number, which the decoder's error does not name.
func firstNoNumber(answer []byte) string {
	var loose struct {
		Values map[string]any `json:"values"`
	}
	_ = json.Unmarshal(answer, &loose) // an error means that there are more problems than this one
	for _, name := range slices.Sorted(maps.Keys(loose.Values)) {
		if _, ok := loose.Values[name].(float64); !ok {
			return name
		}
	}
	return "*"
}

// jsonType is what JSON calls a kind of Go's.
func jsonType(kind reflect.Kind) string {
	switch kind {
	case reflect.Float64:
		return "a number"
	case reflect.Map:
		return "an object"
	default:
		return "a " + kind.String()
	}
}

func joined[S ~string](names []S) string {
	var texts []string
	for _, name := range names {
		texts = append(texts, string(name))
	}
	return strings.Join(texts, ", ")
}
