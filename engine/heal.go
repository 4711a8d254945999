package engine

import (
	"context"
	_ "embed"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

//go:embed sql/broken_parts.sql
var brokenPartsSQL string

//go:embed sql/sources.sql
var sourcesSQL string

// heal removes what a start put aside as broken and nobody lacks: parts whose sources are back, and, where the process
// before was replaced because it lost writes, inserts of which nobody was told that they are done. What it leaves is
// lost, which is for others to judge.
func (c *ClickHouse) heal(ctx context.Context, conn driver.Conn, afterLostWrites bool) error {
	type part struct {
		database, table, name, partition string
		first, last                      int64
	}
	rows, err := conn.Query(ctx, brokenPartsSQL)
	if err != nil {
		return fmt.Errorf("look for broken parts: %w", err)
	}
	defer rows.Close()
	var broken []part
	for rows.Next() {
		var p part
		var partition *string
		var first, last *int64
		if err := rows.Scan(&p.database, &p.table, &p.name, &partition, &first, &last); err != nil {
			return fmt.Errorf("look for broken parts: %w", err)
		}
		if partition == nil || first == nil || last == nil {
			continue
		}
		p.partition, p.first, p.last = *partition, *first, *last
		broken = append(broken, p)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("look for broken parts: %w", err)
	}
	for _, p := range broken {
		back, err := sourcesAreBack(ctx, conn, p.database, p.table, p.partition, p.first, p.last)
		if err != nil {
			return err
		}
		// Level 0 and no mutation: as it was inserted.
		inserted := p.first == p.last && strings.HasSuffix(p.name, fmt.Sprintf("_%d_%d_0", p.first, p.last))
		log := c.config.Logger.With("table", p.database+"."+p.table, "part", p.name)
		switch {
		case back:
			log.Warn("a part that a full disk spoiled was replaced by those that it was made from")
		case inserted && afterLostWrites:
			log.Warn("an insert that a full disk spoiled was removed; it is repeated")
		default:
			log.Error("a part cannot be read and nothing replaces it")
			continue
		}
		quote := func(name string) string {
			return "`" + strings.NewReplacer("\\", "\\\\", "`", "\\`").Replace(name) + "`"
		}
		statement := fmt.Sprintf("ALTER TABLE %s.%s DROP DETACHED PART '%s' SETTINGS allow_drop_detached = 1",
			quote(p.database), quote(p.table),
			strings.NewReplacer("\\", "\\\\", "'", "\\'").Replace(p.name))
		if err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("remove broken part %s of %s: %w", p.name, p.table, err)
		}
	}
	return nil
}

// sourcesAreBack reports whether active parts hold all blocks of a range, and no others: parts merged later may span
// blocks that are lost.
func sourcesAreBack(ctx context.Context, conn driver.Conn, database, table, partition string, first, last int64) (bool,
	error) {
	rows, err := conn.Query(ctx, sourcesSQL, clickhouse.Named("database", database), clickhouse.Named("table", table),
		clickhouse.Named("partition", partition), clickhouse.Named("first", first), clickhouse.Named("last", last))
	if err != nil {
		return false, fmt.Errorf("look for the sources of a part: %w", err)
	}
	defer rows.Close()
	next := first
	for rows.Next() {
		var from, to int64
		if err := rows.Scan(&from, &to); err != nil {
			return false, fmt.Errorf("look for the sources of a part: %w", err)
		}
		if from > next {
			return false, rows.Err()
		}
		next = max(next, to+1)
	}
	return next > last, rows.Err()
}
