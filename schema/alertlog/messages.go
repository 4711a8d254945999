package alertlog

import (
	"context"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Messages are those of a day that are alike in all that their price depends on.
type Messages struct {
	Account, Campaign, Template string
	// Shape says what became of them (table shapes).
	Shape uint64
	// Day is the UTC day of their cohorts, and SinceMS the border of prices that they were submitted after.
	Day, SinceMS int64
	// Count is how many they are; below 0 where differences do not add up, which the aggregator's audit repairs.
	Count int64
}

// ReadMessages hands over the messages of what is wanted. borders are the Unix seconds at which prices change, in
// order.
func ReadMessages(ctx context.Context, conn driver.Conn, w *Want, borders []uint32, take func(*Messages) error) error {
	statement, args, err := w.messagesSQL(borders)
	if err != nil {
		return err
	}
	rows, err := conn.Query(ctx, statement, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	var m Messages
	var since int64
	for rows.Next() {
		if err := rows.Scan(&m.Account, &m.Campaign, &m.Template, &m.Shape, &m.Day, &since, &m.Count); err != nil {
			return err
		}
		m.SinceMS = since * 1000
		if err := take(&m); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (w *Want) messagesSQL(borders []uint32) (string, []any, error) {
	const daySeconds = 24 * 3600
	days, busy := w.dates()
	var cut []string // days within which a price changes
	for _, border := range borders {
		if border%daySeconds != 0 {
			cut = append(cut, dateOf(int64(border/daySeconds)))
		}
	}
	cut = slices.Compact(cut)
	only := w.Rule.Only.Of("campaign")
	data := map[string]bool{"Only": len(only) > 0, "Cut": len(cut) > 0}
	args := []any{clickhouse.Named("accounts", w.Accounts), clickhouse.Named("days", days),
		// Before the first border is the beginning of time.
		clickhouse.Named("borders", slices.Concat([]uint32{0}, borders)), clickhouse.Named("busy_days", busy),
		clickhouse.Named("strata", uint32(maxStrata))}
	if data["Cut"] {
		args = append(args, clickhouse.Named("cut_days", cut))
	}
	if data["Only"] {
		args = append(args, clickhouse.Named("only_campaign", only))
	}
	var statement strings.Builder
	err := texts.ExecuteTemplate(&statement, "messages.sql", data)
	return statement.String(), args, err
}
