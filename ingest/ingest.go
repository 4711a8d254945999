package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/segmentio/kafka-go"

	"kaskad/schema"
	"kaskad/schema/erasure"
)

// Times of the consumer group. A dead member is missed after sessionTimeout; a rebalance is noticed within
// heartbeatEvery.
const (
	heartbeatEvery   = time.Second
	sessionTimeout   = 10 * time.Second
	rebalanceTimeout = 15 * time.Second
	joinBackoff      = 500 * time.Millisecond
	watchEvery       = 5 * time.Second
)

// Ingester is one member of the consumer group.
type Ingester struct {
	config       Config
	conn         driver.Conn
	measureSMS   func(text []byte) schema.SMSMeasure
	log          *slog.Logger
	metrics      metrics
	descriptions descriptions
	tally        tally
	letters      *producer
	refusals     refusals

	mu         sync.Mutex
	partitions []*partition // assigned now
	problem    error        // why nothing is read at the moment
	ledgerAt   int64
}

var errNotStarted = errors.New("has not joined its consumer group yet")

// New checks the configuration. It connects to nothing: Run does.
func New(config Config, deps Deps) (*Ingester, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	if deps, err = deps.withDefaults(); err != nil {
		return nil, err
	}
	in := &Ingester{config: config, conn: deps.Conn, measureSMS: deps.MeasureSMS, log: deps.Logger,
		metrics: newMetrics(), descriptions: newDescriptions(), problem: errNotStarted}
	in.letters = newProducer(ProducerConfig{Brokers: config.Brokers, Topic: config.DeadLetterTopic,
		Dialer: config.Dialer})
	if deps.Registerer != nil {
		if err := deps.Registerer.Register(in); err != nil {
			return nil, fmt.Errorf("register metrics of ingest: %w", err)
		}
	}
	return in, nil
}

// Run reads, stores and commits until ctx ends, and returns nil then. It waits for Kafka, for the topic and for
// ClickHouse as long as it takes: see Ready.
func (in *Ingester) Run(ctx context.Context) error {
	defer in.letters.close()
	if err := in.waitForTopic(ctx); err != nil {
		return nil //nolint:nilerr // ctx ended while Kafka was away.
	}
	if err := in.prepareTables(ctx); err != nil {
		return nil //nolint:nilerr // ctx ended while ClickHouse was away.
	}
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID:                     in.config.Group,
		Brokers:                in.config.Brokers,
		Dialer:                 in.config.Dialer,
		Topics:                 []string{in.config.Topic},
		StartOffset:            kafka.FirstOffset,
		HeartbeatInterval:      heartbeatEvery,
		SessionTimeout:         sessionTimeout,
		RebalanceTimeout:       rebalanceTimeout,
		JoinGroupBackoff:       joinBackoff,
		WatchPartitionChanges:  true,
		PartitionWatchInterval: watchEvery,
	})
	if err != nil {
		return fmt.Errorf("consumer group %q: %w", in.config.Group, err)
	}
	// Close waits until the generation's function has returned.
	defer group.Close()
	for {
		generation, err := group.Next(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			// kafka-go goes on trying by itself: coordinators that are not available yet, rebalances, brokers that are
			// away.
			in.setProblem(fmt.Errorf("join consumer group: %w", err))
			in.log.Warn("joining the consumer group failed, trying again", "group", in.config.Group, "error", err)
			continue
		}
		in.metrics.generations.Inc()
		generation.Start(func(ctx context.Context) { in.generation(ctx, generation) })
	}
}

// waitForTopic returns when the topic exists: joining a group for a topic that does not makes generations that end at
// once.
func (in *Ingester) waitForTopic(ctx context.Context) error {
	return in.until(ctx, "find topic "+in.config.Topic, func(ctx context.Context) error {
		var err error
		for _, broker := range in.config.Brokers {
			var partitions []kafka.Partition
			if partitions, err = in.config.Dialer.LookupPartitions(ctx, "tcp", broker, in.config.Topic); err == nil &&
				len(partitions) > 0 {
				return nil
			}
		}
		if err == nil {
			err = kafka.UnknownTopicOrPartition
		}
		return err
	})
}

func (in *Ingester) prepareTables(ctx context.Context) error {
	return in.until(ctx, "prepare tables", func(ctx context.Context) error {
		return schema.SetDurable(ctx, in.conn, in.config.Durable)
	})
}

// until calls try until it succeeds. When ctx ends first, it returns the error of ctx. It logs what it waits for at
// once, and then every half minute.
func (in *Ingester) until(ctx context.Context, what string, try func(ctx context.Context) error) error {
	var complained time.Time
	_ = retry(ctx, func() error {
		attempt, cancel := context.WithTimeout(ctx, dialTimeout)
		defer cancel()
		return abandon(attempt, try)
	}, func(err error) {
		in.setProblem(fmt.Errorf("%s: %w", what, err))
		if time.Since(complained) > complainEvery {
			in.log.Warn("waiting", "for", what, "error", err)
			complained = time.Now()
		}
	})
	return ctx.Err()
}

