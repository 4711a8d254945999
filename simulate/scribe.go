package simulate

import (
	"strconv"
	"strings"
	"time"
)

// scribe writes events as JSON, appending text to a buffer that it reuses: no reflection, no garbage.
type scribe struct {
	world *world
	rng   rng // Of the poison alone.
	line  []byte
	key   []byte
	count int64 // Of the poison.
}

func newScribe(w *world) *scribe {
	s := &scribe{world: w, line: make([]byte, 0, 2048), key: make([]byte, 0, 256)}
	s.rng.seed(w.cfg.Seed, 1<<63)
	return s
}

// event writes an event. Its Line and Key are valid until the next call.
func (s *scribe) event(e *happening) Event {
	kind := Status
	if e.flags&aboutRecipient != 0 {
		kind = Recipient
		s.recipient(e)
	} else {
		s.status(e)
	}
	return Event{
		Line: s.line, Key: s.key, Kind: kind,
		Arrival: time.UnixMilli(e.arrival).UTC(), Occurred: time.UnixMilli(e.occurred).UTC(),
		Duplicate: e.flags&isDuplicate != 0, Reordered: e.flags&isReordered != 0, Late: e.flags&isLate != 0,
	}
}

func (s *scribe) status(e *happening) {
	t := e.trial
	s.key = append(append(append(s.key[:0], t.acc.name...), '/'), t.id[:t.idLen]...)

	b := append(append(s.line[:0], `{"account":`...), t.acc.text...)
	b = append(append(b, `,"message_id":"`...), t.id[:t.idLen]...)
	b = append(b, '"')
	full := e.flags&sparse == 0
	if full {
		b = s.message(b, e)
	}
	b = append(append(b, t.channel.json...), t.provider.json...)
	if t.step > 1 || e.noise&3 != 0 {
		b = strconv.AppendInt(append(b, `,"step":`...), int64(t.step), 10)
	}
	b = append(append(append(b, `,"recipient":"`...), t.recipient...), '"')
	if full {
		b = s.attempt(b, e)
	}
	b = append(append(b, `,"status":"`...), statusNames[e.status]...)
	b = append(b, `","occurred_at":"`...)
	b = append(appendTime(b, e.occurred, t.provider.zone, e.noise), '"')
	if e.part > 0 {
		b = strconv.AppendInt(append(b, `,"part":`...), int64(e.part), 10)
		b = strconv.AppendInt(append(b, `,"parts":`...), int64(t.parts), 10)
	}
	if e.failure != nil {
		b = append(b, e.failure.json...)
	}
	if e.flags&byMachine != 0 {
		b = append(b, `,"machine":true`...)
	}
	if e.status == delivered && t.channel.name == "whatsapp" && e.noise>>27&15 == 0 {
		b = append(b, `,"billable":false`...) // Within the customer's window.
	}
	if e.submitted != 0 {
		b = append(b, `,"submitted_at":"`...)
		b = append(appendTime(b, e.submitted, zone{suffix: "Z"}, 0), '"')
	}
	if e.noise>>8&15 == 0 {
		b = append(b, `,"event_id":"`...)
		b = appendHex(append(b, "ev-"...), uint64(e.noise)<<32|uint64(e.occurred)&0xffffffff, 16)
		b = append(b, '"')
	}
	if e.flags&unknownField != 0 {
		b = append(b, [...]string{`,"x_trace":{"span":[1,{"parent":null}]}`,
			`,"comment":"ещё \"раз\""`}[e.noise>>12&1]...)
	}
	s.line = append(b, '}')
}

// message writes the dimensions of the message. Any of them may be missing: another event will bring it.
func (s *scribe) message(b []byte, e *happening) []byte {
	t := e.trial
	if e.noise>>16&7 != 0 {
		b = append(b, t.campaign...)
	}
	b = append(b, t.template.json...)
	if e.flags&conflicting != 0 && e.noise>>22&1 == 0 {
		b = append(b, `,"sender":"Alias"`...)
	} else if e.noise>>19&7 != 0 {
		b = append(b, t.sender...)
	}
	if e.flags&withText != 0 && t.template.text != "" {
		b = append(b, t.template.text...)
	} else {
		b = strconv.AppendInt(append(b, `,"sms_segments":`...), int64(t.template.segments), 10)
	}
	return append(b, t.contact...)
}

// attempt writes the dimensions of the attempt.
func (s *scribe) attempt(b []byte, e *happening) []byte {
	t := e.trial
	if t.operator != "" && e.noise>>23&3 != 0 {
		operator := t.operator
		if e.flags&conflicting != 0 && e.noise>>22&1 == 1 {
			operator = otherOperator(operator, uint64(e.noise))
		}
		b = append(append(append(b, `,"operator":"`...), operator...), '"')
	}
	if t.segments > 0 && (e.status == sent || e.status == delivered) {
		b = strconv.AppendInt(append(b, `,"segments":`...), int64(t.segments), 10)
		if e.flags&priced != 0 {
			b = append(b, t.provider.prices[min(t.segments, len(t.provider.prices)-1)]...)
		}
	}
	if t.step > 1 || e.noise>>25&3 == 0 {
		b = append(b, t.trigger...)
	}
	return append(b, t.app...)
}

