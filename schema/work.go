package schema

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"
)

// RecipientEvents is a block of events about people: subscribed, uninstalled, lookup and so on.
type RecipientEvents struct {
	account, recipient, status, channel, app, provider, sender, campaign, messageID, contact, operator, country,
	errorCode texts
	occurredMS, ownerChangedMS []int64
	ported, valid              []int8
}

// Append adds an event of a recipient status.
func (r *RecipientEvents) Append(ev *Event) {
	r.account.append(ev.Account)
	r.recipient.append(ev.Recipient)
	r.status.appendString(ev.Status.String())
	r.channel.appendString(ev.Channel)
	r.app.append(ev.App)
	r.occurredMS = append(r.occurredMS, ev.OccurredMS)
	r.provider.append(ev.Provider)
	r.sender.append(ev.Sender)
	r.campaign.append(ev.Campaign)
	r.messageID.append(ev.MessageID)
	r.contact.append(ev.Contact)
	r.operator.append(ev.Operator)
	r.ported = append(r.ported, ev.Ported)
	r.valid = append(r.valid, ev.Valid)
	r.ownerChangedMS = append(r.ownerChangedMS, ev.OwnerChangedMS)
	if len(ev.SaidCountry) > 0 && ev.Recipient[0] != '+' {
		r.country.append(ev.SaidCountry)
	} else {
		r.country.appendString(ev.Country)
	}
	r.errorCode.append(ev.ErrorCode)
}

// Parties returns whom row i speaks of; no message, though the event may name one.
func (r *RecipientEvents) Parties(i int) Parties {
	return Parties{Account: r.account.at(i), Recipient: r.recipient.at(i), Contact: r.contact.at(i)}
}

// RewriteParties replaces the recipient and the contact of every row by what change makes of them.
func (r *RecipientEvents) RewriteParties(change func(*Parties)) {
	recipients, contacts := r.recipient.room(), r.contact.room()
	for i := range r.Rows() {
		p := r.Parties(i)
		change(&p)
		recipients.append(p.Recipient)
		contacts.append(p.Contact)
	}
	r.recipient, r.contact = recipients, contacts
}

// Rows returns the number of events in the block.
func (r *RecipientEvents) Rows() int { return len(r.occurredMS) }

// Reset empties the block and keeps its memory.
func (r *RecipientEvents) Reset() {
	for _, t := range []*texts{&r.account, &r.recipient, &r.status, &r.channel, &r.app, &r.provider, &r.sender,
		&r.campaign, &r.messageID,
		&r.contact, &r.operator, &r.country, &r.errorCode} {
		t.reset()
	}
	r.occurredMS, r.ownerChangedMS, r.ported, r.valid = r.occurredMS[:0], r.ownerChangedMS[:0], r.ported[:0],
		r.valid[:0]
}

// Insert stores the rows lo…hi and returns when ClickHouse has acknowledged them. batch is the id of the touches that
// will announce look-ups.
func (r *RecipientEvents) Insert(ctx context.Context, conn driver.Conn, batch uuid.UUID, lo, hi int) error {
	return InsertColumns(ctx, conn, "INSERT INTO recipient_events (account, recipient, status, channel, app, "+
		"occurred_ms, provider, sender, "+
		"campaign, message_id, contact, operator, ported, valid, owner_changed_ms, country, error_code, batch)", lo, hi,
		[]any{r.account.strings(lo, hi), r.recipient.strings(lo, hi), r.status.strings(lo, hi),
			r.channel.strings(lo, hi), r.app.strings(lo, hi),
			r.occurredMS[lo:hi], r.provider.strings(lo, hi), r.sender.strings(lo, hi), r.campaign.strings(lo, hi),
			r.messageID.strings(lo, hi),
			r.contact.strings(lo, hi), r.operator.strings(lo, hi), r.ported[lo:hi], r.valid[lo:hi],
			r.ownerChangedMS[lo:hi],
			r.country.strings(lo, hi), r.errorCode.strings(lo, hi), repeat(batch, hi-lo)})
}

// Location says in which bucket a message whose id carries no time is stored.
type Location struct {
	Account, MessageID    string
	BucketMS, SubmittedMS int64
}

