package aggregate

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/cenkalti/backoff/v5"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"kaskad/aggregate/cells"
	"kaskad/aggregate/join"
	"kaskad/aggregate/notify"
	"kaskad/aggregate/states"
	"kaskad/aggregate/verdicts"
	"kaskad/aggregate/watch"
	"kaskad/schema"
	"kaskad/schema/law"
	"kaskad/schema/state"
)

//go:embed sql/*.sql
var files embed.FS

// statement gives the files of sql/, with the law filled in.
var statement = law.Statements(files, "sql")

const (
	// DefaultPoll is how often open touches are looked for: a touched bucket is to be published within 2 s, and a look
	// costs about 2 ms.
	DefaultPoll = 150 * time.Millisecond
	// DefaultRetention is how long replaced generations stay readable: longer than the longest query, and long enough
	// to page through a report.
	DefaultRetention = 15 * time.Minute
	// DefaultStateBytes hold the states of 100 million attempts.
	DefaultStateBytes = 16 << 30

	// targetPass is how long hours that are computed whole should take of a pass, and changes likewise: short enough
	// that a fresh touch is published within 2 s while others wait.
	targetPass = 700 * time.Millisecond
	// After a short pass the next one waits for restsOfSmall times as long as it took, until apartPolls times Poll
	// after it began; after a long one for a restsOfPass-th of it.
	restsOfSmall = 3
	apartPolls   = 4
	restsOfPass  = 5
	// longPass is how long they may take while much is left, and longestPass when to be through with all matters more
	// than the next pass: what waits is older than behind, or takes manyPasses passes more than this one.
	longPass    = 3 * targetPass
	longestPass = 6 * targetPass
	behind      = 10 * time.Second
	manyPasses  = 4
	maxBuckets  = 4096
	// idlePolls bounds how many times Poll a look waits while nothing happens: at rest the looks are what a process
	// costs. Whoever stores touches in the same process ends the wait (Wake); those of others wait that long at most.
	idlePolls = 8
	// maxEvents bounds the memory of a pass, and manyBatches how many batches it looks at.
	maxEvents   = 300_000
	manyBatches = 1024
	// freshnessEvery bounds how stale as_of gets while nothing happens.
	freshnessEvery = time.Second
	// restEvery is how often it is stored in a database that nobody else reads, as long as nothing else is to be said:
	// this process knows it without (Freshness).
	restEvery = 5 * time.Second
	// ownerTimeout is how long an aggregator that went silent keeps others waiting, and beatEvery how often one that
	// works shows that it does, however long its pass takes.
	ownerTimeout = 10 * time.Second
	beatEvery    = 2 * time.Second
	// quietPasses is how long ago the last edition was when there is no stream of them.
	quietPasses = 2 * time.Second
	// longestRetry bounds the wait after turns that fail, as while ClickHouse is away.
	longestRetry = 5 * time.Second
)

// Config holds the aggregator's settings; zero values mean the defaults.
type Config struct {
	Poll      time.Duration
	Retention time.Duration
	// Now is the clock of windows, orphans' age and as_of. Nil means time.Now.
	Now func() time.Time
	// Exclusive says that nobody else can reach the database (the embedded one), so that no other aggregator has to be
	// waited for.
	Exclusive bool
	// StateBytes bounds table message_states, keys and states as they are before compression; negative: nothing does.
	StateBytes int64
	// AuditRest is how long the audit rests at least between two slices; negative for tests: not at all.
	AuditRest time.Duration
	// Webhook and ChangesTopic are where changed verdicts are announced (notify.Config).
	Webhook         *notify.Webhook
	ChangesTopic    string
	NotifyFromStart bool
	// OnStep is called after each step of a pass ("joined", "computed", "published", "applied", "closed"), of a round
	// of verdicts ("announced", "decided"), when a sink acknowledged changes and its position is not stored yet
	// ("notified"), when alerts were stored ("alerted") and when one was acknowledged and that is not noted yet
	// ("told"), so that tests can end the process there. They run side by side.
	OnStep func(step string)
}

