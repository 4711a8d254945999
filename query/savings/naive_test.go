package savings

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"math/big"
	"math/rand/v2"
	"slices"
	"sort"
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
)

// This file makes messages, stores them as the aggregator does, and computes the savings report from them one by one.
// It shares with the report the price of one message, which package money computes and tests.

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
			add(k.account, "difference", k.cohort, k.edition, k.bucket, k.cohort, k.campaign, k.template, k.shape, k.currency, c.messages,
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
		c.campaign = pick("", "c1", "весна", "=cmd", "a,\"b\"\nc", "-10%", "\xff\xfe")
		c.template = pick("", "otp", "order", "bday", "unknown")
		c.cohortMS = end.UnixMilli() - 1 - r.Int64N(int64(days)*24*schema.HourMS)
		c.edition = 1
		if chance(10) {
			c.hours = r.IntN(80) - 40
		}
		if chance(60) {
			c.shape.SMSSegments = uint16(1 + r.IntN(4))
		}
		country, traffic := pick("RU", "RU", "KZ", ""), pick("promo", "otp", "")
		steps := 1 + r.IntN(4)
		delivered := false
		for range steps {
			l := money.Step{Channel: pick("sms", "sms", "push", "viber", "whatsapp", "flash_call", "email", "vk"),
				Provider: pick("", "mts", "fcm"),
				Operator: pick("", "25001"), Country: country, Traffic: traffic, Sender: pick("Kaskad", "Shop", "a'b"),
				App: pick("", "shop"), Trigger: pick("first", "unread", "undelivered", "")}
			switch r.IntN(4) {
			case 0:
				l.Failed, l.Sent = true, chance(50)
			case 1:
				l.Sent = chance(50)
			default:
				l.Sent, l.Delivered, l.Read = true, true, chance(40)
			}
			delivered = delivered || l.Delivered
			if l.Channel == "sms" && chance(40) {
				l.Segments = uint16(1 + r.IntN(3))
			}
			if l.Channel == "whatsapp" && l.Delivered {
				l.Conversation, l.Outside = chance(50), chance(70)
			}
			for _, currency := range []string{"EUR", "RUB", "USD"} {
				if chance(12) {
					l.ReportedIn = append(l.ReportedIn, currency)
					if c.reported == nil {
						c.reported = map[string]int64{}
					}
					c.reported[currency] += r.Int64N(5_000_000)
					if chance(2) {
						c.reported[currency] += 1_000_000_000_000_000 // The dearest price there is.
					}
				}
			}
			c.shape.Steps = append(c.shape.Steps, l)
		}
	}
	return cascades
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
				row("sms", "per_segment_sent", "2.00", "monthly_minimum", "500"),
				row("sms", "per_segment_delivered", "2.35", "provider", "mts"),
				row("sms", "per_message_sent", "1.5", "country", "KZ", "currency", "USD", "valid_from",
					"2026-10-25T10:15:00Z"),
				row("push", "per_message_sent", "0.36", "valid_to", "2026-11-10T00:00:00Z"),
				row("push", "per_message_sent", "0.000001", "valid_from", "2026-11-10T00:00:00Z"),
				row("viber", "per_message_delivered", "0.75", "valid_to", "2026-11-01T00:00:00Z", "monthly_minimum",
					"60"),
				row("viber", "per_message_delivered", "0.8125", "valid_from", "2026-11-01T00:00:00Z", "monthly_minimum",
					"60"),
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

func (l naiveLists) prices(tb testing.TB) *money.PriceList {
	tb.Helper()
	tariffs, err := money.ParseTariffsJSON([]byte(`{"tariffs":[` + strings.Join(l.tariffs, ",") + "]}"))
	if err != nil {
		tb.Fatal(err)
	}
	templates, err := money.ParseTemplatesJSON([]byte(`{"templates":[` + strings.Join(l.templates, ",") + "]}"))
	if err != nil {
		tb.Fatal(err)
	}
	return money.NewPriceList(tariffs, templates)
}

// pricedCascade is a message with its price.
type pricedCascade struct {
	cascade
	priced money.Priced
}

func priceCascades(tb testing.TB, cascades []cascade, lists map[string]naiveLists) []pricedCascade {
	tb.Helper()
	prices := map[string]*money.PriceList{}
	for _, account := range []string{"acme", "центр", "z"} {
		prices[account] = lists[account].prices(tb)
	}
	all := make([]pricedCascade, len(cascades))
	for i, c := range cascades {
		all[i] = pricedCascade{c, prices[c.account].Price(&c.shape, c.template, c.cohortMS)}
	}
	return all
}

