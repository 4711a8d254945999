package schema

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate brings the database to the newest schema. Running it again is a no-op. It returns the schema's version.
func Migrate(ctx context.Context, db *sql.DB) (int64, error) {
	provider, err := newProvider(db)
	if err != nil {
		return 0, err
	}
	if _, err := provider.Up(ctx); err != nil {
		return 0, fmt.Errorf("migrate: %w", err)
	}
	have, want, err := versions(ctx, provider)
	if err != nil {
		return have, err
	}
	if have > want {
		return have, fmt.Errorf("the database has schema version %d, this program knows up to %d: run a newer kaskad",
			have, want)
	}
	return have, Channels.addRoutes(ctx, db)
}

// Versions returns the schema version of the database and the one that this program works with, without changing
// anything.
func Versions(ctx context.Context, db *sql.DB) (have, want int64, err error) {
	provider, err := newProvider(db)
	if err != nil {
		return 0, 0, err
	}
	return versions(ctx, provider)
}

// Reached returns the schema version of a database that was migrated, and the one that this program works with.
func Reached(ctx context.Context, conn driver.Conn) (have, want int64, err error) {
	files, err := migrations.ReadDir("migrations")
	if err != nil {
		return 0, 0, fmt.Errorf("read migrations: %w", err)
	}
	for _, file := range files {
		version, err := goose.NumericComponent(file.Name())
		if err != nil {
			return 0, 0, fmt.Errorf("read migrations: %w", err)
		}
		want = max(want, version)
	}
	if err := conn.QueryRow(ctx, "SELECT max(version_id) FROM goose_db_version").Scan(&have); err != nil {
		return 0, want, fmt.Errorf("read schema version: %w", err)
	}
	return have, want, nil
}

func newProvider(db *sql.DB) (*goose.Provider, error) {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	provider, err := goose.NewProvider(database.DialectClickHouse, db, dir, goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	return provider, nil
}

func versions(ctx context.Context, provider *goose.Provider) (have, want int64, err error) {
	if have, err = provider.GetDBVersion(ctx); err != nil {
		return 0, 0, fmt.Errorf("read schema version: %w", err)
	}
	for _, s := range provider.ListSources() {
		want = max(want, s.Version)
	}
	return have, want, nil
}
