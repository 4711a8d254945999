// Package cells says what a message adds to the rollups, and sums it.
//
// The cells of a set of messages are the sum of what each of them contributes, so a message that changes is replaced:
// what its old state contributed is taken back, and what its new state contributes is added. Nothing else moves, and
// what a message counts always follows from its facts as a whole. The package is pure: states of messages in, columns
// of tables out. What facts mean is said by package law, what cells are for by the migrations of tables rollup_*.
package cells

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"

	"kaskad/schema"
	"kaskad/schema/law"
	"kaskad/schema/state"
)

// quarterMS is how long a cell of cohorts lasts.
const quarterMS = 15 * 60 * 1000

// maxKept bounds the memory that a [Sum] keeps from one use to the next: names, and cells of a table.
const maxKept = 1 << 17

// Sum adds up contributions of messages. The zero value is ready; one goroutine uses it. It keeps texts of the states
// that it is given, and nothing else of them.
type Sum struct {
	// Rewrite has all attempts by recipient written, also those in which old and new states agree: where something else
	// than the old state may be stored.
	Rewrite bool
	// Scattered has cells of all hours looked for, for messages that do not come hour by hour: that takes longer, and
	// makes fewer of them.
	Scattered bool

	names  names
	places table[place, struct{}]
	dims   dimensions
	// hour is that of the cells which are found again: those of others stand in the tables, and are not looked for.
	hour hour

	attempts   table[attemptKey, attemptCell]
	latencies  table[latencyKey, int64]
	cascades   table[cascadeKey, cascadeCell]
	spend      table[spendKey, spendCell]
	spendMoney table[moneyKey, amount]
	waste      table[wasteKey, wasteCell]
	failures   table[failureKey, failureCell]
	legs       table[ofAccount, legRow]
	shapes     table[ofAccount, shapeRow]
	shapeSteps []shapeStep
	// told is how many legs and shapes blocks told of before the last Reset.
	told struct{ legs, shapes int }

	recipients []recipientRow
	people     []personRow

	// Of the message that is being added, or was last.
	steps    []step
	prices   []law.Price
	old, new []recipientRow
	scratch  []byte

	// Of the column of texts that is made at present, or was last.
	column uint32
	keys   []columnKey
}

// place is where a cell is: an account, the hour in which messages are stored, the quarter hour of their cohorts.
type place struct{ account, bucket, cohort uint32 }

// hour is the part of a place that messages are sorted by.
type hour struct{ account, bucket uint32 }

// step is an attempt with what follows of it.
type step struct {
	*law.Attempt
	law.Outcome
	units law.Units
	dims  uint32
	leg   uint64
	code  law.Code
	// reported are prices of Sum, from and to.
	from, to int
}

// message is what belongs to a message rather than to one of its attempts: the greatest over those that were tried.
type message struct {
	place              uint32
	cohortMS           int64
	attempted          int
	campaign, template uint32
	smsSegments        uint16
	smsMeasure         uint32
	shape              uint64
	// prices are those of Sum from here on, the sums of what providers reported by currency.
	prices int
}

// Reset forgets everything but what saves work when the same names come again. Blocks are taken to be stored by then:
// legs and shapes that they told of are not told again soon.
func (s *Sum) Reset() {
	if len(s.names.texts) > maxKept || len(s.dims.all) > maxKept {
		*s = Sum{Rewrite: s.Rewrite, Scattered: s.Scattered}
		return
	}
	s.hour = hour{}
	s.places.reset()
	s.attempts.reset()
	s.latencies.reset()
	s.cascades.reset()
	s.spend.reset()
	s.spendMoney.reset()
	s.waste.reset()
	s.failures.reset()
	if len(s.shapes.keys) > maxKept || len(s.legs.keys) > maxKept {
		s.legs.reset()
		s.shapes.reset()
		s.shapeSteps = nil
	}
	s.told.legs, s.told.shapes = len(s.legs.keys), len(s.shapes.keys)
	clear(s.recipients)
	s.recipients = s.recipients[:0]
	s.people = s.people[:0]
}

