package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// saying makes events of one account, their times told in hours before now.
type saying struct {
	now   time.Time
	lines [][]byte
	ids   int
}

func (s *saying) at(hoursAgo float64) string {
	return s.now.Add(-time.Duration(hoursAgo * float64(time.Hour))).Format(time.RFC3339)
}

// say adds an event with fields beside its own: name, value, name, value.
func (s *saying) say(account, recipient, channel, status string, hoursAgo float64, more ...any) {
	event := map[string]any{"account": account, "recipient": recipient, "channel": channel, "status": status,
		"occurred_at": s.at(hoursAgo)}
	for i := 0; i < len(more); i += 2 {
		event[more[i].(string)] = more[i+1]
	}
	line, err := json.Marshal(event)
	if err != nil {
		panic(err) // maps of texts
	}
	s.lines = append(s.lines, line)
}

// message adds an event of a message of its own, submitted at the time.
func (s *saying) message(account, recipient, channel, status string, hoursAgo float64, more ...any) {
	s.ids++
	s.say(account, recipient, channel, status, hoursAgo,
		append([]any{"message_id", fmt.Sprint("m", s.ids), "submitted_at", s.at(hoursAgo)}, more...)...)
}

// twice adds two failures of a code, in two mailings 48 h apart.
func (s *saying) twice(account, recipient, channel, provider, code string, more ...any) {
	for i, hours := range []float64{96, 48} {
		s.message(account, recipient, channel, "undelivered", hours,
			append([]any{"provider", provider, "error_code", code, "campaign", fmt.Sprint("c", i)}, more...)...)
	}
}

type numberAnswer struct {
	State, Rule string
	Reasons     map[string]int
	Guessed     int
	ReachableOn json.RawMessage `json:"reachable_on"`
	OptOuts     json.RawMessage `json:"opt_outs"`
}

func (k *kaskad) number(account, number string) (a numberAnswer) {
	k.t.Helper()
	k.get("/v1/numbers/"+url.PathEscape(number)+"?account="+account, &a)
	return a
}

// checked are the rows of a check, by recipient.
func (k *kaskad) checked(account string, recipients ...string) map[string]numberAnswer {
	k.t.Helper()
	body, err := json.Marshal(map[string]any{"numbers": recipients})
	if err != nil {
		k.t.Fatal(err)
	}
	status, answer := k.request(http.MethodPost, "/v1/numbers/check?account="+account, "application/json", body)
	var found struct {
		Rows []struct {
			Number string
			numberAnswer
		}
	}
	if err := json.Unmarshal(answer, &found); err != nil || status != http.StatusOK ||
		len(found.Rows) != len(recipients) {
		k.t.Fatalf("check: %d %s", status, answer)
	}
	rows := map[string]numberAnswer{}
	for _, r := range found.Rows {
		rows[r.Number] = r.numberAnswer
	}
	return rows
}

