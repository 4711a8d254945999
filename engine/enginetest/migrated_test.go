package enginetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"

	"kaskad/schema"
)

// A copy has the tables, views and rows of the database that was migrated, it is the test's own, and nothing is left to
// migrate in it.
func TestMigrated_AsMigration(t *testing.T) {
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
	want := shown(t, options)
	if len(want) < 50 {
		t.Fatalf("%d tables, want those of Kaskad", len(want))
	}
	for range 2 {
		copied := Migrated(t, schema.Migrate)
		if got := shown(t, copied); !slices.Equal(got, want) {
			t.Errorf("a copy has\n%q\nwant\n%q", got, want)
		}
		if got := migrate(copied); got != version || !slices.Equal(shown(t, copied), want) {
			t.Errorf("migrated again it has version %d, want %d and the same tables", got, version)
		}
		conn := Open(t, schema.Migrate)
		if err := conn.Exec(context.Background(), "DROP TABLE attempts"); err != nil {
			t.Fatal(err)
		}
	}
}

// shown are the statements that made the tables of a database, and how many rows these have.
func shown(t *testing.T, options *clickhouse.Options) (all []string) {
	t.Helper()
	conn, err := clickhouse.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.QueryRow(t.Context(), `SELECT arraySort(groupArray(concat(
		replaceAll(create_table_query, currentDatabase(), ''), ' ', toString(ifNull(total_rows, 0)))))
		FROM system.tables WHERE database = currentDatabase()`).Scan(&all); err != nil {
		t.Fatal(err)
	}
	var states uint64 // of which ClickHouse says no number
	if err := conn.QueryRow(t.Context(), "SELECT count() FROM message_states").Scan(&states); err != nil {
		t.Fatal(err)
	}
	return append(all, fmt.Sprint(states, " states"))
}

// A copy that a test has filled and given back is as new for the next one; one whose tables a test has changed is given
// to nobody.
func TestMigrated_GivenBack(t *testing.T) {
	Alone(t) // others would take what it gives back
	want := shown(t, Migrated(t, schema.Migrate))
	use := func(name string, statements ...string) (database string) {
		t.Run(name, func(t *testing.T) {
			options := Migrated(t, schema.Migrate)
			conn, err := clickhouse.Open(options)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			for _, s := range statements {
				if err := conn.Exec(t.Context(), s); err != nil {
					t.Fatal(err)
				}
			}
			database = options.Auth.Database
		})
		return database
	}
	filled := use("Filled", "INSERT INTO attempts (account, message_id) VALUES ('a', 'm')", "TRUNCATE TABLE routes",
		"INSERT INTO message_states (key, state) VALUES ('k', 's')", "INSERT INTO ledger (topic) VALUES ('t')")
	again := Migrated(t, schema.Migrate)
	if got := shown(t, again); again.Auth.Database != filled || !slices.Equal(got, want) {
		t.Errorf("%s, given back as %s, has\n%q\nwant\n%q", again.Auth.Database, filled, got, want)
	}
	changed := use("Changed", "ALTER TABLE ledger ADD COLUMN more UInt8")
	if next := Migrated(t, schema.Migrate).Auth.Database; next == changed {
		t.Errorf("%s is given again although its tables were changed", changed)
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

func TestAgain_SkipsHereAlone(t *testing.T) {
	for set, want := range map[string]bool{"": true, "TEST_LONG=1": false, "TEST_LONG=40": false, "CI=true": false} {
		t.Setenv("TEST_LONG", "")
		t.Setenv("CI", "")
		if name, value, _ := strings.Cut(set, "="); name != "" {
			t.Setenv(name, value)
		}
		t.Run("with "+set, func(t *testing.T) {
			defer func() {
				if t.Skipped() != want {
					t.Errorf("skipped: %v, want %v", t.Skipped(), want)
				}
			}()
			Again(t, "TestAnother")
		})
	}
}

func TestWorld_Sizes(t *testing.T) {
	for long, want := range map[string]int{"": 20, "1": 1000, "10": 100, "100": 40} {
		t.Setenv("TEST_LONG", long)
		if got := World(t, 20, 40, 1000); got != want || Long() != (long != "") {
			t.Errorf("TEST_LONG=%s: %d, want %d", long, got, want)
		}
	}
}