// enter has cells of an hour looked up among those of this hour alone, which are few and at hand. A cell of an hour
// that is entered again is another one with the same key, and both add up where they are read.
func (s *Sum) enter(at hour) {
	if at == s.hour || s.Scattered {
		return
	}
	s.hour = at
	s.places.leave()
	s.attempts.leave()
	s.latencies.leave()
	s.cascades.leave()
	s.spend.leave()
	s.spendMoney.leave()
	s.waste.leave()
	s.failures.leave()
}

// Add adds what a message contributes, n times: 1, or -1 to take it back. units are those of its attempts, in their
// order; none where nothing of it is a dialog. A message whose cohort is unknown contributes nothing. Messages of an
// hour of an account take less when they come one after the other.
func (s *Sum) Add(m *state.Message, units []law.Units, n int64) {
	h, known := s.fold(m, units)
	if !known {
		return
	}
	for i := range s.steps {
		s.addAttempt(&h, &s.steps[i], n)
	}
	if h.attempted == 0 {
		return
	}
	s.addCascade(&h, n)
	for i := range s.steps {
		if st := &s.steps[i]; st.Attempted {
			s.addSpend(&h, st, n)
			s.addWaste(&h, st, n)
		}
	}
	if n > 0 {
		s.noteShape(&h)
	}
}

// Replace takes back what a message contributed by its old state, and adds what it contributes by its new one. Of its
// attempts by recipient, it writes those that have changed, and takes those back that have another recipient or hour
// now. Without an old state, the message is new.
func (s *Sum) Replace(old, changed *state.Message, oldUnits, units []law.Units) {
	s.old, s.new = s.old[:0], s.new[:0]
	if old != nil {
		s.Add(old, oldUnits, -1)
		s.old = s.recipientRows(s.old, old)
	}
	s.Add(changed, units, 1)
	s.new = s.recipientRows(s.new, changed)
	s.replaceRecipients()
	s.replacePeople()
}

// Anew adds what a message contributes, whatever it did before. Its attempts by recipient are written as by
// [Sum.Replace].
func (s *Sum) Anew(old, changed *state.Message, units []law.Units) {
	s.old, s.new = s.old[:0], s.new[:0]
	if old != nil {
		s.fold(old, nil)
		s.old = s.recipientRows(s.old, old)
	}
	s.Add(changed, units, 1)
	s.new = s.recipientRows(s.new, changed)
	s.replaceRecipients()
	s.addPeople(s.new, 1)
}

// replaceRecipients writes what differs between the old and the new attempts by recipient, or all of the new ones.
func (s *Sum) replaceRecipients() {
	for i := range s.new {
		if s.Rewrite || !slices.Contains(s.old, s.new[i]) {
			s.recipients = append(s.recipients, s.new[i])
		}
	}
	for i := range s.old {
		gone := &s.old[i]
		if !slices.ContainsFunc(s.new, func(r recipientRow) bool {
			return r.step == gone.step && r.recipient == gone.recipient && r.bucket == gone.bucket
		}) {
			s.recipients = append(s.recipients, recipientRow{account: gone.account, recipient: gone.recipient,
				bucket: gone.bucket, messageID: gone.messageID, step: gone.step, gone: true,
				dims: s.dims.of(&law.Attempt{}, &s.names)})
		}
	}
}

