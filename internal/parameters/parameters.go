// Package parameters declares the settings of checks, each once: cruiser reads them typed, and the operator validates
// policies by the same declarations.
package parameters

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
)

// Kind is the type of a parameter.
type Kind string

// The kinds of parameters. Numbers, times and sizes are 0 or more.
const (
	// Text is any text, also none.
	Text Kind = "text"

	// Count is a whole number.
	Count Kind = "whole number"

	// Duration is a time such as 500ms or 720h.
	Duration Kind = "time"

	// Ratio is a part of a whole, from 0 to 1.
	Ratio Kind = "part of 1"

	// Bytes is a size such as 524288, 512Ki or 8Gi.
	Bytes Kind = "size in bytes"
)

// Parameter declares one setting of a check.
type Parameter struct {
	// Name is the key in spec.parameters of an EtcdMonitor.
	Name string
	Kind Kind

	// Help says in a sentence what the value does.
	Help string

	// Default stands for a value that is not given. It is written like a given one, as are Min and Max.
	Default string

	// Min and Max are the smallest and the largest value; empty means what Kind allows.
	Min, Max string

	// NotBelow and NotAbove name another parameter of the same Kind, whose value bounds this one.
	NotBelow, NotAbove string
}

// kinds are how values of each Kind are parsed, and what a message asks for.
var kinds = map[Kind]struct {
	parse    func(text string) (float64, any, bool)
	expected string
	examples string
}{
	Text:     {parse: func(text string) (float64, any, bool) { return 0, text, true }, expected: "a text"},
	Count:    {parse: parseCount, expected: "a whole number"},
	Duration: {parse: parseDuration, expected: "a time", examples: ", for example 30s, 5m or 720h"},
	Ratio:    {parse: parseRatio, expected: "a part", examples: ", for example 0.8"},
	Bytes:    {parse: parseBytes, expected: "a size in bytes", examples: ", for example 512Ki or 8Gi"},
}

func parseCount(text string) (float64, any, bool) {
	count, err := strconv.ParseInt(text, 10, 64)
	return float64(count), count, err == nil && count >= 0
}

func parseDuration(text string) (float64, any, bool) {
	duration, err := time.ParseDuration(text)
	return float64(duration), duration, err == nil && duration >= 0
}

func parseRatio(text string) (float64, any, bool) {
	ratio, err := strconv.ParseFloat(text, 64)
	return ratio, ratio, err == nil && ratio >= 0 && ratio <= 1
}

// byteSize matches sizes that are possible: Kubernetes' parser computes 12345678901234567890e2000000000 for hours.
var byteSize = regexp.MustCompile(`^\+?[0-9]{1,20}(\.[0-9]{1,20})?([kMGTPE]|[KMGTPE]i|[eE][0-9]{1,2})?$`)

func parseBytes(text string) (float64, any, bool) {
	if !byteSize.MatchString(text) {
		return 0, int64(0), false
	}
	quantity, err := resource.ParseQuantity(text)
	if err != nil || quantity.CmpInt64(math.MaxInt64) > 0 {
		return 0, int64(0), false
	}
	return float64(quantity.Value()), quantity.Value(), true
}

// number is the value of a text of the parameter's kind, which a declaration holds.
func (p Parameter) number(text string) float64 {
	number, _, _ := kinds[p.Kind].parse(text)
	return number
}

// parse returns the value of a text that is in the parameter's own bounds.
func (p Parameter) parse(text string) (number float64, value any, ok bool) {
	number, value, ok = kinds[p.Kind].parse(text)
	if p.Min != "" && number < p.number(p.Min) || p.Max != "" && number > p.number(p.Max) {
		ok = false
	}
	return number, value, ok
}

// Bounds says what values are accepted: "1 to 50", "up to 1m" or "0 or more".
func (p Parameter) Bounds() string {
	smallest, largest := p.Min, p.Max
	if p.Kind == Ratio && largest == "" {
		largest = "1"
	}
	if p.Kind == Text {
		return ""
	}
	if smallest == "" {
		smallest = "0"
	}
	bounds := smallest + " or more"
	if largest != "" {
		bounds = smallest + " to " + largest
	}
	if p.NotBelow != "" {
		bounds += ", not below " + p.NotBelow
	}
	if p.NotAbove != "" {
		bounds += ", not above " + p.NotAbove
	}
	return bounds
}

// expected is what a message asks for.
func (p Parameter) expected() string {
	kind := kinds[p.Kind]
	smallest, largest := p.Min, p.Max
	if p.Kind == Ratio && largest == "" {
		largest = "1"
	}
	switch {
	case largest != "" && smallest == "" && p.Kind != Ratio:
		return fmt.Sprintf("%s up to %s%s", kind.expected, largest, kind.examples)
	case largest != "":
		if smallest == "" {
			smallest = "0"
		}
		return fmt.Sprintf("%s from %s to %s%s", kind.expected, smallest, largest, kind.examples)
	case smallest != "" || p.Kind == Count:
		if smallest == "" {
			smallest = "0"
		}
		return fmt.Sprintf("%s, %s or more%s", kind.expected, smallest, kind.examples)
	default:
		return kind.expected + kind.examples
	}
}
