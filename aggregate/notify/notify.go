package notify

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/cenkalti/backoff/v5"
	"github.com/prometheus/client_golang/prometheus"

	"kaskad/schema"
)

const (
	// pollEvery is how often the feed is looked at for a sink that knows all of it: the longest that a change waits for
	// company.
	pollEvery = time.Second
	// windowSize is how many changes are read at a time: 20 batches, and about 5 MB.
	windowSize = 20_000
	// measureEvery is how often the distance to the feed's end is counted while a sink does not acknowledge.
	measureEvery = 10 * time.Second
	// storeTimeout bounds the last thing that an announcer does before it ends.
	storeTimeout = 2 * time.Second
	// firstRetry is how long a sink is left alone after the first try in vain; it doubles from then on.
	firstRetry = time.Second
)

var (
	//go:embed sql/again.sql
	againSQL string
	//go:embed sql/behind.sql
	behindSQL string
	//go:embed sql/position.sql
	positionSQL string
	//go:embed sql/window.sql
	windowSQL string
)

// Config says to whom changes are announced; its zero value means to nobody.
type Config struct {
	// Webhook is an endpoint; nil means none.
	Webhook *Webhook
	// Topic is the name of the topic that Deps.Produce writes to: its position is kept by that name.
	Topic string
	// FromStart announces the whole feed to a sink that is new. Otherwise it hears of what changes from now on.
	FromStart bool
	// OnStep is called with "notified" when a sink has acknowledged changes and its position is not stored yet, so that
	// tests can end the process there.
	OnStep func(step string)
}

// Deps are what the announcers work with.
type Deps struct {
	Conn driver.Conn
	// Produce writes values to Kafka under their keys and returns when they are acknowledged; nil means that there is
	// no topic for them.
	Produce func(ctx context.Context, keys, values [][]byte) error
	// Registerer receives the metrics; nil means that they are not collected.
	Registerer prometheus.Registerer
	// Logger defaults to slog.Default().
	Logger *slog.Logger
}

// Announcer announces the changes in the feed to one sink, in their order.
type Announcer struct {
	cfg       Config
	conn      driver.Conn
	log       *slog.Logger
	metrics   sinkMetrics
	sink      sink
	retries   *backoff.ExponentialBackOff
	owned     bool
	announced uint64 // the sink has all changes up to this one
	stored    uint64 // and the table knows that of these
	window    uint64 // the last change that was read
	batches   [][]schema.NumberChange
	tries     int       // in vain, of the first batch
	restUntil time.Time // the sink is left alone until then
	stopped   bool
	measured  time.Time
}

// New returns an announcer for each sink that is configured. They do nothing until their turns.
func New(cfg Config, deps Deps) []*Announcer {
	if deps.Logger == nil {
		deps.Logger = slog.Default()
	}
	if cfg.OnStep == nil {
		cfg.OnStep = func(string) {}
	}
	metrics := newMetrics(deps.Registerer)
	var all []*Announcer
	for _, s := range []*sink{topicSink(cfg.Topic, deps.Produce), cfg.Webhook.sink()} {
		if s != nil {
			all = append(all, newAnnouncer(cfg, deps, metrics, *s))
		}
	}
	return all
}

func newAnnouncer(cfg Config, deps Deps, metrics *metrics, s sink) *Announcer {
	return &Announcer{cfg: cfg, conn: deps.Conn, log: deps.Logger, metrics: metrics.sink(s.name), sink: s,
		retries: &backoff.ExponentialBackOff{InitialInterval: firstRetry, MaxInterval: s.longestRetry, Multiplier: 2,
			RandomizationFactor: 0.25}} // so that several senders do not knock together
}

// Sink returns the name of the sink, as it stands in metrics and logs.
func (a *Announcer) Sink() string { return a.sink.name }

// Turn does what there is to do now, if the work is owned by this process, and returns how long to wait for the next
// turn. An error is one of ClickHouse; a sink that refuses is announced to again for ever.
func (a *Announcer) Turn(ctx context.Context, owned bool) (wait time.Duration, err error) {
	more, err := a.turn(ctx, owned)
	rest := max(0, time.Until(a.restUntil))
	switch {
	case err != nil:
		return rest, err
	case !more:
		return pollEvery, nil
	}
	return min(rest, pollEvery), nil // so that losing the work is noticed
}

// turn announces at most one batch, once. It reports whether there is more to announce, now or after a rest.
func (a *Announcer) turn(ctx context.Context, owned bool) (more bool, err error) {
	if !owned {
		if a.owned {
			a.metrics.lag.Set(0) // the next owner counts
		}
		a.owned, a.batches = false, nil
		return false, nil
	}
	if !a.owned {
		if err := a.takeOver(ctx); err != nil {
			return false, err
		}
		a.owned = true
	}
	if err := a.store(ctx); err != nil {
		return false, err
	}
	if (a.stopped || a.tries > 0) && time.Since(a.measured) >= measureEvery {
		if err := a.measure(ctx); err != nil {
			return false, err
		}
	}
	if a.stopped {
		return false, nil
	}
	if time.Until(a.restUntil) > 0 {
		return true, nil
	}
	if len(a.batches) == 0 {
		if err := a.read(ctx); err != nil {
			return false, err
		}
		if len(a.batches) == 0 {
			return false, nil
		}
	}
	batch := a.batches[0]
	if a.tries > 0 {
		// Numbers may have been erased in the meantime.
		if batch, err = a.readAgain(ctx, batch); err != nil {
			return false, err
		}
	}
	if len(batch) > 0 && !a.try(ctx, batch) {
		return !a.stopped, nil
	}
	a.acknowledged(len(batch))
	a.cfg.OnStep("notified")
	return true, a.store(ctx)
}

