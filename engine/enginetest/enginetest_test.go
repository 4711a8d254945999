package enginetest

import (
	"context"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/segmentio/kafka-go"

	"kaskad/engine"
)

func TestMain(m *testing.M) { Main(m) }

func TestClickHouse_OwnDatabase(t *testing.T) {
	first, second := ClickHouse(t), ClickHouse(t)
	if first == second {
		t.Fatalf("two calls share the database of %s", first)
	}
	for _, dsn := range []string{first, second} {
		// The same table in both shows that the databases are separate.
		if err := execute(dsn, "CREATE TABLE numbers (n UInt64) ENGINE = MergeTree ORDER BY n"); err != nil {
			t.Fatal(err)
		}
	}
	if err := execute(first, "INSERT INTO numbers SELECT number FROM system.numbers LIMIT 1000"); err != nil {
		t.Fatal(err)
	}
	for dsn, want := range map[string]uint64{first: 1000, second: 0} {
		options, err := clickhouse.ParseDSN(dsn)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := clickhouse.Open(options)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		var got uint64
		if err := conn.QueryRow(context.Background(), "SELECT count() FROM numbers").Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%d rows, want %d", got, want)
		}
	}
}

// A passed test leaves no table behind, a failed one all of them.
func TestClickHouse_DropsTables(t *testing.T) {
	running, err := shared.get()
	if err != nil {
		ClickHouse(t) // skips or fails
	}
	t.Run("Passed", func(t *testing.T) {
		dsn := ClickHouse(t)
		for _, statement := range []string{
			"CREATE TABLE numbers (n UInt64) ENGINE = MergeTree ORDER BY n",
			"CREATE MATERIALIZED VIEW copies ENGINE = MergeTree ORDER BY n AS SELECT n FROM numbers",
			"INSERT INTO numbers SELECT number FROM system.numbers LIMIT 10",
		} {
			if err := execute(dsn, statement); err != nil {
				t.Fatal(err)
			}
		}
	})
	options, err := clickhouse.ParseDSN(running.DSN())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := clickhouse.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var tables uint64
	if err := conn.QueryRow(context.Background(),
		"SELECT count() FROM system.tables WHERE startsWith(database, 'kaskad_testclickhouse_dropstables')").Scan(&tables); err != nil {
		t.Fatal(err)
	}
	if tables != 0 {
		t.Errorf("%d tables are left", tables)
	}
}

func TestBroker_Topics(t *testing.T) {
	addrs := Broker(t, engine.Topic{Name: "events"}, engine.Topic{Name: "rejected", Partitions: 1})
	conn, err := kafka.Dial("tcp", addrs[0])
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for topic, want := range map[string]int{"events": engine.DefaultPartitions, "rejected": 1} {
		partitions, err := conn.ReadPartitions(topic)
		if err != nil {
			t.Fatal(err)
		}
		if len(partitions) != want {
			t.Errorf("topic %s has %d partitions, want %d", topic, len(partitions), want)
		}
	}
}
