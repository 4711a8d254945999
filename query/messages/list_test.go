package messages

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"kaskad/engine/enginetest"
	"kaskad/query/querytest"
	"kaskad/schema"
	"kaskad/schema/schematest"
)

type listAnswer struct {
	AsOf          *string          `json:"as_of"`
	TariffVersion json.Number      `json:"tariff_version"`
	Rows          []map[string]any `json:"rows"`
	NextCursor    *string          `json:"next_cursor"`
}

// list asks for a page of a list of messages.
func list(tb testing.TB, h http.Handler, query string) (reply listAnswer) {
	tb.Helper()
	querytest.Decode(tb, querytest.Get(h, "/v1/messages?"+query), http.StatusOK, &reply)
	return reply
}

const submitted = `"submitted_at":"2026-11-18T10:00:00.500Z"`

// storeCascades stores messages of which each shows a rule.
func storeCascades(t *testing.T, conn driver.Conn) {
	t.Helper()
	at := func(second int) string { return fmt.Sprintf("2026-11-18T10:00:%02d.000Z", second) }
	event := func(id string, step int, channel, status string, second int, more ...string) string {
		return querytest.AcmeEvent(id, step, channel, status, at(second), append(more, submitted)...)
	}
	device := `"recipient":"device:0123456789","contact":"user-77"`
	querytest.StoreEvents(t, conn,
		// The push failed and the SMS arrived; its person is known by the contact of the push.
		event("cascade", 1, "push", "accepted", 1, device, `"campaign":"a","template":"t"`),
		event("cascade", 1, "push", "failed", 2, device, `"error_code":"7","provider":"fcm"`),
		event("cascade", 2, "sms", "sent", 3, `"campaign":"c","sms_segments":2`),
		event("cascade", 2, "sms", "delivered", 4, `"campaign":"c"`),
		// Read on the second channel only, although the first one had reached the person.
		event("unread", 1, "push", "delivered", 1, `"campaign":"c","sms_segments":1`),
		event("unread", 2, "viber", "delivered", 2, `"trigger":"unread","campaign":"c"`),
		event("unread", 2, "viber", "read", 5, `"campaign":"c"`),
		event("unread", 2, "viber", "replied", 6, `"campaign":"c"`),
		event("pending", 1, "sms", "queued", 1, `"campaign":"c","segments":1`),
		// A later step is on its way.
		event("trying", 1, "viber", "expired", 1, `"campaign":"c"`),
		event("trying", 2, "sms", "sent", 2, `"campaign":"c","sms_segments":1`),
		event("skipped", 1, "sms", "skipped", 1, `"campaign":"c","template":"s"`),
		// Parts have no times of their own but that of a code.
		event("parts", 1, "sms", "delivered", 3, `"part":1,"parts":2,"sms_segments":2`),
		event("parts", 1, "sms", "undelivered", 4, `"part":2,"parts":2,"error_code":"001","provider":"map"`),
		// Nobody says how long it is.
		event("unpriced", 1, "sms", "delivered", 1, `"recipient":"user:x"`),
		// An hour later, and of another account.
		querytest.AcmeEvent("later", 1, "sms", "delivered", "2026-11-18T11:00:09Z", `"submitted_at":"2026-11-18T11:00:00Z"`,
			`"segments":3,"recipient":"+79005550000"`),
		querytest.AcmeEvent("other", 1, "sms", "sent", "2026-11-18T10:00:00Z", submitted, `"account":"zeta"`),
		querytest.AcmeEvent("parked", 1, "sms", "delivered", "2026-11-18T10:00:09Z"),
	)
	querytest.PutTariffs(t, conn, "acme", querytest.TariffRow("sms", "per_segment_sent", "2.5"),
		querytest.TariffRow("push", "zero", "0"),
		querytest.TariffRow("viber", "per_conversation_24h", "1.25"))
	publish(t, conn)
}

