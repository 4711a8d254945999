package kafkaguard

import (
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"
)

const (
	// maxConns is how many clients are served at once.
	maxConns = 1000

	// maxHeld is the memory of all requests that were not answered yet, and of
	// all answers that were not taken yet.
	maxHeld = 256 << 20

	// firstWait is how long a connection may take to send its first request,
	// idleWait how long it may be silent later, as in Apache Kafka.
	firstWait = time.Minute
	idleWait  = 10 * time.Minute

	// frameWait is how long a request may take from its first byte to its last,
	// answerWait how long a client may take to accept an answer.
	frameWait  = 30 * time.Second
	answerWait = time.Minute

	// stallPatience is how long a transfer under way is safe from being closed
	// to make room, waitPatience the same for one that waits for room itself.
	stallPatience = 2 * time.Second
	waitPatience  = 5 * time.Second

	// maxGroups is how many names of groups the broker learns in its life. kfake
	// keeps a group for as long as its offsets live.
	maxGroups = 1000

	// newProducers may register at once, and producersPerSecond after that. kfake remembers every producer id it ever
	// saw, also over a restart; the guard remembers knownProducers of them and then begins anew.
	newProducers       = 2000
	producersPerSecond = 2
	knownProducers     = 100_000

	complaintInterval = 10 * time.Second
)

// Config says what the guard has to know about the broker behind it.
type Config struct {
	// HasTopic reports whether a topic exists.
	HasTopic func(name string) bool
	// Refuse returns an error while the broker takes no records.
	Refuse func() error
	// Logins are whom it lets in; nil for everybody.
	Logins *Logins
	Logger *slog.Logger

	// limits are smaller in tests.
	limits limits
}

type limits struct {
	conns, groups, producers    int
	held                        int64
	first, idle, frame, answer  time.Duration
	stallPatience, waitPatience time.Duration
}

// Wrap returns a listener whose connections are fit for kfake.
func Wrap(inner net.Listener, config Config) net.Listener {
	if config.limits == (limits{}) {
		config.limits = limits{
			conns: maxConns, groups: maxGroups, producers: newProducers, held: maxHeld,
			first: firstWait, idle: idleWait, frame: frameWait, answer: answerWait,
			stallPatience: stallPatience, waitPatience: waitPatience,
		}
	}
	l := &listener{
		Listener: inner, config: config, conns: make(map[*conn]struct{}), groups: make(map[string]struct{}),
		producers: make(map[int64]struct{}), welcome: float64(config.limits.producers), counted: time.Now(),
		freed: make(chan struct{}), done: make(chan struct{}), large: make(chan []byte, largeBuffers),
	}
	if config.Logins != nil {
		config.Logins.tell(l.expel)
	}
	return l
}

type listener struct {
	net.Listener
	config Config

	// decoding lets one large request at a time be decoded: garbage claims more
	// memory for that than it has bytes.
	decoding sync.Mutex
	// large are spare buffers for requests of up to largeBuffer bytes.
	large chan []byte

	mu        sync.Mutex
	conns     map[*conn]struct{}
	groups    map[string]struct{}
	producers map[int64]struct{}
	welcome   float64 // how many new producers may come, as of counted
	counted   time.Time
	held      int64
	freed     chan struct{} // closed, and made anew, when held gets smaller
	complaint time.Time
	untold    int

	closing sync.Once
	done    chan struct{}
}

// Accept never returns an error but at the end: kfake would stop listening.
func (l *listener) Accept() (net.Conn, error) {
	for {
		raw, err := l.Listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil, err
		}
		if err != nil {
			l.complain("embedded broker cannot accept a connection", "error", err)
			select {
			case <-l.done:
				return nil, net.ErrClosed
			case <-time.After(50 * time.Millisecond):
			}
			continue
		}
		if c := l.admit(raw); c != nil {
			return c, nil
		}
	}
}

func (l *listener) Close() error {
	l.closing.Do(func() { close(l.done) })
	return l.Listener.Close()
}

