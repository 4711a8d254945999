package query

import (
	"context"
	_ "embed"
	"fmt"
	"sync"

	"github.com/ClickHouse/clickhouse-go/v2"

	"kaskad/schema"
	"kaskad/schema/errormap"
)

//go:embed error_maps.sql
var errorMapsSQL string

// errorMapCache keeps the error maps of all accounts, for reading and compiling them takes longer than looking whether
// one has changed. It is safe for concurrent use.
type errorMapCache struct {
	mu    sync.Mutex
	state uint64
	maps  *errormap.Maps
}

// errorMaps returns the newest error maps.
func (s *Server) errorMaps(ctx context.Context) (*errormap.Maps, error) {
	var state uint64
	if err := s.deps.Conn.QueryRow(s.settings(ctx), errorMapsSQL,
		clickhouse.Named("kind", schema.ReferenceErrorMap)).Scan(&state); err != nil {
		return nil, fmt.Errorf("look at error maps: %w", err)
	}
	c := &s.errors
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.maps != nil && c.state == state {
		return c.maps, nil
	}
	maps, err := errormap.Read(s.settings(ctx), s.deps.Conn)
	if err != nil {
		return nil, err
	}
	c.state, c.maps = state, maps
	return maps, nil
}