func (s *scribe) recipient(e *happening) {
	t := e.trial
	name := recipientStatuses[e.status]
	s.key = append(append(append(s.key[:0], t.acc.name...), '/'), t.recipient...)
	b := append(append(s.line[:0], `{"account":`...), t.acc.text...)
	if name != "lookup" {
		b = append(append(b, t.channel.json...), t.provider.json...)
	}
	if e.flags&namesMessage != 0 {
		b = append(append(append(b, `,"message_id":"`...), t.id[:t.idLen]...), '"')
	}
	b = append(append(append(b, `,"recipient":"`...), t.recipient...), '"')
	b = append(b, t.app...)
	if name == "inbound" {
		b = append(b, t.sender...)
	}
	b = append(append(append(b, `,"status":"`...), name...), `","occurred_at":"`...)
	b = append(appendTime(b, e.occurred, t.provider.zone, e.noise), '"')
	if name == "lookup" {
		b = append(append(append(b, `,"operator":"`...), t.operator...), `","ported":`...)
		b = strconv.AppendBool(b, e.noise&7 == 0)
		b = strconv.AppendBool(append(b, `,"valid":`...), e.noise&15 != 1)
	}
	s.line = append(b, '}')
}

// appendTime writes Unix milliseconds as RFC 3339 in the zone. Microseconds come from the noise.
func appendTime(b []byte, ms int64, z zone, noise uint32) []byte {
	ms += z.offset
	days, rest := ms/dayMS, ms%dayMS
	year, month, day := civil(days)
	b = append(b, byte('0'+year/1000), byte('0'+year/100%10), byte('0'+year/10%10), byte('0'+year%10), '-')
	b = append(append2(b, month), '-')
	b = append(append2(b, day), 'T')
	b = append(append2(b, rest/hourMS), ':')
	b = append(append2(b, rest/60_000%60), ':')
	b = append(append2(b, rest/1000%60), '.')
	b = append(b, byte('0'+rest/100%10))
	b = append2(b, rest%100)
	if z.micros {
		b = append(b, byte('0'+noise%10))
		b = append2(b, int64(noise>>8%100))
	}
	return append(b, z.suffix...)
}

func append2(b []byte, n int64) []byte { return append(b, byte('0'+n/10), byte('0'+n%10)) }

// civil turns days since 1970 into a date of the Gregorian calendar, for dates after it began. Years are counted from
// March, so that the leap day is the last of its year.
func civil(days int64) (year, month, day int64) {
	days += 719_468 // 1 March of the year 0.
	era, dayOfEra := days/146_097, days%146_097
	yearOfEra := (dayOfEra - dayOfEra/1460 + dayOfEra/36_524 - dayOfEra/146_096) / 365
	dayOfYear := dayOfEra - (365*yearOfEra + yearOfEra/4 - yearOfEra/100)
	m := (5*dayOfYear + 2) / 153
	day = dayOfYear - (153*m+2)/5 + 1
	month = m + 3
	if month > 12 {
		month -= 12
	}
	year = era*400 + yearOfEra
	if month <= 2 {
		year++
	}
	return year, month, day
}

