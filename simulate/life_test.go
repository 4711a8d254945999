package simulate

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"kaskad/simulate/model"
)

// weeksConfig is a world of two weeks that end on a Wednesday.
func weeksConfig(messages int) Config {
	cfg := DefaultConfig()
	cfg.Messages, cfg.Life = messages, true
	cfg.Start, cfg.Duration = time.Date(2026, 11, 5, 0, 0, 0, 0, time.UTC), 14*24*time.Hour
	return cfg
}

// TestSimulator_WriteNDJSON_GoldenOfWeeks pins the bytes of weeks, as those of a day are.
func TestSimulator_WriteNDJSON_GoldenOfWeeks(t *testing.T) {
	sum := sha256.Sum256(ndjson(t, weeksConfig(5_000)))
	const want = "f322e6c5f0f3baf8ce4af2faf63f91990e1ec11fa7e47fbf6812a279e9bcf58b"
	if got := hex.EncodeToString(sum[:]); got != want {
		t.Errorf("the weeks of seed 1 are %s, were %s", got, want)
	}
}

// TestSimulator_Life_Days checks what weeks have and a day does not, in the reports that the model makes of them.
func TestSimulator_Life_Days(t *testing.T) {
	cfg := weeksConfig(40_000)
	sim, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	m := modelOf(t, sim)
	report := func(q model.Query) (rows []model.Row) {
		rows, err := m.ChannelReport(q)
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	moscow, err := time.LoadLocation("Europe/Moscow")
	if err != nil {
		t.Fatal(err)
	}

	// Weekends are calm.
	byWeekday := map[string]int64{}
	for _, r := range report(model.Query{GroupBy: []string{"weekday"}, TZ: moscow}) {
		byWeekday[r.Keys[0].String()] = r.Attempted
	}
	if len(byWeekday) != 7 || byWeekday["7"]*10 > byWeekday["2"]*7 {
		t.Errorf("attempts by weekday: %v", byWeekday)
	}

	// Mailings are of a day, and each goes to a person once.
	days := map[string]map[string]int64{}
	lavka := model.Query{GroupBy: []string{"campaign", "day"}, TZ: moscow,
		Filters: map[string][]string{"account": {"lavka"}, "step": {"1"}}}
	for _, r := range report(lavka) {
		campaign, day := r.Keys[0].String(), r.Keys[1].String()
		if days[campaign] == nil {
			days[campaign] = map[string]int64{}
		}
		days[campaign][day] = r.Attempted + r.Skipped
	}
	for campaign, day := range map[string]string{"black-friday": "2026-11-05", "new-arrivals": "2026-11-10",
		"flash-sale": "2026-11-12", `Скидка "−20 %" \ 🎁`: "2026-11-17"} {
		if of := days[campaign]; len(of) != 1 || of[day] < 500 {
			t.Errorf("%s was sent on %v, want %s", campaign, of, day)
		}
	}
	for _, campaign := range []string{"win-back", "loyalty"} {
		if len(days[campaign]) < 14 {
			t.Errorf("%s was sent on %v", campaign, days[campaign])
		}
	}

	// One provider of SMS has two bad hours, and is itself before and after.
	provider := sim.world.accounts[0].provider("sms").name
	hours := report(model.Query{GroupBy: []string{"hour"}, TZ: moscow, From: cfg.Start.AddDate(0, 0, 12),
		To: cfg.Start.AddDate(0, 0, 13), Filters: map[string][]string{"channel": {"sms"}, "provider": {provider}}})
	for _, r := range hours {
		if r.Sent < 30 {
			continue
		}
		hour := r.Keys[0].String()
		bad := hour == "2026-11-17T12:00:00+03:00" || hour == "2026-11-17T13:00:00+03:00"
		if rate := float64(r.Delivery.Num) / float64(r.Delivery.Den); bad != (rate < 0.5) {
			t.Errorf("%s delivers %.2f at %s", provider, rate, hour)
		}
	}
}

// TestSimulator_Life_Recipients checks that nobody gets a mailing twice.
func TestSimulator_Life_Recipients(t *testing.T) {
	sim, err := New(weeksConfig(40_000))
	if err != nil {
		t.Fatal(err)
	}
	messages, people := map[string]string{}, map[string]string{}
	for ev := range sim.Events() {
		if ev.Kind != Status || !bytes.Contains(ev.Line, []byte(`"campaign":"black-friday"`)) {
			continue
		}
		var e struct {
			Account, Contact, Channel string
			MessageID                 string `json:"message_id"`
		}
		if err := json.Unmarshal(ev.Line, &e); err != nil {
			t.Fatal(err)
		}
		if e.Contact == "" {
			continue
		}
		person, message := e.Account+"/"+e.Contact, e.Account+"/"+e.MessageID
		if other, met := people[person]; met && other != message {
			t.Fatalf("%s gets %s and %s", person, other, message)
		}
		people[person], messages[message] = message, person
	}
	if len(messages) < 300 {
		t.Errorf("%d messages name a person", len(messages))
	}
}

// TestSimulator_Life_OptOuts checks that who has had enough gets no promotion any more, once the mailing is out.
func TestSimulator_Life_OptOuts(t *testing.T) {
	sim, err := New(weeksConfig(40_000))
	if err != nil {
		t.Fatal(err)
	}
	sender := sim.world.accounts[0]
	promotes := func(line []byte) bool {
		return slices.ContainsFunc(sender.dims[promo].campaigns, func(field string) bool {
			return field != "" && bytes.Contains(line, []byte(field))
		})
	}
	left, mailed := map[string]time.Time{}, 0
	for ev := range sim.Events() {
		if ev.Kind == Poison {
			continue
		}
		var e struct {
			Account, Recipient, Status string
			SubmittedAt                time.Time `json:"submitted_at"`
		}
		if err := json.Unmarshal(ev.Line, &e); err != nil {
			t.Fatal(err)
		}
		person := e.Account + "/" + e.Recipient
		at, gone := left[person]
		switch {
		case e.Status == "unsubscribed" || e.Status == "complained" || e.Status == "blocked":
			left[person] = ev.Occurred
		case e.Account == sender.name && promotes(ev.Line) && !e.SubmittedAt.IsZero():
			if mailed++; gone && e.SubmittedAt.After(at.Add(2*time.Hour)) {
				t.Fatalf("%s left at %s, and is sent to at %s", person, at, e.SubmittedAt)
			}
		}
	}
	if len(left) < 50 || mailed < 1000 {
		t.Errorf("%d people left, %d events are of mailings", len(left), mailed)
	}
}