// generation reads the assigned partitions until the generation ends. Returning earlier would end it, so it returns
// only when offsets cannot be committed: then the group has to be joined anew.
func (in *Ingester) generation(ctx context.Context, generation *kafka.Generation) {
	assigned := generation.Assignments[in.config.Topic]
	ledgers := make(chan map[int32]schema.Ledger, 1)
	err := in.until(ctx, "read the ledger", func(ctx context.Context) error {
		ledger, err := schema.ReadLedger(ctx, in.conn, in.config.Group, in.config.Topic)
		if err == nil {
			select {
			case ledgers <- ledger:
			default: // an attempt that was abandoned and came home late
			}
		}
		return err
	})
	if err != nil {
		return
	}
	ledger := <-ledgers
	in.log.Info("joined consumer group", "group", in.config.Group, "topic", in.config.Topic, "generation",
		generation.ID, "partitions", len(assigned))

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var running sync.WaitGroup
	workers := make([]*worker, min(in.config.Workers, max(1, len(assigned))))
	for i := range workers {
		w := &worker{in: in, generation: generation, chunks: make(chan *chunk, 1),
			free: make(chan *chunk, 2+2*in.config.BlockBytes/in.config.FetchBytes),
			next: newBlock(), block: newBlock(),
			ledgers:  map[int]*schema.Ledger{},
			erasures: erasure.NewIndex(in.config.ErasureKey)}
		w.decoder.MeasureSMS = in.measureSMS
		workers[i] = w
	}
	partitions := make([]*partition, len(assigned))
	for i, a := range assigned {
		p := &partition{id: a.ID, start: a.Offset, ledgerOffset: -1}
		p.stored.Store(a.Offset)
		row, known := ledger[int32(a.ID)]
		if known {
			p.ledgerOffset = row.Offset
		}
		row.Partition = int32(a.ID)
		partitions[i] = p
		w := workers[i%len(workers)]
		w.ledgers[a.ID] = &row
		f := newFetcher(in, p, w.chunks, w.free)
		running.Go(func() { f.run(ctx) })
		in.noteLedgerTime(row.AtUS)
	}
	in.setPartitions(partitions)
	in.setProblem(nil)
	for _, w := range workers {
		running.Go(func() {
			defer cancel()
			if err := w.run(ctx); err != nil && ctx.Err() == nil {
				in.log.Warn("generation ends early, events will be read again", "error", err)
			}
		})
	}
	orders := make(chan []schema.Reread, 1)
	running.Go(func() {
		found := in.watchRereads(ctx, partitions)
		orders <- found
		if len(found) > 0 {
			cancel()
		}
	})
	running.Wait()
	if found := <-orders; len(found) > 0 {
		within, done := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
		defer done()
		if err := in.setBack(within, generation, partitions, found); err != nil {
			in.log.Warn("the topic could not be set back, trying again", "topic", in.config.Topic, "error", err)
		}
	}
	in.setPartitions(nil)
	in.setProblem(errors.New("between two generations of the consumer group"))
}

// dialLeader connects to the broker that leads the partition, by way of any broker that answers.
func (in *Ingester) dialLeader(ctx context.Context, partition int) (*kafka.Conn, error) {
	var errs []error
	for _, broker := range in.config.Brokers {
		attempt, cancel := context.WithTimeout(ctx, dialTimeout)
		conn, err := in.config.Dialer.DialLeader(attempt, "tcp", broker, in.config.Topic, partition)
		cancel()
		if err == nil {
			return conn, nil
		}
		errs = append(errs, fmt.Errorf("dial leader by way of %s: %w", broker, err))
	}
	return nil, errors.Join(errs...)
}

// Balance returns the counters since New.
func (in *Ingester) Balance() Balance {
	b, _, _ := in.tally.read()
	return b
}

// Ready is nil while partitions are being read, or the reason why not.
func (in *Ingester) Ready() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.problem
}

// LocalLag returns, for each partition assigned to this member, how many records wait to be stored.
func (in *Ingester) LocalLag() map[int]int64 {
	in.mu.Lock()
	defer in.mu.Unlock()
	lag := make(map[int]int64, len(in.partitions))
	for _, p := range in.partitions {
		lag[p.id] = max(0, p.highWater.Load()-max(0, p.stored.Load()))
	}
	return lag
}

func (in *Ingester) setPartitions(p []*partition) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.partitions = p
}

func (in *Ingester) setProblem(err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.problem = err
}

// ledgerTime is a clock in microseconds that only grows, even if the machine's clock goes back: the newest ledger row
// wins.
func (in *Ingester) ledgerTime() int64 {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.ledgerAt = max(in.ledgerAt+1, time.Now().UnixMicro())
	return in.ledgerAt
}

func (in *Ingester) noteLedgerTime(at int64) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.ledgerAt = max(in.ledgerAt, at)
}
