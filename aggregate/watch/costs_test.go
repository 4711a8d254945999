package watch

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"kaskad/schema"
	"kaskad/schema/alert"
	"kaskad/schema/alertlog"
)

const dayMS = 24 * alert.HourMS

// costDay is the newest day that can be judged at alertNow, a Monday: all of its messages are three days old.
var costDay = time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC)

// fillCosts makes messages of nine weeks up to a day: nine of ten SMS are delivered, and from a day on some by Viber
// too.
func (r *alertRig) fillCosts(account string, last time.Time, viberFrom time.Time) {
	r.t.Helper()
	run := func(statement string, args ...any) {
		r.t.Helper()
		if err := r.conn.Exec(r.t.Context(), statement, args...); err != nil {
			r.t.Fatalf("%s: %v", statement, err)
		}
	}
	run("INSERT INTO legs (account, leg, channel) VALUES ($1, 1, 'sms'), ($1, 2, 'viber')", account)
	const sent, delivered, failed, segment = 1, 2, 8, 1 << 8
	run(fmt.Sprintf("INSERT INTO shapes (account, shape, sms_segments, legs, codes) VALUES ($1, 1, 1, [1], [%d]), "+
		"($1, 2, 1, [1], [%d]), ($1, 3, 1, [2], [%d])", sent|delivered|segment, sent|failed|segment, sent|delivered),
		account)
	batch, err := r.conn.PrepareBatch(r.t.Context(), "INSERT INTO rollup_cascades (account, kind, day, edition, "+
		"bucket, cohort, shape, messages)")
	if err != nil {
		r.t.Fatal(err)
	}
	for day := last.AddDate(0, 0, -63); !day.After(last); day = day.AddDate(0, 0, 1) {
		n := int64(90 + day.YearDay()%7)
		counts := map[uint64]int64{1: 9 * n, 2: n}
		if !day.Before(viberFrom) {
			counts[3] = n
		}
		for shape, messages := range counts {
			if err := batch.Append(account, "difference", day, uint64(1), day, day.Add(9*time.Hour), shape,
				messages); err != nil {
				r.t.Fatal(err)
			}
		}
	}
	if err := batch.Send(); err != nil {
		r.t.Fatal(err)
	}
	run("INSERT INTO editions (edition, published) VALUES (1, true)")
}

// priceRow is a row of a price list; until is "" for no end.
func priceRow(channel, price, currency, from, until string) string {
	end := "null"
	if until != "" {
		end = `"` + until + `T00:00:00Z"`
	}
	return fmt.Sprintf(`{"channel":%q,"billing":"per_message_sent","price":%q,"currency":%q,`+
		`"valid_from":"%sT00:00:00Z","valid_to":%s}`, channel, price, currency, from, end)
}

func (r *alertRig) putPrices(account string, rows ...string) {
	r.t.Helper()
	if _, err := schema.InsertReference(r.t.Context(), r.conn, schema.ReferenceTariffs, account, "test", len(rows),
		[]byte("["+strings.Join(rows, ",")+"]"), alertNow); err != nil {
		r.t.Fatal(err)
	}
}

func (r *alertRig) events(account string) []alert.Event {
	r.t.Helper()
	events, err := alertlog.Events(r.t.Context(), r.conn, alertlog.Filter{Accounts: []string{account}, Limit: 10})
	if err != nil {
		r.t.Fatal(err)
	}
	return events
}

