package savings

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"kaskad/money"
	"kaskad/money/costs"
	"kaskad/money/stored"
	"kaskad/query/querytest"
	"kaskad/schema"
	"kaskad/schema/alert"
	"kaskad/schema/alertlog"
)

// naiveDay is what messages of a day cost to a group, as somebody adds it up who goes from message to message.
type naiveDay struct {
	alert.DayCost
	cost money.Amount
}

type naiveKey struct {
	group   alert.Group
	stratum alert.CostStratum
	day     int64
}

// naiveCosts are those of an account by a rule.
func naiveCosts(cascades []cascade, account string, list *money.PriceList, rule *alert.Rule) map[naiveKey]*naiveDay {
	all := map[naiveKey]*naiveDay{}
	for i := range cascades {
		c := &cascades[i]
		if c.account != account || len(rule.Only.Campaign) > 0 && !slices.Contains(rule.Only.Campaign, c.campaign) {
			continue
		}
		parts := map[alert.Group][]money.Step{}
		for _, step := range c.shape.Steps {
			values := alert.Group{Channel: step.Channel, Provider: step.Provider, Operator: step.Operator,
				Campaign: c.campaign}
			if only := rule.Only.Provider; len(only) > 0 && !slices.Contains(only, step.Provider) {
				continue
			}
			var g alert.Group
			for _, key := range rule.By {
				switch key {
				case "channel":
					g.Channel = values.Channel
				case "provider":
					g.Provider = values.Provider
				case "operator":
					g.Operator = values.Operator
				case "campaign":
					g.Campaign = values.Campaign
				}
			}
			parts[g] = append(parts[g], step)
		}
		for g, steps := range parts {
			key := naiveKey{g, alert.CostStratum{Campaign: c.campaign, Template: c.template},
				c.cohortMS / (24 * schema.HourMS)}
			if all[key] == nil {
				all[key] = &naiveDay{}
			}
			all[key].add(c, list, steps)
		}
	}
	return all
}

// add adds a message with the steps of it that belong to a group.
func (d *naiveDay) add(c *cascade, list *money.PriceList, steps []money.Step) {
	var own money.Amount
	reached, pending := false, false
	for i := range steps {
		cost, priced := list.Cost(&steps[i], c.shape.SMSSegments, c.cohortMS)
		own = own.Add(cost.Cost)
		d.Unknown = d.Unknown || !priced
		if cost.Tariff != nil {
			d.Unknown = d.Unknown || d.Currency != "" && d.Currency != cost.Tariff.Currency
			d.Currency = cost.Tariff.Currency
		}
		reached = reached || steps[i].Delivered
		pending = pending || !steps[i].Delivered && !steps[i].Failed
	}
	d.cost = d.cost.Add(own)
	micros, _ := own.Int64()
	d.Messages++
	d.Squares += float64(micros) * float64(micros)
	if reached {
		d.Reached++
		d.OfReached += float64(micros)
	} else if pending {
		d.Pending++
	}
}

