package main

import (
	"context"
	_ "embed"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/bench"
	"kaskad/engine"
	"kaskad/ingest"
	"kaskad/schema"
	"kaskad/simulate"
)

// benchEvents is the size of the topic with SCALE=full, a tenth of it otherwise; BENCH_EVENTS changes it.
const benchEvents = 5_000_000

func wantedEvents() int {
	if n, err := strconv.Atoi(os.Getenv("BENCH_EVENTS")); err == nil {
		return n
	}
	if os.Getenv("SCALE") == "full" {
		return benchEvents
	}
	return benchEvents / 10
}

//go:embed testdata/staged.sql
var stagedSQL string

// BenchmarkTopicToFacts reads one topic in three ways, in one run on one machine, and prints the ratios: Kaskad itself;
// the ceiling, which is ClickHouse inserting the same events into the same tables from a table of its own; and
// ClickHouse's Kafka engine, with the least SQL that fills the same columns. Broker, client and server share the
// machine's cores.
//
// Run it with `make bench`; more than one iteration only repeats it.
func BenchmarkTopicToFacts(b *testing.B) {
	for b.Loop() {
		runTopicToFacts(b, wantedEvents())
	}
}

// benchTopic is a ClickHouse, a broker, and a topic full of events, until the benchmark ends.
type benchTopic struct {
	server *engine.ClickHouse
	broker *engine.Broker
	sim    *simulate.Simulator
	events int64
	rate   float64 // events/s, made and written
	load   float64 // of the machine, before
}

func newBenchTopic(b *testing.B, want int) *benchTopic {
	load := bench.LoadAverage()
	quiet := slog.New(slog.DiscardHandler)
	server, err := engine.StartClickHouse(b.Context(),
		engine.Config{Dir: b.TempDir(), Logger: quiet, Databases: true, Kafka: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = server.Stop(context.Background()) })
	broker, err := engine.StartBroker(b.Context(),
		engine.BrokerConfig{Dir: b.TempDir(), Logger: quiet, Topics: []engine.Topic{
			{Name: ingest.DefaultTopic, RetentionMS: -1, RetentionBytes: -1},
			{Name: ingest.DefaultDeadLetterTopic, Partitions: 1}}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = broker.Stop(context.Background()) })
	config := simulate.DefaultConfig()
	config.Messages, config.Poison, config.RecipientEvents, config.PlainIDs = want/4, 0, 0, 0
	sim, err := simulate.New(config)
	if err != nil {
		b.Fatal(err)
	}
	producer, err := ingest.NewProducer(ingest.ProducerConfig{Brokers: broker.Addrs()})
	if err != nil {
		b.Fatal(err)
	}
	defer producer.Close()
	began := time.Now()
	events, err := sim.Play(b.Context(), producer.Produce, simulate.Pace{Batch: 10_000})
	if err != nil {
		b.Fatal(err)
	}
	return &benchTopic{server, broker, sim, events, float64(events) / time.Since(began).Seconds(), load}
}

