package main

import (
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"kaskad/engine/enginetest"
	"kaskad/simulate/model"
	"kaskad/simulate/model/settings"
	"kaskad/simulate/worlds"
)

// put replaces an account's list and returns its version.
func (k *kaskad) put(kind, account string, body []byte) uint64 {
	k.t.Helper()
	status, answer := k.request(http.MethodPut, "/v1/"+kind+"?account="+url.QueryEscape(account), "application/json",
		body)
	var put struct{ Version uint64 }
	if err := json.Unmarshal(answer, &put); err != nil || status != http.StatusOK || put.Version == 0 {
		k.t.Fatalf("PUT /v1/%s of %s: %d %s\n%s", kind, account, status, answer, body)
	}
	return put.Version
}

func (k *kaskad) putTariffs(account string, list []settings.Tariff) uint64 {
	k.t.Helper()
	return k.putTariffsIn(account, list, "")
}

// putTariffsIn puts a list whose months are those of a zone, "" for UTC.
func (k *kaskad) putTariffsIn(account string, list []settings.Tariff, zone string) uint64 {
	k.t.Helper()
	body, err := worlds.TariffsBodyIn(list, zone)
	if err != nil {
		k.t.Fatal(err)
	}
	return k.put("tariffs", account, body)
}

func (k *kaskad) putTemplates(account string, list []settings.Template) {
	k.t.Helper()
	body, err := worlds.TemplatesBody(list)
	if err != nil {
		k.t.Fatal(err)
	}
	k.put("templates", account, body)
}

// mustSave compares a savings report with the model's.
func (k *kaskad) mustSave(m *model.Model, q model.SavingsQuery) {
	k.t.Helper()
	want, err := m.SavingsReport(q)
	if err != nil {
		k.t.Fatal(err)
	}
	if err := model.CompareSavings(want, k.reportRows("savings", q.Query)); err != nil {
		k.t.Errorf("group_by=%v tz=%v from=%v to=%v filters=%v: %v", q.GroupBy, q.TZ, q.From, q.To, q.Filters, err)
	}
}

// mustSpend compares a spend report with the model's.
func (k *kaskad) mustSpend(model *model.Model, q model.SavingsQuery) {
	k.t.Helper()
	want, err := model.SpendReport(q)
	compareReport(k.t, "spend", q.Query, want, err, k.reportRows("spend", q.Query))
}

// savingsExamples compares savings with the rows that a separate program computed, once the lists are put by which it
// did. The example's events are there.
func (k *kaskad) savingsExamples() {
	k.t.Helper()
	var truth struct {
		Tariffs   map[string]json.RawMessage
		Templates map[string]json.RawMessage
		Reports   []struct {
			GroupBy []string `json:"group_by"`
			Rows    []map[string]any
		}
	}
	if err := json.Unmarshal(example(k.t, "savings.json"), &truth); err != nil {
		k.t.Fatal(err)
	}
	for account, list := range truth.Tariffs {
		k.put("tariffs", account, slices.Concat([]byte(`{"tariffs":`), list, []byte("}")))
		k.put("templates", account, slices.Concat([]byte(`{"templates":`), truth.Templates[account], []byte("}")))
	}
	if len(truth.Reports) != 6 {
		k.t.Fatalf("%d reports in the example, want 6", len(truth.Reports))
	}
	for _, report := range truth.Reports {
		var got []map[string]any
		if err := json.Unmarshal(k.reportRows("savings", model.Query{GroupBy: report.GroupBy}), &got); err != nil {
			k.t.Fatal(err)
		}
		if len(got) != len(report.Rows) {
			k.t.Errorf("savings by %v: %d rows, want %d", report.GroupBy, len(got), len(report.Rows))
			continue
		}
		for i, want := range report.Rows {
			for name, value := range want {
				if text(value) != text(got[i][name]) {
					k.t.Errorf("savings by %v, row %d: %s = %s, want %s", report.GroupBy, i, name, text(got[i][name]),
						text(value))
				}
			}
		}
	}
}

// text prints what JSON decoded to; numbers of the reports have at most 15 digits, so float64 keeps all of them.
func text(value any) string {
	encoded, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(encoded)
}

// moneyWorlds are the random accounts of one pipeline, and the models of what it was told. The accounts are in classes,
// one for each of the questions to ask.
type moneyWorlds struct {
	worlds  []worlds.MoneyWorld
	classes []moneyClass
	all     *model.Model
	query   model.SavingsQuery // The lists of all accounts as they are now.
	random  *rand.Rand
}

type moneyClass struct {
	model    *model.Model
	accounts []string
}

