package numbers

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"kaskad/engine/enginetest"
	"kaskad/query/answer"
	"kaskad/query/querytest"
	"kaskad/schema/schematest"
)

// All forms of an export hold the same rows, more than one batch of them, in one answer.
func TestNumbers_Dead_Export(t *testing.T) {
	conn, columns := schematest.ConnColumns(t)
	const n = 40_000
	insertDeadNumbers(t, conn, n)
	querytest.PutTariffs(t, conn, "acme", querytest.TariffRow("sms", "per_segment_sent", "2.00"))
	insertHealth(t, conn, "number_health", dead("beta", "+79000000003", 1),
		healthRow{account: "beta", number: "+79000000004", version: 1, state: "active"})
	s := newRoom(conn, withColumns(columns))
	server := httptest.NewServer(s)
	defer server.Close()
	fetch := func(query string, headers ...string) *http.Response {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/v1/numbers/dead?"+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i+1 < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		w, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { w.Body.Close() })
		if w.StatusCode != http.StatusOK || w.Header.Get("Kaskad-As-Of") == "" ||
			w.Header.Get("Kaskad-Tariff-Version") != "1" || w.Header.Get("Kaskad-Next-Cursor") != "" {
			t.Fatal(w.Status, w.Header)
		}
		return w
	}
	var want []map[string]any
	d := json.NewDecoder(fetch("limit=all&format=ndjson").Body)
	d.UseNumber()
	for {
		var row map[string]any
		if err := d.Decode(&row); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		want = append(want, row)
	}
	if len(want) != n+1 {
		t.Fatalf("%d rows, want %d", len(want), n+1)
	}
	if !slices.IsSortedFunc(want, func(a, b map[string]any) int {
		return strings.Compare(fmt.Sprint(a["number"]), fmt.Sprint(b["number"]))
	}) {
		t.Error("rows are not in the order of numbers")
	}
	response := fetch("limit=all", "Accept", "application/vnd.apache.arrow.stream")
	if response.Header.Get("Content-Type") != "application/vnd.apache.arrow.stream" {
		t.Error(response.Header)
	}
	got, schema := querytest.ReadArrow(t, response.Body)
	if wantSchema := "account utf8, number utf8, since timestamp[ms, tz=UTC], rule utf8, reasons map<utf8, uint32, " +
		"items_nullable>, last_delivered_at timestamp[ms, tz=UTC], " +
		"last_failed_at timestamp[ms, tz=UTC], failed_mailings int64, failed_days int64, wasted_cost decimal(38, 6), currency " +
		"utf8, rule_version int64, first_failed_at timestamp[ms, tz=UTC], " +
		"possible_reassignment bool, operator utf8, ported bool, valid bool, owner_changed_at timestamp[ms, tz=UTC], " +
		"guessed int64, reachable_on utf8, opt_outs utf8"; schema != wantSchema {
		t.Errorf("schema %s", schema)
	}
	if len(got) != len(want) {
		t.Fatalf("%d rows as Arrow, want %d", len(got), len(want))
	}
	for i := range got {
		for name, v := range want[i] {
			// Arrow prints times with a space, or fewer zeros.
			a, b := fmt.Sprint(got[i][name]), fmt.Sprint(v)
			if list, is := v.([]any); is {
				encoded, err := json.Marshal(list)
				if err != nil {
					t.Fatal(err)
				}
				var again any
				if err := json.Unmarshal([]byte(a), &again); err != nil {
					t.Fatal(err)
				}
				text, _ := json.Marshal(again)
				a, b = string(text), string(encoded)
			}
			if strings.HasSuffix(name, "_at") || name == "since" {
				a, b = strings.TrimRight(strings.NewReplacer(" ", "T", "Z", "").Replace(a), "0."),
					strings.TrimRight(strings.TrimSuffix(b, "Z"), "0.")
			}
			if a != b {
				t.Fatalf("row %d, %s: %s, want %s", i, name, a, b)
			}
		}
	}
	body, err := io.ReadAll(fetch("limit=all&format=csv").Body)
	if lines := strings.Count(string(body), "\r\n"); err != nil || lines != n+2 {
		t.Errorf("csv has %d lines: %v", lines, err)
	}
	// A page is the start of the same list.
	page, _ := querytest.ReadArrow(t, strings.NewReader(querytest.Get(s,
		"/v1/numbers/dead?limit=10&format=arrow").Body.String()))
	for i := range page {
		if page[i]["number"] != want[i]["number"] {
			t.Errorf("row %d of a page: %v", i, page[i])
		}
	}
	if empty, schema := querytest.ReadArrow(t, strings.NewReader(querytest.Get(s,
		"/v1/numbers/dead?account=nobody&format=arrow").Body.String())); len(empty) != 0 ||
		!strings.HasPrefix(schema, "account utf8") {
		t.Errorf("an empty list: %v, %s", empty, schema)
	}
}

