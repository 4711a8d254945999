package query

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/engine/enginetest"
	"kaskad/query/answer"
	"kaskad/query/querytest"
	"kaskad/schema"
	"kaskad/simulate/model"
	"kaskad/simulate/model/settings"
)

// deadSpan is when a number was dead, and by which rule.
type deadSpan struct {
	fromMS, toMS int64
	rule         string
}

type deadNumber struct{ account, number string }

// insertDeadSpans inserts the verdicts, and older ones that say something else.
func insertDeadSpans(tb testing.TB, conn driver.Conn, spans map[deadNumber][]deadSpan) {
	tb.Helper()
	for _, version := range []uint64{2, 1} {
		batch, err := conn.PrepareBatch(tb.Context(),
			"INSERT INTO number_health (account, number, version, dead_from_ms, dead_to_ms, dead_rules)")
		if err != nil {
			tb.Fatal(err)
		}
		for n, list := range spans {
			from, to, rules := []int64{}, []int64{}, []string{}
			for _, span := range list {
				from, to, rules = append(from, span.fromMS), append(to, span.toMS), append(rules, span.rule)
			}
			if version == 1 {
				from, to, rules = []int64{0}, []int64{schema.Never}, []string{"old"}
			}
			if err := batch.Append(n.account, n.number, version, from, to, rules); err != nil {
				tb.Fatal(err)
			}
		}
		if err := batch.Send(); err != nil {
			tb.Fatal(err)
		}
	}
}

// randomSpans makes the spans of numbers, some of which begin or end just when an attempt starts.
func randomSpans(r *rand.Rand, rows []folded) map[deadNumber][]deadSpan {
	spans := map[deadNumber][]deadSpan{}
	rules := []string{"deactivated", "hard", "soft", "override"}
	for _, f := range rows {
		n := deadNumber{f.account, f.recipient}
		if _, decided := spans[n]; decided || r.IntN(3) == 0 {
			continue
		}
		spans[n] = nil // a number that was never dead
		if r.IntN(4) == 0 {
			continue
		}
		start := f.startedMS() - r.Int64N(3)*schema.HourMS*200
		for range 1 + r.IntN(3) {
			end := start + 1 + r.Int64N(8*24*schema.HourMS)
			spans[n] = append(spans[n], deadSpan{start, end, rules[r.IntN(4)]})
			start = end + r.Int64N(2)*r.Int64N(4*24*schema.HourMS)
		}
		switch last := &spans[n][len(spans[n])-1]; r.IntN(3) {
		case 0:
			last.toMS = schema.Never
		case 1:
			last.toMS = max(last.fromMS+1, rows[r.IntN(len(rows))].startedMS())
		}
	}
	return spans
}

// alone is the attempt for the model to price by the tariffs of a moment.
func (f *folded) alone(atMS int64) model.Alone {
	return model.Alone{Channel: f.channel, Provider: f.provider, Operator: f.operator, Country: f.country,
		Traffic: f.traffic, Sender: f.sender, App: f.app, At: time.UnixMilli(atMS), Sent: f.sent,
		Delivered: f.delivered, Failed: f.failed, NotBilled: f.notBilled,
		Segments: int64(cmp.Or(f.segments, f.smsSegments))}
}

func testPrices() map[string][]settings.Tariff {
	begin, middle := testNow.AddDate(0, 0, -60), testNow.AddDate(0, 0, -20).Add(15*time.Minute)
	row := func(channel, provider, billing, currency, price string, from time.Time) settings.Tariff {
		return settings.Tariff{Channel: channel, Provider: provider, Billing: billing, Currency: currency, Price: price,
			ValidFrom: from}
	}
	voice, connect := row("voice", "", "attempt_plus_connect", "RUB", "0.1", begin), "0.7"
	voice.ConnectPrice = &connect
	return map[string][]settings.Tariff{
		"acme": {row("sms", "", "per_segment_sent", "RUB", "2", begin),
			row("sms", "mts", "per_segment_delivered", "RUB", "2.345678", begin), voice,
			row("push", "", "per_message_sent", "USD", "0.36", begin),
			row("push", "fcm", "zero", "RUB", "0", middle),
			row("whatsapp", "", "per_conversation_24h", "RUB", "4.5", begin),
			row("viber", "", "per_message_outside_window", "RUB", "0.75", middle)},
		"центр": {row("sms", "", "per_message_sent", "KZT", "9.999999", middle),
			row("whatsapp", "", "per_message_outside_window", "KZT", "0.000001", begin),
			row("viber", "", "per_message_refunded", "KZT", "0.55", begin),
			row("push", "", "per_message_delivered", "KZT", "0.36", begin)},
	}
}