// What kills and what does not: guesses, aliases, own lines, permanent failures, and which code of several counts, in
// any order and with duplicates.
func testNumbersRules(t *testing.T, k *kaskad) {
	s := &saying{now: sharedNow}
	k.put("error-map", "like", []byte(`{"lines":[],"aliases":[{"provider":"nobody","like":"map"}]}`))
	k.put("error-map", "own", []byte(`{"lines":[{"provider":"x","code":"U","class":"unknown"},{"provider":"x","code":"D","class":"unknown_subscriber"},`+
		`{"provider":"*","code":"77","class":"deactivated"}]}`))
	type verdict struct {
		account, state, rule, reasons string
		guessed                       int
	}
	want := map[string]verdict{}
	number := func(v verdict) string {
		n := fmt.Sprintf("+7916%07d", len(want))
		want[n] = v
		return n
	}
	add := func(v verdict, channel, provider, code string, more ...any) {
		s.twice(v.account, number(v), channel, provider, code, more...)
	}
	// A guess never kills.
	add(verdict{"plain", "suspect", "", "map[unknown_subscriber:2]", 2}, "sms", "nobody", "1")
	add(verdict{"plain", "unknown", "", "map[unknown:2]", 2}, "sms", "nobody", "5")
	add(verdict{"plain", "suspect", "", "map[not_sms_capable:2]", 2}, "sms", "nobody", "11")
	add(verdict{"plain", "suspect", "", "map[unknown_subscriber:2]", 2}, "sms", "", "1")
	add(verdict{"plain", "suspect", "", "map[unknown_subscriber:2]", 2}, "voice", "nobody", "1")
	add(verdict{"like", "dead", "hard", "map[unknown_subscriber:2]", 0}, "sms", "nobody", "1")
	add(verdict{"like", "unknown", "", "map[unknown:2]", 0}, "sms", "nobody", "5")
	add(verdict{"like", "dead", "hard", "map[not_sms_capable:2]", 0}, "sms", "nobody", "11")
	add(verdict{"plain", "dead", "hard", "map[unknown_subscriber:2]", 0}, "sms", "map", "1")
	for _, code := range []string{"1", "5", "11"} {
		add(verdict{"plain", "unknown", "", "any", 0}, "sms", "vonage", code)
		add(verdict{"plain", "unknown", "", "any", 0}, "sms", "nexmo", code)
	}
	add(verdict{"plain", "unknown", "", "map[]", 0}, "flash_call", "nobody", "21")
	add(verdict{"plain", "unknown", "", "map[]", 0}, "viber", "nobody", "1")
	// permanent decides no class.
	add(verdict{"plain", "unknown", "", "map[unknown:2]", 0}, "sms", "nobody", "Z99", "permanent", true)
	add(verdict{"own", "unknown", "", "map[unknown:2]", 0}, "sms", "x", "U", "permanent", true)
	add(verdict{"own", "dead", "hard", "map[unknown_subscriber:2]", 0}, "sms", "x", "D", "permanent", true)
	add(verdict{"own", "dead", "deactivated", "map[deactivated:2]", 0}, "sms", "whoever", "77")
	// The code of the latest failure event counts, leading zeros cut.
	latest := func(first, later string, v verdict) {
		n := number(v)
		for i, hours := range []float64{96, 48} {
			s.ids++
			id := fmt.Sprint("m", s.ids)
			for j, code := range []string{first, later} {
				s.say(v.account, n, "sms", "undelivered", hours-float64(j), "message_id", id, "submitted_at",
					s.at(hours), "provider", "map", "error_code", code, "campaign", fmt.Sprint("c", i))
			}
		}
	}
	latest("27", "1", verdict{"plain", "dead", "hard", "map[unknown_subscriber:2]", 0})
	latest("13", "6", verdict{"plain", "unknown", "", "map[absent_subscriber:2]", 0})
	latest("1", "0027", verdict{"plain", "unknown", "", "map[absent_subscriber:2]", 0})
	random := rand.New(rand.NewPCG(3, 3))
	for range 2 {
		random.Shuffle(len(s.lines), func(i, j int) { s.lines[i], s.lines[j] = s.lines[j], s.lines[i] })
		k.post(join(s.lines))
	}
	k.settle(2 * time.Minute)
	for _, n := range slices.Sorted(maps.Keys(want)) {
		v, got := want[n], k.number(want[n].account, n)
		if got.State != v.state || got.Rule != v.rule || got.Guessed != v.guessed || v.reasons != "any" &&
			fmt.Sprint(got.Reasons) != v.reasons {
			t.Errorf("%s is %s by %q for %v, guessed %d; want %+v", n, got.State, got.Rule, got.Reasons, got.Guessed, v)
		}
	}
	var unmapped struct{ Rows []map[string]any }
	k.get("/v1/error-map/unmapped?account=plain", &unmapped)
	guesses := map[string]any{}
	for _, r := range unmapped.Rows {
		guesses[fmt.Sprint(r["channel"], " ", r["provider"], " ", r["error_code"])] = r["guess"]
	}
	for code, guess := range map[string]any{"sms nobody 1": "unknown_subscriber", "sms nobody 5": "unknown",
		"sms nobody 11": "not_sms_capable", "sms nobody Z99": nil,
		"flash_call nobody 21": "not_answered", "viber nobody 1": nil} {
		if got, listed := guesses[code]; !listed || got != guess {
			t.Errorf("unmapped lists %s as %v (%v), want %v", code, got, listed, guess)
		}
	}
	for code := range guesses {
		if strings.Contains(code, "vonage") || strings.Contains(code, "nexmo") || strings.Contains(code, " map ") {
			t.Errorf("unmapped lists %s, which has a line", code)
		}
	}
	// An alias that comes later decides anew what is known.
	k.put("error-map", "plain", []byte(`{"lines":[],"aliases":[{"provider":"nobody","like":"map"}]}`))
	k.settle(2 * time.Minute)
	if got := k.number("plain", "+79160000000"); got.State != "dead" || got.Rule != "hard" || got.Guessed != 0 {
		t.Errorf("after the alias: %+v", got)
	}
}

