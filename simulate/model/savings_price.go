package model

import (
	"cmp"
	"iter"
	"math/big"
	"slices"
	"strings"

	"kaskad/simulate/model/settings"
)

// Pricer prices messages one by one.
type Pricer struct {
	model     *Model
	tariffs   map[string][]*tariff
	templates map[string][]settings.Template
	dialogs   map[*Attempt]dialogUnits
	aliases   map[string]map[string]string // Of providers, by account.
}

// Pricer reads the tariffs, by account; templates and aliases may be nil.
func (m *Model) Pricer(tariffs map[string][]settings.Tariff, templates map[string][]settings.Template,
	aliases map[string]map[string]string) (*Pricer, error) {
	read, err := readTariffs(tariffs)
	if err != nil {
		return nil, err
	}
	return &Pricer{m, read, templates, m.dialogs(), aliases}, nil
}

// Messages prices the messages of an account whose cohort lies in from ≤ cohort < to, in no order.
func (pr *Pricer) Messages(account string, from, to int64) iter.Seq2[*Message, *PricedMessage] {
	return func(yield func(*Message, *PricedMessage) bool) {
		for key, msg := range pr.model.messages {
			cohort, known := msg.cohort()
			if !known || cohort < from || cohort >= to || pr.model.strings[key.account] != account {
				continue
			}
			if p := pr.price(account, msg, cohort); !yield(msg, &p) {
				return
			}
		}
	}
}

// PricedMessage is what a savings report knows of a message. steps are the attempted ones in their order.
type PricedMessage struct {
	account, campaign, Template, sender, traffic, country string

	cohort   int64
	steps    []pricedStep
	Segments int // Of the baseline, 0 while unknown.
	currency string

	// unpriced is the first reason why the message has no price, its Messages 0: the amounts mean nothing then.
	unpriced  UnpricedReason
	estimated bool
	smsOnly   *big.Int
}

func (p *PricedMessage) priced() bool { return p.unpriced == UnpricedReason{} }

// Attempted reports whether any step was.
func (p *PricedMessage) Attempted() bool { return len(p.steps) > 0 }

// Used reports whether the message was tried on a channel.
func (p *PricedMessage) Used(channel string) bool {
	return slices.ContainsFunc(p.steps, func(s pricedStep) bool { return s.keys.channel == channel })
}

type pricedStep struct {
	step     uint8
	keys     tariffKeys
	trigger  string
	facts    facts
	attempt  *Attempt
	tariff   *tariff // nil for a step that was not sent, and for one without a price.
	units    int64
	cost     *big.Int
	unbilled string // Why a sent step has no price: a reason.

	reportsReads bool
}

// foldMoney merges what the event in w says about segments and prices. Each merge is a maximum.
func (a *Attempt) foldMoney(w *wireEvent) {
	a.segments = max(a.segments, uint16(w.Segments))
	a.smsSegments = max(a.smsSegments, uint16(w.SMSSegments))
	if w.SMSText != "" {
		a.smsSegments = max(a.smsSegments, uint16(textSegments(w.SMSText)))
	}
	a.billed = a.billed || w.Billable == saidTrue
	a.notBilled = a.notBilled || w.Billable == SaidFalse
	if w.Price == "" {
		return
	}
	price, _ := micros(w.Price)
	if a.reported == nil {
		a.reported = make(map[charge]int64)
	}
	of := charge{uint8(max(w.Part, 0)), strings.Clone(w.Currency)}
	if known, found := a.reported[of]; !found || price > known {
		a.reported[of] = price
	}
}

// reportedPrice adds up the prices of the attempt's parts in a currency, and returns false when none is known. What
// names no part is one of its own; of a message that has no parts all of it is.
func (a *Attempt) reportedPrice(currency string) (sum int64, found bool) {
	whole := int64(0)
	for of, price := range a.reported {
		switch {
		case of.currency != currency:
			continue
		case of.part > 0 && a.Parts > 1:
			sum += price
		default:
			whole = max(whole, price)
		}
		found = true
	}
	return sum + whole, found
}

