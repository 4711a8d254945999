package forecast

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/google/uuid"

	"kaskad/money"
	"kaskad/query/answer"
)

// This file computes a forecast from events one by one, by loops over maps and rationals. It shares no code with the
// forecast.

// pastStep is an attempt put together from its events.
type pastStep struct {
	step int
	// earliest time by status, of the whole
	first                                                       map[string]int64
	dims                                                        map[string]string
	segments, smsSegments, parts                                int
	deliveredParts, failedParts                                 map[int]bool
	partsAt                                                     int64
	partFailures                                                map[string]bool
	attempted, sent, delivered                                  bool
	deliveredAt                                                 int64
	channel, contact, recipient, app, provider, country, sender string
}

func (s *pastStep) derive() {
	has := func(names ...string) bool {
		return slices.ContainsFunc(names, func(n string) bool { _, found := s.first[n]; return found })
	}
	whole := s.parts >= 2 && len(s.deliveredParts) == s.parts
	s.delivered = whole || has("delivered", "read", "clicked", "replied")
	for _, name := range []string{"delivered", "read", "clicked", "replied"} {
		if at, found := s.first[name]; found && (s.deliveredAt == 0 || at < s.deliveredAt) {
			s.deliveredAt = at
		}
	}
	if whole && (s.deliveredAt == 0 || s.partsAt < s.deliveredAt) {
		s.deliveredAt = s.partsAt
	}
	s.sent = s.delivered || has("accepted", "sent", "undelivered", "expired") || len(s.deliveredParts) > 0 ||
		s.partFailures["undelivered"] || s.partFailures["expired"]
	failedPart := false
	for part := range s.failedParts {
		failedPart = failedPart || !s.deliveredParts[part]
	}
	failed := !s.delivered && (failedPart || has("undelivered", "rejected", "expired", "failed"))
	s.attempted = !has("skipped") || s.sent || failed
	s.channel, s.recipient, s.app, s.provider, s.sender = s.dims["channel"], s.dims["recipient"], s.dims["app"],
		s.dims["provider"], s.dims["sender"]
	s.contact = s.dims["contact"]
	switch {
	case strings.HasPrefix(s.recipient, "+790"):
		s.country = "RU"
	case strings.HasPrefix(s.recipient, "+770"):
		s.country = "KZ"
	}
}

// pastMessage is a message of the period.
type pastMessage struct {
	cohort   int64
	steps    []*pastStep // attempted ones in their order
	all      []*pastStep
	segments int
	template string
}

// person is whom the message goes to.
func (m *pastMessage) person() string {
	contact, phone, first := "", "", m.all[0]
	for _, s := range m.all {
		contact = max(contact, s.contact)
		if strings.HasPrefix(s.recipient, "+") {
			phone = max(phone, s.recipient)
		}
		if s.step < first.step {
			first = s
		}
	}
	return cmp.Or(contact, phone, first.recipient)
}

func (m *pastMessage) greatest(name string) (most string) {
	for _, s := range m.steps {
		if value := s.dims[name]; value > most {
			most = value
		}
	}
	return most
}

func (m *pastMessage) country() (most string) {
	for _, s := range m.steps {
		most = max(most, s.country)
	}
	return most
}

func (m *pastMessage) first(channel string) *pastStep {
	for _, s := range m.steps {
		if s.channel == channel {
			return s
		}
	}
	return nil
}

