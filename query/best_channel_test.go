package query

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"kaskad/query/answer"
	"kaskad/query/querytest"
	"kaskad/schema"
	"kaskad/simulate/model/settings"
)

// naiveBestChannels computes the export by loops over maps.
func naiveBestChannels(rows []folded, isLost func(folded) bool, lists map[string][]settings.Tariff,
	filters map[string][]string, from, to time.Time) []map[string]any {
	type key struct{ account, person string }
	people := map[key][]folded{}
	for _, f := range rows {
		if !f.skip && f.delivered && f.naiveKeep(filters, time.UTC, from, to) && !isLost(f) {
			people[key{f.account, f.person()}] = append(people[key{f.account, f.person()}], f)
		}
	}
	var sorted []key
	for k := range people {
		sorted = append(sorted, k)
	}
	slices.SortFunc(sorted, func(a, b key) int {
		return naiveCompare([]any{a.account, a.person},
			[]any{b.account, b.person})
	})
	var all []map[string]any
	for _, k := range sorted {
		// latest is the latest attempt on a channel that was read, or delivered.
		latest := func(channel string, read bool) (found bool, proof folded) {
			at := func(f folded) int64 {
				if read {
					return f.readMS
				}
				return f.deliveredMS
			}
			for _, f := range people[k] {
				if f.channel != channel || (read && !f.read) {
					continue
				}
				if !found || naiveCompare([]any{int(at(f)), f.message, int(f.step)},
					[]any{int(at(proof)), proof.message, int(proof.step)}) > 0 {
					found, proof = true, f
				}
			}
			return found, proof
		}
		// price is of one more message like it, by the letter.
		price := func(f folded) (cost any, micros int, currency string) {
			row, amount, err := f.alone(testNow.UnixMilli()).OneMore(lists[k.account])
			if err != nil {
				panic(err)
			}
			if amount == nil {
				return nil, 0, ""
			}
			return microsText(amount), int(amount.Int64()), row.Currency
		}
		read := slices.ContainsFunc(people[k], func(f folded) bool { return f.read })
		currency := ""
		for _, byRead := range []bool{false, true} {
			if found, sms := latest("sms", byRead); found {
				if _, _, its := price(sms); its != "" {
					currency = its
				}
			}
		}
		type choice struct {
			row    map[string]any
			micros int
		}
		var choices []choice
		for _, channel := range slices.Sorted(slices.Values(schema.Channels.Names())) {
			if found, f := latest(channel, read); found {
				cost, micros, its := price(f)
				row := map[string]any{"account": k.account, "contact": k.person, "channel": channel,
					"recipient": f.recipient, "evidence": "delivered", "cost": cost, "currency": its}
				if read {
					row["evidence"] = "read"
				}
				if cost != nil {
					currency = cmp.Or(currency, its)
				}
				choices = append(choices, choice{row, micros})
			}
		}
		slices.SortStableFunc(choices, func(a, b choice) int {
			rank := func(c choice) int {
				return 2*int(answer.Bit(c.row["cost"] == nil)) + int(answer.Bit(c.row["currency"] != currency))
			}
			return naiveCompare([]any{rank(a), a.micros, a.row["channel"]}, []any{rank(b), b.micros, b.row["channel"]})
		})
		all = append(all, choices[0].row)
	}
	return all
}

func TestServer_BestChannel_Naive(t *testing.T) {
	conn := newConn(t)
	r := rand.New(rand.NewPCG(0, 41))
	rows := randomFolded(r, 400, testNow, 40)
	insertFolded(t, conn, r, rows)
	losses, dead := randomLosses(r, 60, rows), randomDead(r, rows)
	insertLosses(t, conn, losses)
	insertDead(t, conn, dead)
	putErrorLine(t, conn)
	isLost := naiveLost(rows, losses, dead)
	lists := testPrices()
	putTestPrices(t, conn, lists)
	s := newServer(t, conn)
	evidence, channels, unpriced := map[any]bool{}, map[any]bool{}, false
	for range 4 {
		from := testNow.AddDate(0, 0, -r.IntN(45)).Add(time.Duration(r.IntN(96)) * 15 * time.Minute)
		to := from.Add(time.Duration(1+r.IntN(96*40)) * 15 * time.Minute)
		values := url.Values{"from": {from.Format(time.RFC3339)}, "to": {to.Format(time.RFC3339)}}
		filters := map[string][]string{}
		for range r.IntN(3) {
			name := []string{"account", "channel"}[r.IntN(2)]
			value := fmt.Sprint(naiveKey(rows[r.IntN(len(rows))].cell, name, time.UTC))
			filters[name] = append(filters[name], value)
			values.Add(name, value)
		}
		want := naiveBestChannels(rows, isLost, lists, filters, from, to)
		whole := get(s, "/v1/numbers/best-channel?limit=all&format=ndjson&"+values.Encode()).Body.String()
		if lines := strings.Count(whole, "\n"); lines != len(want) {
			t.Errorf("all at once: %d rows, want %d", lines, len(want))
		}
		checkPages(t, s, "/v1/numbers/best-channel", r, values, want)
		checkBestCounts(t, s, values, want)
		for _, row := range want {
			evidence[row["evidence"]], channels[row["channel"]] = true, true
			unpriced = unpriced || row["cost"] == nil
		}
		if t.Failed() {
			return
		}
	}
	if !unpriced || len(evidence) != 2 || len(channels) < 5 {
		t.Errorf("the test saw too little: unpriced %v, %v, %v", unpriced, evidence, channels)
	}
}

