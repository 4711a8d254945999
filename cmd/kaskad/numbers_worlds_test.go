package main

import (
	"encoding/json"
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

// compareCurves holds latencies and comparisons of two channels against the model.
func (w *numberWorlds) compareCurves(t *testing.T, k *kaskad, q model.Query) {
	t.Helper()
	q.Aliases = map[string]map[string]string{}
	for account, own := range w.query.ErrorMaps {
		q.Aliases[account] = map[string]string{}
		for _, a := range own.Aliases {
			q.Aliases[account][a.Provider] = a.Like
		}
	}
	latencies, err := w.model.LatencyReport(q)
	compareReport(t, "latency", q, latencies, err, k.reportRows("latency", q))
	for _, c := range []model.CompareQuery{{By: "channel", Values: [2]string{"push", "sms"}, Metric: "delivery"},
		{By: "channel", Values: [2]string{"viber", "push"}, Metric: "open"},
		{By: "channel", Values: [2]string{"viber", "email"}, Metric: "read_of_sent"},
		{By: "channel", Values: [2]string{"sms", "voice"}, Metric: "delivered_of_attempted"},
		{By: "channel", Values: [2]string{"sms", "viber"}, Metric: "reply"},
		{By: "provider", Values: [2]string{"", "fcm"}, Metric: "click"}} {
		c.Query = q
		c.GroupBy = nil
		values := url.Values{"by": {c.By}, "values": c.Values[:], "metric": {c.Metric}, "tz": {c.Zone().String()}}
		if !c.From.IsZero() {
			values.Set("from", c.From.Format(time.RFC3339))
			values.Set("to", c.To.Format(time.RFC3339))
		}
		var answer struct{ Rows json.RawMessage }
		k.get("/v1/reports/compare?"+values.Encode(), &answer)
		want, err := w.model.Compare(c)
		compareReport(t, "compare "+values.Encode(), c.Query, want, err, answer.Rows, "difference_low", "difference_high",
			"difference_bound", "distinguishable", "why_not")
	}
}

// compareReach holds the reports on people and on causes against the model.
func (w *numberWorlds) compareReach(t *testing.T, k *kaskad, queries []model.Query) {
	t.Helper()
	for _, q := range queries {
		w.compareCurves(t, k, q)
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
// the verdicts and of a publication: all that is answered about numbers and people equals the naive model, to the last
// digit.
func TestRun_NumbersRandomWorlds(t *testing.T) {
	enginetest.Again(t, "TestNumbers_Model", "TestNumbers_UpgradeAndCrash", "TestRun_NumbersExamples")
	accounts, each := enginetest.World(t, 3, 3, 50), 60
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
	w.compareVerdicts(t, k)
	w.compareReach(t, k, w.reachQueries(t)[:enginetest.World(t, 1, 1, 5)])
	if t.Failed() {
		return
	}
	// The rest, while the process dies again and again; and verdicts set by hand.
	crashes := []string{"told:1", "decided:1", "published:1", "computed:1", "closed:1", "touches:1", "told:2"}
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
	w.compareVerdicts(t, k)
	reach := w.reachQueries(t)
	if !enginetest.Long() {
		reach = reach[3:]
	}
	w.compareReach(t, k, reach)
}
