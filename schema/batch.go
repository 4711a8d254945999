package schema

import (
	"bytes"
	"context"
	"slices"
	"time"
	"unsafe"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"
)

// texts is a column of strings in one arena, so that a block of a million events costs no allocation per event.
type texts struct {
	data []byte
	ends []int
	view []string
}

func (t *texts) append(v []byte) {
	t.data = append(t.data, v...)
	t.ends = append(t.ends, len(t.data))
}

func (t *texts) appendString(v string) {
	t.data = append(t.data, v...)
	t.ends = append(t.ends, len(t.data))
}

// strings views the rows from lo to hi; the view holds until the next append.
func (t *texts) strings(lo, hi int) []string {
	t.view = t.view[:0]
	start := 0
	if lo > 0 {
		start = t.ends[lo-1]
	}
	for _, end := range t.ends[lo:hi] {
		v := t.data[start:end]
		t.view = append(t.view, unsafe.String(unsafe.SliceData(v), len(v)))
		start = end
	}
	return t.view
}

// at returns row i.
func (t *texts) at(i int) []byte {
	start := 0
	if i > 0 {
		start = t.ends[i-1]
	}
	return t.data[start:t.ends[i]]
}

// text views row i, until the column changes.
func (t *texts) text(i int) string {
	v := t.at(i)
	return unsafe.String(unsafe.SliceData(v), len(v))
}

// room returns an empty column with room for what this one holds, and a little more.
func (t *texts) room() texts {
	return texts{data: make([]byte, 0, len(t.data)+len(t.data)/8), ends: make([]int, 0, len(t.ends))}
}

func (t *texts) reset() { t.data, t.ends = t.data[:0], t.ends[:0] }

// eventColumns are the columns that table events and table orphans share, filled in place and reused.
type eventColumns struct {
	messageID, recipientCountry, contact                                                    texts
	account, channel, provider, campaign, template, sender, app, operator, traffic, trigger words
	saidCountry, errorCode, currency                                                        words
	step, status, part, parts, permanent, billable                                          []uint8
	segments, smsSegments                                                                   []uint16
	smsMeasure                                                                              []uint32
	occurredMS, submittedMS, idMS, priceMicros                                              []int64
}

// grow doubles the room for rows. What append does by itself, a quarter more at a time, would copy a large block four
// times over while it grows.
func (c *eventColumns) grow() {
	n := max(1024, len(c.step))
	for _, column := range []*[]uint8{&c.step, &c.status, &c.part, &c.parts, &c.permanent, &c.billable} {
		*column = slices.Grow(*column, n)
	}
	for _, column := range []*[]int64{&c.occurredMS, &c.submittedMS, &c.idMS, &c.priceMicros} {
		*column = slices.Grow(*column, n)
	}
	c.segments, c.smsSegments = slices.Grow(c.segments, n), slices.Grow(c.smsSegments, n)
	c.smsMeasure = slices.Grow(c.smsMeasure, n)
	for _, w := range c.words() {
		w.rows = slices.Grow(w.rows, n)
	}
	for _, t := range c.texts() {
		t.data, t.ends = slices.Grow(t.data, max(16*n, len(t.data))), slices.Grow(t.ends, n)
	}
}

func (c *eventColumns) texts() [3]*texts {
	return [...]*texts{&c.messageID, &c.recipientCountry, &c.contact}
}

func (c *eventColumns) words() [13]*words {
	return [...]*words{&c.account, &c.channel, &c.provider, &c.campaign, &c.template, &c.sender, &c.app, &c.operator,
		&c.traffic, &c.trigger, &c.saidCountry, &c.errorCode, &c.currency}
}

