package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// completed lists what may stand in place of the last word.
func completed(t *testing.T, words ...string) (found []string) {
	t.Helper()
	var cli commands
	if err := cli.Prepare(); err != nil {
		t.Fatal(err)
	}
	parser, err := kong.New(&cli, flagDefaults)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range complete(parser.Model.Node, words) {
		found = append(found, c.word)
	}
	return found
}

func TestComplete_Words(t *testing.T) {
	for _, c := range []struct {
		words []string
		want  string // all that there is, or with … some of it
	}{
		{[]string{"rep"}, "report replay"},
		{nil, "demo run report status completion …"},
		{[]string{"report", ""}, "channels dead-spend failures penetration savings segment-waste spend …"},
		{[]string{"report", "se"}, "segment-waste"},
		{[]string{"report", "channels", "--gro"}, "--group-by"},
		{[]string{"report", "channels", "--"}, "--from --campaign --columns --output --help …"},
		{[]string{"report", "savings", "--group-by", "first_"}, "first_channel"},
		{[]string{"report", "savings", "--group-by", "month,first_"}, "month,first_channel"},
		{[]string{"report", "savings", "--group-by", "month,mo"}, ""},
		{[]string{"report", "savings", "--group-by=month,path,acc"}, "--group-by=month,path,account"},
		{[]string{"report", "savings", "--group-by", "=", "tem"}, "template"}, // as bash has it
		{[]string{"report", "channels", "--channel", "vi"}, "viber"},
		{[]string{"report", "channels", "--channel", "viber", "--channel", "w"}, "whatsapp"},
		{[]string{"report", "channels", "--columns", "open_rate,delivery_ra"},
			"open_rate,delivery_rate open_rate,delivery_rate_low open_rate,delivery_rate_high"},
		{[]string{"report", "channels", "--format", ""}, "table csv json ndjson parquet arrow xlsx"},
		{[]string{"report", "channels", "--url", "x", "--format", "p"}, "parquet"},
		{[]string{"report", "channels", "-o", ""}, ""},
		{[]string{"report", "channels", "--bom", "--format", "x"}, "xlsx"},
		{[]string{"completion", ""}, "bash zsh fish"},
		{[]string{"keys", "cr"}, "create"},
		{[]string{"keys", "create", "--scope", "an"}, "analyst"},
		{[]string{"nothing", "like", "this"}, ""},
	} {
		got := completed(t, c.words...)
		want, some := strings.CutSuffix(c.want, " …")
		for _, word := range strings.Fields(want) {
			if !slices.Contains(got, word) {
				t.Errorf("%q: %q lacks %s", c.words, got, word)
			}
		}
		if !some && len(got) != len(strings.Fields(want)) {
			t.Errorf("%q: %q, want %s", c.words, got, want)
		}
	}
	if slices.Contains(completed(t, ""), "__complete") {
		t.Error("what scripts ask is offered to people")
	}
}

// Shells run the script that the program prints, with this test binary as kaskad. Only bash is everywhere; .ci/run
// installs the others.
func TestCompletion_Shells(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink(mustExecutable(t), filepath.Join(dir, "kaskad")); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ script, want string }{
		"bash": {`source <(kaskad completion bash)
complete -p kaskad
try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _kaskad 2>/dev/null; echo "${COMPREPLY[*]}"; }
try kaskad rep
try kaskad report channels --group-by campaign,chan
try kaskad report channels --channel = vib
try kaskad report channels -o ''`,
			"complete -o bashdefault -o default -F _kaskad kaskad\nreplay report\ncampaign,channel\nviber\n\n"},
		"zsh": {`autoload -Uz compinit && compinit -u -d "$PWD/dump"; source <(kaskad completion zsh)
_describe() { print -l -- "${(@P)2}" }; _files() { print files }
try() { words=("$@"); CURRENT=$#; _kaskad }
try kaskad report segm
try kaskad report channels --channel vib
try kaskad report channels -o ''`, "segment-waste:SMS segments that a few characters cost.\nviber:\nfiles\n"},
		"fish": {`kaskad completion fish | source
complete -C 'kaskad report segm'
complete -C 'kaskad report channels --channel vib'`,
			"segment-waste\tSMS segments that a few characters cost.\nviber\n"},
	} {
		program, err := exec.LookPath(name)
		if err != nil && name != "bash" {
			t.Logf("without %s: %v", name, err)
			continue
		}
		t.Run(name, func(t *testing.T) {
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(program, "-c", c.script)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), asKaskad+"=", "PATH="+dir+":"+os.Getenv("PATH"))
			out, err := cmd.Output()
			var failed *exec.ExitError
			if errors.As(err, &failed) {
				t.Fatalf("%v: %s%s", err, out, failed.Stderr)
			}
			if string(out) != c.want {
				t.Errorf("got\n%s\nwant\n%s", out, c.want)
			}
		})
	}
}

func mustExecutable(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}