// key is the message's value of a name of the savings report.
func (p *pricedCascade) key(name string, zone *time.Location) any {
	greatest := func(of func(money.Step) string) (most string) {
		for _, l := range p.shape.Steps {
			most = max(most, of(l))
		}
		return most
	}
	switch name {
	case "account":
		return p.account
	case "campaign":
		return p.campaign
	case "template":
		return p.template
	case "sender":
		return greatest(func(l money.Step) string { return l.Sender })
	case "traffic":
		return greatest(func(l money.Step) string { return l.Traffic })
	case "country":
		return greatest(func(l money.Step) string { return l.Country })
	case "first_channel":
		return p.shape.Steps[0].Channel
	case "reached_by":
		for _, l := range p.shape.Steps {
			if l.Delivered {
				return l.Channel
			}
		}
		return ""
	case "path":
		path := p.shape.Steps[0].Channel
		for _, l := range p.shape.Steps[1:] {
			path += ">" + l.Channel
		}
		return path
	case "sms_segments":
		return int(p.priced.Segments)
	case "currency":
		return p.priced.Currency
	}
	value, found := querytest.TimeKey(name, time.UnixMilli(p.cohortMS).UTC().Truncate(15*time.Minute), zone)
	if !found {
		panic(name)
	}
	return value
}

// naiveSavingsRow gathers a row in whole numbers of any size.
type naiveSavingsRow struct {
	keys     []any
	currency string
	counts   map[string]int64
	amounts  map[string]*big.Int
	channels map[string]*naiveChannel
	minimums map[string]*naiveMinimum
	reasons  map[[2]string]int64
	mature   bool
	// open: a sender's month with a minimum is not over. mixed: a message that a minimum may hold for has steps of
	// different senders.
	open, mixed bool
}

type naiveChannel struct {
	attempts, units int64
	cost            big.Int
}

type naiveMinimum struct{ minimum, cost big.Int }

func bigOf(a money.Amount) *big.Int {
	r, ok := new(big.Rat).SetString(a.String())
	if !ok {
		panic(a.String())
	}
	r.Mul(r, big.NewRat(1_000_000, 1))
	if !r.IsInt() {
		panic(a.String())
	}
	return r.Num()
}

// naiveSavings returns the rows that the report must have, as they look in JSON.
func naiveSavings(all []pricedCascade, groupBy []string, filters map[string][]string, zone *time.Location, from, to,
	now time.Time) []map[string]any {
	groups := map[string]*naiveSavingsRow{}
cascades:
	for i := range all {
		p := &all[i]
		if p.cohortMS < from.UnixMilli() || p.cohortMS >= to.UnixMilli() {
			continue
		}
		for name, values := range filters {
			if !slices.Contains(values, fmt.Sprint(p.key(name, zone))) {
				continue cascades
			}
		}
		var keys []any
		for _, name := range groupBy {
			keys = append(keys, p.key(name, zone))
		}
		id := fmt.Sprintf("%q %q", keys, p.priced.Currency)
		g := groups[id]
		if g == nil {
			g = &naiveSavingsRow{keys: keys, currency: p.priced.Currency, counts: map[string]int64{},
				amounts: map[string]*big.Int{}, mature: true,
				channels: map[string]*naiveChannel{}, minimums: map[string]*naiveMinimum{},
				reasons: map[[2]string]int64{}}
			groups[id] = g
		}
		g.add(p, now)
	}
	rows := slices.Collect(maps.Values(groups))
	sort.Slice(rows, func(i, j int) bool {
		for k, x := range rows[i].keys {
			y := rows[j].keys[k]
			if n, ok := x.(int); ok && n != y.(int) {
				return n < y.(int)
			} else if !ok && x.(string) != y.(string) {
				return x.(string) < y.(string)
			}
		}
		return rows[i].currency < rows[j].currency
	})
	monthly := from.Equal(monthStart(from)) && to.Equal(monthStart(to))
	for _, name := range append(slices.Collect(maps.Keys(filters)), groupBy...) {
		monthly = monthly && slices.Contains([]string{"account", "sender", "month", "currency"}, name)
	}
	shown := make([]map[string]any, len(rows))
	// Of the accounts only acme has minimums, and closes its months in UTC.
	accounts, filtered := filters["account"]
	none := filtered && !slices.Contains(accounts, "acme")
	_, bySender := filters["sender"]
	bySender = bySender || slices.Contains(groupBy, "sender")
	byMonth := slices.Contains(groupBy, "month") || filters["month"] != nil
	for i, r := range rows {
		switch known := r.counts["priced_messages"] > 0 && monthly && !(byMonth && zone.String() != "UTC") && !r.open &&
			!(bySender && r.mixed); {
		case none:
			r.minimums = nil
			shown[i] = r.show(groupBy, r.counts["priced_messages"] > 0)
		default:
			shown[i] = r.show(groupBy, known)
		}
	}
	return shown
}

