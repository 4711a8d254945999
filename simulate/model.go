package simulate

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"
)

// The dimensions of an attempt that the model keeps as numbers of interned strings. The recipient is kept apart: there
// are as many as people.
const (
	dimChannel = iota
	dimProvider
	dimCampaign
	dimTemplate
	dimSender
	dimApp
	dimOperator
	dimTraffic
	dimTrigger
	dims
)

// Model computes reports and the verdicts on numbers from events, naively: docs/definitions.md sections 1 to 5 line by
// line. A message takes about 700 bytes. A Model is not safe for concurrent use.
type Model struct {
	now      int64
	wire     wireEvent
	strings  []string
	numbers  map[string]uint32
	messages map[messageKey]*message
	people   map[personEvent]bool // The events about recipients, each once.
	counts   Counts
	regions  map[string]string
}

// Counts says what a Model was given. Events = Rejected + Recipient + what went into messages, duplicates included.
type Counts struct {
	// Events counts the lines that Add was given, but for empty ones.
	Events int64
	// Rejected counts the events that Add refused.
	Rejected int64
	// Recipient counts the valid events about a recipient, which no channel report shows, duplicates included.
	Recipient int64
	// ParkedEvents counts the valid events of the messages whose cohort is unknown, duplicates included.
	ParkedEvents int64
	// Messages and Attempts count what has been seen, ParkedMessages and ParkedAttempts those without a cohort among
	// them.
	Messages, Attempts, ParkedMessages, ParkedAttempts int64
}

type messageKey struct {
	account uint32
	id      string
}

type message struct {
	submitted int64 // The earliest submitted_at, 0 while unknown.
	idTime    int64 // The time inside the id, 0 without.
	idCounts  bool  // Some event took the id's time for plausible.
	events    int64
	attempts  []attempt
}

type attempt struct {
	times [statuses]int64 // Unix milliseconds, 0 while unseen; without the receipts that name a part.
	// receipts are the deliveries and failures that name a part. Whether they are of the part or of the whole is known
	// when parts is.
	receipts  map[receipt]span
	machine   int64   // The earliest machine open.
	replies   []int64 // The times of all replies, each once.
	dims      [dims]uint32
	country   uint32 // What the events say of a recipient that is no number.
	recipient string
	contact   string
	// The code of the latest failure that carries one, without its leading zeros, and when that was. permanent: some
	// failure was called that.
	errorCode uint32
	errorAt   int64
	permanent bool
	// What events say of the provider's charge: made, and not made.
	billed, notBilled bool
	// The greatest price that a provider reported, in micro-units, by part and currency; nil while none did.
	reported    map[charge]int64
	segments    uint16 // What the provider billed.
	smsSegments uint16 // What the message would take as SMS.
	step        uint8
	parts       uint8
}

// receipt is a delivery or failure of a part.
type receipt struct{ status, part uint8 }

// span is the earliest and the latest time of a receipt.
type span struct{ earliest, latest int64 }

// charge is what a reported price is of.
type charge struct {
	part     uint8 // 0 without.
	currency string
}

// emailNumber is the number of the interned channel.
const emailNumber = 1

// NewModel returns an empty model whose clock stands at now: for the validation of events and as the as_of of its
// reports.
func NewModel(now time.Time) *Model {
	m := &Model{
		now:      now.UnixMilli(),
		numbers:  make(map[string]uint32),
		messages: make(map[messageKey]*message),
		people:   make(map[personEvent]bool),
		regions:  make(map[string]string),
	}
	m.intern("") // Number 0 is the missing value.
	m.intern("email")
	return m
}

// Add folds one event, a JSON object, into the model. The error of a refused event names the field and the rule; such
// an event changes nothing but the count of the rejected. Add keeps no reference to line.
func (m *Model) Add(line []byte) error {
	if len(line) == 0 {
		return nil
	}
	m.counts.Events++
	p, err := parse(line, &m.wire, m.now)
	if err != nil {
		m.counts.Rejected++
		return err
	}
	if p.status < 0 {
		m.counts.Recipient++
		m.addPersonEvent(p)
		return nil
	}
	msg := m.message(m.wire.Account, m.wire.MessageID)
	msg.events++
	if p.submittedAt != 0 && (msg.submitted == 0 || p.submittedAt < msg.submitted) {
		msg.submitted = p.submittedAt
	}
	if msg.idTime != 0 && msg.idTime >= p.occurred-maxAge && msg.idTime <= p.occurred+maxAhead {
		msg.idCounts = true
	}
	m.fold(msg.attempt(uint8(max(m.wire.Step, 1))), p)
	return nil
}

