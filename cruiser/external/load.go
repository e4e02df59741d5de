package external

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/etcdfleet/etcd-fleet/cruiser/checks"
	"github.com/etcdfleet/etcd-fleet/internal/parameters"
)

// The bounds of an interval are those of an EtcdMonitor's.
const (
	shortestInterval = 10 * time.Second
	longestInterval  = 720 * time.Hour
)

var (
	checkName  = regexp.MustCompile(`^[a-z]([a-z0-9-]{0,98}[a-z0-9])?$`)
	valueName  = regexp.MustCompile(`^[a-z][a-zA-Z0-9]*$`)
	metricName = regexp.MustCompile(`^etcd_inspection_[a-z0-9_]+$`)
)

// ownMetrics are those that cruiser exposes of every check.
var ownMetrics = []string{
	"etcd_inspection_runs_total",
	"etcd_inspection_outcome",
	"etcd_inspection_last_run_timestamp_seconds",
	"etcd_inspection_duration_seconds",
	"etcd_inspection_fresh",
}

// file is what --external-checks names.
type file struct {
	Checks []definition `yaml:"checks"`
}

// definition declares a check.
type definition struct {
	Name string `yaml:"name"`

	// Command is a program with its arguments; or URL is a service.
	Command []string `yaml:"command"`
	URL     string   `yaml:"url"`

	// TokenFile holds the bearer token for the service, CAFile the authorities that its certificate is verified against.
	TokenFile string `yaml:"tokenFile"`
	CAFile    string `yaml:"caFile"`

	Parameters  map[string]string `yaml:"parameters"`
	Values      []value           `yaml:"values"`
	Timeout     string            `yaml:"timeout"`
	Interval    string            `yaml:"interval"`
	Expensive   bool              `yaml:"expensive"`
	Credentials bool              `yaml:"credentials"`

	// timeout and interval are set by validate.
	timeout, interval time.Duration
}

type value struct {
	Name   string `yaml:"name"`
	Metric string `yaml:"metric"`
	Help   string `yaml:"help"`
}

// Load returns the checks that a YAML file declares. It is strict: an unknown field, a missing program or a time that is not
// valid is an error with file, line, field and remedy.
func Load(path string) ([]checks.Check, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the external checks: %w: create the file, or correct --external-checks", err)
	}
	return parse(path, content)
}

// parse reads the content of the file at path.
func parse(path string, content []byte) ([]checks.Check, error) {
	var parsed file
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	decoder.KnownFields(true)
	if err := decoder.Decode(&parsed); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", path, describeYAML(err))
	}
	var lines yaml.Node
	if err := yaml.Unmarshal(content, &lines); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var all []checks.Check
	names := map[string]bool{}
	for i := range parsed.Checks {
		check, err := parsed.Checks[i].check()
		if err == nil && names[check.Name] {
			err = problem("name", "%q is there twice: rename one", check.Name)
		}
		if err != nil {
			return nil, locate(path, &lines, i, err)
		}
		names[check.Name] = true
		all = append(all, check)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s declares no check: list some under checks:, or leave out --external-checks", path)
	}
	return all, nil
}

// check validates the definition and makes a check of it.
func (d *definition) check() (checks.Check, error) {
	for _, validate := range []func() error{d.validateName, d.validateValues, d.validateTimes} {
		if err := validate(); err != nil {
			return checks.Check{}, err
		}
	}
	answerer, err := d.answerer()
	if err != nil {
		return checks.Check{}, err
	}
	return checks.Check{
		Name:       d.Name,
		Parameters: d.parameters(),
		Values:     d.values(),
		Expensive:  d.Expensive,
		Interval:   d.interval,
		Timeout:    d.timeout,
		Run:        run(*d, answerer),
	}, nil
}

func (d *definition) validateName() error {
	if !checkName.MatchString(d.Name) {
		return problem("name", "%q is not a valid name of a check: write lower-case letters, digits and dashes, for example disk-free", d.Name)
	}
	return nil
}

func (d *definition) validateValues() error {
	names := map[string]bool{}
	for i, v := range d.Values {
		at := fmt.Sprintf("values[%d].", i)
		switch {
		case !valueName.MatchString(v.Name):
			return problem(at+"name", "%q is not a valid name of a value: write it like freeBytes", v.Name)
		case names[v.Name]:
			return problem(at+"name", "%q is there twice: rename one", v.Name)
		case !metricName.MatchString(v.Metric):
			return problem(at+"metric", "%q is not a valid name of a metric: write etcd_inspection_<what>_<base unit>, for example "+
				"etcd_inspection_disk_free_bytes", v.Metric)
		case slices.Contains(ownMetrics, v.Metric):
			return problem(at+"metric", "%s is cruiser's own: name another", v.Metric)
		case strings.TrimSpace(v.Help) == "":
			return problem(at+"help", "it is empty: say in a sentence what is measured")
		}
		names[v.Name] = true
	}
	return nil
}

func (d *definition) validateTimes() (err error) {
	if d.timeout, err = duration("timeout", d.Timeout); err != nil {
		return err
	}
	if d.interval, err = duration("interval", d.Interval); err != nil {
		return err
	}
	if d.Interval != "" && (d.interval < shortestInterval || d.interval > longestInterval) {
		return problem("interval", "%s is out of bounds: write a time from 10s to 720h", d.Interval)
	}
	return nil
}