// checkBestCounts holds the counts against the rows of the list.
func checkBestCounts(t *testing.T, s *Server, values url.Values, list []map[string]any) {
	t.Helper()
	want := map[string][2]int{}
	for _, row := range list {
		key := fmt.Sprint(row["channel"], " ", row["evidence"])
		n := want[key]
		want[key] = [2]int{n[0] + 1, n[1] + int(answer.Bit(row["cost"] == nil))}
	}
	asked := maps.Clone(values)
	delete(asked, "limit") // It has no pages.
	var reply pageAnswer
	decode(t, get(s, "/v1/numbers/best-channel/counts?"+asked.Encode()), http.StatusOK, &reply)
	got := reply.Rows
	for _, row := range got {
		n := want[fmt.Sprint(row["channel"], " ", row["evidence"])]
		if row["people"] != number(n[0]) || row["unpriced"] != number(n[1]) {
			t.Errorf("%s: %v, want %v", values.Encode(), row, n)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s: %d rows, want %d", values.Encode(), len(got), len(want))
	}
}

// The prices of an export are those of its first page, and so is its period, however long it takes.
func TestServer_BestChannel_Envelope(t *testing.T) {
	conn := newConn(t)
	at := testNow.Add(-10 * 24 * time.Hour)
	attempt := func(contact, recipient, channel string, read bool) folded {
		f := folded{contact: contact, recipient: recipient, message: contact + channel, cohortMS: at.UnixMilli(),
			startMS: at.UnixMilli(), deliveredMS: at.UnixMilli() + 1,
			readMS: schema.Never, sent: true, delivered: true, read: read, segments: 1}
		if read {
			f.readMS = at.UnixMilli() + 2
		}
		f.account, f.channel, f.step, f.generation, f.bucket = "shop", channel, 1, 7, at
		return f
	}
	insertFolded(t, conn, rand.New(rand.NewPCG(1, 1)), []folded{
		attempt("c1", "device:1", "push", true), attempt("c1", "+79000000001", "sms", false), // read beats cheaper
		// the connect price counts
		attempt("c2", "+79000000002", "voice", false), attempt("c2", "+79000000002", "sms", false),
		attempt("", "+79000000003", "viber", true),
	})
	list := []string{querytest.TariffRow("push", "per_message_sent", "9"),
		querytest.TariffRow("sms", "per_segment_sent", "2"),
		querytest.TariffRow("voice", "attempt_plus_connect", "1.50", "connect_price", "0.60")}
	querytest.PutTariffs(t, conn, "shop", list...)
	s := newServer(t, conn)
	const query = "/v1/numbers/best-channel?from=2026-11-01&to=2026-11-20"
	want := `{"report":"best-channel","from":"2026-11-01T00:00:00Z","to":"2026-11-20T00:00:00Z","tz":"UTC","as_of":"2026-11-20T00:00:00.000Z","lag_seconds":0,"tariff_version":1,"rows":[` +
		`{"account":"shop","contact":"+79000000003","channel":"viber","recipient":"+79000000003","evidence":"read","cost":null,"currency":""},` +
		`{"account":"shop","contact":"c1","channel":"push","recipient":"device:1","evidence":"read","cost":"9.00","currency":"RUB"},` +
		`{"account":"shop","contact":"c2","channel":"sms","recipient":"+79000000002","evidence":"delivered","cost":"2.00","currency":"RUB"}],"next_cursor":null}`
	if got := get(s, query).Body.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if csv := get(s, query+"&limit=all&format=csv").Body.String(); !strings.HasSuffix(csv,
		"shop,c1,push,device:1,read,9.00,RUB\r\nshop,c2,sms,\"+79000000002\",delivered,2.00,RUB\r\n") {
		t.Errorf("all at once: %s", csv)
	}
	page := answerOf(t, s, "/v1/numbers/best-channel", url.Values{"limit": {"2"}, "account": {"shop"}})
	list[1] = querytest.TariffRow("sms", "per_segment_sent", "3")
	querytest.PutTariffs(t, conn, "shop", list...)
	later := newServer(t, conn, func(c *Config,
		_ *Deps) {
		c.Now = func() time.Time { return testNow.AddDate(2, 0, 0) }
	})
	next := answerOf(t, later, "/v1/numbers/best-channel",
		url.Values{"account": {"shop"}, "cursor": {*page.NextCursor}})
	if len(next.Rows) != 1 || next.Rows[0]["cost"] != "2.00" || next.From != page.From || next.NextCursor != nil {
		t.Errorf("the second page: %+v", next)
	}
	if now := answerOf(t, s, "/v1/numbers/best-channel", url.Values{}); now.Rows[2]["channel"] != "voice" ||
		now.Rows[2]["cost"] != "2.10" {
		t.Errorf("the prices of now: %v", now.Rows)
	}
}

// The law of prices: segments of the evidence are billed, and currencies other than that of the person's SMS come after
// it.
func TestServer_BestChannel_Cost(t *testing.T) {
	conn := newConn(t)
	at := testNow.Add(-10 * 24 * time.Hour)
	var rows []folded
	say := func(contact, channel string, read bool, more ...func(*folded)) {
		f := folded{contact: contact, recipient: channel + ":" + contact, message: fmt.Sprint(len(rows)),
			cohortMS: at.UnixMilli(), startMS: at.UnixMilli(),
			deliveredMS: at.UnixMilli() + int64(len(rows)), readMS: schema.Never, sent: true, delivered: true,
			read: read}
		if read {
			f.readMS = f.deliveredMS
		}
		f.account, f.channel, f.step, f.generation, f.bucket = "shop", channel, 1, 7, at
		for _, change := range more {
			change(&f)
		}
		rows = append(rows, f)
	}
	segments := func(n uint16) func(*folded) { return func(f *folded) { f.segments = n } }
	say("four segments", "sms", false, segments(4))
	say("four segments", "whatsapp", false)
	say("one segment", "sms", false, segments(1))
	say("one segment", "whatsapp", false)
	say("one by its message", "sms", false, func(f *folded) { f.smsSegments = 1 })
	say("one by its message", "whatsapp", false)
	say("the latest", "sms", false, segments(1))
	say("the latest", "sms", false, segments(4), func(f *folded) { f.recipient = "a later one" })
	say("not billed", "sms", false, segments(3), func(f *folded) { f.notBilled = true })
	say("sms decides", "sms", false, segments(1))
	say("sms decides", "viber", true)
	say("sms decides", "whatsapp", true)
	say("first by name", "viber", true)
	say("first by name", "whatsapp", true)
	say("unknown segments", "sms", true)
	insertFolded(t, conn, rand.New(rand.NewPCG(1, 1)), rows)
	querytest.PutTariffs(t, conn, "shop", querytest.TariffRow("sms", "per_segment_delivered", "2.00"),
		querytest.TariffRow("whatsapp", "per_message_outside_window", "4.50"),
		strings.Replace(querytest.TariffRow("viber", "per_message_delivered", "0.01"), `"RUB"`, `"EUR"`, 1))
	got := map[string]string{}
	for _, row := range answerOf(t, newServer(t, conn), "/v1/numbers/best-channel", url.Values{}).Rows {
		got[row["contact"].(string)] = fmt.Sprintf("%v %v %v %v", row["channel"], row["recipient"], row["cost"],
			row["currency"])
	}
	for contact, want := range map[string]string{
		"four segments": "whatsapp whatsapp:four segments 4.50 RUB", "one segment": "sms sms:one segment 2.00 RUB",
		"one by its message": "sms sms:one by its message 2.00 RUB",
		"the latest":         "sms a later one 8.00 RUB", "not billed": "sms sms:not billed 6.00 RUB",
		"sms decides":   "whatsapp whatsapp:sms decides 4.50 RUB",
		"first by name": "viber viber:first by name 0.01 EUR", "unknown segments": "sms sms:unknown segments <nil> ",
	} {
		if got[contact] != want {
			t.Errorf("%s: %s, want %s", contact, got[contact], want)
		}
	}
}

func TestServer_BestChannel_Errors(t *testing.T) {
	s := newServer(t, noConn{})
	hash := answer.QueryHash("best-channel", "UTC", "", "")
	bare, err := s.db.Cursors.Seal(t.Context(),
		answer.Cursor{Query: hash, After: [][]byte{nil, nil}, Snapshot: &answer.Snapshot{}})
	if err != nil {
		t.Fatal(err)
	}
	for query, c := range map[string][2]string{
		"group_by=channel":   {"group_by", "is unknown here"},
		"channel=pager":      {"channel", "is no channel"},
		"from=2026-11-01T1":  {"from", "RFC 3339"},
		"cursor=x":           {"cursor", "cannot be read"},
		"cursor=" + bare:     {"cursor", "cannot be read"},
		"limit=many":         {"limit", "whole number"},
		"format=xml":         {"format", "is no format"},
		"tz=Mars":            {"tz", "IANA"},
		"to=2026-11-01T00:3": {"to", "RFC 3339"},
	} {
		wantProblem(t, get(s, "/v1/numbers/best-channel?"+query), http.StatusBadRequest, c[0], c[1])
	}
}
