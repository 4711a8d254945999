package query

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/big"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/engine/enginetest"
	"kaskad/money"
	"kaskad/query/querytest"
	"kaskad/query/rollup"
	"kaskad/simulate/model"
	"kaskad/simulate/model/settings"
)

// spendStep is an attempted step. Of the cell it has the dimensions and the step; those that a tariff may name are the
// leg's too.
type spendStep struct {
	cell
	leg         money.Step
	smsSegments uint16
	reported    map[string]int64 // micro-units by currency
}

// spendMessage is a message with its attempted steps, in their order.
type spendMessage struct {
	steps []spendStep
	wrote bool // the customer had written before, on WhatsApp
}

func (m spendMessage) shape() (shape money.Signature) {
	for _, s := range m.steps {
		shape.Steps = append(shape.Steps, s.leg)
		shape.SMSSegments = max(shape.SMSSegments, s.smsSegments)
	}
	return shape
}

// template is the message's: the greatest of its steps.
func (m spendMessage) template() (greatest string) {
	for _, s := range m.steps {
		greatest = max(greatest, s.template)
	}
	return greatest
}

// spendHash is a number that tells what it is made of from others.
func spendHash(parts ...any) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%q", fmt.Sprintf("%#v", parts))
	return h.Sum64()
}

// spendCode packs what schema/migrations/00003_money.sql says.
func spendCode(l money.Step) (code uint32) {
	for i, set := range []bool{l.Sent, l.Delivered, l.Read, l.Failed, l.Conversation, l.Outside, false, l.NotBilled} {
		if set {
			code |= 1 << i
		}
	}
	return code | uint32(l.Segments)<<8
}

// insertSpend stores messages as the aggregator does, a cell for each attempt, and publishes them.
func insertSpend(tb testing.TB, conn driver.Conn, messages []spendMessage) {
	tb.Helper()
	insert := func(table string, rows func(add func(...any))) {
		batch, err := conn.PrepareBatch(clickhouse.Context(tb.Context(),
			clickhouse.WithSettings(clickhouse.Settings{"max_partitions_per_insert_block": 0})), "INSERT INTO "+table)
		if err != nil {
			tb.Fatal(err)
		}
		rows(func(values ...any) {
			if err := batch.Append(values...); err != nil {
				tb.Fatal(err)
			}
		})
		if err := batch.Send(); err != nil {
			tb.Fatal(err)
		}
	}
	legID := func(l money.Step) uint64 {
		return spendHash(l.Channel, l.Provider, l.Operator, l.Country, l.Traffic, l.Sender, l.App, l.Trigger,
			l.ReportedIn)
	}
	packed := func(m spendMessage) (shape uint64, legs []uint64, codes []uint32) {
		for _, s := range m.steps {
			legs, codes = append(legs, legID(s.leg)), append(codes, spendCode(s.leg))
		}
		return spendHash(legs, codes, m.shape().SMSSegments, m.steps[0].step), legs, codes
	}
	insert("rollup_spend", func(add func(...any)) {
		for _, m := range messages {
			shape, legs, codes := packed(m)
			segments, template := m.shape().SMSSegments, ""
			if segments == 0 {
				template = m.template()
			}
			for i, s := range m.steps {
				computed, reported := uint16(0), map[string]*big.Int{}
				if s.channel == "sms" && s.leg.Sent && s.leg.Segments > 0 {
					computed = s.smsSegments
				}
				for currency, micros := range s.reported {
					reported[currency] = big.NewInt(micros)
				}
				add(s.account, "difference", s.cohort, s.generation, s.bucket, s.cohort, s.campaign, s.template, s.step,
					legs[i], codes[i],
					computed, shape, segments, template, reported, int64(1), s.maxMS)
			}
		}
	})
	for range 2 { // Two aggregators may write a row each.
		insert("legs", func(add func(...any)) {
			for _, m := range messages {
				for _, s := range m.steps {
					l := s.leg
					add(s.account, legID(l), l.Channel, l.Provider, l.Operator, l.Country, l.Traffic, l.Sender, l.App,
						l.Trigger, strings.Join(l.ReportedIn, ","))
				}
			}
		})
		insert("shapes", func(add func(...any)) {
			for _, m := range messages {
				shape, legs, codes := packed(m)
				add(m.steps[0].account, shape, m.shape().SMSSegments, legs, codes)
			}
		})
	}
	var cells []cell
	for _, m := range messages {
		for _, s := range m.steps {
			cells = append(cells, s.cell)
		}
	}
	publish(tb, conn, cells)
}