func TestMessages_List_Rules(t *testing.T) {
	conn := newConn(t)
	storeCascades(t, conn)
	s := newRoom(t, conn)
	var want []map[string]any
	decoder := json.NewDecoder(strings.NewReader(`[
		{"message_id":"cascade","recipient":"+7900*****67","contact":"*******","campaign":"c","template":"t","path":"push>sms","state":"delivered","reached_by":"sms",
		 "sent_at":"2026-11-18T10:00:03.000Z","delivered_at":"2026-11-18T10:00:04.000Z","failed_at":"2026-11-18T10:00:02.000Z","reason":"unknown","error_code":"7","cost":"5.00","currency":"RUB"},
		{"message_id":"parts","path":"sms","state":"failed","failed_at":"2026-11-18T10:00:04.000Z","reason":"unknown_subscriber","error_code":"1","cost":"5.00","currency":"RUB"},
		{"message_id":"pending","campaign":"c","path":"sms","state":"pending","cost":"0.00","currency":"RUB"},
		{"message_id":"skipped","campaign":"c","template":"s","path":"","state":"skipped","cost":null,"currency":""},
		{"message_id":"trying","campaign":"c","path":"viber>sms","state":"failed","sent_at":"2026-11-18T10:00:02.000Z","failed_at":"2026-11-18T10:00:01.000Z","reason":"expired","cost":"2.50","currency":"RUB"},
		{"message_id":"unpriced","recipient":"user:*","path":"sms","state":"delivered","reached_by":"sms","delivered_at":"2026-11-18T10:00:01.000Z","cost":null,"currency":"RUB","unpriced_reason":"no_segments"},
		{"message_id":"unread","campaign":"c","path":"push>viber","state":"replied","reached_by":"push","delivered_at":"2026-11-18T10:00:01.000Z","read_at":"2026-11-18T10:00:05.000Z",
		 "replied_at":"2026-11-18T10:00:06.000Z","cost":"1.25","currency":"RUB"},
		{"message_id":"later","submitted_at":"2026-11-18T11:00:00.000Z","recipient":"+7900*****00","path":"sms","state":"delivered","reached_by":"sms","delivered_at":"2026-11-18T11:00:09.000Z","cost":"7.50","currency":"RUB"},
		{"account":"zeta","message_id":"other","path":"sms","state":"pending","sent_at":"2026-11-18T10:00:00.000Z","cost":null,"currency":"","unpriced_reason":"no_segments"}]`))
	if err := decoder.Decode(&want); err != nil {
		t.Fatal(err)
	}
	for _, row := range want {
		for name, missing := range map[string]any{"account": "acme", "submitted_at": "2026-11-18T10:00:00.500Z",
			"recipient": "+7900*****67", "contact": "", "campaign": "", "template": "", "reached_by": "", "sent_at": nil,
			"delivered_at": nil, "read_at": nil, "replied_at": nil, "failed_at": nil, "reason": "", "error_code": "",
			"unpriced_reason": ""} {
			if _, given := row[name]; !given {
				row[name] = missing
			}
		}
	}
	reply := list(t, s, "")
	if reply.AsOf == nil || reply.TariffVersion == "0" || reply.NextCursor != nil {
		t.Errorf("envelope: %+v", reply)
	}
	querytest.SameRows(t, "all", reply.Rows, want)
	ids := func(rows []map[string]any) (all []string) {
		for _, row := range rows {
			all = append(all, row["message_id"].(string))
		}
		return all
	}
	number := url.QueryEscape("+79001234567")
	for query, names := range map[string]string{
		"account=zeta":                                    "other",
		"account=nobody":                                  "",
		"campaign=c":                                      "cascade pending skipped trying unread",
		"campaign=a":                                      "", // of a step, and not the message's
		"campaign=&account=acme":                          "parts unpriced later",
		"channel=viber":                                   "trying unread",
		"channel=viber&channel=push":                      "cascade trying unread",
		"status=failed":                                   "parts trying",
		"status=pending&status=skipped":                   "pending skipped other",
		"recipient=" + number:                             "cascade parts pending skipped trying unread other",
		"recipient=device:0123456789":                     "cascade",
		"recipient=user:x&recipient=%2B79005550000":       "unpriced later",
		"recipient=user:x&recipient=+79005550000":         "unpriced later", // a plus that is not encoded
		"recipient=user:nobody":                           "",
		"contact=user-77":                                 "cascade",
		"contact=user-77&status=read":                     "",
		"from=2026-11-18T11:00:00Z":                       "later",
		"to=2026-11-18T10:00:00Z":                         "",
		"from=2026-11-18T13:00&tz=Europe/Moscow":          "?",
		"from=2026-11-18&to=2026-11-19&tz=Europe/Moscow":  "cascade parts pending skipped trying unpriced unread later other",
		"to=2026-11-18T14:00:00%2B03:00&recipient=user:x": "unpriced",
	} {
		if names == "?" {
			querytest.WantProblem(t, querytest.Get(s, "/v1/messages?"+query), http.StatusBadRequest, "from")
			continue
		}
		for _, limit := range []string{"", "&limit=2", "&limit=1"}[:enginetest.World(t, 2, 3, 3)] {
			var rows []map[string]any
			page := list(t, s, query+limit)
			for rows = page.Rows; page.NextCursor != nil; rows = append(rows, page.Rows...) {
				page = list(t, s, query+limit+"&cursor="+*page.NextCursor)
				if len(page.Rows) == 0 {
					t.Fatalf("%s%s: an empty page", query, limit)
				}
			}
			if got := ids(rows); !slices.Equal(got, strings.Fields(names)) {
				t.Errorf("%s%s: %v, want %v", query, limit, got, names)
			}
		}
	}
	var ofNumber listAnswer
	querytest.Decode(t, querytest.Get(s, "/v1/numbers/%2B79001234567/messages?account=acme&status=failed"),
		http.StatusOK, &ofNumber)
	if got := ids(ofNumber.Rows); !slices.Equal(got, []string{"parts", "trying"}) {
		t.Errorf("of a number: %v", got)
	}
	export := querytest.Get(s, "/v1/messages?limit=all&format=csv&campaign=c")
	if export.Code != http.StatusOK || strings.Count(export.Body.String(), "\r\n") != 6 ||
		export.Header().Get("Kaskad-As-Of") == "" {
		t.Errorf("export: %d %v %s", export.Code, export.Header(), export.Body)
	}
}

