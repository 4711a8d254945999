package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"

	"kaskad/cmd/kaskad/datadir"
	"kaskad/engine"
	"kaskad/ingest"
	"kaskad/schema"
	"kaskad/schema/erasure"
	"kaskad/schema/keys"
)

// stack is what every role needs: a ClickHouse, a Kafka, a clock and a registry of metrics.
type stack struct {
	logger   *slog.Logger
	registry *prometheus.Registry
	now      func() time.Time
	fixed    bool
	started  time.Time

	// dir is the data directory of what is embedded, "" where nothing is.
	dir        string
	disk       *engine.Disk       // nil when nothing is embedded
	clickhouse *engine.ClickHouse // nil when a real one is used
	conn       driver.Conn
	options    *clickhouse.Options

	broker  *engine.BrokerProcess // nil when a real one is used
	brokers []string
	// brokerSecret is what Kaskad's own roles log in with at an embedded broker that asks for it; "" elsewhere.
	brokerSecret string
	dialer       *kafka.Dialer
	kafka        kafkaSettings
	told         toldTopics
	durable      bool
	// erasureKey is nil where numbers cannot be erased.
	erasureKey *erasure.Key
}

// toldTopics are the topics that others read, of changed verdicts and of alerts; "" for none.
type toldTopics struct{ changes, alerts string }

func (t toldTopics) names() []string {
	return slices.DeleteFunc([]string{t.changes, t.alerts}, func(name string) bool { return name == "" })
}

// needs says which parts of the stack a command uses, and whether it starts them or attaches to running ones.
type needs struct {
	kafka, clickhouse bool
	told              toldTopics
	// login: clients of an embedded broker have to log in.
	login  bool
	attach attachment
}

// attachment says what a command does with a data directory.
type attachment int

const (
	own          attachment = iota // start engines on it
	attach                         // use those that run on it, or start engines on data that is there
	attachToLive                   // use those that run on it
)

const (
	stopTimeout   = 20 * time.Second // to end everything in order
	topicsTimeout = 20 * time.Second // for one try to create topics
)