// pastMessages folds the events of an account.
func pastMessages(events []pastEvent, account string, from, to time.Time) (messages []*pastMessage) {
	type id struct {
		message string
		step    int
	}
	steps := map[id]*pastStep{}
	cohorts := map[string]int64{}
	for _, e := range events {
		if e.account != account || e.message == "" {
			continue
		}
		k := id{e.message, e.step}
		s := steps[k]
		if s == nil {
			s = &pastStep{step: e.step, first: map[string]int64{}, dims: map[string]string{},
				deliveredParts: map[int]bool{}, failedParts: map[int]bool{}, partFailures: map[string]bool{}}
			steps[k] = s
		}
		for name, value := range map[string]string{"channel": e.channel, "template": e.template, "sender": e.sender,
			"app": e.app, "operator": e.operator,
			"traffic": e.traffic, "recipient": e.recipient, "contact": e.contact, "provider": e.provider} {
			s.dims[name] = max(s.dims[name], value)
		}
		s.segments, s.smsSegments, s.parts = max(s.segments, e.segments), max(s.smsSegments, e.smsSegments),
			max(s.parts, e.parts)
		at := e.at.UnixMilli()
		switch {
		case e.part > 0 && e.status == "delivered":
			s.deliveredParts[e.part] = true
			s.partsAt = max(s.partsAt, at)
		case e.part > 0 && slices.Contains([]string{"undelivered", "rejected", "expired", "failed"}, e.status):
			s.failedParts[e.part], s.partFailures[e.status] = true, true
		default:
			if before, found := s.first[e.status]; !found || at < before {
				s.first[e.status] = at
			}
		}
		if !e.submitted.IsZero() {
			if c, found := cohorts[e.message]; !found || e.submitted.UnixMilli() < c {
				cohorts[e.message] = e.submitted.UnixMilli()
			}
		}
	}
	byMessage := map[string]*pastMessage{}
	for k, s := range steps {
		s.derive()
		m := byMessage[k.message]
		if m == nil {
			m = &pastMessage{}
			cohort, found := cohorts[k.message]
			if !found {
				parsed, err := uuid.Parse(k.message)
				if err != nil {
					continue
				}
				for _, b := range parsed[:6] {
					cohort = cohort<<8 | int64(b)
				}
			}
			m.cohort = cohort
			byMessage[k.message] = m
		}
		m.all = append(m.all, s)
		if s.attempted {
			m.steps = append(m.steps, s)
		}
	}
	for _, m := range byMessage {
		if len(m.steps) == 0 || m.cohort < from.UnixMilli() || m.cohort >= to.UnixMilli() {
			continue
		}
		sort.Slice(m.steps, func(i, j int) bool { return m.steps[i].step < m.steps[j].step })
		m.template = m.greatest("template")
		for _, s := range m.steps {
			m.segments = max(m.segments, s.smsSegments)
		}
		if m.segments == 0 {
			for _, s := range m.steps {
				if s.channel == "sms" {
					m.segments = max(m.segments, s.segments)
				}
			}
		}
		messages = append(messages, m)
	}
	return messages
}

// pastTariff is a row of a price list, "" for a key that it does not name.
type pastTariff struct {
	channel, provider, operator, country, traffic, sender, app, currency, billing, price, connect string
	from, to                                                                                      time.Time
}

func (t pastTariff) row() string {
	fields := map[string]any{"channel": t.channel, "currency": t.currency, "billing": t.billing,
		"valid_from": t.from.Format(time.RFC3339)}
	for name, value := range map[string]string{"provider": t.provider, "operator": t.operator, "country": t.country,
		"traffic": t.traffic, "sender": t.sender, "app": t.app,
		"price": t.price, "connect_price": t.connect} {
		if value != "" {
			fields[name] = value
		}
	}
	if !t.to.IsZero() {
		fields["valid_to"] = t.to.Format(time.RFC3339)
	}
	row, err := json.Marshal(fields)
	if err != nil {
		return err.Error()
	}
	return string(row)
}

// pastRowOf finds the row that prices a step with these keys: provider, operator, country, traffic, sender, app.
func pastRowOf(list []pastTariff, channel string, keys [6]string, at time.Time) (best *pastTariff) {
	named := func(t *pastTariff) [6]string {
		return [6]string{t.provider, t.operator, t.country, t.traffic, t.sender, t.app}
	}
	for i := range list {
		t := &list[i]
		if t.channel != channel || at.Before(t.from) || (!t.to.IsZero() && !at.Before(t.to)) {
			continue
		}
		fits := true
		for k, value := range named(t) {
			fits = fits && (value == "" || value == keys[k])
		}
		if !fits {
			continue
		}
		if best == nil {
			best = t
			continue
		}
		for k := range keys {
			if mine, other := named(t)[k] != "", named(best)[k] != ""; mine != other {
				if mine {
					best = t
				}
				break
			}
		}
	}
	return best
}

// pastAsk is a request as a test knows it.
type pastAsk struct {
	account, channel, currency                    string
	from, to                                      time.Time
	threshold                                     string
	channelPrice, billing, connectPrice, smsPrice string // "" when the account's tariffs tell
}

func ratOf(text string) *big.Rat {
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return new(big.Rat)
	}
	return r
}