// duration parses an optional time.
func duration(field, text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	parsed, err := time.ParseDuration(text)
	if err != nil || parsed <= 0 {
		return 0, problem(field, "%q is not a valid time: write for example 30s, 5m or 12h", text)
	}
	return parsed, nil
}

// answerer returns the program or the service.
func (d *definition) answerer() (answerer, error) {
	switch {
	case len(d.Command) > 0 && d.URL != "":
		return nil, problem("url", "there is a command as well: keep one of them")
	case len(d.Command) > 0:
		return d.command()
	case d.URL != "":
		return d.service()
	default:
		return nil, problem("name", "%s has neither a command nor a url: add the one or the other", d.Name)
	}
}

func (d *definition) command() (answerer, error) {
	for field, text := range map[string]string{"tokenFile": d.TokenFile, "caFile": d.CAFile} {
		if text != "" {
			return nil, problem(field, "it is for a url: remove it, or replace command by url")
		}
	}
	program, err := exec.LookPath(d.Command[0])
	if err != nil {
		return nil, problem("command", "%v: install the program, make it executable, or write its whole path", err)
	}
	return &command{check: d.Name, program: program, arguments: d.Command[1:]}, nil
}

func (d *definition) service() (answerer, error) {
	if d.Credentials {
		return nil, problem("credentials", "they are never sent to a service: give the Secret to the service itself, or use a command")
	}
	parsed, err := url.Parse(d.URL)
	if err != nil || parsed.Host == "" || parsed.Scheme != "https" && parsed.Scheme != "http" {
		return nil, problem("url", "%q is not the address of a service: write https://host/path", d.URL)
	}
	if parsed.User != nil {
		return nil, problem("url", "it holds a password: put a token into a file and name it by tokenFile")
	}
	if parsed.Scheme == "http" && !isLoopback(parsed.Hostname()) {
		return nil, problem("url", "%s would be asked in plain text: write https://; only a service on this host may do without", parsed.Host)
	}
	client, err := newHTTPClient(d.CAFile)
	if err != nil {
		return nil, problem("caFile", "%v", err)
	}
	if _, err := readToken(d.TokenFile); err != nil {
		return nil, problem("tokenFile", "%v", err)
	}
	return &service{url: parsed.String(), tokenFile: d.TokenFile, client: client}, nil
}

func isLoopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

func (d *definition) values() []checks.Value {
	var values []checks.Value
	for _, v := range d.Values {
		values = append(values, checks.Value(v))
	}
	return values
}

// parameters are texts: only the program knows what they mean.
func (d *definition) parameters() parameters.Set {
	var set parameters.Set
	for _, name := range slices.Sorted(maps.Keys(d.Parameters)) {
		set = append(set, parameters.Parameter{Name: name, Kind: parameters.Text, Default: d.Parameters[name]})
	}
	return set
}

// source names the program or the service in messages.
func (d *definition) source() string {
	if d.URL != "" {
		return "the service " + d.URL
	}
	return "the program " + d.Command[0]
}

// fieldProblem is what is wrong with a field of a definition.
type fieldProblem struct {
	field, text string
}

func (p *fieldProblem) Error() string { return p.field + ": " + p.text }

func problem(field, format string, arguments ...any) error {
	return &fieldProblem{field: field, text: fmt.Sprintf(format, arguments...)}
}

// locate says in which line of the file the problem is.
func locate(path string, document *yaml.Node, check int, err error) error {
	at := fmt.Sprintf("checks[%d]", check)
	line := 0
	var wrong *fieldProblem
	if errors.As(err, &wrong) {
		line = lineOf(document, at+"."+wrong.field)
	}
	return fmt.Errorf("%s:%d: %s.%w", path, line, at, err)
}

// step is a part of a path such as checks[0].values[1].name.
var step = regexp.MustCompile(`[a-zA-Z]+|\d+`)

// lineOf returns the line of the field, or of what encloses it if it is left out.
func lineOf(document *yaml.Node, path string) int {
	if len(document.Content) == 0 {
		return 1
	}
	node := document.Content[0]
	line := node.Line
	for _, name := range step.FindAllString(path, -1) {
		key, child := childOf(node, name)
		if child == nil {
			break
		}
		node, line = child, key.Line
	}
	return line
}

// childOf returns the key and the value of a mapping's entry, or twice the item of a list.
func childOf(node *yaml.Node, name string) (key, child *yaml.Node) {
	switch node.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == name {
				return node.Content[i], node.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		for i, item := range node.Content {
			if fmt.Sprint(i) == name {
				return item, item
			}
		}
	}
	return nil, nil
}

var unknownField = regexp.MustCompile(`line (\d+): field (\S+) not found in type external\.(\w+)`)

// fields are what each part of the file may hold.
var fields = map[string]string{
	"file":       "checks",
	"definition": "name, command, url, tokenFile, caFile, parameters, values, timeout, interval, expensive, credentials",
	"value":      "name, metric, help",
}

// describeYAML adds the remedy to what the parser found, with its lines.
func describeYAML(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: unmarshal errors:\n")
	text = strings.TrimPrefix(text, "yaml: ")
	var found []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if match := unknownField.FindStringSubmatch(line); match != nil {
			line = fmt.Sprintf("line %s: %s is not a field here: use %s", match[1], match[2], fields[match[3]])
		}
		found = append(found, line)
	}
	return fmt.Errorf("%s (docs/external-checks.md explains the fields)", strings.Join(found, "; "))
}