func monthStart(t time.Time) time.Time {
	return time.Date(t.UTC().Year(), t.UTC().Month(), 1, 0, 0, 0, 0, time.UTC)
}

func (g *naiveSavingsRow) add(p *pricedCascade, now time.Time) {
	count := func(name string, n int64) { g.counts[name] += n }
	amount := func(name string, n *big.Int) {
		if g.amounts[name] == nil {
			g.amounts[name] = new(big.Int)
		}
		g.amounts[name].Add(g.amounts[name], n)
	}
	reached, read := false, false
	for _, l := range p.shape.Steps {
		reached, read = reached || l.Delivered, read || l.Read
		can, _ := querytest.CapabilityOf(l.Channel, l.Provider)
		g.mature = g.mature && time.UnixMilli(p.cohortMS).Add(time.Duration(can.Days)*24*time.Hour).Before(now)
	}
	count("messages", 1)
	count("reached", int64(answer.Bit(reached)))
	count("read", int64(answer.Bit(read)))
	if !p.priced.OK {
		count("unpriced", 1)
		g.reasons[[2]string{p.priced.Reason, p.priced.Channel}]++
		return
	}
	count("priced_messages", 1)
	count("priced_reached", int64(answer.Bit(reached)))
	count("priced_read", int64(answer.Bit(read)))
	count("estimated", int64(answer.Bit(p.priced.Estimated)))
	count("sms_segments", int64(p.priced.Segments))
	amount("sms_only_cost", bigOf(p.priced.SMSOnly))
	amount("actual_cost", bigOf(p.priced.Actual))
	amount("saved", bigOf(p.priced.Saved))
	if !reached {
		amount("saved_unreached", bigOf(p.priced.Saved))
	} else {
		amount("saved_reached", bigOf(p.priced.Saved))
	}
	for _, l := range p.shape.Steps {
		g.mixed = g.mixed || p.account == "acme" && l.Sender != p.shape.Steps[0].Sender
	}
	amount("double_paid", bigOf(p.priced.DoublePaid))
	amount("double_paid_unread", bigOf(p.priced.DoublePaidUnread))
	amount("wasted_cost", bigOf(p.priced.Wasted))
	amount("reported_cost", big.NewInt(p.reported[p.priced.Currency]))
	amount("drift", big.NewInt(p.reported[p.priced.Currency]))
	for i, l := range p.shape.Steps {
		cost := bigOf(p.priced.Steps[i].Cost)
		if can, _ := querytest.CapabilityOf(l.Channel, l.Provider); can.Reads {
			amount("readable", cost)
			count("read_attempts", int64(answer.Bit(l.Read)))
		}
		if slices.Contains(l.ReportedIn, p.priced.Currency) {
			count("reported_attempts", 1)
			amount("drift", new(big.Int).Neg(cost))
		}
		c := g.channels[l.Channel]
		if c == nil {
			c = &naiveChannel{}
			g.channels[l.Channel] = c
		}
		c.attempts++
		c.units += int64(p.priced.Steps[i].Units)
		c.cost.Add(&c.cost, cost)
		if t := p.priced.Steps[i].Tariff; t != nil && l.Sent && t.MonthlyMinimum > 0 {
			g.open = g.open || monthStart(time.UnixMilli(p.cohortMS)).AddDate(0, 1, 0).After(now)
			id := fmt.Sprintf("%p %q %v", t, l.Sender, monthStart(time.UnixMilli(p.cohortMS)))
			m := g.minimums[id]
			if m == nil {
				m = &naiveMinimum{}
				m.minimum.SetInt64(t.MonthlyMinimum)
				g.minimums[id] = m
			}
			m.cost.Add(&m.cost, cost)
		}
	}
}

