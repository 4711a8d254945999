package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"kaskad/engine/enginetest"
	"kaskad/schema"
	"kaskad/schema/errormap"
	"kaskad/simulate/model"
	"kaskad/simulate/model/numbers"
	"kaskad/simulate/model/settings"
	"kaskad/simulate/worlds"
)

// The figures of the contract: the example's events through the whole pipeline, compared to the last digit with what a
// separate program computed.
func TestRun_NumbersExamples(t *testing.T) {
	var truth struct {
		Now      string
		ErrorMap map[string]json.RawMessage `json:"error_map"`
		Numbers  []map[string]any
	}
	if err := json.Unmarshal(example(t, "numbers.json"), &truth); err != nil {
		t.Fatal(err)
	}
	k := newKaskad(t, "--now", truth.Now)
	k.start("")
	k.waitReady()
	k.putMaps(truth.ErrorMap)
	k.post(example(t, "numbers.ndjson"))
	k.settle(2 * time.Minute)
	if len(truth.Numbers) != 60 {
		t.Fatalf("%d numbers in the example, want 60", len(truth.Numbers))
	}
	var dead []map[string]any
	for _, want := range truth.Numbers {
		var got map[string]any
		k.get("/v1/numbers/"+url.PathEscape(want["number"].(string)), &got)
		for name, value := range want {
			if text(value) != text(got[name]) {
				t.Errorf("%v: %s = %s, want %s", want["number"], name, text(got[name]), text(value))
			}
		}
		if want["state"] == "dead" {
			dead = append(dead, want)
		}
	}
	var list struct{ Rows []map[string]any }
	k.get("/v1/numbers/dead?account=acme", &list)
	if len(list.Rows) != len(dead) {
		t.Fatalf("%d dead numbers, want %d", len(list.Rows), len(dead))
	}
	for i, want := range dead {
		delete(want, "state")
		for name, value := range want {
			if text(value) != text(list.Rows[i][name]) {
				t.Errorf("dead %v: %s = %s, want %s", want["number"], name, text(list.Rows[i][name]), text(value))
			}
		}
	}
}

// putMaps puts the example's error maps.
func (k *kaskad) putMaps(lists map[string]json.RawMessage) {
	k.t.Helper()
	for account, list := range lists {
		k.put("error-map", account, list)
	}
}

// list reads all pages of a list.
func (k *kaskad) list(path string, query url.Values) json.RawMessage {
	k.t.Helper()
	query.Set("limit", "1000")
	all := []json.RawMessage{}
	for {
		var page struct {
			Rows       []json.RawMessage `json:"rows"`
			NextCursor *string           `json:"next_cursor"`
		}
		k.get(path+"?"+query.Encode(), &page)
		all = append(all, page.Rows...)
		if page.NextCursor == nil || len(page.Rows) == 0 {
			break
		}
		query.Set("cursor", *page.NextCursor)
	}
	encoded, err := json.Marshal(all)
	if err != nil {
		k.t.Fatal(err)
	}
	return encoded
}

// numberWorlds are the random accounts of one pipeline, and the model of what it was told.
type numberWorlds struct {
	worlds []worlds.NumberWorld
	model  *model.Model
	query  settings.Numbers
}

func newNumberWorlds(t testing.TB, k *kaskad, accounts, each int) *numberWorlds {
	t.Helper()
	w := &numberWorlds{query: settings.Numbers{Shipped: shippedErrors(t),
		ErrorMaps: map[string]settings.ErrorMap{}, Rules: map[string]settings.NumberRules{},
		Tariffs: map[string][]settings.Tariff{}}}
	for seed := range uint64(accounts) {
		world := worlds.RandomNumbers(seed, each)
		w.worlds = append(w.worlds, world)
		k.putTariffs(world.Account, world.Tariffs)
		w.query.Tariffs[world.Account] = world.Tariffs
		if world.ErrorMap != nil {
			k.putJSON("error-map", world.Account, world.ErrorMap)
			w.query.ErrorMaps[world.Account] = *world.ErrorMap
		}
		if world.Rules != nil {
			k.putJSON("number-rules", world.Account, map[string]any{"number_rules": world.Rules})
			w.query.Rules[world.Account] = *world.Rules
		}
	}
	w.query.Now = w.worlds[0].Now
	w.model = model.New(w.worlds[0].Now)
	return w
}

