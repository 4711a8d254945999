package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// tailBytes is how much of the child's last output an error carries.
const tailBytes = 2 << 10

// process is a running child.
type process struct {
	command *exec.Cmd
	stdin   io.WriteCloser
	output  string

	// done closes when the child has ended; err is set before.
	done chan struct{}
	err  error
}

// startProcess starts the child with its output going to the named file. The
// child inherits lock as its first extra file.
func startProcess(command *exec.Cmd, output string, lock *os.File) (*process, error) {
	_ = os.Remove(output)
	log, err := os.OpenFile(output, os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create log file: %w", err)
	}
	defer log.Close()

	command.Stdout, command.Stderr = log, log
	command.ExtraFiles = append([]*os.File{lock}, command.ExtraFiles...)
	stdin, err := command.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("open pipe to child: %w", err)
	}
	wait, err := StartBound(command)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", command.Path, err)
	}
	p := &process{command: command, stdin: stdin, output: output, done: make(chan struct{})}
	go func() {
		p.err = wait()
		close(p.done)
	}()
	return p, nil
}

// StartBound starts a command that dies with this process, even with one that is
// killed. On Linux the kernel sees to it; elsewhere the command itself has to
// end when its standard input closes. wait blocks until the command has ended
// and returns its error.
func StartBound(command *exec.Cmd) (wait func() error, err error) {
	command.SysProcAttr = childAttributes()
	started := make(chan error)
	ended := make(chan struct{})
	var result error
	go func() {
		// Linux delivers Pdeathsig when the *thread* that forked ends, so a thread
		// that Go retires early would take a healthy child with it. This goroutine
		// keeps its thread until the child is gone, and the thread ends with it.
		runtime.LockOSThread()
		if err := command.Start(); err != nil {
			started <- err
			return
		}
		started <- nil
		result = command.Wait()
		close(ended)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return func() error {
		<-ended
		return result
	}, nil
}

// stop closes the child's standard input, which makes it shut down in order, and
// kills it when ctx ends first. The error is ctx's then.
func (p *process) stop(ctx context.Context) error {
	_ = p.stdin.Close()
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
	}
	p.kill()
	return fmt.Errorf("killed, because it did not stop in time: %w", ctx.Err())
}

// kill ends the child at once and waits for it.
func (p *process) kill() {
	_ = p.command.Process.Kill()
	<-p.done
}

// alive reports whether the child has not ended yet.
func (p *process) alive() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// failure describes an end nobody asked for, with the child's last words.
func (p *process) failure() error {
	cause := "exit status 0"
	if p.err != nil {
		cause = p.err.Error()
	}
	tail := tail(p.output)
	var exit *exec.ExitError
	if errors.As(p.err, &exit) && exit.ExitCode() == exitNewer {
		// The child's text repeats the sentinel's, so it is not said twice.
		return fmt.Errorf("%w%s", ErrNewerData, strings.TrimPrefix(tail, ErrNewerData.Error()))
	}
	if tail == "" {
		return fmt.Errorf("%w: %s (no output in %s)", ErrExited, cause, p.output)
	}
	return fmt.Errorf("%w: %s: %s (log: %s)", ErrExited, cause, tail, p.output)
}

// tail returns the last tailBytes of a file in one line.
func tail(name string) string {
	file, err := os.Open(name)
	if err != nil {
		return ""
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Size() > tailBytes {
		_, _ = file.Seek(-tailBytes, io.SeekEnd)
	}
	text, _ := io.ReadAll(io.LimitReader(file, tailBytes))
	return strings.Join(strings.Fields(string(text)), " ")
}
