package store

import (
	"context"
	_ "embed"
	"errors"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"
)

//go:embed sql/parts.sql
var partsSQL string

// PartsOf names what some tables are made of: another number once anything was stored there, or taken back. It is false
// where ClickHouse does not tell, because its user may not read system.parts.
func (d *DB) PartsOf(ctx context.Context, tables []string) (parts uint64, known bool, err error) {
	err = d.Conn.QueryRow(d.SmallSettings(ctx), partsSQL, clickhouse.Named("tables", tables)).Scan(&known, &parts)
	if refused(err) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("look at parts: %w", err)
	}
	return parts, known, nil
}

// refused reports whether a statement failed because the user may not read a table.
func refused(err error) bool {
	exception := (*clickhouse.Exception)(nil)
	return errors.As(err, &exception) && exception.Code == accessDenied
}
