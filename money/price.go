package money

import (
	"cmp"
	"slices"
	"strings"

	"kaskad/schema"
	"kaskad/schema/law"
)

// Step is an attempted step of a message as pricing sees it. Empty text and 0 segments are unknown.
type Step struct {
	Channel, Provider, Operator, Country, Traffic, Sender, App, Trigger string

	Sent, Delivered, Read, Failed bool     // as docs/definitions.md section 1 derives them: delivered implies sent
	Conversation                  bool     // carries the unit of its conversation
	Outside                       bool     // carries a unit because the customer had not written in the 24 h before
	NotBilled                     bool     // the provider said that it does not charge for it
	Segments                      uint16   // that the provider billed
	ReportedIn                    []string // currencies in which a provider reported a price
}

// Take notes what came of the attempt.
func (l *Step) Take(code law.Code) {
	l.Sent, l.Delivered, l.Read, l.Failed = code.Sent(), code.Delivered(), code.Read(), code.Failed()
	l.Conversation, l.Outside, l.NotBilled = code.Conversation(), code.Outside(), code.NotBilled()
	l.Segments = code.Segments()
}

// Signature is what pricing must know of a message: its attempted steps, in the order of steps. A message has at least
// one.
type Signature struct {
	SMSSegments uint16 // the greatest sms_segments of the attempted steps; 0 when unknown
	Steps       []Step
}

// Sender returns the message's sender: the greatest of its attempted steps, as bytes.
func (s *Signature) Sender() string { return s.greatest(func(l *Step) string { return l.Sender }) }

// Traffic returns the greatest traffic of the attempted steps.
func (s *Signature) Traffic() string { return s.greatest(func(l *Step) string { return l.Traffic }) }

// Country returns the greatest country of the attempted steps.
func (s *Signature) Country() string { return s.greatest(func(l *Step) string { return l.Country }) }

func (s *Signature) greatest(key func(*Step) string) (most string) {
	for i := range s.Steps {
		most = max(most, key(&s.Steps[i]))
	}
	return most
}

// FirstChannel returns the channel of the first attempted step.
func (s *Signature) FirstChannel() string {
	if len(s.Steps) == 0 {
		return ""
	}
	return s.Steps[0].Channel
}

// firstDelivered returns the index of the first delivered step, or the number of steps when none is.
func (s *Signature) firstDelivered() int {
	for i := range s.Steps {
		if s.Steps[i].Delivered {
			return i
		}
	}
	return len(s.Steps)
}

// ReachedBy returns the channel of the first delivered step, "" when none is.
func (s *Signature) ReachedBy() string {
	if i := s.firstDelivered(); i < len(s.Steps) {
		return s.Steps[i].Channel
	}
	return ""
}

// Path returns the channels of the attempted steps, such as "push>viber>sms".
func (s *Signature) Path() string {
	channels := make([]string, len(s.Steps))
	for i := range s.Steps {
		channels[i] = s.Steps[i].Channel
	}
	return strings.Join(channels, ">")
}

// Reached tells whether a step was delivered.
func (s *Signature) Reached() bool { return s.firstDelivered() < len(s.Steps) }

// Read tells whether a step was read.
func (s *Signature) Read() bool {
	return slices.ContainsFunc(s.Steps, func(l Step) bool { return l.Read })
}

// StepCost is what an attempt cost.
type StepCost struct {
	// the row that priced it; nil when it was not sent, and so needed none. Equal pointers are the same row of the
	// list.
	Tariff *Tariff
	Units  uint64
	Cost   Amount
}

// Priced is a message's money (docs/definitions.md section 4, Savings report).
type Priced struct {
	// OK is false when the message counts as unpriced: then all money, Steps and Estimated are empty.
	OK bool
	// Reason tells why the message is unpriced, the first that holds in the order of the constants below; Channel is
	// that of the step that lacks a tariff or segments, "" for other reasons.
	Reason, Channel string
	// Currency is that of the rows found for the sent steps and the baseline; "" when none was found or they have two.
	Currency string
	// Segments are the baseline's; 0 when unknown. They are a key of the report for unpriced messages too.
	Segments  uint16
	Estimated bool // the segments are the template's

	SMSOnly          Amount // the baseline: the list price of the message as SMS
	Actual           Amount // what its attempts cost
	Saved            Amount // SMSOnly − Actual
	DoublePaid       Amount // cost of the steps after the first delivered one
	DoublePaidUnread Amount // the part of DoublePaid on steps whose trigger is unread
	Wasted           Amount // cost of failed attempts
	Steps            []StepCost
}

// The reasons why a message is unpriced, in the order in which they are looked for.
const (
	ReasonNoSegments     = "no_segments"      // nothing says what it would take as SMS
	ReasonNoSMSTariff    = "no_sms_tariff"    // no list price as SMS
	ReasonNoTariff       = "no_tariff"        // a sent step has no tariff
	ReasonNoStepSegments = "no_step_segments" // a step is billed by segments that are not known
	ReasonTwoCurrencies  = "two_currencies"
)