// InsertLocated stores locations and queues their ids for the join pass under the batch id.
func InsertLocated(ctx context.Context, conn driver.Conn, batch uuid.UUID, locations []Location) error {
	account, id, bucket, submitted := make([]string, len(locations)), make([]string, len(locations)),
		make([]int64, len(locations)), make([]int64, len(locations))
	for i, l := range locations {
		account[i], id[i], bucket[i], submitted[i] = l.Account, l.MessageID, l.BucketMS/1000, l.SubmittedMS
	}
	return InsertColumns(ctx, conn, "INSERT INTO located (account, message_id, bucket, submitted_ms, batch)", 0,
		len(locations),
		[]any{account, id, bucket, submitted, repeat(batch, len(locations))})
}

// ChangesMS in the place of a bucket, without an account, marks a batch of table changes. No message is as old.
const ChangesMS = HourMS

// Touch marks what has to be computed anew. One of [ChangesMS] marks the messages that the changes of its batch name,
// one with an account and a bucket all messages of that hour. A touch without either marks a batch of join_queue, one
// with an account alone numbers of that account (number_queue says which).
type Touch struct {
	Account  string
	BucketMS int64
	ID       uuid.UUID
	AtMS     int64
}

// OpenTouches adds touches: call it after the facts are acknowledged and before the offsets are committed.
func OpenTouches(ctx context.Context, conn driver.Conn, touches []Touch) error {
	return insertTouches(ctx, conn, touches, 1)
}

// CloseTouches ends exactly these touches: call it after the generation that includes their facts is published.
func CloseTouches(ctx context.Context, conn driver.Conn, touches []Touch) error {
	return insertTouches(ctx, conn, touches, -1)
}

func insertTouches(ctx context.Context, conn driver.Conn, touches []Touch, sign int8) error {
	n := len(touches)
	account, bucket, id, at := make([]string, n), make([]int64, n), make([]uuid.UUID, n), make([]int64, n)
	for i, t := range touches {
		account[i], bucket[i], id[i], at[i] = t.Account, t.BucketMS/1000, t.ID, t.AtMS
	}
	return InsertColumns(ctx, conn, "INSERT INTO touched (account, bucket, id, at_ms, sign)", 0, n,
		[]any{account, bucket, id, at, repeat(sign, n)})
}

// BatchTable lists the batches of touches, as statements want them: batches (id).
func BatchTable(touches []Touch) (*ext.Table, error) {
	ids := map[uuid.UUID]bool{}
	for _, t := range touches {
		ids[t.ID] = true
	}
	return TableOf("batches", maps.Keys(ids), func(id uuid.UUID) []any { return []any{id} }, ext.Column("id", "UUID"))
}

// AskVerdicts asks the aggregator to decide the verdicts of these numbers anew, or of all numbers of the account when
// numbers is nil. Call it after what decides them, such as a list of reference data, is stored. It returns the id of
// the touch that was opened.
func AskVerdicts(ctx context.Context, conn driver.Conn, account string, numbers []string, now time.Time) (uuid.UUID,
	error) {
	if numbers == nil {
		numbers = []string{""} // stands for all of them
	}
	id, err := queueNumbers(ctx, conn, account, numbers, "", now)
	if err != nil {
		return uuid.Nil, fmt.Errorf("ask for verdicts of account %q: %w", account, err)
	}
	return id, nil
}

// AskOptOuts asks the aggregator to attribute anew what a recipient of the account said: opt-outs, blocks and
// complaints. It returns the id of the touch that was opened.
func AskOptOuts(ctx context.Context, conn driver.Conn, account, recipient string, now time.Time) (uuid.UUID, error) {
	id, err := queueNumbers(ctx, conn, account, []string{recipient}, Unsubscribed.String(), now)
	if err != nil {
		return uuid.Nil, fmt.Errorf("ask for the opt-outs of a recipient of account %q: %w", account, err)
	}
	return id, nil
}

// queueNumbers announces these numbers of an account the way ingest does that has stored such events about them; event
// "" stands for none.
func queueNumbers(ctx context.Context, conn driver.Conn, account string, numbers []string, event string,
	now time.Time) (uuid.UUID, error) {
	id, n := uuid.New(), len(numbers)
	err := InsertColumns(ctx, conn, "INSERT INTO number_queue (batch, account, bucket, message, number, event)", 0, n,
		[]any{repeat(id, n), repeat(account, n), repeat(int64(0), n), repeat(uint64(0), n), numbers, repeat(event, n)})
	if err == nil && n > 0 {
		err = OpenTouches(ctx, conn, []Touch{{Account: account, ID: id, AtMS: now.UnixMilli()}})
	}
	return id, err
}