func TestMessages_List_Errors(t *testing.T) {
	conn := newConn(t)
	s := newRoom(t, conn)
	for query, parameter := range map[string]string{"status=sent": "status", "channel=fax": "channel",
		"recipient=79001234567": "recipient", "recipient=": "recipient", "recipient=user:": "recipient",
		"contact=": "contact", "account=": "account", "limit=0": "limit", "limit=all": "limit", "cursor=x": "cursor",
		"from=yesterday": "from", "to=2026-11-18T10:00:01Z": "to", "tz=Moon": "tz", "format=yaml": "format",
		"group_by=channel": "group_by", "limit=all&format=csv&cursor=x": "cursor"} {
		querytest.WantProblem(t, querytest.Get(s, "/v1/messages?"+query), http.StatusBadRequest, parameter)
	}
	querytest.WantProblem(t, querytest.Get(s, "/v1/numbers/79001234567/messages"), http.StatusBadRequest, "number")
	querytest.WantProblem(t, querytest.Get(s, "/v1/numbers/%2B79001234567/messages?recipient=user:x"),
		http.StatusBadRequest, "recipient")
	// A cursor goes on with its own query alone.
	storeCascades(t, conn)
	cursor := *list(t, s, "limit=1&campaign=c").NextCursor
	querytest.WantProblem(t, querytest.Get(s, "/v1/messages?cursor="+cursor), http.StatusBadRequest, "cursor")
}

// Of one message the steps say what each of them cost, and by which row.
func TestMessages_One_Costs(t *testing.T) {
	conn := newConn(t)
	storeCascades(t, conn)
	s := newRoom(t, conn)
	type cost struct {
		Units    *int
		Cost     *string
		Currency string
		Tariff   map[string]any
	}
	for id, want := range map[string][]string{
		"cascade": {"0 0.00 RUB push zero", "2 5.00 RUB sms per_segment_sent"},
		"unread":  {"0 0.00 RUB push zero", "1 1.25 RUB viber per_conversation_24h"},
		"pending": {"0 0.00 RUB sms per_segment_sent"}, // not sent
		"skipped": {"nil nil nil"},
		// By segments, of which nobody knows.
		"unpriced": {"nil nil RUB sms per_segment_sent"},
		"other":    {"nil nil nil"},
	} {
		var reply struct{ Steps []cost }
		querytest.Decode(t, querytest.Get(s, "/v1/messages/"+id), http.StatusOK, &reply)
		var got []string
		for _, step := range reply.Steps {
			shown := "nil nil"
			if step.Units != nil && step.Cost != nil {
				shown = fmt.Sprint(*step.Units, " ", *step.Cost)
			}
			if step.Tariff == nil {
				shown += " nil"
			} else {
				shown += fmt.Sprint(" ", step.Currency, " ", step.Tariff["channel"], " ", step.Tariff["billing"])
			}
			got = append(got, shown)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", id, got, want)
		}
	}
}