// What alerts on money are decided by is what a naive loop over the messages finds, whatever holds the cells, with
// prices that change within days, two currencies, attempts without a price, and sums that are too large.
func TestCosts_Read_AsNaiveLoop(t *testing.T) {
	conn := newConn(t)
	cascades := randomCascades(11, 6000, testNow, 60)
	insertCascades(t, conn, cascades)
	querytest.Scatter(t, conn, "rollup_cascades")
	lists := randomLists()
	putLists(t, conn, lists)
	lastDay := testNow.UnixMilli()/(24*schema.HourMS) - 1
	reader := &costs.Reader{Conn: conn}
	seen := map[string]int{}
	for _, text := range []string{`"by":[]`, `"by":["channel"]`, `"by":["channel","provider","operator"]`,
		`"by":["campaign"],"only":{"campaign":["c1","весна"]}`, `"by":["channel"],"only":{"provider":["mts"]}`} {
		rules, err := alert.ReadJSON([]byte(`{"alerts":[{"id":"r","metric":"cost_per_reached",` + text + `}]}`))
		if err != nil {
			t.Fatal(err)
		}
		rule := &rules.Alerts[0]
		w := alertlog.Want{Rule: rule, Accounts: []string{"acme", "nobody", "z", "центр"},
			First: (lastDay - 50) * 24, Last: lastDay*24 + 23, AsOfMS: testNow.UnixMilli()}
		groups := alertlog.Groups{}
		if err := reader.Read(t.Context(), &w, groups); err != nil {
			t.Fatal(err)
		}
		for _, account := range w.Accounts {
			tariffs, err := stored.ReadTariffs(t.Context(), conn, account)
			if err != nil {
				t.Fatal(err)
			}
			want := naiveCosts(cascades, account, tariffs.List, rule)
			if len(tariffs.Tariffs) == 0 {
				want = nil // nothing has a price
			}
			found := 0
			for key, naive := range want {
				if key.day < lastDay-50 {
					continue
				}
				found++
				var got alert.DayCost
				if s := groups[account][key.group]; s != nil {
					got, _ = s.Day(key.stratum, key.day)
				}
				compareDays(t, fmt.Sprintf("%s %s %+v", text, account, key), got, naive, seen)
			}
			if found == 0 && len(groups[account]) > 0 || found > 0 && len(groups[account]) == 0 {
				t.Errorf("%s %s: %d days, and %d groups", text, account, found, len(groups[account]))
			}
		}
	}
	for _, kind := range []string{"known", "unknown", "free"} {
		if seen[kind] < 20 {
			t.Errorf("%d days are %s: the test says little", seen[kind], kind)
		}
	}
}

func compareDays(t *testing.T, what string, got alert.DayCost, naive *naiveDay, seen map[string]int) {
	t.Helper()
	micros, fits := naive.cost.Int64()
	want := naive.DayCost
	want.Micros = micros
	switch {
	case want.Unknown:
		seen["unknown"]++
	case !fits || micros > alert.MaxDayCost:
		want.Unknown = true
		seen["large"]++
	case micros == 0:
		seen["free"]++
	default:
		seen["known"]++
	}
	if want.Unknown && got.Unknown {
		return
	}
	near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-9*math.Abs(b) }
	if !near(got.Squares, want.Squares) || !near(got.OfReached, want.OfReached) {
		t.Errorf("%s: spread %+v, want %+v", what, got, want)
	}
	got.Squares, got.OfReached, want.Squares, want.OfReached = 0, 0, 0, 0
	if got != want {
		t.Errorf("%s: %+v, want %+v", what, got, want)
	}
}

// A list that cannot be read is an error where nobody is told of it, and else concerns nobody else.
func TestCosts_Read_BrokenList(t *testing.T) {
	conn := newConn(t)
	cascades := randomCascades(12, 200, testNow, 5)
	insertCascades(t, conn, cascades)
	querytest.PutTariffs(t, conn, "acme", querytest.TariffRow("sms", "per_message_sent", "2"))
	querytest.PutTariffs(t, conn, "z", `{"channel":"pigeon"}`)
	rules, err := alert.ReadJSON([]byte(`{"alerts":[{"id":"r","metric":"cost_per_reached","by":["channel"]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	last := testNow.UnixMilli()/schema.HourMS - 1
	w := alertlog.At(&rules.Alerts[0], []string{"acme", "z"}, last, testNow.UnixMilli())
	if err := (&costs.Reader{Conn: conn}).Read(t.Context(), &w, alertlog.Groups{}); err == nil {
		t.Error("it is taken for none")
	}
	var broken []string
	reader := &costs.Reader{Conn: conn, Broken: func(account string, _ error) { broken = append(broken, account) }}
	groups := alertlog.Groups{}
	if err := reader.Read(t.Context(), &w, groups); err != nil || !slices.Equal(broken, []string{"z"}) ||
		len(groups) != 1 || groups["acme"] == nil {
		t.Errorf("%v %q %v", err, broken, groups)
	}
}
