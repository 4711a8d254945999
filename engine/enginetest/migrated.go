package enginetest

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Migration brings an empty database to the schema that the tests of a package need, as schema.Migrate does.
type Migration func(ctx context.Context, db *sql.DB) (version int64, err error)

// Open returns a connection to a database of the test's own, as [Migrated] makes it.
func Open(tb testing.TB, migrate Migration) driver.Conn {
	tb.Helper()
	conn, err := clickhouse.Open(Migrated(tb, migrate))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close() })
	return conn
}

// Migrated returns the address of a database with the tables and rows that migrate makes, and no others. The tests of a
// package give the same migration: it runs once, and a test gets a copy of its result, for a third of the processor's
// time and a seventh of the waiting; or the copy of a test that has passed, emptied, for a third of that.
//
// The test runs beside others that have a database, see [Parallel].
func Migrated(tb testing.TB, migrate Migration) *clickhouse.Options {
	tb.Helper()
	Parallel(tb)
	running := started(tb)
	made, err := shared.migrated(migrate)
	if err != nil {
		tb.Fatal(err)
	}
	options, err := clickhouse.ParseDSN(running.DSN())
	if err != nil {
		tb.Fatal(err)
	}
	if options.Auth.Database = shared.take(); options.Auth.Database == "" {
		if options.Auth.Database, err = databaseName(tb.Name()); err != nil {
			tb.Fatal(err)
		}
		if err := createDatabase(running.DSN(), options.Auth.Database); err != nil {
			tb.Fatal(err)
		}
		if err := made.copyTo(tb.Context(), options); err != nil {
			tb.Fatalf("copy the migrated database: %v", err)
		}
	}
	options.Settings = settings()
	own := *options
	tb.Cleanup(func() {
		if tb.Failed() {
			shared.keep(tb, own.Auth.Database)
			return
		}
		if err := made.giveBack(context.Background(), &own, running.DSN()); err != nil {
			tb.Error(err)
		}
	})
	return options
}

// settings are those of a test's statements, most of which run once over few rows: compiling expressions and threads
// cost them a tenth of their time. With TEST_LONG they are the product's.
func settings() clickhouse.Settings {
	if Long() {
		return nil
	}
	return clickhouse.Settings{"compile_expressions": 0, "compile_aggregate_expressions": 0,
		"compile_sort_description": 0, "max_threads": 1}
}

// template is a migrated database that is copied for each test.
type template struct {
	database string
	tables   []string // statements that create them, views last, for they read the others
	views    []string
	filled   []string // names of the tables into which the migration put rows
	sum      uint64   // of all statements that create it
}

// migrated makes the template at the first call. A migration that failed is not tried again.
func (s *server) migrated(migrate Migration) (*template, error) {
	running, err := s.get()
	if err != nil {
		return nil, err
	}
	s.templateOnce.Do(func() { s.template, s.templateErr = makeTemplate(running.DSN(), migrate) })
	return s.template, s.templateErr
}

func makeTemplate(dsn string, migrate Migration) (*template, error) {
	ctx := context.Background()
	name, err := databaseName("template")
	if err != nil {
		return nil, err
	}
	if err := createDatabase(dsn, name); err != nil {
		return nil, err
	}
	options, err := clickhouse.ParseDSN(dsn)
	if err != nil {
		return nil, fmt.Errorf("parse DSN: %w", err)
	}
	options.Auth.Database = name
	db := clickhouse.OpenDB(options)
	defer db.Close()
	if _, err := migrate(ctx, db); err != nil {
		return nil, err
	}
	made := &template{database: name}
	if err := db.QueryRowContext(ctx, usedTables).Scan(new([]string), &made.sum); err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	rows, err := db.QueryContext(ctx, "SELECT name, create_table_query, engine LIKE '%View', "+
		"ifNull(total_rows, 0) > 0 FROM system.tables WHERE database = currentDatabase() ORDER BY name")
	if err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var table, statement string
		var view, filled bool
		if err := rows.Scan(&table, &statement, &view, &filled); err != nil {
			return nil, fmt.Errorf("list tables: %w", err)
		}
		if view {
			made.views = append(made.views, statement)
		} else {
			made.tables = append(made.tables, statement)
		}
		if filled {
			made.filled = append(made.filled, table)
		}
	}
	return made, rows.Err()
}

// usedTables names the tables of a database that may have rows, and sums up the statements that create all of them.
const usedTables = `SELECT groupArrayIf(name, engine NOT LIKE '%View' AND ifNull(total_rows, 1) > 0),
	cityHash64(arraySort(groupArray(replaceAll(create_table_query, currentDatabase(), ''))))
	FROM system.tables WHERE database = currentDatabase()`

