package door

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"kaskad/query/answer"
	"kaskad/query/store"
	"kaskad/schema/keys"
)

const (
	// MinAdminKey is how long a key must be that somebody has made up.
	MinAdminKey = 32
	// useSpan is how exactly it is known when a key was used last.
	useSpan = time.Minute
)

// Config says how the door behaves.
type Config struct {
	// Keys: a key is asked for.
	Keys bool
	// AdminKey is an admin key of all accounts that stands in no table; "" for none.
	AdminKey string
	// Limits and IngestLimits are those of one key; zero ones are the defaults.
	Limits, IngestLimits Limits
	// TLS: the server speaks it itself.
	TLS bool
	// Loopback tells whether a Host is a name of this machine's loopback.
	Loopback func(host string) bool
	// Now is the clock that keys expire by; nil is time.Now.
	Now func() time.Time
}

// Door lets requests in. It is safe for concurrent use.
type Door struct {
	config Config
	db     *store.DB
	gate   *answer.Gate
	logger *slog.Logger
	ring   *ring
	// admin is the key of Config.AdminKey; nil without one.
	admin           *keys.Key
	reading, ingest *meter
	strangers       *strangers
	audit           *ledger
	uses            uses
}

// New makes a door.
func New(config Config, db *store.DB, gate *answer.Gate, logger *slog.Logger) (*Door, error) {
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Limits == (Limits{}) {
		config.Limits = Limits{defaultPerSecond, defaultBurst, defaultRunning}
	}
	if config.IngestLimits == (Limits{}) {
		config.IngestLimits = Limits{ingestPerSecond, ingestBurst, ingestRunning}
	}
	d := &Door{config: config, db: db, gate: gate, logger: logger, audit: newLedger(db.Conn)}
	if config.AdminKey != "" {
		if len(config.AdminKey) < MinAdminKey {
			return nil, fmt.Errorf("the admin key has %d characters: it needs %d at least, such as `openssl rand "+
				"-hex 32` prints", len(config.AdminKey), MinAdminKey)
		}
		h := keys.HashOf(config.AdminKey)
		d.admin = &keys.Key{ID: h.ID(), Hash: h, All: true, Scopes: keys.Admin}
	}
	var errs [3]error
	d.reading, errs[0] = newMeter(config.Limits)
	d.ingest, errs[1] = newMeter(config.IngestLimits)
	d.strangers, errs[2] = newStrangers()
	d.uses.last = map[string]int64{}
	d.ring = &ring{read: d.readKeys}
	return d, errors.Join(errs[:]...)
}

func (d *Door) nowMS() int64 { return d.config.Now().UnixMilli() }

func (d *Door) readKeys(ctx context.Context) (*known, error) {
	ctx = d.db.Settings(ctx)
	live, err := keys.Live(ctx, d.db.Conn, d.nowMS())
	if err != nil {
		return nil, err
	}
	sessions, err := keys.Sessions(ctx, d.db.Conn, d.nowMS())
	if err != nil {
		return nil, err
	}
	k := &known{keys: make(map[string]*keys.Key, len(live)), sessions: make(map[keys.Hash]keys.Session, len(sessions))}
	for i := range live {
		k.keys[live[i].ID] = &live[i]
	}
	for _, s := range sessions {
		k.sessions[s.Hash] = s
	}
	return k, nil
}

// Guard stands before a route. fail answers with an error.
func (d *Door) Guard(route answer.Route, fail func(*gin.Context, error)) gin.HandlerFunc {
	return func(c *gin.Context) {
		leave, err := d.admit(c, route)
		if err != nil {
			fail(c, err)
			c.Abort()
			return
		}
		defer leave()
		c.Next()
	}
}

// admit lets a request in, until leave is called.
func (d *Door) admit(c *gin.Context, route answer.Route) (leave func(), err error) {
	header := c.Writer.Header()
	header.Set("Vary", "Authorization, Cookie")
	header.Set("Cache-Control", "private, no-cache")
	if route.For == answer.Open {
		d.enter(c, &answer.Caller{})
		return func() {}, nil
	}
	entry, err := d.identify(c, d.credential(c.Request), route.For)
	if err != nil {
		return nil, err
	}
	caller := &answer.Caller{Account: entry.key.Account, All: entry.key.All, Scopes: entry.key.Scopes,
		KeyID: entry.key.ID, By: "key " + entry.key.ID}
	if entry.key == d.admin {
		caller.By = "the admin key of the server"
	}
	if err := route.For.Check(caller); err != nil {
		return nil, err
	}
	if err := checkAccounts(c.Request, caller); err != nil {
		return nil, err
	}
	meter := d.reading
	if route.For == answer.ForIngest {
		meter = d.ingest
	}
	if leave, err = meter.begin(entry.key.ID); err != nil {
		return nil, err
	}
	if route.Whole && caller.Whole() {
		if err := d.note(c, caller, route.Path, ""); err != nil {
			leave()
			return nil, err
		}
	}
	d.noteUse(entry.key)
	d.enter(c, caller)
	c.Set(entryKey, entry)
	unwatch, end := d.watch(c, entry), leave
	return func() {
		unwatch()
		end()
	}, nil
}