// fold derives what follows of a message and its attempts. It reports whether its cohort is known.
func (s *Sum) fold(m *state.Message, units []law.Units) (message, bool) {
	s.steps, s.prices = s.steps[:0], s.prices[:0]
	h := message{cohortMS: m.CohortMS()}
	if h.cohortMS == schema.Never {
		return h, false
	}
	at := hour{s.names.of(m.Account), uint32(m.BucketMS / 1000)}
	s.enter(at)
	h.place = s.places.index(place{at.account, at.bucket, uint32((h.cohortMS - h.cohortMS%quarterMS) / 1000)})
	for i := range m.Attempts {
		s.steps = append(s.steps, step{})
		st := &s.steps[len(s.steps)-1]
		st.Attempt = &m.Attempts[i]
		st.Outcome = st.Attempt.Outcome(h.cohortMS)
		if i < len(units) {
			st.units = units[i]
		}
		st.dims = s.dims.of(st.Attempt, &s.names)
		st.from = len(s.prices)
		s.prices = st.Reported(s.prices)
		st.to = len(s.prices)
		st.leg = s.leg(st)
		st.code = st.Outcome.Code(st.units, st.Segments)
	}
	h.prices = len(s.prices)
	s.scratch = s.scratch[:0]
	for i := range s.steps {
		st := &s.steps[i]
		if !st.Attempted {
			continue
		}
		h.attempted++
		d := &s.dims.all[st.dims]
		if s.names.texts[h.campaign] < d.Campaign {
			h.campaign = d.campaign
		}
		if s.names.texts[h.template] < d.Template {
			h.template = d.template
		}
		h.smsSegments, h.smsMeasure = max(h.smsSegments, st.SMSSegments), max(h.smsMeasure, st.SMSMeasure)
		for _, p := range s.prices[st.from:st.to] {
			s.addPrice(h.prices, p)
		}
		s.scratch = append(s.scratch, st.Step)
		s.scratch = binary.LittleEndian.AppendUint64(s.scratch, st.leg)
		s.scratch = binary.LittleEndian.AppendUint32(s.scratch, uint32(st.code))
	}
	s.scratch = binary.LittleEndian.AppendUint16(s.scratch, h.smsSegments)
	h.shape = xxhash.Sum64(s.scratch)
	return h, true
}

// addPrice adds a price to those of the message, which are in the order of currencies.
func (s *Sum) addPrice(from int, p law.Price) {
	at, known := slices.BinarySearchFunc(s.prices[from:], p, func(x, y law.Price) int {
		return strings.Compare(x.Currency, y.Currency)
	})
	if known {
		s.prices[from+at].Micros += p.Micros
	} else {
		s.prices = slices.Insert(s.prices, from+at, p)
	}
}

// ofAccount is what is known by a hash of its content within an account.
type ofAccount struct {
	account uint32
	hash    uint64
}

// legRow is what a tariff may name of an attempt.
type legRow struct{ dims, currencies uint32 }

// leg returns the hash of what a tariff may name of an attempt, and of the currencies in which a price was reported.
func (s *Sum) leg(st *step) uint64 {
	currencies := uint32(0)
	if st.to > st.from {
		s.scratch = s.scratch[:0]
		for i, p := range s.prices[st.from:st.to] {
			if i > 0 {
				s.scratch = append(s.scratch, ',')
			}
			s.scratch = append(s.scratch, p.Currency...)
		}
		currencies = s.names.ofBytes(s.scratch)
	}
	d := &s.dims.all[st.dims]
	for _, l := range d.legs {
		if l.currencies == currencies {
			return l.hash
		}
	}
	s.scratch = s.scratch[:0]
	for _, text := range [...]string{d.Channel, d.Provider, d.Operator, d.Country, d.Traffic, d.Sender, d.App,
		d.Trigger, s.names.texts[currencies]} {
		s.scratch = append(binary.AppendUvarint(s.scratch, uint64(len(text))), text...)
	}
	hash := xxhash.Sum64(s.scratch)
	d.legs = append(d.legs, legOf{currencies, hash})
	return hash
}

// currencies returns those of the leg.
func (s *Sum) currencies(st *step) uint32 {
	for _, l := range s.dims.all[st.dims].legs {
		if l.hash == st.leg {
			return l.currencies
		}
	}
	return 0
}

// shapeRow is what pricing must know of a message: steps are those of Sum, from and to.
type shapeRow struct {
	smsSegments uint16
	from, to    int
}

type shapeStep struct {
	leg  uint64
	code law.Code
}