// shippedErrors is the error map that Kaskad ships, as the model reads it.
func shippedErrors(t testing.TB) *settings.ErrorMap {
	t.Helper()
	list, err := errormap.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	var shipped settings.ErrorMap
	for _, l := range list.Lines {
		shipped.Lines = append(shipped.Lines, settings.ErrorLine(l))
	}
	for _, a := range list.Aliases {
		shipped.Aliases = append(shipped.Aliases, settings.ErrorAlias(a))
	}
	return &shipped
}

func (k *kaskad) putJSON(kind, account string, list any) {
	k.t.Helper()
	body, err := json.Marshal(list)
	if err != nil {
		k.t.Fatal(err)
	}
	k.put(kind, account, body)
}

// tell sends lines in a random order, some of them twice, in several requests, and tells the model.
func (w *numberWorlds) tell(t testing.TB, k *kaskad, random *rand.Rand, lines [][]byte) {
	t.Helper()
	for _, l := range lines {
		if err := w.model.Add(l); err != nil {
			t.Fatal(err)
		}
	}
	lines = append(slices.Clone(lines), lines[:len(lines)/20]...)
	random.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	for len(lines) > 0 {
		n := min(len(lines), 1+random.IntN(20_000))
		k.post(join(lines[:n]))
		lines = lines[n:]
	}
}

// compare holds everything that is answered about numbers and people against the model.
func (w *numberWorlds) compare(t *testing.T, k *kaskad) {
	t.Helper()
	w.compareVerdicts(t, k)
	w.compareReach(t, k, w.reachQueries(t))
}

// compareVerdicts holds verdicts, the feed of them and the audiences against the model.
func (w *numberWorlds) compareVerdicts(t *testing.T, k *kaskad) {
	t.Helper()
	verdicts, err := numbers.Verdicts(w.model, w.query)
	if err != nil {
		t.Fatal(err)
	}
	byAccount := map[string][]numbers.Verdict{}
	for _, v := range verdicts {
		byAccount[v.Account] = append(byAccount[v.Account], v)
	}
	for account, all := range byAccount {
		dead := map[string][]numbers.Verdict{}
		numbers := make([]string, len(all))
		for i, v := range all {
			numbers[i] = v.Number
			if v.State == "dead" {
				dead[schema.KindOf(v.Number)] = append(dead[schema.KindOf(v.Number)], v)
			}
		}
		for _, kind := range []string{schema.KindPhone, schema.KindEmail} {
			got := k.list("/v1/numbers/dead", url.Values{"account": {account}, "kind": {kind}})
			if err := model.CompareRows(dead[kind], got, "rule_version", "state", "looked_up_at"); err != nil {
				t.Errorf("dead recipients of %s by %s: %v", account, kind, err)
			}
		}
		body, err := json.Marshal(map[string]any{"numbers": numbers})
		if err != nil {
			t.Fatal(err)
		}
		status, answer := k.request(http.MethodPost, "/v1/numbers/check?account="+account, "application/json", body)
		var check struct {
			Rows []struct {
				Number, State, Rule string
				Since               *string
				OptOuts             json.RawMessage `json:"opt_outs"`
			}
		}
		if err := json.Unmarshal(answer, &check); err != nil || status != http.StatusOK || len(check.Rows) != len(all) {
			t.Fatalf("check: %d %.300s", status, answer)
		}
		for i, v := range all {
			since := ""
			if check.Rows[i].Since != nil {
				since = *check.Rows[i].Since
			}
			want := ""
			if !v.Since.IsZero() {
				want = v.Since.UTC().Format("2006-01-02T15:04:05.000Z")
			}
			if r := check.Rows[i]; r.Number != v.Number || r.State != v.State || r.Rule != v.Rule || since != want {
				t.Errorf("check of %s %s: %+v %s, want %s %s %s", account, v.Number, r, since, v.State, v.Rule, want)
			}
			if err := model.CompareRows(v.OptOuts, check.Rows[i].OptOuts); err != nil {
				t.Errorf("check of %s %s: opt_outs: %v", account, v.Number, err)
			}
		}
		w.compareFeed(t, k, account, all)
	}
	for _, state := range []string{"subscribed", "unsubscribed", "uninstalled", "blocked", "complained"} {
		want, err := numbers.Audience(w.model, numbers.AudienceQuery{State: state, Shipped: w.query.Shipped,
			ErrorMaps: w.query.ErrorMaps})
		if err != nil {
			t.Fatal(err)
		}
		if err := model.CompareRows(want, k.list("/v1/audience/"+state, url.Values{}), "account"); err != nil {
			t.Errorf("audience %s: %v", state, err)
		}
	}
}

