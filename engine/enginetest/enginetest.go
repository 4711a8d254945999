// Package enginetest gives tests a real ClickHouse and a Kafka broker in their
// own process tree, with nothing installed.
//
// A package whose tests use it needs
//
//	func TestMain(m *testing.M) { enginetest.Main(m) }
//
// All tests of a package share one ClickHouse, which starts with the first test
// that asks for it; each test gets a database of its own, and those whose
// database is migrated run beside each other. Where ClickHouse is missing, such
// tests fail when CI=true and are skipped elsewhere.
package enginetest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"kaskad/engine"
)

// maxMemory limits the shared ClickHouse, because the tests of several packages
// run at the same time. Exceeding it is an error of the query, so it shows.
const maxMemory = 4 << 30

// shared is the ClickHouse of this test process. It is the one variable of this
// package: tests have no other place to meet.
var shared server

type server struct {
	mu         sync.Mutex
	dir        string
	clickhouse *engine.ClickHouse
	err        error
	kept       []string
	decided    map[*testing.T]bool // whether they run beside others

	templateOnce sync.Once
	template     *template
	templateErr  error
	free         []string // copies of the template that tests have given back
}

// Main runs the tests of a package and stops what they started. It never returns.
func Main(m *testing.M) {
	engine.MaybeChild()
	code := m.Run()
	if err := shared.stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// ClickHouse returns the DSN of a new, empty database on the shared server. Its
// tables are dropped when the test passes; when it fails, they are kept and the
// test's log says where.
func ClickHouse(tb testing.TB) (dsn string) {
	tb.Helper()
	running := started(tb)
	name, err := databaseName(tb.Name())
	if err != nil {
		tb.Fatal(err)
	}
	if err := createDatabase(running.DSN(), name); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if tb.Failed() {
			shared.keep(tb, name)
			return
		}
		if err := dropTables(running.DSN(), name); err != nil {
			tb.Error(err)
		}
	})
	address, err := url.Parse(running.DSN())
	if err != nil {
		tb.Fatal(err)
	}
	address.Path = "/" + name
	return address.String()
}

// started returns the shared server.
func started(tb testing.TB) *engine.ClickHouse {
	tb.Helper()
	running, err := shared.get()
	if errors.Is(err, engine.ErrNoClickHouse) {
		missing(tb, err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return running
}

// missing ends a test that lacks a service: a failure on CI, where everything
// must be there, and a skip that says so elsewhere.
func missing(tb testing.TB, err error) {
	tb.Helper()
	if os.Getenv("CI") == "true" {
		tb.Fatalf("%v (CI=true, so this is a failure and no skip)", err)
	}
	tb.Skipf("skipped: %v", err)
}

// get starts the server at the first call. A failed start is not tried again.
func (s *server) get() (*engine.ClickHouse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.clickhouse != nil || s.err != nil {
		return s.clickhouse, s.err
	}
	if s.err = engine.Available(); s.err != nil {
		return nil, s.err
	}
	if s.dir, s.err = os.MkdirTemp("", "kaskad-enginetest-"); s.err != nil {
		return nil, s.err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s.clickhouse, s.err = engine.StartClickHouse(ctx, engine.Config{
		Dir:       s.dir,
		Logger:    slog.New(slog.DiscardHandler),
		MaxMemory: maxMemory,
		Databases: true,
	})
	return s.clickhouse, s.err
}

// keep remembers that a failed test's database must outlive the process.
func (s *server) keep(tb testing.TB, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = append(s.kept, name)
	tb.Logf("kept: database %s in %s; look into it with: %s", name, s.dir, s.shell("SHOW TABLES FROM "+name))
}

// shell is a command that opens the data directory of a stopped server.
func (s *server) shell(query string) string {
	return fmt.Sprintf("clickhouse local --path=%s/store --query '%s'", s.dir, query)
}

func (s *server) stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.clickhouse == nil {
		return nil
	}
	crash := s.clickhouse.Err()
	if crashes := s.clickhouse.Crashes(); crash == nil && crashes > 0 {
		crash = fmt.Errorf("the shared ClickHouse crashed %d times during the tests", crashes)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := errors.Join(crash, s.clickhouse.Stop(ctx)); err != nil {
		return fmt.Errorf("%w (data kept in %s)", err, s.dir)
	}
	if len(s.kept) > 0 {
		return nil
	}
	return os.RemoveAll(s.dir)
}

func createDatabase(dsn, name string) error {
	return execute(dsn, "CREATE DATABASE "+name+" ENGINE = Atomic")
}

// dropTables leaves the database itself until the server ends: a connection that some goroutine of a test opens late
// would otherwise end the server, see package engine.
func dropTables(dsn, name string) error { return execute(dsn, "TRUNCATE DATABASE "+name) }

func execute(dsn, statement string) error {
	options, err := clickhouse.ParseDSN(dsn)
	if err != nil {
		return fmt.Errorf("parse DSN: %w", err)
	}
	conn, err := clickhouse.Open(options)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close()
	if err := conn.Exec(context.Background(), statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

// databaseName is the test's name, cut down to what needs no quoting, and a
// random part.
func databaseName(test string) (string, error) {
	var random [4]byte
	if _, err := rand.Read(random[:]); err != nil {
		return "", fmt.Errorf("make database name: %w", err)
	}
	name := strings.Trim(regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(test), "_"), "_")
	if len(name) > 48 {
		name = name[:48]
	}
	return engine.Database + "_" + name + "_" + hex.EncodeToString(random[:]), nil
}

// Broker starts a Kafka broker in memory with the given topics, and stops it
// when the test ends. A topic without a number of partitions gets
// [engine.DefaultPartitions].
func Broker(tb testing.TB, topics ...engine.Topic) (addrs []string) {
	tb.Helper()
	broker, err := engine.StartBroker(context.Background(), engine.BrokerConfig{
		Topics: topics,
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := broker.Stop(ctx); err != nil {
			tb.Error(err)
		}
	})
	return broker.Addrs()
}