// noteShape notes the shape of the message that was folded, and the legs in it.
func (s *Sum) noteShape(h *message) {
	account := s.places.keys[h.place].account
	row, fresh := s.shapes.of(ofAccount{account, h.shape})
	if !fresh {
		return
	}
	*row = shapeRow{h.smsSegments, len(s.shapeSteps), len(s.shapeSteps) + h.attempted}
	for i := range s.steps {
		st := &s.steps[i]
		if !st.Attempted {
			continue
		}
		s.shapeSteps = append(s.shapeSteps, shapeStep{st.leg, st.code})
		if leg, fresh := s.legs.of(ofAccount{account, st.leg}); fresh {
			*leg = legRow{st.dims, s.currencies(st)}
		}
	}
}

// names gives each text a number. That of the empty one is 0.
type names struct {
	known map[string]uint32
	texts []string
	last  uint32
}

func (n *names) of(text string) uint32 {
	if int(n.last) < len(n.texts) && n.texts[n.last] == text {
		return n.last
	}
	if id, known := n.known[text]; known {
		n.last = id
		return id
	}
	return n.add(strings.Clone(text)) // It may be a part of something large.
}

func (n *names) ofBytes(text []byte) uint32 {
	if id, known := n.known[string(text)]; known {
		return id
	}
	return n.add(string(text))
}

func (n *names) add(text string) uint32 {
	if n.known == nil {
		n.known, n.texts = map[string]uint32{"": 0}, []string{""}
		if text == "" {
			return 0
		}
	}
	id := uint32(len(n.texts))
	n.known[text] = id
	n.texts = append(n.texts, text)
	return id
}

// dimensionTexts are the dimensions of an attempt that reports cut by.
type dimensionTexts struct {
	Channel, Provider, Campaign, Template, Sender, App, Operator, Country, Traffic, Trigger string
}

// dimensions gives each combination of them a number.
type dimensions struct {
	at  map[dimensionTexts]uint32
	all []dimensionRow
	// recent holds the numbers that were asked for last, by a mark of their texts: to hash all ten takes longer.
	recent [1 << recentBits]uint32
}

const recentBits = 10

// mark spreads combinations by the lengths and last letters of the texts that differ most.
func (d *dimensionTexts) mark() uint32 {
	mark := uint32(len(d.Channel)) + uint32(len(d.Provider))<<3 + uint32(len(d.App))<<6 + uint32(len(d.Trigger))<<9
	for _, text := range [...]string{d.Campaign, d.Template, d.Operator, d.Sender} {
		mark *= 31
		if n := len(text); n > 0 {
			mark += uint32(n) + uint32(text[n-1])<<8 + uint32(text[n/2])<<16
		}
	}
	return mark * 0x9e3779b1 >> (32 - recentBits)
}

type dimensionRow struct {
	dimensionTexts
	campaign, template uint32
	legs               []legOf
	way                uint32 // 0 until it is asked for
}

type legOf struct {
	currencies uint32
	hash       uint64
}

func (d *dimensions) of(a *law.Attempt, n *names) uint32 {
	texts := dimensionTexts{a.Channel, a.Provider, a.Campaign, a.Template, a.Sender, a.App, a.Operator, a.Country(),
		a.Traffic, a.Trigger}
	recent := &d.recent[texts.mark()]
	if int(*recent) < len(d.all) && d.all[*recent].dimensionTexts == texts {
		return *recent
	}
	if id, known := d.at[texts]; known {
		*recent = id
		return id
	}
	if d.at == nil {
		d.at = map[dimensionTexts]uint32{}
	}
	for _, text := range [...]*string{&texts.Channel, &texts.Provider, &texts.Campaign, &texts.Template, &texts.Sender,
		&texts.App, &texts.Operator, &texts.Country, &texts.Traffic, &texts.Trigger} {
		*text = n.texts[n.of(*text)]
	}
	id := uint32(len(d.all))
	*recent, d.at[texts] = id, id
	d.all = append(d.all, dimensionRow{texts, n.of(texts.Campaign), n.of(texts.Template), nil, 0})
	return id
}

// amount is a sum of money in micro-units, in 128 bits.
type amount struct {
	high int64
	low  uint64
}

// add adds micros, n times: 1 or -1.
func (x *amount) add(micros, n int64) {
	micros *= n
	low := x.low + uint64(micros)
	x.high += micros >> 63
	if low < x.low {
		x.high++
	}
	x.low = low
}
