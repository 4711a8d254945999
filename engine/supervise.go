package engine

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	// brokerEnv marks the re-executed process that becomes the broker. Its value
	// is a brokerStart.
	brokerEnv = "KASKAD_BROKER_CHILD"

	// The child's inherited files.
	brokerLockFD     = 3
	brokerMessagesFD = 4
	brokerListenFD   = 5

	// A broker that dies is started again at once; one that dies again and again
	// after waits that double up to maxBrokerWait, until it has lived for
	// steadyBroker.
	minBrokerWait = 100 * time.Millisecond
	maxBrokerWait = 10 * time.Second
	steadyBroker  = time.Minute

	// brokerReady bounds one start: after a kill the last log file of every
	// partition is read.
	brokerReady = 2 * time.Minute
)

// BrokerProcess is an embedded broker in a process of its own. kfake is made for
// tests: what it cannot take it answers with a panic, in goroutines where nobody
// can recover. Here that ends a child, which is started again on the same port
// with the same data; nothing that was acknowledged is lost, and its clients
// connect anew.
type BrokerProcess struct {
	config   BrokerConfig
	lock     *os.File
	listener *net.TCPListener

	life  context.Context
	end   context.CancelFunc
	ended chan struct{} // closes when there is no child any more and there will be none

	mu    sync.Mutex
	child *brokerChild
	// logins are those that every child is told first; nil for everybody.
	logins [][sha256.Size]byte
}

// brokerStart is what the child is told, and what it says when it serves or
// cannot.
type brokerStart struct {
	Dir     string  `json:"dir"`
	Topics  []Topic `json:"topics"`
	Durable bool    `json:"durable"`
	Login   bool    `json:"login"` // its standard input says who may
}

type brokerStarted struct {
	Started  bool   `json:"started"` // that it was tried: no line of the log has this
	Error    string `json:"error,omitempty"`
	DiskFull bool   `json:"disk_full,omitempty"`
}

// SuperviseBroker starts the broker of [StartBroker] in a process of its own, and
// again whenever it dies. Dir must be named: a broker in memory would come back
// empty. The process that calls it must have called [MaybeChild] first thing in
// main.
//
// The port is the parent's, so nobody else gets it meanwhile, and connections
// wait in its queue.
func SuperviseBroker(ctx context.Context, config BrokerConfig) (*BrokerProcess, error) {
	begin := time.Now()
	if config.Logger == nil {
		config.Logger = slog.Default()
	}
	dir, err := filepath.Abs(config.Dir)
	if err != nil {
		return nil, fmt.Errorf("find data directory: %w", err)
	}
	config.Dir = dir
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	p := &BrokerProcess{config: config, lock: lock, ended: make(chan struct{}), logins: config.Logins}
	p.life, p.end = context.WithCancel(context.Background())
	listener, err := listenBroker(config)
	if err == nil {
		p.listener = listener.(*net.TCPListener)
		err = p.launch(ctx)
	}
	if err != nil {
		p.end()
		p.release()
		return nil, fmt.Errorf("start embedded broker: %w", err)
	}
	config.Logger.Info("embedded broker started", "address", p.Addrs()[0], "dir", dir, "topics", len(config.Topics),
		"pid", p.PID(), "took", time.Since(begin).Round(time.Millisecond))
	go p.supervise()
	return p, nil
}

func (p *BrokerProcess) release() {
	if p.listener != nil {
		_ = p.listener.Close()
	}
	_ = p.lock.Close()
}

// Addrs are the bootstrap addresses, host:port.
func (p *BrokerProcess) Addrs() []string { return []string{p.listener.Addr().String()} }

// Allow replaces the logins. Who may not be there any more is put out.
func (p *BrokerProcess) Allow(logins [][sha256.Size]byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.logins == nil {
		return errors.New("the broker asks for no logins")
	}
	p.logins = logins
	return p.child.allow(logins)
}

// allow tells a child who may log in.
func (c *brokerChild) allow(logins [][sha256.Size]byte) error {
	line := make([]string, len(logins))
	for i, hash := range logins {
		line[i] = hex.EncodeToString(hash[:])
	}
	if err := json.NewEncoder(c.stdin).Encode(line); err != nil {
		return fmt.Errorf("tell the broker who may log in: %w", err)
	}
	return nil
}