// randomSpend makes messages of the days before end.
func randomSpend(r *rand.Rand, n int, end time.Time, days int) []spendMessage {
	pick := func(names ...string) string { return names[r.IntN(len(names))] }
	chance := func(percent int) bool { return r.IntN(100) < percent }
	messages := make([]spendMessage, n)
	for i := range messages {
		cohort := end.Add(-time.Duration(1+r.Int64N(int64(days)*86_400_000)) * time.Millisecond)
		account, template := pick("acme", "acme", "центр", "none"), pick("", "otp", "order")
		campaign := pick("", "c1", "весна", "=cmd")
		messages[i].wrote = chance(30)
		country, traffic, segments := pick("RU", "KZ", ""), pick("promo", "otp", ""), uint16(r.IntN(4))
		for step := range 1 + r.IntN(3) {
			s := spendStep{reported: map[string]int64{}}
			s.account, s.campaign, s.template, s.step, s.generation = account, campaign, template, uint8(1+step), 1
			if chance(10) {
				s.campaign, s.template = pick("", "c2"), pick("", "order")
			}
			if chance(80) {
				s.smsSegments = segments
			}
			s.bucket, s.cohort = cohort.Truncate(time.Hour), cohort.Truncate(15*time.Minute)
			s.minMS, s.maxMS = cohort.UnixMilli(), cohort.UnixMilli()
			s.channel = pick("sms", "sms", "push", "viber", "whatsapp", "flash_call", "vk")
			s.provider, s.operator, s.country, s.traffic = pick("", "mts"), pick("", "25001"), country, traffic
			s.sender, s.app, s.trigger = pick("Kaskad", "Shop"), pick("", "shop"), pick("expired", "unread", "")
			l := &s.leg
			*l = money.Step{Channel: s.channel, Provider: s.provider, Operator: s.operator, Country: s.country,
				Traffic: s.traffic, Sender: s.sender, App: s.app, Trigger: s.trigger, NotBilled: chance(5)}
			switch r.IntN(4) {
			case 0:
				l.Failed, l.Sent = true, chance(60)
			case 1:
				l.Sent = chance(60)
			default:
				l.Sent, l.Delivered, l.Read = true, true, chance(40)
			}
			if chance(40) {
				l.Segments = uint16(r.IntN(4))
			}
			querytest.OpenConversation(l, messages[i].shape().Steps, messages[i].wrote)
			for _, currency := range []string{"EUR", "RUB", "USD"} {
				if chance(20) {
					l.ReportedIn = append(l.ReportedIn, currency)
					s.reported[currency] = r.Int64N(5_000_000)
					if chance(3) {
						s.reported[currency] = 1_000_000_000_000_000 // The dearest price there is.
					}
				}
			}
			messages[i].steps = append(messages[i].steps, s)
		}
	}
	return messages
}

// spendLists are price lists that meet everything: borders inside of the period, three currencies, missing rows, dated
// templates.
var spendLists = map[string][2][]string{
	"acme": {{
		querytest.TariffRow("sms", "per_segment_sent", "2.00"),
		querytest.TariffRow("sms", "per_segment_delivered", "2.345678", "provider", "mts"),
		strings.Replace(querytest.TariffRow("sms", "per_message_sent", "1.5", "country", "KZ", "valid_from",
			"2026-11-05T10:15:00Z"),
			"RUB", "USD", 1),
		querytest.TariffRow("push", "per_message_sent", "0.36", "valid_to", "2026-11-10T00:00:00Z"),
		strings.Replace(querytest.TariffRow("push", "per_message_refunded", "0.000001", "valid_from",
			"2026-11-12T00:00:00Z"),
			"RUB", "EUR", 1),
		querytest.TariffRow("viber", "per_message_delivered", "0.75"),
		strings.Replace(querytest.TariffRow("flash_call", "attempt_plus_connect", "0.1"), "}",
			`,"connect_price":"0.7"}`, 1),
		querytest.TariffRow("whatsapp", "per_conversation_24h", "4.5"),
		querytest.TariffRow("whatsapp", "per_message_outside_window", "1.1", "sender", "Shop"),
	}, {
		`{"template":"otp","sms_segments":3,"valid_from":"2026-01-01T00:00:00Z"}`,
		`{"template":"order","sms_segments":2,"valid_from":"2026-11-01T00:00:00Z","valid_to":"2026-11-08T00:15:00Z"}`,
	}},
	"центр": {{
		strings.Replace(querytest.TariffRow("sms", "zero", "0"), "RUB", "USD", 1),
		strings.Replace(querytest.TariffRow("push", "per_message_sent", "1000000000"), "RUB", "USD", 1),
	}, nil},
}

