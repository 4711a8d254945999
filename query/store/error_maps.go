package store

import (
	"context"
	"fmt"
	"sync"

	"github.com/ClickHouse/clickhouse-go/v2"

	"kaskad/schema/errormap"
)

// errorMapCache keeps the error maps of all accounts, for reading and compiling them takes longer than looking whether
// one has changed. It is safe for concurrent use.
type errorMapCache struct {
	mu    sync.Mutex
	state uint64
	maps  *errormap.Maps
}

// ErrorMaps returns the newest error maps.
func (d *DB) ErrorMaps(ctx context.Context) (*errormap.Maps, error) {
	known, err := d.References(ctx)
	if err != nil {
		return nil, fmt.Errorf("look at error maps: %w", err)
	}
	return d.ErrorMapsOf(ctx, known)
}

// ErrorMapsOf returns those that a request began with, or newer ones.
func (d *DB) ErrorMapsOf(ctx context.Context, known References) (*errormap.Maps, error) {
	c := &d.maps
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.maps != nil && c.state == known.errorMaps {
		return c.maps, nil
	}
	maps, err := errormap.Read(d.Settings(ctx), d.Conn)
	if err != nil {
		return nil, err
	}
	c.state, c.maps = known.errorMaps, maps
	return maps, nil
}

// WithLossCodes sends along with a statement what the error maps of all accounts say of losses (errormap.LossTable).
func (d *DB) WithLossCodes(ctx context.Context) (context.Context, error) {
	maps, err := d.ErrorMaps(ctx)
	if err != nil {
		return nil, err
	}
	table, err := maps.LossTable()
	if err != nil {
		return nil, err
	}
	return clickhouse.Context(ctx, clickhouse.WithExternalTable(table)), nil
}