// admit registers a connection. When there are too many, the one that is idle
// for longest makes room, first among those that never said anything; if all of
// them are busy, the new one has to go.
func (l *listener) admit(raw net.Conn) *conn {
	c := newConn(l, raw)
	l.mu.Lock()
	var victim *conn
	full := len(l.conns) >= l.config.limits.conns
	if full {
		for other := range l.conns {
			if other.idle() && (victim == nil || other.idlerThan(victim)) {
				victim = other
			}
		}
	}
	if !full || victim != nil {
		l.conns[c] = struct{}{}
	}
	l.mu.Unlock()
	if !full {
		return c
	}
	if victim == nil {
		l.complain("embedded broker refuses a connection, because all are busy", "limit", l.config.limits.conns)
		_ = raw.Close()
		return nil
	}
	l.complain("embedded broker closes its idlest connection to accept another one", "limit", l.config.limits.conns)
	_ = victim.Close()
	return c
}

// acquire counts n bytes of memory for a connection. When there is no room it
// waits, and closes the connection that has made no progress for longest.
func (l *listener) acquire(c *conn, n int64) error {
	for {
		l.mu.Lock()
		if c.gone() {
			l.mu.Unlock()
			return net.ErrClosed
		}
		if l.held+n <= l.config.limits.held {
			l.held += n
			c.held += n
			l.mu.Unlock()
			c.waiting.Store(false)
			return nil
		}
		c.waiting.Store(true)
		victim := l.slowest(time.Now())
		freed := l.freed
		l.mu.Unlock()
		if victim != nil {
			l.complain("embedded broker closes a slow connection, because memory is short", "limit",
				l.config.limits.held)
			_ = victim.Close()
		}
		timer := time.NewTimer(100 * time.Millisecond)
		select {
		case <-freed:
		case <-c.closed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// slowest is the connection whose transfer began first, if that was too long ago.
func (l *listener) slowest(now time.Time) *conn {
	var slowest *conn
	var oldest int64
	for c := range l.conns {
		since := c.transferSince()
		patience := l.config.limits.stallPatience
		if c.waiting.Load() {
			patience = l.config.limits.waitPatience
		}
		if since == 0 || now.Sub(time.Unix(0, since)) < patience || c.held == 0 {
			continue
		}
		if slowest == nil || since < oldest {
			slowest, oldest = c, since
		}
	}
	return slowest
}

// count counts an answer, which has its memory already: no wait would make it
// smaller, but requests wait for it.
func (l *listener) count(c *conn, n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !c.gone() {
		l.held += n
		c.held += n
	}
}

// release gives memory back.
func (l *listener) release(c *conn, n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n = min(n, c.held)
	if n == 0 {
		return
	}
	c.held -= n
	l.held -= n
	close(l.freed)
	l.freed = make(chan struct{})
}

// forget removes a closed connection and what it held.
func (l *listener) forget(c *conn) {
	l.mu.Lock()
	delete(l.conns, c)
	l.mu.Unlock()
	l.release(c, maxHeld)
}

// knowGroup reports whether a group may be used: one name more is remembered.
func (l *listener) knowGroup(name string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, known := l.groups[name]; !known {
		if len(l.groups) >= l.config.limits.groups {
			return false
		}
		l.groups[name] = struct{}{}
	}
	return true
}

// knowProducer reports whether a producer may come; a new one has the id -1.
func (l *listener) knowProducer(id int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, known := l.producers[id]; known {
		return true
	}
	now := time.Now()
	l.welcome = min(l.welcome+now.Sub(l.counted).Seconds()*producersPerSecond, float64(l.config.limits.producers))
	l.counted = now
	if l.welcome < 1 {
		return false
	}
	l.welcome--
	if len(l.producers) >= knownProducers {
		clear(l.producers)
	}
	if id >= 0 {
		l.producers[id] = struct{}{}
	}
	return true
}

// complain logs at most one warning every ten seconds, so that nobody who can cause warnings can fill the disk with
// them.
func (l *listener) complain(message string, args ...any) {
	l.mu.Lock()
	if time.Since(l.complaint) < complaintInterval {
		l.untold++
		l.mu.Unlock()
		return
	}
	untold := l.untold
	l.complaint, l.untold = time.Now(), 0
	l.mu.Unlock()
	if untold > 0 {
		args = append(args, "similar_untold", untold)
	}
	l.config.Logger.Warn(message, args...) //nolint:sloglint // a constant of every caller
}
