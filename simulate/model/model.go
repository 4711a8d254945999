package model

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
	messages map[MessageKey]*Message
	people   map[PersonEvent]bool // The events about recipients, each once.
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

// MessageKey is a message of an account, whose name is interned.
type MessageKey struct {
	account uint32
	ID      string
}

// Message is what the events of a message add up to.
type Message struct {
	submitted int64 // The earliest submitted_at, 0 while unknown.
	idTime    int64 // The time inside the id, 0 without.
	idCounts  bool  // Some event took the id's time for plausible.
	events    int64
	attempts  []Attempt
}

// Attempt is what the events of a step of a message add up to.
type Attempt struct {
	times [statuses]int64 // Unix milliseconds, 0 while unseen; without the receipts that name a part.
	// receipts are the deliveries and failures that name a part. Whether they are of the part or of the whole is known
	// when parts is.
	receipts  map[receipt]span
	machine   int64   // The earliest machine open.
	Replies   []int64 // The times of all replies, each once.
	dims      [dims]uint32
	country   uint32 // What the events say of a recipient that is no number.
	Recipient string
	Contact   string
	// The code of the latest failure that carries one, without its leading zeros, and when that was. permanent: some
	// failure was called that.
	errorCode uint32
	ErrorAt   int64
	Permanent bool
	// What events say of the provider's charge: made, and not made.
	billed, notBilled bool
	// The greatest price that a provider reported, in micro-units, by part and currency; nil while none did.
	reported    map[charge]int64
	segments    uint16 // What the provider billed.
	smsSegments uint16 // What the message would take as SMS.
	Step        uint8
	Parts       uint8
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

// New returns an empty model whose clock stands at now: for the validation of events and as the as_of of its
// reports.
func New(now time.Time) *Model {
	m := &Model{
		now:      now.UnixMilli(),
		numbers:  make(map[string]uint32),
		messages: make(map[MessageKey]*Message),
		people:   make(map[PersonEvent]bool),
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

// Now is the clock that the model was made with.
func (m *Model) Now() time.Time { return instantOf(m.now) }

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

// Text is what stands behind a number of intern.
func (m *Model) Text(n uint32) string { return m.strings[n] }

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

func (m *Model) message(account, id string) *Message {
	key := MessageKey{m.intern(account), id}
	msg := m.messages[key]
	if msg == nil {
		msg = &Message{}
		if t, found := idTime(id); found {
			msg.idTime = t
		}
		key.ID = strings.Clone(id)
		m.messages[key] = msg
	}
	return msg
}

func (msg *Message) attempt(step uint8) *Attempt {
	for i := range msg.attempts {
		if msg.attempts[i].Step == step {
			return &msg.attempts[i]
		}
	}
	msg.attempts = append(msg.attempts, Attempt{Step: step})
	return &msg.attempts[len(msg.attempts)-1]
}

// cohort returns the message's cohort in Unix milliseconds, and false while it is unknown.
func (msg *Message) cohort() (int64, bool) {
	if msg.submitted != 0 {
		return msg.submitted, true
	}
	return msg.idTime, msg.idCounts
}

// fold merges the event in m.wire into the attempt. Every merge is a minimum, a maximum or a union, so neither order
// nor repetition matters.
func (m *Model) fold(a *Attempt, p parsed) {
	w := &m.wire
	for i, value := range [dims]string{w.Channel, w.Provider, w.Campaign, w.Template, w.Sender, w.App, w.Operator,
		w.Traffic, w.Trigger} {
		if value != "" && value > m.strings[a.dims[i]] {
			a.dims[i] = m.intern(value)
		}
	}
	if w.Recipient > a.Recipient {
		a.Recipient = strings.Clone(w.Recipient)
	}
	if w.Contact > a.Contact {
		a.Contact = strings.Clone(w.Contact)
	}
	if w.Country > m.strings[a.country] {
		a.country = m.intern(w.Country)
	}
	a.Parts = max(a.Parts, uint8(w.Parts))
	a.foldMoney(w)
	part := uint8(max(w.Part, 0))
	if isFailure(p.status) {
		m.foldReason(a, p.occurred)
		a.Permanent = a.Permanent || w.Permanent == saidTrue
	}
	switch {
	case (p.status == read || p.status == clicked) && w.Machine == saidTrue:
		if a.machine == 0 || p.occurred < a.machine {
			a.machine = p.occurred
		}
		return
	case part > 0 && (p.status == Delivered || isFailure(p.status)):
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
	case p.status == replied && !slices.Contains(a.Replies, p.occurred):
		a.Replies = append(a.Replies, p.occurred)
	}
	if t := a.times[p.status]; t == 0 || p.occurred < t {
		a.times[p.status] = p.occurred
	}
}

// foldReason keeps the code of the failure in m.wire if it is of the latest one that carries a code, of several at that
// time the greatest.
func (m *Model) foldReason(a *Attempt, occurred int64) {
	code := strings.TrimLeft(m.wire.ErrorCode, "0")
	if code == "" || a.errorCode != 0 &&
		(occurred < a.ErrorAt || occurred == a.ErrorAt && code <= m.strings[a.errorCode]) {
		return
	}
	a.errorCode, a.ErrorAt = m.intern(code), occurred
}

// Person tells whom the message went to: the greatest contact over all of its steps, without one its phone number,
// without one the recipient of its lowest step.
func (msg *Message) Person() string {
	contact, phone := "", ""
	lowest := &msg.attempts[0]
	for i := range msg.attempts {
		a := &msg.attempts[i]
		contact = max(contact, a.Contact)
		if strings.HasPrefix(a.Recipient, "+") {
			phone = max(phone, a.Recipient)
		}
		if a.Step < lowest.Step {
			lowest = a
		}
	}
	return cmp.Or(contact, phone, lowest.Recipient)
}

func isFailure(status int) bool {
	return status == Undelivered || status == Rejected || status == Expired || status == Failed
}

// Unknown stands for a time or a latency that is not known.
const Unknown = math.MinInt64

// facts is what is derived of an attempt, in the order of the table of docs/definitions.md section 1.
type facts struct {
	MachineOpened, Bounced, Delivered, Read, clicked, replied, Failed, Skipped, Sent, skewed, notBilled bool

	Start, DeliveredAt, ReadAt, repliedAt int64 // Unix milliseconds or unknown.
	toDeliver, toRead, toReply            int64 // Milliseconds or unknown; all unknown for a skewed attempt.
}

func (a *Attempt) derive(cohort int64) facts {
	seen := func(status int) bool { return a.At(status) != 0 }
	parts := a.partFacts()

	var f facts
	f.notBilled = a.notBilled && !a.billed
	f.MachineOpened = a.machine != 0
	f.Bounced = a.dims[dimChannel] == emailNumber && a.Permanent && !seen(replied)
	f.clicked, f.replied = !f.Bounced && seen(clicked), seen(replied)
	f.Read = !f.Bounced && (seen(read) || seen(clicked) || seen(replied))
	f.Delivered = !f.Bounced && (seen(Delivered) || f.Read || f.MachineOpened || parts.completed != 0)
	f.Failed = !f.Delivered && (seen(Undelivered) || seen(Rejected) || seen(Expired) || seen(Failed) || parts.failed)
	f.Skipped = seen(skipped) && !f.MachineOpened && len(a.receipts) == 0
	f.Sent = f.MachineOpened || parts.taken
	for status := accepted; status < skipped; status++ {
		f.Skipped = f.Skipped && !seen(status)
		f.Sent = f.Sent || seen(status) && status != Rejected && status != Failed
	}

	f.Start = earliest(a.times[accepted], a.times[sent])
	if f.Start == Unknown {
		f.Start = earliest(a.times[queued])
	}
	if f.Start == Unknown && a.Step == 1 {
		f.Start = cohort
	}
	f.DeliveredAt, f.ReadAt, f.repliedAt = Unknown, Unknown, Unknown
	if !f.Bounced {
		f.ReadAt = earliest(a.times[read], a.times[clicked], a.times[replied])
		f.repliedAt = earliest(a.times[replied])
		f.DeliveredAt = earliest(a.At(Delivered), parts.completed, a.times[read], a.times[clicked], a.times[replied],
			a.machine)
	}
	since := func(t int64) int64 {
		if t == Unknown || f.Start == Unknown {
			return Unknown
		}
		return t - f.Start
	}
	f.toDeliver, f.toRead, f.toReply = since(f.DeliveredAt), since(f.ReadAt), since(f.repliedAt)
	if f.toDeliver != Unknown && f.toDeliver < -60_000 {
		f.skewed = true
		f.toDeliver, f.toRead, f.toReply = Unknown, Unknown, Unknown
	}
	for _, latency := range []*int64{&f.toDeliver, &f.toRead, &f.toReply} {
		if *latency != Unknown {
			*latency = max(*latency, 0)
		}
	}
	return f
}

// At returns the earliest time of a status of the whole, 0 while unseen. A message of one part has no parts: its
// receipts are of the whole.
func (a *Attempt) At(status int) int64 {
	t := a.times[status]
	if a.Parts > 1 {
		return t
	}
	for r, s := range a.receipts {
		if int(r.status) == status && (t == 0 || s.earliest < t) {
			t = s.earliest
		}
	}
	return t
}

// SawExpired tells whether the whole or a part expired.
func (a *Attempt) SawExpired() bool {
	if a.times[Expired] != 0 {
		return true
	}
	for r := range a.receipts {
		if r.status == Expired {
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

func (a *Attempt) partFacts() partFacts {
	var f partFacts
	if a.Parts <= 1 {
		return f
	}
	count, latest := 0, int64(0)
	for r, s := range a.receipts {
		_, partDelivered := a.receipts[receipt{Delivered, r.part}]
		if r.status == Delivered {
			count++
			latest = max(latest, s.latest)
		}
		f.failed = f.failed || !partDelivered
		f.taken = f.taken || r.status == Delivered || r.status == Undelivered || r.status == Expired
	}
	if count == int(a.Parts) {
		f.completed = latest
	}
	return f
}

// earliest returns the least of the times that are known; 0 stands for one that is not.
func earliest(times ...int64) int64 {
	least := int64(Unknown)
	for _, t := range times {
		if t != 0 && (least == Unknown || t < least) {
			least = t
		}
	}
	return least
}

// Channel is the attempt's channel, empty while no event names it.
func (m *Model) Channel(a *Attempt) string { return m.strings[a.dims[dimChannel]] }

// App is the attempt's app.
func (m *Model) App(a *Attempt) string { return m.strings[a.dims[dimApp]] }

func instantOf(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// Provider is the attempt's provider, by the name that the events use.
func (m *Model) Provider(a *Attempt) string { return m.strings[a.dims[dimProvider]] }

// Campaign is the attempt's campaign.
func (m *Model) Campaign(a *Attempt) string { return m.strings[a.dims[dimCampaign]] }

// Sender is the attempt's sender.
func (m *Model) Sender(a *Attempt) string { return m.strings[a.dims[dimSender]] }

// ErrorCode is that of the latest failure that carries one, without its leading zeros.
func (m *Model) ErrorCode(a *Attempt) string { return m.strings[a.errorCode] }
