package enginetest

import (
	"context"
	"slices"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"

	"kaskad/schema"
)

// A copy has the tables, views and rows of the database that was migrated, it is the test's own, and nothing is left to
// migrate in it.
func TestMigrated_AsMigration(t *testing.T) {
	shown := func(options *clickhouse.Options) []string {
		t.Helper()
		conn, err := clickhouse.Open(options)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		var all []string
		if err := conn.QueryRow(t.Context(), `SELECT arraySort(groupArray(concat(
			replaceAll(create_table_query, currentDatabase(), ''), ' ', toString(ifNull(total_rows, 0)))))
			FROM system.tables WHERE database = currentDatabase()`).Scan(&all); err != nil {
			t.Fatal(err)
		}
		return all
	}
	migrate := func(options *clickhouse.Options) int64 {
		t.Helper()
		db := clickhouse.OpenDB(options)
		defer db.Close()
		version, err := schema.Migrate(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		return version
	}
	options, err := clickhouse.ParseDSN(ClickHouse(t))
	if err != nil {
		t.Fatal(err)
	}
	version := migrate(options)
	want := shown(options)
	if len(want) < 50 {
		t.Fatalf("%d tables, want those of Kaskad", len(want))
	}
	for range 2 {
		copied := Migrated(t, schema.Migrate)
		if got := shown(copied); !slices.Equal(got, want) {
			t.Errorf("a copy has\n%q\nwant\n%q", got, want)
		}
		if got := migrate(copied); got != version || !slices.Equal(shown(copied), want) {
			t.Errorf("migrated again it has version %d, want %d and the same tables", got, version)
		}
		conn := Open(t, schema.Migrate)
		if err := conn.Exec(context.Background(), "DROP TABLE attempts"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestParallel_DecidedOnce(t *testing.T) {
	Alone(t)
	Parallel(t) // would be refused by package testing after t.Setenv
	t.Setenv("ANY", "thing")
	t.Run("Subtest", func(t *testing.T) {
		Parallel(t)
		t.Setenv("ANY", "thing") // a subtest that runs beside others is refused it
	})
}

func TestWorld_Sizes(t *testing.T) {
	for long, want := range map[string]int{"": 40, "1": 1000, "10": 100, "100": 40} {
		t.Setenv("TEST_LONG", long)
		if got := World(t, 40, 1000); got != want || Long() != (long != "") {
			t.Errorf("TEST_LONG=%s: %d, want %d", long, got, want)
		}
	}
}
