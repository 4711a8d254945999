package bench

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

var (
	//go:embed sql/fold.sql
	foldSQL string
	//go:embed sql/disk.sql
	diskSQL string
)

// fold asks the facts themselves what a channel report says, of one account or of all (""), and returns how long
// ClickHouse takes: what a report would cost without anything that is published.
func (p *product) fold(account string, from, to time.Time) time.Duration {
	p.b.Helper()
	ctx := clickhouse.Context(p.b.Context(), clickhouse.WithParameters(clickhouse.Parameters{"account": account,
		"from_s": fmt.Sprint(from.Unix()), "to_s": fmt.Sprint(to.Unix())}),
		clickhouse.WithSettings(clickhouse.Settings{"max_execution_time": 0}))
	return p.read(ctx, foldSQL)
}

// drain reads all that a statement answers, and returns how long that took.
func (p *product) drain(statement string) time.Duration {
	p.b.Helper()
	return p.read(clickhouse.Context(p.b.Context(),
		clickhouse.WithSettings(clickhouse.Settings{"max_execution_time": 0})), statement)
}

func (p *product) read(ctx context.Context, statement string) time.Duration {
	p.b.Helper()
	began := time.Now()
	rows, err := p.conn.Query(ctx, statement)
	if err != nil {
		p.b.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
	}
	if err := rows.Err(); err != nil {
		p.b.Fatal(err)
	}
	return time.Since(began)
}

// disk says how many bytes an attempt takes: in attempts, in all tables, and in those that take most.
func (p *product) disk() (attempts, all float64, tables string) {
	p.b.Helper()
	rows, err := p.conn.Query(p.b.Context(), diskSQL)
	if err != nil {
		p.b.Fatal(err)
	}
	defer rows.Close()
	var parts []string
	for rows.Next() {
		var table string
		var bytes float64
		if err := rows.Scan(&table, &bytes); err != nil {
			p.b.Fatal(err)
		}
		all += bytes
		if table == "attempts" {
			attempts = bytes
		}
		if bytes >= 0.5 {
			parts = append(parts, fmt.Sprintf("%s %.1f", table, bytes))
		}
	}
	if err := rows.Err(); err != nil {
		p.b.Fatal(err)
	}
	return attempts, all, strings.Join(parts, ", ")
}

// diskFigures adds what is on disk to a row.
func (r *row) diskFigures(p *product) {
	r.b.Helper()
	attempts, all, tables := p.disk()
	r.figure("bytes on disk for an attempt, in attempts", "≤ 45", "%.1f", attempts)
	r.figure("bytes on disk for an attempt, in all tables", "≤ 120", "%.1f (%s)", all, tables)
}
