// Package join brings together what arrived apart: events that came before anything said which hour their message lies
// in are parked, and copied to it once it is located (or become dead letters); messages whose events disagree on the
// hour are copied home to the earliest one. What that changes, it opens touches for.
package join

import (
	"context"
	"embed"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"kaskad/schema"
	"kaskad/schema/law"
	"kaskad/schema/state"
)

//go:embed sql/*.sql
var files embed.FS

// statement gives the files of sql/, with the law filled in.
var statement = law.Statements(files, "sql")

const (
	// Age is how long an event waits for its message (docs/definitions.md section 1).
	Age = 30 * 24 * time.Hour
	// changesAtOnce bounds how many changed messages are stored at a time.
	changesAtOnce = 50_000
)

// Deps are what a joiner works with.
type Deps struct {
	Conn driver.Conn
	// Reject takes events whose message never appeared; it returns when they are stored as dead letters.
	Reject func(context.Context, []schema.Rejection) error
	// Now is the clock of the events' age and of touches.
	Now func() time.Time
	// OnStep is called with "joined" when facts are copied, and no touch says so yet.
	OnStep     func(step string)
	Registerer prometheus.Registerer // may be nil
}

// Joiner joins messages and their events, before a pass.
type Joiner struct {
	// Strays are messages that are stored elsewhere than at home, by where they don't count. Only the joiner changes
	// them.
	Strays map[state.Key]bool

	deps                    Deps
	joined, splits, letters prometheus.Counter
}

// New returns a joiner that knows no strays until ReadStrays.
func New(deps Deps) *Joiner {
	counter := func(name, help string) prometheus.Counter {
		return promauto.With(deps.Registerer).NewCounter(prometheus.CounterOpts{Namespace: "kaskad",
			Subsystem: "aggregate", Name: name, Help: help})
	}
	return &Joiner{deps: deps, joined: counter("orphans_joined_total", "Parked events copied to their message."),
		splits:  counter("split_buckets_total", "Buckets of split messages copied home."),
		letters: counter("orphans_expired_total", "Parked events that became dead letters.")}
}

func (j *Joiner) run(ctx context.Context, name string, parameters clickhouse.Parameters, tables ...*ext.Table) error {
	return j.deps.Conn.Exec(clickhouse.Context(ctx, clickhouse.WithExternalTable(tables...),
		clickhouse.WithParameters(parameters)), statement(name))
}

// Join looks at the ids that these batches located or parked: parked events whose message is located are copied to it,
// and messages that lie in several buckets are brought together. Ids reach the queue after their rows are acknowledged,
// and whichever of two partitions comes second finds both, so none is missed. It returns the touches that it opened,
// which are already stored.
func (j *Joiner) Join(ctx context.Context, generation uint64, joins []schema.Touch) ([]schema.Touch, error) {
	batches, err := schema.BatchTable(joins)
	if err != nil {
		return nil, err
	}
	id, touched := uuid.New(), map[state.Hour]bool{}
	if err := j.joinSplits(ctx, generation, id, batches, touched); err != nil {
		return nil, err
	}
	found, err := j.joinOrphans(ctx, id, batches)
	if err != nil {
		return nil, err
	}
	var opened []schema.Touch
	at := j.deps.Now().UnixMilli()
	for key := range touched {
		opened = append(opened, schema.Touch{Account: key.Account, BucketMS: key.BucketMS, ID: id, AtMS: at})
	}
	if found != nil {
		opened = append(opened, schema.Touch{BucketMS: schema.ChangesMS, ID: id, AtMS: at})
	}
	j.deps.OnStep("joined")
	// Orphans end, and the batches with them, only when what they touched is on record.
	if err := schema.OpenTouches(ctx, j.deps.Conn, opened); err != nil {
		return nil, fmt.Errorf("touch joined buckets: %w", err)
	}
	if found != nil {
		if err := j.run(ctx, "orphans_joined", nil, found); err != nil {
			return nil, fmt.Errorf("end joined orphans: %w", err)
		}
	}
	if err := schema.CloseTouches(ctx, j.deps.Conn, joins); err != nil {
		return nil, fmt.Errorf("close joined batches: %w", err)
	}
	return opened, nil
}