// watch ends a request that lasts when its key or session does: an export, or a reader of the feed who waits.
func (d *Door) watch(c *gin.Context, e *entry) (end func()) {
	if e.key == d.admin && e.session == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancelCause(c.Request.Context())
	c.Request = c.Request.WithContext(ctx)
	var timer *time.Timer
	var mu sync.Mutex // between the timer and its first look
	mu.Lock()
	defer mu.Unlock()
	timer = time.AfterFunc(freshFor, func() {
		mu.Lock()
		defer mu.Unlock()
		all, fresh := d.ring.get(ctx, freshFor)
		if ctx.Err() != nil {
			return
		}
		if fresh && d.find(all, e.given, e.hash) == nil {
			cancel(answer.NewProblem(http.StatusUnauthorized, "wrong-key", "the key has ended meanwhile"))
			return
		}
		timer.Reset(freshFor)
	})
	return func() {
		cancel(nil)
		timer.Stop()
	}
}

func (d *Door) enter(c *gin.Context, caller *answer.Caller) {
	c.Request = c.Request.WithContext(answer.WithCaller(c.Request.Context(), caller))
}

// checkAccounts refuses a query that names another account, whether the route takes one or not.
func checkAccounts(r *http.Request, caller *answer.Caller) error {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil //nolint:nilerr // the route tells what is wrong with it
	}
	for _, account := range query["account"] {
		if !caller.May(account) {
			return answer.ForeignAccount()
		}
	}
	return nil
}

// entry is what a request came with.
type entry struct {
	key *keys.Key
	// session is nil where it came with the key itself, and cookie "".
	session *keys.Session
	cookie  string
	// given is how it came, and hash that of the secret.
	given credential
	hash  keys.Hash
}

// identify finds out whose request it is.
func (d *Door) identify(c *gin.Context, given credential, who answer.Access) (*entry, error) {
	if given.wrong != nil {
		c.Header("WWW-Authenticate", "Bearer")
		return nil, given.wrong
	}
	hash := keys.HashOf(given.secret)
	if !given.cookie && d.admin != nil && hash.Equal(d.admin.Hash) {
		return &entry{key: d.admin}, nil // also while ClickHouse does not answer
	}
	found := (*entry)(nil)
	for _, age := range []time.Duration{freshFor, 0} {
		all, fresh := d.ring.get(c.Request.Context(), age)
		if err := c.Request.Context().Err(); err != nil {
			return nil, err
		}
		if all != nil && (fresh || who == answer.ForIngest && time.Since(all.at) < outage) {
			found = d.find(all, given, hash)
		}
		if found != nil {
			break
		}
		if !fresh {
			return nil, answer.NewProblem(http.StatusServiceUnavailable, "keys-unavailable",
				"ClickHouse does not answer, so the key cannot be checked; try again").After(2)
		}
	}
	if found == nil {
		return nil, d.refuse(c, given.cookie)
	}
	if given.cookie && c.Request.Method != http.MethodGet && c.Request.Method != http.MethodHead {
		if err := checkToken(c.Request, given.secret); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// find returns what a credential opens, nil for nothing.
func (d *Door) find(all *known, given credential, hash keys.Hash) *entry {
	now := d.nowMS()
	if !given.cookie {
		if k := all.key(hash, now); k != nil {
			return &entry{key: k, given: given, hash: hash}
		}
		return nil
	}
	s, begun := all.sessions[hash]
	if !begun || now >= s.ExpiresMS {
		return nil
	}
	k := all.keys[s.KeyID]
	if d.admin != nil && s.KeyID == d.admin.ID {
		k = d.admin
	}
	if k == nil || !k.Live(now) {
		return nil
	}
	return &entry{key: k, session: &s, cookie: given.secret, given: given, hash: hash}
}

// refuse answers to a key or session that nobody knows (any more).
func (d *Door) refuse(c *gin.Context, cookie bool) error {
	if cookie {
		return answer.NewProblem(http.StatusUnauthorized, "no-session",
			"the session is over: begin one with POST /v1/session")
	}
	if p := d.strangers.wrong(c.Request.RemoteAddr, d.config.Now()); p != nil {
		return p
	}
	c.Header("WWW-Authenticate", "Bearer")
	return answer.NewProblem(http.StatusUnauthorized, "wrong-key",
		"the key is not known here, or not any more: check it, or have an admin make one (kaskad keys create)")
}

// uses are those of keys that are not stored yet.
type uses struct {
	mu   sync.Mutex
	last map[string]int64 // what is stored, or being stored
}

// noteUse stores when a key was used last, now and then.
func (d *Door) noteUse(k *keys.Key) {
	if k == d.admin {
		return
	}
	now := d.nowMS()
	d.uses.mu.Lock()
	defer d.uses.mu.Unlock()
	if now-d.uses.last[k.ID] < useSpan.Milliseconds() {
		return
	}
	d.uses.last[k.ID] = now
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), readTime)
		defer cancel()
		if err := keys.NoteUses(ctx, d.db.Conn, map[string]int64{k.ID: now}); err != nil {
			d.logger.Warn("the last use of a key is not noted", "error", err)
		}
	}()
}

// HasAdmin tells whether there is an admin key of all accounts.
func (d *Door) HasAdmin(ctx context.Context) bool {
	if d.admin != nil {
		return true
	}
	for _, age := range []time.Duration{freshFor, 0} {
		all, fresh := d.ring.get(ctx, age)
		if !fresh {
			return false
		}
		for _, k := range all.keys {
			if k.AdminOfAll() && k.Live(d.nowMS()) {
				return true
			}
		}
	}
	return false
}