func runTopicToFacts(b *testing.B, want int) {
	t := newBenchTopic(b, want)
	server, broker, sim, events := t.server, t.broker, t.sim, t.events
	fmt.Printf("topic: %d events, made and written at %.0f events/s\n", events, t.rate)

	kaskad := benchDatabase(b, server, "bench")
	before := readProcessors(t)
	took := readWithKaskad(b, kaskad, broker.Addrs(), sim.Now(), "bench", events)
	spent := readProcessors(t).since(before, events)
	ours := float64(events) / took.Seconds()
	fmt.Printf("kaskad: topic to facts, touches and ledger: %.0f events/s (%v); processors, µs/event: %v\n", ours,
		took.Round(time.Millisecond), spent)
	var bytesPerAttempt float64
	if err := kaskad.QueryRow(b.Context(),
		"SELECT sum(bytes_on_disk) / sum(rows) FROM system.parts WHERE active AND database = currentDatabase() AND "+
			"table = 'attempts'").Scan(&bytesPerAttempt); err != nil {
		b.Fatal(err)
	}

	// The rows of the ceiling are the events, one each, as they come in: Kaskad merges those of a block before it sends
	// them.
	staging := benchDatabase(b, server, "staging_bench")
	benchExec(b, staging, "CREATE TABLE staged ENGINE = MergeTree ORDER BY occurred_ms EMPTY AS SELECT * FROM events")
	benchExec(b, staging, strings.ReplaceAll(stagedSQL, "{facts:Identifier}", engine.Database+"_bench"))
	var staged uint64
	if err := staging.QueryRow(b.Context(), "SELECT count() FROM staged").Scan(&staged); err != nil {
		b.Fatal(err)
	}
	ceiling := benchDatabase(b, server, "ceiling_bench")
	before = readProcessors(t)
	began := time.Now()
	benchExec(b, ceiling, "INSERT INTO events SELECT * FROM kaskad_staging_bench.staged SETTINGS max_insert_threads "+
		"= 2, max_partitions_per_insert_block = 0, insert_deduplicate = 0, optimize_on_insert = 0")
	top := float64(staged) / time.Since(began).Seconds()
	least := readProcessors(t).since(before, int64(staged))
	fmt.Printf("ceiling: INSERT … SELECT of the same events into the same table: %.0f events/s (%v); processors, "+
		"µs/event: %v\n", top, time.Since(began).Round(time.Millisecond), least)

	kafka := benchDatabase(b, server, "engine_bench")
	before = readProcessors(t)
	theirs, read := readWithKafkaEngine(b, kafka, broker.Addrs(), events)
	most := readProcessors(t).since(before, read)
	fmt.Printf("clickhouse's kafka engine, same topic, same table: %.0f events/s; processors, µs/event: %v\n", theirs,
		most)
	fmt.Printf("ratios: kaskad is %.2f of the ceiling, %.1f × the kafka engine (%.2f and %.1f by processor time); "+
		"%.1f bytes per attempt before cold merges\n", ours/top, ours/theirs, least.total()/spent.total(),
		most.total()/spent.total(), bytesPerAttempt)
	b.ReportMetric(ours, "events/s")
	b.ReportMetric(ours/top, "of-ceiling")
	b.ReportMetric(ours/theirs, "x-kafka-engine")
	b.ReportMetric(spent.total()*1000, "cpu-ns/event")
	b.ReportMetric(bytesPerAttempt, "bytes/attempt")
	b.ReportMetric(0, "ns/op")
	publishTopicToFacts(b, t, ours, top, theirs, bytesPerAttempt)
}

func benchDatabase(b *testing.B, server *engine.ClickHouse, name string) driver.Conn {
	name = engine.Database + "_" + name
	options, err := clickhouse.ParseDSN(server.DSN())
	if err != nil {
		b.Fatal(err)
	}
	options.DialContext = server.Dial
	admin, err := clickhouse.Open(options)
	if err != nil {
		b.Fatal(err)
	}
	defer admin.Close()
	benchExec(b, admin, "CREATE DATABASE "+name+" ENGINE = Atomic")
	options.Auth.Database = name
	db := clickhouse.OpenDB(options)
	defer db.Close()
	if _, err := schema.Migrate(b.Context(), db); err != nil {
		b.Fatal(err)
	}
	conn, err := clickhouse.Open(options)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	return conn
}

func benchExec(b *testing.B, conn driver.Conn, statement string) {
	if err := conn.Exec(clickhouse.Context(b.Context(),
		clickhouse.WithSettings(clickhouse.Settings{"max_execution_time": 0})), statement); err != nil {
		b.Fatalf("%s: %v", statement, err)
	}
}

