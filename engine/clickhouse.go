package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// User and Database are what DSN names: a user of our own with a password
	// made at every start, and a database of engine Atomic (the built-in
	// `default` is an overlay without the guarantees of Atomic).
	User     = "kaskad"
	Database = "kaskad"

	// readyTimeout bounds one start: ClickHouse loads the list of all parts
	// before it answers, which takes seconds on a large, cold data directory.
	readyTimeout = 2 * time.Minute

	// startAttempts is how many ports are tried when another program takes one between our choice and ClickHouse's
	// bind.
	startAttempts = 5

	// yieldEvery is how often threads that merge are looked for until there are some.
	yieldEvery = 500 * time.Millisecond

	// maxRestarts is how often ClickHouse may crash within restartWindow before the engine gives up.
	maxRestarts   = 5
	restartWindow = time.Minute
)

// Config says how to start the embedded ClickHouse.
type Config struct {
	// Dir belongs to this engine alone and is created if missing.
	Dir string
	// Logger receives a line at start and at every crash; nil means slog.Default().
	Logger *slog.Logger
	// MaxMemory limits ClickHouse, in bytes. 0 means 60 % of the machine's
	// memory, or of its control group's.
	MaxMemory int64
	// NoRestart reports a crash at once instead of starting ClickHouse again.
	NoRestart bool
	// Disk watches the disk of Dir; nil means that the engine does so itself.
	Disk *Disk

	// Databases lets the user create and drop databases whose names begin with [Database]: each test and benchmark has
	// its own.
	Databases bool
	// Kafka lets ClickHouse read Kafka itself, for the benchmark that compares the two.
	Kafka bool

	// unguarded turns the kernel's filter off, and port is then the child's port, see gate; rights are granted in
	// addition. Tests set them.
	unguarded bool
	port      func() (int, error)
	rights    []string
}

// ClickHouse is a running embedded engine. When its process crashes it is
// started again with the same addresses and password, so that its users see an
// outage of a fraction of a second and nothing else changes; an engine that
// crashes more than five times a minute ends.
type ClickHouse struct {
	config   Config
	found    installation
	lock     *os.File
	gate     *gate
	password string
	version  string
	// disk is watched for as long as the engine lives; ownDisk is set when the engine does so itself.
	disk    *Disk
	ownDisk bool

	// life ends with Stop, and a start that is under way with it.
	life context.Context
	end  context.CancelFunc

	// ended closes when there is no process any more and there will be none; err
	// is set before.
	ended chan struct{}
	err   error

	mu       sync.Mutex
	process  *process
	restarts []time.Time
	crashes  int
	// guard.go: the number of the process, counted from 1, how many of its writes had failed before it was used, and
	// why it has to be replaced.
	epoch    uint64
	baseline uint64
	doomed   string
	lost     bool // writes of the process before this one
	renewed  uint64
	corrupt  time.Time
}

