package simulate

import (
	"cmp"
	"math/big"
	"slices"
	"strings"
	"time"
)

// NumbersQuery says when numbers are judged, and by which reference data.
type NumbersQuery struct {
	// Now is the time that verdicts are read at. Zero is the model's own.
	Now time.Time
	// Shipped is the error map that Kaskad ships; nil is the model's own, which knows some of its codes.
	Shipped *ErrorMap
	// ErrorMaps are the accounts' own lines and aliases, which come before the shipped ones.
	ErrorMaps map[string]ErrorMap
	// Rules are the accounts' own; an account without has DefaultNumberRules.
	Rules map[string]NumberRules
	// Overrides are the verdicts that somebody set by hand.
	Overrides []NumberOverride
	// Tariffs are the price lists by account.
	Tariffs map[string][]SavingsTariff
}

// NumberVerdict is the verdict on a phone number or an e-mail address with its evidence. A zero time is null.
type NumberVerdict struct {
	Account, Number, State, Rule string

	Since                                        time.Time
	Reasons                                      map[string]int
	Guessed                                      int // How many of the counted failures have a guessed class.
	FailedMailings, FailedDays                   int
	FirstFailedAt, LastFailedAt, LastDeliveredAt time.Time

	// WastedCost is in micro-units of the currency, nil for null.
	WastedCost *big.Int
	Currency   string

	PossibleReassignment bool

	ReachableOn []Reachable
	OptOuts     []OptOut

	// Of the latest lookup; LookedUpAt is zero without one. Of several at that time, the greatest value of each
	// finding.
	LookedUpAt     time.Time
	Operator       string
	Ported, Valid  *bool
	OwnerChangedAt time.Time

	// Override is the state that somebody set, empty for none, and Why the reason given.
	Override, Why string

	// History tells how the evidence would have been read at every instant up to now, overrides aside; DeadSpans when
	// the number was dead, overrides included.
	History   []NumberChange
	DeadSpans []DeadSpan
}

// Reachable is a channel beside those of a number's evidence that the recipient was delivered to while it failed.
type Reachable struct {
	Channel         string
	LastDeliveredAt time.Time
}

// MarshalJSON writes channel and last_delivered_at.
func (r Reachable) MarshalJSON() ([]byte, error) {
	var w rowWriter
	w.field("channel", r.Channel)
	w.time("last_delivered_at", r.LastDeliveredAt)
	return w.finish()
}

// numberKey is a recipient of an account.
type numberKey struct{ account, number string }

// Numbers judges every phone number and e-mail address that has attempts of any kind, lookups, an opt-out or an
// override, and returns the verdicts in the order of account and number. It returns an error when a tariff or an error
// map cannot be read.
func (m *Model) Numbers(q NumbersQuery) ([]NumberVerdict, error) {
	codes, err := codeBooks(q.Shipped, q.ErrorMaps)
	if err != nil {
		return nil, err
	}
	prices := pricer{model: m, dialogs: m.dialogs()}
	if prices.tariffs, err = readTariffs(q.Tariffs); err != nil {
		return nil, err
	}
	evidence := m.numberEvidence(q, codes)
	overrides := make(map[numberKey][]NumberOverride)
	for _, o := range q.Overrides {
		key := numberKey{o.Account, o.Number}
		overrides[key] = append(overrides[key], o)
		evidence.of(q, key)
	}
	leaving := make(map[numberKey][]OptOut)
	for key, signals := range m.signals(codes) {
		if list := optOuts(signals); len(list) > 0 && kindOf(key.number) != noAddress {
			leaving[key] = list
			evidence.of(q, key)
		}
	}
	verdicts := make([]NumberVerdict, 0, len(evidence))
	for key, e := range evidence {
		v := m.verdict(e, m.asOf(q), &prices)
		v.Account, v.Number = key.account, key.number
		if v.OptOuts = leaving[key]; v.OptOuts == nil {
			v.OptOuts = []OptOut{}
		}
		v.overrule(overrides[key])
		verdicts = append(verdicts, v)
	}
	slices.SortFunc(verdicts, func(x, y NumberVerdict) int {
		return cmp.Or(strings.Compare(x.Account, y.Account), strings.Compare(x.Number, y.Number))
	})
	return verdicts, nil
}

