package messages

import (
	"context"
	"embed"
	"math/big"
	"text/template"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/query/answer"
	"kaskad/query/store"
	"kaskad/schema/law"
	"kaskad/schema/state"
)

//go:embed sql/*.sql
var files embed.FS

// statements are the files of sql/. They are filled in with what a request asks of them, and nothing that it carries.
var statements = template.Must(law.Template("").ParseFS(files, "sql/*.sql"))

// fact is an attempt as its facts are stored, with what they say of its message.
type fact struct {
	key               state.Key
	submittedMS, idMS int64
	law.Attempt

	delivered, failed big.Int
	lastError         string
	prices            map[string]int64
	to                []any
}

// scan reads the columns of columns.sql. The fact is overwritten by the next one.
func (f *fact) scan(rows driver.Rows) error {
	f.Reset(0)
	clear(f.prices)
	if f.to == nil {
		f.to = []any{&f.key.Account, &f.key.BucketMS, &f.key.MessageID, &f.Step, &f.submittedMS, &f.idMS, &f.Channel,
			&f.Provider, &f.Campaign, &f.Template, &f.Sender, &f.App, &f.Operator, &f.Traffic, &f.Trigger,
			&f.RecipientCountry, &f.SaidCountry, &f.Contact, &f.Segments, &f.SMSSegments, &f.MachineMS,
			&f.SingleDeliveredMS, &f.Parts, &f.delivered, &f.failed, &f.PartFailures, &f.PartsDeliveredMS,
			&f.Permanent, &f.Billable, &f.lastError, &f.AnyErrorCode, &f.prices}
		for i := range f.Times {
			f.to = append(f.to, &f.Times[i])
		}
	}
	if err := rows.Scan(f.to...); err != nil {
		return err
	}
	f.DeliveredParts, f.FailedParts = law.PartSetOf(&f.delivered), law.PartSetOf(&f.failed)
	f.SetLastError(f.lastError)
	f.SetPrices(f.prices)
	return nil
}

// addTo adds the fact to its message.
func (f *fact) addTo(m *state.Message) {
	m.SubmittedMS, m.IDMS = min(m.SubmittedMS, f.submittedMS), min(m.IDMS, f.idMS)
	m.Attempt(f.Step).Merge(&f.Attempt)
}

// unitStream reads the units of dialogs in the order of messages. The zero value has none.
type unitStream struct {
	rows                  driver.Rows
	key                   state.Key
	step                  uint8
	conversation, outside uint8
	open                  bool
	units                 []law.Units
}

// openUnits begins to read what a statement with the columns of units.sql says.
func (m *Messages) openUnits(ctx context.Context, statement string, args []any) (*unitStream, error) {
	rows, err := m.db.Conn.Query(ctx, statement, args...)
	if err != nil {
		return nil, err
	}
	s := &unitStream{rows: rows, open: true}
	if err := s.advance(); err != nil {
		_ = rows.Close()
		return nil, err
	}
	return s, nil
}

func (s *unitStream) close(err *error) {
	if s.rows != nil {
		store.CloseRows(s.rows, err)
	}
}

func (s *unitStream) advance() error {
	if !s.rows.Next() {
		s.open = false
		return s.rows.Err()
	}
	return s.rows.Scan(&s.key.Account, &s.key.BucketMS, &s.key.MessageID, &s.step, &s.conversation, &s.outside)
}

// of returns the units of a message's attempts, in their order; nil where it has none. Those of messages before it are
// left behind.
func (s *unitStream) of(m *state.Message) (units []law.Units, err error) {
	for s.open {
		order := compareKeys(s.key, m.Key)
		if order > 0 {
			break
		}
		if order == 0 {
			if units == nil {
				units = append(s.units[:0], make([]law.Units, len(m.Attempts))...)
				s.units = units
			}
			for i := range m.Attempts {
				if m.Attempts[i].Step == s.step {
					units[i] = law.Units{Conversation: s.conversation == 1, Outside: s.outside == 1}
				}
			}
		}
		if err := s.advance(); err != nil {
			return nil, err
		}
	}
	return units, nil
}

// knownArgs are the parameters of what was published when a snapshot was taken.
func knownArgs(seen *answer.Snapshot) []any {
	args := []any{clickhouse.Named("edition", seen.Edition)}
	if len(seen.Dead) > 0 {
		args = append(args, clickhouse.Named("dead", seen.Dead))
	}
	return args
}
