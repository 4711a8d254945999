package schema

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Attempt is a row of table attempts, with the replies that table replies has of it. Times are [Never] while unseen.
type Attempt struct {
	Account, MessageID           []byte
	BucketMS, SubmittedMS, IDMS  int64
	Step, Parts                  uint8
	PartFailures, Permanent      uint8
	Billable                     uint8 // bit 0: an event said false, bit 1: one said true
	Segments, SMSSegments        uint16
	SMSMeasure, RecipientMark    uint32
	Channel, Provider, Campaign  string
	Template, Sender, App        string
	Operator, Traffic, Trigger   string
	RecipientCountry, Contact    string
	SaidCountry                  string
	Times                        [Skipped]int64 // from Queued on
	MachineMS, SingleDeliveredMS int64
	PartsDeliveredMS             int64 // 0 while unseen
	DeliveredParts, FailedParts  [4]uint64
	LastErrorMS                  int64
	LastErrorCode                string
	Prices                       []Price
	RepliesMS                    []int64
}

// Price is what a provider reported of a part, or of the whole attempt: part 0.
type Price struct {
	Currency string
	Part     uint8
	Micros   int64
}

// Attempts is a block of rows for tables attempts and replies. The zero value is empty; its memory serves one block
// after the other.
type Attempts struct {
	account, channel, provider, campaign, template, sender, app, operator, traffic, trigger, saidCountry words

	messageID, recipientCountry, contact, lastError             texts
	step, parts, partFailures, permanent, billable              []uint8
	segments, smsSegments                                       []uint16
	recipientMark, smsMeasure                                   []uint32
	bucket, submittedMS, idMS, machineMS, singleMS, partsDoneMS []int64
	times                                                       [Skipped][]int64
	deliveredParts, failedParts                                 partSets
	prices                                                      priceMaps
	replies                                                     replies

	rows, repliesRows inserter
	scratch           []byte
}

// replies are rows of table replies.
type replies struct {
	account           words
	messageID         texts
	step              []uint8
	bucket, repliedMS []int64
}

// Grow makes room for n more rows at once: what append does by itself, a quarter more at a time, would copy a large
// block four times over.
func (a *Attempts) Grow(n int) {
	for _, c := range a.bytes() {
		*c = slices.Grow(*c, n)
	}
	for _, c := range a.numbers() {
		*c = slices.Grow(*c, n)
	}
	for _, w := range a.words() {
		w.rows = slices.Grow(w.rows, n)
	}
	for _, t := range []*texts{&a.messageID, &a.recipientCountry, &a.contact, &a.lastError} {
		t.ends = slices.Grow(t.ends, n)
	}
	a.segments, a.smsSegments = slices.Grow(a.segments, n), slices.Grow(a.smsSegments, n)
	a.recipientMark, a.smsMeasure = slices.Grow(a.recipientMark, n), slices.Grow(a.smsMeasure, n)
	a.deliveredParts.data = slices.Grow(a.deliveredParts.data, n*partSetBytes)
	a.failedParts.data = slices.Grow(a.failedParts.data, n*partSetBytes)
	a.prices.ends = slices.Grow(a.prices.ends, 8*n)
}

func (a *Attempts) words() [11]*words {
	return [...]*words{&a.account, &a.channel, &a.provider, &a.campaign, &a.template, &a.sender, &a.app, &a.operator,
		&a.traffic, &a.trigger, &a.saidCountry}
}

func (a *Attempts) bytes() [5]*[]uint8 {
	return [...]*[]uint8{&a.step, &a.parts, &a.partFailures, &a.permanent, &a.billable}
}

func (a *Attempts) numbers() (all [6 + Skipped]*[]int64) {
	copy(all[:], []*[]int64{&a.bucket, &a.submittedMS, &a.idMS, &a.machineMS, &a.singleMS, &a.partsDoneMS})
	for i := range a.times {
		all[6+i] = &a.times[i]
	}
	return all
}