func (m *Model) asOf(q NumbersQuery) int64 {
	if q.Now.IsZero() {
		return m.now
	}
	return q.Now.UnixMilli()
}

func (q NumbersQuery) rules(account string) NumberRules {
	if own, found := q.Rules[account]; found {
		return own
	}
	return DefaultNumberRules()
}

// foldedAttempt is an attempt of a message whose cohort is known, with what follows from its events.
type foldedAttempt struct {
	account string
	key     messageKey
	msg     *message
	attempt *attempt
	cohort  int64
	facts   facts
}

// foldedAttempts returns all attempts whose cohort is known, skipped ones too, in no order.
func (m *Model) foldedAttempts() []foldedAttempt {
	var all []foldedAttempt
	for key, msg := range m.messages {
		cohort, known := msg.cohort()
		if !known {
			continue
		}
		for i := range msg.attempts {
			a := &msg.attempts[i]
			all = append(all, foldedAttempt{m.strings[key.account], key, msg, a, cohort, a.derive(cohort)})
		}
	}
	return all
}

// began is the time of an attempt, and of its failure: its start, or its cohort when that is unknown.
func (x *foldedAttempt) began() int64 {
	if x.facts.start == unknown {
		return x.cohort
	}
	return x.facts.start
}

// evidenceByNumber is what is known of each number.
type evidenceByNumber map[numberKey]*numberEvidence

// of returns the evidence of a number, that of nothing where there is none yet.
func (all evidenceByNumber) of(q NumbersQuery, key numberKey) *numberEvidence {
	e := all[key]
	if e == nil {
		e = &numberEvidence{kind: kindOf(key.number), rules: q.rules(key.account)}
		all[key] = e
	}
	return e
}

// numberEvidence gathers what is known of each phone number and e-mail address.
func (m *Model) numberEvidence(q NumbersQuery, codes func(account string) *codeBook) evidenceByNumber {
	evidence := make(evidenceByNumber)
	windowed := func(at int64, rules NumberRules) bool { return at >= m.asOf(q)-int64(rules.EvidenceDays)*dayMS }

	all := m.foldedAttempts()
	for i := range all {
		x := &all[i]
		if kindOf(x.attempt.recipient) == noAddress {
			continue
		}
		e := evidence.of(q, numberKey{x.account, x.attempt.recipient})
		if x.facts.delivered {
			e.deliveries = append(e.deliveries, numberDelivery{m.channel(x.attempt), x.facts.deliveredAt})
		}
		if !e.kind.evidence(m.channel(x.attempt)) || !windowed(x.cohort, e.rules) {
			continue
		}
		if x.facts.delivered {
			e.successes = append(e.successes, x.facts.deliveredAt)
		}
		if x.facts.failed {
			r := m.reason(x.attempt, codes(x.account))
			e.failures = append(e.failures, numberFailure{at: x.began(), class: r.class, guessed: r.guessed,
				mailing: mailing(m.strings[x.attempt.dims[dimCampaign]], x.cohort), attempt: x})
		}
	}
	for event := range m.people {
		if m.strings[event.status] != "lookup" || kindOf(event.recipient) == noAddress {
			continue
		}
		e := evidence.of(q, numberKey{m.strings[event.account], event.recipient})
		e.lookups = append(e.lookups, event)
		if event.valid == saidFalse && windowed(event.occurred, e.rules) {
			e.failures = append(e.failures,
				numberFailure{at: event.occurred, class: "invalid_format", mailing: "lookup"})
		}
	}
	return evidence
}

