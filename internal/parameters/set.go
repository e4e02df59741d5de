package parameters

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/etcdfleet/etcd-fleet/internal/foreign"
)

// longestName bounds the names that are compared with the declared ones: others are not a typo.
const longestName = 64

// Set is what a check declares.
type Set []Parameter

// Validate returns an error when the declarations contradict themselves.
func (s Set) Validate() error {
	for i, p := range s {
		kind, known := kinds[p.Kind]
		if p.Name == "" || !known {
			return fmt.Errorf("parameter %q needs a Name and a known Kind", p.Name)
		}
		if _, other := s.find(p.Name); other != i {
			return fmt.Errorf("two parameters are named %s", p.Name)
		}
		for field, text := range map[string]string{"Min": p.Min, "Max": p.Max} {
			if _, _, ok := kind.parse(text); text != "" && !ok {
				return fmt.Errorf("parameter %s: %s %q is not %s", p.Name, field, text, kind.expected)
			}
		}
		for field, name := range map[string]string{"NotBelow": p.NotBelow, "NotAbove": p.NotAbove} {
			if other, at := s.find(name); name != "" && (at < 0 || other.Kind != p.Kind) {
				return fmt.Errorf("parameter %s: %s names %q, which is not declared with the same Kind", p.Name, field, name)
			}
		}
	}
	if _, problems := s.Read(nil); len(problems) > 0 {
		return fmt.Errorf("the defaults are not valid: %w", problems[0])
	}
	return nil
}

func (s Set) find(name string) (Parameter, int) {
	i := slices.IndexFunc(s, func(p Parameter) bool { return p.Name == name })
	if i < 0 {
		return Parameter{}, -1
	}
	return s[i], i
}

// Names returns the names of the parameters in order.
func (s Set) Names() []string {
	var names []string
	for _, p := range s {
		names = append(names, p.Name)
	}
	slices.Sort(names)
	return names
}

// Defaults returns the default of each parameter.
func (s Set) Defaults() map[string]string {
	defaults := map[string]string{}
	for _, p := range s {
		defaults[p.Name] = p.Default
	}
	return defaults
}

// Read returns a value for each parameter: the given one, or the default. The problems are about given values and their
// names; with any of them the values must not be used.
func (s Set) Read(given map[string]string) (Values, []Problem) {
	var problems []Problem
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if _, at := s.find(name); at < 0 {
			problems = append(problems, Problem{Parameter: name, IsUnknown: true, Nearest: s.nearest(name), declared: s.Names()})
		}
	}
	values, numbers := Values{}, map[string]float64{}
	for _, p := range s {
		text, isGiven := given[p.Name]
		if !isGiven {
			text = p.Default
		}
		number, parsed, ok := p.parse(text)
		if !ok {
			problems = append(problems, Problem{Parameter: p.Name, Value: text, Expected: p.expected()})
			continue
		}
		values[p.Name], numbers[p.Name] = value{text: text, parsed: parsed}, number
	}
	for _, p := range s {
		if problem, found := p.compare(values, numbers); found {
			problems = append(problems, problem)
		}
	}
	return values, problems
}

// compare compares a value with that of the parameter that bounds it. Those that are not valid were reported already.
func (p Parameter) compare(values Values, numbers map[string]float64) (Problem, bool) {
	own, valid := numbers[p.Name]
	for other, relation := range map[string]string{p.NotBelow: "below", p.NotAbove: "above"} {
		bound, known := numbers[other]
		if !valid || other == "" || !known {
			continue
		}
		if relation == "below" && own < bound || relation == "above" && own > bound {
			return Problem{
				Parameter: p.Name,
				Value:     values[p.Name].text,
				Expected:  fmt.Sprintf("%s that is not %s %s, %s", kinds[p.Kind].expected, relation, other, values[other].text),
			}, true
		}
	}
	return Problem{}, false
}

// nearest returns the declared names that a name is most probably meant as; none if no name is similar.
func (s Set) nearest(name string) []string {
	var near []string
	smallest := -1
	if len(name) > longestName {
		return nil
	}
	for _, known := range s.Names() {
		switch d := distance(name, known); {
		case d > max(len(known)/3, 1) || smallest >= 0 && d > smallest:
		case smallest < 0 || d < smallest:
			smallest, near = d, []string{known}
		default:
			near = append(near, known)
		}
	}
	return near
}

// distance is how many letters must be changed, added, removed or swapped with the next one to make one name of the other,
// whatever their case.
func distance(a, b string) int {
	a, b = strings.ToLower(a), strings.ToLower(b)
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
		for j := range rows[i] {
			switch {
			case i == 0:
				rows[i][j] = j
			case j > 0:
				replaced := rows[i-1][j-1]
				if a[i-1] != b[j-1] {
					replaced++
				}
				rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, replaced)
				if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
					rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
				}
			}
		}
	}
	return rows[len(a)][len(b)]
}

// Problem is what is wrong with one given parameter.
type Problem struct {
	Parameter string

	// Value is the given value, and Expected what it should be, for example "a whole number from 1 to 50".
	Value, Expected string

	// IsUnknown is true for a name that is not declared. Nearest are the declared names that it may have been meant as.
	IsUnknown bool
	Nearest   []string
	declared  []string
}

// Error implements error for the spec.parameters of an EtcdMonitor.
func (p Problem) Error() string { return p.In("spec.parameters") }

// In says what is wrong and what to do about it, where field is the path of the map that holds the parameter.
func (p Problem) In(field string) string {
	name := foreign.Quote(p.Parameter)
	if !p.IsUnknown {
		return fmt.Sprintf("parameter %s is %q: set %s.%s to %s", name, foreign.Quote(p.Value), field, name, p.Expected)
	}
	known := "none"
	if len(p.declared) > 0 {
		known = strings.Join(p.declared, ", ")
	}
	if len(p.Nearest) > 0 {
		return fmt.Sprintf("parameter %s is unknown: rename %s.%s to %s, or remove it (there are: %s)",
			name, field, name, strings.Join(p.Nearest, " or "), known)
	}
	return fmt.Sprintf("parameter %s is unknown: remove %s.%s (there are: %s)", name, field, name, known)
}

// Values are the parameters of one run. Each method panics if the check does not declare a parameter of that name and kind.
type Values map[string]value

type value struct {
	text   string
	parsed any
}

// Text returns a parameter of kind Text.
func (v Values) Text(name string) string { return parsedAs[string](v, name) }

// Count returns a parameter of kind Count.
func (v Values) Count(name string) int64 { return parsedAs[int64](v, name) }

// Bytes returns a parameter of kind Bytes.
func (v Values) Bytes(name string) int64 { return parsedAs[int64](v, name) }

// Duration returns a parameter of kind Duration.
func (v Values) Duration(name string) time.Duration { return parsedAs[time.Duration](v, name) }

// Ratio returns a parameter of kind Ratio.
func (v Values) Ratio(name string) float64 { return parsedAs[float64](v, name) }

// Texts returns all parameters as they are written.
func (v Values) Texts() map[string]string {
	texts := make(map[string]string, len(v))
	for name, value := range v {
		texts[name] = value.text
	}
	return texts
}

func parsedAs[T any](values Values, name string) T {
	parsed, declared := values[name].parsed.(T)
	if !declared {
		panic(fmt.Sprintf("the check does not declare a parameter %s of type %T", name, parsed))
	}
	return parsed
}