func newMoneyWorlds(n, classes int) *moneyWorlds {
	w := &moneyWorlds{classes: make([]moneyClass, classes), random: rand.New(rand.NewPCG(uint64(n), 4)),
		query: model.SavingsQuery{Tariffs: map[string][]settings.Tariff{},
			Templates:    map[string][]settings.Template{},
			BillingZones: map[string]*time.Location{}}}
	for seed := range n {
		world := worlds.RandomMoney(uint64(seed))
		w.worlds = append(w.worlds, world)
		class := &w.classes[seed%classes]
		class.accounts = append(class.accounts, world.Account)
	}
	w.all = model.New(w.worlds[0].Now)
	for i := range w.classes {
		w.classes[i].model = model.New(w.worlds[0].Now)
	}
	return w
}

// send posts a round of events, those of all accounts shuffled and a third of them twice, and tells the models.
func (w *moneyWorlds) send(k *kaskad, round func(worlds.MoneyWorld) [][]byte) {
	k.t.Helper()
	var lines [][]byte
	for i, world := range w.worlds {
		for _, line := range round(world) {
			lines = append(lines, line)
			for _, m := range []*model.Model{w.classes[i%len(w.classes)].model, w.all} {
				if err := m.Add(line); err != nil {
					k.t.Fatalf("%s: %v", line, err)
				}
			}
		}
	}
	for _, i := range w.random.Perm(len(lines))[:len(lines)/3] {
		lines = append(lines, lines[i])
	}
	w.random.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	for chunk := range slices.Chunk(lines, 30_000) {
		k.post(join(chunk))
	}
}

