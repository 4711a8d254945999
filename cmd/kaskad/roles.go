package main

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"

	"kaskad/aggregate"
	"kaskad/dashboards/web"
	"kaskad/ingest"
	"kaskad/money"
	"kaskad/query"
	"kaskad/query/answer"
	"kaskad/query/messages"
	"kaskad/schema"
)

// roles are the parts of Kaskad that a process runs.
type roles struct {
	ingest, aggregate, serve bool
	// notify says to whom the verdicts of aggregate are announced.
	notify notifySettings
	// states bounds what aggregate keeps.
	states stateSettings
}

func (r roles) needs() needs {
	return needs{kafka: r.ingest || r.serve || r.aggregate, clickhouse: true,
		told: toldTopics{r.notify.ChangesTopic, r.notify.AlertsTopic}}
}

// hooks let a test kill the process between two steps; nil hooks do nothing.
type hooks struct{ ingest, aggregate func(step string) }

// process runs roles on a stack.
type process struct {
	*stack
	roles  roles
	listen listenSettings
	hooks  hooks
	// ready is called when everything runs.
	ready func(address string, producer *ingest.Producer)
}

// run works until the context ends or a part fails for good. Parts stop in reverse order: first the API, then reading,
// then storing what was read.
func (p *process) run(ctx context.Context) error {
	var listener net.Listener
	if p.roles.serve {
		var err error
		if listener, err = net.Listen("tcp", p.listen.Listen); err != nil {
			return fmt.Errorf("--listen: %w: choose another address, or end the program that has it", err)
		}
		defer listener.Close()
	}
	producer, err := ingest.NewProducer(ingest.ProducerConfig{Brokers: p.brokers, Topic: p.kafka.Topic,
		Dialer: p.dialer})
	if err != nil {
		return err
	}
	defer producer.Close()
	letters := ingest.NewDeadLetters(p.conn,
		ingest.ProducerConfig{Brokers: p.brokers, Topic: p.kafka.DeadLetterTopic, Dialer: p.dialer})
	defer letters.Close()
	var aggregator *aggregate.Aggregator
	if p.roles.aggregate {
		told, closeTold, err := p.toldProducers()
		if err != nil {
			return err
		}
		defer closeTold()
		if aggregator, err = p.newAggregator(letters, told); err != nil {
			return err
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	var ingester *ingest.Ingester
	if p.roles.ingest {
		if ingester, err = p.newIngester(aggregator); err != nil {
			return err
		}
	}
	if p.roles.serve {
		server, err := p.newServer(producer, ingester, aggregator)
		if err != nil {
			return err
		}
		group.Go(func() error { return server.Run(ctx, listener) })
	}
	if p.broker != nil && p.brokerSecret != "" {
		group.Go(func() error {
			p.watchLogins(ctx)
			return nil
		})
	}
	group.Go(func() error { return p.ensureTopics(ctx) })
	group.Go(func() error {
		if err := p.migrateOnceThere(ctx); err != nil {
			return err
		}
		if p.roles.serve && p.listen.Auth == authKeys {
			if err := p.ensureAdminKey(ctx); err != nil {
				return err
			}
		}
		if ingester != nil {
			group.Go(func() error { return ingester.Run(ctx) })
		}
		if aggregator != nil {
			group.Go(func() error { return aggregator.Run(ctx) })
		}
		if p.ready != nil {
			address := ""
			if listener != nil {
				address = listener.Addr().String()
			}
			p.ready(address, producer)
		}
		return nil
	})
	group.Go(func() error {
		select {
		case <-ctx.Done():
			return nil
		case <-p.failed():
			return fmt.Errorf("embedded ClickHouse ended: %w: nothing is lost; start again", p.clickhouse.Err())
		}
	})
	if err := group.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// newIngester returns an ingester that wakes the aggregator, which is nil when another process has it.
func (p *process) newIngester(aggregator *aggregate.Aggregator) (*ingest.Ingester, error) {
	deps := ingest.Deps{Conn: p.conn, MeasureSMS: money.SMSMeasure, Registerer: p.registry, Logger: p.logger}
	if aggregator != nil {
		deps.Touched = aggregator.Wake
	}
	return ingest.New(ingest.Config{
		Brokers: p.brokers, Topic: p.kafka.Topic, Group: p.kafka.Group, DeadLetterTopic: p.kafka.DeadLetterTopic,
		Dialer: p.dialer, Durable: p.durable, ErasureKey: p.erasureKey, Now: p.now, OnStep: p.hooks.ingest,
	}, deps)
}

// produce writes to a topic; nil means that there is none.
type produce = func(ctx context.Context, keys, values [][]byte) error

// toldProducers are what writes to the topics of changed verdicts and of alerts.
func (p *process) toldProducers() (told [2]produce, end func(), err error) {
	var producers []*ingest.Producer
	end = func() {
		for _, producer := range producers {
			producer.Close()
		}
	}
	for i, topic := range []string{p.told.changes, p.told.alerts} {
		if topic == "" {
			continue
		}
		producer, err := ingest.NewProducer(ingest.ProducerConfig{Brokers: p.brokers, Topic: topic, Dialer: p.dialer})
		if err != nil {
			end()
			return told, nil, err
		}
		producers = append(producers, producer)
		told[i] = producer.Produce
	}
	return told, end, nil
}

// newAggregator returns an aggregator that tells of changed verdicts and of alerts by told.
func (p *process) newAggregator(letters *ingest.DeadLetters, told [2]produce) (*aggregate.Aggregator, error) {
	webhook, err := p.roles.notify.webhook(p.kafka)
	if err != nil {
		return nil, err
	}
	deps := aggregate.Deps{Conn: p.conn, Reject: letters.Reject, ProduceChanges: told[0], ProduceAlerts: told[1],
		Registerer: p.registry, Logger: p.logger,
		Stream: func(ctx context.Context) (ends, lags map[int]int64, err error) {
			lag, err := ingest.Lag(ctx, p.brokers, p.dialer, p.kafka.Group, p.kafka.Topic)
			return lag.Ends, lag.Partitions, err
		}}
	return aggregate.New(aggregate.Config{
		Now: p.now, Exclusive: p.clickhouse != nil, OnStep: p.hooks.aggregate, StateBytes: p.roles.states.StateBytes,
		Webhook: webhook, ChangesTopic: p.told.changes, NotifyFromStart: p.roles.notify.NotifyFromStart,
	}, deps), nil
}

func (p *process) newServer(producer *ingest.Producer, ingester *ingest.Ingester,
	aggregator *aggregate.Aggregator) (*query.Server, error) {
	keys, err := p.listen.cursorKeys()
	if err != nil {
		return nil, err
	}
	config := query.Config{
		BodyMemory: p.listen.BodyMemory << 20, CursorKeys: keys,
		Auth: p.listen.Auth, AdminKey: p.listen.AdminKey,
		InsecureListen: p.listen.InsecureListen, Now: p.now, Fixed: p.fixed, Group: p.kafka.Group,
		Topic:           p.kafka.Topic,
		DeadLetterTopic: p.kafka.DeadLetterTopic, Brokers: p.brokers, EngineEmbedded: p.clickhouse != nil,
		Version: version(), ErasureKey: p.erasureKey,
	}
	if config.TLS, err = p.listen.tls(p.logger); err != nil {
		return nil, err
	}
	if p.clickhouse != nil {
		config.EngineVersion = p.clickhouse.Version()
	}
	page, err := web.Files()
	if err != nil {
		return nil, err
	}
	to := eventProducer{producer, p.stack}
	deps := query.Deps{
		Page: page,
		Conn: p.conn, Columns: p.columns(), Producer: to, Letters: p.letters(to), MeasureSMS: money.SMSMeasure,
		Registerer: p.registry,
		Gatherer:   p.registry, Logger: p.logger,
		Lag: func(ctx context.Context) (int64, error) {
			lag, err := ingest.Lag(ctx, p.brokers, p.dialer, p.kafka.Group, p.kafka.Topic)
			return lag.Total, err
		},
	}
	if p.disk != nil && p.clickhouse != nil {
		deps.Disk = func() query.Disk {
			u := p.disk.Usage()
			return query.Disk{FreeBytes: u.Free, TotalBytes: u.Total, State: string(u.State)}
		}
	}
	if ingester != nil {
		deps.InFlight = func() (uint64, uint64) {
			b := ingester.Balance()
			return b.InFlight, b.InFlight
		}
	}
	if aggregator != nil {
		deps.Freshness = aggregator.Freshness
	}
	return query.New(config, deps)
}

// letters are the dead letters as the API sends them through again.
func (p *process) letters(to eventProducer) messages.Letters {
	return messages.Letters{
		Count: func(ctx context.Context, filter schema.LetterFilter) (waiting, replayed uint64, err error) {
			return ingest.CountLetters(ctx, p.conn, filter)
		},
		Replay: func(ctx context.Context, filter schema.LetterFilter) (schema.Replayed, error) {
			return ingest.Replay(ctx, p.conn, to, filter, p.now)
		},
	}
}

// eventProducer translates errors of Kafka into those of query, and pings Kafka for GET /readyz.
type eventProducer struct {
	*ingest.Producer
	stack *stack
}

// Produce writes to Kafka. An error that wraps query.ErrDiskFull says that the broker has no room. An error that wraps
// answer.ErrUnavailable means that the caller should send again later.
func (e eventProducer) Produce(ctx context.Context, keys, values [][]byte) error {
	if e.stack.broker != nil {
		if err := e.stack.disk.Err(); err != nil {
			return fmt.Errorf("%w: %w", answer.ErrDiskFull, err)
		}
	}
	err := e.Producer.Produce(ctx, keys, values)
	if errors.Is(err, kafka.KafkaStorageError) {
		return fmt.Errorf("%w: %w", answer.ErrDiskFull, err)
	}
	if errors.Is(err, ingest.ErrUnavailable) {
		return fmt.Errorf("%w: %w", answer.ErrUnavailable, err)
	}
	return err
}

// Ping returns nil if Kafka answers and has the topic.
func (e eventProducer) Ping(ctx context.Context) error {
	return ingest.Check(ctx, e.stack.brokers, e.stack.dialer, e.stack.kafka.Topic)
}