// NumberOverride is a verdict that somebody set by hand; the greatest version of a number counts. State "" takes it
// back.
type NumberOverride struct {
	Account, Number string
	Version         uint64
	State, Why, By  string
	AtMS            int64
}

// InsertNumberOverride stores an override. The verdict has to be asked for: see AskVerdicts.
func InsertNumberOverride(ctx context.Context, conn driver.Conn, o NumberOverride) error {
	return InsertColumns(ctx, conn, "INSERT INTO number_overrides (account, number, version, state, why, `by`, at_ms)",
		0, 1,
		[]any{[]string{o.Account}, []string{o.Number}, []uint64{o.Version}, []string{o.State}, []string{o.Why},
			[]string{o.By}, []int64{o.AtMS}})
}

// Rejection is one dead letter.
type Rejection struct {
	Place
	Err  FieldError
	Raw  []byte
	AtMS int64
}

// InsertRejected stores dead letters. The same places again change nothing.
func InsertRejected(ctx context.Context, conn driver.Conn, letters []Rejection) error {
	n := len(letters)
	var place placeColumns
	reason, field, text, raw, at := make([]string, n), make([]string, n), make([]string, n), make([]string, n),
		make([]int64, n)
	for i := range letters {
		l := &letters[i]
		place.append(l.Place)
		reason[i], field[i], text[i], raw[i], at[i] = string(l.Err.Reason), l.Err.Field, l.Err.Error(), string(l.Raw),
			l.AtMS
	}
	return InsertColumns(ctx, conn, "INSERT INTO rejected (topic, partition, offset, line, reason, field, error, "+
		"raw, at_ms)", 0, n,
		append(place.values(0, n), reason, field, text, raw, at))
}

// InsertReplayed marks dead letters as sent through again.
func InsertReplayed(ctx context.Context, conn driver.Conn, places []Place, nowMS int64) error {
	var place placeColumns
	for _, p := range places {
		place.append(p)
	}
	return InsertColumns(ctx, conn, "INSERT INTO replayed (topic, partition, offset, line, at_ms)", 0, len(places),
		append(place.values(0, len(places)), repeat(nowMS, len(places))))
}

// Ledger counts the events of one partition up to Offset (exclusive). Consumed = Stored + Rejected + Parked + Empty.
type Ledger struct {
	Partition                                 int32
	Offset                                    int64
	Consumed, Stored, Rejected, Parked, Empty uint64
	// when the row was written, set by ReadLedger; the newest row counts
	AtUS int64
}

// InsertLedger stores how far the partitions of a topic are counted; atUS is a clock in microseconds that only grows.
func InsertLedger(ctx context.Context, conn driver.Conn, group, topic string, rows []Ledger, atUS int64) error {
	n := len(rows)
	partition, offset := make([]int32, n), make([]int64, n)
	consumed, stored, rejected, parked, empty := make([]uint64, n), make([]uint64, n), make([]uint64, n),
		make([]uint64, n), make([]uint64, n)
	for i, r := range rows {
		partition[i], offset[i] = r.Partition, r.Offset
		consumed[i], stored[i], rejected[i], parked[i], empty[i] = r.Consumed, r.Stored, r.Rejected, r.Parked, r.Empty
	}
	return InsertColumns(ctx, conn, "INSERT INTO ledger (consumer_group, topic, partition, offset, consumed, stored, "+
		"rejected, parked, empty, at_us)", 0, n,
		[]any{repeat(group, n), repeat(topic, n), partition, offset, consumed, stored, rejected, parked, empty,
			repeat(uint64(atUS), n)})
}

// ReadLedger returns the newest ledger row of every partition that has one.
func ReadLedger(ctx context.Context, conn driver.Conn, group, topic string) (map[int32]Ledger, error) {
	rows, err := conn.Query(ctx, "SELECT partition, offset, consumed, stored, rejected, parked, empty, "+
		"toInt64(at_us) FROM ledger FINAL "+
		"WHERE consumer_group = $1 AND topic = $2", group, topic)
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	defer rows.Close()
	all := map[int32]Ledger{}
	for rows.Next() {
		var l Ledger
		if err := rows.Scan(&l.Partition, &l.Offset, &l.Consumed, &l.Stored, &l.Rejected, &l.Parked, &l.Empty,
			&l.AtUS); err != nil {
			return nil, fmt.Errorf("read ledger: %w", err)
		}
		all[l.Partition] = l
	}
	return all, rows.Err()
}
