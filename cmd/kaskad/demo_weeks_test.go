package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kaskad/money"
	"kaskad/schema/alert"
	"kaskad/simulate"
	"kaskad/simulate/model"
	"kaskad/simulate/model/settings"
)

// weeksNow is when the tests of the weeks take place, and weeksMessages how many they have.
const (
	weeksNow      = "2026-11-20T12:00:00Z"
	weeksMessages = 6000
)

// demoWorld is a demo of weeks, and what the model makes of the same world.
type demoWorld struct {
	state   demoState
	model   *model.Model
	savings model.SavingsQuery
	numbers numberWorlds
}

func newDemoWorld(t *testing.T, accounts []string) *demoWorld {
	t.Helper()
	now, err := time.Parse(time.RFC3339, weeksNow)
	if err != nil {
		t.Fatal(err)
	}
	w := &demoWorld{state: demoState{Seed: 1, Messages: weeksMessages, Days: 14,
		Start: time.Date(2026, 11, 5, 0, 0, 0, 0, time.UTC)}}
	sim, err := simulate.New(w.state.world(now))
	if err != nil {
		t.Fatal(err)
	}
	if w.model, err = modelOf(sim); err != nil {
		t.Fatal(err)
	}
	list, err := w.state.prices()
	if err != nil {
		t.Fatal(err)
	}
	body, err := money.TariffsJSON(list)
	if err != nil {
		t.Fatal(err)
	}
	var tariffs struct{ Tariffs []settings.Tariff }
	if err := json.Unmarshal(body, &tariffs); err != nil {
		t.Fatal(err)
	}
	var errors settings.ErrorMap
	if err := json.Unmarshal(demoErrors, &errors); err != nil {
		t.Fatal(err)
	}
	w.savings.Tariffs = map[string][]settings.Tariff{}
	w.numbers = numberWorlds{model: w.model, query: settings.Numbers{Now: now, Shipped: shippedErrors(t),
		ErrorMaps: map[string]settings.ErrorMap{}, Tariffs: w.savings.Tariffs}}
	for _, account := range accounts {
		w.savings.Tariffs[account], w.numbers.query.ErrorMaps[account] = tariffs.Tariffs, errors
	}
	return w
}

// Two weeks of the demo are what the model makes of the same world: rates by day, money by two price lists, verdicts.
// There are dead, suspect and revived numbers to look at. (A test of the page has messages enough for an alert.)
func TestDemo_Weeks(t *testing.T) {
	k := newKaskad(t, "--now", weeksNow)
	greeting := k.startDemo("--now", weeksNow, "--messages", "6000")
	for _, want := range []string{"6000 simulated messages of the 14 days 2026-11-05 … 2026-11-18",
		"/?from=2026-11-12&to=2026-11-19&tz=Europe/Moscow&compare=1",
		"/v1/reports/channels?from=2026-11-05&to=2026-11-19&tz=Europe/Moscow"} {
		if !strings.Contains(greeting, want) {
			t.Errorf("no %q in\n%s", want, greeting)
		}
	}
	k.mustPrint(greeting)
	k.mustPrintNumbers(greeting)
	var accounts struct{ Rows []struct{ Account string } }
	k.get("/v1/reports/channels?group_by=account", &accounts)
	var names []string
	for _, r := range accounts.Rows {
		names = append(names, r.Account)
	}
	w := newDemoWorld(t, names)
	k.mustEqual(w.model, []model.Query{{GroupBy: []string{"day"}, TZ: mustZone(t, "Europe/Moscow")},
		{GroupBy: []string{"account", "week", "channel"}}, {GroupBy: []string{"campaign"}}})
	for _, groupBy := range [][]string{{"day"}, {"account", "first_channel"}} {
		q := w.savings
		q.GroupBy = groupBy
		k.mustSave(w.model, q)
	}
	w.numbers.compareVerdicts(t, k)
	k.mustShowWeeks()
	k.stop()
}

// mustShowWeeks checks that there is something to see which a day does not show.
func (k *kaskad) mustShowWeeks() {
	k.t.Helper()
	var counts struct {
		Rows []struct {
			State, Rule string
			Numbers     uint64
		}
	}
	k.get("/v1/numbers/counts", &counts)
	states := map[string]uint64{}
	for _, r := range counts.Rows {
		states[r.State] += r.Numbers
	}
	if states["dead"] < 3 || states["suspect"] < 3 || states["revived"] == 0 {
		k.t.Errorf("numbers by state: %v", states)
	}
	var rules struct {
		Version uint64
		Alerts  []alert.Rule
	}
	k.get("/v1/alerts?account=lavka", &rules)
	for _, r := range rules.Alerts {
		if rules.Version == 0 || r.On != (r.Metric != alert.Silent) {
			k.t.Errorf("version %d: %+v", rules.Version, r)
		}
	}
}

// A directory of other days is no demo of these, and says how to start over.
func TestDemo_State(t *testing.T) {
	start := time.Date(2026, 11, 5, 0, 0, 0, 0, time.UTC)
	c := demoCommand{Data: t.TempDir(), Days: 14, Messages: 100, Seed: 1, Listen: "127.0.0.1:0",
		Auth: "off", clockSettings: clockSettings{Now: weeksNow}}
	fresh, err := c.state()
	if err != nil || !fresh.Start.Equal(start) || fresh.Days != 14 {
		t.Errorf("%+v, %v", fresh, err)
	}
	fresh.Played = true
	if err := c.save(fresh); err != nil {
		t.Fatal(err)
	}
	c.Now = "2026-12-20T12:00:00Z" // What was played stays.
	if again, err := c.state(); err != nil || again != fresh {
		t.Errorf("%+v, %v, want %+v", again, err, fresh)
	}
	for name, body := range map[string]string{
		"older version": `{"seed":1,"messages":100,"start":"2026-11-18T00:00:00Z","played":true}`,
		"2 days of":     `{"seed":1,"messages":100,"start":"2026-11-05T00:00:00Z","days":2,"played":true}`,
		"of seed 2":     `{"seed":2,"messages":100,"start":"2026-11-05T00:00:00Z","days":14,"played":true}`,
		"cannot be":     `{"seed":`,
	} {
		if err := os.WriteFile(filepath.Join(c.Data, demoFile), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := c.state(); err == nil || !strings.Contains(err.Error(), "--reset") ||
			name != "cannot be" && !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, days := range []int{0, -1, mostDemoDays + 1} {
		c.Days = days
		if err := c.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "--days") {
			t.Errorf("%d days: %v", days, err)
		}
	}
}

// Prices change at a midnight of Moscow within the days, and not where there is a single one.
func TestDemoState_Prices(t *testing.T) {
	start := time.Date(2026, 11, 5, 0, 0, 0, 0, time.UTC)
	for days, want := range map[int]int{1: 1, 2: 2, 14: 2} {
		state := demoState{Start: start, Days: days}
		list, err := state.prices()
		if err != nil {
			t.Fatal(err)
		}
		var sms []money.Tariff
		for _, row := range list {
			if row.Channel == "sms" {
				sms = append(sms, row)
			}
		}
		if len(sms) != want {
			t.Fatalf("%d days have %d prices of SMS", days, len(sms))
		}
		if days == 1 {
			continue
		}
		at := time.UnixMilli(sms[0].ToMS).In(mustZone(t, "Europe/Moscow"))
		if sms[0].ToMS != sms[1].FromMS || sms[1].Price <= sms[0].Price || !at.After(start) || at.Hour() != 0 {
			t.Errorf("%d days: %+v", days, sms)
		}
	}
}