// spendModel is the model of the messages and lists.
func spendModel(tb testing.TB, messages []spendMessage) (*model.Model, model.SavingsQuery) {
	tb.Helper()
	m := model.New(testNow)
	for i, message := range messages {
		for _, s := range message.steps {
			for _, line := range (querytest.Attempt{Account: s.account, Message: fmt.Sprint("m", i),
				Campaign: s.campaign, Template: s.template, CohortMS: s.minMS, Number: int(s.step),
				SMSSegments: s.smsSegments, Step: s.leg, Charges: s.reported,
				Wrote: message.wrote && s.channel == "whatsapp"}).Events(tb) {
				if err := m.Add(line); err != nil {
					tb.Fatalf("%s: %v", line, err)
				}
			}
		}
	}
	q := model.SavingsQuery{Tariffs: map[string][]settings.Tariff{}, Templates: map[string][]settings.Template{}}
	for account, rows := range spendLists {
		var tariffs []settings.Tariff
		var templates []settings.Template
		for i, to := range []any{&tariffs, &templates} {
			if err := json.Unmarshal([]byte("["+strings.Join(rows[i], ",")+"]"), to); err != nil {
				tb.Fatal(err)
			}
		}
		q.Tariffs[account], q.Templates[account] = tariffs, templates
	}
	return m, q
}

