package verdicts

import (
	"context"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/aggregate/health"
)

// numberRow is a row of one of the streams that a round reads side by side; each fills what it knows.
type numberRow struct {
	account, number string
	// Packed attempts.
	packed string
	// The verdict as it stands.
	state       string
	changedMS   int64
	fingerprint uint64
	// States set by hand, in their order.
	setStates, setWhys []string
	setTimes           []int64
	// Look-ups: what the latest one found, the greatest owner_changed_at, when they found the number invalid.
	latest         lookup
	ownerChangedMS int64
	invalid        []int64
	// Events about the person.
	events personEvents
}

// personEvents are, side by side, the latest event of each status, channel, app and sender.
type personEvents struct {
	statuses, channels, apps, senders []string
	times                             []int64
}

// signals appends the events.
func (p *personEvents) signals(to []health.Signal) []health.Signal {
	for i := range p.statuses {
		to = append(to, health.Signal{Kind: p.statuses[i], Channel: p.channels[i], App: p.apps[i],
			Sender: p.senders[i], AtMS: p.times[i]})
	}
	return to
}

// less orders rows as ClickHouse orders accounts and numbers: by their bytes.
func (r *numberRow) less(other *numberRow) bool {
	if r.account != other.account {
		return r.account < other.account
	}
	return r.number < other.number
}

// lookup is what a look-up found about a number; ported and valid are -1 where it did not say.
type lookup struct {
	atMS           int64
	operator       string
	ported, valid  int8
	ownerChangedMS int64
}

// overrides are the states set by hand.
func (r *numberRow) overrides() []health.Override {
	all := make([]health.Override, len(r.setStates))
	for i := range all {
		all[i] = health.Override{State: r.setStates[i], Why: r.setWhys[i], AtMS: r.setTimes[i]}
	}
	return all
}

// numberStream reads rows ordered by account and number, one at a time.
type numberStream struct {
	rows driver.Rows
	scan func(driver.Rows, *numberRow) error
	// row is the row at hand, nil at the end; it is filled anew for each.
	row, buffer *numberRow
}

func (s *numberStream) open(ctx context.Context, conn driver.Conn, query string, parameters []any) error {
	rows, err := conn.Query(ctx, query, parameters...)
	if err != nil {
		return err
	}
	s.rows = rows
	return s.advance()
}

func (s *numberStream) advance() error {
	if !s.rows.Next() {
		s.row = nil
		return s.rows.Err()
	}
	if s.buffer == nil {
		s.buffer = &numberRow{}
	}
	s.row = s.buffer
	*s.row = numberRow{invalid: s.row.invalid[:0]}
	return s.scan(s.rows, s.row)
}

// at returns the row at hand if it is of this number.
func (s *numberStream) at(account, number string) *numberRow {
	if s.row != nil && s.row.account == account && s.row.number == number {
		return s.row
	}
	return nil
}

// pass leaves the row of this number behind.
func (s *numberStream) pass(account, number string) error {
	if s.at(account, number) == nil {
		return nil
	}
	return s.advance()
}

func (s *numberStream) close() { _ = s.rows.Close() }
