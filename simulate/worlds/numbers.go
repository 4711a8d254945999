package worlds

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"kaskad/simulate/model/settings"
)

// NumberWorld is an account made for comparing verdicts on numbers: short histories around the borders of every rule of
// docs/definitions.md section 5, of phone numbers and e-mail addresses, and people with contacts, devices and apps.
type NumberWorld struct {
	Account string
	// Now is the clock that all events are valid by. It is the same for every seed.
	Now time.Time
	// Early and Late are the events, NDJSON lines without the end of line, duplicates among them. Late holds what
	// arrives much later.
	Early, Late [][]byte
	// Tariffs is the price list, ErrorMap the account's own lines and aliases, nil for none.
	Tariffs  []settings.Tariff
	ErrorMap *settings.ErrorMap
	// Rules are the account's own, nil for the defaults.
	Rules *settings.NumberRules
	// Overrides are verdicts set by hand, on numbers with and without a history, Removed those that were taken back.
	Overrides, Removed []settings.NumberOverride
}

// RandomNumbers makes the world of a seed with so many phone numbers, its account called numbers- and the seed.
func RandomNumbers(seed uint64, numbers int) NumberWorld {
	g := &numberMaker{moneyMaker: moneyMaker{r: rand.New(rand.NewPCG(seed, 0x6e756d62657273))}}
	g.numbers = NumberWorld{Account: fmt.Sprintf("numbers-%04d", seed),
		Now: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)}
	g.reference()
	for i := range numbers {
		g.begin(seed, i)
		g.story()
		g.others()
		g.override()
	}
	for _, lines := range [...][][]byte{g.numbers.Early, g.numbers.Late} {
		g.r.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	}
	return g.numbers
}

// Query asks for the world's verdicts with its own reference data.
func (w NumberWorld) Query() settings.Numbers {
	q := settings.Numbers{Now: w.Now, Overrides: slices.Concat(w.Removed, w.Overrides),
		Tariffs:   map[string][]settings.Tariff{w.Account: w.Tariffs},
		ErrorMaps: map[string]settings.ErrorMap{}, Rules: map[string]settings.NumberRules{}}
	if w.ErrorMap != nil {
		q.ErrorMaps[w.Account] = *w.ErrorMap
	}
	if w.Rules != nil {
		q.Rules[w.Account] = *w.Rules
	}
	return q
}

// numberMaker lends the dice of moneyMaker.
type numberMaker struct {
	moneyMaker
	numbers  NumberWorld
	rules    settings.NumberRules // Those that hold.
	messages int

	// Of the number whose history is being made.
	phone, contact, device string // phone is an e-mail address where mail is set.
	mail                   bool
	neighbour              string // Another number.
	campaigns              int
}

func (g *numberMaker) begin(seed uint64, i int) {
	number := func(i int) string { return fmt.Sprintf("+7916%03d%04d", seed%1000, i) }
	g.phone, g.neighbour = number(i), number(max(0, i-1))
	if g.mail = g.chance(15); g.mail {
		g.phone = fmt.Sprintf("email:p%d@example.com", i)
	}
	g.device = "device:" + strconv.Itoa(i)
	g.contact = ""
	if g.chance(40) {
		g.contact = "c-" + strconv.Itoa(i/3) // Up to three numbers are of one person.
	}
}

// numberEvent is an event of a message or about a recipient, as it stands in JSON.
type numberEvent struct {
	Account        string `json:"account"`
	Contact        string `json:"contact,omitempty"`
	MessageID      string `json:"message_id,omitempty"`
	SubmittedAt    string `json:"submitted_at,omitempty"`
	Step           int    `json:"step,omitempty"`
	Channel        string `json:"channel,omitempty"`
	Status         string `json:"status"`
	OccurredAt     string `json:"occurred_at"`
	Recipient      string `json:"recipient"`
	Campaign       string `json:"campaign,omitempty"`
	Sender         string `json:"sender,omitempty"`
	Provider       string `json:"provider,omitempty"`
	App            string `json:"app,omitempty"`
	Operator       string `json:"operator,omitempty"`
	Segments       int    `json:"segments,omitempty"`
	SMSSegments    int    `json:"sms_segments,omitempty"`
	Part           int    `json:"part,omitempty"`
	Parts          int    `json:"parts,omitempty"`
	ErrorCode      string `json:"error_code,omitempty"`
	Permanent      *bool  `json:"permanent,omitempty"`
	Machine        *bool  `json:"machine,omitempty"`
	Billable       *bool  `json:"billable,omitempty"`
	Ported         *bool  `json:"ported,omitempty"`
	Valid          *bool  `json:"valid,omitempty"`
	OwnerChangedAt string `json:"owner_changed_at,omitempty"`
}

