package numbers

import (
	"cmp"
	"math/big"
	"slices"
	"strings"
	"time"

	"kaskad/simulate/model"
	"kaskad/simulate/model/settings"
)

// Verdict is the verdict on a phone number or an e-mail address with its evidence. A zero time is null.
type Verdict struct {
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
	History   []Change
	DeadSpans []DeadSpan
}

// Reachable is a channel beside those of a number's evidence that the recipient was delivered to while it failed.
type Reachable struct {
	Channel         string
	LastDeliveredAt time.Time
}

// MarshalJSON writes channel and last_delivered_at.
func (r Reachable) MarshalJSON() ([]byte, error) {
	var w model.RowWriter
	w.Field("channel", r.Channel)
	w.Time("last_delivered_at", r.LastDeliveredAt)
	return w.Finish()
}

// numberKey is a recipient of an account.
type numberKey struct{ account, number string }

// Verdicts judges every phone number and e-mail address that has attempts of any kind, lookups, an opt-out or an
// override, and returns the verdicts in the order of account and number. It returns an error when a tariff or an error
// map cannot be read.
func Verdicts(m *model.Model, q settings.Numbers) ([]Verdict, error) {
	codes, err := codeBooks(q.Shipped, q.ErrorMaps)
	if err != nil {
		return nil, err
	}
	prices, err := m.Pricer(q.Tariffs, nil, nil)
	if err != nil {
		return nil, err
	}
	evidence := gatherEvidence(m, q, codes)
	overrides := make(map[numberKey][]settings.NumberOverride)
	for _, o := range q.Overrides {
		key := numberKey{o.Account, o.Number}
		overrides[key] = append(overrides[key], o)
		evidence.of(q, key)
	}
	leaving := make(map[numberKey][]OptOut)
	for key, signals := range gatherSignals(m, codes) {
		if list := optOuts(signals); len(list) > 0 && kindOf(key.number) != noAddress {
			leaving[key] = list
			evidence.of(q, key)
		}
	}
	verdicts := make([]Verdict, 0, len(evidence))
	for key, e := range evidence {
		v := verdictOf(m, e, asOf(m, q), prices)
		v.Account, v.Number = key.account, key.number
		if v.OptOuts = leaving[key]; v.OptOuts == nil {
			v.OptOuts = []OptOut{}
		}
		v.overrule(overrides[key])
		verdicts = append(verdicts, v)
	}
	slices.SortFunc(verdicts, func(x, y Verdict) int {
		return cmp.Or(strings.Compare(x.Account, y.Account), strings.Compare(x.Number, y.Number))
	})
	return verdicts, nil
}

func asOf(m *model.Model, q settings.Numbers) int64 {
	if q.Now.IsZero() {
		return m.Now().UnixMilli()
	}
	return q.Now.UnixMilli()
}

// evidenceByNumber is what is known of each number.
type evidenceByNumber map[numberKey]*numberEvidence

// of returns the evidence of a number, that of nothing where there is none yet.
func (all evidenceByNumber) of(q settings.Numbers, key numberKey) *numberEvidence {
	e := all[key]
	if e == nil {
		e = &numberEvidence{kind: kindOf(key.number), rules: q.RulesOf(key.account)}
		all[key] = e
	}
	return e
}

// numberEvidence gathers what is known of each phone number and e-mail address.
func gatherEvidence(m *model.Model, q settings.Numbers, codes func(account string) *codeBook) evidenceByNumber {
	evidence := make(evidenceByNumber)
	windowed := func(at int64, rules settings.NumberRules) bool {
		return at >= asOf(m, q)-int64(rules.EvidenceDays)*dayMS
	}

	all := m.Attempts()
	for i := range all {
		x := &all[i]
		if kindOf(x.Attempt.Recipient) == noAddress {
			continue
		}
		e := evidence.of(q, numberKey{x.Account, x.Attempt.Recipient})
		if x.Facts.Delivered {
			e.deliveries = append(e.deliveries, numberDelivery{m.Channel(x.Attempt), x.Facts.DeliveredAt})
		}
		if !e.kind.evidence(m.Channel(x.Attempt)) || !windowed(x.Cohort, e.rules) {
			continue
		}
		if x.Facts.Delivered {
			e.successes = append(e.successes, x.Facts.DeliveredAt)
		}
		if x.Facts.Failed {
			r := reasonOf(m, x.Attempt, codes(x.Account))
			e.failures = append(e.failures, numberFailure{at: x.Began(), class: r.class, guessed: r.guessed,
				mailing: mailing(m.Campaign(x.Attempt), x.Cohort), attempt: x})
		}
	}
	for event := range m.PersonEvents() {
		if m.Text(event.Status) != "lookup" || kindOf(event.Recipient) == noAddress {
			continue
		}
		e := evidence.of(q, numberKey{m.Text(event.Account), event.Recipient})
		e.lookups = append(e.lookups, event)
		if event.Valid == model.SaidFalse && windowed(event.Occurred, e.rules) {
			e.failures = append(e.failures,
				numberFailure{at: event.Occurred, class: "invalid_format", mailing: "lookup"})
		}
	}
	return evidence
}

// verdict reads a number's state with everything that speaks for it, overrides aside.
func verdictOf(m *model.Model, e *numberEvidence, now int64, prices *model.Pricer) Verdict {
	v := Verdict{Reasons: map[string]int{}, PossibleReassignment: e.reassigned(), History: e.history(now)}
	v.DeadSpans = deadSpans(v.History)
	state, rule, since := e.judge(forever, now)
	v.State, v.Rule = state, rule
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
	v.WastedCost, v.Currency = streakCost(prices, streak)
	v.ReachableOn = e.reachableOn(streak)
	lookedUp(m, &v, e.lookups)
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
func lookedUp(m *model.Model, v *Verdict, lookups []model.PersonEvent) {
	for _, event := range lookups {
		v.LookedUpAt = later(v.LookedUpAt, instantOf(event.Occurred))
	}
	ported, valid, owner := model.Unsaid, model.Unsaid, int64(0)
	for _, event := range lookups {
		if !instantOf(event.Occurred).Equal(v.LookedUpAt) {
			continue
		}
		v.Operator = max(v.Operator, m.Text(event.Operator))
		ported, valid, owner = max(ported, event.Ported), max(valid, event.Valid), max(owner, event.OwnerChanged)
	}
	v.Ported, v.Valid = ported.Pointer(), valid.Pointer()
	if owner != 0 {
		v.OwnerChangedAt = instantOf(owner)
	}
}

// streakCost adds up what the attempts of a streak cost; nil when one has no price, or when there are two currencies.
func streakCost(pr *model.Pricer, streak []numberFailure) (*big.Int, string) {
	sum, currency := new(big.Int), ""
	for _, f := range streak {
		if f.attempt == nil {
			continue
		}
		cost, itsCurrency, priced := pr.AttemptCost(f.attempt)
		if !f.attempt.Facts.Sent {
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

func later(x, y time.Time) time.Time {
	if y.After(x) {
		return y
	}
	return x
}