// roundedRat rounds half away from zero to 6 decimals and cuts zeros beyond the least ones.
func roundedRat(r *big.Rat, least int) string {
	scaled := new(big.Int).Mul(new(big.Int).Abs(r.Num()), big.NewInt(2_000_000))
	scaled.Add(scaled, r.Denom())
	scaled.Div(scaled, new(big.Int).Mul(r.Denom(), big.NewInt(2)))
	whole, rest := new(big.Int).DivMod(scaled, big.NewInt(1_000_000), new(big.Int))
	text := fmt.Sprintf("%06d", rest)
	for len(text) > least && text[len(text)-1] == '0' {
		text = text[:len(text)-1]
	}
	if text != "" {
		text = "." + text
	}
	text = whole.String() + text
	if r.Sign() < 0 && scaled.Sign() > 0 {
		text = "-" + text
	}
	return text
}

func numberOf(r *big.Rat) any { return json.Number(roundedRat(r, 0)) }
func moneyOf(r *big.Rat) any  { return roundedRat(r, 2) }
func whole(n int) any         { return json.Number(fmt.Sprint(n)) }

// shareOf is num ÷ den as an answer shows it.
func shareOf(num, den int) any {
	if den == 0 {
		return nil
	}
	return numberOf(big.NewRat(int64(num), int64(den)))
}

var pastMonth = 30 * 24 * time.Hour