func (j *Joiner) joinSplits(ctx context.Context, generation uint64, batch uuid.UUID, batches *ext.Table,
	touched map[state.Hour]bool) error {
	strays, err := ext.NewTable("strays", ext.Column("account", "String"), ext.Column("message_id", "String"),
		ext.Column("bucket", "DateTime('UTC')"), ext.Column("home", "DateTime('UTC')"))
	if err != nil {
		return err
	}
	disagreeing, err := ext.NewTable("disagreeing", ext.Column("account", "String"), ext.Column("message_id", "String"))
	if err != nil {
		return err
	}
	n, messages := 0, 0
	strayed := map[state.Key]bool{}
	err = schema.EachRow(clickhouse.Context(ctx, clickhouse.WithExternalTable(batches)), j.deps.Conn,
		"find split messages", statement("split_found"), func(rows driver.Rows) error {
			var account, id string
			var home time.Time
			var buckets []time.Time
			if err := rows.Scan(&account, &id, &home, &buckets); err != nil {
				return err
			}
			messages++
			if err := disagreeing.Append(account, id); err != nil {
				return err
			}
			if len(buckets) > 0 {
				touched[state.Hour{Account: account, BucketMS: home.UnixMilli()}] = true
			}
			for _, b := range buckets {
				n++
				key := state.Key{Account: account, BucketMS: b.UnixMilli(), MessageID: id}
				touched[key.Hour()], strayed[key] = true, true
				if err := strays.Append(account, id, b.UTC(), home.UTC()); err != nil {
					return err
				}
			}
			return nil
		})
	if err != nil || messages == 0 {
		return err
	}
	if err := j.run(ctx, "split_count", nil, disagreeing); err != nil {
		return fmt.Errorf("note split messages: %w", err)
	}
	if n == 0 {
		return nil
	}
	if err := j.run(ctx, "split_copy", nil, strays); err != nil {
		return fmt.Errorf("copy split messages home: %w", err)
	}
	if err := j.run(ctx, "split_replies", nil, strays); err != nil {
		return fmt.Errorf("copy replies of split messages home: %w", err)
	}
	if err := j.run(ctx, "split_mark", nil, strays); err != nil {
		return fmt.Errorf("mark split messages: %w", err)
	}
	for _, name := range []string{"split_gone", "split_numbers"} {
		if err := j.run(ctx, name, clickhouse.Parameters{"generation": strconv.FormatUint(generation, 10)},
			strays); err != nil {
			return fmt.Errorf("move split messages by recipient (%s): %w", name, err)
		}
	}
	maps.Copy(j.Strays, strayed)
	j.splits.Add(float64(n))
	return nil
}

// ReadStrays reads where messages don't count because their home is elsewhere.
func (j *Joiner) ReadStrays(ctx context.Context) error {
	j.Strays = map[state.Key]bool{}
	return schema.EachRow(ctx, j.deps.Conn, "read split messages", "SELECT account, message_id, "+
		"toInt64(toUnixTimestamp(bucket)) * 1000 FROM splits", func(rows driver.Rows) error {
		var key state.Key
		if err := rows.Scan(&key.Account, &key.MessageID, &key.BucketMS); err != nil {
			return err
		}
		j.Strays[key] = true
		return nil
	})
}

