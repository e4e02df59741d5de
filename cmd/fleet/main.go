// Command fleet shows the fleet in a terminal. It runs the datasource's binary, so that it shows the same as Grafana.
// It can also serve the part of Grafana's API that the plugin's front end uses, on this machine only.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"os/user"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/etcdfleet/etcd-fleet/internal/pluginhost"
	"github.com/etcdfleet/etcd-fleet/pkg/slorules"
)

const usage = `fleet shows a fleet of etcd clusters through the etcd Fleet datasource.

Usage:
  fleet clusters     health, members, leader, keys, size and last inspection of every cluster
  fleet inspections  the inspections with their outcomes
  fleet events       what Kubernetes Events of the last hour say of clusters and inspections
  fleet diagnose     what is wrong with clusters: cause, members, hosts, evidence, next action
  fleet slo          error budgets and burn rates, worst first
  fleet health       whether Thanos and every region can be reached
  fleet query EXPR   a PromQL expression, or a query of the datasource as JSON
  fleet run          run an inspection now, selected by --region, --cluster and --check
  fleet serve        serve the datasource to a browser on this machine

fleet COMMAND --help lists a command's flags.
`

// command is a subcommand: its flags besides the common ones, and its function.
type command struct {
	flags func(*flag.FlagSet, *options)
	run   func(context.Context, *session, *options, io.Writer) error
	// forever is true for a command that runs until it is interrupted.
	forever bool
}

var commands = map[string]command{
	"clusters":    {flags: tableFlags, run: showClusters},
	"inspections": {flags: tableFlags, run: showInspections},
	"events":      {flags: eventFlags, run: showEvents},
	"diagnose":    {flags: tableFlags, run: showDiagnosis},
	"slo":         {flags: sloFlags, run: showSLO},
	"health":      {flags: noFlags, run: showHealth},
	"query":       {flags: noFlags, run: showQuery},
	"run":         {flags: runFlags, run: runInspection},
	"serve":       {flags: serveFlags, run: serve, forever: true},
}

// options are the values of all flags.
type options struct {
	binary, datasource, output, user, role string
	timeout                                time.Duration
	verbose                                bool
	arguments                              []string

	scope map[string]*string
	check string
	limit int

	level, by, window, objective string

	types, reason string

	address, static string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "fleet:", err)
		}
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string, out io.Writer) error {
	if len(arguments) == 0 || slices.Contains([]string{"help", "-h", "--help"}, arguments[0]) {
		_, err := io.WriteString(out, usage)
		return err
	}
	command, ok := commands[arguments[0]]
	if !ok {
		return fmt.Errorf("there is no command %q: run fleet help", arguments[0])
	}
	options, err := parse(command, arguments)
	if err != nil {
		return err
	}
	session, err := openSession(options)
	if err != nil {
		return err
	}
	defer session.Close()
	if !command.forever {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, options.timeout)
		defer cancel()
	}
	return command.run(ctx, session, options, out)
}

func parse(command command, arguments []string) (*options, error) {
	parsed := &options{scope: map[string]*string{}}
	flags := flag.NewFlagSet("fleet "+arguments[0], flag.ContinueOnError)
	flags.StringVar(&parsed.binary, "binary", pluginhost.Binary("dist"), "the datasource's `binary`")
	flags.StringVar(&parsed.datasource, "datasource", "provisioning/datasources/etcd-fleet.yaml", "a Grafana provisioning `file` with the datasource; $NAME and ${NAME} come from the environment")
	flags.StringVar(&parsed.output, "output", "table", "table or json")
	flags.StringVar(&parsed.user, "user", currentUser(), "the `login` of the user who queries")
	flags.StringVar(&parsed.role, "role", "Editor", "that user's role: Viewer, Editor or Admin")
	flags.DurationVar(&parsed.timeout, "timeout", 30*time.Second, "how long to wait for an answer")
	flags.BoolVar(&parsed.verbose, "verbose", false, "show the plugin's log")
	command.flags(flags, parsed)
	if err := flags.Parse(arguments[1:]); err != nil {
		return nil, err
	}
	parsed.arguments = flags.Args()
	return parsed, errors.Join(
		oneOf("output", parsed.output, "table", "json"),
		oneOf("role", parsed.role, roles...),
	)
}

var roles = []string{"Viewer", "Editor", "Admin"}

func oneOf(name, value string, allowed ...string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	return fmt.Errorf("--%s must be one of %s", name, strings.Join(allowed, ", "))
}

func noFlags(*flag.FlagSet, *options) {}

// scopeFlags adds one flag per dimension.
func scopeFlags(flags *flag.FlagSet, parsed *options, dimensions ...string) {
	for _, dimension := range dimensions {
		parsed.scope[dimension] = flags.String(dimension, "", "only this `"+dimension+"`, or several separated by commas")
	}
}

func tableFlags(flags *flag.FlagSet, parsed *options) {
	scopeFlags(flags, parsed, "region", "product", "scene", "spec", "cluster")
	flags.IntVar(&parsed.limit, "limit", 100, "the number of rows, at most 1000")
}

func sloFlags(flags *flag.FlagSet, parsed *options) {
	tableFlags(flags, parsed)
	flags.StringVar(&parsed.level, "level", "cluster", "the level of a row: fleet, region, product, scene, spec or cluster")
	flags.StringVar(&parsed.by, "by", "objective", "one row per objective or per sli")
	flags.StringVar(&parsed.window, "window", "1h", "the `window` of burn rate and events: "+strings.Join(slorules.Windows, ", "))
	flags.StringVar(&parsed.objective, "objective", "", "only this `objective`, or several separated by commas")
}

func runFlags(flags *flag.FlagSet, parsed *options) {
	scopeFlags(flags, parsed, "region", "cluster")
	flags.StringVar(&parsed.check, "check", "", "the check's `name`, for example etcd-node-key-diff")
}

func serveFlags(flags *flag.FlagSet, parsed *options) {
	flags.StringVar(&parsed.address, "addr", "127.0.0.1:3001", "a loopback `address` to listen on")
	flags.StringVar(&parsed.static, "static", "", "a `folder` with files to serve next to the API")
}

// wantedScope returns the scope of a query from the given flags.
func (o *options) wantedScope() map[string][]string {
	scope := map[string][]string{}
	for dimension, values := range o.scope {
		if *values != "" {
			scope[dimension] = list(*values)
		}
	}
	return scope
}

// list splits comma-separated values. An empty text is an empty list.
func list(values string) []string {
	return strings.FieldsFunc(values, func(r rune) bool { return r == ',' })
}

func currentUser() string {
	current, err := user.Current()
	if err != nil {
		return "fleet"
	}
	return current.Username
}
