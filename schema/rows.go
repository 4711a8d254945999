package schema

import (
	"context"
	"fmt"
	"iter"

	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// EachRow reads the rows of a query, of which do scans one after the other. Errors say what was to be done.
func EachRow(ctx context.Context, conn driver.Conn, what, query string, do func(driver.Rows) error,
	parameters ...any) error {
	rows, err := conn.Query(ctx, query, parameters...)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := do(rows); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// TableOf is a table that goes with a statement: row gives the columns of each of all.
func TableOf[T any](name string, all iter.Seq[T], row func(T) []any, columns ...func(*ext.Table) error) (*ext.Table,
	error) {
	table, err := ext.NewTable(name, columns...)
	if err != nil {
		return nil, err
	}
	for one := range all {
		if err := table.Append(row(one)...); err != nil {
			return nil, fmt.Errorf("list %s: %w", name, err)
		}
	}
	return table, nil
}