// Reasons returns the reasons why a message is unpriced.
func Reasons() []string {
	return []string{ReasonNoSegments, ReasonNoSMSTariff, ReasonNoTariff, ReasonNoStepSegments, ReasonTwoCurrencies}
}

const triggerUnread = "unread"

// Price computes a message's money by docs/definitions.md section 4. The template is the message's, the cohort in Unix
// milliseconds decides which prices are valid, for all of its steps.
func (l *PriceList) Price(signature *Signature, template string, cohortMS int64) Priced {
	var p Priced
	p.Segments = baselineSegments(signature)
	estimated := p.Segments == 0
	if estimated {
		p.Segments = l.TemplateSegments(template, cohortMS)
	}
	baseline := l.baseline(signature, cohortMS)
	// Every row is looked up even when one is missing: an unpriced message has the currency of those that were found.
	var prices currencies
	prices.add(baseline)
	steps := make([]StepCost, len(signature.Steps))
	noTariff, noSegments := "", ""
	for i := range signature.Steps {
		var ok bool
		steps[i], ok = l.Cost(&signature.Steps[i], signature.SMSSegments, cohortMS)
		prices.add(steps[i].Tariff)
		switch channel := signature.Steps[i].Channel; {
		case ok:
		case steps[i].Tariff == nil && noTariff == "":
			noTariff = channel
		case steps[i].Tariff != nil && noSegments == "":
			noSegments = channel
		}
	}
	p.Currency = prices.single()
	switch {
	case p.Segments == 0:
		p.Reason = ReasonNoSegments
	case baseline == nil:
		p.Reason = ReasonNoSMSTariff
	case noTariff != "":
		p.Reason, p.Channel = ReasonNoTariff, noTariff
	case noSegments != "":
		p.Reason, p.Channel = ReasonNoStepSegments, noSegments
	case prices.mixed:
		p.Reason = ReasonTwoCurrencies
	}
	if p.Reason != "" {
		return p
	}
	p.OK, p.Estimated, p.Steps = true, estimated, steps
	p.SMSOnly = Micros(baseline.Price).Times(int64(baseline.baselineUnits(p.Segments)))
	delivered := signature.firstDelivered()
	for i := range steps {
		step, cost := &signature.Steps[i], steps[i].Cost
		p.Actual = p.Actual.Add(cost)
		if step.Failed {
			p.Wasted = p.Wasted.Add(cost)
		}
		if i > delivered {
			p.DoublePaid = p.DoublePaid.Add(cost)
			if step.Trigger == triggerUnread {
				p.DoublePaidUnread = p.DoublePaidUnread.Add(cost)
			}
		}
	}
	p.Saved = p.SMSOnly.Sub(p.Actual)
	return p
}

// Cost prices one attempt by itself: what it cost whatever its message did besides. smsSegments are its message's, the
// cohort in Unix milliseconds decides which prices are valid. An attempt that was not sent costs nothing and needs no
// tariff. It returns false when the attempt has no price; the tariff tells, if there is one, what its currency would
// be.
func (l *PriceList) Cost(step *Step, smsSegments uint16, cohortMS int64) (cost StepCost, ok bool) {
	if !step.Sent {
		return StepCost{}, true
	}
	t := l.TariffAt(step, cohortMS)
	if t == nil {
		return StepCost{}, false
	}
	units, known := t.units(step, smsSegments)
	if !known {
		return StepCost{Tariff: t}, false
	}
	return StepCost{Tariff: t, Units: units, Cost: t.cost(step, units)}, true
}

// baselineSegments returns what the message would take as SMS by its own events, 0 when they don't tell.
func baselineSegments(signature *Signature) (segments uint16) {
	if signature.SMSSegments > 0 {
		return signature.SMSSegments
	}
	for i := range signature.Steps {
		if step := &signature.Steps[i]; step.Channel == schema.SMS {
			segments = max(segments, step.Segments)
		}
	}
	return segments
}

// baseline returns the SMS tariff that the message is measured against: by its own country, traffic and sender, among
// rows that name no provider, operator or app; else the one of its first attempted SMS step; else nil.
func (l *PriceList) baseline(signature *Signature, cohortMS int64) *Tariff {
	// Rows name no empty key, so those that name a provider, operator or app don't match a step without.
	message := Step{Channel: schema.SMS}
	for i := range signature.Steps {
		step := &signature.Steps[i]
		message.Country = max(message.Country, step.Country)
		message.Traffic = max(message.Traffic, step.Traffic)
		message.Sender = max(message.Sender, step.Sender)
	}
	if t := l.TariffAt(&message, cohortMS); t != nil {
		return t
	}
	for i := range signature.Steps {
		if signature.Steps[i].Channel == schema.SMS {
			return l.TariffAt(&signature.Steps[i], cohortMS)
		}
	}
	return nil
}

// baselineUnits counts the units of an SMS that is taken for sent and delivered.
func (t *Tariff) baselineUnits(segments uint16) uint64 {
	switch t.Billing {
	case PerSegmentSent, PerSegmentDelivered:
		return uint64(segments)
	case Zero:
		return 0
	}
	return 1
}