// A dearer tariff begins one alert, whoever judges the day again and whatever dies, and a cheaper one ends it. A list
// that corrects the past is no rise, and what is not known is none: attempts without a price, two currencies, no list,
// a list that cannot be read. Accounts do not see each other's prices.
func TestAlerts_Turn_CostBeginsAndEndsOnce(t *testing.T) {
	r := newAlertRig(t)
	dearer := []string{priceRow("sms", "2.00", "RUB", "2026-01-01", "2026-11-16"),
		priceRow("sms", "2.60", "RUB", "2026-11-16", "2026-11-18"), priceRow("sms", "2.00", "RUB", "2026-11-18", "")}
	never := costDay.AddDate(1, 0, 0)
	for account, list := range map[string]struct {
		prices []string
		viber  time.Time
	}{
		"acme": {dearer, never}, "calm": {[]string{priceRow("sms", "2.00", "RUB", "2026-01-01", "")}, never},
		"corrected": {[]string{priceRow("sms", "2.60", "RUB", "2026-01-01", "")}, never},
		"unpriced":  {dearer, costDay}, "none": {nil, never},
		"mixed": {append(dearer[:len(dearer):len(dearer)], priceRow("viber", "9", "KZT", "2026-01-01", "")), costDay},
		"other": {[]string{priceRow("sms", "2.00", "RUB", "2026-01-01", "2026-11-16"),
			priceRow("sms", "2.60", "KZT", "2026-11-16", "")}, never},
		"broken": {[]string{`{"channel":"pigeon"}`}, never},
	} {
		r.fillCosts(account, costDay.AddDate(0, 0, 4), list.viber)
		if list.prices != nil {
			r.putPrices(account, list.prices...)
		}
	}
	r.dieOnceStored()
	r.want("it died when it was stored", "acme cost_per_reached … ")
	w := r.watcher()
	for range 3 {
		r.turn(w)
	}
	r.want("the same day again", "acme cost_per_reached … ")
	id := strings.Fields(r.stored()[0])[2]
	began := r.events("acme")[0]
	// 2.60 for ten messages that reach nine, as it was 2.00 before.
	if n := began.Den / 9; began.Costs.Now != 2_888_889 || began.Costs.Before != 2_222_222 ||
		began.Costs.Cost != 10*n*2_600_000 || began.Costs.Currency != "RUB" || began.Hours != 24 ||
		began.SinceMS != costDay.UnixMilli() || began.Costs.Low > began.Costs.Before ||
		began.Costs.High < began.Costs.Before || began.Costs.High > began.Costs.Now {
		t.Errorf("%+v", began)
	}
	if err := r.conn.Exec(t.Context(), "TRUNCATE TABLE alert_events"); err != nil {
		t.Fatal(err)
	}
	w = r.watcher()
	r.turn(w)
	r.want("found anew", "acme cost_per_reached "+id+" …")
	for day := range 3 {
		r.now.Add(dayMS)
		if day == 1 {
			w = r.watcher() // in the middle
		}
		r.turn(w)
		r.turn(w)
	}
	r.want("it is over", "acme cost_per_reached "+id+" …", "acme cost_per_reached "+id+" recovered")
	ended := r.events("acme")[0]
	if ended.UntilMS != costDay.UnixMilli()+2*dayMS || ended.Costs != began.Costs || ended.Den != began.Den {
		t.Errorf("%+v, began as %+v", ended, began)
	}
}

// A day is not judged before all of its messages are as old as the rule says, and then once.
func TestAlerts_Turn_CostWaitsForItsDay(t *testing.T) {
	r := newAlertRig(t)
	r.fillCosts("acme", costDay, costDay.AddDate(1, 0, 0))
	r.putPrices("acme", priceRow("sms", "2.00", "RUB", "2026-01-01", "2026-11-16"),
		priceRow("sms", "4.00", "RUB", "2026-11-16", ""))
	if _, err := schema.InsertReference(t.Context(), r.conn, schema.ReferenceAlerts, "acme", "test", 1,
		[]byte(`{"alerts":[{"id":"dear","metric":"cost_per_reached","by":["channel"],"sensitivity":"normal",`+
			`"min_sample":200,"after_minutes":1440,"send_to":[],"on":true}],"webhooks":[]}`), alertNow); err != nil {
		t.Fatal(err)
	}
	r.now.Store(costDay.UnixMilli() + 2*dayMS + alertlog.Grace.Milliseconds() - 60_000)
	w := r.watcher()
	r.turn(w)
	r.turn(w)
	r.want("a minute too early")
	r.now.Add(judgeEvery.Milliseconds())
	r.turn(w)
	r.turn(w)
	r.want("it is old enough", "acme dear …")
	if e := r.events("acme")[0]; e.Channel != "sms" || e.Provider != "" || e.Costs.Now != 4_444_444 {
		t.Errorf("%+v", e)
	}
}
