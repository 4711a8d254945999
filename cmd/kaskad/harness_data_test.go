package main

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"kaskad/engine"
	"kaskad/schema"
)

// migratedData is a data directory whose database is migrated and empty, as kaskad leaves it that was started once.
// Tests start from copies: to migrate takes kaskad longer than all else that it does at its first start. The tests of
// the demo, of keys and of the contract's first example start from nothing.
var migratedData dataTemplate

type dataTemplate struct {
	once sync.Once
	dir  string
	err  error
}

// copyTo fills a directory that is empty or missing.
func (d *dataTemplate) copyTo(t testing.TB, dir string) {
	t.Helper()
	if d.once.Do(d.make); d.err != nil {
		t.Fatalf("make a migrated data directory: %v", d.err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cp", "-R", "-p", d.dir+"/.", dir).CombinedOutput(); err != nil {
		t.Fatalf("copy a migrated data directory: %v: %s", err, out)
	}
}

func (d *dataTemplate) make() {
	if d.dir, d.err = os.MkdirTemp("", "kaskad-migrated-"); d.err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	var server *engine.ClickHouse
	server, d.err = engine.StartClickHouse(ctx, engine.Config{Dir: filepath.Join(d.dir, "clickhouse"),
		Logger: slog.New(slog.DiscardHandler)})
	if d.err != nil {
		return
	}
	options, err := clickhouse.ParseDSN(server.DSN())
	if err == nil {
		db := clickhouse.OpenDB(options)
		_, err = schema.Migrate(ctx, db)
		_ = db.Close()
	}
	d.err = err
	if err := server.Stop(ctx); d.err == nil {
		d.err = err
	}
}

func (d *dataTemplate) remove() {
	if d.dir != "" {
		_ = os.RemoveAll(d.dir)
	}
}
