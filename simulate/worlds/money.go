package worlds

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"kaskad/simulate/model/settings"
)

// MoneyWorld is a small account made for comparing money: few people, senders, providers and prices, so that everything
// meets. Every rule of docs/definitions.md section 4 is met by some seed.
type MoneyWorld struct {
	Account string
	// Now is the clock that all events are valid by. It is the same for every seed.
	Now time.Time
	// Early and Late are the events, NDJSON lines without the end of line. Late holds what arrives much later: replies
	// and deliveries among them, which move conversations of messages that have no event in Late.
	Early, Late [][]byte
	// Tariffs is the price list, and Corrected another one, as if somebody had mended it afterwards.
	Tariffs, Corrected []settings.Tariff
	Templates          []settings.Template
	// BillingZone is the zone in which the account's providers close the month, empty for UTC.
	BillingZone string
}

// RandomMoney makes the world of a seed, its account called money- and the seed.
func RandomMoney(seed uint64) MoneyWorld {
	g := &moneyMaker{r: rand.New(rand.NewPCG(seed, 0x6d6f6e6579))}
	g.world = MoneyWorld{Account: fmt.Sprintf("money-%04d", seed), Now: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)}
	g.chooseAnchors()
	g.friend, g.friendSender, g.friendChannel = g.pick(moneyPeople), g.pick("- Shop Kaskad"),
		g.pick("whatsapp whatsapp viber rcs")
	g.dear = g.chance(4)
	g.world.Tariffs = g.tariffs()
	g.world.Corrected = g.tariffs()
	g.world.Templates = g.templates()
	g.world.BillingZone = g.pick("- - Europe/Moscow America/New_York")
	for i := range 16 + g.r.IntN(16) {
		g.message(i)
	}
	for i := range 4 + g.r.IntN(12) {
		g.dialogMessage(i)
	}
	return g.world
}

// TariffsBody is the body of PUT /v1/tariffs for a list.
func TariffsBody(list []settings.Tariff) ([]byte, error) {
	return TariffsBodyIn(list, "")
}

// TariffsBodyIn is the body of PUT /v1/tariffs for a list of an account with a billing zone; an empty one is left out.
func TariffsBodyIn(list []settings.Tariff, zone string) ([]byte, error) {
	fields := map[string]any{"tariffs": append([]settings.Tariff{}, list...)}
	if zone != "" {
		fields["billing_zone"] = zone
	}
	body, err := json.Marshal(fields)
	if err != nil {
		return nil, fmt.Errorf("encode tariffs: %w", err)
	}
	return body, nil
}

// TemplatesBody is the body of PUT /v1/templates for a list.
func TemplatesBody(list []settings.Template) ([]byte, error) {
	body, err := json.Marshal(map[string]any{"templates": append([]settings.Template{}, list...)})
	if err != nil {
		return nil, fmt.Errorf("encode templates: %w", err)
	}
	return body, nil
}

type moneyMaker struct {
	r       *rand.Rand
	world   MoneyWorld
	anchors []time.Time // Messages gather around these, so that they share windows, days and months.
	// One person has a longer conversation with one sender on one channel.
	friend, friendSender, friendChannel string
	// Everything is dear: sums outgrow 64 bits.
	dear bool
}

func (g *moneyMaker) chance(percent int) bool { return g.r.IntN(100) < percent }

// pick returns one of the words; "-" stands for the empty one.
func (g *moneyMaker) pick(words string) string {
	list := strings.Fields(words)
	if word := list[g.r.IntN(len(list))]; word != "-" {
		return word
	}
	return ""
}

func (g *moneyMaker) chooseAnchors() {
	for range 2 {
		month := time.Month(9 + g.r.IntN(3))
		anchor := time.Date(2026, month, 1, 0, 0, 0, 0, time.UTC)
		if g.chance(40) {
			anchor = anchor.AddDate(0, 0, -g.r.IntN(14)).Add(time.Duration(g.r.IntN(24)) * time.Hour)
		}
		g.anchors = append(g.anchors, anchor)
	}
}

