package savings

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"math/big"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/money"
	"kaskad/query/answer"
	"kaskad/query/querytest"
	"kaskad/schema"
	"kaskad/simulate/model"
	"kaskad/simulate/model/settings"
)

// This file makes messages, stores them as the aggregator does, and tells the model of them by events.

// cascade is a message with its attempted steps.
type cascade struct {
	account, campaign, template string
	cohortMS                    int64
	// hours is how far the bucket is from the cohort: the time inside of a message id may be another than submitted_at.
	hours    int
	shape    money.Signature
	reported map[string]int64 // micro-units by currency, over all of its steps
	// edition is the one that counts it, or takes it away.
	edition uint64
	taken   bool
	// charges are what each step reported, by currency; wrote: the customer had written before, on WhatsApp.
	charges []map[string]int64
	wrote   bool
}

func (c *cascade) sign() int64 {
	if c.taken {
		return -1
	}
	return 1
}

func (c *cascade) bucket() time.Time {
	return time.UnixMilli(c.cohortMS).UTC().Truncate(time.Hour).Add(time.Duration(c.hours) * time.Hour)
}

func hashOf(parts ...any) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%q", fmt.Sprint(parts...))
	for _, p := range parts {
		fmt.Fprintf(h, "%T%v\x00", p, p)
	}
	return h.Sum64()
}

// codeOf packs what schema/migrations/00003_money.sql says.
func codeOf(l money.Step) uint32 {
	return uint32(answer.Bit(l.Sent)) | uint32(answer.Bit(l.Delivered))<<1 | uint32(answer.Bit(l.Read))<<2 |
		uint32(answer.Bit(l.Failed))<<3 |
		uint32(answer.Bit(l.Conversation))<<4 |
		uint32(answer.Bit(l.Outside))<<5 | uint32(l.Segments)<<8
}