// openStack starts the embedded services and connects to the others. dir is "" for commands that embed nothing.
func openStack(ctx context.Context, n needs, dir string, logger *slog.Logger, c clockSettings, k kafkaSettings,
	s storeSettings) (_ *stack, err error) {
	st := &stack{logger: logger, registry: prometheus.NewRegistry(), kafka: k, told: n.told,
		durable: s.Durable, started: time.Now()}
	st.registry.MustRegister(collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if st.now, st.fixed, err = c.clock(); err != nil {
		return nil, err
	}
	if st.dialer, err = k.dialer(); err != nil {
		return nil, err
	}
	switch {
	case n.clickhouse && s.Clickhouse == "" && dir == "":
		return nil, errors.New("--clickhouse: name the database: clickhouse://user:password@host:9000/database")
	case n.kafka && len(k.Kafka) == 0 && dir == "":
		return nil, errors.New("--kafka: name a broker as host:port")
	}
	if n.attach != own && dir != "" {
		at, ok := datadir.ReadRunning(dir)
		if !ok {
			if err := datadir.CheckAttachable(dir, n.attach == attachToLive); err != nil {
				return nil, err
			}
		} else {
			dir = ""
			if s.Clickhouse == "" {
				s.Clickhouse = at.Clickhouse
			}
			if len(k.Kafka) == 0 {
				k.Kafka = at.Kafka
				st.kafka.Kafka = at.Kafka
			}
			// Validation uses the clock of the running process.
			if !st.fixed {
				if st.now, st.fixed, err = (clockSettings{Now: at.Now}).clock(); err != nil {
					return nil, err
				}
			}
			if at.KafkaPassword != "" {
				st.logIn(at.KafkaPassword)
			}
		}
	}
	defer func() {
		if err != nil {
			st.close()
		}
	}()
	st.dir = dir
	if st.erasureKey, err = s.erasureKey(dir); err != nil {
		return nil, err
	}
	if dir != "" && (n.clickhouse && s.Clickhouse == "" || n.kafka && len(k.Kafka) == 0) {
		if st.disk, err = engine.WatchDisk(dir, logger); err != nil {
			return nil, fmt.Errorf("--data: %w", err)
		}
	}
	group, start := errgroup.WithContext(ctx)
	if n.clickhouse {
		group.Go(func() error { return st.openClickHouse(start, s.Clickhouse, dir) })
	}
	if n.kafka {
		group.Go(func() error { return st.openKafka(start, dir, n.login) })
	}
	if err := group.Wait(); err != nil {
		return st, err
	}
	st.registerDisk()
	return st, nil
}

func (st *stack) openClickHouse(ctx context.Context, dsn, dir string) error {
	if dsn == "" {
		embedded, err := engine.StartClickHouse(ctx,
			engine.Config{Dir: filepath.Join(dir, "clickhouse"), Logger: st.logger, Disk: st.disk})
		if err != nil {
			return err
		}
		st.clickhouse, dsn = embedded, embedded.DSN()
	}
	options, err := clickhouse.ParseDSN(dsn)
	if err != nil {
		return fmt.Errorf("--clickhouse: %w: want clickhouse://user:password@host:9000/database", err)
	}
	options.MaxOpenConns, options.MaxIdleConns = 32, 16
	if options.Settings == nil {
		options.Settings = clickhouse.Settings{}
	}
	if _, ok := options.Settings["async_insert"]; !ok {
		options.Settings["async_insert"] = 0 // an acknowledgement has to mean that the rows are stored
	}
	// The program dials the embedded engine directly, without its gate.
	if st.clickhouse != nil {
		options.DialContext = st.clickhouse.Dial
	}
	schema.InterruptibleDial(options)
	st.options = options
	st.conn, err = clickhouse.Open(options)
	if err != nil {
		return fmt.Errorf("open ClickHouse: %w", err)
	}
	if st.clickhouse != nil {
		st.conn = guarded{st.conn, st.clickhouse}
	}
	return nil
}

func (st *stack) openKafka(ctx context.Context, dir string, login bool) error {
	st.brokers = st.kafka.Kafka
	if len(st.brokers) > 0 {
		return nil
	}
	topics := []engine.Topic{{Name: st.kafka.Topic, Partitions: st.kafka.TopicPartitions},
		{Name: st.kafka.DeadLetterTopic, Partitions: 1}}
	for _, topic := range st.told.names() {
		topics = append(topics, engine.Topic{Name: topic, Partitions: st.kafka.TopicPartitions})
	}
	config := engine.BrokerConfig{Dir: filepath.Join(dir, "kafka"), Logger: st.logger, Durable: st.durable,
		Topics: topics}
	if login {
		secret, err := keys.NewSecret()
		if err != nil {
			return err
		}
		st.logIn(secret)
		config.Logins = [][sha256.Size]byte{keys.HashOf(secret)}
	}
	broker, err := engine.SuperviseBroker(ctx, config)
	if err != nil {
		return err
	}
	st.broker, st.brokers = broker, broker.Addrs()
	return nil
}

// migrateOnceThere migrates the schema. It waits for a real ClickHouse that is down: the program starts anyway, and
// /readyz says what it waits for. Errors of the embedded one are final. A migration that fills a new table from a large
// one takes as long as it takes.
func (st *stack) migrateOnceThere(ctx context.Context) error {
	return st.retry(ctx, "migrate the schema", st.clickhouse != nil, func(ctx context.Context) error {
		_, err := st.migrate(ctx)
		return err
	})
}

// ensureTopics creates missing topics in a real Kafka, and waits for it while it is down.
func (st *stack) ensureTopics(ctx context.Context) error {
	if st.broker != nil {
		return nil // it made them when it started
	}
	return st.retry(ctx, "create topics", false, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, topicsTimeout)
		defer cancel()
		return ingest.EnsureTopics(ctx, st.brokers, ingest.TopicConfig{
			Topic: st.kafka.Topic, DeadLetterTopic: st.kafka.DeadLetterTopic, Others: st.told.names(),
			Dialer:     st.dialer,
			Partitions: st.kafka.TopicPartitions, Replication: st.kafka.TopicReplication,
		})
	})
}

// retry calls try until it succeeds, ctx ends, or the error is final.
func (st *stack) retry(ctx context.Context, what string, final bool, try func(ctx context.Context) error) error {
	const maxWait = 5 * time.Second
	for wait := 250 * time.Millisecond; ; wait = min(2*wait, maxWait) {
		err := try(ctx)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case final:
			return err
		}
		st.logger.Warn("waiting", "for", what, "error", err, "retry_in", wait)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

func (st *stack) migrate(ctx context.Context) (int64, error) {
	db := st.sqlDB()
	defer db.Close()
	return schema.Migrate(ctx, db)
}

// sqlDB opens the database as database/sql, which the migration library needs; the caller closes it.
func (st *stack) sqlDB() *sql.DB {
	options := *st.options
	options.ReadTimeout = 24 * time.Hour // of a whole statement: a migration takes as long as it takes
	return clickhouse.OpenDB(&options)
}

// failed returns a channel that closes when the embedded ClickHouse ends unexpectedly.
func (st *stack) failed() <-chan struct{} {
	if st.clickhouse == nil {
		return nil
	}
	return st.clickhouse.Exited()
}

// close stops what openStack started, in reverse order of use.
func (st *stack) close() {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if st.conn != nil {
		if err := st.conn.Close(); err != nil {
			st.logger.Warn("close connections to ClickHouse", "error", err)
		}
	}
	if st.broker != nil {
		if err := st.broker.Stop(ctx); err != nil {
			st.logger.Error("stop embedded broker", "error", err)
		}
	}
	if st.clickhouse != nil {
		if err := st.clickhouse.Stop(ctx); err != nil {
			st.logger.Error("stop embedded ClickHouse", "error", err)
		}
	}
	if st.disk != nil {
		st.disk.Close()
	}
}
