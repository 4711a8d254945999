package schema

import (
	"context"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// SetDurable makes every table of the current database sync an insert to disk before it is acknowledged, or takes that back. Without
// it the death of any process loses nothing, but the loss of power may.
func SetDurable(ctx context.Context, conn driver.Conn, durable bool) error {
	rows, err := conn.Query(ctx, "SELECT name, engine_full FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree%' ORDER BY name")
	if err != nil {
		return fmt.Errorf("list tables: %w", err)
	}
	defer rows.Close()
	const on = "fsync_after_insert = 1, fsync_part_directory = 1"
	var statements []string
	for rows.Next() {
		var name, engine string
		if err := rows.Scan(&name, &engine); err != nil {
			return fmt.Errorf("list tables: %w", err)
		}
		switch is := strings.Contains(engine, on); {
		case durable && !is:
			statements = append(statements, "ALTER TABLE `"+name+"` MODIFY SETTING "+on)
		case !durable && is:
			statements = append(statements, "ALTER TABLE `"+name+"` RESET SETTING fsync_after_insert, fsync_part_directory")
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("list tables: %w", err)
	}
	for _, s := range statements {
		if err := conn.Exec(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}