// reachQueries are the questions about who can be reached, and what it costs to try.
func (w *numberWorlds) reachQueries(t testing.TB) []model.Query {
	day := 24 * time.Hour
	return []model.Query{{GroupBy: []string{"channel"}}, {GroupBy: []string{"account", "channel"}},
		{GroupBy: []string{"campaign", "channel"}},
		{GroupBy: []string{"month", "channel"}, TZ: mustZone(t, "Asia/Kathmandu")},
		{GroupBy: []string{"channel"}, From: w.query.Now.Add(-40 * day).Truncate(day),
			To: w.query.Now.Add(-10 * day).Truncate(day)}}
}

// compareReach holds the reports on people and on causes against the model.
func (w *numberWorlds) compareReach(t *testing.T, k *kaskad, queries []model.Query) {
	t.Helper()
	for _, q := range queries {
		reach := numbers.ReachQuery{Query: q, Numbers: w.query}
		penetration, err := numbers.Penetration(w.model, reach)
		compareReport(t, "penetration", q, penetration, err, k.reportRows("penetration", q))
		spend := q
		spend.GroupBy = append(slices.DeleteFunc(slices.Clone(q.GroupBy),
			func(n string) bool { return n == "channel" }), "channel", "rule")
		deadSpend, err := numbers.DeadSpend(w.model, numbers.ReachQuery{Query: spend, Numbers: w.query})
		compareReport(t, "dead-spend", spend, deadSpend, err, k.reportRows("dead-spend", spend))
		causes := q
		causes.GroupBy = append(slices.Clone(spend.GroupBy[:len(spend.GroupBy)-1]), "provider", "reason", "error_code")
		failures, err := numbers.Failures(w.model, numbers.ReachQuery{Query: causes, Numbers: w.query})
		compareReport(t, "failures", causes, failures, err, k.reportRows("failures", causes))
	}
	period := model.Query{From: w.query.Now.Add(-60 * 24 * time.Hour).Truncate(24 * time.Hour),
		To: w.query.Now.Truncate(24 * time.Hour)}
	best, err := numbers.BestChannel(w.model, numbers.ReachQuery{Query: period, Numbers: w.query})
	if err != nil {
		t.Fatal(err)
	}
	if err := model.CompareRows(best,
		k.list("/v1/numbers/best-channel",
			url.Values{"from": {period.From.Format(time.RFC3339)}, "to": {period.To.Format(time.RFC3339)}}),
		"account"); err != nil {
		t.Errorf("best channels: %v", err)
	}
}

func compareReport[Row json.Marshaler](t testing.TB, name string, q model.Query, want []Row, err error,
	got json.RawMessage, unlooked ...string) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s by %v: %v", name, q.GroupBy, err)
	}
	if err := model.CompareRows(want, got, append(unlooked, "mature")...); err != nil {
		t.Errorf("%s by %v from %v tz %v: %v", name, q.GroupBy, q.From, q.TZ, err)
	}
}