// price prices a message by the rules of docs/definitions.md section 4, in their order.
func (pr *Pricer) price(account string, msg *Message, cohort int64) PricedMessage {
	m := pr.model
	p := PricedMessage{account: account, cohort: cohort}
	attempts := make([]*Attempt, 0, len(msg.attempts))
	for i := range msg.attempts {
		if a := &msg.attempts[i]; !a.derive(cohort).Skipped {
			attempts = append(attempts, a)
		}
	}
	slices.SortFunc(attempts, func(x, y *Attempt) int { return cmp.Compare(x.Step, y.Step) })

	greatest := func(to *string, value string) { *to = max(*to, value) }
	smsSegments := 0
	for _, a := range attempts {
		dim := func(i int) string { return m.strings[a.dims[i]] }
		country := m.countryOf(a)
		greatest(&p.campaign, dim(dimCampaign))
		greatest(&p.Template, dim(dimTemplate))
		greatest(&p.sender, dim(dimSender))
		greatest(&p.traffic, dim(dimTraffic))
		greatest(&p.country, country)
		smsSegments = max(smsSegments, int(a.smsSegments))
		_, reads := m.routeOf(a, pr.aliases[account])
		p.steps = append(p.steps, pricedStep{
			step: a.Step,
			keys: tariffKeys{dim(dimChannel), dim(dimProvider), dim(dimOperator), country, dim(dimTraffic),
				dim(dimSender), dim(dimApp)},
			trigger: dim(dimTrigger),
			facts:   a.derive(cohort),
			attempt: a,
			cost:    new(big.Int),

			reportsReads: reads != readsNone,
		})
	}
	pr.baselineSegments(&p, attempts, smsSegments)

	list := pr.tariffs[account]
	currencies := make(map[string]bool)
	for i, a := range attempts {
		s := &p.steps[i]
		if !s.facts.Sent {
			continue
		}
		if s.tariff = bestTariff(list, s.keys, cohort, false); s.tariff == nil {
			s.unbilled = "no_tariff"
			continue
		}
		currencies[s.tariff.currency] = true
		segments := int64(a.segments)
		if segments == 0 {
			segments = int64(smsSegments)
		}
		if !s.bill(segments, pr.dialogs[a]) {
			s.unbilled = "no_step_segments"
		}
	}
	sms := pr.baselineTariff(&p)
	if sms != nil {
		currencies[sms.currency] = true
		p.smsOnly = big.NewInt(int64(p.Segments))
		if oneOf(sms.billing, "per_message_sent", "per_message_delivered") {
			p.smsOnly.SetInt64(1)
		}
		p.smsOnly.Mul(p.smsOnly, sms.price)
		if sms.billing == "zero" {
			p.smsOnly.SetInt64(0)
		}
	}
	p.unpriced = whyUnpriced(&p, sms, len(currencies))
	if len(currencies) == 1 {
		for currency := range currencies {
			p.currency = currency
		}
	}
	p.estimated = p.estimated && p.priced()
	return p
}

// whyUnpriced returns the first reason that holds, an empty one for a message that has a price.
func whyUnpriced(p *PricedMessage, sms *tariff, currencies int) UnpricedReason {
	if p.Segments == 0 {
		return UnpricedReason{Reason: "no_segments"}
	}
	if sms == nil {
		return UnpricedReason{Reason: "no_sms_tariff"}
	}
	for _, reason := range [...]string{"no_tariff", "no_step_segments"} {
		for _, s := range p.steps {
			if s.unbilled == reason {
				return UnpricedReason{Reason: reason, Channel: s.keys.channel}
			}
		}
	}
	if currencies > 1 {
		return UnpricedReason{Reason: "two_currencies"}
	}
	return UnpricedReason{}
}