// Counts returns what the model has been given so far.
func (m *Model) Counts() Counts {
	c := m.counts
	c.Messages = int64(len(m.messages))
	for _, msg := range m.messages {
		c.Attempts += int64(len(msg.attempts))
		if _, known := msg.cohort(); !known {
			c.ParkedMessages++
			c.ParkedAttempts += int64(len(msg.attempts))
			c.ParkedEvents += msg.events
		}
	}
	return c
}

func (m *Model) intern(s string) uint32 {
	if n, found := m.numbers[s]; found {
		return n
	}
	n := uint32(len(m.strings))
	s = strings.Clone(s)
	m.strings = append(m.strings, s)
	m.numbers[s] = n
	return n
}

func (m *Model) message(account, id string) *message {
	key := messageKey{m.intern(account), id}
	msg := m.messages[key]
	if msg == nil {
		msg = &message{}
		if t, found := idTime(id); found {
			msg.idTime = t
		}
		key.id = strings.Clone(id)
		m.messages[key] = msg
	}
	return msg
}

func (msg *message) attempt(step uint8) *attempt {
	for i := range msg.attempts {
		if msg.attempts[i].step == step {
			return &msg.attempts[i]
		}
	}
	msg.attempts = append(msg.attempts, attempt{step: step})
	return &msg.attempts[len(msg.attempts)-1]
}

// cohort returns the message's cohort in Unix milliseconds, and false while it is unknown.
func (msg *message) cohort() (int64, bool) {
	if msg.submitted != 0 {
		return msg.submitted, true
	}
	return msg.idTime, msg.idCounts
}

// fold merges the event in m.wire into the attempt. Every merge is a minimum, a maximum or a union, so neither order
// nor repetition matters.
func (m *Model) fold(a *attempt, p parsed) {
	w := &m.wire
	for i, value := range [dims]string{w.Channel, w.Provider, w.Campaign, w.Template, w.Sender, w.App, w.Operator,
		w.Traffic, w.Trigger} {
		if value != "" && value > m.strings[a.dims[i]] {
			a.dims[i] = m.intern(value)
		}
	}
	if w.Recipient > a.recipient {
		a.recipient = strings.Clone(w.Recipient)
	}
	if w.Contact > a.contact {
		a.contact = strings.Clone(w.Contact)
	}
	if w.Country > m.strings[a.country] {
		a.country = m.intern(w.Country)
	}
	a.parts = max(a.parts, uint8(w.Parts))
	a.foldMoney(w)
	part := uint8(max(w.Part, 0))
	if isFailure(p.status) {
		m.foldReason(a, p.occurred)
		a.permanent = a.permanent || w.Permanent == saidTrue
	}
	switch {
	case (p.status == read || p.status == clicked) && w.Machine == saidTrue:
		if a.machine == 0 || p.occurred < a.machine {
			a.machine = p.occurred
		}
		return
	case part > 0 && (p.status == delivered || isFailure(p.status)):
		key := receipt{uint8(p.status), part}
		s, found := a.receipts[key]
		if !found {
			s = span{p.occurred, p.occurred}
		}
		if a.receipts == nil {
			a.receipts = make(map[receipt]span)
		}
		a.receipts[key] = span{min(s.earliest, p.occurred), max(s.latest, p.occurred)}
		return
	case p.status == replied && !slices.Contains(a.replies, p.occurred):
		a.replies = append(a.replies, p.occurred)
	}
	if t := a.times[p.status]; t == 0 || p.occurred < t {
		a.times[p.status] = p.occurred
	}
}

// foldReason keeps the code of the failure in m.wire if it is of the latest one that carries a code, of several at that
// time the greatest.
func (m *Model) foldReason(a *attempt, occurred int64) {
	code := strings.TrimLeft(m.wire.ErrorCode, "0")
	if code == "" || a.errorCode != 0 &&
		(occurred < a.errorAt || occurred == a.errorAt && code <= m.strings[a.errorCode]) {
		return
	}
	a.errorCode, a.errorAt = m.intern(code), occurred
}

// person tells whom the message went to: the greatest contact over all of its steps, without one its phone number,
// without one the recipient of its lowest step.
func (msg *message) person() string {
	contact, phone := "", ""
	lowest := &msg.attempts[0]
	for i := range msg.attempts {
		a := &msg.attempts[i]
		contact = max(contact, a.contact)
		if strings.HasPrefix(a.recipient, "+") {
			phone = max(phone, a.recipient)
		}
		if a.step < lowest.step {
			lowest = a
		}
	}
	return cmp.Or(contact, phone, lowest.recipient)
}