func mustZone(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// compareFeed walks the feed of an account: each line begins where the number's line before ended, and the last one is
// the state.
func (w *numberWorlds) compareFeed(t *testing.T, k *kaskad, account string, verdicts []numbers.Verdict) {
	t.Helper()
	type line struct{ Number, From, To, At string }
	var lines []line
	for _, kind := range []string{schema.KindPhone, schema.KindEmail} {
		var some []line
		if err := json.Unmarshal(k.list("/v1/numbers/changes", url.Values{"account": {account}, "kind": {kind}}),
			&some); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, some...)
	}
	last, at := map[string]string{}, map[string]string{}
	for _, l := range lines {
		before := last[l.Number]
		if before == "" {
			before = "unknown"
		}
		// A crash may have told some lines again: they begin where the first of them began.
		if l.From != before && at[l.Number] < l.At {
			t.Errorf("feed of %s %s: %+v follows %s", account, l.Number, l, before)
		}
		last[l.Number], at[l.Number] = l.To, max(at[l.Number], l.At)
	}
	for _, v := range verdicts {
		told := last[v.Number]
		if told == "" {
			told = "unknown"
		}
		if told != v.State {
			t.Errorf("the feed's last word on %s %s is %s, the verdict %s", account, v.Number, told, v.State)
		}
	}
}

// Random histories through the whole pipeline, in any order and partly twice, with the process killed at every step of
// the verdicts: all that is answered about numbers and people equals the naive model, to the last digit.
func TestRun_NumbersRandomWorlds(t *testing.T) {
	accounts, each := 3, 60
	if enginetest.Long() {
		accounts, each = 12, 250
	}
	k := newKaskad(t, "--now", worlds.RandomNumbers(0, 0).Now.Format(time.RFC3339))
	k.start("")
	k.waitReady()
	w := newNumberWorlds(t, k, accounts, each)
	random := rand.New(rand.NewPCG(5, 5))
	var early, late [][]byte
	for _, world := range w.worlds {
		early, late = append(early, world.Early...), append(late, world.Late...)
	}
	w.tell(t, k, random, early)
	k.settle(3 * time.Minute)
	w.compare(t, k)
	if t.Failed() {
		return
	}
	// The rest, while the process dies again and again; and verdicts set by hand.
	crashes := []string{"told:1", "decided:1", "computed:1", "published:1", "closed:1", "touches:1", "told:2"}
	w.tell(t, k, random, late[:len(late)/2])
	k.kill()
	for _, step := range crashes {
		k.start(step)
		k.dieOrRest(time.Minute, func() bool { return true })
	}
	k.start("")
	k.waitReady()
	w.tell(t, k, random, late[len(late)/2:])
	for _, world := range w.worlds {
		for _, o := range slices.Concat(world.Removed, world.Overrides) {
			k.setVerdict(o)
			o.At = w.query.Now
			if !o.Until.IsZero() {
				if status, answer := k.request(http.MethodDelete, overridePath(o), "", nil); status != http.StatusOK &&
					status != http.StatusAccepted {
					t.Fatalf("remove an override: %d %s", status, answer)
				}
				o.Until = w.query.Now
			}
			w.query.Overrides = append(w.query.Overrides, o)
		}
	}
	k.settle(3 * time.Minute)
	w.compare(t, k)
}

// setVerdict sets a verdict by hand.
func (k *kaskad) setVerdict(o settings.NumberOverride) {
	k.t.Helper()
	body, err := json.Marshal(map[string]string{"state": o.State, "why": o.Why})
	if err != nil {
		k.t.Fatal(err)
	}
	status, answer := k.request(http.MethodPut, overridePath(o), "application/json", body)
	if status != http.StatusOK && status != http.StatusAccepted {
		k.t.Fatalf("override: %d %s", status, answer)
	}
}

func overridePath(o settings.NumberOverride) string {
	return "/v1/numbers/" + url.PathEscape(o.Number) + "/override?account=" + o.Account
}

