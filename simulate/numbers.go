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
	// ErrorMaps are the accounts' own lines, which come before those that the model knows.
	ErrorMaps map[string][]ErrorMapLine
	// Rules are the accounts' own; an account without has DefaultNumberRules.
	Rules map[string]NumberRules
	// Overrides are the verdicts that somebody set by hand.
	Overrides []NumberOverride
	// Tariffs are the price lists by account.
	Tariffs map[string][]SavingsTariff
}

// NumberOverride is a verdict set by hand: active, dead or quarantined.
type NumberOverride struct {
	Account, Number, State, Why string
	At                          time.Time
}

// NumberVerdict is the verdict on a number with its evidence. A zero time is null.
type NumberVerdict struct {
	Account, Number, State, Rule string

	Since                                        time.Time
	Reasons                                      map[string]int
	FailedMailings, FailedDays                   int
	FirstFailedAt, LastFailedAt, LastDeliveredAt time.Time

	// WastedCost is in micro-units of the currency, nil for null.
	WastedCost *big.Int
	Currency   string

	PossibleReassignment bool

	// Of the latest lookup; LookedUpAt is zero without one. Of several at that time, the greatest value of each finding.
	LookedUpAt     time.Time
	Operator       string
	Ported, Valid  *bool
	OwnerChangedAt time.Time

	// Override is the state that somebody set, empty for none, and Why the reason given.
	Override, Why string

	// History tells how the evidence would have been read at every instant up to now, overrides aside; DeadSpans when the number was dead, overrides
	// included.
	History   []NumberChange
	DeadSpans []DeadSpan
}

type numberKey struct{ account, number string }

// Numbers judges every phone number that has attempts of any kind, lookups or an override, and returns the verdicts in the order of account and
// number. It returns an error when a tariff or an error map cannot be read.
func (m *Model) Numbers(q NumbersQuery) ([]NumberVerdict, error) {
	evidence, err := m.numberEvidence(q)
	if err != nil {
		return nil, err
	}
	prices := pricer{model: m, dialogs: m.dialogs()}
	if prices.tariffs, err = readTariffs(q.Tariffs); err != nil {
		return nil, err
	}
	overrides := make(map[numberKey]NumberOverride)
	for _, o := range q.Overrides {
		key := numberKey{o.Account, o.Number}
		overrides[key] = o
		if evidence[key] == nil {
			evidence[key] = &numberEvidence{rules: q.rules(o.Account)}
		}
	}
	verdicts := make([]NumberVerdict, 0, len(evidence))
	for key, e := range evidence {
		v := m.verdict(e, m.asOf(q), &prices)
		v.Account, v.Number = key.account, key.number
		if o, found := overrides[key]; found {
			v.overrule(o)
		}
		verdicts = append(verdicts, v)
	}
	slices.SortFunc(verdicts, func(x, y NumberVerdict) int {
		return cmp.Or(strings.Compare(x.Account, y.Account), strings.Compare(x.Number, y.Number))
	})
	return verdicts, nil
}

// overrule sets a verdict by hand. The number was dead until then as the evidence has it, and from then on if that was said.
func (v *NumberVerdict) overrule(o NumberOverride) {
	v.State, v.Rule, v.Since, v.Override, v.Why = o.State, "override", o.At.UTC(), o.State, o.Why
	var spans []DeadSpan
	for _, s := range v.DeadSpans {
		if !s.From.Before(o.At) {
			continue
		}
		if s.To.IsZero() || s.To.After(o.At) {
			s.To = o.At.UTC()
		}
		spans = append(spans, s)
	}
	if o.State == "dead" {
		spans = append(spans, DeadSpan{From: o.At.UTC(), Rule: "override"})
	}
	v.DeadSpans = spans
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

// numberEvidence gathers what is known of each phone number.
func (m *Model) numberEvidence(q NumbersQuery) (map[numberKey]*numberEvidence, error) {
	codes, err := errorMaps(q.ErrorMaps)
	if err != nil {
		return nil, err
	}
	evidence := make(map[numberKey]*numberEvidence)
	of := func(account, number string) *numberEvidence {
		e := evidence[numberKey{account, number}]
		if e == nil {
			e = &numberEvidence{rules: q.rules(account)}
			evidence[numberKey{account, number}] = e
		}
		return e
	}
	windowed := func(at int64, rules NumberRules) bool { return at >= m.asOf(q)-int64(rules.EvidenceDays)*dayMS }

	all := m.foldedAttempts()
	for i := range all {
		x := &all[i]
		if !strings.HasPrefix(x.attempt.recipient, "+") {
			continue
		}
		e := of(x.account, x.attempt.recipient)
		if x.facts.delivered {
			e.deliveries = append(e.deliveries, x.facts.deliveredAt)
		}
		if !oneOf(m.strings[x.attempt.dims[dimChannel]], "sms", "voice", "flash_call") || !windowed(x.cohort, e.rules) {
			continue
		}
		if x.facts.delivered {
			e.successes = append(e.successes, x.facts.deliveredAt)
		}
		if x.facts.failed {
			e.failures = append(e.failures, numberFailure{at: x.began(), class: m.class(x.attempt, codes(x.account)),
				mailing: mailing(m.strings[x.attempt.dims[dimCampaign]], x.cohort), attempt: x})
		}
	}
	for event := range m.people {
		if m.strings[event.status] != "lookup" || !strings.HasPrefix(event.recipient, "+") {
			continue
		}
		e := of(m.strings[event.account], event.recipient)
		e.lookups = append(e.lookups, event)
		if event.valid == saidFalse && windowed(event.occurred, e.rules) {
			e.failures = append(e.failures, numberFailure{at: event.occurred, class: "invalid_format", mailing: "lookup"})
		}
	}
	return evidence, nil
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
	m.lookedUp(&v, e.lookups)
	return v
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

// attemptCost prices one attempt by itself. What was not sent costs nothing, in the currency of the tariff that would price it.
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
		segments := int64(x.attempt.segments)
		for j := range x.msg.attempts {
			// What the message would take as SMS counts where the provider told no segments.
			if other := &x.msg.attempts[j]; x.attempt.segments == 0 && !other.derive(x.cohort).skipped {
				segments = max(segments, int64(other.smsSegments))
			}
		}
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