// Deps are what the aggregator works with.
type Deps struct {
	Conn driver.Conn
	// Reject takes events whose message never appeared; it returns when they are stored as dead letters.
	Reject func(context.Context, []schema.Rejection) error
	// ProduceChanges writes changes of verdicts to Kafka under their keys and returns when they are acknowledged; nil
	// means that there is no topic for them.
	ProduceChanges func(ctx context.Context, keys, values [][]byte) error
	// ProduceAlerts does so with alerts that begin and end.
	ProduceAlerts func(ctx context.Context, keys, values [][]byte) error
	// Stream tells of each partition of the stream where it ends and how far ingest is behind that, so that the audit
	// knows what is on its way; nil means that nothing ever is.
	Stream func(context.Context) (ends, lags map[int]int64, err error)
	// Registerer receives the metrics; nil means that they are not collected.
	Registerer prometheus.Registerer
	// Logger defaults to slog.Default().
	Logger *slog.Logger
}

// sums are those of messages that changed, and of hours that are computed whole.
type sums struct{ changed, whole cells.Sum }

// Aggregator recomputes touched buckets and publishes them. One works at a time; a second one waits for the first to go
// silent.
type Aggregator struct {
	cfg        Config
	deps       Deps
	owner      uuid.UUID
	metrics    *metrics
	generation uint64
	begun      uint64 // the last edition that was begun
	// batch is how many hours a pass computes whole, events how many events it takes the changes of, and most how many
	// these may become: fewer for some passes after one that failed.
	batch, events, most int
	// flushEvery and mergeAtOnce are the constants, but in tests.
	flushEvery, mergeAtOnce int
	// sums take what is folded at present, flushed are those that are written meanwhile.
	sums, flushed *sums
	scratch       []byte
	lastFresh     time.Time
	lastAsOfMS    atomic.Int64
	pendingNow    atomic.Int64
	stated        atomic.Bool  // freshness was stored
	lastStated    atomic.Int64 // when as_of was stated last, by the machine's clock; 0 before the first pass
	lastStored    atomic.Int64 // when freshness was stored last, likewise
	lastWorked    atomic.Int64 // when a pass last answered touches, likewise
	working       atomic.Bool  // a pass is answering some
	// storedAsOfMS and storedPending are what was stored then.
	storedAsOfMS, storedPending atomic.Int64
	idle                        time.Duration // how long the next look waits while nothing happens
	woken                       chan struct{}
	pending                     int // hours and batches that the last pass left for the next one
	// trusted says that attempts_by_recipient holds what was published, and nothing that died with an edition: all that
	// was open when the work was taken over has been answered since.
	trusted    bool
	lastUpkeep time.Time
	drops      drops
	nextDays   time.Time
	daysRested time.Time // when days are built again although editions follow each other
	daysAtOnce int       // how many are built at a time
	// days are how all days stand, nil until somebody looks; unsummed those of them that changed since their build.
	days     map[dayKey]dayStand
	unsummed map[dayKey]bool
	nextDue  time.Time          // when numbers are looked for whose verdict changes by time alone
	answered map[uuid.UUID]bool // batches some of whose touches were closed since the last upkeep
	// optedOut is everybody who ever opted out, namedMessages what messages such events name.
	optedOut      map[address]said
	namedMessages map[address]bool
	// lossOpen: something is lost and not accepted (loss.go).
	lossOpen     bool
	rereadAll    bool // the last look for broken parts ordered to read all of the topic again
	lastLossLook time.Time
	// ready is the generation up to which all numbers that passes touched are noted (package verdicts).
	ready  atomic.Uint64
	urged  atomic.Bool // somebody waits for a verdict
	audit  audit
	states *states.Store
	joiner *join.Joiner
	// prepared is set once this aggregator has taken the work over; owning says so to what runs beside the passes.
	prepared bool
	owning   atomic.Bool
	// takeovers counts how often another aggregator had the work.
	takeovers atomic.Uint64
	verdicts  *verdicts.Decider
	watcher   *watch.Watcher
	// announcers tell changes of numbers, teller alerts.
	announcers []*notify.Announcer
	teller     *notify.Teller
}