// numberMessage is a message to the number; its fields go into every event, some left out now and then.
type numberMessage struct {
	id       string
	cohort   time.Time
	campaign string
	// Otherwise the id alone tells the cohort.
	submitted bool
	events    int
}

// newMessage begins a message, of its own campaign where none is given ("-" is none).
func (g *numberMaker) newMessage(cohort time.Time, campaign string) *numberMessage {
	g.messages++
	msg := &numberMessage{cohort: g.clamp(cohort), campaign: campaign, submitted: true}
	if g.chance(40) {
		msg.id = uuidOf(msg.cohort, g.r.Uint64(), g.r.Uint64())
		msg.submitted = g.chance(50)
	} else {
		msg.id = "n" + strconv.Itoa(g.messages)
	}
	if campaign == "" && g.chance(15) {
		campaign = "-"
	}
	switch campaign {
	case "":
		g.campaigns++
		msg.campaign = "c" + strconv.Itoa(g.campaigns)
	case "-":
		msg.campaign = ""
	}
	return msg
}

// clamp moves a time into what is accepted.
func (g *numberMaker) clamp(at time.Time) time.Time {
	if at.After(g.numbers.Now) {
		return g.numbers.Now
	}
	if oldest := g.numbers.Now.Add(-400 * 24 * time.Hour); at.Before(oldest) {
		return oldest
	}
	return at
}

// numberStep is a step with what its events have in common.
type numberStep struct {
	step                              int
	channel, provider, app, recipient string
	contact, sender                   string
	segments, smsSegments             int
}

// numberOutcome is one event of a step.
type numberOutcome struct {
	status      string
	at          time.Time
	code        string
	permanent   bool
	machine     bool
	part, parts int
}

// play writes the events of a step.
func (g *numberMaker) play(msg *numberMessage, s numberStep, outcomes ...numberOutcome) {
	for _, o := range outcomes {
		e := numberEvent{MessageID: msg.id, Channel: s.channel, Status: o.status,
			OccurredAt: instantText(g.clamp(o.at)), Recipient: s.recipient,
			Campaign: msg.campaign, Sender: s.sender, Provider: s.provider, App: s.app, Part: o.part, Parts: o.parts,
			ErrorCode: o.code, Contact: s.contact}
		if s.step > 1 || g.chance(20) {
			e.Step = max(s.step, 1)
		}
		if msg.submitted && (msg.events == 0 || g.chance(80)) {
			e.SubmittedAt = instantText(msg.cohort)
		}
		if msg.events++; g.chance(60) {
			e.Segments, e.SMSSegments = s.segments, s.smsSegments
		}
		if o.permanent || g.chance(3) {
			e.Permanent = &o.permanent
		}
		if o.machine {
			e.Machine = &o.machine
		}
		if g.chance(4) {
			e.Billable = boolean(g.pick("true false"))
		}
		g.write(e)
	}
}

// write adds an event, now and then twice.
func (g *numberMaker) write(e numberEvent) {
	e.Account = g.numbers.Account
	line, err := json.Marshal(e)
	if err != nil {
		return // Text and numbers can always be encoded.
	}
	copies := 1
	if g.chance(6) {
		copies = 2
	}
	for range copies {
		if g.chance(12) {
			g.numbers.Late = append(g.numbers.Late, line)
		} else {
			g.numbers.Early = append(g.numbers.Early, line)
		}
	}
}

// person writes an event about a recipient.
func (g *numberMaker) person(status, channel, app, recipient string, at time.Time) {
	e := numberEvent{Status: status, Channel: channel, App: app, Recipient: recipient,
		OccurredAt: instantText(g.clamp(at)), Sender: g.pick("- - shop info")}
	if g.chance(40) {
		e.Contact = g.contact
	}
	g.write(e)
}

// lookup writes a lookup of a number; its findings are texts, empty for what it does not tell.
func (g *numberMaker) lookup(at time.Time, valid string, owner time.Time) {
	e := numberEvent{Status: "lookup", Recipient: g.phone, OccurredAt: instantText(g.clamp(at)), Valid: boolean(valid),
		Operator: g.pick("- 25001 25002"),
		Ported:   boolean(g.pick("- true false"))}
	if !owner.IsZero() {
		e.OwnerChangedAt = instantText(owner)
	}
	g.write(e)
}

func boolean(text string) *bool {
	if text == "" {
		return nil
	}
	value := text == "true"
	return &value
}