// joinOrphans copies parked events to their messages, and stores what they change there under the batch. It returns
// their places, nil for none.
func (j *Joiner) joinOrphans(ctx context.Context, batch uuid.UUID, batches *ext.Table) (*ext.Table, error) {
	found, err := ext.NewTable("found", ext.Column("topic", "String"), ext.Column("partition", "Int32"),
		ext.Column("offset", "Int64"),
		ext.Column("line", "UInt32"), ext.Column("bucket", "DateTime('UTC')"))
	if err != nil {
		return nil, err
	}
	n := 0
	err = schema.EachRow(clickhouse.Context(ctx, clickhouse.WithExternalTable(batches)), j.deps.Conn, "find orphans",
		statement("orphans_found"), func(rows driver.Rows) error {
			var p schema.Place
			var bucket time.Time
			if err := rows.Scan(&p.Topic, &p.Partition, &p.Offset, &p.Line, &bucket); err != nil {
				return err
			}
			n++
			return found.Append(p.Topic, p.Partition, p.Offset, p.Line, bucket.UTC())
		})
	if err != nil || n == 0 {
		return nil, err
	}
	if err := j.run(ctx, "orphans_copy", clickhouse.Parameters{"batch": batch.String()}, batches,
		found); err != nil {
		return nil, fmt.Errorf("copy orphans to their messages: %w", err)
	}
	if err := j.joinedChanges(ctx, batch, batches, found); err != nil {
		return nil, err
	}
	j.joined.Add(float64(n))
	return found, nil
}

// joinedChanges stores what found orphans say of their messages. Their facts are there already, as ingest has it.
func (j *Joiner) joinedChanges(ctx context.Context, batch uuid.UUID, tables ...*ext.Table) error {
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
	read := func(rows driver.Rows) error {
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
			if changes.Rows() >= changesAtOnce {
				if err := schema.InsertChanges(ctx, j.deps.Conn, batch, &changes); err != nil {
					return err
				}
				changes.Reset()
			}
			message.Reset()
			message.Key = key
		}
		message.AddFact(&f)
		return nil
	}
	if err := schema.EachRow(clickhouse.Context(ctx, clickhouse.WithExternalTable(tables...)), j.deps.Conn,
		"note what orphans change", statement("orphans_changes"), read); err != nil {
		return err
	}
	add()
	return schema.InsertChanges(ctx, j.deps.Conn, batch, &changes)
}

// Expire makes dead letters of events that waited Age for their message.
func (j *Joiner) Expire(ctx context.Context) error {
	now := j.deps.Now()
	for {
		letters, found, err := j.expired(ctx, now.Add(-Age).UnixMilli(), now.UnixMilli())
		if err != nil || len(letters) == 0 {
			return err
		}
		if err := j.deps.Reject(ctx, letters); err != nil {
			return fmt.Errorf("reject expired orphans: %w", err)
		}
		if err := j.run(ctx, "orphans_end_expired", nil, found); err != nil {
			return fmt.Errorf("end expired orphans: %w", err)
		}
		j.letters.Add(float64(len(letters)))
	}
}

func (j *Joiner) expired(ctx context.Context, beforeMS, nowMS int64) ([]schema.Rejection, *ext.Table, error) {
	found, err := ext.NewTable("found", ext.Column("topic", "String"), ext.Column("partition", "Int32"),
		ext.Column("offset", "Int64"),
		ext.Column("line", "UInt32"))
	if err != nil {
		return nil, nil, err
	}
	var letters []schema.Rejection
	err = schema.EachRow(clickhouse.Context(ctx, clickhouse.WithParameters(clickhouse.Parameters{
		"before": fmt.Sprint(beforeMS)})), j.deps.Conn, "find expired orphans", statement("orphans_expired"),
		func(rows driver.Rows) error {
			l := schema.Rejection{AtMS: nowMS, Err: schema.FieldError{Reason: schema.ReasonNoCohort,
				Field: "submitted_at", Rule: "no event of the message said within 30 days when it was submitted, and " +
					"its id carries no time"}}
			if err := rows.Scan(&l.Topic, &l.Partition, &l.Offset, &l.Line, &l.Raw); err != nil {
				return err
			}
			letters = append(letters, l)
			return found.Append(l.Topic, l.Partition, l.Offset, l.Line)
		})
	return letters, found, err
}