// sums are what a list or a report adds up to, by name.
type sums map[string]string

// add adds a decimal.
func (s sums) add(tb testing.TB, name, amount string) {
	tb.Helper()
	sum, ok := new(big.Rat).SetString(amount)
	if !ok {
		tb.Fatalf("%s is %q, want a decimal", name, amount)
	}
	if before, found := new(big.Rat).SetString(s[name]); found {
		sum.Add(sum, before)
	}
	s[name] = sum.RatString()
}

// Random messages: what the list says of them adds up to the savings report, group by group; pages and exports of every
// form hold the same rows, whatever their size.
func TestMessages_List_Law(t *testing.T) {
	conn, columns := schematest.ConnColumns(t)
	r := rand.New(rand.NewPCG(7, 7))
	pick := func(names ...string) string { return names[r.IntN(len(names))] }
	var lines []string
	for i := range 400 {
		account, id := pick("acme", "shop"), fmt.Sprintf("m-%03d", i)
		cohort := querytest.Now().Add(-1).UnixMilli() - r.Int64N(9*24)*schema.HourMS - int64(r.IntN(3600_000))
		text := func(ms int64) string { return fmt.Sprintf("%d", cohort+ms) }
		if r.IntN(3) == 0 { // The id says another hour.
			id = fmt.Sprintf("%08x-%04x-7000-8000-%012x", uint64(cohort-2*schema.HourMS)>>16, uint64(cohort)&0xffff, i)
		}
		recipient := fmt.Sprintf("+7900%07d", r.IntN(60))
		for step := range 1 + r.IntN(3) {
			for range 1 + r.IntN(3) {
				more := []string{fmt.Sprintf(`"account":%q,"recipient":%q,"submitted_at":%s`, account, recipient, text(0))}
				for _, field := range []string{"campaign:a", "campaign:б", "template:t", "sender:S", "sender:T",
					"sms_segments:#2", "segments:#3", "error_code:1", "provider:map"} {
					name, value, _ := strings.Cut(field, ":")
					if r.IntN(3) > 0 || strings.Contains(strings.Join(more, ","), name) {
						continue
					}
					if n, number := strings.CutPrefix(value, "#"); number {
						more = append(more, fmt.Sprintf(`%q:%s`, name, n))
					} else {
						more = append(more, fmt.Sprintf(`%q:%q`, name, value))
					}
				}
				status := pick("accepted", "sent", "delivered", "delivered", "read", "replied", "undelivered", "expired",
					"rejected", "skipped", "queued")
				lines = append(lines, querytest.AcmeEvent(id, step+1, pick("sms", "whatsapp", "viber", "push"), status,
					"AT", more...))
				lines[len(lines)-1] = strings.Replace(lines[len(lines)-1], `"AT"`, text(r.Int64N(3*24*schema.HourMS)/100), 1)
			}
		}
	}
	querytest.StoreEvents(t, conn, lines...)
	querytest.PutTariffs(t, conn, "acme", querytest.TariffRow("sms", "per_segment_delivered", "2.345678"),
		querytest.TariffRow("whatsapp", "per_conversation_24h", "4.5", "valid_from", "2026-11-13T10:15:00Z"),
		querytest.TariffRow("viber", "per_message_outside_window", "0.000001"), querytest.TariffRow("push", "zero", "0"))
	querytest.PutTariffs(t, conn, "shop", querytest.TariffRow("sms", "per_segment_sent", "1"),
		querytest.TariffRow("push", "per_message_refunded", "0.1"), querytest.TariffRow("viber", "per_message_sent", "1",
			"sender", "S"))
	querytest.PutPrices(t, conn, schema.ReferenceTemplates, "acme",
		`{"template":"t","sms_segments":4,"valid_from":"2026-11-12T00:00:00Z","valid_to":null}`)
	publish(t, conn)
	s := newRoom(t, conn, withColumns(columns)) // exports by columns, pages by rows
	all := list(t, s, "limit=10000").Rows
	if len(all) < 350 {
		t.Fatalf("%d rows", len(all))
	}
	got := map[string]sums{}
	for _, row := range all {
		if row["state"] == "skipped" {
			continue
		}
		key := fmt.Sprint(row["account"], "/", row["campaign"], "/", row["template"], "/", row["path"], "/",
			row["reached_by"], "/", row["currency"])
		if got[key] == nil {
			got[key] = sums{}
		}
		count := func(name string, counted bool) {
			if counted {
				got[key].add(t, name, "1")
			}
		}
		count("messages", true)
		count("reached", row["reached_by"] != "")
		count("read", row["state"] == "read" || row["state"] == "replied")
		count("unpriced", row["cost"] == nil)
		if (row["cost"] == nil) != (row["unpriced_reason"] != "") {
			t.Errorf("%v: a cost or a reason", row)
		}
		if row["cost"] != nil {
			got[key].add(t, "actual_cost", row["cost"].(string))
		}
	}
	var savings listAnswer
	querytest.Decode(t, querytest.Get(s,
		"/v1/reports/savings?limit=10000&group_by=account,campaign,template,path,reached_by"), http.StatusOK, &savings)
	want := map[string]sums{}
	for _, row := range savings.Rows {
		key := fmt.Sprint(row["account"], "/", row["campaign"], "/", row["template"], "/", row["path"], "/",
			row["reached_by"], "/", row["currency"])
		want[key] = sums{}
		for _, name := range []string{"messages", "reached", "read", "unpriced", "actual_cost"} {
			if row[name] != nil && fmt.Sprint(row[name]) != "0" {
				want[key].add(t, name, fmt.Sprint(row[name]))
			}
		}
	}
	if len(want) < 50 || !reflect.DeepEqual(got, want) {
		for key := range want {
			if !reflect.DeepEqual(got[key], want[key]) {
				t.Errorf("%s: the list says %v, the report %v", key, got[key], want[key])
			}
		}
		for key := range got {
			if want[key] == nil {
				t.Errorf("%s: the report has no such row", key)
			}
		}
	}
	t.Run("Pages", func(t *testing.T) {
		for _, query := range []string{"limit=1&account=shop&from=2026-11-19T12:00:00Z", "limit=31", "limit=100&campaign=a",
			"limit=3&status=replied", "limit=5&recipient=%2B79000000007", "limit=399"} {
			filters := strings.Split(query, "&")[1:]
			whole := list(t, s, strings.Join(append(filters, "limit=10000"), "&")).Rows
			page := list(t, s, query)
			rows := page.Rows
			for page.NextCursor != nil {
				page = list(t, s, query+"&cursor="+*page.NextCursor)
				rows = append(rows, page.Rows...)
			}
			if len(whole) == 0 {
				t.Errorf("%s: nothing", query)
			}
			querytest.SameRows(t, query, rows, whole)
		}
	})
	t.Run("Formats", func(t *testing.T) {
		lines := strings.Split(strings.TrimSpace(querytest.Get(s, "/v1/messages?limit=all&format=ndjson").Body.String()),
			"\n")
		if len(lines) != len(all) {
			t.Fatalf("%d lines, want %d", len(lines), len(all))
		}
		for i, line := range lines {
			var row map[string]any
			if err := json.Unmarshal([]byte(line), &row); err != nil || !reflect.DeepEqual(row, all[i]) {
				t.Fatalf("line %d: %s, %v; want %v", i, line, err, all[i])
			}
		}
		table, err := csv.NewReader(querytest.Get(s, "/v1/messages?limit=all&format=csv").Body).ReadAll()
		if err != nil || len(table) != len(all)+1 {
			t.Fatal(len(table), err)
		}
		rows, _ := querytest.ReadArrow(t, bytes.NewReader(
			querytest.Get(s, "/v1/messages?limit=all&format=arrow").Body.Bytes()))
		if len(rows) != len(all) || rows[0]["message_id"] != all[0]["message_id"] {
			t.Errorf("%d rows of Arrow", len(rows))
		}
	})
}