// baselineSegments finds out how many segments the message would take as SMS, and whether that is from its template.
func (pr *Pricer) baselineSegments(p *PricedMessage, attempts []*Attempt, smsSegments int) {
	if p.Segments = smsSegments; p.Segments > 0 {
		return
	}
	for i, a := range attempts {
		if p.steps[i].keys.channel == "sms" {
			p.Segments = max(p.Segments, int(a.segments))
		}
	}
	if p.Segments > 0 {
		return
	}
	for _, t := range pr.templates[p.account] {
		if t.Template == p.Template && valid(&t.ValidFrom, t.ValidTo, p.cohort) {
			p.Segments = t.SMSSegments
			if t.SMSText != "" {
				p.Segments = textSegments(t.SMSText)
			}
			p.estimated = true
		}
	}
}

// baselineTariff finds the list price of the message as SMS, nil when there is none.
func (pr *Pricer) baselineTariff(p *PricedMessage) *tariff {
	list := pr.tariffs[p.account]
	own := tariffKeys{channel: "sms", country: p.country, traffic: p.traffic, sender: p.sender}
	if t := bestTariff(list, own, p.cohort, true); t != nil {
		return t
	}
	for _, s := range p.steps {
		if s.keys.channel == "sms" {
			return bestTariff(list, s.keys, p.cohort, false)
		}
	}
	return nil
}

// AsSMS is what the message would cost as SMS by the tariffs of a moment, in units of the currency; false without a
// tariff.
func (pr *Pricer) AsSMS(p *PricedMessage, at int64) (cost *big.Rat, currency string, found bool) {
	then := *p
	then.cohort = at
	sms := pr.baselineTariff(&then)
	if sms == nil {
		return nil, "", false
	}
	segments := int64(p.Segments)
	switch sms.billing {
	case "per_message_sent", "per_message_delivered":
		segments = 1
	case "zero":
		segments = 0
	}
	price := new(big.Rat).SetFrac(sms.price, big.NewInt(1_000_000))
	return price.Mul(price, new(big.Rat).SetInt64(segments)), sms.currency, true
}

// ListPrice is how a tariff bills, with its prices in units of the currency.
type ListPrice struct {
	Billing, Currency string
	Price, Connect    *big.Rat
}

// OnChannel is the list price of the message on a channel by the tariffs of a moment; false without a tariff.
func (pr *Pricer) OnChannel(p *PricedMessage, channel string, at int64) (ListPrice, bool) {
	own := tariffKeys{channel: channel, country: p.country, traffic: p.traffic, sender: p.sender}
	t := bestTariff(pr.tariffs[p.account], own, at, true)
	if t == nil {
		return ListPrice{}, false
	}
	units := func(micros *big.Int) *big.Rat { return new(big.Rat).SetFrac(micros, big.NewInt(1_000_000)) }
	return ListPrice{Billing: t.billing, Currency: t.currency, Price: units(t.price), Connect: units(t.connect)}, true
}

// bill computes the units and the cost of a sent step, and returns false when it needs segments that are unknown (0).
func (s *pricedStep) bill(segments int64, dialog dialogUnits) bool {
	if s.facts.notBilled {
		return true
	}
	if s.facts.Sent && s.tariff.billing == "per_segment_sent" || s.facts.Delivered &&
		s.tariff.billing == "per_segment_delivered" {
		if segments == 0 {
			return false
		}
	}
	s.units = 0
	switch s.tariff.billing {
	case "per_segment_sent":
		s.units = segments
	case "per_segment_delivered":
		if s.facts.Delivered {
			s.units = segments
		}
	case "per_message_sent", "attempt_plus_connect":
		s.units = 1
	case "per_message_delivered":
		if s.facts.Delivered {
			s.units = 1
		}
	case "per_message_refunded":
		if !s.facts.Failed {
			s.units = 1
		}
	case "per_message_outside_window":
		if s.facts.Delivered {
			s.units = dialog.outside
		}
	case "per_conversation_24h":
		if s.facts.Delivered {
			s.units = dialog.conversation
		}
	}
	s.cost.Mul(big.NewInt(s.units), s.tariff.price)
	if s.tariff.billing == "attempt_plus_connect" && s.facts.Delivered {
		s.cost.Add(s.cost, s.tariff.connect)
	}
	return true
}
