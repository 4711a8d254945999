package engine

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// roleEnv makes a re-executed test process play a part: the parent that a test
// kills.
const roleEnv = "KASKAD_ENGINE_TEST_ROLE"

func TestMain(m *testing.M) {
	MaybeChild()
	roles := map[string]func(dir string, out io.Writer) error{
		"clickhouse": playClickHouse,
		"broker":     playBroker,
		"supervisor": playSupervisor,
		"stranger":   playStranger,
	}
	if role, dir, found := strings.Cut(os.Getenv(roleEnv), "="); found {
		if err := roles[role](dir, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// player is a re-executed test process.
type player struct {
	t       *testing.T
	command *exec.Cmd
	lines   chan string
}

// play starts this test binary in a role. It is killed when the test ends.
func play(t *testing.T, role, dir string) *player {
	t.Helper()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(executable)
	command.Env = append(os.Environ(), roleEnv+"="+role+"="+dir)
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	p := &player{t: t, command: command, lines: make(chan string, 1<<16)}
	go func() {
		defer close(p.lines)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			p.lines <- scanner.Text()
		}
	}()
	t.Cleanup(p.kill)
	return p
}

// line waits for one line of the player's output.
func (p *player) line() string {
	p.t.Helper()
	select {
	case text, ok := <-p.lines:
		if !ok {
			p.t.Fatal("the re-executed process ended early")
		}
		return text
	case <-time.After(time.Minute):
		p.t.Fatal("no line from the re-executed process in a minute")
	}
	return ""
}

// kill is kill -9. What the process had printed before can still be read.
func (p *player) kill() {
	if p.command.ProcessState == nil {
		_ = p.command.Process.Kill()
		_ = p.command.Wait()
	}
}

// quiet is a logger for tests that expect trouble.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// needClickHouse skips a test where ClickHouse is missing, and fails it on CI.
func needClickHouse(t *testing.T) {
	t.Helper()
	err := Available()
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatalf("%v (CI=true, so this is a failure and no skip)", err)
	default:
		t.Skipf("skipped: %v", err)
	}
}

// skipOutsideCI skips a test that this machine cannot run; with CI=true that is a failure, so that no skip goes
// unnoticed.
func skipOutsideCI(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s (CI=true, so this is a failure and no skip)", why)
	}
	t.Skip("skipped: " + why)
}
