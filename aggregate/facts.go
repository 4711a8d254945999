package aggregate

import (
	"cmp"
	"context"
	"fmt"
	"math/big"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/schema/law"
	"kaskad/schema/state"
)

// eachMessage reads the messages of hours from facts, in the order of their keys. The message is overwritten by the
// next one.
func (a *Aggregator) eachMessage(ctx context.Context, targets *ext.Table, do func(*state.Message) error) error {
	replies, err := a.openReplies(ctx, targets)
	if err != nil {
		return err
	}
	defer func() { _ = replies.rows.Close() }()
	rows, err := a.deps.Conn.Query(clickhouse.Context(ctx, clickhouse.WithExternalTable(targets)), statement("facts"))
	if err != nil {
		return fmt.Errorf("read facts: %w", err)
	}
	defer rows.Close()
	var message state.Message
	message.Reset()
	var fact fact
	for rows.Next() {
		if err := fact.scan(rows); err != nil {
			return fmt.Errorf("read facts: %w", err)
		}
		if fact.key != message.Key {
			if len(message.Attempts) > 0 {
				if err := do(&message); err != nil {
					return err
				}
			}
			message.Reset()
			message.Key = fact.key
		}
		if err := replies.addTo(&fact); err != nil {
			return err
		}
		message.SubmittedMS = min(message.SubmittedMS, fact.submittedMS)
		message.IDMS = min(message.IDMS, fact.idMS)
		message.Attempt(fact.Step).Merge(&fact.Attempt)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read facts: %w", err)
	}
	if len(message.Attempts) > 0 {
		return do(&message)
	}
	return nil
}

// fact is a row of table attempts, merged.
type fact struct {
	key               state.Key
	submittedMS, idMS int64
	law.Attempt

	delivered, failed big.Int
	lastError         string
	prices            map[string]int64
}

// scan reads the columns of facts.sql.
func (f *fact) scan(rows driver.Rows) error {
	f.Reset(0)
	clear(f.prices)
	to := []any{&f.key.Account, &f.key.BucketMS, &f.key.MessageID, &f.Step, &f.submittedMS, &f.idMS, &f.Channel,
		&f.Provider, &f.Campaign, &f.Template, &f.Sender, &f.App, &f.Operator, &f.Traffic, &f.Trigger,
		&f.RecipientCountry, &f.RecipientMark, &f.SaidCountry, &f.Contact, &f.Segments, &f.SMSSegments, &f.SMSMeasure,
		&f.MachineMS, &f.SingleDeliveredMS, &f.Parts, &f.delivered, &f.failed, &f.PartFailures, &f.PartsDeliveredMS,
		&f.Permanent, &f.Billable, &f.lastError, &f.AnyErrorCode, &f.prices}
	for i := range f.Times {
		to = append(to, &f.Times[i])
	}
	if err := rows.Scan(to...); err != nil {
		return err
	}
	f.DeliveredParts, f.FailedParts = law.PartSetOf(&f.delivered), law.PartSetOf(&f.failed)
	f.SetLastError(f.lastError)
	f.SetPrices(f.prices)
	return nil
}

// replyStream reads the replies of hours in the order of facts.
type replyStream struct {
	rows  driver.Rows
	key   state.Key
	step  uint8
	atMS  int64
	ended bool
}

func (a *Aggregator) openReplies(ctx context.Context, targets *ext.Table) (*replyStream, error) {
	rows, err := a.deps.Conn.Query(clickhouse.Context(ctx, clickhouse.WithExternalTable(targets)), statement("replies"))
	if err != nil {
		return nil, fmt.Errorf("read replies: %w", err)
	}
	s := &replyStream{rows: rows}
	return s, s.advance()
}

func (s *replyStream) advance() error {
	if !s.rows.Next() {
		s.ended = true
		return s.rows.Err()
	}
	if err := s.rows.Scan(&s.key.Account, &s.key.BucketMS, &s.key.MessageID, &s.step, &s.atMS); err != nil {
		return fmt.Errorf("read replies: %w", err)
	}
	return nil
}

// addTo adds the replies of an attempt, and leaves those before it behind.
func (s *replyStream) addTo(f *fact) error {
	for !s.ended {
		order := cmp.Or(strings.Compare(s.key.Account, f.key.Account), cmp.Compare(s.key.BucketMS, f.key.BucketMS),
			strings.Compare(s.key.MessageID, f.key.MessageID), cmp.Compare(s.step, f.Step))
		if order > 0 {
			return nil
		}
		if order == 0 {
			f.AddReply(s.atMS)
		}
		if err := s.advance(); err != nil {
			return err
		}
	}
	return nil
}