// naiveHistory computes the answer: its fields by name, and its rows.
func naiveHistory(events []pastEvent, list []pastTariff, templates []money.Template,
	ask pastAsk) (envelope map[string]any, rows []map[string]any) {
	messages := pastMessages(events, ask.account, ask.from, ask.to)
	at := ask.to.Add(-time.Millisecond)
	// Who was tried, and who is reached.
	type address struct{ app, recipient string }
	lost, back, latest := map[address]int64{}, map[address]int64{}, map[address]int64{}
	for _, e := range events {
		if e.account != ask.account || e.channel != ask.channel || e.message != "" {
			continue
		}
		switch k := (address{e.app, e.recipient}); e.status {
		case "uninstalled", "unsubscribed", "blocked":
			lost[k] = max(lost[k], e.at.UnixMilli())
		case "subscribed":
			back[k] = max(back[k], e.at.UnixMilli())
		}
	}
	for _, m := range pastMessages(events, ask.account, time.Time{}, testNow.AddDate(1, 0, 0)) {
		for _, s := range m.steps {
			if k := (address{s.app, s.recipient}); s.channel == ask.channel && s.delivered {
				latest[k] = max(latest[k], s.deliveredAt)
			}
		}
	}
	reports := func(s *pastStep) bool {
		return s.channel == ask.channel && (s.channel != "push" || s.provider != "fcm")
	}
	people, tested, reached := map[string]bool{}, map[string]bool{}, map[string]bool{}
	sent, delivered := 0, 0
	settled := int64(0)
	settling := map[string]int64{"sms": 3, "push": 1, "viber": 14, "vk": 1, "email": 7}
	for _, m := range messages {
		people[m.person()] = true
		for _, s := range m.steps {
			settled = max(settled, m.cohort+settling[s.channel]*24*time.Hour.Milliseconds())
			if !reports(s) {
				continue
			}
			tested[m.person()] = true
			k := address{s.app, s.recipient}
			if isLost := lost[k] > 0 && lost[k] >= latest[k] && lost[k] >= back[k]; s.delivered && !isLost {
				reached[m.person()] = true
			}
		}
	}
	for _, m := range messages {
		for _, s := range m.steps {
			if reports(s) && reached[m.person()] {
				sent += int(answer.Bit(s.sent))
				delivered += int(answer.Bit(s.delivered))
			}
		}
	}
	type row struct {
		n          map[string]int
		cost       *big.Rat
		candidates []*pastMessage
	}
	byTemplate := map[string]*row{}
	messagesReached := 0
	is := func(m *pastMessage, who map[string]bool) bool { return who[m.person()] }
	// What each message costs as SMS and on the channel.
	smsPrice := func(m *pastMessage, segments int) *big.Rat {
		if ask.smsPrice != "" {
			return new(big.Rat).Mul(ratOf(ask.smsPrice), big.NewRat(int64(segments), 1))
		}
		t := pastRowOf(list, "sms", [6]string{"", "", m.country(), m.greatest("traffic"), m.greatest("sender"), ""}, at)
		if t == nil {
			s := m.first("sms")
			t = pastRowOf(list, "sms", [6]string{s.provider, s.dims["operator"], s.country, s.dims["traffic"], s.sender,
				s.app}, at)
		}
		switch {
		case t == nil || t.currency != ask.currency:
			return nil
		case strings.HasPrefix(t.billing, "per_segment"):
			return new(big.Rat).Mul(ratOf(t.price), big.NewRat(int64(segments), 1))
		}
		return ratOf(t.price) // "" is 0
	}
	type price struct {
		billing        string
		price, connect *big.Rat
	}
	channelPrice := func(m *pastMessage) *price {
		if ask.channelPrice != "" {
			return &price{ask.billing, ratOf(ask.channelPrice), ratOf(ask.connectPrice)}
		}
		t := pastRowOf(list, ask.channel,
			[6]string{"", "", m.country(), m.greatest("traffic"), m.greatest("sender"), ""}, at)
		if t == nil || t.currency != ask.currency {
			return nil
		}
		return &price{t.billing, ratOf(t.price), ratOf(t.connect)}
	}
	type priced struct {
		sms     *big.Rat
		channel *price
	}
	pricedOf := map[*pastMessage]priced{}
	for _, m := range messages {
		r := byTemplate[m.template]
		if r == nil {
			r = &row{n: map[string]int{}, cost: new(big.Rat)}
			byTemplate[m.template] = r
		}
		r.n["messages"]++
		if is(m, reached) {
			messagesReached++
		}
		segments := m.segments
		if segments == 0 {
			for _, t := range templates {
				if t.Template == m.template && m.cohort >= t.FromMS && m.cohort < t.ToMS {
					segments = int(t.SMSSegments)
				}
			}
		}
		switch {
		case m.first(ask.channel) != nil:
			r.n["on_channel"]++
			continue
		case m.first("sms") == nil:
			r.n["without_sms"]++
			continue
		case segments == 0:
			r.n["unknown_segments"]++
			continue
		}
		sms, channel := smsPrice(m, segments), channelPrice(m)
		if sms == nil || channel == nil {
			r.n["unpriced"]++
			continue
		}
		r.n["candidates"]++
		r.n["segments"] += segments
		if is(m, tested) {
			r.n["tested"]++
		}
		if is(m, reached) {
			r.n["reached"]++
		}
		r.cost.Add(r.cost, sms)
		r.candidates = append(r.candidates, m)
		pricedOf[m] = priced{sms, channel}
	}
	scale := new(big.Rat).SetFrac64(int64(pastMonth), int64(ask.to.Sub(ask.from)))
	total := map[string]*big.Rat{}
	names := []string{"messages_per_month", "movable_per_month", "sms_only_cost_per_month", "channel_cost_per_month",
		"moved_sms_cost_per_month", "saved_per_month", "cascade_cost_per_month"}
	for _, name := range names {
		total[name] = new(big.Rat)
	}
	worth, unknown := 0, 0
	type ordered struct {
		known    bool
		saved    *big.Rat
		template string
		fields   map[string]any
	}
	var order []ordered
	for template, r := range byTemplate {
		n := r.n
		f := map[string]any{"template": template, "penetration": nil, "sms_segments": nil, "sms_price": nil,
			"below_threshold": nil, "worth_it": nil, "saved_rate": nil,
			"tested_num": whole(n["tested"]), "tested_den": whole(n["candidates"]),
			"tested_share":    shareOf(n["tested"], n["candidates"]),
			"penetration_num": whole(n["reached"]), "penetration_den": whole(n["candidates"]),
			"sms_segments_num": whole(n["segments"]), "sms_segments_den": whole(n["candidates"]),
			"sms_cost": moneyOf(r.cost)}
		for _, name := range []string{"messages", "on_channel", "without_sms", "unknown_segments", "unpriced",
			"candidates"} {
			f[name] = whole(n[name])
		}
		// Message by message: each moves with the chance that its template's people are reached, and that the channel
		// delivers.
		sums := map[string]*big.Rat{}
		for _, name := range names {
			sums[name] = new(big.Rat)
			f[name] = nil
		}
		known := n["tested"] > 0 && sent > 0
		penetration, rate := new(big.Rat), new(big.Rat)
		if n["tested"] > 0 {
			penetration.SetFrac64(int64(n["reached"]), int64(n["candidates"]))
			f["penetration"] = shareOf(n["reached"], n["candidates"])
			f["below_threshold"] = penetration.Cmp(ratOf(ask.threshold)) < 0
		}
		if sent > 0 {
			rate.SetFrac64(int64(delivered), int64(sent))
		}
		for _, m := range r.candidates {
			p := pricedOf[m]
			move := new(big.Rat).Mul(penetration, rate)
			cost := new(big.Rat).Mul(move, p.channel.price)
			switch p.channel.billing {
			case "per_message_sent":
				cost.Mul(penetration, p.channel.price)
			case "attempt_plus_connect":
				cost.Mul(penetration, p.channel.price)
				cost.Add(cost, new(big.Rat).Mul(move, p.channel.connect))
			}
			moved := new(big.Rat).Mul(move, p.sms)
			saved := new(big.Rat).Sub(moved, cost)
			for name, value := range map[string]*big.Rat{"messages_per_month": big.NewRat(1, 1),
				"movable_per_month": move, "sms_only_cost_per_month": p.sms,
				"channel_cost_per_month": cost, "moved_sms_cost_per_month": moved, "saved_per_month": saved,
				"cascade_cost_per_month": new(big.Rat).Sub(p.sms, saved)} {
				sums[name].Add(sums[name], new(big.Rat).Mul(value, scale))
			}
		}
		f["messages_per_month"], f["sms_only_cost_per_month"] = numberOf(sums["messages_per_month"]),
			moneyOf(sums["sms_only_cost_per_month"])
		if n["candidates"] > 0 {
			f["sms_segments"] = shareOf(n["segments"], n["candidates"])
			f["sms_price"] = moneyOf(new(big.Rat).Quo(r.cost, big.NewRat(int64(n["segments"]), 1)))
		}
		if known {
			for _, name := range names {
				f[name] = moneyOf(sums[name])
			}
			f["messages_per_month"], f["movable_per_month"] = numberOf(sums["messages_per_month"]),
				numberOf(sums["movable_per_month"])
			if sums["sms_only_cost_per_month"].Sign() != 0 {
				f["saved_rate"] = numberOf(new(big.Rat).Quo(sums["saved_per_month"], sums["sms_only_cost_per_month"]))
			}
			isWorth := penetration.Cmp(ratOf(ask.threshold)) >= 0 && sums["saved_per_month"].Sign() > 0
			f["worth_it"] = isWorth
			if isWorth {
				worth++
				for _, name := range names {
					total[name].Add(total[name], sums[name])
				}
			}
		} else if n["candidates"]+n["unknown_segments"]+n["unpriced"] > 0 {
			unknown++
		}
		order = append(order, ordered{known, sums["saved_per_month"], template, f})
	}
	sort.Slice(order, func(i, j int) bool {
		a, b := order[i], order[j]
		if a.known != b.known {
			return a.known
		}
		if a.known && a.saved.Cmp(b.saved) != 0 {
			return a.saved.Cmp(b.saved) > 0
		}
		return a.template < b.template
	})
	for _, o := range order {
		rows = append(rows, o.fields)
	}
	sumFields := map[string]any{"templates": whole(worth), "saved_rate": nil}
	for _, name := range names {
		sumFields[name] = moneyOf(total[name])
	}
	sumFields["messages_per_month"], sumFields["movable_per_month"] = numberOf(total["messages_per_month"]),
		numberOf(total["movable_per_month"])
	if total["sms_only_cost_per_month"].Sign() != 0 {
		sumFields["saved_rate"] = numberOf(new(big.Rat).Quo(total["saved_per_month"], total["sms_only_cost_per_month"]))
	}
	envelope = map[string]any{"account": ask.account, "channel": ask.channel, "messages": whole(len(messages)),
		"templates": whole(len(rows)), "templates_unknown": whole(unknown),
		"tested_num": whole(len(tested)), "tested_den": whole(len(people)),
		"tested_share":    shareOf(len(tested), len(people)),
		"penetration_num": whole(len(reached)), "penetration_den": whole(len(people)), "penetration": nil,
		"message_penetration_num": whole(messagesReached), "message_penetration_den": whole(len(messages)),
		"message_penetration": nil,
		"delivery_num":        whole(delivered), "delivery_den": whole(sent), "delivery_rate": shareOf(delivered, sent),
		"total": sumFields, "mature": settled < testNow.UnixMilli()}
	if len(tested) > 0 {
		envelope["penetration"], envelope["message_penetration"] = shareOf(len(reached), len(people)),
			shareOf(messagesReached, len(messages))
	}
	return envelope, rows
}