// moneyPeople are numbers of several countries, and one that is of none.
const moneyPeople = "+79161234567 +79161234567 +79261112233 +380671234567 +77011234567 +4915112345678 user:42 " +
	"user:US.42"

// moneyMessage is what is the same for all events of a message, unless they differ by accident.
type moneyMessage struct {
	id                                            string
	contact                                       string
	cohort                                        time.Time
	everywhere                                    bool // Every event carries submitted_at.
	carrier                                       int  // Otherwise the event that does.
	events                                        int
	campaign, template, sender, traffic, customer string
}

func (g *moneyMaker) message(i int) {
	msg := g.newMessage(i, g.anchors[g.r.IntN(len(g.anchors))].Add(g.offset(-30, -24, -1, 0, 0, 1, 13)))
	steps := []int{1, 1, 1, 1, 2, 2, 2, 3, 3, 4}[g.r.IntN(10)]
	at := msg.cohort
	for step := 1; step <= steps; step++ {
		channel := g.pick(moneyChannels)
		g.step(msg, step, channel, g.statuses(channel, at))
		at = at.Add(g.pause())
	}
}

// dialogMessage is a message of the long conversation, around the first anchor: mostly delivered, often answered.
func (g *moneyMaker) dialogMessage(i int) {
	msg := g.newMessage(100+i, g.anchors[0].Add(g.offset(-49, -30, -24, -12, -1, 0, 0, 1, 13, 24)))
	msg.customer, msg.sender = g.friend, g.friendSender
	at := msg.cohort
	var events []moneyEvent
	if g.chance(30) {
		events = append(events, moneyEvent{status: "sent", at: at})
	}
	if g.chance(90) {
		at = at.Add(g.pause() % (2 * time.Hour))
		events = append(events, moneyEvent{status: "delivered", at: at})
	}
	for len(events) == 0 || g.chance(35) && len(events) < 5 {
		events = append(events, moneyEvent{status: "replied", at: at.Add(g.pause())})
	}
	if g.chance(30) {
		g.inbound(at, msg.id)
	}
	g.step(msg, 1, g.friendChannel, events)
}

func (g *moneyMaker) newMessage(i int, cohort time.Time) *moneyMessage {
	switch g.r.IntN(6) {
	case 0:
		cohort = cohort.Add(-time.Millisecond)
	case 1:
		cohort = cohort.Add(time.Duration(g.r.Int64N(int64(time.Hour))).Truncate(time.Millisecond))
	case 2:
		cohort = cohort.Add(time.Duration(g.r.IntN(4)) * 15 * time.Minute)
	}
	msg := &moneyMessage{cohort: cohort, everywhere: true}
	if g.chance(40) {
		msg.id = uuidOf(cohort, g.r.Uint64(), g.r.Uint64())
		msg.everywhere = g.chance(50)
		msg.carrier = -1
	} else {
		msg.id = g.pick("m M order- z") + strconv.Itoa(i)
		// Now and then the message is parked until the event comes that says when it was submitted.
		msg.everywhere = g.chance(85)
		msg.carrier = g.r.IntN(3)
	}
	msg.campaign, msg.template = g.pick("- c1 c2"), g.pick("- order promo otp")
	msg.sender, msg.traffic = g.pick("- Shop Shop Kaskad"), g.pick("- otp service promo")
	msg.customer = g.pick(moneyPeople)
	msg.contact = g.pick("- - p1 p2")
	return msg
}

// offset is one of the hours: messages gather in few of them, as those of a campaign do.
func (g *moneyMaker) offset(hours ...int) time.Duration {
	return time.Duration(hours[g.r.IntN(len(hours))]) * time.Hour
}

// pause is the time between two things, on borders more often than chance would have it.
func (g *moneyMaker) pause() time.Duration {
	pauses := [...]time.Duration{0, 0, time.Second, time.Minute, 15 * time.Minute, time.Hour, time.Hour, 2 * time.Hour,
		6 * time.Hour, 12 * time.Hour,
		24*time.Hour - time.Millisecond, 24 * time.Hour, 24 * time.Hour, 30 * time.Hour, 2345 * time.Millisecond}
	return pauses[g.r.IntN(len(pauses))]
}

