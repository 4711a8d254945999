package ingest

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"

	"kaskad/schema"
	"kaskad/schema/erasure"
)

// Defaults of Config.
const (
	DefaultTopic           = "kaskad.events"
	DefaultGroup           = "kaskad"
	DefaultDeadLetterTopic = "kaskad.rejected"

	// DefaultWorkers: while one block is being inserted another is decoded.
	DefaultWorkers = 2

	// DefaultBlockRows is the size from which ClickHouse gains nothing more by larger blocks.
	DefaultBlockRows = 200_000

	// DefaultBlockBytes bounds the original bytes that a block keeps until it is acknowledged.
	DefaultBlockBytes = 96 << 20

	// DefaultFetchBytes is what one partition is asked for at a time. A partition holds two such buffers.
	DefaultFetchBytes = 2 << 20

	// DefaultLinger is how long the oldest event of a block waits for company: it bounds both the delay of a quiet
	// stream and the number of parts that it makes.
	DefaultLinger = 200 * time.Millisecond
)

// Config says what to read and how. The zero value of every field but Brokers is replaced by its default. The start
// offset of a group without commits is always the earliest.
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
	// MeasureSMS says what a text takes as SMS; nil means money.SMSMeasure.
	MeasureSMS func(text []byte) schema.SMSMeasure
	// Now is the clock of validation and of what is written; nil means time.Now.
	Now    func() time.Time
	Logger *slog.Logger
	// Registerer gets the metrics; nil means nobody does.
	Registerer prometheus.Registerer

	// OnStep is called after each step of storing a block: "facts", "located", "touches", "rejected", "swept",
	// "ledger", "commit". It is a hook for crash tests.
	OnStep func(step string)
}

// withDefaults fills what is missing and reports everything that is wrong at once.
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
	if c.Logger == nil {
		c.Logger = slog.Default()
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
