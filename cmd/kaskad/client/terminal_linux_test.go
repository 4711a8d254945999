package client

import (
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"kaskad/cmd/kaskad/commandtest"
)

// onTerminal runs a command on a terminal of its own, which is so wide, and returns what it shows in the end. act may
// press keys; seen is what was shown so far.
func onTerminal(t *testing.T, width int, env, args []string, act func(keys *os.File, p *os.Process,
	seen *commandtest.Buffer)) (shown string, code int) {
	t.Helper()
	ours, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	if err := unix.IoctlSetPointerInt(int(ours.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(ours.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := os.OpenFile(fmt.Sprint("/dev/pts/", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	size := &unix.Winsize{Row: 40, Col: uint16(width)}
	if err := unix.IoctlSetWinsize(int(theirs.Fd()), unix.TIOCSWINSZ, size); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], args...)
	own := slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "NO_COLOR=") || strings.HasPrefix(v, "COLUMNS=")
	})
	cmd.Env = append(append(own, commandtest.AsKaskad+"="), env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs, theirs, theirs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	before, err := unix.IoctlGetTermios(int(theirs.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	seen := &commandtest.Buffer{}
	const end = "\x00the end\x00"
	read := make(chan struct{})
	go func() {
		defer close(read)
		part := make([]byte, 4096)
		for !strings.Contains(seen.Tail(), end) {
			n, err := ours.Read(part)
			if err != nil {
				return
			}
			_, _ = seen.Write(part[:n])
		}
	}()
	if act != nil {
		act(ours, cmd.Process, seen)
	}
	timer := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	_ = cmd.Wait()
	if !timer.Stop() {
		t.Errorf("kaskad %s did not end", strings.Join(args, " "))
	}
	after, err := unix.IoctlGetTermios(int(theirs.Fd()), unix.TCGETS)
	if err != nil || *after != *before {
		t.Errorf("the terminal is left as %+v, was %+v: %v", after, before, err)
	}
	if _, err := theirs.WriteString(end); err != nil {
		t.Fatal(err)
	}
	<-read
	shown, _, _ = strings.Cut(seen.Tail(), end)
	return shown, cmd.ProcessState.ExitCode()
}

// waitFor waits until the terminal has shown a text so often.
func waitFor(t *testing.T, seen *commandtest.Buffer, text string, times int) {
	t.Helper()
	for began := time.Now(); strings.Count(seen.Tail(), text) < times; time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > 30*time.Second {
			t.Errorf("the terminal does not show %q %d times: %q", text, times, seen.Tail())
			return
		}
	}
}

// On a terminal a report is a table as wide as that, in colours unless NO_COLOR is set.
func TestReport_OnTerminal_Table(t *testing.T) {
	server := httptest.NewServer(&pagesStub{rows: 2})
	defer server.Close()
	args := []string{"report", "channels", "--url=" + server.URL}
	shown, code := onTerminal(t, 80, nil, args, nil)
	if code != 0 || !strings.Contains(shown, "c1") || !strings.Contains(shown, "\x1b[1m") || strings.Contains(shown,
		"c1,1") {
		t.Errorf("exit %d: %q", code, shown)
	}
	if shown, code := onTerminal(t, 80, []string{"NO_COLOR="}, args, nil); code != 0 || strings.Contains(shown,
		"\x1b") {
		t.Errorf("exit %d: %q", code, shown)
	}
	if shown, code := onTerminal(t, 80, nil, append(args, "--format", "csv"), nil); code != 0 ||
		!strings.Contains(shown, "\nc1,1\r") {
		t.Errorf("exit %d: %q", code, shown)
	}
}

// The status goes on in place until q, Ctrl-C or a signal, and leaves the terminal as it was.
func TestStatus_OnTerminal_Live(t *testing.T) {
	for name, stop := range map[string]func(*os.File, *os.Process) error{
		"Q":      func(keys *os.File, _ *os.Process) error { _, err := keys.WriteString("xq"); return err },
		"CtrlC":  func(keys *os.File, _ *os.Process) error { _, err := keys.WriteString("\x03"); return err },
		"Signal": func(_ *os.File, p *os.Process) error { return p.Signal(syscall.SIGTERM) },
	} {
		t.Run(name, func(t *testing.T) {
			stub := &statusStub{}
			server := httptest.NewServer(stub)
			defer server.Close()
			shown, code := onTerminal(t, 60, nil, []string{"status", "--url=" + server.URL, "--every", "100ms"},
				func(keys *os.File, p *os.Process, seen *commandtest.Buffer) {
					waitFor(t, seen, "events/s over", 2)
					stub.down.Store(true)
					waitFor(t, seen, "does not answer; trying again", 1)
					stub.down.Store(false)
					if err := stop(keys, p); err != nil {
						t.Error(err)
					}
				})
			if code != 0 || !strings.HasSuffix(shown, cursorOn) || !strings.Contains(shown, "A\rkaskad at ") {
				t.Errorf("exit %d: %q", code, shown)
			}
		})
	}
	stub := &statusStub{}
	stub.refuse.Store(true)
	server := httptest.NewServer(stub)
	defer server.Close()
	if shown, code := onTerminal(t, 60, nil, []string{"status", "--url=" + server.URL}, nil); code != 1 ||
		!strings.Contains(shown, cursorOn) || !strings.Contains(shown, "admin key of all accounts") {
		t.Errorf("exit %d: %q", code, shown)
	}
}
