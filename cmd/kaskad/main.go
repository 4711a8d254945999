// Command kaskad measures business messaging: delivery, reading, cost and dead numbers, from Kafka through ClickHouse
// to HTTP.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"

	"kaskad/cmd/kaskad/client"
	"kaskad/engine"
	"kaskad/ingest"
)

// commands is the command line; every flag is also a KASKAD_… variable and a key of the YAML file.
type commands struct {
	ShowVersion versionFlag `name:"version" help:"Print the version and end."`

	Config kong.ConfigFlag `help:"YAML file with the same keys as the flags." placeholder:"FILE" env:"KASKAD_CONFIG"`

	Demo      demoCommand      `cmd:"" help:"Start everything on this machine, play a simulated day and serve its reports."`
	Run       runCommand       `cmd:"" help:"Start everything: broker and ClickHouse embedded unless --kafka and --clickhouse name real ones."`
	Ingest    ingestCommand    `cmd:"" help:"Run one role: Kafka to facts."`
	Aggregate aggregateCommand `cmd:"" help:"Run one role: facts to rollups. One at a time; a second one stands by."`
	Serve     serveCommand     `cmd:"" help:"Run one role: the HTTP API."`
	Migrate   migrateCommand   `cmd:"" help:"Bring the database to this program's schema. Running it again changes nothing."`
	Check     checkCommand     `cmd:"" help:"Check the configuration, Kafka, ClickHouse and the schema, and say what to mend. With --url: ask a running server."`
	Simulate  simulateCommand  `cmd:"" help:"Write seeded events to Kafka or NDJSON, and the report that must follow from them."`
	Replay    replayCommand    `cmd:"" help:"Send dead letters through again, each of them once."`
	Reread    rereadCommand    `cmd:"" help:"Say which facts were lost on disk, read the topic again, or accept the loss."`
	Keys      keysCommand      `cmd:"" help:"Keys of the API: make one, list them, revoke one."`

	client.Commands

	Completion completionCommand `cmd:"" help:"Print a script that completes command lines, for bash, zsh or fish."`
	Complete   completeCommand   `cmd:"" name:"__complete" hidden:"" passthrough:""`
	Version    versionCommand    `cmd:"" help:"Print the version."`
}

func main() {
	boundGarbage()
	engine.MaybeChild()
	ingest.BoundDecompression()
	os.Exit(run(os.Args[1:], hooks{}))
}

// run runs a command line and returns the exit code. h lets tests end the process between two steps.
func run(args []string, h hooks) int {
	var cli commands
	if err := cli.Prepare(); err != nil {
		fmt.Fprintln(os.Stderr, "kaskad:", err)
		return 2
	}
	parser, err := kong.New(&cli,
		kong.Name("kaskad"),
		kong.Description("Delivery status and cost of business messages: from Kafka to exact reports.\n\n"+
			"Start with `kaskad demo`. Flags, KASKAD_… variables and the YAML file say the same things; a flag wins "+
			"over a variable, a variable over the file."),
		kong.ShortUsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 110, NoExpandSubcommands: true}),
		kong.DefaultEnvars("KASKAD"),
		kong.Configuration(loadYAML),
		flagDefaults,
	)
	if err != nil {
		fmt.Fprintln(os.Stderr, "kaskad:", err)
		return 2
	}
	command, err := parser.Parse(args)
	if err == nil {
		err = checkEnvironment(parser.Model, os.Environ())
	}
	if err != nil {
		parser.FatalIfErrorf(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	command.BindTo(ctx, (*context.Context)(nil))
	command.Bind(h)
	if err := command.Run(); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "kaskad:", err)
		return 1
	}
	return 0
}

type versionFlag bool

// BeforeReset prints before anything else is asked for.
func (versionFlag) BeforeReset(app *kong.Kong) error {
	fmt.Fprintln(app.Stdout, "kaskad", version())
	app.Exit(0)
	return nil
}

type versionCommand struct{}

func (versionCommand) Run() error {
	fmt.Println("kaskad", version())
	return nil
}

// release is the version of a release, which .goreleaser.yaml links in. What go stamps by itself is not it from v2.0.0
// on, because the module's path has no /v2.
var release string

// version is that of the release, or of the module, or of the commit it was built from.
func version() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return s.Value[:12]
		}
	}
	return "development"
}