// readLogins reads a line that allow has written.
func readLogins(lines *json.Decoder) ([][sha256.Size]byte, error) {
	var line []string
	if err := lines.Decode(&line); err != nil {
		return nil, err
	}
	logins := make([][sha256.Size]byte, len(line))
	for i, text := range line {
		hash, err := hex.DecodeString(text)
		if err != nil || len(hash) != sha256.Size {
			return nil, errors.New("a login is no hash")
		}
		logins[i] = [sha256.Size]byte(hash)
	}
	return logins, nil
}

// PID is the process id of the child.
func (p *BrokerProcess) PID() int { return p.current().command.Process.Pid }

func (p *BrokerProcess) current() *brokerChild {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.child
}

// Stop ends the broker in order: what was acknowledged is on disk, what was not
// is refused. When ctx ends first it is killed, which loses nothing either, and
// the error says so. A second call waits for the first.
func (p *BrokerProcess) Stop(ctx context.Context) error {
	p.mu.Lock()
	p.end() // under the lock, so that launch starts no child behind our back
	child := p.child
	p.mu.Unlock()
	err := child.stop(ctx)
	<-p.ended
	if err != nil {
		return fmt.Errorf("stop embedded broker: %w", err)
	}
	return nil
}

// supervise starts a child that died again, for as long as the broker lives.
func (p *BrokerProcess) supervise() {
	defer close(p.ended)
	defer p.release()
	waits := &backoff.ExponentialBackOff{InitialInterval: minBrokerWait, MaxInterval: maxBrokerWait, Multiplier: 2}
	var wait time.Duration
	for begin := time.Now(); ; begin = time.Now() {
		child := p.current()
		<-child.done
		if time.Since(begin) > steadyBroker {
			wait = 0
			waits.Reset()
		}
		for cause := child.failure(); ; {
			if p.life.Err() != nil {
				return
			}
			p.config.Logger.Error("embedded broker died and is started again", "error", cause, "retry_in", wait)
			select {
			case <-p.life.Done():
				return
			case <-time.After(wait):
			}
			wait = waits.NextBackOff()
			if err := p.launch(p.life); err != nil {
				cause = err
				continue
			}
			p.config.Logger.Info("embedded broker is back", "address", p.Addrs()[0], "pid", p.PID())
			break
		}
	}
}

// launch starts a child and waits until it serves. It leaves no child behind when
// it fails.
func (p *BrokerProcess) launch(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, brokerReady)
	defer cancel()
	p.mu.Lock()
	if err := p.life.Err(); err != nil {
		p.mu.Unlock()
		return err
	}
	child, err := p.startChild()
	if err != nil {
		p.mu.Unlock()
		return err
	}
	p.child = child
	p.mu.Unlock()
	select {
	case <-child.heard:
	case <-ctx.Done():
		child.kill()
		return fmt.Errorf("not ready: %w", ctx.Err())
	}
	switch started := child.started; {
	case started == nil: // what it says ends with it
		select {
		case <-child.done:
			err = child.failure()
		case <-ctx.Done():
			err = fmt.Errorf("not ready: %w", ctx.Err())
		}
	case started.Error == "":
		return nil
	case started.DiskFull:
		err = fmt.Errorf("%w%s", ErrDiskFull, strings.TrimPrefix(started.Error, ErrDiskFull.Error()))
	default:
		err = errors.New(started.Error)
	}
	child.kill()
	return err
}

// brokerChild is a running child and what it says.
type brokerChild struct {
	*process
	// heard is closed once started says whether it serves; nil: it ended without a word.
	heard   chan struct{}
	started *brokerStarted
}

func (p *BrokerProcess) startChild() (*brokerChild, error) {
	executable, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find own executable: %w", err)
	}
	start, err := json.Marshal(brokerStart{Dir: p.config.Dir, Topics: p.config.Topics, Durable: p.config.Durable,
		Login: p.logins != nil})
	if err != nil {
		return nil, err
	}
	messages, theirs, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("open pipe to child: %w", err)
	}
	defer theirs.Close()
	socket, err := p.listener.File()
	if err != nil {
		_ = messages.Close()
		return nil, fmt.Errorf("hand the port on: %w", err)
	}
	defer socket.Close()
	command := exec.Command(executable)
	command.Args[0] = "kaskad-broker"
	command.Dir = p.config.Dir
	command.Env = append(os.Environ(), brokerEnv+"="+string(start))
	command.ExtraFiles = []*os.File{theirs, socket}
	// What the previous child said last stays readable.
	output := filepath.Join(p.config.Dir, "broker.out")
	_ = os.Rename(output, output+".1")
	running, err := startProcess(command, output, p.lock)
	if err != nil {
		_ = messages.Close()
		return nil, err
	}
	child := &brokerChild{process: running, heard: make(chan struct{})}
	go child.listen(messages, p.config.Logger)
	if p.logins != nil {
		if err := child.allow(p.logins); err != nil {
			child.kill()
			return nil, err
		}
	}
	return child, nil
}