func putTestPrices(tb testing.TB, conn driver.Conn, lists map[string][]settings.Tariff) {
	tb.Helper()
	for _, account := range []string{"acme", "центр"} {
		var rows []string
		for _, t := range lists[account] {
			row, err := json.Marshal(t)
			if err != nil {
				tb.Fatal(err)
			}
			rows = append(rows, string(row))
		}
		querytest.PutTariffs(tb, conn, account, rows...)
	}
}

// microsText prints micro-units as money.
func microsText(micros *big.Int) string {
	text := strings.TrimRight(new(big.Rat).SetFrac(micros, big.NewInt(answer.Million)).FloatString(6), "0")
	for len(text)-strings.Index(text, ".") < 3 {
		text += "0"
	}
	return text
}

// naiveDeadSpend computes the report by loops over maps.
func naiveDeadSpend(rows []folded, spans map[deadNumber][]deadSpan, lists map[string][]settings.Tariff,
	groupBy []string, filters map[string][]string,
	zone *time.Location, from, to time.Time) []map[string]any {
	type group struct {
		keys                          []any
		attempts, unpriced, delivered int
		cost, avoidable               *big.Int
	}
	groups := map[string]*group{}
	for _, f := range rows {
		rule := ""
		for _, span := range spans[deadNumber{f.account, f.recipient}] {
			if span.fromMS < f.startedMS() && f.startedMS() < span.toMS {
				rule = span.rule
			}
		}
		if rule == "" || f.skip || !slices.Contains([]string{"sms", "voice", "flash_call"}, f.channel) ||
			!f.naiveKeep(filters, zone, from, to, "rule", "currency") ||
			(filters["rule"] != nil && !slices.Contains(filters["rule"], rule)) {
			continue
		}
		row, cost, err := f.alone(f.cohortMS).Price(lists[f.account])
		if err != nil {
			panic(err)
		}
		currency := ""
		if row != nil {
			currency = row.Currency
		}
		if filters["currency"] != nil && !slices.Contains(filters["currency"], currency) {
			continue
		}
		var keys []any
		for _, name := range groupBy {
			if name == "rule" {
				keys = append(keys, rule)
			} else {
				keys = append(keys, naiveKey(f.cell, name, zone))
			}
		}
		keys = append(keys, currency)
		id := fmt.Sprintf("%q", keys)
		if groups[id] == nil {
			groups[id] = &group{keys: keys, cost: &big.Int{}, avoidable: &big.Int{}}
		}
		g := groups[id]
		g.attempts++
		g.delivered += int(answer.Bit(f.delivered))
		switch {
		case !f.sent:
			continue
		case cost == nil:
			g.unpriced++
			continue
		}
		g.cost.Add(g.cost, cost)
		if !f.delivered {
			g.avoidable.Add(g.avoidable, cost)
		}
	}
	var sorted []*group
	for _, g := range groups {
		sorted = append(sorted, g)
	}
	slices.SortFunc(sorted, func(a, b *group) int { return naiveCompare(a.keys, b.keys) })
	all := make([]map[string]any, len(sorted))
	for i, g := range sorted {
		all[i] = map[string]any{"attempts": number(g.attempts), "unpriced": number(g.unpriced),
			"cost": microsText(g.cost), "delivered": number(g.delivered), "avoidable_cost": microsText(g.avoidable)}
		for k, name := range append(slices.Clone(groupBy), "currency") {
			all[i][name] = keyInJSON(g.keys[k])
		}
	}
	return all
}