// New returns an aggregator that does nothing until Run.
func New(cfg Config, deps Deps) *Aggregator {
	if cfg.Poll == 0 {
		cfg.Poll = DefaultPoll
	}
	if cfg.Retention == 0 {
		cfg.Retention = DefaultRetention
	}
	if cfg.StateBytes == 0 {
		cfg.StateBytes = DefaultStateBytes
	}
	if cfg.AuditRest == 0 {
		cfg.AuditRest = DefaultAuditRest
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if deps.Logger == nil {
		deps.Logger = slog.Default()
	}
	if cfg.OnStep == nil {
		cfg.OnStep = func(string) {}
	}
	announcers := notify.New(notify.Config{Webhook: cfg.Webhook, Topic: cfg.ChangesTopic,
		FromStart: cfg.NotifyFromStart, OnStep: cfg.OnStep},
		notify.Deps{Conn: deps.Conn, Produce: deps.ProduceChanges, Registerer: deps.Registerer, Logger: deps.Logger})
	teller := notify.NewTeller(notify.Deps{Conn: deps.Conn, Produce: deps.ProduceAlerts, Registerer: deps.Registerer,
		Logger: deps.Logger}, cfg.OnStep)
	a := &Aggregator{cfg: cfg, deps: deps, owner: uuid.New(), metrics: newMetrics(deps.Registerer), batch: 64,
		events: 100_000, most: maxEvents, daysAtOnce: firstDays, answered: map[uuid.UUID]bool{}, announcers: announcers,
		teller: teller,
		woken:  make(chan struct{}, 1), sums: &sums{}, flushed: &sums{},
		flushEvery: flushEvery, mergeAtOnce: mergeAtOnce}
	a.joiner = join.New(join.Deps{Conn: deps.Conn, Reject: deps.Reject, Now: func() time.Time { return a.cfg.Now() },
		OnStep: func(step string) { a.cfg.OnStep(step) }, Registerer: deps.Registerer})
	a.states = states.New(states.Config{Bytes: cfg.StateBytes, OnStep: func(step string) { a.cfg.OnStep(step) }},
		states.Deps{Conn: deps.Conn, NextEdition: a.nextGeneration, CheckOwner: a.checkOwner,
			Registerer: deps.Registerer, Logger: deps.Logger})
	a.verdicts = verdicts.New(verdicts.Config{Now: func() time.Time { return a.cfg.Now() },
		OnStep: func(step string) { a.cfg.OnStep(step) }}, verdicts.Deps{Conn: deps.Conn,
		Registerer: deps.Registerer, Passes: verdicts.Passes{AsOf: a.lastAsOfMS.Load, Ready: a.ready.Load,
			Waiting: func() bool { return a.pendingNow.Load() > 0 }, Streaming: a.streaming,
			Urged:      func() bool { return a.urged.Swap(false) },
			CheckOwner: a.checkOwner}})
	a.watcher = watch.New(watch.Config{Now: cfg.Now, OnStep: cfg.OnStep}, watch.Deps{Conn: deps.Conn,
		AsOf: a.lastAsOfMS.Load, Stream: deps.Stream, Streaming: a.streaming, Takeovers: a.takeovers.Load,
		Stored: teller.Wake, Registerer: deps.Registerer, Logger: deps.Logger})
	return a
}

// errOtherOwner tells that another aggregator works on the same database.
var errOtherOwner = errors.New("another aggregator works on this database")

// Run works until the context ends. Errors of ClickHouse are logged and retried: what is touched stays touched.
func (a *Aggregator) Run(ctx context.Context) error {
	defer func() {
		if a.prepared {
			a.leave()
		}
	}()
	var beside sync.WaitGroup
	defer beside.Wait()
	beside.Go(func() { a.beat(ctx) })
	beside.Go(func() {
		a.forever(ctx, a.deps.Logger, "decide numbers", func() (time.Duration, error) {
			return a.cfg.Poll, a.verdicts.Turn(ctx, a.owning.Load())
		})
	})
	beside.Go(func() {
		a.forever(ctx, a.deps.Logger, "remove what was replaced",
			func() (time.Duration, error) { return a.dropSome(ctx) })
	})
	for _, n := range a.announcers {
		beside.Go(func() {
			a.forever(ctx, a.deps.Logger.With("sink", n.Sink()), "announce changes of numbers",
				func() (time.Duration, error) { return n.Turn(ctx, a.owning.Load()) })
		})
	}
	beside.Go(func() {
		a.forever(ctx, a.deps.Logger, "judge alerts",
			func() (time.Duration, error) { return a.watcher.Turn(ctx, a.owning.Load()) })
	})
	beside.Go(func() {
		a.forever(ctx, a.deps.Logger, "tell alerts",
			func() (time.Duration, error) { return a.teller.Turn(ctx, a.owning.Load()) })
	})
	a.forever(ctx, a.deps.Logger, "aggregate", func() (time.Duration, error) { return a.turn(ctx) })
	return nil
}

// Wake ends the wait for the next look: touches were stored. It may be called from anywhere, at any time.
func (a *Aggregator) Wake() {
	select {
	case a.woken <- struct{}{}:
	default: // it wakes up already
	}
}

// Freshness is the as_of that this aggregator stated last, and when; zero before it stated any. It may be newer than
// what is stored.
func (a *Aggregator) Freshness() (asOfMS int64, at time.Time) {
	ms := a.lastStated.Load() // before as_of, which is then at least as new
	if ms == 0 {
		return 0, time.Time{}
	}
	return a.lastAsOfMS.Load(), time.UnixMilli(ms)
}

// forever takes turns at some work until the context ends. A turn says how long to wait for the next one. One that
// fails is logged and taken again after a wait that doubles.
func (a *Aggregator) forever(ctx context.Context, log *slog.Logger, work string, turn func() (time.Duration, error)) {
	waits := &backoff.ExponentialBackOff{InitialInterval: a.cfg.Poll, MaxInterval: longestRetry, Multiplier: 2}
	for ctx.Err() == nil {
		wait, err := turn()
		if err != nil && ctx.Err() == nil {
			wait = max(wait, waits.NextBackOff())
			a.metrics.errors.Inc()
			log.Error("work failed and is tried again", "work", work, "error", err, "retry_in", wait)
		} else {
			waits.Reset()
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// turn makes a pass, once this aggregator has taken the work over.
func (a *Aggregator) turn(ctx context.Context) (wait time.Duration, err error) {
	a.owning.Store(a.prepared)
	worked, began := false, time.Now()
	if !a.prepared {
		if err = a.prepare(ctx); err == nil {
			a.prepared = true
			a.owning.Store(true)
		}
	}
	if err == nil {
		worked, err = a.pass(ctx)
	}
	if err != nil { // Of an edition that was not published nothing is left to go into the next one.
		a.sums, a.flushed = &sums{}, &sums{}
		a.audit.look, a.audit.suspected = nil, nil
	}
	switch {
	case ctx.Err() != nil:
		return 0, nil //nolint:nilerr // it is told to end, and leaves in order
	case errors.Is(err, errOtherOwner):
		a.prepared = false
		a.owning.Store(false)
		a.takeovers.Add(1)
		a.deps.Logger.Info("waiting", "error", err)
		return ownerTimeout / 4, nil
	case err != nil:
		// ClickHouse may have started again, or another aggregator have taken over: begin from the beginning.
		a.prepared = false
		a.batch, a.events = max(1, a.batch/2), max(1, a.events/2)
		a.most = a.events
		a.states.Damaged = errors.Is(err, state.ErrDamaged)
		return 0, err
	case worked && a.pending > 0:
		return 0, nil
	case worked:
		a.idle = a.cfg.Poll
		return restAfter(time.Since(began), a.cfg.Poll), nil
	}
	a.idle = min(max(a.cfg.Poll, 2*a.idle), idlePolls*a.cfg.Poll)
	select {
	case <-ctx.Done():
	case <-a.woken:
	case <-time.After(a.idle):
	}
	return 0, nil
}

// restAfter is how long the next pass waits after one that answered all there was. An edition costs its dozens of
// statements however little it changes, and has whoever asks for what changed compute it anew; a pause makes editions
// fewer, and costs a report that much freshness.
func restAfter(took, poll time.Duration) time.Duration {
	small := min(restsOfSmall*took, apartPolls*poll-took)
	return max(poll, small, min(took/restsOfPass, targetPass))
}

// streaming says that editions follow each other. It may be called from anywhere.
func (a *Aggregator) streaming() bool {
	return a.working.Load() || a.pendingNow.Load() > 0 || time.Since(time.UnixMilli(a.lastWorked.Load())) < quietPasses
}

// leave tells a waiting aggregator that it need not wait. Failing to do so costs the other one ownerTimeout.
func (a *Aggregator) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := a.insertFreshness(ctx, a.lastAsOfMS.Load(), 0, true); err != nil {
		a.deps.Logger.Warn("could not say that this aggregator leaves", "error", err)
	}
}

// prepare takes the work over: it waits out another aggregator, and reads what must be known before the first pass.
func (a *Aggregator) prepare(ctx context.Context) error {
	if err := a.checkOwner(ctx); err != nil {
		return err
	}
	if err := a.deps.Conn.QueryRow(ctx, statement("last_generation")).Scan(&a.generation); err != nil {
		return fmt.Errorf("read last generation: %w", err)
	}
	// What passes before this one noted is complete: they have ended, or will be done again under a greater generation.
	// While passes run, only they say what is: one that is half done must not be taken for whole.
	var noted uint64
	if err := a.deps.Conn.QueryRow(ctx, "SELECT max(generation) FROM numbers_touched").Scan(&noted); err != nil {
		return fmt.Errorf("read touched numbers: %w", err)
	}
	a.ready.Store(noted)
	for _, read := range []func(context.Context) error{a.rememberQueue, a.readOptOuts, a.joiner.ReadStrays} {
		if err := read(ctx); err != nil {
			return err
		}
	}
	// What the touches announce comes first.
	parameters := a.parameters(a.nextGeneration(time.Now()))
	parameters["batch"] = uuid.NewString()
	for _, name := range []string{"outdated_hours", "outdated_queue", "outdated"} {
		if err := a.doWith(ctx, name, parameters); err != nil {
			return fmt.Errorf("touch buckets without today's rollups (%s): %w", name, err)
		}
	}
	a.days, a.trusted = nil, false
	for _, step := range []func(context.Context) error{a.states.Redo, a.findBroken, a.takeOver, a.countShared} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// beat shows while a pass runs that this aggregator works, until the context ends.
func (a *Aggregator) beat(ctx context.Context) {
	ticker := time.NewTicker(beatEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		// With the database to itself, the first freshness that is stored is that of a pass, and nobody waits for a
		// sign.
		if !a.owning.Load() || a.cfg.Exclusive && (!a.stated.Load() || a.storedLately()) {
			continue
		}
		if err := a.insertFreshness(ctx, a.lastAsOfMS.Load(), int(a.pendingNow.Load()), false); err != nil &&
			ctx.Err() == nil {
			a.deps.Logger.Warn("could not show that this aggregator works", "error", err)
		}
	}
}

// takeOver states the freshness that the last aggregator stated, or less where open touches are older. From here on
// others wait.
func (a *Aggregator) takeOver(ctx context.Context) error {
	var known bool
	var asOf int64
	if err := a.deps.Conn.QueryRow(ctx, statement("last_as_of")).Scan(&known, &asOf); err != nil {
		return fmt.Errorf("read freshness: %w", err)
	}
	a.lastAsOfMS.Store(asOf)
	if !known && a.cfg.Exclusive {
		return nil // Nothing was stated ever, and nobody waits.
	}
	return a.insertFreshness(ctx, asOf, 0, false)
}

// checkOwner fails while another aggregator has shown signs of life lately. It is a guard against a mistake in
// deployment, not a lock: between the look and the publication another one may start.
func (a *Aggregator) checkOwner(ctx context.Context) error {
	if a.cfg.Exclusive {
		return nil
	}
	var others uint64
	if err := a.deps.Conn.QueryRow(clickhouse.Context(ctx, clickhouse.WithParameters(clickhouse.Parameters{
		"owner": a.owner.String(), "timeout_ms": strconv.FormatInt(ownerTimeout.Milliseconds(), 10),
	})), statement("other_owners")).Scan(&others); err != nil {
		return fmt.Errorf("look for other aggregators: %w", err)
	}
	if others > 0 {
		return errOtherOwner
	}
	return nil
}