// takeOver reads the sink's position. A new sink begins at the feed's end, or at its start where that is wished. Its
// position is stored at once, for otherwise a restart could skip what comes before the first acknowledgement.
func (a *Announcer) takeOver(ctx context.Context) error {
	var known bool
	var position, end uint64
	parameters := clickhouse.WithParameters(clickhouse.Parameters{"sink": a.sink.positionName})
	if err := a.conn.QueryRow(clickhouse.Context(ctx, parameters), positionSQL).Scan(&known, &position,
		&end); err != nil {
		return fmt.Errorf("read the position of a sink: %w", err)
	}
	a.batches, a.announced, a.stored, a.window = nil, position, position, position
	if known {
		return nil
	}
	if !a.cfg.FromStart {
		a.announced, a.window = end, end
	}
	return a.insertPosition(ctx)
}

// read fills the batches with the next changes of the feed.
func (a *Announcer) read(ctx context.Context) error {
	changes, err := a.query(ctx, windowSQL, clickhouse.Named("after", a.announced),
		clickhouse.Named("limit", uint32(windowSize)))
	if err != nil {
		return fmt.Errorf("read changes of numbers: %w", err)
	}
	if len(changes) == windowSize {
		if err := a.measure(ctx); err != nil {
			return err
		}
	} else {
		a.metrics.lag.Set(float64(len(changes)))
	}
	if len(changes) > 0 {
		a.window = changes[len(changes)-1].Seq
		a.batches = a.sink.cut(changes)
	}
	return nil
}

// readAgain reads what is left of a batch.
func (a *Announcer) readAgain(ctx context.Context, batch []schema.NumberChange) ([]schema.NumberChange, error) {
	account := ""
	if a.sink.byAccount {
		account = batch[0].Account
	}
	left, err := a.query(ctx, againSQL, clickhouse.Named("account", account),
		clickhouse.Named("first", batch[0].Seq), clickhouse.Named("last", batch[len(batch)-1].Seq))
	if err != nil {
		return nil, fmt.Errorf("read changes of numbers again: %w", err)
	}
	return left, nil
}

func (a *Announcer) query(ctx context.Context, query string, parameters ...any) ([]schema.NumberChange, error) {
	rows, err := a.conn.Query(ctx, query, parameters...)
	if err != nil {
		return nil, err
	}
	return scanChanges(rows)
}

func scanChanges(rows driver.Rows) (all []schema.NumberChange, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var c schema.NumberChange
		if err := rows.Scan(&c.Account, &c.Number, &c.From, &c.To, &c.Rule, &c.AtMS, &c.SeenMS, &c.Seq); err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, rows.Err()
}

// try announces a batch once and reports whether the sink acknowledged it.
func (a *Announcer) try(ctx context.Context, batch []schema.NumberChange) bool {
	err := a.sink.announce(ctx, batch)
	if err != nil && ctx.Err() == nil {
		a.refused(err)
	}
	return err == nil
}

// refused notes that the sink did not take the batch, and when it is announced again.
func (a *Announcer) refused(err error) {
	a.metrics.failures.Inc()
	var refusal *refusal
	if errors.As(err, &refusal) && refusal.gone {
		a.stopped = true
		a.metrics.stopped.Set(1)
		a.log.Error("changes of numbers are not announced any more, for the receiver is gone: name another one, "+
			"or restart to try this one again",
			"sink", a.sink.name, "error", err)
		return
	}
	wait := a.retries.NextBackOff()
	if refusal != nil {
		wait = max(wait, refusal.after)
	}
	a.tries++
	a.restUntil = time.Now().Add(wait)
	a.log.Warn("changes of numbers were not acknowledged", "sink", a.sink.name, "error", err, "tries", a.tries,
		"retry_in", wait.Round(time.Millisecond))
}

// acknowledged drops the first batch, of which n changes were announced. All changes before the first one of the
// batches that are left were announced, too.
func (a *Announcer) acknowledged(n int) {
	a.metrics.announced.Add(float64(n))
	a.metrics.lag.Sub(float64(len(a.batches[0])))
	a.tries, a.restUntil = 0, time.Time{}
	a.retries.Reset()
	if a.batches = a.batches[1:]; len(a.batches) > 0 {
		a.announced = a.batches[0][0].Seq - 1
	} else {
		a.announced = a.window
	}
}

// store keeps the position, also when the process is ending: otherwise the same changes would be announced again.
func (a *Announcer) store(ctx context.Context) error {
	if a.announced == a.stored {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	return a.insertPosition(ctx)
}

func (a *Announcer) insertPosition(ctx context.Context) error {
	if err := a.conn.Exec(ctx, "INSERT INTO notified (sink, seq) VALUES ($1, $2)", a.sink.positionName,
		a.announced); err != nil {
		return fmt.Errorf("store the position of a sink: %w", err)
	}
	a.stored = a.announced
	return nil
}

// measure counts the changes that were not announced to the sink yet.
func (a *Announcer) measure(ctx context.Context) error {
	var behind uint64
	if err := a.conn.QueryRow(ctx, behindSQL, clickhouse.Named("after", a.announced)).Scan(&behind); err != nil {
		return fmt.Errorf("count changes that were not announced: %w", err)
	}
	a.metrics.lag.Set(float64(behind))
	a.measured = time.Now()
	return nil
}