// Append adds a row.
func (a *Attempts) Append(r *Attempt) {
	a.account.append(r.Account)
	a.messageID.append(r.MessageID)
	a.bucket = append(a.bucket, r.BucketMS/1000)
	a.step = append(a.step, r.Step)
	a.submittedMS, a.idMS = append(a.submittedMS, r.SubmittedMS), append(a.idMS, r.IDMS)
	a.channel.appendString(r.Channel)
	a.provider.appendString(r.Provider)
	a.campaign.appendString(r.Campaign)
	a.template.appendString(r.Template)
	a.sender.appendString(r.Sender)
	a.app.appendString(r.App)
	a.operator.appendString(r.Operator)
	a.traffic.appendString(r.Traffic)
	a.trigger.appendString(r.Trigger)
	a.recipientCountry.appendString(r.RecipientCountry)
	a.recipientMark = append(a.recipientMark, r.RecipientMark)
	a.saidCountry.appendString(r.SaidCountry)
	a.contact.appendString(r.Contact)
	a.segments, a.smsSegments = append(a.segments, r.Segments), append(a.smsSegments, r.SMSSegments)
	a.smsMeasure = append(a.smsMeasure, r.SMSMeasure)
	for i, ms := range r.Times {
		a.times[i] = append(a.times[i], ms)
	}
	a.machineMS, a.singleMS = append(a.machineMS, r.MachineMS), append(a.singleMS, r.SingleDeliveredMS)
	a.parts, a.partFailures = append(a.parts, r.Parts), append(a.partFailures, r.PartFailures)
	a.deliveredParts.append(r.DeliveredParts)
	a.failedParts.append(r.FailedParts)
	a.partsDoneMS = append(a.partsDoneMS, r.PartsDeliveredMS)
	// Milliseconds in 13 digits, then the code, so that the greatest text is that of the latest failure.
	a.scratch = a.scratch[:0]
	if r.LastErrorCode != "" {
		a.scratch = append(fmt.Appendf(a.scratch, "%013d", r.LastErrorMS), r.LastErrorCode...)
	}
	a.lastError.append(a.scratch)
	a.permanent, a.billable = append(a.permanent, r.Permanent), append(a.billable, r.Billable)
	a.prices.append(r.Prices)
	for _, ms := range r.RepliesMS {
		a.replies.account.append(r.Account)
		a.replies.messageID.append(r.MessageID)
		a.replies.bucket = append(a.replies.bucket, r.BucketMS/1000)
		a.replies.step = append(a.replies.step, r.Step)
		a.replies.repliedMS = append(a.replies.repliedMS, ms)
	}
}

// Rows returns the number of attempts in the block.
func (a *Attempts) Rows() int { return len(a.step) }

// Reset empties the block and keeps its memory.
func (a *Attempts) Reset() {
	for _, w := range a.words() {
		w.reset()
	}
	for _, t := range []*texts{&a.messageID, &a.recipientCountry, &a.contact, &a.lastError} {
		t.reset()
	}
	for _, c := range a.bytes() {
		*c = (*c)[:0]
	}
	for _, c := range a.numbers() {
		*c = (*c)[:0]
	}
	a.segments, a.smsSegments = a.segments[:0], a.smsSegments[:0]
	a.recipientMark, a.smsMeasure = a.recipientMark[:0], a.smsMeasure[:0]
	a.deliveredParts.reset()
	a.failedParts.reset()
	a.prices.reset()
	r := &a.replies
	r.account.reset()
	r.messageID.reset()
	r.step, r.bucket, r.repliedMS = r.step[:0], r.bucket[:0], r.repliedMS[:0]
}