const moneyChannels = "sms sms sms sms whatsapp whatsapp whatsapp viber viber rcs rcs push push voice flash_call " +
	"telegram vk email email"

func (g *moneyMaker) step(msg *moneyMessage, step int, channel string, events []moneyEvent) {
	dims := map[string]string{
		"campaign": msg.campaign, "template": msg.template, "sender": msg.sender, "traffic": msg.traffic,
		"provider": g.pick("- p1 p1 p2"), "operator": g.pick("- 25001 25002"),
	}
	if g.chance(7) {
		dims["sender"] = g.pick("Shop Kaskad")
	}
	recipient := msg.customer
	if channel == "push" && g.chance(50) {
		recipient, dims["app"] = "device:"+strings.TrimLeft(msg.customer, "+"), g.pick("shop bank")
	}
	if step > 1 {
		dims["trigger"] = g.pick("undelivered unread unread expired manual")
	}
	dims["contact"] = msg.contact
	if g.chance(20) {
		dims["contact"] = g.pick("- p1 p3")
	}
	if !strings.HasPrefix(recipient, "+") || g.chance(5) {
		dims["country"] = g.pick("- - RU KZ UA")
	}
	numbers := map[string]int{}
	if g.chance(55) {
		numbers["sms_segments"] = 1 + g.r.IntN(4)
	}
	if channel == "sms" && g.chance(60) || g.chance(5) {
		numbers["segments"] = 1 + g.r.IntN(4)
	}
	if g.dear && g.chance(30) {
		numbers["segments"], numbers["sms_segments"] = 65_535, 65_535
	}
	for _, e := range events {
		g.event(msg, step, channel, recipient, e, dims, numbers)
	}
	if g.chance(15) {
		g.optOut(channel, recipient, dims["app"], msg.id, events[len(events)-1].at)
	}
}

// moneyEvent is a status at its time; part and parts are 0 for a message that is whole.
type moneyEvent struct {
	status      string
	at          time.Time
	part, parts int
	machine     bool
	permanent   bool
}

// statuses plays one step.
func (g *moneyMaker) statuses(channel string, start time.Time) []moneyEvent {
	var events []moneyEvent
	at := start
	add := func(status string) {
		events = append(events, moneyEvent{status: status, at: at})
	}
	if g.chance(20) {
		add("queued")
	}
	if channel == "sms" && g.chance(15) {
		parts := 2 + g.r.IntN(2)
		for part := 1; part <= parts; part++ {
			status := g.pick("delivered delivered delivered delivered undelivered rejected -")
			if status != "" {
				events = append(events, moneyEvent{status: status, at: at.Add(g.pause()), part: part, parts: parts})
			}
		}
		if len(events) > 0 {
			return events
		}
	}
	switch g.r.IntN(14) {
	case 0:
		add("skipped")
		return events
	case 1:
		add(g.pick("rejected failed"))
		return events
	case 2:
		add("queued")
		return events
	case 3, 4:
		add(g.pick("accepted sent"))
		at = at.Add(g.pause())
		add(g.pick("undelivered expired failed rejected"))
		if g.chance(30) {
			at = at.Add(g.pause())
			add(g.pick("undelivered expired failed")) // With another code.
		}
		if g.chance(20) {
			at = at.Add(g.pause())
			add("delivered") // After all.
		}
		return events
	case 5:
		add(g.pick("accepted sent"))
		return events
	}
	if g.chance(60) {
		add(g.pick("accepted sent"))
	}
	if channel == "email" {
		return append(events, g.mail(at)...)
	}
	at = at.Add(g.pause())
	if !g.chance(10) {
		add("delivered")
	}
	if channel == "sms" || g.chance(50) {
		if len(events) == 0 {
			add("delivered")
		}
		return events
	}
	at = at.Add(g.pause())
	add(g.pick("read read clicked"))
	for oneOf(channel, "whatsapp", "viber", "rcs") && g.chance(45) && len(events) < 6 {
		at = at.Add(g.pause())
		add("replied")
	}
	return events
}