func (c *eventColumns) append(ev *Event) {
	if len(c.step) == cap(c.step) {
		c.grow()
	}
	c.account.append(ev.Account)
	c.messageID.append(ev.MessageID)
	c.step = append(c.step, ev.Step)
	c.status = append(c.status, uint8(ev.Stored()))
	c.occurredMS = append(c.occurredMS, ev.OccurredMS)
	c.submittedMS = append(c.submittedMS, ev.SubmittedMS)
	if ev.IDTimePlausible {
		c.idMS = append(c.idMS, ev.IDTimeMS)
	} else {
		c.idMS = append(c.idMS, 0)
	}
	c.channel.appendString(ev.Channel)
	c.provider.append(ev.Provider)
	c.campaign.append(ev.Campaign)
	c.template.append(ev.Template)
	c.sender.append(ev.Sender)
	c.app.append(ev.App)
	c.operator.append(ev.Operator)
	c.traffic.appendString(ev.Traffic)
	c.trigger.appendString(ev.Trigger)
	c.recipientCountry.data = append(append(c.recipientCountry.data, ev.Recipient...), 0)
	c.recipientCountry.appendString(ev.Country)
	c.saidCountry.append(ev.SaidCountry)
	c.contact.append(ev.Contact)
	c.segments = append(c.segments, ev.Segments)
	c.smsSegments = append(c.smsSegments, ev.SMSSegments)
	c.smsMeasure = append(c.smsMeasure, ev.SMSMeasure)
	c.part = append(c.part, ev.Part)
	c.parts = append(c.parts, ev.Parts)
	if ev.Status.Failure() {
		c.errorCode.append(ev.ErrorCode)
		c.permanent = append(c.permanent, bit(ev.Permanent))
	} else {
		c.errorCode.append(nil)
		c.permanent = append(c.permanent, 0)
	}
	c.priceMicros = append(c.priceMicros, ev.PriceMicros)
	c.currency.append(ev.Currency)
	// 0 unknown, 1 false, 2 true: bits of column billable.
	c.billable = append(c.billable, uint8(ev.Billable+1))
}

// Stored returns the status under which the event is stored.
func (ev *Event) Stored() Status {
	if ev.Machine && (ev.Status == Read || ev.Status == Clicked) {
		return MachineOpen
	}
	return ev.Status
}