// verdict reads a number's state with everything that speaks for it, overrides aside.
func (m *Model) verdict(e *numberEvidence, now int64, prices *pricer) NumberVerdict {
	v := NumberVerdict{Reasons: map[string]int{}, PossibleReassignment: e.reassigned(), History: e.history(now)}
	v.DeadSpans = deadSpans(v.History)
	since := int64(0)
	v.State, v.Rule, since = e.judge(forever, now)
	if v.State == "dead" {
		v.Since = instantOf(since)
	}
	streak := e.streak(forever)
	mailings, days := map[string]bool{}, map[int64]bool{}
	for _, f := range streak {
		v.Reasons[f.class]++
		if f.guessed {
			v.Guessed++
		}
		mailings[f.mailing], days[utcDay(f.at)] = true, true
		if at := instantOf(f.at); v.FirstFailedAt.IsZero() || at.Before(v.FirstFailedAt) {
			v.FirstFailedAt = at
		}
	}
	v.FailedMailings, v.FailedDays = len(mailings), len(days)
	for _, f := range e.failures {
		v.LastFailedAt = later(v.LastFailedAt, instantOf(f.at))
	}
	for _, at := range e.successes {
		v.LastDeliveredAt = later(v.LastDeliveredAt, instantOf(at))
	}
	v.WastedCost, v.Currency = prices.streakCost(streak)
	v.ReachableOn = e.reachableOn(streak)
	m.lookedUp(&v, e.lookups)
	return v
}

// reachableOn lists the channels beside those of the evidence that the recipient was delivered to since a streak began.
func (e *numberEvidence) reachableOn(streak []numberFailure) []Reachable {
	first := int64(forever)
	for _, f := range streak {
		first = min(first, f.at)
	}
	latest := make(map[string]int64)
	for _, d := range e.deliveries {
		if d.at >= first && !e.kind.evidence(d.channel) {
			latest[d.channel] = max(latest[d.channel], d.at)
		}
	}
	list := []Reachable{}
	for channel, at := range latest {
		list = append(list, Reachable{channel, instantOf(at)})
	}
	slices.SortFunc(list, func(x, y Reachable) int { return strings.Compare(x.Channel, y.Channel) })
	return list
}

// lookedUp notes what the latest lookup found.
func (m *Model) lookedUp(v *NumberVerdict, lookups []personEvent) {
	for _, event := range lookups {
		v.LookedUpAt = later(v.LookedUpAt, instantOf(event.occurred))
	}
	ported, valid, owner := unsaid, unsaid, int64(0)
	for _, event := range lookups {
		if !instantOf(event.occurred).Equal(v.LookedUpAt) {
			continue
		}
		v.Operator = max(v.Operator, m.strings[event.operator])
		ported, valid, owner = max(ported, event.ported), max(valid, event.valid), max(owner, event.ownerChanged)
	}
	v.Ported, v.Valid = ported.pointer(), valid.pointer()
	if owner != 0 {
		v.OwnerChangedAt = instantOf(owner)
	}
}

// pointer returns nil for what is not said.
func (s said) pointer() *bool {
	if s == unsaid {
		return nil
	}
	value := s == saidTrue
	return &value
}

// streakCost adds up what the attempts of a streak cost; nil when one has no price, or when there are two currencies.
func (pr *pricer) streakCost(streak []numberFailure) (*big.Int, string) {
	sum, currency := new(big.Int), ""
	for _, f := range streak {
		if f.attempt == nil {
			continue
		}
		cost, itsCurrency, priced := pr.attemptCost(f.attempt)
		if !f.attempt.facts.sent {
			continue // It costs nothing, in no currency.
		}
		if !priced || currency != "" && itsCurrency != "" && itsCurrency != currency {
			return nil, ""
		}
		sum.Add(sum, cost)
		currency = max(currency, itsCurrency)
	}
	return sum, currency
}

// attemptCost prices one attempt by itself. What was not sent costs nothing, in the currency of the tariff that would
// price it.
func (pr *pricer) attemptCost(x *foldedAttempt) (cost *big.Int, currency string, priced bool) {
	p := pr.price(x.account, x.msg, x.cohort)
	for i := range p.steps {
		s := &p.steps[i]
		if s.step != x.attempt.step {
			continue
		}
		if !s.facts.sent {
			if would := bestTariff(pr.tariffs[x.account], s.keys, x.cohort, false); would != nil {
				currency = would.currency
			}
			return new(big.Int), currency, true
		}
		if s.tariff == nil {
			return nil, "", false
		}
		segments := x.billedSegments()
		if !s.bill(segments, pr.dialogs[x.attempt]) {
			return nil, s.tariff.currency, false
		}
		return s.cost, s.tariff.currency, true
	}
	return new(big.Int), "", true
}

func instantOf(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

func later(x, y time.Time) time.Time {
	if y.After(x) {
		return y
	}
	return x
}
