package schema

import (
	"context"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// SetDurable makes every table of the current database sync inserts to disk before they are acknowledged, and merged
// parts before their sources go, or takes that back. Without it the death of any process loses nothing, but the loss of
// power may.
func SetDurable(ctx context.Context, conn driver.Conn, durable bool) error {
	rows, err := conn.Query(ctx, "SELECT name, engine_full FROM system.tables WHERE database = currentDatabase() AND "+
		"engine LIKE '%MergeTree%' ORDER BY name")
	if err != nil {
		return fmt.Errorf("list tables: %w", err)
	}
	defer rows.Close()
	settings := []string{"fsync_after_insert", "fsync_part_directory", "min_rows_to_fsync_after_merge",
		"min_compressed_bytes_to_fsync_after_merge"}
	on := strings.Join(settings, " = 1, ") + " = 1"
	var statements []string
	for rows.Next() {
		var name, engine string
		if err := rows.Scan(&name, &engine); err != nil {
			return fmt.Errorf("list tables: %w", err)
		}
		set := 0
		for _, setting := range settings {
			if strings.Contains(engine, setting+" = 1") {
				set++
			}
		}
		switch {
		case durable && set < len(settings):
			statements = append(statements, "ALTER TABLE `"+name+"` MODIFY SETTING "+on)
		case !durable && set > 0:
			statements = append(statements, "ALTER TABLE `"+name+"` RESET SETTING "+strings.Join(settings, ", "))
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
