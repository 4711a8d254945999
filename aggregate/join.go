package aggregate

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/google/uuid"

	"kaskad/schema"
	"kaskad/schema/state"
)

// join looks at the ids that these batches located or parked: parked events whose message is located are copied to it,
// and messages that lie in several buckets are brought together. Ids reach the queue after their rows are acknowledged,
// and whichever of two partitions comes second finds both, so none is missed. It returns the touches that it opened,
// which are already stored.
func (a *Aggregator) join(ctx context.Context, generation uint64, joins []schema.Touch) ([]schema.Touch, error) {
	batches, err := batchTable(joins)
	if err != nil {
		return nil, err
	}
	id, touched := uuid.New(), map[bucketKey]bool{}
	if err := a.joinSplits(ctx, generation, id, batches, touched); err != nil {
		return nil, err
	}
	found, err := a.joinOrphans(ctx, id, batches)
	if err != nil {
		return nil, err
	}
	var opened []schema.Touch
	at := a.cfg.Now().UnixMilli()
	for key := range touched {
		opened = append(opened, schema.Touch{Account: key.account, BucketMS: key.bucketMS, ID: id, AtMS: at})
	}
	if found != nil {
		opened = append(opened, schema.Touch{BucketMS: schema.ChangesMS, ID: id, AtMS: at})
	}
	a.cfg.OnStep("joined")
	// Orphans end, and the batches with them, only when what they touched is on record.
	if err := schema.OpenTouches(ctx, a.deps.Conn, opened); err != nil {
		return nil, fmt.Errorf("touch joined buckets: %w", err)
	}
	if found != nil {
		if err := a.exec(ctx, "orphans_joined", found); err != nil {
			return nil, fmt.Errorf("end joined orphans: %w", err)
		}
	}
	if err := schema.CloseTouches(ctx, a.deps.Conn, joins); err != nil {
		return nil, fmt.Errorf("close joined batches: %w", err)
	}
	return opened, nil
}

func (a *Aggregator) joinSplits(ctx context.Context, generation uint64, batch uuid.UUID, batches *ext.Table,
	touched map[bucketKey]bool) error {
	strays, err := ext.NewTable("strays", ext.Column("account", "String"), ext.Column("message_id", "String"),
		ext.Column("bucket", "DateTime('UTC')"), ext.Column("home", "DateTime('UTC')"))
	if err != nil {
		return err
	}
	disagreeing, err := ext.NewTable("disagreeing", ext.Column("account", "String"), ext.Column("message_id", "String"))
	if err != nil {
		return err
	}
	rows, err := a.deps.Conn.Query(clickhouse.Context(ctx, clickhouse.WithExternalTable(batches)),
		statement("split_found"))
	if err != nil {
		return fmt.Errorf("find split messages: %w", err)
	}
	defer rows.Close()
	n, messages := 0, 0
	strayed := map[state.Key]bool{}
	for rows.Next() {
		var account, id string
		var home time.Time
		var buckets []time.Time
		if err := rows.Scan(&account, &id, &home, &buckets); err != nil {
			return fmt.Errorf("find split messages: %w", err)
		}
		messages++
		if err := disagreeing.Append(account, id); err != nil {
			return fmt.Errorf("list split messages: %w", err)
		}
		if len(buckets) > 0 {
			touched[bucketKey{account, home.UnixMilli()}] = true
		}
		for _, b := range buckets {
			n++
			touched[bucketKey{account, b.UnixMilli()}] = true
			strayed[state.Key{Account: account, BucketMS: b.UnixMilli(), MessageID: id}] = true
			if err := strays.Append(account, id, b.UTC(), home.UTC()); err != nil {
				return fmt.Errorf("list split messages: %w", err)
			}
		}
	}
	if err := rows.Err(); err != nil || messages == 0 {
		return err
	}
	if err := a.exec(ctx, "split_count", disagreeing); err != nil {
		return fmt.Errorf("note split messages: %w", err)
	}
	if n == 0 {
		return nil
	}
	if err := a.exec(ctx, "split_copy", strays); err != nil {
		return fmt.Errorf("copy split messages home: %w", err)
	}
	if err := a.exec(ctx, "split_replies", strays); err != nil {
		return fmt.Errorf("copy replies of split messages home: %w", err)
	}
	if err := a.exec(ctx, "split_mark", strays); err != nil {
		return fmt.Errorf("mark split messages: %w", err)
	}
	for _, name := range []string{"split_gone", "split_numbers"} {
		if err := a.do(ctx, name, generation, strays); err != nil {
			return fmt.Errorf("move split messages by recipient (%s): %w", name, err)
		}
	}
	maps.Copy(a.strays, strayed)
	a.metrics.splits.Add(float64(n))
	return nil
}

// readStrays reads where messages don't count because their home is elsewhere.
func (a *Aggregator) readStrays(ctx context.Context) error {
	rows, err := a.deps.Conn.Query(ctx, "SELECT account, message_id, toInt64(toUnixTimestamp(bucket)) * 1000 FROM "+
		"splits")
	if err != nil {
		return fmt.Errorf("read split messages: %w", err)
	}
	defer rows.Close()
	a.strays = map[state.Key]bool{}
	for rows.Next() {
		var key state.Key
		if err := rows.Scan(&key.Account, &key.MessageID, &key.BucketMS); err != nil {
			return fmt.Errorf("read split messages: %w", err)
		}
		a.strays[key] = true
	}
	return rows.Err()
}