func bit(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

func (c *eventColumns) rows() int { return len(c.step) }

func (c *eventColumns) reset() {
	for _, t := range c.texts() {
		t.reset()
	}
	for _, w := range c.words() {
		w.reset()
	}
	c.step, c.status, c.part, c.parts, c.permanent = c.step[:0], c.status[:0], c.part[:0], c.parts[:0], c.permanent[:0]
	c.billable = c.billable[:0]
	c.segments, c.smsSegments, c.smsMeasure = c.segments[:0], c.smsSegments[:0], c.smsMeasure[:0]
	c.occurredMS, c.submittedMS, c.idMS, c.priceMicros = c.occurredMS[:0], c.submittedMS[:0], c.idMS[:0],
		c.priceMicros[:0]
}

// Parties says whom a row speaks of. The slices hold until the block changes.
type Parties struct{ Account, MessageID, Recipient, Contact []byte }

// Parties returns whom row i speaks of.
func (c *eventColumns) Parties(i int) Parties {
	recipient, _, _ := bytes.Cut(c.recipientCountry.at(i), []byte{0})
	return Parties{Account: []byte(c.account.at(i)), MessageID: c.messageID.at(i), Recipient: recipient,
		Contact: c.contact.at(i)}
}

// RewriteParties replaces the recipient and the contact of every row by what change makes of them. The country stays:
// it is that of the number.
func (c *eventColumns) RewriteParties(change func(*Parties)) {
	recipients, contacts := c.recipientCountry.room(), c.contact.room()
	for i := range c.rows() {
		p := c.Parties(i)
		change(&p)
		_, country, _ := bytes.Cut(c.recipientCountry.at(i), []byte{0})
		recipients.data = append(append(recipients.data, p.Recipient...), 0)
		recipients.append(country)
		contacts.append(p.Contact)
	}
	c.recipientCountry, c.contact = recipients, contacts
}

const sharedColumns = "account, message_id, step, status, occurred_ms, channel, provider, campaign, template, " +
	"sender, app, operator, traffic, " +
	"trigger, recipient_country, said_country, contact, segments, sms_segments, sms_measure, part, parts, " +
	"error_code, permanent, price_micros, " +
	"currency, billable"

// values lists the rows lo…hi of the shared columns in the order of sharedColumns.
func (c *eventColumns) values(lo, hi int) []any {
	return []any{c.account.between(lo, hi), c.messageID.strings(lo, hi), c.step[lo:hi], c.status[lo:hi],
		c.occurredMS[lo:hi],
		c.channel.between(lo, hi), c.provider.between(lo, hi), c.campaign.between(lo, hi), c.template.between(lo, hi),
		c.sender.between(lo, hi),
		c.app.between(lo, hi), c.operator.between(lo, hi), c.traffic.between(lo, hi), c.trigger.between(lo, hi),
		c.recipientCountry.strings(lo, hi), c.saidCountry.between(lo, hi), c.contact.strings(lo, hi), c.segments[lo:hi],
		c.smsSegments[lo:hi], c.smsMeasure[lo:hi], c.part[lo:hi],
		c.parts[lo:hi], c.errorCode.between(lo, hi), c.permanent[lo:hi], c.priceMicros[lo:hi],
		c.currency.between(lo, hi),
		c.billable[lo:hi]}
}

// Facts is a block of located message events for table events.
type Facts struct {
	eventColumns
	bucket  []int64
	batches []uuid.UUID
	inserts inserter
}

// Append adds an event whose bucket is known.
func (f *Facts) Append(ev *Event) {
	f.eventColumns.append(ev)
	f.bucket = append(f.bucket, ev.BucketMS/1000)
}

// Rows returns the number of events in the block.
func (f *Facts) Rows() int { return f.rows() }

// Bucket returns the hour in which the event of row i is stored.
func (f *Facts) Bucket(i int) time.Time { return time.Unix(f.bucket[i], 0).UTC() }

// Reset empties the block and keeps its memory.
func (f *Facts) Reset() {
	f.eventColumns.reset()
	f.bucket = f.bucket[:0]
}

// Insert stores the rows lo…hi and returns when ClickHouse has acknowledged them. batch is the id of the touches that
// will announce them.
func (f *Facts) Insert(ctx context.Context, conn driver.Conn, batch uuid.UUID, lo, hi int) error {
	f.batches = f.batches[:0]
	for range hi - lo {
		f.batches = append(f.batches, batch)
	}
	return f.inserts.insert(ctx, conn, "INSERT INTO events ("+sharedColumns+", bucket, submitted_ms, id_ms, batch)",
		hi-lo, append(f.values(lo, hi), f.bucket[lo:hi], f.submittedMS[lo:hi], f.idMS[lo:hi], f.batches))
}

// Place is the identity of an event in the log: what is read again from there is the same event.
type Place struct {
	Topic     string
	Partition int32
	Offset    int64
	Line      uint32 // from 1; several events may share a record
}

type placeColumns struct {
	topic     []string
	partition []int32
	offset    []int64
	line      []uint32
}

func (p *placeColumns) append(at Place) {
	p.topic = append(p.topic, at.Topic)
	p.partition = append(p.partition, at.Partition)
	p.offset = append(p.offset, at.Offset)
	p.line = append(p.line, at.Line)
}

func (p *placeColumns) values(lo, hi int) []any {
	return []any{p.topic[lo:hi], p.partition[lo:hi], p.offset[lo:hi], p.line[lo:hi]}
}

func (p *placeColumns) reset() {
	p.topic, p.partition, p.offset, p.line = p.topic[:0], p.partition[:0], p.offset[:0], p.line[:0]
}

// Orphans is a block of message events whose bucket is not known yet.
type Orphans struct {
	eventColumns
	placeColumns
	raw    texts
	parked []int64
}

// Append parks an event with its original bytes, from which sms_text has been cut.
func (o *Orphans) Append(ev *Event, at Place, raw []byte, nowMS int64) {
	o.eventColumns.append(ev)
	o.placeColumns.append(at)
	o.raw.append(raw)
	o.parked = append(o.parked, nowMS)
}

// Rows returns the number of events in the block.
func (o *Orphans) Rows() int { return o.rows() }

// Raw returns the bytes of the event of row i.
func (o *Orphans) Raw(i int) []byte { return o.raw.at(i) }

// RewriteRaw replaces the bytes of every event by what change makes of them.
func (o *Orphans) RewriteRaw(change func(account, raw []byte) []byte) {
	raw := o.raw.room()
	for i := range o.rows() {
		raw.append(change([]byte(o.account.at(i)), o.raw.at(i)))
	}
	o.raw = raw
}

// Reset empties the block and keeps its memory.
func (o *Orphans) Reset() {
	o.eventColumns.reset()
	o.placeColumns.reset()
	o.raw.reset()
	o.parked = o.parked[:0]
}

// Insert parks the rows lo…hi under the batch id that the join pass will look for.
func (o *Orphans) Insert(ctx context.Context, conn driver.Conn, batch uuid.UUID, lo, hi int) error {
	return InsertColumns(ctx, conn, "INSERT INTO orphans ("+sharedColumns+", topic, partition, offset, line, raw, "+
		"parked_ms, batch)", lo, hi,
		append(append(o.values(lo, hi), o.placeColumns.values(lo, hi)...), o.raw.strings(lo, hi), o.parked[lo:hi],
			repeat(batch, hi-lo)))
}

func (o *Orphans) values(lo, hi int) []any { return o.eventColumns.values(lo, hi) }

func repeat[T any](v T, n int) []T {
	all := make([]T, n)
	for i := range all {
		all[i] = v
	}
	return all
}