// While verdicts change, whoever walks the feed by cursor sees every line once and in order, over restarts, and its
// last word on each number is the verdict.
func TestRun_NumbersChangesWalked(t *testing.T) {
	k := newKaskad(t, "--now", "2026-11-20T00:00:00Z")
	k.start("")
	k.waitReady()
	var truth struct {
		ErrorMap map[string]json.RawMessage `json:"error_map"`
		Numbers  []struct{ Number, State string }
	}
	if err := json.Unmarshal(example(t, "numbers.json"), &truth); err != nil {
		t.Fatal(err)
	}
	k.putMaps(truth.ErrorMap)
	lines := bytes.Split(bytes.TrimSpace(example(t, "numbers.ndjson")), []byte("\n"))
	states, seen, cursor := map[string]string{}, 0, ""
	walk := func() {
		t.Helper()
		for {
			var page struct {
				Rows       []struct{ Number, From, To string }
				NextCursor string `json:"next_cursor"`
			}
			path := "/v1/numbers/changes?account=acme&limit=3"
			if cursor != "" {
				path += "&cursor=" + url.QueryEscape(cursor)
			}
			k.get(path, &page)
			for _, r := range page.Rows {
				before := states[r.Number]
				if before == "" {
					before = "unknown"
				}
				if r.From != before {
					t.Fatalf("line %d: %+v follows %s", seen, r, before)
				}
				states[r.Number] = r.To
				seen++
			}
			cursor = page.NextCursor
			if len(page.Rows) == 0 {
				return
			}
		}
	}
	for i := 0; i < len(lines); i += 25 {
		k.post(join(lines[i:min(len(lines), i+25)]))
		walk()
		if i == 100 {
			k.settle(2 * time.Minute)
			k.stop()
			k.start("")
			k.waitReady()
		}
	}
	k.settle(2 * time.Minute)
	walk()
	for _, n := range truth.Numbers {
		if told := states[n.Number]; told != n.State && (told != "" || n.State != "unknown") {
			t.Errorf("the feed's last word on %s is %q, want %s", n.Number, told, n.State)
		}
	}
	if seen < len(truth.Numbers) {
		t.Errorf("%d lines in the feed, want more", seen)
	}
}