// joinOrphans copies parked events to their messages, and stores what they change there under the batch. It returns
// their places, nil for none.
func (a *Aggregator) joinOrphans(ctx context.Context, batch uuid.UUID, batches *ext.Table) (*ext.Table, error) {
	found, err := ext.NewTable("found", ext.Column("topic", "String"), ext.Column("partition", "Int32"),
		ext.Column("offset", "Int64"),
		ext.Column("line", "UInt32"), ext.Column("bucket", "DateTime('UTC')"))
	if err != nil {
		return nil, err
	}
	rows, err := a.deps.Conn.Query(clickhouse.Context(ctx, clickhouse.WithExternalTable(batches)),
		statement("orphans_found"))
	if err != nil {
		return nil, fmt.Errorf("find orphans: %w", err)
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		var p schema.Place
		var bucket time.Time
		if err := rows.Scan(&p.Topic, &p.Partition, &p.Offset, &p.Line, &bucket); err != nil {
			return nil, fmt.Errorf("find orphans: %w", err)
		}
		n++
		if err := found.Append(p.Topic, p.Partition, p.Offset, p.Line, bucket.UTC()); err != nil {
			return nil, fmt.Errorf("list orphans: %w", err)
		}
	}
	if err := rows.Err(); err != nil || n == 0 {
		return nil, err
	}
	if err := a.doWith(ctx, "orphans_copy", clickhouse.Parameters{"batch": batch.String()}, batches,
		found); err != nil {
		return nil, fmt.Errorf("copy orphans to their messages: %w", err)
	}
	if err := a.joinedChanges(ctx, batch, batches, found); err != nil {
		return nil, fmt.Errorf("note what orphans change: %w", err)
	}
	a.metrics.joined.Add(float64(n))
	return found, nil
}

// joinedChanges stores what found orphans say of their messages. Their facts are there already, as ingest has it.
func (a *Aggregator) joinedChanges(ctx context.Context, batch uuid.UUID, tables ...*ext.Table) error {
	rows, err := a.deps.Conn.Query(clickhouse.Context(ctx, clickhouse.WithExternalTable(tables...)),
		statement("orphans_changes"))
	if err != nil {
		return err
	}
	defer rows.Close()
	var changes schema.Changes
	var packed []byte
	var message state.Message
	message.Reset()
	add := func() {
		if len(message.Attempts) > 0 {
			packed = message.Append(packed[:0])
			changes.Append([]byte(message.Account), message.BucketMS, []byte(message.MessageID), packed)
		}
	}
	for rows.Next() {
		var f schema.Fact
		var key state.Key
		var status uint8
		if err := rows.Scan(&key.Account, &key.BucketMS, &key.MessageID, &f.Step, &status, &f.OccurredMS, &f.Channel,
			&f.Provider, &f.Campaign, &f.Template, &f.Sender, &f.App, &f.Operator, &f.Traffic, &f.Trigger,
			&f.RecipientCountry, &f.SaidCountry, &f.Contact, &f.Segments, &f.SMSSegments, &f.SMSMeasure, &f.Part,
			&f.Parts, &f.ErrorCode, &f.Permanent, &f.PriceMicros, &f.Currency, &f.Billable); err != nil {
			return err
		}
		f.Status = schema.Status(status)
		if key != message.Key {
			add()
			if changes.Rows() >= flushEvery {
				if err := schema.InsertChanges(ctx, a.deps.Conn, batch, &changes); err != nil {
					return err
				}
				changes.Reset()
			}
			message.Reset()
			message.Key = key
		}
		message.AddFact(&f)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	add()
	return schema.InsertChanges(ctx, a.deps.Conn, batch, &changes)
}

// expireOrphans makes dead letters of events that waited OrphanAge for their message.
func (a *Aggregator) expireOrphans(ctx context.Context) error {
	now := a.cfg.Now()
	for {
		letters, found, err := a.expired(ctx, now.Add(-OrphanAge).UnixMilli(), now.UnixMilli())
		if err != nil || len(letters) == 0 {
			return err
		}
		if err := a.deps.Reject(ctx, letters); err != nil {
			return fmt.Errorf("reject expired orphans: %w", err)
		}
		if err := a.exec(ctx, "orphans_end_expired", found); err != nil {
			return fmt.Errorf("end expired orphans: %w", err)
		}
		a.metrics.expired.Add(float64(len(letters)))
	}
}

func (a *Aggregator) expired(ctx context.Context, beforeMS, nowMS int64) ([]schema.Rejection, *ext.Table, error) {
	found, err := ext.NewTable("found", ext.Column("topic", "String"), ext.Column("partition", "Int32"),
		ext.Column("offset", "Int64"),
		ext.Column("line", "UInt32"))
	if err != nil {
		return nil, nil, err
	}
	rows, err := a.deps.Conn.Query(clickhouse.Context(ctx,
		clickhouse.WithParameters(clickhouse.Parameters{"before": fmt.Sprint(beforeMS)})),
		statement("orphans_expired"))
	if err != nil {
		return nil, nil, fmt.Errorf("find expired orphans: %w", err)
	}
	defer rows.Close()
	var letters []schema.Rejection
	for rows.Next() {
		l := schema.Rejection{AtMS: nowMS, Err: schema.FieldError{Reason: schema.ReasonNoCohort, Field: "submitted_at",
			Rule: "no event of the message said within 30 days when it was submitted, and its id carries no time"}}
		if err := rows.Scan(&l.Topic, &l.Partition, &l.Offset, &l.Line, &l.Raw); err != nil {
			return nil, nil, fmt.Errorf("find expired orphans: %w", err)
		}
		if err := found.Append(l.Topic, l.Partition, l.Offset, l.Line); err != nil {
			return nil, nil, fmt.Errorf("list expired orphans: %w", err)
		}
		letters = append(letters, l)
	}
	return letters, found, rows.Err()
}