// What fails after it has begun is cut off: nobody takes a part for the whole. What fails before is an error as any
// other.
func TestNumbers_Dead_ExportFails(t *testing.T) {
	conn, columns := schematest.ConnColumns(t)
	insertDeadNumbers(t, conn, 3*chunkSize)
	last := dead("acme", "+79999999999", 1)
	last.streak = []streakRow{{leg: 12345, code: 9, smsSegments: 1}}
	lost := dead("lost", "+79999999999", 1)
	lost.streak = last.streak
	insertHealth(t, conn, "number_health", last, lost)
	server := httptest.NewServer(newRoom(conn, withColumns(columns)))
	defer server.Close()
	for _, form := range []string{"csv", "ndjson", "arrow"} {
		r, err := http.Get(server.URL + "/v1/numbers/dead?limit=all&account=acme&format=" + form)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, r.Body)
		r.Body.Close()
		if !errors.Is(err, io.ErrUnexpectedEOF) || n == 0 || r.StatusCode != http.StatusOK {
			t.Errorf("%s: %s, %d bytes, %v", form, r.Status, n, err)
		}
		r, err = http.Get(server.URL + "/v1/numbers/dead?limit=all&account=lost&format=" + form)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != http.StatusInternalServerError ||
			r.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %s %v", form, r.Status, r.Header)
		}
	}
}

// An export goes on for longer than a server gives other requests, as long as the client reads.
func TestNumbers_Dead_SlowClient(t *testing.T) {
	conn := schematest.Conn(t)
	const n = 60_000 // more than what sockets hold
	insertDeadNumbers(t, conn, n)
	server := httptest.NewUnstartedServer(newRoom(conn))
	server.Config.ReadTimeout, server.Config.WriteTimeout = 500*time.Millisecond, 500*time.Millisecond
	server.Start()
	defer server.Close()
	r, err := http.Get(server.URL + "/v1/numbers/dead?limit=all&format=ndjson")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	first := make([]byte, 1)
	if _, err := io.ReadFull(r.Body, first); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1500 * time.Millisecond)
	rest, err := io.ReadAll(r.Body)
	if lines := strings.Count(string(rest), "\n"); err != nil || lines != n {
		t.Errorf("%d lines, %v", lines, err)
	}
}