// mail plays what becomes of an e-mail: programs open and click it, and it bounces after it was delivered.
func (g *moneyMaker) mail(at time.Time) []moneyEvent {
	var events []moneyEvent
	add := func(e moneyEvent) {
		e.at = at
		events = append(events, e)
		at = at.Add(g.pause())
	}
	if g.chance(70) {
		add(moneyEvent{status: "delivered"})
	}
	for _, e := range [...]struct {
		percent int
		event   moneyEvent
	}{{40, moneyEvent{status: g.pick("read clicked"), machine: true}}, {30, moneyEvent{status: g.pick("read clicked")}},
		{25, moneyEvent{status: g.pick("undelivered failed"), permanent: g.chance(80)}},
		{10, moneyEvent{status: "replied"}}} {
		if g.chance(e.percent) {
			add(e.event)
		}
	}
	if len(events) == 0 {
		add(moneyEvent{status: "sent"})
	}
	return events
}

// event writes one line. What the step says of itself is left out of some events, and now and then told differently.
func (g *moneyMaker) event(msg *moneyMessage, step int, channel, recipient string, e moneyEvent, dims map[string]string,
	numbers map[string]int) {
	if e.at.After(g.world.Now) {
		e.at = g.world.Now
	}
	wire := map[string]any{"account": g.world.Account, "message_id": msg.id, "channel": channel, "recipient": recipient,
		"status":      e.status,
		"occurred_at": g.wireTime(e.at)}
	if step > 1 || g.chance(50) {
		wire["step"] = g.wireNumber(step)
	}
	if msg.everywhere || msg.events == msg.carrier {
		wire["submitted_at"] = g.wireTime(msg.cohort)
	}
	msg.events++
	// The order of names matters: a map's own order is another one each time.
	for _, name := range [...]string{"campaign", "template", "sender", "traffic", "provider", "operator", "app",
		"trigger", "contact", "country"} {
		if value := dims[name]; value != "" && g.chance(85) {
			wire[name] = value
		}
	}
	for _, name := range [...]string{"segments", "sms_segments"} {
		if n := numbers[name]; n > 0 && g.chance(85) {
			if g.chance(5) {
				n = max(1, n-1)
			}
			wire[name] = g.wireNumber(n)
		}
	}
	if g.chance(4) {
		wire["sms_text"] = g.text()
	}
	if e.parts > 0 {
		wire["part"], wire["parts"] = g.wireNumber(e.part), g.wireNumber(e.parts)
	} else if channel == "sms" && g.chance(5) {
		wire["part"], wire["parts"] = 1, 1
	}
	if e.machine || g.chance(3) {
		wire["machine"] = e.machine
	}
	if e.permanent || g.chance(3) {
		wire["permanent"] = e.permanent
	}
	if oneOf(e.status, "undelivered", "failed", "rejected", "expired") && g.chance(60) {
		wire["error_code"] = g.pick("1 6 13 27 027 000 5.1.1")
	}
	if g.chance(4) {
		wire["billable"] = g.chance(25)
	}
	if oneOf(e.status, "sent", "delivered", "expired", "rejected") && (g.chance(25) || e.part > 0 && g.chance(40)) {
		wire["price"], wire["currency"] = g.wirePrice(), g.pick("RUB RUB RUB RUB EUR USD")
		if g.dear {
			wire["currency"] = g.pick("CHF CHF EUR")
		}
	}
	late := 10
	if oneOf(e.status, "delivered", "replied") && oneOf(channel, "whatsapp", "viber", "rcs") {
		late = 30
	}
	g.put(wire, late)
}

// put adds a line to the events, so many of a hundred to the late ones.
func (g *moneyMaker) put(wire map[string]any, late int) {
	line, err := json.Marshal(wire)
	if err != nil {
		return // Text and numbers can always be encoded.
	}
	if g.chance(late) {
		g.world.Late = append(g.world.Late, line)
	} else {
		g.world.Early = append(g.world.Early, line)
	}
}

// text returns a text of one to four segments, on both sides of the borders between them.
func (g *moneyMaker) text() string {
	lengths := [...]int{1, 70, 71, 134, 135, 160, 161, 201, 306, 307, 459}
	return strings.Repeat(g.pick("я a {"), lengths[g.r.IntN(len(lengths))])
}

func instantText(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
