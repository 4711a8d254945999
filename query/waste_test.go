package query

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

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/engine/enginetest"
	"kaskad/money"
	"kaskad/query/answer"
	"kaskad/query/querytest"
	"kaskad/schema"
	"kaskad/schema/event"
	"kaskad/simulate/model"
	"kaskad/simulate/model/settings"
)

// wasteFact is a row of rollup_waste with its leg. The cell's account, bucket, generation, cohort, campaign, template,
// sender, traffic, country, provider, operator and app are those of the row and its leg.
type wasteFact struct {
	cell
	leg         uint64
	delivered   bool
	billed      uint16
	smsSegments uint16
	text        schema.SMSMeasure
	attempts    uint64
}

func insertWaste(tb testing.TB, conn driver.Conn, facts []wasteFact) {
	tb.Helper()
	ctx := clickhouse.Context(tb.Context(),
		clickhouse.WithSettings(clickhouse.Settings{"max_partitions_per_insert_block": 0}))
	batch, err := conn.PrepareBatch(ctx,
		"INSERT INTO rollup_waste (account, kind, day, bucket, edition, cohort, campaign, template, leg, code, "+
			"sms_segments, sms_measure, attempts, cohort_max_ms)")
	if err != nil {
		tb.Fatal(err)
	}
	for _, f := range facts {
		code := uint32(1) | uint32(answer.Bit(f.delivered))<<1 | uint32(f.billed)<<8
		if err := batch.Append(f.account, "difference", f.cohort, f.bucket, f.generation, f.cohort, f.campaign,
			f.template, f.leg, code, f.smsSegments, schema.PackSMSMeasure(f.text), int64(f.attempts),
			f.maxMS); err != nil {
			tb.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		tb.Fatal(err)
	}
	// Every leg is stored twice, as two aggregators would that have never seen it.
	for range 2 {
		legs, err := conn.PrepareBatch(ctx,
			"INSERT INTO legs (account, leg, channel, provider, operator, country, traffic, sender, app, trigger, "+
				"currencies)")
		if err != nil {
			tb.Fatal(err)
		}
		for _, f := range facts {
			if err := legs.Append(f.account, f.leg, "sms", f.provider, f.operator, f.country, f.traffic, f.sender,
				f.app, "first", ""); err != nil {
				tb.Fatal(err)
			}
		}
		if err := legs.Send(); err != nil {
			tb.Fatal(err)
		}
	}
}

// randomWaste makes facts of the days before end.
func randomWaste(r *rand.Rand, n int, end time.Time, days int) []wasteFact {
	pick := func(names ...string) string { return names[r.IntN(len(names))] }
	legs := make([]wasteFact, 20)
	for i := range legs {
		l := &legs[i]
		l.leg = uint64(1 + i)
		l.provider, l.operator, l.app = pick("", "mts", "devino"), pick("", "25001", "25002"), pick("", "shop")
		l.country, l.traffic, l.sender = pick("", "RU", "KZ"), pick("", "otp", "promo"), pick("", "Kaskad", "=cmd")
	}
	facts := make([]wasteFact, n)
	for i := range facts {
		f := legs[r.IntN(len(legs))]
		f.account = pick("acme", "центр", "none")
		f.leg += 100 * uint64(len(f.account))
		f.bucket = end.Add(-time.Duration(1+r.IntN(days*24)) * time.Hour).Truncate(time.Hour)
		f.generation = 1
		f.cohort = f.bucket.Add(time.Duration(r.IntN(4)) * 15 * time.Minute)
		f.minMS, f.maxMS = f.cohort.UnixMilli(), f.cohort.UnixMilli()+1
		f.campaign, f.template = pick("", "c1", "весна", "\xff"), pick("", "otp", "order")
		f.delivered = r.IntN(3) > 0
		f.billed = uint16(r.IntN(4))
		f.text.Segments = uint16(1 + r.IntN(5))
		if r.IntN(2) == 0 && f.text.Segments > 1 {
			f.text.OverBy = uint16(1 + r.IntN(10))
		}
		if r.IntN(2) == 0 || f.text.OverBy == 0 {
			f.text.ForcedChars, f.text.Plain = uint16(1+r.IntN(10)), uint16(1+r.IntN(4))
		}
		f.smsSegments = f.text.Segments
		f.attempts = uint64(1 + r.IntN(1_000_000))
		facts[i] = f
	}
	return facts
}

// naiveWaste computes the report from facts by loops over maps.
func naiveWaste(facts []wasteFact, lists map[string][]settings.Tariff, groupBy []string, filters map[string][]string,
	zone *time.Location, from, to time.Time) []map[string]any {
	type group struct {
		keys     []any
		currency string
		counts   map[string]uint64
		costs    map[string]*big.Int
	}
	groups := map[string]*group{}
facts:
	for _, f := range facts {
		if f.cohort.Before(from) || !f.cohort.Before(to) {
			continue
		}
		for name, values := range filters {
			if name != "currency" && !slices.Contains(values, fmt.Sprint(naiveKey(f.cell, name, zone))) {
				continue facts
			}
		}
		price := func(segments int64) (row *settings.Tariff, cost *big.Int) {
			row, cost, err := model.Alone{Channel: "sms", Provider: f.provider, Operator: f.operator, Country: f.country,
				Traffic: f.traffic, Sender: f.sender, App: f.app, At: f.cohort, Sent: true, Delivered: f.delivered,
				Segments: segments}.Price(lists[f.account])
			if err != nil {
				panic(err)
			}
			return row, cost
		}
		t, _ := price(1)
		currency := ""
		if t != nil {
			currency = t.Currency
		}
		if values := filters["currency"]; values != nil && !slices.Contains(values, currency) {
			continue
		}
		var keys []any
		for _, name := range groupBy {
			keys = append(keys, naiveKey(f.cell, name, zone))
		}
		id := fmt.Sprintf("%q %s", keys, currency)
		g := groups[id]
		if g == nil {
			g = &group{keys, currency, map[string]uint64{},
				map[string]*big.Int{"over_cost": {}, "forced_cost": {}, "billed_cost": {}}}
			groups[id] = g
		}
		gain := int64(f.text.Segments) - int64(f.text.Plain)
		cause := "over"
		saves := int64(1)
		if f.text.OverBy == 0 || (f.text.ForcedChars > 0 && gain > 1) {
			cause, saves = "forced", max(0, gain)
		}
		g.counts["messages_"+cause] += f.attempts
		if t == nil {
			g.counts["unpriced"] += f.attempts
			continue
		}
		if !strings.HasPrefix(t.Billing, "per_segment") || (t.Billing == "per_segment_delivered" && !f.delivered) {
			continue
		}
		billed := int64(f.billed)
		if billed == 0 {
			billed = int64(f.smsSegments)
		}
		saves = min(saves, billed-1)
		add := func(cost string, segments int64) {
			if segments > 0 {
				_, each := price(segments)
				g.costs[cost].Add(g.costs[cost], each.Mul(each, new(big.Int).SetUint64(f.attempts)))
			}
		}
		g.counts[cause+"_segments"] += uint64(saves) * f.attempts
		add(cause+"_cost", saves)
		g.counts["billed_segments"] += uint64(billed) * f.attempts
		add("billed_cost", billed)
	}
	sorted := make([]*group, 0, len(groups))
	for _, g := range groups {
		sorted = append(sorted, g)
	}
	slices.SortFunc(sorted, func(x, y *group) int {
		for i := range x.keys {
			var order int
			if n, ok := x.keys[i].(int); ok {
				order = n - y.keys[i].(int)
			} else {
				order = strings.Compare(x.keys[i].(string), y.keys[i].(string))
			}
			if order != 0 {
				return order
			}
		}
		return strings.Compare(x.currency, y.currency)
	})
	rows := make([]map[string]any, len(sorted))
	for i, g := range sorted {
		row := map[string]any{"currency": g.currency}
		for k, name := range groupBy {
			if n, ok := g.keys[k].(int); ok {
				row[name] = json.Number(fmt.Sprint(n))
			} else {
				row[name] = strings.ToValidUTF8(g.keys[k].(string), "\ufffd")
			}
		}
		for _, name := range []string{"messages_over", "messages_forced", "over_segments", "forced_segments",
			"billed_segments", "unpriced"} {
			row[name] = json.Number(fmt.Sprint(g.counts[name]))
		}
		row["avoidable_segments"] = json.Number(fmt.Sprint(g.counts["over_segments"] + g.counts["forced_segments"]))
		g.costs["avoidable_cost"] = new(big.Int).Add(g.costs["over_cost"], g.costs["forced_cost"])
		for name, cost := range g.costs {
			text := strings.TrimRight(new(big.Rat).SetFrac(cost, big.NewInt(answer.Million)).FloatString(6), "0")
			for len(text)-strings.Index(text, ".") < 3 {
				text += "0"
			}
			row[name] = text
		}
		rows[i] = row
	}
	return rows
}

func wasteReport(tb testing.TB, s *Server, query string) (reply struct {
	querytest.Report
	TariffVersion uint64 `json:"tariff_version"`
}) {
	tb.Helper()
	decode(tb, get(s, "/v1/reports/segment-waste?"+query), http.StatusOK, &reply)
	return reply
}

func cellsOf(facts []wasteFact) []cell {
	cells := make([]cell, len(facts))
	for i, f := range facts {
		cells[i] = f.cell
	}
	return cells
}

func TestServer_SegmentWaste_Naive(t *testing.T) {
	conn := newConn(t)
	r := rand.New(rand.NewPCG(5, 5))
	facts := randomWaste(r, 2000, testNow, 40)
	insertWaste(t, conn, facts)
	querytest.Scatter(t, conn, "rollup_waste")
	begin := testNow.AddDate(0, 0, -60)
	middle := testNow.AddDate(0, 0, -20).Add(15 * time.Minute)
	list := []settings.Tariff{
		{Currency: "RUB", Billing: "per_segment_sent", Price: "2", ValidFrom: begin, ValidTo: &middle},
		{Currency: "RUB", Billing: "per_segment_delivered", Price: "2.345678", ValidFrom: middle},
		{Provider: "mts", Currency: "KZT", Billing: "per_segment_sent", Price: "0.000001", ValidFrom: begin},
		{Operator: "25001", Country: "RU", Currency: "RUB", Billing: "per_message_sent", Price: "0.9", ValidFrom: begin,
			ValidTo: &middle},
		{Country: "RU", Traffic: "otp", Currency: "RUB", Billing: "per_segment_sent", Price: "999999.999999",
			ValidFrom: begin},
		{Sender: "=cmd", Currency: "RUB", Billing: "zero", Price: "0", ValidFrom: begin},
		{App: "shop", Currency: "RUB", Billing: "per_segment_sent", Price: "0.5", ValidFrom: middle}}
	for i := range list {
		list[i].Channel = "sms"
	}
	lists := map[string][]settings.Tariff{"acme": list, "центр": list[2:]}
	putTestPrices(t, conn, lists)
	version := querytest.PutTariffs(t, conn, "other", querytest.TariffRow("sms", "per_segment_sent", "1"))
	s := newServer(t, conn)
	zones := []string{"UTC", "Europe/Moscow", "Asia/Kathmandu", "America/New_York"}
	unpriced, currencies := false, map[any]bool{}
	for range enginetest.World(t, 5, 7, 36) {
		zone := querytest.Location(t, zones[r.IntN(len(zones))])
		names := reportNamed(t, "segment-waste").Keys.Names()
		r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		groupBy := names[:r.IntN(4)]
		from := testNow.AddDate(0, 0, -r.IntN(50)).Add(time.Duration(r.IntN(96)) * 15 * time.Minute)
		to := from.Add(time.Duration(1+r.IntN(96*30)) * 15 * time.Minute)
		values := url.Values{"group_by": {strings.Join(groupBy, ",")}, "tz": {zone.String()}, "limit": {"10000"},
			"from": {from.In(zone).Format(time.RFC3339)}, "to": {to.Format(time.RFC3339)}}
		filters := map[string][]string{}
		for range r.IntN(3) {
			name := names[r.IntN(len(names))]
			value := fmt.Sprint(naiveKey(facts[r.IntN(len(facts))].cell, name, zone))
			if r.IntN(4) == 0 {
				name, value = "currency", []string{"", "RUB", "KZT"}[r.IntN(3)]
			}
			filters[name] = append(filters[name], value)
			values.Add(name, value)
		}
		want := naiveWaste(facts, lists, groupBy, filters, zone, from, to)
		reply := wasteReport(t, s, values.Encode())
		querytest.SameRows(t, values.Encode(), reply.Rows, want)
		if len(filters["account"]) == 0 && reply.TariffVersion != version {
			t.Errorf("tariff_version %d, want %d", reply.TariffVersion, version)
		}
		for _, row := range want {
			currencies[row["currency"]] = true
			unpriced = unpriced || row["unpriced"] != json.Number("0")
		}
		// Page by page the rows are the same.
		var paged []map[string]any
		values.Set("limit", fmt.Sprint(1+r.IntN(1+len(want)/2)))
		for page := wasteReport(t, s, values.Encode()); ; {
			paged = append(paged, page.Rows...)
			if page.NextCursor == nil || len(page.Rows) == 0 {
				break
			}
			values.Set("cursor", *page.NextCursor)
			page = wasteReport(t, s, values.Encode())
		}
		querytest.SameRows(t, "paged "+values.Encode(), paged, want)
		if t.Failed() {
			return
		}
	}
	if !unpriced || len(currencies) != 3 {
		t.Errorf("the test saw too little: unpriced %v, currencies %v", unpriced, currencies)
	}
}

// What follows by hand from texts that were sent as events: they are measured, stored without the text, and priced.
func TestServer_SegmentWaste_FromTexts(t *testing.T) {
	conn := newConn(t)
	s := newServer(t, conn)
	a := strings.Repeat("a", 200)
	bucket := testNow.Add(-10 * 24 * time.Hour)
	fact := func(leg uint64, text, template string, attempts uint64) wasteFact {
		m := money.SMSMeasure([]byte(text))
		return wasteFact{cell: cell{account: "acme", bucket: bucket, cohort: bucket, generation: 1, template: template,
			minMS: bucket.UnixMilli(), maxMS: bucket.UnixMilli()},
			leg: leg, delivered: true, smsSegments: m.Segments, text: m, attempts: attempts}
	}
	facts := []wasteFact{
		fact(1, a[:163], "order", 1000),      // 3 characters over: 1 of 2 segments
		fact(1, a[:159]+"’", "order", 100),   // one apostrophe: 2 of 3
		fact(1, "Привет’"+a[:30], "menu", 7), // seven characters, one segment anyway
	}
	insertWaste(t, conn, facts)
	publish(t, conn, cellsOf(facts))
	querytest.PutTariffs(t, conn, "acme", querytest.TariffRow("sms", "per_segment_sent", "2.00"))
	w := get(s, "/v1/reports/segment-waste?from=2026-11-01&to=2026-11-20")
	want := `{"report":"segment-waste","from":"2026-11-01T00:00:00Z","to":"2026-11-20T00:00:00Z","tz":"UTC","as_of":"2026-11-20T00:00:00.000Z","lag_seconds":0,"mature":true,` +
		`"tariff_version":1,"rows":[` +
		`{"template":"menu","currency":"RUB","messages_over":0,"messages_forced":7,"avoidable_segments":0,"avoidable_cost":"0.00","over_segments":0,"over_cost":"0.00",` +
		`"forced_segments":0,"forced_cost":"0.00","billed_segments":7,"billed_cost":"14.00","unpriced":0},` +
		`{"template":"order","currency":"RUB","messages_over":1000,"messages_forced":100,"avoidable_segments":1200,"avoidable_cost":"2400.00","over_segments":1000,"over_cost":"2000.00",` +
		`"forced_segments":200,"forced_cost":"400.00","billed_segments":2300,"billed_cost":"4600.00","unpriced":0}],"next_cursor":null}`
	if w.Body.String() != want {
		t.Errorf("got  %s\nwant %s", w.Body, want)
	}
	if csv := get(s, "/v1/reports/segment-waste?group_by=&from=2026-11-01&to=2026-11-20&format=csv"); csv.Body.String() !=
		"currency,messages_over,messages_forced,avoidable_segments,avoidable_cost,over_segments,over_cost,forced_segments,forced_cost,billed_segments,billed_cost,unpriced\r\n"+
			"RUB,1000,107,1200,2400.00,1000,2000.00,200,400.00,2307,4614.00,0\r\n" ||
		csv.Header().Get("Kaskad-Tariff-Version") != "1" {
		t.Errorf("csv: %v %s", csv.Header(), csv.Body)
	}
	// The price list of another day is the same question with another answer; a cursor keeps its own.
	page := wasteReport(t, s, "limit=1&from=2026-11-01&to=2026-11-20")
	if version := querytest.PutTariffs(t, conn, "acme",
		querytest.TariffRow("sms", "per_segment_sent", "3")); version != 2 {
		t.Fatal(version)
	}
	next := wasteReport(t, s, "limit=1&from=2026-11-01&to=2026-11-20&cursor="+*page.NextCursor)
	if next.TariffVersion != 1 || next.Rows[0]["avoidable_cost"] != "2400.00" || next.NextCursor != nil ||
		!next.Mature {
		t.Errorf("the cursor's page: %+v", next)
	}
	now := wasteReport(t, s, "limit=1&from=2026-11-01&to=2026-11-20&template=order")
	if now.TariffVersion != 2 || now.Rows[0]["avoidable_cost"] != "3600.00" {
		t.Errorf("now: %+v", now)
	}
	// SMS settle in three days.
	young := fact(1, a[:163], "young", 1)
	young.cohort, young.bucket = testNow.Add(-3*24*time.Hour), testNow.Add(-3*24*time.Hour)
	young.minMS, young.maxMS = young.cohort.UnixMilli(), young.cohort.UnixMilli()
	insertWaste(t, conn, []wasteFact{young})
	publish(t, conn, cellsOf([]wasteFact{young}))
	if reply := wasteReport(t, s, ""); reply.Mature {
		t.Error("an SMS of three days ago is mature")
	}
}

// The measure of a text reaches the facts whole, the orphans' too, and the text does not.
func TestFacts_SMSMeasure(t *testing.T) {
	conn := newConn(t)
	body := strings.Repeat("a", 159) + "’"
	want := schema.PackSMSMeasure(schema.SMSMeasure{Segments: 3, ForcedChars: 1, Plain: 1})
	decoder := event.Decoder{MeasureSMS: money.SMSMeasure}
	var lines []string
	for _, line := range []string{
		querytest.AcmeEvent("a", 1, "sms", "sent", "2026-11-18T10:00:00Z", `"submitted_at":"2026-11-18T10:00:00Z"`,
			fmt.Sprintf(`"sms_text":%q`, body)),
		querytest.AcmeEvent("orphan", 1, "sms", "sent", "2026-11-18T10:00:00Z", fmt.Sprintf(`"sms_text":%q`, body)),
	} {
		ev, failure := decoder.Decode([]byte(line), testNow.UnixMilli())
		if failure != nil {
			t.Fatal(failure)
		}
		lines = append(lines, string(event.AppendJSON(nil, ev)))
	}
	// A later event with less to say takes nothing away.
	lines = append(lines, querytest.AcmeEvent("a", 1, "sms", "delivered", "2026-11-18T10:00:01Z",
		`"submitted_at":"2026-11-18T10:00:00Z"`, `"sms_segments":2,"sms_over_by":3`))
	querytest.StoreEvents(t, conn, lines...)
	for _, table := range []string{"attempts", "orphans"} {
		var got uint32
		if err := conn.QueryRow(t.Context(), "SELECT max(sms_measure) FROM "+table).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s: %+v, want %+v", table, schema.UnpackSMSMeasure(got), schema.UnpackSMSMeasure(want))
		}
	}
}