// Who opted out, and where a dead number's owner is reached all the same, shows with the verdict within seconds, also
// where there is no other evidence.
func testNumbersOptOuts(t *testing.T, k *kaskad) {
	s := &saying{now: sharedNow}
	const blocked, dead, left, back, mail = "+79160000001", "+79160000002", "+79160000003", "+79160000004",
		"email:a+b@example.com"
	for i := range 6 {
		s.message("a", blocked, "viber", "undelivered", float64(200-i), "provider", "viber", "error_code",
			"SRVC_USER_BLOCKED", "sender", "Shop", "campaign", fmt.Sprint("c", i))
	}
	s.twice("a", dead, "sms", "map", "1")
	s.message("a", dead, "whatsapp", "delivered", 100) // before the streak
	s.message("a", dead, "viber", "delivered", 60)
	s.message("a", dead, "viber", "read", 50)
	s.message("a", dead, "email", "delivered", 96)
	s.say("a", left, "push", "unsubscribed", 30, "app", "shop")
	s.say("a", left, "push", "unsubscribed", 20, "app", "shop")
	s.say("a", left, "sms", "complained", 20)
	s.say("a", back, "whatsapp", "blocked", 30)
	s.twice("a", mail, "email", "smtp", "5.1.1", "permanent", true)
	s.say("a", mail, "email", "complained", 40)
	k.post(join(s.lines))
	k.settle(2 * time.Minute)
	out := func(channel, app, sender, kind string, hoursAgo float64) string {
		return fmt.Sprintf(`{"channel":%q,"app":%q,"sender":%q,"kind":%q,"since":%q}`, channel, app, sender, kind,
			strings.Replace(s.at(hoursAgo), "Z", ".000Z", 1))
	}
	type verdict struct{ state, rule, optOuts, reachable string }
	compare := func(want map[string]verdict) {
		t.Helper()
		rows := k.checked("a", slices.Collect(maps.Keys(want))...)
		for n, v := range want {
			one := k.number("a", n)
			if one.State != v.state || one.Rule != v.rule || string(one.OptOuts) != v.optOuts ||
				string(one.ReachableOn) != v.reachable {
				t.Errorf("%s: %s %s, %s, reachable on %s; want %+v", n, one.State, one.Rule, one.OptOuts,
					one.ReachableOn, v)
			}
			if r := rows[n]; r.State != v.state || r.Rule != v.rule || string(r.OptOuts) != v.optOuts {
				t.Errorf("check of %s: %s %s, %s; want %+v", n, r.State, r.Rule, r.OptOuts, v)
			}
		}
	}
	want := map[string]verdict{
		blocked: {"unknown", "", "[" + out("viber", "", "Shop", "blocked", 195) + "]", "[]"},
		dead: {"dead", "hard", "[]", fmt.Sprintf(`[{"channel":"email","last_delivered_at":"%s"},{"channel":"viber","last_delivered_at":"%s"}]`,
			strings.Replace(s.at(96), "Z", ".000Z", 1), strings.Replace(s.at(50), "Z", ".000Z", 1))},
		left: {"unknown", "", "[" + out("push", "shop", "", "unsubscribed", 20) + "," +
			out("sms", "", "", "complained", 20) + "]", "[]"},
		back:           {"unknown", "", "[" + out("whatsapp", "", "", "blocked", 30) + "]", "[]"},
		mail:           {"dead", "hard", "[" + out("email", "", "", "complained", 40) + "]", "[]"},
		"+79160000009": {"unknown", "", "[]", "[]"},
	}
	compare(want)
	for kind, number := range map[string]string{"": dead, "kind=phone": dead, "kind=email": mail} {
		var list struct{ Rows []struct{ Number string } }
		k.get("/v1/numbers/dead?account=a&"+kind, &list)
		if len(list.Rows) != 1 || list.Rows[0].Number != number {
			t.Errorf("dead by %q: %v, want %s", kind, list.Rows, number)
		}
	}

	// A message from the customer ends a block, on that channel; a subscription ends what it renews; and at the same
	// time the opt-out stands.
	s.lines = nil
	s.say("a", back, "whatsapp", "inbound", 10)
	s.say("a", blocked, "viber", "inbound", 195)
	s.say("a", left, "push", "subscribed", 10, "app", "shop")
	s.say("a", left, "sms", "inbound", 10)
	k.post(join(s.lines))
	k.settle(2 * time.Minute)
	want[back] = verdict{"unknown", "", "[]", "[]"}
	want[left] = verdict{"unknown", "", "[" + out("sms", "", "", "complained", 20) + "]", "[]"}
	compare(want)
	s.lines = nil
	s.message("a", blocked, "viber", "read", 9)
	k.post(join(s.lines))
	// What somebody says of a number holds, and a quarantined one is in no list of the dead.
	for _, n := range []string{mail, dead} {
		path := "/v1/numbers/" + url.PathEscape(n) + "/override?account=a"
		if status, answer := k.request(http.MethodPut, path, "application/json",
			[]byte(`{"state":"quarantined","why":"under review"}`)); status != http.StatusOK {
			t.Errorf("override %s: %d %s", n, status, answer)
		}
		v := want[n]
		v.state, v.rule = "quarantined", "override"
		want[n] = v
	}
	k.settle(2 * time.Minute)
	// The read has another sender than none, so it ends the block.
	want[blocked] = verdict{"unknown", "", "[]", "[]"}
	compare(want)
	for _, kind := range []string{"phone", "email"} {
		var list struct{ Rows []any }
		k.get("/v1/numbers/dead?account=a&kind="+kind, &list)
		if len(list.Rows) != 0 {
			t.Errorf("dead by %s after both are quarantined: %v", kind, list.Rows)
		}
	}
	// A number needs its plus.
	for _, path := range []string{"/v1/numbers/89030000001", "/v1/numbers/79160000001"} {
		if status, answer := k.request(http.MethodGet, path, "", nil); status != http.StatusBadRequest ||
			!strings.Contains(string(answer), "%2B7916") {
			t.Errorf("%s: %d %s", path, status, answer)
		}
	}
	var changes struct{ Rows []struct{ Number string } }
	k.get("/v1/numbers/changes?account=a&number=+79160000002", &changes)
	if len(changes.Rows) == 0 || changes.Rows[0].Number != dead {
		t.Errorf("changes of a number whose plus became a blank: %v", changes)
	}
}
