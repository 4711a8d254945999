package door

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"kaskad/query/answer"
)

// Limits are what one key may ask for.
type Limits struct {
	// PerSecond requests are answered for long, Burst of them at once, and Running at a time.
	PerSecond, Burst, Running int
}

// Limits that no dashboard meets. Who sends events one by one needs more than who reads.
const (
	defaultPerSecond, defaultBurst, defaultRunning = 50, 300, 64
	ingestPerSecond, ingestBurst, ingestRunning    = 2000, 4000, 256
)

const (
	// wrongKeys is how many wrong keys an address may try in wrongSpan.
	wrongKeys = 10
	wrongSpan = time.Minute
	// remembered is how many keys and addresses are remembered at a time.
	remembered = 10_000
)

// usage is what a key has under way.
type usage struct {
	rate    *rate.Limiter
	running atomic.Int64
}

// meter counts what each key asks for.
type meter struct {
	limits Limits
	mu     sync.Mutex
	keys   *lru.Cache[string, *usage]
}

func newMeter(l Limits) (*meter, error) {
	known, err := lru.New[string, *usage](remembered)
	return &meter{limits: l, keys: known}, err
}

// begin counts a request of a key, until end is called. A Problem says when to come again.
func (m *meter) begin(key string) (end func(), err error) {
	m.mu.Lock()
	u, found := m.keys.Get(key)
	if !found {
		u = &usage{rate: rate.NewLimiter(rate.Limit(m.limits.PerSecond), m.limits.Burst)}
		m.keys.Add(key, u)
	}
	m.mu.Unlock()
	if u.running.Add(1) > int64(m.limits.Running) {
		u.running.Add(-1)
		return nil, tooMany(fmt.Sprintf("%d requests of this key are running already: wait for their answers",
			m.limits.Running), 1)
	}
	if !u.rate.Allow() {
		u.running.Add(-1)
		return nil, tooMany(fmt.Sprintf("this key asks more than %d times a second: ask for more at a time, or less "+
			"often", m.limits.PerSecond), 1)
	}
	return func() { u.running.Add(-1) }, nil
}

func tooMany(detail string, seconds int) *answer.Problem {
	return answer.NewProblem(http.StatusTooManyRequests, "too-many-requests", detail).After(seconds)
}

// strangers counts wrong keys by the address that they came from.
type strangers struct {
	mu        sync.Mutex
	addresses *lru.Cache[string, *tries]
}

type tries struct {
	since time.Time
	wrong int
}

func newStrangers() (*strangers, error) {
	known, err := lru.New[string, *tries](remembered)
	return &strangers{addresses: known}, err
}

// wrong notes a wrong key, and returns a Problem where the address has tried too many.
func (s *strangers) wrong(remote string, now time.Time) *answer.Problem {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := network(remote)
	t, found := s.addresses.Get(of)
	if !found || now.Sub(t.since) >= wrongSpan {
		t = &tries{since: now}
		s.addresses.Add(of, t)
	}
	if t.wrong >= wrongKeys {
		left := wrongSpan - now.Sub(t.since)
		return tooMany("too many wrong keys came from this address: check the key", 1+int(left/time.Second))
	}
	t.wrong++
	return nil
}

// network is the part of an address that one person has: of IPv6 that is a whole network.
func network(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	address = address.Unmap().WithZone("")
	if address.Is6() {
		if prefix, err := address.Prefix(64); err == nil {
			return prefix.String()
		}
	}
	return address.String()
}