// StartClickHouse starts the engine on a random free loopback port and returns
// when it answers queries and the database [Database] exists. The process that
// calls it must have called [MaybeChild] first thing in main.
//
// Errors wrap [ErrNoClickHouse], [ErrLocked], [ErrNewerData], [ErrDiskFull] or
// [ErrExited], and name the fix.
func StartClickHouse(ctx context.Context, config Config) (*ClickHouse, error) {
	begin := time.Now()
	if config.Logger == nil {
		config.Logger = slog.Default()
	}
	dir, err := filepath.Abs(config.Dir)
	if err != nil {
		return nil, fmt.Errorf("find data directory: %w", err)
	}
	config.Dir = dir
	found, err := locate()
	if err != nil {
		return nil, err
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	c := &ClickHouse{config: config, found: found, lock: lock, ended: make(chan struct{})}
	c.life, c.end = context.WithCancel(context.Background())
	if err = c.openDisk(); err == nil {
		err = c.start(ctx)
	}
	if err != nil {
		c.end()
		if c.gate != nil {
			c.gate.close()
		}
		c.closeDisk()
		_ = lock.Close()
		return nil, fmt.Errorf("start embedded ClickHouse in %s: %w", dir, err)
	}
	config.Logger.Info("embedded clickhouse started", "version", c.version, "address", c.Addr(),
		"dir", dir, "pid", c.PID(), "took", time.Since(begin).Round(time.Millisecond))
	go c.supervise()
	go c.guard()
	return c, nil
}

// start makes what every process of this engine shares, and the first process.
func (c *ClickHouse) start(ctx context.Context) error {
	if err := c.checkBinary(ctx); err != nil {
		return err
	}
	var err error
	if c.password, err = randomPassword(); err != nil {
		return err
	}
	if c.gate, err = openGate(c.password, c.config.Logger, !c.config.unguarded); err != nil {
		return err
	}
	if c.config.port == nil {
		c.config.port = c.gate.nextPort
	}
	if err := c.writeConfig(); err != nil {
		return err
	}
	return c.launch(ctx)
}

// launch starts a process, on another port when somebody has taken the first.
func (c *ClickHouse) launch(ctx context.Context) error {
	for attempt := 1; ; attempt++ {
		port, err := c.config.port()
		if err != nil {
			return err
		}
		err = c.launchOn(ctx, port)
		if err == nil || attempt == startAttempts || ctx.Err() != nil ||
			!strings.Contains(err.Error(), "Address already in use") {
			return err
		}
	}
}

// launchOn starts a process and waits until it answers. It leaves no process
// behind when it fails.
func (c *ClickHouse) launchOn(ctx context.Context, port int) error {
	// The output of the previous process stays readable: it may say why it ended.
	output := filepath.Join(c.config.Dir, "clickhouse.out")
	_ = os.Rename(output, output+".1")
	if err := c.removeEmptyFiles(); err != nil {
		return err
	}

	command, err := c.command(port)
	if err != nil {
		return err
	}
	c.mu.Lock()
	if err := c.life.Err(); err != nil {
		c.mu.Unlock()
		return err
	}
	child, err := startProcess(command, output, c.lock)
	if err != nil {
		c.mu.Unlock()
		return err
	}
	c.process = child
	c.mu.Unlock()
	c.gate.lead(port, child.alive)

	if err := c.waitReady(ctx, child); err != nil {
		child.kill()
		return err
	}
	if err := writeStamp(c.stampFile(), c.version); err != nil {
		child.kill()
		return err
	}
	if err := c.begin(ctx, child); err != nil {
		child.kill()
		return err
	}
	go c.yield(child)
	return nil
}

// yield has the merges of a process give way, as soon as there is a table and with it threads that merge.
func (c *ClickHouse) yield(child *process) {
	for found := 0; found < 2; { // the first of them may be seen before the last one is there
		some, err := yieldMerges(child.command.Process.Pid)
		if some {
			found++
		}
		select {
		case <-child.done:
			return
		case <-time.After(yieldEvery):
		}
		if err != nil {
			c.config.Logger.Warn("merges of the embedded ClickHouse do not give way to its queries", "error", err)
			return
		}
	}
}

// supervise restarts a crashed process, and ends the engine when it was stopped or a restart is of no use.
func (c *ClickHouse) supervise() {
	for {
		child := c.current()
		<-child.done
		if c.life.Err() != nil {
			break
		}
		c.mu.Lock()
		c.epoch++ // before another process can answer in its name
		c.mu.Unlock()
		failure := child.failure()
		// Without room a start would fail, and what it writes would be lost.
		full := c.disk.Full()
		if reason := c.wanted(); reason != "" {
			c.config.Logger.Error("embedded clickhouse is started again", "reason", reason, "waits_for_space", full)
		} else if err := c.mayRestart(time.Now()); err != nil && !full {
			c.err = fmt.Errorf("%w: %w", err, failure)
			break
		} else {
			c.config.Logger.Error("embedded clickhouse crashed and is started again", "error", failure,
				"waits_for_space", full)
		}
		if c.disk.WaitForRoom(c.life) != nil {
			break
		}
		err := c.launch(c.life)
		if c.life.Err() != nil {
			break
		}
		if errors.Is(err, ErrExited) || errors.Is(err, unix.ENOSPC) || err != nil && c.disk.Full() {
			continue // crashed again, which mayRestart ends some time, or there was no room after all
		}
		if err != nil {
			c.err = errors.Join(failure, err)
			break
		}
	}
	c.gate.close()
	c.closeDisk()
	_ = c.lock.Close()
	close(c.ended)
}

// mayRestart counts a crash; its error says why there is no further start.
func (c *ClickHouse) mayRestart(now time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.crashes++
	if c.config.NoRestart {
		return errNoRestart
	}
	recent := c.restarts[:0]
	for _, at := range c.restarts {
		if now.Sub(at) < restartWindow {
			recent = append(recent, at)
		}
	}
	c.restarts = append(recent, now)
	if len(c.restarts) > maxRestarts {
		return errCrashLoop
	}
	return nil
}

func (c *ClickHouse) current() *process {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.process
}

// Stop ends the engine in order. When ctx ends first it is killed, which loses
// nothing that was acknowledged, and the error says so. A second call is a no-op.
func (c *ClickHouse) Stop(ctx context.Context) error {
	c.mu.Lock()
	c.end() // under the lock, so that launch starts no process behind our back
	child := c.process
	c.mu.Unlock()
	err := child.stop(ctx)
	<-c.ended
	if err != nil {
		return fmt.Errorf("stop embedded ClickHouse: %w", err)
	}
	return nil
}

// Exited is closed when the engine has ended for good, whether it was stopped or
// gave up. Err tells which.
func (c *ClickHouse) Exited() <-chan struct{} { return c.ended }

// Err is nil while the engine runs and after Stop, and wraps [ErrExited] with
// the process's last words after it gave up.
func (c *ClickHouse) Err() error {
	select {
	case <-c.ended:
		return c.err
	default:
		return nil
	}
}

// Wait blocks until the engine has ended and returns Err.
func (c *ClickHouse) Wait() error {
	<-c.ended
	return c.err
}

// DSN is the address for clickhouse-go over the native protocol, with user,
// password and database. It stays the same until Stop. It is a secret: do not
// log it.
func (c *ClickHouse) DSN() string {
	return (&url.URL{Scheme: "clickhouse", User: url.UserPassword(User, c.password), Host: c.Addr(),
		Path: "/" + Database}).String()
}

// Addr is the host:port of the native protocol.
func (c *ClickHouse) Addr() string { return c.gate.address() }

// Dial connects to ClickHouse itself rather than to the port that [ClickHouse.DSN] names; it is for
// clickhouse.Options.DialContext of the program that runs the engine. The other end is certain to be the engine's own
// process.
func (c *ClickHouse) Dial(ctx context.Context, _ string) (net.Conn, error) { return c.gate.dial(ctx) }

// Version is ClickHouse's own, for example 26.7.2.1.
func (c *ClickHouse) Version() string { return c.version }

// PID is the id of the current process.
func (c *ClickHouse) PID() int { return c.current().command.Process.Pid }

// Crashes is how often the process ended although nobody stopped it.
func (c *ClickHouse) Crashes() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.crashes
}

func (c *ClickHouse) stampFile() string { return filepath.Join(c.config.Dir, "VERSION") }