// spendRows are the rows that the model wants, as an answer has them.
func spendRows(tb testing.TB, m *model.Model, q model.SavingsQuery) (rows []map[string]any) {
	tb.Helper()
	want, err := m.SpendReport(q)
	if err != nil {
		tb.Fatal(err)
	}
	encoded, err := json.Marshal(want)
	if err != nil {
		tb.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.UseNumber()
	if err := decoder.Decode(&rows); err != nil {
		tb.Fatal(err)
	}
	return rows
}

// Whatever is asked of random attempts, the report has what the model counts, and its pages are the same rows.
func TestServer_Spend_Model(t *testing.T) {
	conn := newConn(t)
	r := rand.New(rand.NewPCG(12, 5))
	messages := randomSpend(r, 2000, testNow, 40)
	insertSpend(t, conn, messages)
	querytest.Scatter(t, conn, "rollup_spend")
	for account, rows := range spendLists {
		querytest.PutPrices(t, conn, "tariffs", account, rows[0]...)
		querytest.PutPrices(t, conn, "templates", account, rows[1]...)
	}
	m, q := spendModel(t, messages)
	s := newServer(t, conn)
	zones := []string{"UTC", "Europe/Moscow", "Asia/Kathmandu", "America/New_York"}
	met := map[any]bool{}
	for range enginetest.World(t, 4, 6, 30) {
		zone := querytest.Location(t, zones[r.IntN(len(zones))])
		names := rollup.ChannelKeys.Names()
		r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		groupBy := names[:r.IntN(4)]
		from := testNow.AddDate(0, 0, -r.IntN(50)).Add(time.Duration(r.IntN(96)) * 15 * time.Minute)
		to := from.Add(time.Duration(1+r.IntN(96*30)) * 15 * time.Minute)
		values := url.Values{"group_by": {strings.Join(groupBy, ",")}, "tz": {zone.String()},
			"from": {from.In(zone).Format(time.RFC3339)}, "to": {to.Format(time.RFC3339)}}
		filters := map[string][]string{}
		for range r.IntN(3) {
			name := names[r.IntN(len(names))]
			value := fmt.Sprint(naiveKey(messages[r.IntN(len(messages))].steps[0].cell, name, zone))
			if r.IntN(4) == 0 {
				name, value = "currency", []string{"", "RUB", "USD", "EUR"}[r.IntN(4)]
			}
			filters[name] = append(filters[name], value)
			values.Add(name, value)
		}
		q.Query = model.Query{GroupBy: groupBy, Filters: filters, TZ: zone, From: from, To: to}
		want := spendRows(t, m, q)
		checkPages(t, s, "/v1/reports/spend", r, values, want)
		for _, row := range want {
			met[row["currency"]] = true
			met["unpriced "+fmt.Sprint(row["unpriced"] != json.Number("0"))] = true
			met["of unpriced "+fmt.Sprint(row["of_unpriced"] != "0.00" && row["of_unpriced"] != row["cost"])] = true
		}
		if t.Failed() {
			return
		}
	}
	if len(met) != 8 {
		t.Errorf("the test saw too little: %v", met)
	}
}

// What follows by hand: a Viber message and the SMS after it, one of two SMS of another message, and a push that nobody
// has a price for.
func TestServer_Spend_ByHand(t *testing.T) {
	conn := newConn(t)
	s := newServer(t, conn)
	step := func(account string, number uint8, cohort time.Time, leg money.Step, smsSegments uint16,
		rubles int64) spendStep {
		leg.Sent = true
		made := spendStep{leg: leg, smsSegments: smsSegments, reported: map[string]int64{}}
		made.cell = cell{account: account, bucket: cohort.Truncate(time.Hour), cohort: cohort, generation: 1,
			channel: leg.Channel, step: number, minMS: cohort.UnixMilli(), maxMS: cohort.UnixMilli()}
		if rubles > 0 {
			made.leg.ReportedIn, made.reported["RUB"] = []string{"RUB"}, rubles
		}
		return made
	}
	at := testNow.Add(-20 * 24 * time.Hour)
	messages := []spendMessage{
		{steps: []spendStep{step("acme", 1, at, money.Step{Channel: "viber", Failed: true}, 2, 0),
			step("acme", 2, at, money.Step{Channel: "sms", Delivered: true, Segments: 3}, 2, 6_120_000)}},
		{steps: []spendStep{step("acme", 1, at, money.Step{Channel: "push"}, 1, 0),
			step("acme", 2, at, money.Step{Channel: "sms"}, 1, 0)}},
	}
	insertSpend(t, conn, messages)
	querytest.PutTariffs(t, conn, "acme", querytest.TariffRow("sms", "per_segment_sent", "2.00"),
		querytest.TariffRow("viber", "per_message_delivered", "0.75"))
	const path = "/v1/reports/spend"
	query := path + "?from=2026-10-01&to=2026-11-20"
	want := `{"report":"spend","from":"2026-10-01T00:00:00Z","to":"2026-11-20T00:00:00Z","tz":"UTC","as_of":"2026-11-20T00:00:00.000Z","lag_seconds":0,"mature":true,` +
		`"tariff_version":1,"template_version":0,"rows":[` +
		`{"channel":"push","currency":"","attempts":1,"sent":1,"delivered":0,"units":0,"cost":null,"unpriced":1,"cost_per_delivered":null,"billed_segments":0,` +
		`"computed_segments":0,"segment_drift":0,"reported_attempts":0,"reported_cost":null,"drift":null,"of_unpriced":null},` +
		`{"channel":"sms","currency":"RUB","attempts":2,"sent":2,"delivered":1,"units":4,"cost":"8.00","unpriced":0,"cost_per_delivered":"8.00","billed_segments":3,` +
		`"computed_segments":2,"segment_drift":1,"reported_attempts":1,"reported_cost":"6.12","drift":"0.12","of_unpriced":"2.00"},` +
		`{"channel":"viber","currency":"RUB","attempts":1,"sent":1,"delivered":0,"units":0,"cost":"0.00","unpriced":0,"cost_per_delivered":null,"billed_segments":0,` +
		`"computed_segments":0,"segment_drift":0,"reported_attempts":0,"reported_cost":"0.00","drift":"0.00","of_unpriced":"0.00"}],"next_cursor":null}`
	if w := get(s, query); w.Body.String() != want {
		t.Errorf("got  %s\nwant %s", w.Body, want)
	}
	const head = "currency,attempts,sent,delivered,units,cost,unpriced,cost_per_delivered,billed_segments,computed_segments,segment_drift,reported_attempts,reported_cost,drift,of_unpriced\r\n"
	if csv := get(s, query+"&group_by=&format=csv"); csv.Body.String() !=
		head+",1,1,0,0,,1,,0,0,0,0,,,\r\n"+"RUB,3,3,1,4,8.00,0,8.00,3,2,1,1,6.12,0.12,2.00\r\n" ||
		csv.Header().Get("Kaskad-Tariff-Version") != "1" {
		t.Errorf("csv: %v %s", csv.Header(), csv.Body)
	}
	// A corrected list corrects what was, at once; a cursor keeps its own.
	page := answerOf(t, s, path, url.Values{"limit": {"2"}})
	querytest.PutTariffs(t, conn, "acme", querytest.TariffRow("sms", "per_segment_sent", "3"),
		querytest.TariffRow("push", "per_message_sent", "1"))
	next := answerOf(t, s, path, url.Values{"limit": {"2"}, "cursor": {*page.NextCursor}})
	if page.Rows[1]["cost"] != "8.00" || len(next.Rows) != 1 || next.Rows[0]["cost"] != "0.00" {
		t.Errorf("the cursor's page: %+v", next)
	}
	now := answerOf(t, s, path, url.Values{"channel": {"sms", "push"}, "group_by": {""}})
	if len(now.Rows) != 1 || now.Rows[0]["cost"] != "13.00" || now.Rows[0]["of_unpriced"] != "9.00" {
		t.Errorf("now: %+v", now)
	}
	// SMS settle in three days.
	young := []spendMessage{{steps: []spendStep{step("acme", 1, testNow.Add(-3*24*time.Hour),
		money.Step{Channel: "sms"},
		1, 0)}}}
	insertSpend(t, conn, young)
	if answer := answerOf(t, s, path, nil); answer.Mature {
		t.Error("an SMS of three days ago is mature")
	}
}
