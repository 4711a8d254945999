package query

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"

	"kaskad/query/answer"
	"kaskad/query/door"
	"kaskad/query/messages"
	"kaskad/schema"
	"kaskad/schema/erasure"
)

// The limits of a Config that leaves them at zero.
const (
	// DefaultMaxBody is what POST /v1/events takes, in bytes, before and after decompression.
	DefaultMaxBody = 64 << 20
	// DefaultQueryTime ends a query of ClickHouse. Replaced rows outlive it by far (see maxCursorAge).
	DefaultQueryTime = 30 * time.Second
	// DefaultMaxQueries is how many requests may read ClickHouse at a time; a report uses all cores anyway.
	DefaultMaxQueries = 8
	// DefaultMaxUploads is how many bodies of events are decoded at a time.
	DefaultMaxUploads = 8
	// DefaultBodyMemory is what all bodies take together, in bytes, from their first byte until they are done with.
	DefaultBodyMemory = 256 << 20
)

// The modes of Config.Auth.
const (
	authKeys = "keys"
	authOff  = "off"
)

// Config says how the server behaves. The zero value of every limit is its default.
type Config struct {
	// Auth is "keys", or "off": whoever reaches the listener may do everything.
	Auth string
	// AdminKey is an admin key of all accounts besides those of the database; "" for none.
	AdminKey string
	// KeyLimits and IngestLimits are what one key may ask for.
	KeyLimits, IngestLimits door.Limits
	// TLS is how the listener speaks TLS; nil is without.
	TLS *tls.Config
	// InsecureListen lifts two limits of Auth "off": that the listener is on loopback, and that requests name a
	// loopback host.
	InsecureListen bool
	// Now is the clock of reports and of the validation of events; nil is time.Now.
	Now func() time.Time
	// Fixed says that Now stands still (--now): reports are then as of Now.
	Fixed bool

	// ErasureKey is what erased numbers are recognised by; without it (nil) none can be erased.
	ErasureKey *erasure.Key

	MaxBody    int64
	QueryTime  time.Duration
	MaxQueries int
	MaxUploads int
	// BodyMemory is at least twice MaxBody, which a body that grows may take.
	BodyMemory int64

	// CursorKeys seal cursors: the first one does, all of them open. Without any the keys are those that the database
	// holds.
	CursorKeys []schema.CursorKey

	// Group, Topic, DeadLetterTopic and Brokers name the stream that GET /v1/status speaks of.
	Group, Topic, DeadLetterTopic string
	Brokers                       []string
	// EngineVersion is ClickHouse's own version; when it is "" ClickHouse is asked. EngineEmbedded: Kaskad started it.
	EngineVersion  string
	EngineEmbedded bool
	// Version is Kaskad's own, for the landing page.
	Version string
}

// Producer sends records to the event topic and returns when all in-sync replicas have acknowledged them all.
// A Producer with a method Ping(context.Context) error is asked by GET /readyz.
type Producer interface {
	Produce(ctx context.Context, keys, values [][]byte) error
}

// Deps is what the server talks to. Conn is required.
type Deps struct {
	Conn driver.Conn
	// Columns reads large answers of the same ClickHouse; nil where the driver alone can.
	Columns schema.Columns
	// Producer takes the events of POST /v1/events; nil answers 503.
	Producer Producer
	// Letters sends dead letters through again; without its functions that is answered by 503.
	Letters messages.Letters
	// Lag counts the events in Kafka that ingest has not committed; nil when it cannot be known here.
	Lag func(ctx context.Context) (events int64, err error)
	// InFlight counts the events that this process has consumed beyond the ledger, and those of them that are not
	// stored yet; nil when ingest runs elsewhere.
	InFlight func() (consumed, inFlight uint64)
	// Freshness is the as_of that an aggregator of this process stated last, and when, which may not be stored yet;
	// zero before any. nil when none runs here.
	Freshness func() (asOfMS int64, at time.Time)
	// Disk says how much room there is for data; nil asks ClickHouse about the disks of its own.
	Disk func() Disk
	// Page is what browsers are shown: index.html and what it loads. nil is none.
	Page fs.FS
	// MeasureSMS says what a text takes as SMS.
	MeasureSMS func(text []byte) schema.SMSMeasure
	Registerer prometheus.Registerer
	Gatherer   prometheus.Gatherer
	// Logger nil is slog.Default().
	Logger *slog.Logger
}

// check fills in defaults and returns an error that names every setting that is wrong.
func (c *Config) check() error {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.MaxBody == 0 {
		c.MaxBody = DefaultMaxBody
	}
	if c.QueryTime == 0 {
		c.QueryTime = DefaultQueryTime
	}
	if c.MaxQueries == 0 {
		c.MaxQueries = DefaultMaxQueries
	}
	if c.MaxUploads == 0 {
		c.MaxUploads = DefaultMaxUploads
	}
	if c.BodyMemory == 0 {
		c.BodyMemory = DefaultBodyMemory
	}
	var errs []error
	if c.Auth != authOff && c.Auth != authKeys {
		errs = append(errs, errors.New(`auth must be "keys" or "off"`))
	}
	if c.MaxBody < 0 || c.QueryTime < 0 || c.MaxQueries < 0 || c.MaxUploads < 0 || c.BodyMemory < 0 {
		errs = append(errs, errors.New("limits must be positive; leave them out for the defaults"))
	}
	if c.BodyMemory < 2*c.MaxBody {
		errs = append(errs, fmt.Errorf("the memory for bodies must be at least %d MiB, twice the largest body",
			2*c.MaxBody>>20))
	}
	if c.QueryTime >= answer.MaxCursorAge {
		errs = append(errs, errors.New("query time must be below 9 minutes: the rows that a report reads live "+
			"no longer"))
	}
	return errors.Join(errs...)
}
