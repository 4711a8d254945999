package simulate

import (
	"math"
	"math/bits"
	"strings"
	"time"
)

// The dimensions of an attempt that the model keeps as numbers of interned strings. The recipient is kept apart: there are
// as many as people.
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

// Model computes reports and the verdicts on numbers from events, naively: docs/definitions.md sections 1 to 5 line by line. A message
// takes about 700 bytes. A Model is not safe for concurrent use.
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
	// Messages and Attempts count what has been seen, ParkedMessages and ParkedAttempts those without a cohort among them.
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
	times     [statuses]int64 // Unix milliseconds, 0 while unseen; without the receipts of parts.
	dims      [dims]uint32
	recipient string
	contact   string
	multipart *multipart // nil while no receipt named a part.
	// Of the failures: the greatest code without its leading zeros, and whether any was called permanent.
	errorCode uint32
	permanent bool
	// The greatest price that a provider reported, in micro-units, by currency; nil while none did.
	reported    map[string]int64
	segments    uint16 // What the provider billed.
	smsSegments uint16 // What the message would take as SMS.
	step        uint8
	parts       uint8
}

type multipart struct {
	delivered, failed [4]uint64 // Bit n stands for part n.
	tried             bool      // A part was undelivered or expired: a provider had taken it.
	expired           bool      // A part was expired.
	latest            int64     // The greatest time of all deliveries that name a part.
}

// NewModel returns an empty model whose clock stands at now: for the validation of events and as the as_of of its reports.
func NewModel(now time.Time) *Model {
	m := &Model{
		now:      now.UnixMilli(),
		numbers:  make(map[string]uint32),
		messages: make(map[messageKey]*message),
		people:   make(map[personEvent]bool),
		regions:  make(map[string]string),
	}
	m.intern("") // Number 0 is the missing value.
	return m
}

// Add folds one event, a JSON object, into the model. The error of a refused event names the field and the rule; such an
// event changes nothing but the count of the rejected. Add keeps no reference to line.
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

// fold merges the event in m.wire into the attempt. Every merge is a minimum, a maximum or a union, so neither order nor
// repetition matters.
func (m *Model) fold(a *attempt, p parsed) {
	w := &m.wire
	for i, value := range [dims]string{w.Channel, w.Provider, w.Campaign, w.Template, w.Sender, w.App, w.Operator, w.Traffic, w.Trigger} {
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
	a.parts = max(a.parts, uint8(w.Parts))
	a.foldMoney(w)
	if isFailure(p.status) {
		m.foldReason(a)
	}

	// parts = 1 is an ordinary message, so its part says nothing.
	if w.Part > 0 && w.Parts > 1 && (p.status == delivered || isFailure(p.status)) {
		if a.multipart == nil {
			a.multipart = &multipart{}
		}
		a.multipart.fold(p.status, int(w.Part), p.occurred)
		return
	}
	if t := a.times[p.status]; t == 0 || p.occurred < t {
		a.times[p.status] = p.occurred
	}
}

func (mp *multipart) fold(status, part int, occurred int64) {
	if status == delivered {
		mp.delivered[part/64] |= 1 << (part % 64)
		mp.latest = max(mp.latest, occurred)
		return
	}
	mp.failed[part/64] |= 1 << (part % 64)
	mp.tried = mp.tried || status == undelivered || status == expired
	mp.expired = mp.expired || status == expired
}

func isFailure(status int) bool {
	return status == undelivered || status == rejected || status == expired || status == failed
}

// unknown stands for a time or a latency that is not known.
const unknown = math.MinInt64

// facts is what is derived of an attempt, in the order of the table of docs/definitions.md section 1.
type facts struct {
	delivered, read, clicked, replied, failed, skipped, sent, skewed bool

	start, deliveredAt         int64 // Unix milliseconds or unknown.
	toDeliver, toRead, toReply int64 // Milliseconds or unknown; all unknown for a skewed attempt.
}

func (a *attempt) derive(cohort int64) facts {
	seen := func(status int) bool { return a.times[status] != 0 }
	partDelivered, partFailed, allParts, partTried := a.partFacts()

	var f facts
	f.clicked, f.replied = seen(clicked), seen(replied)
	f.read = seen(read) || f.clicked || f.replied
	f.delivered = seen(delivered) || f.read || allParts
	f.failed = !f.delivered && (seen(undelivered) || seen(rejected) || seen(expired) || seen(failed) || partFailed)
	f.skipped = seen(skipped) && a.multipart == nil
	for status := accepted; status < skipped; status++ {
		f.skipped = f.skipped && !seen(status)
	}
	f.sent = f.delivered || partDelivered || partTried || seen(accepted) || seen(sent) || seen(undelivered) || seen(expired)

	f.start = earliest(a.times[accepted], a.times[sent])
	if f.start == unknown {
		f.start = earliest(a.times[queued])
	}
	if f.start == unknown && a.step == 1 {
		f.start = cohort
	}
	completed := int64(0)
	if allParts {
		completed = a.multipart.latest
	}
	since := func(t int64) int64 {
		if t == unknown || f.start == unknown {
			return unknown
		}
		return t - f.start
	}
	f.deliveredAt = earliest(a.times[delivered], completed, a.times[read], a.times[clicked], a.times[replied])
	f.toDeliver = since(f.deliveredAt)
	f.toRead = since(earliest(a.times[read], a.times[clicked], a.times[replied]))
	f.toReply = since(earliest(a.times[replied]))
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

// partFacts tells whether any part was delivered, any undelivered part failed, all parts were delivered, and any part was
// undelivered or expired.
func (a *attempt) partFacts() (anyDelivered, anyFailed, all, tried bool) {
	if a.multipart == nil {
		return false, false, false, false
	}
	count := 0
	for i, word := range a.multipart.delivered {
		count += bits.OnesCount64(word)
		anyFailed = anyFailed || a.multipart.failed[i]&^word != 0
	}
	return count > 0, anyFailed, count == int(a.parts), a.multipart.tried
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
