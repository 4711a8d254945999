package erasure

import (
	"context"
	"fmt"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/google/uuid"

	"kaskad/schema"
)

// heldLetter is a dead letter, or a parked event, that holds the number.
type heldLetter struct {
	table string
	row   uint64
	raw   []byte
}

func (e *eraser) lookAtLetters(ctx context.Context, left *leftover) error {
	table, err := e.table()
	if err != nil {
		return err
	}
	rows, err := e.conn.Query(clickhouse.Context(ctx, clickhouse.WithExternalTable(table)), statement("letters"))
	if err != nil {
		return fmt.Errorf("look for the number in dead letters: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var letter heldLetter
		var holds bool
		if err := rows.Scan(&letter.table, &letter.row, &letter.raw, &holds); err != nil {
			return fmt.Errorf("look for the number in dead letters: %w", err)
		}
		switch {
		case letter.table == "rejected" && letterHolds(letter.raw, e.account, e.number[1:]):
			letter.raw = nil
		case letter.table == "orphans" && (holds || holdsNumber(letter.raw, e.number[1:])):
		default:
			continue
		}
		left.letters = append(left.letters, letter)
	}
	return rows.Err()
}

func (l *leftover) lettersIn(table string) (n uint64) {
	for i := range l.letters {
		if l.letters[i].table == table {
			n++
		}
	}
	return n
}

// copyLetters notes which letters are to be deleted, and parks the parked ones again under the pseudonym.
func (e *eraser) copyLetters(ctx context.Context, left *leftover) error {
	if len(left.letters) == 0 {
		return nil
	}
	n := len(left.letters)
	tables, hashes := make([]string, n), make([]uint64, n)
	rewritten, err := ext.NewTable("rewritten", ext.Column("row", "UInt64"), ext.Column("raw", "String"))
	if err != nil {
		return err
	}
	for i := range left.letters {
		l := &left.letters[i]
		tables[i], hashes[i] = l.table, l.row
		if l.table != "orphans" {
			continue
		}
		raw := replaceRuns(l.raw, func(digits []byte) (string, bool) {
			return e.pseudonym, string(digits) == e.number[1:]
		})
		if err := rewritten.Append(l.row, string(raw)); err != nil {
			return fmt.Errorf("rewrite parked events: %w", err)
		}
	}
	if err := schema.InsertColumns(ctx, e.conn, "INSERT INTO erasing_rows (id, table, row)", 0, n,
		[]any{slices.Repeat([]uuid.UUID{e.id}, n), tables, hashes}); err != nil {
		return fmt.Errorf("note dead letters: %w", err)
	}
	if left.lettersIn("orphans") == 0 {
		return nil
	}
	return e.do(ctx, "copy_orphans", "orphans", rewritten)
}