// reference makes rules, error map and price list.
func (g *numberMaker) reference() {
	g.rules = settings.DefaultNumberRules()
	if g.chance(30) {
		one := func(from ...int) int { return from[g.r.IntN(len(from))] }
		g.rules = settings.NumberRules{HardMailings: one(1, 2, 3), HardHours: one(1, 24, 48),
			SoftMailings: one(2, 3, 5),
			SoftDays:     one(1, 7, 14), QuietDays: one(1, 7, 30),
			RevivedDays: one(7, 30, 60), EvidenceDays: one(60, 200, 365, 400)}
		own := g.rules
		g.numbers.Rules = &own
	}
	if g.chance(85) {
		g.numbers.ErrorMap = g.errorMap()
	}
	g.numbers.Tariffs = g.prices()
}

// errorMap makes an account's own lines and aliases. Without them most codes are guesses or unknown.
func (g *numberMaker) errorMap() *settings.ErrorMap {
	list := settings.ErrorMap{Aliases: []settings.ErrorAlias{}}
	line := func(percent int, provider, code, class string) {
		if percent == 100 || g.chance(percent) {
			list.Lines = append(list.Lines, settings.ErrorLine{Provider: provider, Code: code, Class: class})
		}
	}
	alias := func(percent int, provider, like string) {
		if g.chance(percent) {
			list.Aliases = append(list.Aliases, settings.ErrorAlias{Provider: provider, Like: like})
		}
	}
	line(100, "p1", "900", "deactivated")
	line(100, "p1", "901", "invalid_format")
	line(100, "p2", "910", "blocked_by_user")
	line(100, "mailer", "550", "no_mailbox")
	line(100, "mailer", "552", "mailbox_full")
	line(100, "mailer", "421", "reputation_block")
	line(100, "mailer", "900", "deactivated")
	line(100, "firebase", "9", "token_invalid") // So an alias may lead to firebase, which is an alias itself.
	line(30, "*", "900", "deactivated")
	line(30, "p1", "1", "absent_subscriber")
	line(30, "p2", "27", "unknown_subscriber")
	line(30, "*", "6", "barred")
	line(30, "*", "X404", "roaming")
	line(30, "p1", "X404", "unknown")
	line(30, "pusher", "7", "token_invalid")
	line(30, "twilio", "30005", "barred")
	line(30, "map", "11", "barred")
	line(30, "*", "ZZ", "dnd")
	line(30, "vonage", "1", "unknown_subscriber")
	alias(80, "p1", "map")
	alias(50, "p2", "map")
	alias(15, "p3", "twilio")
	alias(10, "firebase", "apns")
	alias(10, "pusher", "firebase")
	alias(10, "twilio", "map")
	alias(10, "bells", "q850")
	return &list
}

// prices makes a price list: most channels have a price, some only in another currency or until some day.
func (g *numberMaker) prices() []settings.Tariff {
	always := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	border := time.Date(2026, time.Month(9+g.r.IntN(3)), 1, 0, 0, 0, 0, time.UTC)
	var list []settings.Tariff
	row := func(channel, provider, currency string) {
		t := settings.Tariff{Channel: channel, Provider: provider, ValidFrom: always, Currency: currency,
			Billing: g.billing(channel), Price: g.price()}
		if t.Billing == "zero" {
			t.Price = "0"
		}
		if t.Billing == "attempt_plus_connect" {
			connect := g.price()
			t.ConnectPrice = &connect
		}
		if g.chance(75) {
			list = append(list, t)
			return
		}
		until := t
		until.ValidTo = &border
		t.ValidFrom, t.Price = border, g.price()
		if t.Billing == "zero" {
			t.Price = "0"
		}
		if list = append(list, until); g.chance(80) {
			list = append(list, t)
		}
	}
	for _, channel := range strings.Fields("sms voice flash_call push viber whatsapp telegram email") {
		if g.chance(88) {
			row(channel, "", "RUB")
		}
		if g.chance(25) {
			row(channel, "p2", g.pick("RUB EUR"))
		}
	}
	return list
}

// override sets a verdict by hand now and then.
func (g *numberMaker) override() {
	if !g.chance(6) {
		return
	}
	number := g.phone
	if g.chance(10) {
		number = strings.Replace(number, "+7916", "+7917", 1) // Nobody ever wrote to it.
	}
	for _, o := range g.numbers.Overrides {
		if o.Number == number {
			return
		}
	}
	at := g.numbers.Now.Add(-time.Duration(1+g.r.IntN(60*24)) * time.Hour)
	if o := (settings.NumberOverride{Account: g.numbers.Account, Number: number,
		State: g.pick("active dead quarantined"),
		Why:   "seen by hand", At: at}); g.chance(70) {
		g.numbers.Overrides = append(g.numbers.Overrides, o)
	} else {
		o.Until = at.Add(g.span(g.numbers.Now.Sub(at)) + time.Millisecond)
		g.numbers.Removed = append(g.numbers.Removed, o)
	}
}