func TestServer_DeadSpend_Naive(t *testing.T) {
	for seed := range uint64(enginetest.World(t, 1, 1, 4)) {
		conn := newConn(t)
		r := rand.New(rand.NewPCG(seed, 31))
		rows := randomFolded(r, 1200, testNow, 40)
		for i := range rows {
			if rows[i].channel == "push" && r.IntN(2) == 0 {
				rows[i].channel = "flash_call"
			}
		}
		insertFolded(t, conn, r, rows)
		spans := randomSpans(r, rows)
		insertDeadSpans(t, conn, spans)
		lists := testPrices()
		putTestPrices(t, conn, lists)
		s := newServer(t, conn)
		zones := []string{"UTC", "Europe/Moscow", "Asia/Kathmandu"}
		unpriced, currencies, rules := false, map[any]bool{}, map[any]bool{}
		for range enginetest.World(t, 6, 10, 20) {
			zone := querytest.Location(t, zones[r.IntN(len(zones))])
			names := reportNamed(t, "dead-spend").Keys.Names()
			r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
			groupBy := names[:r.IntN(4)]
			from := testNow.AddDate(0, 0, -r.IntN(50)).Add(time.Duration(r.IntN(96)) * 15 * time.Minute)
			to := from.Add(time.Duration(1+r.IntN(96*40)) * 15 * time.Minute)
			values := url.Values{"tz": {zone.String()}, "from": {from.In(zone).Format(time.RFC3339)},
				"to": {to.Format(time.RFC3339)}}
			if r.IntN(3) == 0 {
				groupBy = []string{"channel", "rule"} // the default
			} else {
				values.Set("group_by", strings.Join(groupBy, ","))
			}
			filters := map[string][]string{}
			for range r.IntN(3) {
				name, value := names[r.IntN(len(names))], "hard"
				if name != "rule" {
					value = fmt.Sprint(naiveKey(rows[r.IntN(len(rows))].cell, name, zone))
				}
				if r.IntN(5) == 0 {
					name, value = "currency", []string{"", "RUB", "KZT"}[r.IntN(3)]
				}
				filters[name] = append(filters[name], value)
				values.Add(name, value)
			}
			want := naiveDeadSpend(rows, spans, lists, groupBy, filters, zone, from, to)
			checkPages(t, s, "/v1/reports/dead-spend", r, values, want)
			for _, row := range want {
				currencies[row["currency"]], rules[row["rule"]] = true, true
				unpriced = unpriced || row["unpriced"] != number(0)
			}
			if t.Failed() {
				return
			}
		}
		if !unpriced || len(currencies) != 3 || len(rules) < 4 {
			t.Errorf("the test saw too little: unpriced %v, currencies %v, rules %v", unpriced, currencies, rules)
		}
	}
}

// By hand: the ends of a span are not in it, so neither is the failure that completed the rule; an attempt without a
// start counts by its cohort; what was delivered could not have been avoided without a loss, and on other channels
// nothing counts.
func TestServer_DeadSpend_Borders(t *testing.T) {
	conn := newConn(t)
	at := testNow.Add(-10 * 24 * time.Hour).UnixMilli()
	var rows []folded
	for i, startMS := range []int64{at, at + 1, at + 999, at + 1000, schema.Never, schema.Never} {
		f := folded{recipient: "+79000000001", message: fmt.Sprint("m", i), cohortMS: at - 5, startMS: startMS,
			deliveredMS: schema.Never, readMS: schema.Never, sent: true, failed: true, segments: 2}
		if i == 5 {
			f.cohortMS = at + 7
		}
		f.account, f.channel, f.step, f.generation, f.bucket = "acme", "sms", 1, 7,
			time.UnixMilli(at).UTC().Truncate(time.Hour)
		f.minMS, f.maxMS = f.cohortMS, f.cohortMS
		rows = append(rows, f)
	}
	skipped, free := rows[1], rows[1]
	skipped.message, skipped.skip, skipped.failed, skipped.sent = "skipped", true, false, false
	free.message, free.sent = "free", false // refused: it never cost anything
	unbilled, delivered, viber := rows[1], rows[1], rows[1]
	unbilled.message, unbilled.notBilled = "unbilled", true
	delivered.message, delivered.failed, delivered.delivered, delivered.deliveredMS = "delivered", false, true, at+900
	viber.message, viber.channel = "viber", "viber"
	rows = append(rows, skipped, free, unbilled, delivered, viber)
	insertFolded(t, conn, rand.New(rand.NewPCG(1, 1)), rows)
	insertDeadSpans(t, conn, map[deadNumber][]deadSpan{{"acme", "+79000000001"}: {{at, at + 1000, "hard"}}})
	querytest.PutTariffs(t, conn, "acme", querytest.TariffRow("sms", "per_segment_sent", "2.00"))
	s := newServer(t, conn)
	want := `{"report":"dead-spend","from":"2026-11-01T00:00:00Z","to":"2026-11-20T00:00:00Z","tz":"UTC","as_of":"2026-11-20T00:00:00.000Z","lag_seconds":0,"mature":true,` +
		`"tariff_version":1,"rows":[{"channel":"sms","rule":"hard","currency":"RUB","attempts":6,"unpriced":0,"cost":"16.00","delivered":1,"avoidable_cost":"12.00"}],"next_cursor":null}`
	if got := get(s, "/v1/reports/dead-spend?from=2026-11-01&to=2026-11-20").Body.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if w := get(s, "/v1/reports/dead-spend?group_by=&format=csv"); w.Body.String() != "currency,attempts,unpriced,cost,delivered,avoidable_cost\r\nRUB,6,0,16.00,1,12.00\r\n" ||
		w.Header().Get("Kaskad-Tariff-Version") != "1" {
		t.Errorf("csv: %v %s", w.Header(), w.Body)
	}
}