// Insert stores the block and returns when ClickHouse has acknowledged it.
func (a *Attempts) Insert(ctx context.Context, conn driver.Conn) error {
	n := a.Rows()
	columns := []any{a.account.between(0, n), a.bucket, a.messageID.strings(0, n), a.step, a.submittedMS, a.idMS,
		a.channel.between(0, n), a.provider.between(0, n), a.campaign.between(0, n), a.template.between(0, n),
		a.sender.between(0, n), a.app.between(0, n), a.operator.between(0, n), a.traffic.between(0, n),
		a.trigger.between(0, n), a.recipientCountry.strings(0, n), a.recipientMark, a.saidCountry.between(0, n),
		a.contact.strings(0, n), a.segments, a.smsSegments, a.smsMeasure, a.machineMS, a.singleMS, a.parts,
		&a.deliveredParts, &a.failedParts, a.partFailures, a.partsDoneMS, a.lastError.strings(0, n), a.permanent,
		a.billable, &a.prices}
	for i := range a.times {
		columns = append(columns, a.times[i])
	}
	if err := a.rows.insert(ctx, conn, "INSERT INTO attempts (account, bucket, message_id, step, submitted_ms, id_ms, "+
		"channel, provider, campaign, template, sender, app, operator, traffic, trigger, recipient_country, "+
		"recipient_mark, said_country, contact, segments, sms_segments, sms_measure, machine_ms, single_delivered_ms, "+
		"parts, delivered_parts, failed_parts, part_failures, parts_delivered_ms, last_error, permanent, billable, "+
		"prices, queued_ms, accepted_ms, sent_ms, delivered_ms, read_ms, clicked_ms, replied_ms, undelivered_ms, "+
		"rejected_ms, expired_ms, failed_ms, skipped_ms)", n, columns); err != nil {
		return err
	}
	r := &a.replies
	n = len(r.step)
	return a.repliesRows.insert(ctx, conn, "INSERT INTO replies (account, bucket, message_id, step, replied_ms)", n,
		[]any{r.account.between(0, n), r.bucket, r.messageID.strings(0, n), r.step, r.repliedMS})
}

// native is a column that knows its rows as ClickHouse's Native format has them.
type native interface {
	appendNative(dst []byte) []byte
	len() int
}

// partSets is a column of UInt256.
type partSets struct{ data []byte }

const partSetBytes = 32

func (s *partSets) append(set [4]uint64) {
	for _, word := range set {
		s.data = binary.LittleEndian.AppendUint64(s.data, word)
	}
}

func (s *partSets) len() int                       { return len(s.data) / partSetBytes }
func (s *partSets) reset()                         { s.data = s.data[:0] }
func (s *partSets) appendNative(dst []byte) []byte { return append(dst, s.data...) }

// priceMaps is a column of Map(String, Int64): the key is a currency, with the part behind a blank where there is one.
type priceMaps struct{ ends, keys, values []byte }

func (m *priceMaps) append(prices []Price) {
	for _, p := range prices {
		key := p.Currency
		if p.Part > 0 {
			key = fmt.Sprint(p.Currency, " ", p.Part)
		}
		m.keys = append(binary.AppendUvarint(m.keys, uint64(len(key))), key...)
		m.values = binary.LittleEndian.AppendUint64(m.values, uint64(p.Micros))
	}
	m.ends = binary.LittleEndian.AppendUint64(m.ends, uint64(len(m.values)/8))
}

func (m *priceMaps) len() int { return len(m.ends) / 8 }
func (m *priceMaps) reset()   { m.ends, m.keys, m.values = m.ends[:0], m.keys[:0], m.values[:0] }

func (m *priceMaps) appendNative(dst []byte) []byte {
	return append(append(append(dst, m.ends...), m.keys...), m.values...)
}

// CountMaps is a column of Map(UInt16, UInt64), which the driver would fill a key of a row at a time. The zero value is
// empty.
type CountMaps struct {
	ends   []uint64
	keys   []uint16
	counts []uint64
}

// Append adds a key to the row that [CountMaps.EndRow] ends.
func (m *CountMaps) Append(key uint16, count uint64) {
	m.keys, m.counts = append(m.keys, key), append(m.counts, count)
}

// EndRow ends a row.
func (m *CountMaps) EndRow() { m.ends = append(m.ends, uint64(len(m.keys))) }

// Row returns row i.
func (m *CountMaps) Row(i int) map[uint16]uint64 {
	from := uint64(0)
	if i > 0 {
		from = m.ends[i-1]
	}
	row := map[uint16]uint64{}
	for at := from; at < m.ends[i]; at++ {
		row[m.keys[at]] = m.counts[at]
	}
	return row
}

// Rows returns the number of rows.
func (m *CountMaps) Rows() int { return len(m.ends) }

func (m *CountMaps) len() int { return m.Rows() }

func (m *CountMaps) appendNative(dst []byte) []byte {
	dst = slices.Grow(dst, 8*len(m.ends)+(2+8)*len(m.keys))
	for _, end := range m.ends {
		dst = binary.LittleEndian.AppendUint64(dst, end)
	}
	for _, key := range m.keys {
		dst = binary.LittleEndian.AppendUint16(dst, key)
	}
	for _, count := range m.counts {
		dst = binary.LittleEndian.AppendUint64(dst, count)
	}
	return dst
}
