package store

import (
	"context"
	_ "embed"
	"fmt"
	"sync"

	"github.com/ClickHouse/clickhouse-go/v2"

	"kaskad/schema"
	"kaskad/schema/errormap"
)

//go:embed sql/error_maps.sql
var errorMapsSQL string

// errorMapCache keeps the error maps of all accounts, for reading and compiling them takes longer than looking whether
// one has changed. It is safe for concurrent use.
type errorMapCache struct {
	mu    sync.Mutex
	state uint64
	maps  *errormap.Maps
}

// ErrorMaps returns the newest error maps.
func (d *DB) ErrorMaps(ctx context.Context) (*errormap.Maps, error) {
	var state uint64
	if err := d.Conn.QueryRow(d.Settings(ctx), errorMapsSQL,
		clickhouse.Named("kind", schema.ReferenceErrorMap)).Scan(&state); err != nil {
		return nil, fmt.Errorf("look at error maps: %w", err)
	}
	c := &d.maps
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.maps != nil && c.state == state {
		return c.maps, nil
	}
	maps, err := errormap.Read(d.Settings(ctx), d.Conn)
	if err != nil {
		return nil, err
	}
	c.state, c.maps = state, maps
	return maps, nil
}

// WithErrorMaps sends the error maps of all accounts along with a statement.
func (d *DB) WithErrorMaps(ctx context.Context) (context.Context, error) {
	maps, err := d.ErrorMaps(ctx)
	if err != nil {
		return nil, err
	}
	table, err := maps.Table()
	if err != nil {
		return nil, err
	}
	return clickhouse.Context(ctx, clickhouse.WithExternalTable(table)), nil
}