// insertCascades fills rollup_cascades, shapes and legs, and publishes the editions.
func insertCascades(tb testing.TB, conn driver.Conn, cascades []cascade) {
	tb.Helper()
	insert := func(statement string, rows func(add func(...any))) {
		batch, err := conn.PrepareBatch(clickhouse.Context(tb.Context(),
			clickhouse.WithSettings(clickhouse.Settings{"max_partitions_per_insert_block": 0})), statement)
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
	type cellKey struct {
		account            string
		bucket             time.Time
		edition            uint64
		cohort             time.Time
		campaign, template string
		shape              uint64
		currency           string
	}
	type sums struct {
		messages int64
		micros   big.Int
		maxMS    int64
	}
	cells := map[cellKey]*sums{}
	type id struct {
		account string
		id      uint64
	}
	shapes, legs := map[id]money.Signature{}, map[id]money.Step{}
	legID := func(l money.Step) uint64 {
		return hashOf(l.Channel, l.Provider, l.Operator, l.Country, l.Traffic, l.Sender, l.App, l.Trigger, l.ReportedIn)
	}
	for _, c := range cascades {
		parts := []any{c.shape.SMSSegments}
		for _, l := range c.shape.Steps {
			legs[id{c.account, legID(l)}] = l
			parts = append(parts, legID(l), codeOf(l))
		}
		shape := hashOf(parts...)
		shapes[id{c.account, shape}] = c.shape
		cohort := time.UnixMilli(c.cohortMS).UTC()
		add := func(currency string, messages, micros int64) {
			messages, micros = messages*c.sign(), micros*c.sign()
			k := cellKey{c.account, c.bucket(), c.edition, cohort.Truncate(15 * time.Minute), c.campaign, c.template,
				shape, currency}
			if cells[k] == nil {
				cells[k] = &sums{}
			}
			cells[k].messages += messages
			cells[k].micros.Add(&cells[k].micros, big.NewInt(micros))
			cells[k].maxMS = max(cells[k].maxMS, c.cohortMS)
		}
		currencies := slices.Sorted(maps.Keys(c.reported))
		if len(currencies) == 0 {
			add("", 1, 0)
		}
		for i, currency := range currencies {
			add(currency, int64(answer.Bit(i == 0)), c.reported[currency])
		}
	}
	insert("INSERT INTO rollup_cascades", func(add func(...any)) {
		for k, c := range cells {
			add(k.account, "difference", k.cohort, k.edition, k.bucket, k.cohort, k.campaign, k.template, k.shape,
				k.currency, c.messages,
				&c.micros, c.maxMS)
		}
	})
	insert("INSERT INTO legs", func(add func(...any)) {
		for k, l := range legs {
			add(k.account, k.id, l.Channel, l.Provider, l.Operator, l.Country, l.Traffic, l.Sender, l.App, l.Trigger,
				strings.Join(l.ReportedIn, ","))
		}
	})
	for range 2 { // Two aggregators may write a row each.
		insert("INSERT INTO shapes", func(add func(...any)) {
			for k, s := range shapes {
				ids, codes := []uint64{}, []uint32{}
				for _, l := range s.Steps {
					ids, codes = append(ids, legID(l)), append(codes, codeOf(l))
				}
				add(k.account, k.id, s.SMSSegments, ids, codes)
			}
		})
	}
	editions := map[uint64]bool{}
	for _, c := range cascades {
		editions[c.edition] = true
	}
	querytest.Publish(tb, conn, slices.Sorted(maps.Keys(editions))...)
}

// randomCascades makes messages of the days before end.
func randomCascades(seed uint64, n int, end time.Time, days int) []cascade {
	r := rand.New(rand.NewPCG(seed, 1))
	pick := func(names ...string) string { return names[r.IntN(len(names))] }
	chance := func(percent int) bool { return r.IntN(100) < percent }
	cascades := make([]cascade, n)
	for i := range cascades {
		c := &cascades[i]
		c.account = pick("acme", "acme", "центр", "z")
		c.campaign = pick("", "c1", "весна", "=cmd", "a,\"b\"\nc", "-10%")
		c.template = pick("", "otp", "order", "bday", "unknown")
		c.cohortMS = end.UnixMilli() - 1 - r.Int64N(int64(days)*24*schema.HourMS)
		c.edition = 1
		if chance(10) {
			c.hours = r.IntN(80) - 40
		}
		if chance(60) {
			c.shape.SMSSegments = uint16(1 + r.IntN(4))
		}
		c.wrote = chance(30)
		country, traffic := pick("RU", "RU", "KZ", ""), pick("promo", "otp", "")
		for range 1 + r.IntN(4) {
			l := money.Step{Channel: pick("sms", "sms", "push", "viber", "whatsapp", "flash_call", "email", "vk"),
				Provider: pick("", "mts", "fcm"),
				Operator: pick("", "25001"), Country: country, Traffic: traffic, Sender: pick("Kaskad", "Shop", "a'b"),
				App: pick("", "shop"), Trigger: pick("expired", "unread", "undelivered", "")}
			switch r.IntN(4) {
			case 0:
				l.Failed, l.Sent = true, chance(50)
			case 1:
				l.Sent = chance(50)
			default:
				l.Sent, l.Delivered, l.Read = true, true, chance(40)
			}
			if n := len(c.shape.Steps); n > 0 && chance(30) {
				l.Channel, l.Sender = c.shape.Steps[n-1].Channel, c.shape.Steps[n-1].Sender
			}
			if l.Channel == "sms" && chance(40) || chance(5) {
				l.Segments = uint16(1 + r.IntN(3))
			}
			querytest.OpenConversation(&l, c.shape.Steps, c.wrote)
			charges := map[string]int64{}
			for _, currency := range []string{"EUR", "RUB", "USD"} {
				if chance(12) {
					l.ReportedIn = append(l.ReportedIn, currency)
					if charges[currency] = r.Int64N(5_000_000); chance(2) {
						charges[currency] = 1_000_000_000_000_000 // The dearest price there is.
					}
					if c.reported == nil {
						c.reported = map[string]int64{}
					}
					c.reported[currency] += charges[currency]
				}
			}
			c.charges = append(c.charges, charges)
			c.shape.Steps = append(c.shape.Steps, l)
		}
	}
	return cascades
}

// events tell of the message what its cells say.
func (c *cascade) events(tb testing.TB, id string) (lines [][]byte) {
	tb.Helper()
	for i, l := range c.shape.Steps {
		lines = append(lines, querytest.Attempt{Account: c.account, Message: id, Campaign: c.campaign,
			Template: c.template, CohortMS: c.cohortMS, Number: i + 1, SMSSegments: c.shape.SMSSegments, Step: l,
			Charges: c.charges[i], Wrote: c.wrote && l.Channel == "whatsapp"}.Events(tb)...)
	}
	return lines
}

// naiveLists are the price lists of an account, as rows.
type naiveLists struct {
	tariffs, templates []string
}

// randomLists are lists that meet everything: borders inside of the period, two currencies, missing rows, minimums,
// dated templates.
func randomLists() map[string]naiveLists {
	row := func(channel, billing, price string, more ...string) string {
		text := fmt.Sprintf(`{"channel":%q,"billing":%q,"price":%q`, channel, billing, price)
		if !slices.Contains(more, "currency") {
			more = append(more, "currency", "RUB")
		}
		if !slices.Contains(more, "valid_from") {
			more = append(more, "valid_from", "2024-01-01T00:00:00Z")
		}
		for i := 0; i+1 < len(more); i += 2 {
			text += fmt.Sprintf(`,%q:%q`, more[i], more[i+1])
		}
		return text + "}"
	}
	template := func(name string, segments int, from, to string) string {
		end := "null"
		if to != "" {
			end = strconv.Quote(to)
		}
		return fmt.Sprintf(`{"template":%q,"sms_segments":%d,"valid_from":%q,"valid_to":%s}`, name, segments, from, end)
	}
	return map[string]naiveLists{
		"acme": {
			tariffs: []string{
				row("sms", "per_segment_sent", "2.00", "monthly_minimum", "25"),
				row("sms", "per_segment_delivered", "2.35", "provider", "mts"),
				row("sms", "per_message_sent", "1.5", "country", "KZ", "currency", "USD", "valid_from",
					"2026-10-25T10:15:00Z"),
				row("push", "per_message_sent", "0.36", "valid_to", "2026-11-08T00:00:00Z"),
				row("push", "per_message_sent", "0.000001", "valid_from", "2026-11-10T00:00:00Z"),
				row("viber", "per_message_delivered", "0.75", "valid_to", "2026-11-01T00:00:00Z", "monthly_minimum",
					"1.5"),
				row("viber", "per_message_delivered", "0.8125", "valid_from", "2026-11-01T00:00:00Z", "monthly_minimum",
					"1.5"),
				row("flash_call", "attempt_plus_connect", "0.1", "connect_price", "0.7"),
				row("whatsapp", "per_conversation_24h", "4.5"),
				row("whatsapp", "per_message_outside_window", "1.1", "sender", "Shop"),
				row("email", "zero", "0"),
			},
			templates: []string{template("otp", 3, "2024-01-01T00:00:00Z", ""),
				template("bday", 2, "2026-10-20T00:00:00Z", "2026-11-05T12:00:00Z"),
				template("bday", 4, "2026-11-05T12:00:00Z", "2026-11-08T00:00:00Z"),
				template("order", 1, "2024-01-01T00:00:00Z", "2026-11-01T00:15:00Z")},
		},
		"центр": {
			tariffs: []string{row("sms", "zero", "0", "currency", "USD"),
				row("viber", "per_message_refunded", "0.01", "currency", "USD"),
				row("push", "per_message_sent", "1000000000", "currency", "USD")},
			templates: []string{template("otp", 7, "2024-01-01T00:00:00Z", "")},
		},
	}
}

func putLists(tb testing.TB, conn driver.Conn, lists map[string]naiveLists) (versions answer.PriceVersions) {
	tb.Helper()
	for _, account := range slices.Sorted(maps.Keys(lists)) {
		versions.Tariffs = querytest.PutPrices(tb, conn, schema.ReferenceTariffs, account, lists[account].tariffs...)
		versions.Templates = querytest.PutPrices(tb, conn, schema.ReferenceTemplates, account,
			lists[account].templates...)
	}
	return versions
}

// savingsModel is the model of random messages and lists.
type savingsModel struct {
	*model.Model
	query    model.SavingsQuery
	cascades []cascade
	known    map[string][]string
}

func newSavingsModel(tb testing.TB, now time.Time, cascades []cascade, lists map[string]naiveLists) *savingsModel {
	tb.Helper()
	m := &savingsModel{Model: model.New(now), cascades: cascades, known: map[string][]string{},
		query: model.SavingsQuery{Tariffs: map[string][]settings.Tariff{},
			Templates: map[string][]settings.Template{}}}
	for i := range cascades {
		for _, line := range cascades[i].events(tb, fmt.Sprint("m", i)) {
			if err := m.Add(line); err != nil {
				tb.Fatalf("%s: %v", line, err)
			}
		}
	}
	decode := func(rows []string, to any) {
		if err := json.Unmarshal([]byte("["+strings.Join(rows, ",")+"]"), to); err != nil {
			tb.Fatal(err)
		}
	}
	for account, list := range lists {
		var tariffs []settings.Tariff
		var templates []settings.Template
		decode(list.tariffs, &tariffs)
		decode(list.templates, &templates)
		m.query.Tariffs[account], m.query.Templates[account] = tariffs, templates
	}
	return m
}

// report returns the rows that the report must have.
func (m *savingsModel) report(tb testing.TB, groupBy []string, filters map[string][]string, zone *time.Location, from,
	to time.Time) []model.SavingsRow {
	tb.Helper()
	q := m.query
	q.Query = model.Query{GroupBy: groupBy, Filters: filters, TZ: zone, From: from, To: to}
	rows, err := m.SavingsReport(q)
	if err != nil {
		tb.Fatal(err)
	}
	return rows
}

// all is report of everything, by one key at most.
func (m *savingsModel) all(tb testing.TB, key string) []model.SavingsRow {
	tb.Helper()
	var groupBy []string
	if key != "" {
		groupBy = []string{key}
	}
	return m.report(tb, groupBy, nil, time.UTC, time.Time{}, time.Time{})
}

// values are those of a key that occur.
func (m *savingsModel) values(tb testing.TB, key string, zone *time.Location) []string {
	tb.Helper()
	if key == "currency" {
		return []string{"", "RUB", "USD"}
	}
	id := key + " " + zone.String()
	if m.known[id] == nil {
		for _, row := range m.report(tb, []string{key}, nil, zone, time.Time{}, time.Time{}) {
			m.known[id] = append(m.known[id], row.Keys[0].String())
		}
	}
	return m.known[id]
}

// compare reports how rows that were answered differ from the model's.
func compare(want []model.SavingsRow, rows []map[string]any) error {
	got, err := json.Marshal(rows)
	if err != nil {
		return err
	}
	return model.CompareSavings(want, got)
}