// putLists puts the tariffs and templates of the accounts from…to.
func (w *moneyWorlds) putLists(k *kaskad, from, to int) {
	k.t.Helper()
	for _, world := range w.worlds[from:to] {
		k.putTariffsIn(world.Account, world.Tariffs, world.BillingZone)
		if world.BillingZone != "" {
			w.query.BillingZones[world.Account] = zone(k.t, world.BillingZone)
		}
		if len(world.Templates) > 0 {
			k.putTemplates(world.Account, world.Templates)
		}
		w.query.Tariffs[world.Account], w.query.Templates[world.Account] = world.Tariffs, world.Templates
	}
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loaded, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// moneyQueries are the questions to one account: every name of the savings report is among their groups and filters,
// days of several zones, bounds on whole months, on days and on quarter hours.
func moneyQueries(t testing.TB) []model.Query {
	t.Helper()
	at := func(text string) time.Time {
		parsed, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	september, october, november, december := at("2026-09-01T00:00:00Z"), at("2026-10-01T00:00:00Z"),
		at("2026-11-01T00:00:00Z"), at("2026-12-01T00:00:00Z")
	by := func(names string) []string { return strings.Split(names, ",") }
	return []model.Query{
		{},
		{GroupBy: by("template,month")},
		{GroupBy: by("path")},
		{GroupBy: by("first_channel,reached_by")},
		{GroupBy: by("sms_segments,country")},
		{GroupBy: by("day"), TZ: zone(t, "Europe/Moscow")},
		{GroupBy: by("hour"), TZ: zone(t, "Asia/Kathmandu")},
		{GroupBy: by("hour_of_day"), TZ: zone(t, "America/New_York")},
		{GroupBy: by("weekday,traffic"), TZ: zone(t, "Asia/Kolkata")},
		{GroupBy: by("week,campaign"), TZ: zone(t, "Australia/Lord_Howe")},
		{GroupBy: by("month,sender"), From: september, To: december},
		{GroupBy: by("account,month"), From: october, To: november},
		{From: october, To: december, Filters: map[string][]string{"currency": {"RUB"}}},
		{GroupBy: by("sender"), From: september, To: december,
			Filters: map[string][]string{"month": {"2026-10", "2026-11"}}},
		{GroupBy: by("month"), From: september, To: december, TZ: zone(t, "Europe/Moscow")},
		{GroupBy: by("campaign"), Filters: map[string][]string{"currency": {"", "EUR"}}},
		{GroupBy: by("template"), Filters: map[string][]string{"path": {"sms", "whatsapp>sms", "whatsapp"},
			"country": {"RU", "KZ", ""}}},
		{GroupBy: by("day"), Filters: map[string][]string{"reached_by": {"", "whatsapp"}, "sms_segments": {"0", "2"}}},
		{GroupBy: by("sender,template"), Filters: map[string][]string{"first_channel": {"whatsapp", "viber", "rcs"}}},
		{GroupBy: by("traffic"), From: at("2026-09-30T22:45:00Z"), To: at("2026-10-31T23:15:00Z")},
		{GroupBy: by("day,path"), From: at("2026-10-31T00:00:00Z"), To: at("2026-11-02T00:00:00Z")},
		{GroupBy: by("hour,account,campaign,template,sender,traffic,country"), From: at("2026-10-25T00:00:00+02:00"),
			To: at("2026-11-05T12:30:00+01:00"), TZ: zone(t, "Europe/Berlin")},
	}
}

// spendQueries are the questions to one account by attempt: every name of the spend report is among them.
func spendQueries(t testing.TB) []model.Query {
	t.Helper()
	by := func(names string) []string { return strings.Split(names, ",") }
	november := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	return []model.Query{
		{GroupBy: by("channel")},
		{GroupBy: []string{}},
		{GroupBy: by("provider,operator,country")},
		{GroupBy: by("campaign,template")},
		{GroupBy: by("sender,app")},
		{GroupBy: by("step,trigger")},
		{GroupBy: by("month,traffic"), TZ: zone(t, "Europe/Moscow")},
		{GroupBy: by("day,channel"), From: november.AddDate(0, -1, 0), To: november.Add(15 * time.Minute)},
		{GroupBy: by("hour"), TZ: zone(t, "Asia/Kathmandu"), Filters: map[string][]string{"step": {"2", "3"}}},
		{GroupBy: by("week,weekday,hour_of_day"), TZ: zone(t, "America/New_York")},
		{GroupBy: by("channel"), Filters: map[string][]string{"currency": {"", "EUR"}}},
		{GroupBy: by("template"), Filters: map[string][]string{"channel": {"sms", "whatsapp"}, "country": {"RU", ""}}},
	}
}

// compareEach asks about every account, account by account: each class one of the questions. One account of each class
// that has several is asked about by itself besides. must compares an answer with the model's. make test asks each
// question of one class, and later, as first says, half of them.
func (w *moneyWorlds) compareEach(k *kaskad, queries []model.Query, first int,
	must func(*model.Model, model.SavingsQuery)) {
	k.t.Helper()
	for i, class := range w.classes {
		if !enginetest.Long() && (i >= len(queries) || first > 0 && i%2 > 0) {
			continue
		}
		q := model.SavingsQuery{Query: queries[(i+first)%len(queries)],
			Tariffs:   map[string][]settings.Tariff{},
			Templates: map[string][]settings.Template{}, BillingZones: w.query.BillingZones}
		for _, account := range class.accounts {
			q.Tariffs[account], q.Templates[account] = w.query.Tariffs[account], w.query.Templates[account]
		}
		filters := q.Filters
		ask := func(accounts ...string) {
			q.Filters = map[string][]string{"account": accounts}
			for name, list := range filters {
				q.Filters[name] = list
			}
			must(class.model, q)
		}
		if len(class.accounts) > 1 {
			ask(class.accounts[first%len(class.accounts)])
		}
		if !slices.Contains(q.GroupBy, "account") {
			q.GroupBy = append([]string{"account"}, q.GroupBy...)
		}
		ask(class.accounts...)
		if k.t.Failed() {
			k.t.FailNow()
		}
	}
}

// Random accounts, a thousand in make test-long, each with prices of its own, in one pipeline: events shuffled, partly
// twice, the late ones in a second round, price lists put before and after the events and corrected in the end. After
// each round every account's report equals the naive model's to the last digit.
func TestRun_SavingsRandomWorlds(t *testing.T) {
	enginetest.Again(t, "TestSavings_Model", "TestServer_Spend_Model", "TestRun_Examples")
	queries := moneyQueries(t)
	few := len(queries) + 2 // more than one account to two of the questions
	seeds := enginetest.World(t, few, few, 1000)
	w := newMoneyWorlds(seeds, len(queries))
	k := newKaskad(t, "--now", w.worlds[0].Now.Format(time.RFC3339))
	k.start("")
	k.waitReady()
	began := time.Now()
	lap := func(what string) {
		t.Logf("%s: %v", what, time.Since(began).Round(time.Millisecond))
		began = time.Now()
	}

	w.putLists(k, 0, seeds/2)
	lap("half of the lists")
	w.send(k, func(world worlds.MoneyWorld) [][]byte { return world.Early })
	w.putLists(k, seeds/2, seeds)
	k.settle(5 * time.Minute)
	lap("early events settled, the other lists")
	w.compareEach(k, queries, 0, k.mustSave)
	w.compareEach(k, spendQueries(t), 0, k.mustSpend)
	lap("compared by account")

	// The late events move conversations of messages in other hours, days and months.
	w.send(k, func(world worlds.MoneyWorld) [][]byte { return world.Late })
	k.settle(5 * time.Minute)
	lap("late events settled")
	w.compareEach(k, queries, 7, k.mustSave)
	w.compareEach(k, spendQueries(t), 5, k.mustSpend)
	lap("compared by account")

	global := []model.Query{{GroupBy: []string{"account"}},
		{GroupBy: []string{"path", "month"}, TZ: zone(t, "Europe/Moscow")},
		{GroupBy: []string{"account", "template", "reached_by"}}}
	for _, q := range global {
		query := w.query
		query.Query = q
		k.mustSave(w.all, query)
	}
	spend := w.query
	spend.Query = model.Query{GroupBy: []string{"account", "channel", "step"}}
	k.mustSpend(w.all, spend)
	lap("compared over all accounts")
	k.mustAddUp(queries)
	lap("added up")
	k.mustAddUpMessages()
	lap("added up by message")

	// A correction of prices changes history at once, without any event and without waiting.
	before := k.savingsEnvelope()
	for i, world := range w.worlds {
		if i%10 == 0 {
			k.putTariffsIn(world.Account, world.Corrected, world.BillingZone)
			w.query.Tariffs[world.Account] = world.Corrected
		}
	}
	after := k.savingsEnvelope()
	if after.AsOf != before.AsOf {
		t.Errorf("as_of %s after the correction, %s before: want the same events", after.AsOf, before.AsOf)
	}
	if after.TariffVersion <= before.TariffVersion {
		t.Errorf("tariff_version %d after the correction, %d before: want a greater one", after.TariffVersion,
			before.TariffVersion)
	}
	query := w.query
	query.Query = model.Query{GroupBy: []string{"account", "month"}}
	k.mustSave(w.all, query)
	k.mustSpend(w.all, query)
	lap("corrected")
}

type savingsEnvelope struct {
	AsOf          string `json:"as_of"`
	TariffVersion uint64 `json:"tariff_version"`
}

func (k *kaskad) savingsEnvelope() savingsEnvelope {
	k.t.Helper()
	var e savingsEnvelope
	k.get("/v1/reports/savings?limit=1", &e)
	if e.AsOf == "" || e.TariffVersion == 0 {
		k.t.Errorf("envelope %+v, want as_of and tariff_version", e)
	}
	return e
}

// mustAddUp checks that the rows of every grouping add up to the rows without one, currency by currency, in the answers
// alone.
func (k *kaskad) mustAddUp(queries []model.Query) {
	k.t.Helper()
	sums := func(q model.Query) map[string]*big.Rat {
		var rows []map[string]any
		decoder := json.NewDecoder(strings.NewReader(string(k.reportRows("savings", q))))
		decoder.UseNumber()
		if err := decoder.Decode(&rows); err != nil {
			k.t.Fatal(err)
		}
		total := map[string]*big.Rat{}
		for _, row := range rows {
			for _, name := range []string{"messages", "reached", "read", "unpriced", "estimated", "priced_messages",
				"priced_reached", "priced_read", "reported_attempts", "sms_only_cost", "actual_cost", "saved",
				"saved_unreached", "double_paid", "double_paid_unread", "wasted_cost", "reported_cost", "drift"} {
				if row[name] == nil && row["priced_messages"] == json.Number("0") {
					continue // nothing is known of the money of rows in which nothing is priced
				}
				amount, ok := new(big.Rat).SetString(fmt.Sprint(row[name]))
				if !ok {
					k.t.Fatalf("%s is %v, want a number", name, row[name])
				}
				key := fmt.Sprint(row["currency"], " ", name)
				if total[key] == nil {
					total[key] = new(big.Rat)
				}
				total[key].Add(total[key], amount)
			}
		}
		return total
	}
	want := sums(model.Query{})
	for _, q := range queries {
		if len(q.GroupBy) == 0 || len(q.Filters) > 0 || !q.From.IsZero() {
			continue
		}
		got := sums(q)
		if len(got) != len(want) {
			k.t.Errorf("group_by=%v: %d sums, want %d", q.GroupBy, len(got), len(want))
		}
		for name, amount := range want {
			if got[name] == nil || got[name].Cmp(amount) != 0 {
				k.t.Errorf("group_by=%v: %s adds up to %v, want %v", q.GroupBy, name, got[name], amount)
			}
		}
	}
}

// tariff is a row in roubles that is valid for ever.
func tariff(channel, billing, price string) settings.Tariff {
	return settings.Tariff{Channel: channel, Billing: billing, Price: price, Currency: "RUB",
		ValidFrom: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)}
}