// The field's cases (ordering and duplication B1–B10, Twilio's codes) through the API: what each leaves of a message
// and of its number.
func TestRun_NumbersCases(t *testing.T) {
	now := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	k := newKaskad(t, "--now", now.Format(time.RFC3339))
	k.start("")
	k.waitReady()
	type event struct {
		id, status, occurred, submitted, more string
	}
	at := func(days, hours float64) string {
		return now.Add(-time.Duration((days*24 - hours) * float64(time.Hour))).Format(time.RFC3339)
	}
	sent := at(10, 0)
	twilio := func(days float64, code string) event {
		return event{fmt.Sprintf("%s-%v", code, days), "undelivered", at(days, 0), at(days, 0),
			fmt.Sprintf(`,"provider":"twilio","error_code":%q,"campaign":"c%v"`, code, days)}
	}
	viber := func(days float64) event {
		return event{fmt.Sprintf("viber-%v", days), "failed", at(days, 0), at(days, 0),
			fmt.Sprintf(`,"channel":"viber","provider":"viber","error_code":"SRVC_NOT_VIBER_USER","permanent":true,"campaign":"c%v"`, days)}
	}
	part := func(status string, n int) event {
		return event{"B7", status, at(10, 1), sent, fmt.Sprintf(`,"part":%d,"parts":3,"segments":3`, n)}
	}
	cases := []struct {
		name        string
		events      []event
		state, rule string
		check       func(m map[string]any) bool // of the message named after the case, nil for none
	}{
		{"B1", []event{{"B1", "read", at(10, 1), sent, ""}}, "active", "",
			func(m map[string]any) bool { return m["delivered"] == true && m["read"] == true }},
		{"B2", []event{{"B2", "delivered", at(10, 1), sent, ""}, {"B2", "sent", at(10, 2), sent, ""}}, "active", "",
			func(m map[string]any) bool { return m["delivered"] == true }},
		{"B3", []event{{"B3", "failed", at(10, 1), sent, `,"error_code":"1"`},
			{"B3", "delivered", at(10, 2), sent, ""}}, "active", "",
			func(m map[string]any) bool { return m["delivered"] == true }},
		{"B4", []event{{"B4", "delivered", at(10, 1), sent, ""},
			{"B4", "failed", at(10, 2), sent, `,"error_code":"1"`}}, "active", "",
			func(m map[string]any) bool { return m["delivered"] == true }},
		{"B5", []event{{"B5", "undelivered", at(10, 1), sent, `,"error_code":"1"`},
			{"B5", "undelivered", at(10, 1), sent, `,"error_code":"1"`}}, "suspect", "", nil},
		{"B6", []event{{"B6", "delivered", at(10, 3), sent, ""}, {"B6", "delivered", at(10, 2), sent, ""}}, "active",
			"", nil},
		{"B7", []event{part("delivered", 1), part("delivered", 2), part("undelivered", 3)}, "unknown", "",
			func(m map[string]any) bool { return m["delivered"] == false }},
		{"B8", []event{{"B8", "sent", sent, sent, ""}, {"B8", "delivered", at(10, 71), sent, ""}}, "active", "", nil},
		{"B9", []event{{"B9", "delivered", at(10, 1), "", ""}, {"B9", "accepted", sent, sent, ""}}, "active", "",
			func(m map[string]any) bool { return m["delivered"] == true }},
		{"B10", []event{{"B10", "sent", at(10, 0.01), sent, ""}, {"B10", "delivered", sent, sent, ""}}, "active", "",
			func(m map[string]any) bool { return m["delivered"] == true }},
		{"30005 once", []event{twilio(9, "30005")}, "suspect", "", nil},
		{"30005 in two mailings a day apart", []event{twilio(9, "30005"), twilio(8, "30005")}, "dead", "hard", nil},
		{"30003 in five mailings over fourteen days",
			[]event{twilio(20, "30003"), twilio(17, "30003"), twilio(14, "30003"), twilio(10, "30003"),
				twilio(6, "30003")}, "dead", "soft", nil},
		{"30003 in four mailings", []event{twilio(20, "30003"), twilio(17, "30003"), twilio(14, "30003"),
			twilio(6, "30003")}, "unknown", "", nil},
		{"no Viber user", []event{viber(20), viber(15), viber(10), viber(5), viber(2), viber(1)}, "unknown", "", nil},
		{"a delivery revives", []event{twilio(9, "30005"), twilio(8, "30005"),
			{"back", "delivered", at(3, 0), at(3, 0), ""}}, "revived", "", nil},
	}
	var lines [][]byte
	number := func(i int) string { return fmt.Sprintf("+7900000%04d", i) }
	for i, c := range cases {
		for _, e := range c.events {
			submitted := ""
			if e.submitted != "" {
				submitted = fmt.Sprintf(`,"submitted_at":%q`, e.submitted)
			}
			channel := `,"channel":"sms"`
			if bytes.Contains([]byte(e.more), []byte(`"channel"`)) {
				channel = ""
			}
			id := e.id
			if id != c.name {
				id = fmt.Sprint(c.name, " ", id)
			}
			lines = append(lines, fmt.Appendf(nil,
				`{"account":"a","message_id":%q,"status":%q,"occurred_at":%q,"recipient":%q%s%s%s}`, id, e.status,
				e.occurred, number(i), channel, submitted, e.more))
		}
	}
	k.post(join(lines))
	k.settle(2 * time.Minute)
	for i, c := range cases {
		var got struct{ State, Rule string }
		k.get("/v1/numbers/"+number(i), &got)
		if got.State != c.state || got.Rule != c.rule {
			t.Errorf("%s: the number is %q by %q, want %q by %q", c.name, got.State, got.Rule, c.state, c.rule)
		}
		if c.check == nil {
			continue
		}
		var message map[string]any
		k.get("/v1/messages/"+c.name, &message)
		if !c.check(message) {
			t.Errorf("%s: %v", c.name, message)
		}
	}
}