// readWithKaskad ingests the whole topic and returns how long that took, joining the consumer group included.
func readWithKaskad(b *testing.B, conn driver.Conn, brokers []string, now time.Time, group string,
	events int64) time.Duration {
	ingester, err := ingest.New(ingest.Config{Brokers: brokers, Group: group, Now: func() time.Time { return now }},
		ingest.Deps{Conn: conn, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	ended := make(chan error, 1)
	began := time.Now()
	go func() { ended <- ingester.Run(ctx) }()
	for {
		if balance := ingester.Balance(); balance.Consumed == uint64(events) && balance.InFlight == 0 {
			took := time.Since(began)
			cancel()
			<-ended
			return took
		}
		select {
		case err := <-ended:
			b.Fatalf("ingest ended: %v", err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// readWithKafkaEngine lets ClickHouse read the topic by itself and returns events per second, and how many it read.
// Ids' own times are left out, which is in its favour.
func readWithKafkaEngine(b *testing.B, conn driver.Conn, brokers []string, events int64) (float64, int64) {
	text := strings.Fields("account message_id channel provider campaign template sender app operator traffic " +
		"trigger recipient contact status occurred_at submitted_at currency price error_code")
	numbers := strings.Fields("step segments sms_segments part parts")
	columns := strings.Join(text, " String, ") + " String, " + strings.Join(numbers, " UInt16, ") + " UInt16"
	benchExec(b, conn, fmt.Sprintf(`CREATE TABLE topic (%s) ENGINE = Kafka SETTINGS kafka_broker_list = '%s', kafka_topic_list = '%s', kafka_group_name = 'engine',
		kafka_format = 'JSONEachRow', kafka_num_consumers = 2, kafka_thread_per_consumer = 1, kafka_max_block_size = 262144, kafka_poll_max_batch_size = 65536`,
		columns, strings.Join(brokers, ","), ingest.DefaultTopic))
	benchExec(b, conn, "CREATE TABLE seen (n UInt64) ENGINE = MergeTree ORDER BY tuple()")
	began := time.Now()
	benchExec(b, conn, "CREATE MATERIALIZED VIEW seen_view TO seen AS SELECT count() AS n FROM topic")
	benchExec(b, conn, `CREATE MATERIALIZED VIEW topic_view TO events AS SELECT account,
		toStartOfHour(toDateTime(if(submitted_at = '', occurred_at, submitted_at), 'UTC')) AS bucket, message_id, greatest(step, 1)::UInt8 AS step,
		indexOf(['queued','accepted','sent','delivered','read','clicked','replied','undelivered','rejected','expired','failed','skipped'], status)::UInt8 AS status,
		toUnixTimestamp64Milli(parseDateTime64BestEffortOrZero(occurred_at, 3, 'UTC')) AS occurred_ms,
		if(submitted_at = '', 0, toUnixTimestamp64Milli(parseDateTime64BestEffortOrZero(submitted_at, 3, 'UTC'))) AS submitted_ms, 0::Int64 AS id_ms,
		channel, provider, campaign, template, sender, app, operator, traffic, trigger, concat(recipient, '\0') AS recipient_country, contact,
		segments, sms_segments, part::UInt8 AS part, parts::UInt8 AS parts, error_code, 0::UInt8 AS permanent,
		toInt64(toDecimal64OrZero(price, 6) * 1000000) AS price_micros, currency
		FROM topic`)
	// The whole topic takes minutes; a fixed time is enough for a rate.
	const measured = 30 * time.Second
	for {
		var n uint64
		if err := conn.QueryRow(b.Context(), "SELECT sum(n) FROM seen").Scan(&n); err != nil {
			b.Fatal(err)
		}
		if took := time.Since(began); n == uint64(events) || took > measured {
			if n == 0 {
				b.Fatal("the kafka engine read nothing")
			}
			benchExec(b, conn, "DROP TABLE topic_view")
			benchExec(b, conn, "DROP TABLE seen_view")
			benchExec(b, conn, "DROP TABLE topic")
			return float64(n) / took.Seconds(), int64(n)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