func TestNumbers_Dead_Workbook(t *testing.T) {
	enginetest.Alone(t)
	conn := schematest.Conn(t) // before the setting, which would be the engine's too
	t.Setenv("TMPDIR", t.TempDir())
	many := enginetest.World(t, chunkSize+100, 3*chunkSize, 3*chunkSize)
	insertDeadNumbers(t, conn, many)
	querytest.PutTariffs(t, conn, "acme", querytest.TariffRow("sms", "per_segment_sent", "2.00"))
	broken := dead("lost", "+79999999999", 1)
	broken.streak = []streakRow{{leg: 12345, code: 9, smsSegments: 1}}
	insertHealth(t, conn, "number_health", broken)
	server := httptest.NewServer(newRoom(conn))
	defer server.Close()
	fetch := func(query string) (*http.Response, []byte) {
		t.Helper()
		w, err := http.Get(server.URL + "/v1/numbers/dead?format=xlsx&" + query)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Body.Close()
		body, err := io.ReadAll(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		return w, body
	}
	csv := querytest.Get(newRoom(conn), "/v1/numbers/dead?account=acme&limit=all&format=csv").Body.String()
	first, _, _ := strings.Cut(csv, "\r\n")
	for query, rows := range map[string]int{"account=acme&limit=all": many, "account=acme&limit=10": 10,
		"account=nobody": 0} {
		w, body := fetch(query)
		if w.StatusCode != http.StatusOK || w.Header.Get("Content-Type") != answer.XLSXType ||
			w.Header.Get("Kaskad-As-Of") == "" ||
			w.Header.Get("Content-Disposition") != `attachment; filename="kaskad-numbers-dead.xlsx"` {
			t.Fatal(query, w.Status, w.Header)
		}
		file := querytest.OpenSheet(t, body)
		got, err := file.GetRows(file.GetSheetName(0))
		if err != nil || len(got) != rows+1 || strings.Join(got[0], ",") != first {
			t.Fatalf("%s: %d rows of %v, want %d: %v", query, len(got), got[0], rows+1, err)
		}
		if rows == 0 {
			continue
		}
		last := strconv.Itoa(rows + 1)
		if shown, _, kind := querytest.SheetCell(t, file,
			querytest.SheetColumn(t, file, "number")+last); !strings.HasPrefix(shown, "+7") ||
			kind != excelize.CellTypeInlineString {
			t.Errorf("number %q of type %d", shown, kind)
		}
		for _, name := range []string{"wasted_cost", "failed_mailings"} {
			if shown, raw, kind := querytest.SheetCell(t, file, querytest.SheetColumn(t, file, name)+last); raw == "" ||
				kind != excelize.CellTypeUnset || name == "wasted_cost" && !strings.HasSuffix(shown, ".00") {
				t.Errorf("%s %q (%q) of type %d", name, shown, raw, kind)
			}
		}
	}
	// What fails is an error, also when most rows were there already.
	if w, body := fetch("limit=all"); w.StatusCode < 400 ||
		w.Header.Get("Content-Type") != "application/problem+json" || w.Header.Get("Content-Disposition") != "" {
		t.Errorf("an export that fails: %s %v %.100s", w.Status, w.Header, body)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil ||
		slices.ContainsFunc(left, func(e os.DirEntry) bool { return strings.HasPrefix(e.Name(), "kaskad-xlsx-") }) {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// Columns and rows read the same, whatever accounts and texts hold: names that end a quotation, texts that are not
// UTF-8, reasons out of order, streaks without a price and in two currencies.
func TestNumbers_Dead_ArrowAsRows(t *testing.T) {
	conn, columns := schematest.ConnColumns(t)
	accounts := []string{`x' OR '1'='1`, `back\slash`, "tab\tand\nline", `{account:String}`, "plain"}
	for i, account := range accounts {
		querytest.Execute(t, conn, `INSERT INTO legs (account, leg, channel, provider, operator, country)
			SELECT $1, number, ['sms', 'voice'][1 + number], 'p', '', 'RU' FROM numbers(2)`, account)
		querytest.Execute(t, conn, `INSERT INTO number_health (account, number, version, state, rule, since_ms, rule_version, reasons, failed_mailings, failed_days,
				streak_legs, streak_codes, streak_sms_segments, streak_cohorts_ms, ported, valid, operator, possible_reassignment, guessed,
				reachable_channels, reachable_ms, opt_channels, opt_apps, opt_senders, opt_kinds, opt_since_ms)
			SELECT $1, concat('+7900', leftPad(toString(number * 10 + $2), 7, '0')), 1, 'dead', 'hard', number, 2, map('z', 1, concat('a', unhex('FF')), number), 3, 4,
				if(number % 3 = 0, [], [number % 2, 0]), if(number % 3 = 0, [], [9, 9]),
				if(number % 3 = 0, [], [1, 2]), if(number % 3 = 0, [], [1790000000000, 1790000000001]),
				number % 3 - 1, 1 - number % 3, if(number % 2 = 0, unhex('C3'), unhex('A9')), number % 2, 5,
				if(number % 4 = 0, ['push', 'viber'], []), if(number % 4 = 0, [1, 2], []), if(number % 5 = 0, ['push'], []), if(number % 5 = 0, ['an "app"'], []),
				if(number % 5 = 0, [''], []), if(number % 5 = 0, ['blocked'], []), if(number % 5 = 0, [1790000000000], [])
			FROM numbers(50)`, account, uint64(i))
	}
	querytest.PutTariffs(t, conn, "plain", querytest.TariffRow("sms", "per_segment_sent", "2.00"))
	byColumns, byRows := newRoom(conn, withColumns(columns)), newRoom(conn)
	queries := []string{"", "&account=plain&account=" + url.QueryEscape(accounts[0]), "&rule=hard&rule=soft"}
	for _, account := range accounts {
		queries = append(queries, "&account="+url.QueryEscape(account))
	}
	for _, query := range queries {
		read := func(r room) []map[string]any {
			w := querytest.Get(r, "/v1/numbers/dead?limit=all&format=arrow"+query)
			if w.Code != http.StatusOK {
				t.Fatal(query, w.Code, w.Body)
			}
			rows, _ := querytest.ReadArrow(t, w.Body)
			return rows
		}
		got, want := read(byColumns), read(byRows)
		if len(want) < 50 || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %d rows by columns, %d by rows\n%v\n%v", query, len(got), len(want), got[:1], want[:1])
		}
	}
}
