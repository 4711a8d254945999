package client

import (
	"context"
	"flag"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/alecthomas/kong"

	"kaskad/cmd/kaskad/commandtest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// parser reads command lines of these commands alone.
func parser(c *Commands) *kong.Kong {
	return kong.Must(c, kong.Name("kaskad"), kong.DefaultEnvars("KASKAD"))
}

func TestMain(m *testing.M) {
	if _, asKaskad := os.LookupEnv(commandtest.AsKaskad); !asKaskad {
		os.Exit(m.Run())
	}
	var c Commands
	if err := c.Prepare(); err != nil {
		panic(err)
	}
	line := parser(&c)
	command, err := line.Parse(os.Args[1:])
	line.FatalIfErrorf(err)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	command.BindTo(ctx, (*context.Context)(nil))
	line.FatalIfErrorf(command.Run())
}
