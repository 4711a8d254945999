package model

import (
	"bytes"
	"regexp"
	"slices"
	"testing"
	"time"

	"kaskad/simulate/model/settings"
	"kaskad/simulate/worlds"
)

// query asks for a report on the world alone.
func queryOf(w worlds.MoneyWorld, q Query, tariffs []settings.Tariff) SavingsQuery {
	own := SavingsQuery{Query: q, Tariffs: map[string][]settings.Tariff{w.Account: tariffs},
		Templates: map[string][]settings.Template{w.Account: w.Templates}}
	if w.BillingZone != "" {
		zone, err := time.LoadLocation(w.BillingZone)
		if err != nil {
			panic(err)
		}
		own.BillingZones = map[string]*time.Location{w.Account: zone}
	}
	return own
}

func modelOf(w worlds.MoneyWorld, t testing.TB, lines ...[][]byte) *Model {
	t.Helper()
	m := New(w.Now)
	for _, line := range slices.Concat(lines...) {
		if err := m.Add(line); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	return m
}

// Comparing money in random worlds proves nothing about a rule that no world meets. So each rule is counted here.
func TestRandomMoney_Coverage(t *testing.T) {
	met := map[string]int{}
	meet := func(name string, when bool) {
		if when {
			met[name]++
		}
	}
	const seeds = 300
	for seed := range uint64(seeds) {
		w := worlds.RandomMoney(seed)
		m := modelOf(w, t, w.Early, w.Late)
		if c := m.Counts(); c.Rejected > 0 {
			t.Fatalf("seed %d: %d events are refused", seed, c.Rejected)
		}
		prices, err := m.Pricer(map[string][]settings.Tariff{w.Account: w.Tariffs},
			map[string][]settings.Template{w.Account: w.Templates}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, msg := range m.messages {
			cohort, known := msg.cohort()
			meet("parked", !known)
			if !known {
				continue
			}
			p := prices.price(w.Account, msg, cohort)
			meet("only skipped", len(p.steps) == 0)
			if len(p.steps) > 0 {
				meetMessage(w, prices, &p, meet)
			}
			meet("skipped beside others", len(p.steps) > 0 && len(p.steps) < len(msg.attempts))
			for i := range msg.attempts {
				a := &msg.attempts[i]
				f := a.derive(cohort)
				meetAttempt(w, m, a, f, meet)
				meet("multipart delivered", a.receipts != nil && f.Delivered)
				meet("multipart failed", a.receipts != nil && f.Failed)
				meet("multipart pending", a.receipts != nil && !f.Failed && !f.Delivered)
			}
		}
		meetRows(w, t, m, meet)
		meetEvents(w, m, meet)
		meetLate(w, t, m, meet)
	}
	for name, least := range map[string]int{
		"priced": 1000, "unpriced": 1000, "estimated": 200, "no attempt's price": 100, "no baseline price": 100,
		"no baseline segments": 100, "two currencies": 100,
		"baseline by its SMS step": 50, "baseline per message": 100, "baseline zero": 50, "one step": 1000,
		"four steps":             50,
		"units per_segment_sent": 100, "units per_segment_delivered": 100, "units per_message_sent": 100,
		"units per_message_delivered": 100,
		"units attempt_plus_connect":  100, "units per_message_refunded": 100, "units per_message_outside_window": 100,
		"units per_conversation_24h":     100,
		"no units per_segment_delivered": 50, "no units per_message_delivered": 50, "no units per_message_refunded": 20,
		"delivered without units per_message_outside_window": 30, "delivered without units per_conversation_24h": 50,
		"no units zero": 100,
		"connected":     50, "not connected": 20, "segments billed": 100, "segments as SMS": 100,
		"tariff names provider": 100, "tariff names operator": 50, "tariff names country": 100,
		"tariff names traffic": 100, "tariff names sender": 100, "tariff names app": 5, "not sent": 100,
		"failed yet sent": 100, "reported": 100, "reported in another currency": 50,
		"parked": 20, "only skipped": 50, "skipped beside others": 50, "multipart delivered": 50,
		"multipart failed": 20, "multipart pending": 5,
		"saved_unreached": 100, "double_paid": 100, "double_paid_unread": 50, "wasted_cost": 100, "loss": 20,
		"two priced currencies": 50, "minimum": 50, "over an int64": 1,
		"month border": 100, "corrected": 250, "late changes": 200, "late changes another's conversation": 30,
		"late changes another's reply window": 20,
		"late changes another day":            10, "late brings the cohort": 20,
		"machine opened": 100, "opened by a machine alone": 30, "bounced": 50, "bounced after an open": 20,
		"replied after a bounce": 10, "several replies": 100,
		"several failures": 100, "not billed": 100, "billed after all": 5, "billed by some": 100, "prices of parts": 50,
		"country said":     50,
		"several contacts": 100, "inbound": 300, "inbound with an id": 100, "opt-out with an id": 300,
		"opt-out without": 300, "opt-outs attributed": 300,
		"seconds": 100, "milliseconds": 300, "time in text": 300, "zone without a colon": 300, "blank for the T": 300,
		"digits": 300, "zeros of a price": 30, "billing zone": 100,
	} {
		t.Logf("%-55s %6d", name, met[name])
		if met[name] < least {
			t.Errorf("%s: met %d times in %d worlds, want at least %d", name, met[name], seeds, least)
		}
	}
}

func meetAttempt(w worlds.MoneyWorld, m *Model, a *Attempt, f facts, meet func(string, bool)) {
	meet("machine opened", f.MachineOpened)
	meet("opened by a machine alone", f.MachineOpened && a.times[Delivered] == 0 && !f.Read)
	meet("bounced", f.Bounced)
	meet("bounced after an open", f.Bounced && (a.times[read] != 0 || f.MachineOpened))
	meet("replied after a bounce", a.Permanent && f.replied && m.Channel(a) == "email")
	meet("several replies", len(a.Replies) > 1)
	failures := 0
	for _, status := range []int{Undelivered, Rejected, Expired, Failed} {
		if a.At(status) != 0 {
			failures++
		}
	}
	meet("several failures", failures > 1 && a.errorCode != 0)
	meet("not billed", f.notBilled)
	meet("billed after all", a.billed && a.notBilled)
	meet("billed by some", a.billed)
	of := 0
	for price := range a.reported {
		if price.part > 0 {
			of++
		}
	}
	meet("prices of parts", of > 1)
	meet("country said", a.country != 0 && m.countryOf(a) == m.strings[a.country])
}

// meetEvents looks at how the events are written, and at those of recipients.
func meetEvents(w worlds.MoneyWorld, m *Model, meet func(string, bool)) {
	patterns := map[string]*regexp.Regexp{}
	for _, line := range slices.Concat(w.Early, w.Late) {
		found := func(pattern string) bool {
			if patterns[pattern] == nil {
				patterns[pattern] = regexp.MustCompile(pattern)
			}
			return patterns[pattern].Match(line)
		}
		meet("seconds", found(`"occurred_at":"?[0-9]{10}\b`))
		meet("milliseconds", found(`"occurred_at":[0-9]{13}\b`))
		meet("time in text", found(`"occurred_at":"[0-9]{13}"`))
		meet("zone without a colon", found(`"occurred_at":"[^"]*[0-9]\+0300"`))
		meet("blank for the T", found(`"occurred_at":"[0-9-]+ `))
		meet("digits", found(`"(step|segments|sms_segments|part|parts)":"`))
		meet("zeros of a price", found(`"price":"[0-9]*\.[0-9]{6}0+"`))
		if !found(`"status":"(inbound|unsubscribed|blocked|complained)"`) {
			continue
		}
		kind, how := "opt-out", " without"
		if found(`"status":"inbound"`) {
			kind, how = "inbound", ""
		}
		if found(`"message_id"`) {
			how = " with an id"
		}
		meet(kind+how, true)
	}
	for range m.attributions() {
		meet("opt-outs attributed", true)
	}
	for _, msg := range m.messages {
		contacts := map[string]bool{}
		for _, a := range msg.attempts {
			contacts[a.Contact] = true
		}
		meet("several contacts", len(contacts) > 1)
	}
	meet("billing zone", w.BillingZone != "")
}

func meetMessage(w worlds.MoneyWorld, prices *Pricer, p *PricedMessage, meet func(string, bool)) {
	meet("priced", p.priced())
	meet("unpriced", !p.priced())
	meet("estimated", p.estimated)
	meet("no baseline segments", p.Segments == 0)
	meet("one step", len(p.steps) == 1)
	meet("four steps", len(p.steps) == 4)
	t := time.UnixMilli(p.cohort).UTC()
	meet("month border", t.AddDate(0, 0, 1).Month() != t.Month() || t.AddDate(0, 0, -1).Month() != t.Month())
	sms := prices.baselineTariff(p)
	meet("no baseline price", sms == nil)
	general := bestTariff(prices.tariffs[w.Account],
		tariffKeys{channel: "sms", country: p.country, traffic: p.traffic, sender: p.sender}, p.cohort, true)
	meet("baseline by its SMS step", p.priced() && general == nil)
	meet("baseline per message", p.priced() && oneOf(sms.billing, "per_message_sent", "per_message_delivered"))
	meet("baseline zero", p.priced() && sms.billing == "zero")
	currencies := map[string]bool{}
	if sms != nil {
		currencies[sms.currency] = true
	}
	for _, s := range p.steps {
		meet("no attempt's price", s.facts.Sent && s.tariff == nil)
		meet("not sent", !s.facts.Sent)
		if s.tariff == nil {
			continue
		}
		currencies[s.tariff.currency] = true
		if !p.priced() {
			continue
		}
		b := s.tariff.billing
		meet("units "+b, s.units > 0)
		meet("no units "+b, s.units == 0)
		meet("delivered without units "+b, s.units == 0 && s.facts.Delivered)
		meet("connected", b == "attempt_plus_connect" && s.facts.Delivered && s.tariff.connect.Sign() > 0)
		meet("not connected", b == "attempt_plus_connect" && !s.facts.Delivered)
		meet("segments billed", b == "per_segment_sent" && s.units != int64(p.Segments))
		meet("segments as SMS", b == "per_segment_sent" && s.units == int64(p.Segments))
		k := s.tariff.keys
		for name, value := range map[string]string{"provider": k.provider, "operator": k.operator, "country": k.country,
			"traffic": k.traffic, "sender": k.sender, "app": k.app} {
			meet("tariff names "+name, value != "*")
		}
		meet("failed yet sent", s.facts.Failed)
		_, own := s.attempt.reportedPrice(p.currency)
		meet("reported", own)
		meet("reported in another currency", len(s.attempt.reported) > 0 && !own || len(s.attempt.reported) > 1)
	}
	meet("two currencies", len(currencies) > 1)
}

func meetRows(w worlds.MoneyWorld, t testing.TB, m *Model, meet func(string, bool)) {
	t.Helper()
	zone := queryOf(w, Query{}, nil).billingZone(w.Account)
	q := Query{From: time.Date(2026, 8, 1, 0, 0, 0, 0, zone), To: time.Date(2026, 12, 1, 0, 0, 0, 0, zone)}
	rows, err := m.SavingsReport(queryOf(w, q, w.Tariffs))
	if err != nil {
		t.Fatal(err)
	}
	corrected, err := m.SavingsReport(queryOf(w, q, w.Corrected))
	if err != nil {
		t.Fatal(err)
	}
	priced := 0
	for _, r := range rows {
		if r.PricedMessages == 0 {
			continue
		}
		priced++
		meet("saved_unreached", r.SavedUnreached.Sign() != 0)
		meet("double_paid", r.DoublePaid.Sign() > 0)
		meet("double_paid_unread", r.DoublePaidUnread.Sign() > 0)
		meet("wasted_cost", r.WastedCost.Sign() > 0)
		meet("loss", r.Saved.Sign() < 0)
		meet("minimum", r.MinimumTopUp != nil && r.MinimumTopUp.Sign() > 0)
		meet("over an int64", !r.SMSOnlyCost.IsInt64() || !r.ActualCost.IsInt64())
	}
	meet("two priced currencies", priced > 1)
	meet("corrected", savingsText(t, rows) != savingsText(t, corrected))
}

// meetLate looks for what late events change in messages that have no late event themselves.
func meetLate(w worlds.MoneyWorld, t testing.TB, all *Model, meet func(string, bool)) {
	t.Helper()
	early := modelOf(w, t, w.Early)
	onlyLate := modelOf(w, t, w.Late)
	meet("late changes", savingsText(t, mustReport(t, early, queryOf(w, Query{}, w.Tariffs))) != savingsText(t,
		mustReport(t, all, queryOf(w, Query{}, w.Tariffs))))
	before, after := early.dialogs(), all.dialogs()
	lateDays := map[int64]bool{}
	for key := range onlyLate.messages {
		if cohort, known := all.messages[MessageKey{all.intern(w.Account), key.ID}].cohort(); known {
			lateDays[cohort/dayMS] = true
		}
	}
	account, accountOfLate := early.intern(w.Account), onlyLate.intern(w.Account)
	for key, msg := range all.messages {
		old := early.messages[MessageKey{account, key.ID}]
		if _, touched := onlyLate.messages[MessageKey{accountOfLate, key.ID}]; touched {
			if old != nil {
				_, knownBefore := old.cohort()
				_, knownNow := msg.cohort()
				meet("late brings the cohort", !knownBefore && knownNow)
			}
			continue
		}
		for i := range msg.attempts {
			was, is := before[old.attempt(msg.attempts[i].Step)], after[&msg.attempts[i]]
			channel := all.strings[msg.attempts[i].dims[dimChannel]]
			if !oneOf(channel, "whatsapp", "viber", "rcs") {
				continue
			}
			meet("late changes another's conversation", was.conversation != is.conversation)
			meet("late changes another's reply window", was.outside != is.outside)
			cohort, _ := msg.cohort()
			meet("late changes another day", was != is && !lateDays[cohort/dayMS])
		}
	}
}

func mustReport(t testing.TB, m *Model, q SavingsQuery) []SavingsRow {
	t.Helper()
	rows, err := m.SavingsReport(q)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func savingsText(t testing.TB, rows []SavingsRow) string {
	t.Helper()
	var out bytes.Buffer
	for _, r := range rows {
		encoded, err := r.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		out.Write(append(encoded, '\n'))
	}
	return out.String()
}