// poisons are the lines that the pipeline must refuse, one of each kind of the list "Refused" of docs/events.md. NOW
// stands for a valid time, ID for an id that no message has.
var poisons = [...]string{
	`{"account":"lavka","message_id":"ID","channel":"sms","sta`,
	`gateway restarted, queue flushed`,
	`{"message_id":"ID","submitted_at":"NOW","channel":"sms","recipient":"+79160000000","status":"sent","occurred_at":"NOW"}`,
	`{"account":"lavka","submitted_at":"NOW","channel":"sms","recipient":"+79160000000","status":"sent","occurred_at":"NOW"}`,
	`{"account":"lavka","message_id":"ID","submitted_at":"NOW","recipient":"+79160000000","status":"sent","occurred_at":"NOW"}`,
	`{"account":"lavka","message_id":"ID","submitted_at":"NOW","channel":"sms","status":"sent","occurred_at":"NOW"}`,
	`{"account":"lavka","message_id":"ID","submitted_at":"NOW","channel":"sms","recipient":"+79160000000","occurred_at":"NOW"}`,
	`{"account":"lavka","message_id":"ID","submitted_at":"NOW","channel":"sms","recipient":"+79160000000","status":"sent"}`,
	`{"account":"lavka","message_id":"ID","submitted_at":"NOW","channel":"sms","recipient":"+79160000000","status":"teleported","occurred_at":"NOW"}`,
	`{"account":"lavka","message_id":"ID","submitted_at":"NOW","channel":"pigeon","recipient":"+79160000000","status":"sent","occurred_at":"NOW"}`,
	`{"account":"lavka","message_id":"ID","submitted_at":"NOW","channel":"sms","traffic":"spam","recipient":"+79160000000","status":"sent","occurred_at":"NOW"}`,
	`{"account":"lavka","message_id":"ID","submitted_at":"NOW","channel":"sms","trigger":"whim","recipient":"+79160000000","status":"sent","occurred_at":"NOW"}`,
	`{"account":"lavka","message_id":"ID","submitted_at":"NOW","channel":"sms","step":33,"recipient":"+79160000000","status":"sent","occurred_at":"NOW"}`,
	`{"account":"lavka","message_id":"ID","submitted_at":"NOW","channel":"sms","step":-1,"recipient":"+79160000000","status":"sent","occurred_at":"NOW"}`,
	`{"account":"lavka","message_id":"ID","submitted_at":"NOW","channel":"sms","part":1,"parts":256,"recipient":"+79160000000","status":"delivered","occurred_at":"NOW"}`,
	`{"account":"lavka","message_id":"ID","submitted_at":"NOW","channel":"sms","part":1,"recipient":"+79160000000","status":"delivered","occurred_at":"NOW"}`,
	`{"account":"lavka","message_id":"ID","submitted_at":"NOW","channel":"sms","part":4,"parts":3,"recipient":"+79160000000","status":"delivered","occurred_at":"NOW"}`,
	`{"account":"lavka","message_id":"ID","submitted_at":"NOW","channel":"sms","price":"2.00","recipient":"+79160000000","status":"sent","occurred_at":"NOW"}`,
	`{"account":"lavka","message_id":"ID","submitted_at":"NOW","channel":"sms","price":"-2.00","currency":"RUB","recipient":"+79160000000","status":"sent","occurred_at":"NOW"}`,
	`{"account":"lavka","message_id":"ID","submitted_at":"NOW","channel":"sms","price":"NaN","currency":"RUB","recipient":"+79160000000","status":"sent","occurred_at":"NOW"}`,
	`{"account":"lavka","message_id":"ID","submitted_at":"NOW","channel":"sms","recipient":"+79160000000","status":"sent","occurred_at":"1999-12-31T23:59:59Z"}`,
	`{"account":"lavka","message_id":"ID","submitted_at":"NOW","channel":"sms","recipient":"+79160000000","status":"sent","occurred_at":"2290-01-01T00:00:00Z"}`,
	`{"account":"lavka","message_id":"ID","submitted_at":"1999-12-31T23:59:59Z","channel":"sms","recipient":"+79160000000","status":"sent","occurred_at":"NOW"}`,
	`{"account":"lavka","message_id":"ID","submitted_at":"NOW","channel":"sms","recipient":"+79160000000","status":"sent","occurred_at":"yesterday"}`,
	`{"account":"lavka","message_id":"ID","submitted_at":"NOW","channel":"sms","recipient":"89160000000","status":"sent","occurred_at":"NOW"}`,
	`{"account":"lavka","message_id":"ID","submitted_at":"NOW","channel":"sms","recipient":"+0916000000","status":"sent","occurred_at":"NOW"}`,
	`{"account":"lavka","message_id":"ID","submitted_at":"NOW","channel":"sms","recipient":"+7916","status":"sent","occurred_at":"NOW"}`,
	`{"account":"lavka","message_id":"ID","submitted_at":"NOW","channel":"sms","campaign":{"name":"sale"},"recipient":"+79160000000","status":"sent","occurred_at":"NOW"}`,
	`{"account":"lavka","message_id":"ID","submitted_at":"NOW","channel":"sms","template":["sale"],"recipient":"+79160000000","status":"sent","occurred_at":"NOW"}`,
	`{"account":"lavka","message_id":"ID-LONG","submitted_at":"NOW","channel":"sms","recipient":"+79160000000","status":"sent","occurred_at":"NOW"}`,
	`{"account":"lavka","message_id":"ID","submitted_at":"NOW","channel":"sms","campaign":"LONGLONG","recipient":"+79160000000","status":"sent","occurred_at":"NOW"}`,
}

// poison writes a line that must be refused. Valid times in it are the time of arrival.
func (s *scribe) poison(arrival int64) Event {
	s.count++
	text := poisons[s.rng.below(int64(len(poisons)))]
	id := "poison-" + strconv.FormatInt(s.count, 10)
	now := string(appendTime(nil, min(arrival, s.world.now), zone{suffix: "Z"}, 0))
	long := strings.Repeat("x", 150)
	s.line = append(s.line[:0], strings.NewReplacer("NOW", now, "ID", id, "LONG", long).Replace(text)...)
	s.key = append(append(s.key[:0], "lavka/"...), id...)
	at := time.UnixMilli(arrival).UTC()
	return Event{Line: s.line, Key: s.key, Kind: Poison, Arrival: at, Occurred: at}
}