func isFailure(status int) bool {
	return status == undelivered || status == rejected || status == expired || status == failed
}

// unknown stands for a time or a latency that is not known.
const unknown = math.MinInt64

// facts is what is derived of an attempt, in the order of the table of docs/definitions.md section 1.
type facts struct {
	machineOpened, bounced, delivered, read, clicked, replied, failed, skipped, sent, skewed, notBilled bool

	start, deliveredAt, readAt, repliedAt int64 // Unix milliseconds or unknown.
	toDeliver, toRead, toReply            int64 // Milliseconds or unknown; all unknown for a skewed attempt.
}

func (a *attempt) derive(cohort int64) facts {
	seen := func(status int) bool { return a.at(status) != 0 }
	parts := a.partFacts()

	var f facts
	f.notBilled = a.notBilled && !a.billed
	f.machineOpened = a.machine != 0
	f.bounced = a.dims[dimChannel] == emailNumber && a.permanent && !seen(replied)
	f.clicked, f.replied = !f.bounced && seen(clicked), seen(replied)
	f.read = !f.bounced && (seen(read) || seen(clicked) || seen(replied))
	f.delivered = !f.bounced && (seen(delivered) || f.read || f.machineOpened || parts.completed != 0)
	f.failed = !f.delivered && (seen(undelivered) || seen(rejected) || seen(expired) || seen(failed) || parts.failed)
	f.skipped = seen(skipped) && !f.machineOpened && len(a.receipts) == 0
	f.sent = f.machineOpened || parts.taken
	for status := accepted; status < skipped; status++ {
		f.skipped = f.skipped && !seen(status)
		f.sent = f.sent || seen(status) && status != rejected && status != failed
	}

	f.start = earliest(a.times[accepted], a.times[sent])
	if f.start == unknown {
		f.start = earliest(a.times[queued])
	}
	if f.start == unknown && a.step == 1 {
		f.start = cohort
	}
	f.deliveredAt, f.readAt, f.repliedAt = unknown, unknown, unknown
	if !f.bounced {
		f.readAt = earliest(a.times[read], a.times[clicked], a.times[replied])
		f.repliedAt = earliest(a.times[replied])
		f.deliveredAt = earliest(a.at(delivered), parts.completed, a.times[read], a.times[clicked], a.times[replied],
			a.machine)
	}
	since := func(t int64) int64 {
		if t == unknown || f.start == unknown {
			return unknown
		}
		return t - f.start
	}
	f.toDeliver, f.toRead, f.toReply = since(f.deliveredAt), since(f.readAt), since(f.repliedAt)
	if f.toDeliver != unknown && f.toDeliver < -60_000 {
		f.skewed = true
		f.toDeliver, f.toRead, f.toReply = unknown, unknown, unknown
	}
	for _, latency := range []*int64{&f.toDeliver, &f.toRead, &f.toReply} {
		if *latency != unknown {
			*latency = max(*latency, 0)
		}
	}
	return f
}

// at returns the earliest time of a status of the whole, 0 while unseen. A message of one part has no parts: its
// receipts are of the whole.
func (a *attempt) at(status int) int64 {
	t := a.times[status]
	if a.parts > 1 {
		return t
	}
	for r, s := range a.receipts {
		if int(r.status) == status && (t == 0 || s.earliest < t) {
			t = s.earliest
		}
	}
	return t
}

// sawExpired tells whether the whole or a part expired.
func (a *attempt) sawExpired() bool {
	if a.times[expired] != 0 {
		return true
	}
	for r := range a.receipts {
		if r.status == expired {
			return true
		}
	}
	return false
}

// partFacts is what the receipts of parts say: completed is when the last part was delivered, 0 while one is not;
// failed that an undelivered part failed; taken that a provider took one: it was delivered, undelivered or expired.
type partFacts struct {
	completed     int64
	failed, taken bool
}

func (a *attempt) partFacts() partFacts {
	var f partFacts
	if a.parts <= 1 {
		return f
	}
	count, latest := 0, int64(0)
	for r, s := range a.receipts {
		_, partDelivered := a.receipts[receipt{delivered, r.part}]
		if r.status == delivered {
			count++
			latest = max(latest, s.latest)
		}
		f.failed = f.failed || !partDelivered
		f.taken = f.taken || r.status == delivered || r.status == undelivered || r.status == expired
	}
	if count == int(a.parts) {
		f.completed = latest
	}
	return f
}

// earliest returns the least of the times that are known; 0 stands for one that is not.
func earliest(times ...int64) int64 {
	least := int64(unknown)
	for _, t := range times {
		if t != 0 && (least == unknown || t < least) {
			least = t
		}
	}
	return least
}
