package ingest

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"

	"kaskad/money"
	"kaskad/schema"
	"kaskad/schema/erasure"
)

// Defaults of Config.
const (
	DefaultTopic           = "kaskad.events"
	DefaultGroup           = "kaskad"
	DefaultDeadLetterTopic = "kaskad.rejected"

	// DefaultWorkers lets one block be decoded while another is being inserted.
	DefaultWorkers = 2

	// DefaultBlockRows is the size beyond which larger blocks no longer help ClickHouse.
	DefaultBlockRows = 200_000

	// DefaultBlockBytes bounds the original bytes that a block keeps until it is acknowledged.
	DefaultBlockBytes = 64 << 20

	// DefaultFetchBytes is how much is fetched from a partition at a time. Each partition holds two such buffers.
	DefaultFetchBytes = 1 << 20

	// DefaultLinger is how far blocks of a slow stream are apart: it bounds the number of parts that it creates. An
	// event that comes after more than that waits a tenth of it for others.
	DefaultLinger = 200 * time.Millisecond
)

// Config says what to read and how. Every zero field except Brokers is replaced by its default. A group without commits
// always starts at the earliest offset.
type Config struct {
	Brokers         []string // host:port
	Topic           string
	Group           string
	DeadLetterTopic string
	// Dialer carries TLS and SASL; nil means a plain connection.
	Dialer *kafka.Dialer

	Workers    int
	BlockRows  int // events per insert
	BlockBytes int
	FetchBytes int
	Linger     time.Duration
	// Durable makes ClickHouse sync every insert to disk before it acknowledges it, so that the guarantee covers power
	// loss.
	Durable bool

	// ErasureKey recognises numbers that were erased, whose events are stored under a pseudonym. Without it (nil)
	// nothing is stored once numbers were erased.
	ErasureKey *erasure.Key
	// Now is the clock of validation and of what is written; nil means time.Now.
	Now func() time.Time

	// OnStep is called after each step of storing a block: "facts", "changes", "located", "touches", "rejected",
	// "swept", "ledger", "commit". It is a hook for crash tests.
	OnStep func(step string)
}

// Deps are the services that an Ingester uses.
type Deps struct {
	// Conn needs at least as many connections as there are workers.
	Conn driver.Conn
	// MeasureSMS measures the text of an SMS; nil means money.SMSMeasure.
	MeasureSMS func(text []byte) schema.SMSMeasure
	// Touched is called when touches are stored, so that an aggregator of the same process need not wait for its next
	// look; nil is allowed.
	Touched func()
	// Registerer receives the metrics; nil means that they are not collected.
	Registerer prometheus.Registerer
	// Logger defaults to slog.Default().
	Logger *slog.Logger
}

// withDefaults fills in what is missing and refuses to work without ClickHouse.
func (d Deps) withDefaults() (Deps, error) {
	if d.Conn == nil {
		return d, errors.New("ingest: a connection to ClickHouse is needed")
	}
	if d.MeasureSMS == nil {
		d.MeasureSMS = money.SMSMeasure
	}
	if d.Touched == nil {
		d.Touched = func() {}
	}
	if d.Logger == nil {
		d.Logger = slog.Default()
	}
	return d, nil
}

// withDefaults fills in what is missing and reports everything that is wrong at once.
func (c Config) withDefaults() (Config, error) {
	for _, d := range []struct {
		field *string
		value string
	}{{&c.Topic, DefaultTopic}, {&c.Group, DefaultGroup}, {&c.DeadLetterTopic, DefaultDeadLetterTopic}} {
		if *d.field == "" {
			*d.field = d.value
		}
	}
	for _, d := range []struct {
		field *int
		value int
	}{{&c.Workers, DefaultWorkers}, {&c.BlockRows, DefaultBlockRows}, {&c.BlockBytes, DefaultBlockBytes},
		{&c.FetchBytes, DefaultFetchBytes}} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if c.Linger == 0 {
		c.Linger = DefaultLinger
	}
	if c.Dialer == nil {
		c.Dialer = &kafka.Dialer{Timeout: dialTimeout, DualStack: true}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.OnStep == nil {
		c.OnStep = func(string) {}
	}
	var errs []error
	if len(c.Brokers) == 0 {
		errs = append(errs, errors.New("brokers: name at least one as host:port"))
	}
	if c.DeadLetterTopic == c.Topic {
		errs = append(errs, fmt.Errorf("dead letter topic: %q is the topic of events itself, which would make a circle",
			c.Topic))
	}
	for _, n := range []struct {
		name  string
		value int
	}{{"workers", c.Workers}, {"block rows", c.BlockRows}, {"block bytes", c.BlockBytes}, {"fetch bytes", c.FetchBytes},
		{"linger", int(c.Linger)}} {
		if n.value < 0 {
			errs = append(errs, fmt.Errorf("%s: must not be negative", n.name))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return c, fmt.Errorf("ingest configuration: %w", err)
	}
	return c, nil
}