// listen passes the child's log on; one line says whether it serves.
func (c *brokerChild) listen(messages io.ReadCloser, logger *slog.Logger) {
	defer messages.Close()
	heard := sync.OnceFunc(func() { close(c.heard) })
	defer heard()
	reader := bufio.NewReader(messages)
	for {
		line, err := reader.ReadBytes('\n')
		if err != nil {
			return
		}
		var started brokerStarted
		if c.started == nil && json.Unmarshal(line, &started) == nil && started.Started {
			c.started = &started
			heard()
			continue
		}
		relog(logger, line)
	}
}

// relog logs a line of the child's JSON as the parent's.
func relog(logger *slog.Logger, line []byte) {
	var record map[string]any
	var level slog.Level
	if json.Unmarshal(line, &record) != nil || level.UnmarshalText(fmt.Append(nil, record[slog.LevelKey])) != nil {
		logger.Warn("embedded broker warns", "error", strings.TrimSpace(string(line)))
		return
	}
	message := fmt.Sprint(record[slog.MessageKey])
	var attributes []any
	for key, value := range record {
		if key != slog.TimeKey && key != slog.LevelKey && key != slog.MessageKey {
			attributes = append(attributes, slog.Any(key, value))
		}
	}
	logger.Log(context.Background(), level, message, attributes...) //nolint:sloglint // the child's own message
}

// failure describes an end nobody asked for. A Go program says why it panics
// before it lists its goroutines.
func (c *brokerChild) failure() error {
	cause := "exit status 0"
	if c.err != nil {
		cause = c.err.Error()
	}
	file, err := os.Open(c.output)
	if err != nil {
		return fmt.Errorf("%w: %s", errBrokerExited, cause)
	}
	defer file.Close()
	text, _ := io.ReadAll(io.LimitReader(file, tailBytes))
	words := strings.Join(strings.Fields(string(text)), " ")
	return fmt.Errorf("%w: %s: %s (log: %s)", errBrokerExited, cause, words, c.output)
}

// runBroker is the child: it serves until its standard input closes, and returns
// its exit code.
func runBroker(text string) int {
	messages := os.NewFile(brokerMessagesFD, "messages")
	say := json.NewEncoder(messages)
	told := json.NewDecoder(os.Stdin)
	var start brokerStart
	b, err := func() (*Broker, error) {
		if err := json.Unmarshal([]byte(text), &start); err != nil {
			return nil, fmt.Errorf("read %s: %w", brokerEnv, err)
		}
		var logins [][sha256.Size]byte
		if start.Login {
			var err error
			if logins, err = readLogins(told); err != nil {
				return nil, fmt.Errorf("read who may log in: %w", err)
			}
		}
		socket := os.NewFile(brokerListenFD, "listener")
		listener, err := net.FileListener(socket)
		_ = socket.Close()
		if err != nil {
			return nil, fmt.Errorf("take over the port: %w", err)
		}
		return StartBroker(context.Background(), BrokerConfig{
			Dir: start.Dir, Topics: start.Topics, Durable: start.Durable, Logins: logins,
			lock: os.NewFile(brokerLockFD, "lock"), listener: listener,
			Logger: slog.New(slog.NewJSONHandler(messages, &slog.HandlerOptions{Level: slog.LevelWarn})),
		})
	}()
	if err != nil {
		cause := strings.TrimPrefix(err.Error(), "start embedded broker: ")
		_ = say.Encode(brokerStarted{Started: true, Error: cause, DiskFull: errors.Is(err, ErrDiskFull)})
		return exitChild
	}
	_ = say.Encode(brokerStarted{Started: true})
	for { // until the parent ends
		logins, err := readLogins(told)
		if err != nil {
			break
		}
		b.Allow(logins)
	}
	_ = b.Stop(context.Background())
	return 0
}