// units counts what the tariff bills of a sent attempt. It returns false when that is not known: a tariff by segments,
// something to bill and no segments, neither the provider's nor those of the message's text.
func (t *Tariff) units(step *Step, smsSegments uint16) (units uint64, known bool) {
	if step.NotBilled {
		return 0, true
	}
	switch t.Billing {
	case PerSegmentSent:
		return segmentUnits(true, step.Segments, smsSegments)
	case PerSegmentDelivered:
		return segmentUnits(step.Delivered, step.Segments, smsSegments)
	case PerMessageSent, AttemptPlusConnect:
		return 1, true
	case PerMessageDelivered:
		return one(step.Delivered), true
	case PerMessageRefunded:
		return one(!step.Failed), true
	case PerMessageOutsideWindow:
		return one(step.Outside), true
	case PerConversation24h:
		return one(step.Conversation), true
	case Zero:
		return 0, true
	}
	return 0, false
}

func segmentUnits(billed bool, segments, smsSegments uint16) (units uint64, known bool) {
	if !billed {
		return 0, true
	}
	if segments == 0 {
		segments = smsSegments
	}
	return uint64(segments), segments > 0
}

func one(billed bool) uint64 {
	if billed {
		return 1
	}
	return 0
}

// cost returns units × price, and the connect price of a delivered attempt.
func (t *Tariff) cost(step *Step, units uint64) Amount {
	cost := Micros(t.Price).Times(int64(units))
	if t.Billing == AttemptPlusConnect && step.Delivered && !step.NotBilled {
		cost = cost.Add(Micros(t.ConnectPrice))
	}
	return cost
}

// currencies tells whether tariffs share a currency.
type currencies struct {
	first string
	mixed bool
}

func (c *currencies) add(t *Tariff) {
	switch {
	case t == nil:
	case c.first == "":
		c.first = t.Currency
	case c.first != t.Currency:
		c.mixed = true
	}
}

func (c *currencies) single() string {
	if c.mixed {
		return ""
	}
	return c.first
}

// PriceList is an account's tariffs and templates, made for looking up. It never changes and is safe for concurrent
// use.
type PriceList struct {
	tariffs   []Tariff
	channels  map[string]*channelPrices
	templates map[string][]Template // by name, in the order of time
}

// NewPriceList makes a price list of lists that [ValidateTariffs] and [ValidateTemplates] accept, as those of the
// parsers are. It keeps neither.
func NewPriceList(tariffs []Tariff, templates []Template) *PriceList {
	l := &PriceList{tariffs: slices.Clone(tariffs), channels: map[string]*channelPrices{},
		templates: make(map[string][]Template, len(templates))}
	for i := range l.tariffs {
		t := &l.tariffs[i]
		prices := l.channels[t.Channel]
		if prices == nil {
			prices = &channelPrices{}
			l.channels[t.Channel] = prices
		}
		prices.add(t)
	}
	for _, prices := range l.channels {
		prices.sort()
	}
	for _, t := range templates {
		l.templates[t.Template] = append(l.templates[t.Template], t)
	}
	for _, rows := range l.templates {
		slices.SortFunc(rows, func(a, b Template) int { return cmp.Compare(a.FromMS, b.FromMS) })
	}
	return l
}

// HasMinimum reports whether a row of the list has a monthly minimum.
func (l *PriceList) HasMinimum() bool {
	return slices.ContainsFunc(l.tariffs, func(t Tariff) bool { return t.MonthlyMinimum > 0 })
}

// Borders returns the Unix milliseconds at which a row of the list starts or ends, sorted, each once: between two
// neighbours all prices are constant. 1970 and open ends are no borders.
func (l *PriceList) Borders() []int64 {
	var borders []int64
	add := func(ms int64) {
		if ms > 0 && ms < schema.Never {
			borders = append(borders, ms)
		}
	}
	for i := range l.tariffs {
		add(l.tariffs[i].FromMS)
		add(l.tariffs[i].ToMS)
	}
	for _, rows := range l.templates {
		for i := range rows {
			add(rows[i].FromMS)
			add(rows[i].ToMS)
		}
	}
	slices.Sort(borders)
	return slices.Compact(borders)
}

// TariffAt returns the row that prices an attempt of a message with that cohort, nil when none does: of the rows that
// match, the one that names the provider, then operator, country, traffic, sender, app. The row is the list's own: read
// it, don't change it.
func (l *PriceList) TariffAt(step *Step, cohortMS int64) *Tariff {
	prices := l.channels[step.Channel]
	if prices == nil {
		return nil
	}
	return prices.at(step, cohortMS)
}

// TemplateSegments returns how many segments the template's text takes as SMS at that cohort, 0 when the list does not
// say.
func (l *PriceList) TemplateSegments(template string, cohortMS int64) uint16 {
	rows := l.templates[template]
	// Rows of a name do not overlap, so only the last that has begun can hold.
	i, exact := slices.BinarySearchFunc(rows, cohortMS,
		func(t Template, ms int64) int { return cmp.Compare(t.FromMS, ms) })
	if !exact {
		i--
	}
	if i < 0 || cohortMS >= rows[i].ToMS {
		return 0
	}
	return rows[i].SMSSegments
}
