// Package commandtest runs the commands of a test's own program as a shell does.
package commandtest

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// AsKaskad is the environment variable that has a test's program be kaskad: its TestMain looks for it.
const AsKaskad = "TEST_AS_KASKAD"

// Run runs the program with a standard input and returns what it prints and its exit code.
func Run(t testing.TB, input string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), AsKaskad+"=")
	var out, problems strings.Builder
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &out, &problems
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), problems.String(), cmd.ProcessState.ExitCode()
}

// Must runs a command that has to succeed and returns what it prints.
func Must(t testing.TB, input string, args ...string) string {
	t.Helper()
	stdout, stderr, code := Run(t, input, args...)
	if code != 0 || stderr != "" {
		t.Fatalf("kaskad %s: exit %d\n%s%s", strings.Join(args, " "), code, stdout, stderr)
	}
	return stdout
}

// Write writes a file of the test and returns its path.
func Write(t testing.TB, name, body string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Buffer keeps what a program prints while a test reads it.
type Buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// String returns all of it.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// Tail returns the last of it.
func (b *Buffer) Tail() string {
	text := b.String()
	return text[max(0, len(text)-4000):]
}