// copyTo makes the tables of the template and their rows in an empty database.
func (made *template) copyTo(ctx context.Context, options *clickhouse.Options) error {
	conn, err := openBrief(options)
	if err != nil {
		return err
	}
	defer conn.Close()
	name := options.Auth.Database
	var statements []string
	for _, s := range made.tables {
		statements = append(statements, strings.ReplaceAll(s, made.database, name))
	}
	statements = append(statements, made.fill(name)...)
	for _, s := range made.views {
		statements = append(statements, strings.ReplaceAll(s, made.database, name))
	}
	return executeAll(ctx, conn, statements)
}

// fill are the statements that put the template's rows into an empty copy.
func (made *template) fill(name string) (statements []string) {
	for _, table := range made.filled {
		statements = append(statements, fmt.Sprintf("INSERT INTO %s.`%s` SELECT * FROM %s.`%[2]s`", name, table,
			made.database))
	}
	return statements
}

// giveBack empties a copy for the next test, or, where the test has changed its tables, drops them.
func (made *template) giveBack(ctx context.Context, options *clickhouse.Options, dsn string) error {
	conn, err := openBrief(options)
	if err != nil {
		return err
	}
	defer conn.Close()
	name := options.Auth.Database
	var used []string
	var sum uint64
	if err := conn.QueryRow(ctx, usedTables).Scan(&used, &sum); err != nil {
		return fmt.Errorf("list tables: %w", err)
	}
	if sum != made.sum {
		return dropTables(dsn, name)
	}
	var statements []string
	for _, table := range used {
		statements = append(statements, "TRUNCATE TABLE `"+table+"`")
	}
	if err := executeAll(ctx, conn, append(statements, made.fill(name)...)); err != nil {
		return err
	}
	shared.mu.Lock()
	defer shared.mu.Unlock()
	shared.free = append(shared.free, name)
	return nil
}

// take returns the name of a copy that a test has given back, "" where there is none.
func (s *server) take() (name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last := len(s.free) - 1; last >= 0 {
		name, s.free = s.free[last], s.free[:last]
	}
	return name
}

// openBrief connects to change tables that nobody keeps over a power cut, so each need not wait for the disk.
func openBrief(options *clickhouse.Options) (driver.Conn, error) {
	own := *options
	own.Settings = clickhouse.Settings{"fsync_metadata": 0}
	conn, err := clickhouse.Open(&own)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return conn, nil
}

func executeAll(ctx context.Context, conn driver.Conn, statements []string) error {
	for _, s := range statements {
		if err := conn.Exec(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

// Parallel lets a test run beside others of its package, as many at a time as go test -parallel says, which is the
// number of cores. [Migrated] and [Open] call it; calling it again does nothing, and neither does calling it for a
// subtest, whose test decides on that, for a benchmark, or after [Alone].
func Parallel(tb testing.TB) {
	tb.Helper()
	t, isTest := tb.(*testing.T)
	if !isTest || strings.Contains(t.Name(), "/") || !shared.decide(t) {
		return
	}
	t.Parallel()
}

// Long reports whether larger worlds than make test's were asked for. A test that only meets more of the same then asks
// [World] for its size.
func Long() bool { return os.Getenv("TEST_LONG") != "" }

// LongOrCI reports whether all is to be tested that Again leaves out elsewhere.
func LongOrCI() bool { return Long() || os.Getenv("CI") == "true" }

// World is the size of a test's world: small in make test, and large with TEST_LONG=1, as in make test-long.
// TEST_LONG=10 asks for a tenth of the large one, where that is more than some, as in CI.
func World(tb testing.TB, small, some, large int) int {
	tb.Helper()
	if !Long() {
		return small
	}
	part, err := strconv.Atoi(os.Getenv("TEST_LONG"))
	if err != nil || part < 1 {
		tb.Fatalf("TEST_LONG=%s: want 1, or the part of the large world that is wanted, as 10", os.Getenv("TEST_LONG"))
	}
	return max(some, large/part)
}

// Again is for a test of a law that others hold at less cost, named by holders: make test has those, and make test-long
// (TEST_LONG) and CI (CI=true) have this one as well.
func Again(tb testing.TB, holders ...string) {
	tb.Helper()
	if !LongOrCI() {
		tb.Skipf("runs with TEST_LONG and in CI; here %s hold the same law", strings.Join(holders, ", "))
	}
}

// Alone keeps a test from running beside others: one that changes the process, or measures it. It comes before
// [Migrated] and [Open].
func Alone(t *testing.T) { shared.decide(t) }

// decide reports whether nothing was decided about the test yet.
func (s *server) decide(t *testing.T) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.decided[t] {
		return false
	}
	if s.decided == nil {
		s.decided = map[*testing.T]bool{}
	}
	s.decided[t] = true
	return true
}