// show prints the row as JSON shows it.
func (g *naiveSavingsRow) show(groupBy []string, minimum bool) map[string]any {
	row := map[string]any{"currency": g.currency, "mature": g.mature}
	for _, name := range []string{"messages", "reached", "read", "unpriced", "estimated", "priced_messages",
		"priced_reached", "priced_read", "sms_segments", "reported_attempts"} {
		row[name] = json.Number(strconv.FormatInt(g.counts[name], 10))
	}
	amountOf := func(name string) *big.Int {
		if g.amounts[name] == nil {
			return new(big.Int)
		}
		return g.amounts[name]
	}
	for _, name := range []string{"sms_only_cost", "actual_cost", "saved", "saved_unreached", "saved_reached",
		"double_paid", "double_paid_unread", "wasted_cost", "reported_cost", "drift"} {
		if row[name] = nil; g.counts["priced_messages"] == 0 {
			continue
		}
		row[name] = naiveMoney(new(big.Rat).SetFrac(amountOf(name), big.NewInt(1_000_000)))
	}
	row["saved_rate"], row["cost_per_reached"], row["cost_per_read"], row["minimum_top_up"],
		row["saved_after_minimum"] = nil, nil, nil, nil, nil
	if only := amountOf("sms_only_cost"); only.Sign() != 0 {
		rate := naiveMoney(new(big.Rat).SetFrac(amountOf("saved"), only))
		if strings.HasSuffix(rate, ".00") {
			rate = strings.TrimSuffix(rate, ".00")
		} else {
			rate = strings.TrimSuffix(rate, "0")
		}
		row["saved_rate"] = json.Number(rate)
	}
	for name, c := range map[string]struct {
		cost string
		n    int64
	}{"cost_per_reached": {"actual_cost", g.counts["priced_reached"]},
		"cost_per_read": {"readable", g.counts["read_attempts"]}} {
		if c.n > 0 {
			row[name] = naiveMoney(new(big.Rat).SetFrac(amountOf(c.cost), big.NewInt(c.n*1_000_000)))
		}
	}
	if minimum {
		sum := new(big.Int)
		for _, m := range g.minimums {
			if missing := new(big.Int).Sub(&m.minimum, &m.cost); missing.Sign() > 0 {
				sum.Add(sum, missing)
			}
		}
		row["minimum_top_up"] = naiveMoney(new(big.Rat).SetFrac(sum, big.NewInt(1_000_000)))
		row["saved_after_minimum"] = naiveMoney(new(big.Rat).SetFrac(new(big.Int).Sub(amountOf("saved"), sum),
			big.NewInt(1_000_000)))
	}
	channels := []any{}
	for _, name := range slices.Sorted(maps.Keys(g.channels)) {
		c := g.channels[name]
		channels = append(channels, map[string]any{"channel": name,
			"attempts": json.Number(strconv.FormatInt(c.attempts, 10)),
			"units":    json.Number(strconv.FormatInt(c.units, 10)),
			"cost":     naiveMoney(new(big.Rat).SetFrac(&c.cost, big.NewInt(1_000_000)))})
	}
	row["by_channel"] = channels
	reasons := []any{}
	for _, r := range slices.SortedFunc(maps.Keys(g.reasons),
		func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
		reasons = append(reasons, map[string]any{"reason": r[0], "channel": r[1],
			"messages": json.Number(strconv.FormatInt(g.reasons[r], 10))})
	}
	row["unpriced_reasons"] = reasons
	for i, name := range groupBy {
		if n, ok := g.keys[i].(int); ok {
			row[name] = json.Number(strconv.Itoa(n))
		} else {
			row[name] = strings.ToValidUTF8(g.keys[i].(string), "\ufffd")
		}
	}
	return row
}

// naiveMoney prints at least 2 and at most 6 decimals; FloatString rounds half away from zero.
func naiveMoney(r *big.Rat) string {
	s := r.FloatString(6)
	for range 4 {
		s = strings.TrimSuffix(s, "0")
	}
	whole, fraction, _ := strings.Cut(s, ".")
	for len(fraction) < 2 {
		fraction += "0"
	}
	if strings.Trim(whole+fraction, "-0") == "" {
		whole = "0"
	}
	return whole + "." + fraction
}
