package messages

import (
	"context"
	"fmt"
	"sync"

	"kaskad/query/store"
)

// LettersOf are dead letters of a reason.
type LettersOf struct {
	Reason  string
	Letters uint64
}

// letterCounts remembers how many dead letters wait while their tables have as many rows. It is safe for concurrent
// use.
type letterCounts struct {
	mu       sync.Mutex
	known    bool
	letters  uint64
	replayed uint64
	of       []LettersOf
}

// CountRejected counts the rows of GET /v1/rejected?replayed=no by reason, in their order.
func (m *Messages) CountRejected(ctx context.Context) (counts []LettersOf, err error) {
	m.counts.mu.Lock()
	defer m.counts.mu.Unlock()
	var all, again uint64
	if err := m.db.Conn.QueryRow(m.db.SmallSettings(ctx), "SELECT (SELECT count() FROM rejected), "+
		"(SELECT count() FROM replayed)").Scan(&all, &again); err != nil {
		return nil, fmt.Errorf("count dead letters: %w", err)
	}
	if m.counts.known && m.counts.letters == all && m.counts.replayed == again {
		return m.counts.of, nil
	}
	statement, err := store.Fill(statements.Lookup("rejected_count.sql"), nil)
	if err != nil {
		return nil, err
	}
	rows, err := m.db.Conn.Query(m.db.Settings(ctx), statement)
	if err != nil {
		return nil, fmt.Errorf("count dead letters: %w", err)
	}
	defer store.CloseRows(rows, &err)
	for rows.Next() {
		var l LettersOf
		if err := rows.Scan(&l.Reason, &l.Letters); err != nil {
			return nil, fmt.Errorf("count dead letters: %w", err)
		}
		counts = append(counts, l)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("count dead letters: %w", err)
	}
	m.counts.known, m.counts.letters, m.counts.replayed, m.counts.of = true, all, again, counts
	return counts, nil
}
